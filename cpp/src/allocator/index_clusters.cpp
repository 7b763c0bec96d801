// Choices by policies that read what lies inside of candidates. Keys are kept per row and sort of request, and a row's
// is evaluated again when it or an instance inside was written.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "apportion/allocator/index.hpp"

namespace apportion {

namespace {

// Sorts of parts per plan that are kept.
constexpr std::size_t kMaxSorts = 1024;

bool reads_column(const CompiledPolicy& policy, Column column) {
  const auto reads = [&](const CompiledFilter& filter) {
    return std::ranges::any_of(filter.bindings, [&](const Binding& binding) { return binding.column == column; });
  };
  return reads(policy.score) || (policy.where && reads(*policy.where));
}

// Keys hold until a row is written.
bool is_steady(const VersionPlan& plan) {
  return !plan.reads(Read::kTime) && !plan.reads(Read::kGroup) && !plan.reads(Read::kConsumer) &&
         !plan.reads(Read::kSlot) && !reads_column(*plan.policy, Column::kScaleSteps);
}

bool same_parts(const Request& a, const Request& b) {
  return a.amounts == b.amounts && a.type == b.type && a.policy == b.policy;
}

}  // namespace

// Rows of the table to evaluate again; false: all of them.
bool Index::follow(ClusterKeys& keys, const InstanceTable& table, std::vector<std::uint32_t>& rows) {
  bool whole = keys.generation == neighbours_.generation();
  keys.seen.resize(sections_.catalog.version_count());
  for (VersionId version = 0; version < keys.seen.size(); ++version) {
    InstanceTable* const other = sections_.inventory.table(version);
    if (other == nullptr) continue;
    const TouchLog& touched = other->touched;
    whole = whole && touched.reaches(keys.seen[version]);
    if (!whole) {
      keys.seen[version] = other->touched.watch();
      continue;
    }
    for (; keys.seen[version] < touched.end(); ++keys.seen[version]) {
      // What is written of an instance concerns all that it lies in.
      InstanceRef at{version, touched[keys.seen[version]]};
      while (at.valid()) {
        const InstanceTable& its = *sections_.inventory.table(at.version);
        if (&its == &table) rows.push_back(at.row);
        const Symbol parent = its.parent[at.row];
        at = parent == 0 ? InstanceRef{} : sections_.inventory.find(parent);
      }
    }
  }
  std::ranges::sort(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return whole;
}

ClusterKeys& Index::cluster_keys(Prepared& plan, std::size_t version) {
  const SlotContext* const slot = plan.request->slot;
  const Parts parts = slot == nullptr ? Parts{} : Parts{slot->parts, slot->parts_count, slot->parts_together};
  const VersionPlan& of = plan.versions[version];
  const std::string_view kind = reads_column(*of.policy, Column::kClaimsOfKind) ? of.values.consumer_kind : "";
  plan.clusters_.resize(plan.versions.size());
  plan.cluster_keys_.resize(plan.versions.size());
  std::vector<std::unique_ptr<ClusterKeys>>& kept = plan.cluster_keys_[version];
  const auto same = [&](const std::unique_ptr<ClusterKeys>& keys) {
    return keys->count == parts.count && keys->together == parts.together && keys->kind == kind &&
           (parts.plan == nullptr || same_parts(keys->parts, *parts.plan->request));
  };
  auto found = std::ranges::find_if(kept, same);
  if (found == kept.end()) {
    if (kept.size() == kMaxSorts) kept.clear();
    auto made = std::make_unique<ClusterKeys>();
    if (parts.plan != nullptr) {
      made->parts.type = parts.plan->request->type;
      made->parts.amounts = parts.plan->request->amounts;
      made->parts.policy = parts.plan->request->policy;
    }
    made->count = parts.count;
    made->together = parts.together;
    made->kind = kind;
    kept.push_back(std::move(made));
    found = kept.end() - 1;
  }
  ClusterKeys& keys = **found;
  std::unique_ptr<Cluster>& cluster = plan.clusters_[version];
  if (!cluster) cluster = std::make_unique<Cluster>(sections_, expressions_, of, neighbours_);
  const bool steady = limit_bytes_ > 0 && is_steady(of) &&
                      (parts.plan == nullptr || std::ranges::all_of(parts.plan->versions, is_steady));
  const bool kinds = reads_column(*of.policy, Column::kClaimKinds) || reads_column(*of.policy, Column::kClaimsOfKind);
  std::vector<std::uint32_t> rows;
  const bool follows = follow(keys, *of.table, rows);
  const Hash128 consumers = kinds ? sections_.ledger.consumers().hash() : Hash128{};
  if (!follows || !steady || !(consumers == keys.consumers) || keys.keys.size() != of.table->rows()) {
    rows.clear();
    for (std::uint32_t row = 0; row < of.table->rows(); ++row) {
      if (of.table->exists(row)) rows.push_back(row);
    }
    keys.keys.assign(of.table->rows(), std::nan(""));
    keys.chosen.assign(of.table->rows(), InstanceRef{});
  }
  keys.generation = 0;  // whatever fails meanwhile, it is done again
  keys.consumers = consumers;
  std::vector<double> fresh(rows.size());
  std::vector<InstanceRef> chosen(rows.size());
  cluster->keys(rows, parts, fresh, chosen);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    keys.keys[rows[i]] = fresh[i];
    keys.chosen[rows[i]] = chosen[i];
  }
  keys.generation = neighbours_.generation();
  return keys;
}

std::optional<InstanceRef> Index::best_cluster(Prepared& plan, std::span<const InstanceRef> excluded) {
  const SlotContext* const slot = plan.request->slot;
  const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
  std::optional<InstanceRef> best;
  std::pair<double, std::uint64_t> lead;
  for (std::size_t i = 0; i < plan.versions.size(); ++i) {
    const VersionPlan& version = plan.versions[i];
    if (version.table == nullptr) continue;
    const ClusterKeys& known = cluster_keys(plan, i);
    const TieRule ties = TieRule::of(version.policy->definition, cursor, plan.number);
    for (std::uint32_t row = 0; row < known.keys.size(); ++row) {
      const double key = known.keys[row];
      if (std::isnan(key) || (best && key > lead.first)) continue;
      const std::pair<double, std::uint64_t> its{key, ties.rank(version.table->ordinal[row])};
      const InstanceRef instance{version.version->id, row};
      if (best && !(its < lead)) continue;
      if (!version.table->fits(row, version.values.amounts) || !version.rules.permits(*version.table, row) ||
          !shares(version, row, sections_.ledger, plan.consumer) ||
          std::ranges::find(excluded, instance) != excluded.end() ||
          (slot != nullptr && !within_bounds(*plan.request, neighbours_, instance)) ||
          !is_promising(*plan.request, instance))
        continue;
      best = instance;
      lead = its;
      plan.part_ = known.chosen[row];
    }
  }
  return best;
}

std::vector<InstanceRef> Index::choose_clusters(Prepared& plan, Transaction& log,
                                                std::span<const InstanceRef> excluded) {
  const bool kinds = std::ranges::any_of(plan.versions, [](const VersionPlan& version) {
    return reads_column(*version.policy, Column::kClaimKinds) || reads_column(*version.policy, Column::kClaimsOfKind);
  });
  if (kinds && limit_bytes_ > 0) sections_.ledger.keep_lists(log);
  const Transaction::Mark start = log.mark();
  std::vector<InstanceRef> chosen(excluded.begin(), excluded.end());  // what is chosen follows
  plan.part_ = {};
  while (chosen.size() < excluded.size() + plan.request->count) {
    const std::optional<InstanceRef> next = best_cluster(plan, chosen);
    if (!next) break;
    chosen.push_back(*next);
    if (chosen.size() == excluded.size() + plan.request->count) break;
    const VersionPlan& version = plan.version_of(*next);
    claim_provisionally(*version.table, next->row, version.values.amounts, log);
  }
  log.rollback(start);
  chosen.erase(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(excluded.size()));
  return chosen;
}

}  // namespace apportion
