// The members of each group of instances, and which groups' totals changed: what makes totals cost as much as a group
// has members.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "apportion/inventory/inventory.hpp"

namespace apportion {

/// Follows all tables by their logs of touched rows; ask nothing before `catch_up`. Claims change totals, measured
/// usage nothing; whatever is said of any instance begins a new generation, as members may have come or gone. Not a
/// part of the state. Thread-compatible.
class GroupMembers {
 public:
  /// All three must outlive it.
  GroupMembers(const Inventory& inventory, const Symbols& symbols, const Catalog& catalog)
      : inventory_(inventory), symbols_(symbols), catalog_(catalog) {}

  /// Reads what was written since the last call; every row at the first one.
  void catch_up();

  /// Changes when the groups were read anew.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// In order of tables and rows.
  [[nodiscard]] std::span<const InstanceRef> of(Symbol group) const;
  /// Groups of which a member was claimed or released since the generation began, each at a place that only grows. The
  /// place after the newest.
  [[nodiscard]] std::uint64_t changed_end() const { return changed_.size(); }
  /// REQUIRES: place < changed_end().
  [[nodiscard]] Symbol changed(std::uint64_t place) const { return changed_[place]; }

  [[nodiscard]] std::size_t bytes() const;

 private:
  /// How far a table was read.
  struct Seen {
    std::uint64_t identity = 0;  // 0: there was no table
    std::uint64_t said = 0;
    bool members = false;  // of any group: else its claims are nobody's business
    std::uint64_t position = 0;
  };

  [[nodiscard]] bool follow();
  void read_all();

  const Inventory& inventory_;
  const Symbols& symbols_;
  const Catalog& catalog_;
  std::uint64_t generation_ = 0;
  bool whole_ = false;      // what follows is what was read
  std::vector<Seen> seen_;  // by version
  std::unordered_map<Symbol, std::vector<InstanceRef>> members_;
  std::vector<Symbol> changed_;
};

}  // namespace apportion
