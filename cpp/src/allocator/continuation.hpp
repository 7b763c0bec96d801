// What a search has still to do. Private to the area.
#pragma once

namespace apportion {

/// A callable that lives on the stack of whoever made it.
class Next {
 public:
  template <class Call>
  Next(const Call& call)
      : object_(&call), run_([](const void* object) { return (*static_cast<const Call*>(object))(); }) {}
  bool operator()() const { return run_(object_); }

 private:
  const void* object_;
  bool (*run_)(const void*);
};

}  // namespace apportion
