// Choices by policies that read what lies inside of candidates. Keys are kept per row and sort of request, and a row's
// is evaluated again when it or an instance inside was written.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "apportion/allocator/index.hpp"

namespace apportion {

namespace {

// Rows of keys that are kept, of all sorts together: 16 MiB.
constexpr std::size_t kMaxRows = std::size_t{1} << 20;
constexpr std::size_t kMaxClusters = 256;
constexpr std::size_t kMaxChanges = std::size_t{1} << 20;

// Keys hold until a row is written.
bool is_steady(const VersionPlan& plan) {
  return !plan.reads(Read::kTime) && !plan.reads(Read::kGroup) && !plan.reads(Read::kConsumer) &&
         !plan.reads(Read::kSlot);
}

// Equal ones come in the same order each time.
bool keeps_order(const Plan& plan) {
  const Ties ties = plan.versions.back().policy->definition.ties;
  return ties == Ties::kLowestId || ties == Ties::kHighestId;
}

}  // namespace

const ClusterChanges& Index::changes_of(const InstanceTable& table) {
  ClusterChanges& changes = cluster_changes_[table.version];
  bool whole = changes.generation > 0 && changes.neighbours == neighbours_.generation() &&
               changes.rows.size() < kMaxChanges && changes.seen.size() == sections_.catalog.version_count();
  changes.seen.resize(sections_.catalog.version_count());
  const std::size_t before = changes.rows.size();  // readers know these
  for (VersionId version = 0; version < changes.seen.size(); ++version) {
    InstanceTable* const other = sections_.inventory.table(version);
    if (other == nullptr) continue;
    TouchLog& touched = other->touched;
    std::uint64_t& seen = changes.seen[version];
    whole = whole && touched.reaches(seen);
    if (!whole) {
      seen = touched.watch();
      continue;
    }
    for (; seen < touched.end(); ++seen) {
      // What is written of an instance concerns all that it lies in.
      InstanceRef at{version, touched[seen]};
      while (at.valid()) {
        const InstanceTable& its = *sections_.inventory.table(at.version);
        const bool known = changes.rows.size() > before && changes.rows.back() == at.row;
        if (&its == &table && !known) changes.rows.push_back(at.row);
        const Symbol parent = its.parent[at.row];
        at = parent == 0 ? InstanceRef{} : sections_.inventory.find(parent);
      }
    }
  }
  if (whole) return changes;
  // The logs of versions before the one that was not whole have been read in part: from now on all of them.
  for (VersionId version = 0; version < changes.seen.size(); ++version) {
    InstanceTable* const other = sections_.inventory.table(version);
    if (other != nullptr) changes.seen[version] = other->touched.watch();
  }
  ++changes.generation;
  changes.neighbours = neighbours_.generation();
  changes.rows.clear();
  return changes;
}

void Index::forget_clusters() {
  clusters_.clear();
  cluster_keys_.clear();
  cluster_changes_.clear();
  cluster_rows_ = 0;
}

Cluster& Index::cluster_for(const VersionPlan& version) {
  if (clusters_.size() >= kMaxClusters) clusters_.clear();
  std::unique_ptr<Cluster>& held = clusters_[{version.version->id, version.policy}];
  if (!held) held = std::make_unique<Cluster>(sections_, expressions_, version, neighbours_);
  held->use(version);
  return *held;
}

ClusterKeys& Index::cluster_keys(const Plan& plan, const VersionPlan& version) {
  const SlotContext* const slot = plan.request->slot;
  const Parts parts = slot == nullptr ? Parts{} : Parts{slot->parts, slot->parts_count, slot->parts_together};
  const InstanceTable& table = *version.table;
  ClusterSort sort = ClusterSort::of(version, parts);
  const std::uint64_t digest = sort.digest();
  const auto [first, end] = cluster_keys_.equal_range(digest);
  auto found = std::find_if(first, end, [&](const auto& entry) { return entry.second->sort == sort; });
  if (found == end) {
    if (cluster_rows_ + table.rows() > kMaxRows) forget_clusters();
    auto made = std::make_unique<ClusterKeys>();
    made->sort = std::move(sort);
    cluster_rows_ += table.rows();
    found = cluster_keys_.emplace(digest, std::move(made));
  }
  ClusterKeys& keys = *found->second;
  const bool steady = limit_bytes_ > 0 && is_steady(version) &&
                      (parts.plan == nullptr || parts.each() ||
                       (std::ranges::all_of(parts.plan->versions, is_steady) && keeps_order(*parts.plan)));
  const bool kinds =
      reads_column(*version.policy, Column::kClaimKinds) || reads_column(*version.policy, Column::kClaimsOfKind);
  const ClusterChanges& changes = changes_of(table);
  const bool follows = keys.generation == changes.generation;
  std::vector<std::uint32_t> rows;
  if (follows) rows.assign(changes.rows.begin() + static_cast<std::ptrdiff_t>(keys.seen), changes.rows.end());
  std::ranges::sort(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  const Hash128 consumers = kinds ? sections_.ledger.consumers().hash() : Hash128{};
  if (!follows || !steady || !(consumers == keys.consumers) || keys.keys.size() != table.rows()) {
    rows.clear();
    for (std::uint32_t row = 0; row < table.rows(); ++row) {
      if (table.exists(row)) rows.push_back(row);
    }
    keys.keys.assign(table.rows(), std::nan(""));
    keys.chosen.assign(table.rows(), InstanceRef{});
  }
  keys.generation = 0;  // whatever fails meanwhile, it is done again
  keys.consumers = consumers;
  std::vector<double> fresh(rows.size());
  std::vector<InstanceRef> chosen(rows.size());
  Cluster& cluster = cluster_for(version);
  cluster.keys(rows, parts, fresh, chosen);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    keys.keys[rows[i]] = fresh[i];
    keys.chosen[rows[i]] = chosen[i];
  }
  // What policies of instances read of the request is not a part of the sort.
  keys.generation = cluster.met_own() ? 0 : changes.generation;
  keys.seen = changes.rows.size();
  return keys;
}

std::optional<InstanceRef> Index::best_cluster(Prepared& plan, std::span<const InstanceRef> excluded) {
  const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
  std::optional<InstanceRef> best;
  std::pair<double, std::uint64_t> lead;
  for (std::size_t i = 0; i < plan.versions.size(); ++i) {
    const VersionPlan& version = plan.versions[i];
    if (version.table == nullptr) continue;
    const ClusterKeys& known = cluster_keys(plan, version);
    const TieRule ties = TieRule::of(version.policy->definition, cursor, plan.number);
    for (std::uint32_t row = 0; row < known.keys.size(); ++row) {
      double key = known.keys[row];
      if (std::isnan(key) || (best && key > lead.first)) continue;
      const InstanceRef instance{version.version->id, row};
      if (!plan.preferences.empty()) key += penalty_of(plan, neighbours_, instance, definition_for(version, row));
      const std::pair<double, std::uint64_t> its{key, ties.rank(version.table->ordinal[row])};
      if (best && !(its < lead)) continue;
      if (!version.fits(row) || !version.rules.permits(*version.table, row) ||
          !shares(version, row, sections_.ledger, plan.consumer) ||
          std::ranges::find(excluded, instance) != excluded.end() || !within_bounds(plan, neighbours_, instance) ||
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
    claim_provisionally(*version.table, next->row, version.wanted(next->row), log);
  }
  log.rollback(start);
  chosen.erase(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(excluded.size()));
  return chosen;
}

}  // namespace apportion
