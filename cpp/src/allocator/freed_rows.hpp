// Which instances somebody who waits should look at. Private to the area.
#pragma once

#include <cstdint>
#include <vector>

#include "apportion/allocator/plan.hpp"

namespace apportion {

/// Follows the touch logs of the types that are waited for. Not a part of the state: one that is new, as that of a
/// fork, begins with what is written next. Thread-compatible; guarded by the pool's mutex.
class FreedRows {
 public:
  /// Instances in which something was written since the last call, each once; every instance when the catalogue has
  /// changed. None of types for which nobody waits.
  [[nodiscard]] const std::vector<InstanceRef>& take(const Sections& sections);
  /// What was written so far is of no use to anybody.
  void skip(const Sections& sections);

 private:
  struct Seen {
    std::uint64_t identity = 0;  // of the table's log; 0: none
    std::uint64_t position = 0;
    bool waited = false;  // somebody waits for the type
  };

  void find_waited(const Sections& sections);
  void add_all(const InstanceTable& table);
  void add_written(const InstanceTable& table, std::uint64_t from);

  std::vector<Seen> seen_;  // by version
  std::vector<InstanceRef> found_;
  std::uint64_t stamp_ = 0;  // of the catalogue
};

}  // namespace apportion
