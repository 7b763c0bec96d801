// What instances need of other instances that they name: part of the tree of whoever is given one.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apportion/allocator/tree_quantities.hpp"

namespace apportion {

/// Thread-compatible; of one request.
class NamedNeeds {
 public:
  /// One need, evaluated.
  struct Ask {
    InstanceRef instance;
    std::vector<Steps> amounts;  ///< steps of the instance's version
    Request request;             ///< for it
    std::string role;            ///< what is behind the path of the instance that has the need
  };

  /// Both outlive it.
  NamedNeeds(Sections sections, const TreeQuantities& quantities) : sections_(sections), quantities_(quantities) {}

  /// Of an instance; it is valid until this is gone.
  [[nodiscard]] const std::vector<NeedDefinition>& of(InstanceRef instance);
  /// What a need asks for where its instance is asked for `asked`. Errors: the place is a key of the need.
  [[nodiscard]] Result<Ask> ask(const NeedDefinition& need, const TypeVersion& owner, std::span<const Steps> asked,
                                const std::string& consumer) const;
  /// In words, what an instance that is asked for `asked` needs and is not there for it now; none: all is there, as far
  /// as each by itself tells.
  [[nodiscard]] std::optional<std::string> missing(InstanceRef instance, std::span<const Steps> asked,
                                                   const std::string& consumer);

 private:
  Sections sections_;
  const TreeQuantities& quantities_;
  std::map<Symbol, std::vector<NeedDefinition>> known_;
};

}  // namespace apportion
