#include "apportion/allocator/cluster.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "apportion/allocator/shape.hpp"

namespace apportion {
namespace {

constexpr double kNoKey = std::numeric_limits<double>::quiet_NaN();

}  // namespace

bool reads_inside(const VersionPlan& plan) { return plan.reads(Read::kInside); }

bool reads_column(const CompiledPolicy& policy, Column column) {
  const auto reads = [&](const CompiledFilter& filter) {
    return std::ranges::any_of(filter.bindings, [&](const Binding& binding) { return binding.column == column; });
  };
  return reads(policy.score) || (policy.where && reads(*policy.where));
}

Cluster::Cluster(Sections sections, Expressions& expressions, const VersionPlan& plan, Neighbours& neighbours,
                 View view)
    : sections_(sections),
      expressions_(expressions),
      plan_(&plan),
      neighbours_(neighbours),
      view_(view),
      policy_(plan.policy.get()) {}

void Cluster::use(const VersionPlan& plan) {
  plan_ = &plan;
  policy_ = plan.policy.get();
}

// --- lanes

// Those that have room, in order of versions and rows.
void Cluster::find_parts(std::uint32_t row, const Parts& parts) {
  for (const VersionPlan& version : parts.plan->versions) {
    if (version.table == nullptr) continue;
    const InstanceTable& table = *version.table;
    for (const std::uint32_t inner : neighbours_.inside({plan_->version->id, row}, version.version->id)) {
      if (version.fits(inner) && version.rules.permits(table, inner) &&
          shares(version, inner, sections_.ledger, parts.plan->consumer))
        found_.push_back({{version.version->id, inner}, table.ordinal[inner], 0, 0});
    }
  }
}

// A lane for each of the parts found; of those that are equal, which make no difference, the one with the lowest
// ordinal.
void Cluster::add_lanes_for_each(std::uint32_t row, std::uint32_t place) {
  const std::size_t first = lanes_.size();
  for (const Part& part : found_) {
    const InstanceTable& table = *sections_.inventory.table(part.instance.version);
    const auto equal = [&](const Lane& lane) {
      const InstanceRef other = chosen_[lane.first];
      if (other.version != part.instance.version) return false;
      for (std::size_t d = 0; d < table.dimensions.size(); ++d) {
        if (free_of(table, other.row, d) != free_of(table, part.instance.row, d)) return false;
      }
      return is_idle(table, other.row) == is_idle(table, part.instance.row);
    };
    const auto same = std::find_if(lanes_.begin() + static_cast<std::ptrdiff_t>(first), lanes_.end(), equal);
    if (same == lanes_.end()) {
      const auto at = static_cast<std::uint32_t>(chosen_.size());
      chosen_.push_back(part.instance);
      lanes_.push_back({row, at, at + 1, place, part.ordinal});
    } else if (part.ordinal < same->ordinal) {
      chosen_[same->first] = part.instance;
      same->ordinal = part.ordinal;
    }
  }
}

// By their own policy.
void Cluster::rate(const Plan& plan) {
  const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
  for (const VersionPlan& version : plan.versions) {
    std::vector<std::uint32_t> rows;
    for (const Part& part : found_) {
      if (part.instance.version == version.version->id) rows.push_back(part.instance.row);
    }
    if (rows.empty()) continue;
    std::vector<double> keys(rows.size());
    Scorer(sections_, expressions_, version, work_).keys(rows, keys.data());
    const TieRule ties = TieRule::of(version.policy->definition, cursor, plan.number);
    auto key = keys.begin();
    for (Part& part : found_) {
      if (part.instance.version != version.version->id) continue;
      part.key = *key++;
      part.rank = ties.rank(part.ordinal);
    }
  }
}

void Cluster::add_rated_lanes(const Parts& parts) {
  rate(*parts.plan);
  std::size_t first = 0;
  for (auto& [lane, end] : waiting_) {
    const auto begin = found_.begin() + static_cast<std::ptrdiff_t>(first);
    first = end;
    const auto left =
        std::remove_if(begin, found_.begin() + end, [](const Part& part) { return std::isnan(part.key); });
    if (left - begin < static_cast<std::ptrdiff_t>(parts.count)) continue;
    const auto middle = begin + static_cast<std::ptrdiff_t>(parts.count);
    std::partial_sort(begin, middle, left,
                      [](const Part& a, const Part& b) { return std::tie(a.key, a.rank) < std::tie(b.key, b.rank); });
    lane.first = static_cast<std::uint32_t>(chosen_.size());
    for (auto part = begin; part != middle; ++part) chosen_.push_back(part->instance);
    lane.end = static_cast<std::uint32_t>(chosen_.size());
    lanes_.push_back(lane);
  }
}

void Cluster::find_lanes(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> places,
                         const Parts& parts) {
  lanes_.clear();
  chosen_.clear();
  found_.clear();
  waiting_.clear();
  looked_at_.reset();
  parts_ = parts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (parts.plan == nullptr) {
      lanes_.push_back({rows[i], 0, 0, places[i], 0});
      continue;
    }
    const std::size_t before = parts.each() ? 0 : found_.size();
    if (parts.each()) found_.clear();
    find_parts(rows[i], parts);
    if (parts.each()) {
      add_lanes_for_each(rows[i], places[i]);
    } else if (found_.size() - before < parts.count) {
      found_.resize(before);
    } else {
      waiting_.emplace_back(Lane{rows[i], 0, 0, places[i], 0}, static_cast<std::uint32_t>(found_.size()));
    }
  }
  if (!waiting_.empty()) add_rated_lanes(parts);
}

