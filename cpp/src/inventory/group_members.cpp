#include "apportion/inventory/group_members.hpp"

#include <algorithm>

namespace apportion {
namespace {

// More changes than this are as dear to follow as to read anew.
constexpr std::size_t kMaxChanged = std::size_t{1} << 16;

}  // namespace

void GroupMembers::catch_up() {
  if (!whole_ || !follow()) read_all();
}

// False when something was said of an instance, or cannot be found out any more.
bool GroupMembers::follow() {
  whole_ = false;
  for (VersionId version = 0; version < catalog_.version_count(); ++version) {
    const InstanceTable* table = inventory_.table(version);
    const bool known = version < seen_.size() && seen_[version].identity != 0;
    if (table == nullptr && !known) continue;
    if (table == nullptr || !known) return false;
    Seen& seen = seen_[version];
    const TouchLog& touched = table->touched;
    if (seen.identity != touched.identity() || seen.said != touched.said()) return false;
    if (seen.members && !touched.reaches(seen.position)) return false;
    for (; seen.members && seen.position < touched.end(); ++seen.position) {
      const std::span<const Symbol> groups = symbols_.list(table->groups[touched[seen.position]]);
      if (touched.claimed(seen.position)) changed_.insert(changed_.end(), groups.begin(), groups.end());
    }
  }
  whole_ = true;
  return changed_.size() <= kMaxChanged;
}

void GroupMembers::read_all() {
  whole_ = false;
  ++generation_;
  changed_.clear();
  members_.clear();
  seen_.assign(catalog_.version_count(), {});
  for (VersionId version = 0; version < catalog_.version_count(); ++version) {
    InstanceTable* table = inventory_.table(version);
    if (table == nullptr) continue;
    Seen& seen = seen_[version];
    seen = {table->touched.identity(), table->touched.said(), false, 0};
    for (std::uint32_t row = 0; row < table->rows(); ++row) {
      if (!table->exists(row)) continue;
      for (const Symbol group : symbols_.list(table->groups[row])) {
        std::vector<InstanceRef>& members = members_[group];
        if (members.empty() || !(members.back() == InstanceRef{version, row})) members.push_back({version, row});
        seen.members = true;
      }
    }
    if (seen.members) seen.position = table->touched.watch();
  }
  whole_ = true;
}

std::span<const InstanceRef> GroupMembers::of(Symbol group) const {
  const auto found = members_.find(group);
  return found == members_.end() ? std::span<const InstanceRef>() : found->second;
}

std::size_t GroupMembers::bytes() const {
  constexpr std::size_t kPerGroup = 64;  // a list, and what the table of lists takes of it
  std::size_t total = changed_.capacity() * sizeof(Symbol);
  for (const auto& [group, members] : members_) total += kPerGroup + members.capacity() * sizeof(InstanceRef);
  return total;
}

}  // namespace apportion
