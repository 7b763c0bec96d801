#include "freed_rows.hpp"

#include <algorithm>

namespace apportion {

// Instances of any version may serve those who wait for one of them.
void FreedRows::find_waited(const Sections& sections) {
  seen_.resize(sections.catalog.version_count());
  for (Seen& seen : seen_) seen.waited = false;
  for (VersionId id = 0; id < seen_.size(); ++id) {
    if (sections.ledger.waiting().queue(id) == nullptr) continue;
    for (const TypeVersion* version : sections.catalog.versions_of(sections.catalog.version(id).definition.name))
      seen_[version->id].waited = true;
  }
}

const std::vector<InstanceRef>& FreedRows::take(const Sections& sections) {
  found_.clear();
  find_waited(sections);
  const bool all = stamp_ != sections.catalog.stamp();
  stamp_ = sections.catalog.stamp();
  for (VersionId id = 0; id < seen_.size(); ++id) {
    InstanceTable* const table = sections.inventory.table(id);
    if (table == nullptr) continue;
    Seen& seen = seen_[id];
    if (seen.waited) {
      const bool follows = seen.identity == table->touched.identity() && table->touched.reaches(seen.position);
      if (all || !follows) {
        add_all(*table);
      } else {
        add_written(*table, seen.position);
      }
    }
    seen = {table->touched.identity(), table->touched.watch(), seen.waited};
  }
  return found_;
}

void FreedRows::skip(const Sections& sections) {
  stamp_ = sections.catalog.stamp();
  seen_.resize(sections.catalog.version_count());
  for (VersionId id = 0; id < seen_.size(); ++id) {
    if (InstanceTable* const table = sections.inventory.table(id))
      seen_[id] = {table->touched.identity(), table->touched.watch(), seen_[id].waited};
  }
}

void FreedRows::add_all(const InstanceTable& table) {
  for (std::uint32_t row = 0; row < table.rows(); ++row) {
    if (table.exists(row)) found_.push_back({table.version, row});
  }
}

void FreedRows::add_written(const InstanceTable& table, std::uint64_t from) {
  const auto begin = static_cast<std::ptrdiff_t>(found_.size());
  for (std::uint64_t at = from; at < table.touched.end(); ++at) {
    if (table.exists(table.touched[at])) found_.push_back({table.version, table.touched[at]});
  }
  if (found_.size() <= static_cast<std::size_t>(begin) + 1) return;
  std::sort(found_.begin() + begin, found_.end(),
            [](const InstanceRef& a, const InstanceRef& b) { return a.row < b.row; });
  found_.erase(std::unique(found_.begin() + begin, found_.end()), found_.end());
}

}  // namespace apportion