void Cluster::evaluate(const CompiledFilter& score) {
  lane_rows_.clear();
  for (const Lane& lane : lanes_) lane_rows_.push_back(lane.row);
  scores_.resize(lanes_.size());
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, *plan_->table, plan_->values, view_);
  source.use_records(work_.records);
  source.use_inside(this);
  source.use(score.bindings);
  score.program.begin(source, scratch_);
  for (std::size_t at = 0; at < lane_rows_.size(); at += kBlockLanes) {
    const std::size_t size = std::min<std::size_t>(kBlockLanes, lane_rows_.size() - at);
    offset_ = at;
    source.set(std::span<const std::uint32_t>(lane_rows_).subspan(at, size));
    score.program.evaluate(source, static_cast<std::uint32_t>(size), scores_.data() + at, scratch_);
  }
}

void Cluster::keys(std::span<const std::uint32_t> rows, const Parts& parts, std::span<double> keys,
                   std::span<InstanceRef> chosen) {
  std::ranges::fill(keys, kNoKey);
  met_own_ = false;
  // Rows and their places by the policy that scores them.
  std::map<Symbol, std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>>> by_policy;
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    auto& [its_rows, places] = by_policy[plan_->instances_choose ? plan_->table->policy[rows[i]] : 0];
    its_rows.push_back(rows[i]);
    places.push_back(i);
  }
  for (auto& [own, kept] : by_policy) {
    const CompiledPolicy& policy = policy_of(sections_, expressions_, *plan_, own);
    met_own_ = met_own_ || own != 0;
    policy_ = &policy;
    for (const CompiledFilter* const where : {plan_->where.get(), policy.where ? &*policy.where : nullptr}) {
      if (where == nullptr) continue;
      find_lanes(kept.first, kept.second, {});
      evaluate(*where);
      kept.first.clear();
      kept.second.clear();
      for (std::size_t i = 0; i < lanes_.size(); ++i) {
        if (scores_[i] != 1.0) continue;
        kept.first.push_back(lanes_[i].row);
        kept.second.push_back(lanes_[i].place);
      }
    }
    find_lanes(kept.first, kept.second, parts);
    evaluate(policy.score);
    const Lane* best = nullptr;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const Lane& lane = lanes_[i];
      const double key = key_of(scores_[i], policy.definition);
      if (std::isnan(key)) continue;
      double& least = keys[lane.place];
      // Of equal ones the part that came first; the lanes of a row follow each other.
      const bool later = best != nullptr && best->place == lane.place && best->ordinal < lane.ordinal;
      if (least < key || (least == key && later)) continue;
      least = key;
      best = &lane;
      chosen[lane.place] = parts.each() ? chosen_[lane.first] : InstanceRef{};
    }
  }
  lanes_.clear();
}

// --- what expressions read

void Cluster::read(const Binding& binding, const RowBlock& rows, std::uint32_t n, double* out) {
  std::span<const Lane> lanes;
  if (lanes_.empty()) {
    plain_.clear();
    for (std::uint32_t i = 0; i < n; ++i) plain_.push_back({rows[i], 0, 0, i, 0});
    looked_at_.reset();
    lanes = plain_;
  } else {
    lanes = std::span<const Lane>(lanes_).subspan(offset_, n);
  }
  switch (binding.column) {
    case Column::kInsideMembers:
    case Column::kInsideIdle:
    case Column::kInsideFree:
    case Column::kInsideUsed:
      return read_inside(binding, lanes, out);
    case Column::kChosenMembers:
    case Column::kChosenIdle:
    case Column::kChosenFree:
    case Column::kChosenRequest:
      return read_chosen(binding, lanes, out);
    case Column::kClaimKinds:
    case Column::kClaimsOfKind:
      for (std::uint32_t i = 0; i < n; ++i) out[i] = claims(binding.column, lanes[i].row);
      return;
    default:
      return read_fragmentation(binding.column, lanes, out);
  }
}

