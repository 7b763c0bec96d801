// Who reads the totals of which group: where a claim on one instance changes the keys of others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "apportion/allocator/roster.hpp"
#include "apportion/allocator/scorer.hpp"

namespace apportion {

/// The positions of a roster by the group that the filters and the score of a plan read for each. Thread-compatible.
class GroupReaders {
 public:
  /// So many may read one group: each is looked at when one of its members is written.
  static constexpr std::size_t kMost = 256;

  /// True when every group that is read is named by the candidate itself, as in group(self.rack), by something that
  /// stays as it is until something is said of the candidate. Calls that constant folding removed count.
  [[nodiscard]] static bool followable(const VersionPlan& plan);

  /// Looks at every instance of the roster, whether it fits at present or not. REQUIRES: followable(plan).
  void find(const Sections& sections, const VersionPlan& plan, const Roster& roster);
  /// In order.
  [[nodiscard]] std::span<const std::uint32_t> of(Symbol group) const;
  /// More than kMost read some group.
  [[nodiscard]] bool crowded() const { return crowded_; }
  [[nodiscard]] std::size_t bytes() const;

 private:
  std::unordered_map<Symbol, std::vector<std::uint32_t>> readers_;
  std::size_t entries_ = 0;
  bool crowded_ = false;
};

}  // namespace apportion
