#include "apportion/allocator/selector.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "apportion/allocator/cluster.hpp"
#include "apportion/allocator/shape.hpp"

namespace apportion {

bool within_bounds(const Plan& plan, const Neighbours& neighbours, InstanceRef instance) {
  return std::ranges::all_of(plan.bounds, [&](const SlotBound& bound) { return within(bound, neighbours, instance); });
}

bool is_promising(const Request& request, InstanceRef instance) {
  return request.slot == nullptr || !request.slot->promising || request.slot->promising(instance);
}

void Selector::visit(const Plan& plan, std::span<const InstanceRef> excluded, const Visit& on_candidate) const {
  for (const VersionPlan& version : plan.versions) {
    if (version.table != nullptr) visit_version(plan, version, excluded, on_candidate);
  }
}

void Selector::visit_version(const Plan& plan, const VersionPlan& version, std::span<const InstanceRef> excluded,
                             const Visit& on_candidate) const {
  const InstanceTable& table = *version.table;
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, table, version.values);
  Scratch scratch;
  Cluster cluster(sections_, expressions_, version, neighbours_);
  source.use_inside(&cluster);
  // The cheap stages first: whole numbers of the columns. Rows are kept by the policy that scores them.
  std::map<Symbol, std::vector<std::uint32_t>> rows;
  for (std::uint32_t row = 0; row < table.rows(); ++row) {
    const bool fits = table.exists(row) && version.fits(row);
    if (!fits || !version.rules.permits(table, row) || !shares(version, row, sections_.ledger, plan.consumer)) continue;
    if (!table.in_service(row, plan.request->ends)) continue;
    if (std::ranges::find(excluded, InstanceRef{table.version, row}) != excluded.end()) continue;
    if (!within_bounds(plan, neighbours_, {table.version, row})) continue;
    rows[version.instances_choose ? table.policy[row] : 0].push_back(row);
  }
  const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
  const TieRule ties = TieRule::of(version.policy->definition, cursor, plan.number);
  for (auto& [own, kept] : rows) {
    const CompiledPolicy& policy = policy_of(sections_, expressions_, version, own);
    if (version.where) kept = filter_rows(kept, *version.where, source, scratch);
    if (policy.where) kept = filter_rows(kept, *policy.where, source, scratch);
    const std::vector<double> scores = score_rows(kept, policy.score, source, scratch);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (std::isnan(scores[i])) continue;
      const std::uint64_t ordinal = table.ordinal[kept[i]];
      const InstanceRef instance{table.version, kept[i]};
      const double key =
          key_of(scores[i], policy.definition) + penalty_of(plan, neighbours_, instance, policy.definition);
      on_candidate({instance, ordinal, scores[i], key, ties.rank(ordinal), own});
    }
  }
}

std::vector<Scored> Selector::ranking(const Plan& plan, std::span<const InstanceRef> excluded) const {
  std::vector<Scored> all;
  visit(plan, excluded, [&](const Scored& candidate) { all.push_back(candidate); });
  std::ranges::sort(all, std::less<>());
  return all;
}

void claim_provisionally(InstanceTable& table, std::uint32_t row, std::span<const Steps> amounts, Transaction& log) {
  table.touched.add_claimed(log, row);
  table.add_used(log, row, amounts, 1);
  ++table.claims.edit(log, row);
}

std::vector<InstanceRef> Selector::choose(const Plan& plan, Transaction& log,
                                          std::span<const InstanceRef> excluded) const {
  const std::size_t count = plan.request->count;
  const bool groups = std::ranges::any_of(
      plan.versions, [](const VersionPlan& v) { return v.reads(Read::kGroup) || v.instances_choose; });
  std::vector<InstanceRef> chosen;
  if (count > 1 && !groups) {
    for (const Scored& candidate : ranking(plan, excluded)) {
      if (chosen.size() < count) chosen.push_back(candidate.instance);
    }
    return chosen;
  }
  const auto preferred = [&](const Scored& candidate) {
    return plan.request->slot != nullptr && candidate.instance == plan.request->slot->preferred;
  };
  const Transaction::Mark start = log.mark();
  chosen.assign(excluded.begin(), excluded.end());  // what was chosen follows
  while (chosen.size() < excluded.size() + count) {
    std::optional<Scored> best;
    visit(plan, chosen, [&](const Scored& candidate) {
      const bool better = !best || (!preferred(*best) && (preferred(candidate) || candidate < *best));
      if (better && is_promising(*plan.request, candidate.instance)) best = candidate;
    });
    if (!best) break;
    chosen.push_back(best->instance);
    const VersionPlan& version = plan.version_of(best->instance);
    claim_provisionally(*version.table, best->instance.row, version.wanted(best->instance.row), log);
  }
  log.rollback(start);
  chosen.erase(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(excluded.size()));
  return chosen;
}

}  // namespace apportion