Steps Cluster::free_of(const InstanceTable& table, std::uint32_t row, std::size_t d) const {
  const Steps used = view_ == View::kEmpty ? 0 : table.dimensions[d].used[row];
  return std::max<Steps>(0, table.dimensions[d].limit[row] - used);
}

std::vector<Cluster::Inner> Cluster::inners(std::string_view type, std::string_view dimension) const {
  std::vector<Inner> found;
  for (const TypeVersion* const version : sections_.catalog.versions_of(type)) {
    const auto& dimensions = version->definition.dimensions;
    const auto at = std::ranges::find(dimensions, dimension, &DimensionDefinition::name);
    Inner inner{version->id, sections_.inventory.table(version->id), {}, {}};
    if (at != dimensions.end()) {
      inner.dimension = static_cast<std::size_t>(at - dimensions.begin());
      inner.step = at->step;
    }
    if (inner.table != nullptr) found.push_back(inner);
  }
  return found;
}

void Cluster::read_inside(const Binding& binding, std::span<const Lane> lanes, double* out) {
  const auto& dimensions = sections_.catalog.find_type(binding.name)->definition.dimensions;
  const bool amounts = binding.column == Column::kInsideFree || binding.column == Column::kInsideUsed;
  const std::vector<Inner> versions = inners(binding.name, amounts ? dimensions[binding.index].name : "");
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    if (i > 0 && lanes[i].row == lanes[i - 1].row) {
      out[i] = out[i - 1];
      continue;
    }
    double sum = 0;
    for (const Inner& inner : versions) {
      if (amounts && !inner.dimension) continue;
      const auto rows = neighbours_.inside({plan_->version->id, lanes[i].row}, inner.version);
      if (binding.column == Column::kInsideMembers) sum += static_cast<double>(rows.size());
      Steps steps = 0;
      for (const std::uint32_t row : rows) {
        if (binding.column == Column::kInsideIdle) sum += is_idle(*inner.table, row) ? 1 : 0;
        if (!amounts) continue;
        const Steps free = free_of(*inner.table, row, *inner.dimension);
        steps +=
            binding.column == Column::kInsideFree ? free : inner.table->dimensions[*inner.dimension].limit[row] - free;
      }
      if (amounts) sum += to_units(steps, inner.step);
    }
    out[i] = sum;
  }
}

void Cluster::read_chosen(const Binding& binding, std::span<const Lane> lanes, double* out) {
  const auto& dimensions = sections_.catalog.find_type(binding.name)->definition.dimensions;
  const bool amounts = binding.column == Column::kChosenFree || binding.column == Column::kChosenRequest;
  const std::vector<Inner> versions = inners(binding.name, amounts ? dimensions[binding.index].name : "");
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    double sum = 0;
    for (std::uint32_t k = lanes[i].first; k < lanes[i].end; ++k) {
      const InstanceRef part = chosen_[k];
      const auto inner = std::ranges::find(versions, part.version, &Inner::version);
      if (inner == versions.end()) continue;
      if (binding.column == Column::kChosenMembers) sum += 1;
      if (binding.column == Column::kChosenIdle) sum += is_idle(*inner->table, part.row) ? 1 : 0;
      if (!amounts || !inner->dimension) continue;
      const Steps asked = parts_.plan->version_of(part).values.amounts[*inner->dimension];
      sum +=
          to_units(binding.column == Column::kChosenFree ? free_of(*inner->table, part.row, *inner->dimension) : asked,
                   inner->step);
    }
    out[i] = sum;
  }
}

// Kinds of consumers, as far as they have one.
double Cluster::claims(Column column, std::uint32_t row) const {
  if (view_ == View::kEmpty) return 0;
  const Ledger& ledger = sections_.ledger;
  std::set<Symbol> kinds;
  double of_kind = 0;
  for (const ClaimId claim : ledger.claims_on({plan_->version->id, row})) {
    const Symbol kind = ledger.consumers().row(ledger.find(claim)->consumer).kind;
    if (kind == 0) continue;
    kinds.insert(kind);
    of_kind += sections_.symbols.text(kind) == plan_->values.consumer_kind ? 1 : 0;
  }
  return column == Column::kClaimKinds ? static_cast<double>(kinds.size()) : of_kind;
}

