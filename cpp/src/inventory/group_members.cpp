#include "apportion/inventory/group_members.hpp"

#include <algorithm>

namespace apportion {
namespace {

// More changes than this are as dear to follow as to read anew.
constexpr std::size_t kMaxChanged = std::size_t{1} << 16;

}  // namespace

void GroupMembers::catch_up() {
  if (generation_ == 0 || !follow()) read_all();
}

// False when something was said of an instance, or cannot be found out any more.
bool GroupMembers::follow() {
  for (VersionId version = 0; version < catalog_.version_count(); ++version) {
    const InstanceTable* table = inventory_.table(version);
    const bool known = version < seen_.size() && seen_[version].identity != 0;
    if (table == nullptr && !known) continue;
    if (table == nullptr || !known) return false;
    Seen& seen = seen_[version];
    const TouchLog& touched = table->touched;
    if (seen.identity != touched.identity() || !touched.reaches(seen.position)) return false;
    for (; seen.position < touched.end(); ++seen.position) {
      const std::uint32_t row = touched[seen.position];
      if (!touched.claimed(seen.position) || row >= table->rows()) return false;
      const std::span<const Symbol> groups = symbols_.list(table->groups[row]);
      changed_.insert(changed_.end(), groups.begin(), groups.end());
    }
  }
  return changed_.size() <= kMaxChanged;
}

void GroupMembers::read_all() {
  ++generation_;
  changed_.clear();
  members_.clear();
  seen_.assign(catalog_.version_count(), {});
  for (VersionId version = 0; version < catalog_.version_count(); ++version) {
    InstanceTable* table = inventory_.table(version);
    if (table == nullptr) continue;
    seen_[version] = {table->touched.identity(), table->touched.watch()};
    for (std::uint32_t row = 0; row < table->rows(); ++row) {
      if (!table->exists(row)) continue;
      for (const Symbol group : symbols_.list(table->groups[row])) {
        std::vector<InstanceRef>& members = members_[group];
        if (members.empty() || !(members.back() == InstanceRef{version, row})) members.push_back({version, row});
      }
    }
  }
}

std::span<const InstanceRef> GroupMembers::of(Symbol group) const {
  const auto found = members_.find(group);
  return found == members_.end() ? std::span<const InstanceRef>() : found->second;
}

}  // namespace apportion
