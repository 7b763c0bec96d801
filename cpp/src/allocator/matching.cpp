#include "apportion/allocator/matching.hpp"

#include <vector>

#include "apportion/allocator/cluster.hpp"
#include "apportion/allocator/selector.hpp"

namespace apportion {

Matching count_matching(const Sections& sections, Expressions& expressions, const Plan& plan, Neighbours& neighbours) {
  Matching found;
  Scratch scratch;
  for (const VersionPlan& version : plan.versions) {
    if (version.table == nullptr) continue;
    const InstanceTable& table = *version.table;
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < table.rows(); ++row) {
      if (table.exists(row) && within_bounds(plan, neighbours, {table.version, row})) rows.push_back(row);
    }
    if (version.where) {
      RowSource source(sections.inventory, sections.symbols, sections.catalog, table, version.values);
      Cluster cluster(sections, expressions, version, neighbours);
      source.use_inside(&cluster);
      rows = filter_rows(rows, *version.where, source, scratch);
    }
    found.all += static_cast<std::uint32_t>(rows.size());
    for (const std::uint32_t row : rows) {
      const bool free = version.fits(row) && version.rules.permits(table, row) &&
                        table.in_service(row, plan.request->ends) &&
                        shares(version, row, sections.ledger, plan.consumer);
      found.free += free ? 1 : 0;
    }
  }
  return found;
}

}  // namespace apportion