std::uint64_t Cluster::admitted(std::uint32_t row) {
  const Fragmentation& fragmentation = *policy_->fragmentation;
  if (admitted_by_ != &fragmentation || admitted_at_ != neighbours_.generation()) admitted_.clear();
  admitted_by_ = &fragmentation;
  admitted_at_ = neighbours_.generation();
  admitted_.resize(plan_->table->rows());
  if (admitted_[row]) return *admitted_[row];
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, *plan_->table, plan_->values, view_);
  Scratch scratch;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < fragmentation.filters().size(); ++i) {
    if (score_rows(std::span(&row, 1), fragmentation.filters()[i], source, scratch).front() == 1.0)
      bits |= std::uint64_t{1} << i;
  }
  admitted_[row] = bits;
  return bits;
}

// As the row is before anything is chosen, and what its own amounts change.
void Cluster::look_at_fragments(std::uint32_t row) {
  if (looked_at_ == row) return;
  looked_at_ = row;
  const Fragmentation& of = *policy_->fragmentation;
  const std::uint64_t admits = admitted(row);
  part_free_.clear();
  for (const Inner& inner : fragments_) {
    if (!inner.dimension) continue;
    for (const std::uint32_t part : neighbours_.inside({plan_->version->id, row}, inner.version))
      part_free_.push_back(of.counted(free_of(*inner.table, part, *inner.dimension), inner.step));
  }
  free_.clear();
  for (const std::uint32_t d : of.dimensions()) free_.push_back(free_of(*plan_->table, row, d));
  of.count(part_free_, counts_);
  of.fit(free_, admits, fitting_);
  before_ = of.sum(counts_, fitting_);
  for (std::size_t i = 0; i < free_.size(); ++i) free_[i] -= plan_->values.amounts[of.dimensions()[i]];
  of.fit(free_, admits, after_fitting_);
}

void Cluster::read_fragmentation(Column column, std::span<const Lane> lanes, double* out) {
  if (!policy_->fragmentation) return static_cast<void>(std::fill_n(out, lanes.size(), kNoKey));
  const Fragmentation& of = *policy_->fragmentation;
  fragments_ = inners(of.parts(), of.dimension());
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    const Lane& lane = lanes[i];
    look_at_fragments(lane.row);
    if (column == Column::kFragmentationBefore) {
      out[i] = of.units(before_);
      continue;
    }
    after_counts_ = counts_;
    for (std::uint32_t k = lane.first; k < lane.end; ++k) {
      const InstanceRef part = chosen_[k];
      const auto inner = std::ranges::find(fragments_, part.version, &Inner::version);
      if (inner == fragments_.end() || !inner->dimension) continue;
      const Steps free = free_of(*inner->table, part.row, *inner->dimension);
      const Steps asked = parts_.plan->version_of(part).values.amounts[*inner->dimension];
      of.change(of.counted(free, inner->step), of.counted(free - asked, inner->step), after_counts_);
    }
    const Int128 after = of.sum(after_counts_, after_fitting_);
    out[i] = of.units(column == Column::kFragmentationAfter ? after : after - before_);
  }
}

// --- sorts

ClusterSort ClusterSort::of(const VersionPlan& plan, const Parts& parts) {
  ClusterSort sort;
  sort.version = plan.version->id;
  sort.policy = plan.policy;
  sort.where = plan.where;
  sort.amounts.resize(plan.values.amounts.size());
  const auto keep = [&](std::uint32_t d) { sort.amounts[d] = plan.values.amounts[d]; };
  const auto look = [&](const CompiledFilter& filter) {
    for (const Binding& binding : filter.bindings) {
      if (binding.column == Column::kRequest || binding.column == Column::kRequestSteps) keep(binding.index);
    }
  };
  look(plan.policy->score);
  if (plan.policy->where) look(*plan.policy->where);
  if (plan.where) look(*plan.where);
  if (plan.policy->fragmentation) std::ranges::for_each(plan.policy->fragmentation->dimensions(), keep);
  if (reads_column(*plan.policy, Column::kClaimsOfKind)) sort.kind = plan.values.consumer_kind;
  if (parts.plan == nullptr) return sort;
  const VersionPlan& newest = parts.plan->versions.back();
  sort.parts = newest.version->id;
  sort.parts_policy = newest.policy;
  sort.part_amounts = newest.values.amounts;
  sort.count = parts.count;
  sort.together = parts.together;
  return sort;
}

std::uint64_t ClusterSort::digest() const {
  std::uint64_t sum = mix64(version, mix64(reinterpret_cast<std::uintptr_t>(policy.get()), count));
  for (const Steps steps : amounts) sum = mix64(sum, static_cast<std::uint64_t>(steps));
  for (const Steps steps : part_amounts) sum = mix64(sum, static_cast<std::uint64_t>(steps) + 1);
  return mix64(sum, reinterpret_cast<std::uintptr_t>(where.get()));
}

}  // namespace apportion
