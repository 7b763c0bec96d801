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

std::optional<std::size_t> dimension_in(const TypeDefinition& type, std::string_view name) {
  const auto found = std::ranges::find(type.dimensions, name, &DimensionDefinition::name);
  if (found == type.dimensions.end()) return std::nullopt;
  return static_cast<std::size_t>(found - type.dimensions.begin());
}

}  // namespace

bool reads_inside(const VersionPlan& plan) { return plan.reads(Read::kInside); }

Cluster::Cluster(Sections sections, Expressions& expressions, const VersionPlan& plan, Neighbours& neighbours,
                 View view)
    : sections_(sections),
      expressions_(expressions),
      plan_(plan),
      neighbours_(neighbours),
      view_(view),
      policy_(plan.policy.get()) {}

// --- lanes

template <class Visit>
void Cluster::visit_inside(std::uint32_t row, std::string_view type, const Visit& visit) {
  const double id = plan_.table->id[row];
  for (const TypeVersion* const version : sections_.catalog.versions_of(type)) {
    const InstanceTable* const table = sections_.inventory.table(version->id);
    if (table == nullptr) continue;
    for (const std::uint32_t inner : neighbours_.rows(version->id, kInside, id)) {
      if (table != plan_.table || inner != row) visit(*version, *table, inner);
    }
  }
}

// Those that have room, in order of versions and rows.
std::vector<Cluster::Part> Cluster::parts_in(std::uint32_t row, const Parts& parts) {
  std::vector<Part> found;
  const double id = plan_.table->id[row];
  for (const VersionPlan& version : parts.plan->versions) {
    if (version.table == nullptr) continue;
    for (const std::uint32_t inner : neighbours_.rows(version.version->id, kInside, id)) {
      if (version.table == plan_.table && inner == row) continue;
      if (!version.table->fits(inner, version.values.amounts) || !version.rules.permits(*version.table, inner) ||
          !shares(version, inner, sections_.ledger, parts.plan->consumer))
        continue;
      found.push_back({{version.version->id, inner}, version.table->ordinal[inner], 0, 0});
    }
  }
  return found;
}

// By their own policy; those that it leaves out go.
void Cluster::rate(std::vector<Part>& parts, const Plan& plan) {
  const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
  for (const VersionPlan& version : plan.versions) {
    std::vector<std::uint32_t> rows;
    for (const Part& part : parts) {
      if (part.instance.version == version.version->id) rows.push_back(part.instance.row);
    }
    if (rows.empty()) continue;
    std::vector<double> keys(rows.size());
    Scorer(sections_, expressions_, version, work_).keys(rows, keys.data());
    const TieRule ties = TieRule::of(version.policy->definition, cursor, plan.number);
    auto key = keys.begin();
    for (Part& part : parts) {
      if (part.instance.version != version.version->id) continue;
      part.key = *key++;
      part.rank = ties.rank(part.ordinal);
    }
  }
  std::erase_if(parts, [](const Part& part) { return std::isnan(part.key); });
}

void Cluster::add_lane(std::uint32_t row, std::span<const Part> chosen) {
  const std::size_t first = chosen_.size();
  for (const Part& part : chosen) chosen_.push_back(part.instance);
  lanes_.push_back({row, first, chosen_.size()});
}

void Cluster::find_lanes(std::span<const std::uint32_t> rows, const Parts& parts) {
  lanes_.clear();
  chosen_.clear();
  parts_ = parts;
  if (parts.plan == nullptr) {
    for (const std::uint32_t row : rows) add_lane(row, {});
    return;
  }
  const bool each = parts.together && parts.count == 1;
  std::vector<std::pair<std::uint32_t, std::vector<Part>>> found;
  std::vector<Part> all;
  for (const std::uint32_t row : rows) {
    std::vector<Part> inside = parts_in(row, parts);
    if (inside.size() < parts.count) continue;
    if (!each) all.insert(all.end(), inside.begin(), inside.end());
    found.emplace_back(row, std::move(inside));
  }
  if (!each) rate(all, *parts.plan);
  auto rated = all.begin();
  for (auto& [row, inside] : found) {
    if (each) {
      // Equal ones make no difference: the first by its ordinal stands for them.
      std::ranges::sort(inside, {}, &Part::ordinal);
      std::set<std::vector<Steps>> met;
      for (const Part& part : inside) {
        const InstanceTable& table = *sections_.inventory.table(part.instance.version);
        std::vector<Steps> free{static_cast<Steps>(part.instance.version)};
        for (std::size_t d = 0; d < table.dimensions.size(); ++d)
          free.push_back(table.dimensions[d].limit[part.instance.row] - table.dimensions[d].used[part.instance.row]);
        if (met.insert(std::move(free)).second) add_lane(row, std::span(&part, 1));
      }
      continue;
    }
    std::vector<Part> kept;
    for (const Part& part : inside) {
      if (rated == all.end() || !(rated->instance == part.instance)) continue;
      kept.push_back(*rated++);
    }
    if (kept.size() < parts.count) continue;
    std::ranges::sort(kept,
                      [](const Part& a, const Part& b) { return std::tie(a.key, a.rank) < std::tie(b.key, b.rank); });
    add_lane(row, std::span(kept).first(parts.count));
  }
}

std::vector<double> Cluster::evaluate(const CompiledFilter& score) {
  std::vector<std::uint32_t> rows;
  for (const Lane& lane : lanes_) rows.push_back(lane.row);
  std::vector<double> scores(rows.size());
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, *plan_.table, plan_.values, view_);
  source.use_inside(this);
  source.use(score.bindings);
  score.program.begin(source, scratch_);
  for (std::size_t at = 0; at < rows.size(); at += kBlockLanes) {
    const std::span<const std::uint32_t> block =
        std::span<const std::uint32_t>(rows).subspan(at, std::min<std::size_t>(kBlockLanes, rows.size() - at));
    offset_ = at;
    source.set(block);
    score.program.evaluate(source, static_cast<std::uint32_t>(block.size()), scores.data() + at, scratch_);
  }
  return scores;
}

void Cluster::keys(std::span<const std::uint32_t> rows, const Parts& parts, std::span<double> keys,
                   std::span<InstanceRef> chosen) {
  std::ranges::fill(keys, kNoKey);
  // Rows by the policy that scores them.
  std::map<Symbol, std::vector<std::uint32_t>> by_policy;
  for (const std::uint32_t row : rows) by_policy[plan_.instances_choose ? plan_.table->policy[row] : 0].push_back(row);
  std::map<std::uint32_t, std::size_t> place;
  for (std::size_t i = 0; i < rows.size(); ++i) place[rows[i]] = i;
  for (auto& [own, kept] : by_policy) {
    const CompiledPolicy& policy = policy_of(sections_, expressions_, plan_, own);
    policy_ = &policy;
    for (const CompiledFilter* const where : {plan_.where.get(), policy.where ? &*policy.where : nullptr}) {
      if (where == nullptr) continue;
      find_lanes(kept, {});
      const std::vector<double> holds = evaluate(*where);
      std::size_t at = 0;
      std::erase_if(kept, [&](std::uint32_t) { return holds[at++] != 1.0; });
    }
    find_lanes(kept, parts);
    const std::vector<double> scores = evaluate(policy.score);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const double key = key_of(scores[i], policy.definition);
      const std::size_t at = place[lanes_[i].row];
      // The first of equal ones, which is the lowest part.
      if (std::isnan(key) || keys[at] <= key) continue;
      keys[at] = key;
      chosen[at] = parts.together && parts.count == 1 ? chosen_[lanes_[i].first] : InstanceRef{};
    }
  }
  lanes_.clear();
}

// --- what expressions read

void Cluster::read(const Binding& binding, const RowBlock& rows, std::uint32_t n, double* out) {
  const bool plain = lanes_.empty();
  for (std::uint32_t i = 0; i < n; ++i) out[i] = value(binding, plain ? Lane{rows[i], 0, 0} : lanes_[offset_ + i]);
}

double Cluster::value(const Binding& binding, const Lane& lane) {
  switch (binding.column) {
    case Column::kInsideMembers:
    case Column::kInsideIdle:
    case Column::kInsideFree:
    case Column::kInsideUsed:
      return inside(binding, lane.row);
    case Column::kChosenMembers:
    case Column::kChosenIdle:
    case Column::kChosenFree:
    case Column::kChosenRequest:
      return chosen(binding, lane);
    case Column::kClaimKinds:
    case Column::kClaimsOfKind:
      return claims(binding.column, lane.row);
    default:
      return fragmentation(binding.column, lane);
  }
}

Steps Cluster::free_of(const InstanceTable& table, std::uint32_t row, std::size_t d) const {
  const Steps used = view_ == View::kEmpty ? 0 : table.dimensions[d].used[row];
  return std::max<Steps>(0, table.dimensions[d].limit[row] - used);
}

double Cluster::inside(const Binding& binding, std::uint32_t row) {
  const std::vector<DimensionDefinition>& newest = sections_.catalog.find_type(binding.name)->definition.dimensions;
  double sum = 0;
  visit_inside(row, binding.name, [&](const TypeVersion& version, const InstanceTable& table, std::uint32_t inner) {
    if (binding.column == Column::kInsideMembers) sum += 1;
    if (binding.column == Column::kInsideIdle) sum += view_ == View::kEmpty || table.claims[inner] == 0 ? 1 : 0;
    if (binding.column != Column::kInsideFree && binding.column != Column::kInsideUsed) return;
    const auto d = dimension_in(version.definition, newest[binding.index].name);
    if (!d) return;
    const Steps free = free_of(table, inner, *d);
    const Steps steps = binding.column == Column::kInsideFree ? free : table.dimensions[*d].limit[inner] - free;
    sum += to_units(steps, version.definition.dimensions[*d].step);
  });
  return sum;
}

double Cluster::chosen(const Binding& binding, const Lane& lane) const {
  const std::vector<DimensionDefinition>& newest = sections_.catalog.find_type(binding.name)->definition.dimensions;
  double sum = 0;
  for (std::size_t i = lane.first; i < lane.end; ++i) {
    const InstanceRef part = chosen_[i];
    const TypeDefinition& type = sections_.catalog.version(part.version).definition;
    if (type.name != binding.name) continue;
    const InstanceTable& table = *sections_.inventory.table(part.version);
    if (binding.column == Column::kChosenMembers) sum += 1;
    if (binding.column == Column::kChosenIdle) sum += view_ == View::kEmpty || table.claims[part.row] == 0 ? 1 : 0;
    if (binding.column != Column::kChosenFree && binding.column != Column::kChosenRequest) continue;
    const auto d = dimension_in(type, newest[binding.index].name);
    if (!d) continue;
    const Steps asked = parts_.plan->version_of(part).values.amounts[*d];
    sum += to_units(binding.column == Column::kChosenFree ? free_of(table, part.row, *d) : asked,
                    type.dimensions[*d].step);
  }
  return sum;
}

// Kinds of consumers, as far as they have one.
double Cluster::claims(Column column, std::uint32_t row) const {
  if (view_ == View::kEmpty) return 0;
  const Ledger& ledger = sections_.ledger;
  std::set<Symbol> kinds;
  double of_kind = 0;
  for (const ClaimId claim : ledger.claims_on({plan_.version->id, row})) {
    const Symbol kind = ledger.consumers().row(ledger.find(claim)->consumer).kind;
    if (kind == 0) continue;
    kinds.insert(kind);
    of_kind += sections_.symbols.text(kind) == plan_.values.consumer_kind ? 1 : 0;
  }
  return column == Column::kClaimKinds ? static_cast<double>(kinds.size()) : of_kind;
}

// Which filters of the profile hold: until something is said of an instance.
std::uint64_t Cluster::admitted(std::uint32_t row) {
  const Fragmentation& fragmentation = *policy_->fragmentation;
  if (admitted_by_ != &fragmentation || admitted_at_ != neighbours_.generation()) admitted_.clear();
  admitted_by_ = &fragmentation;
  admitted_at_ = neighbours_.generation();
  admitted_.resize(plan_.table->rows());
  if (admitted_[row]) return *admitted_[row];
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, *plan_.table, plan_.values, view_);
  Scratch scratch;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < fragmentation.filters().size(); ++i) {
    if (score_rows(std::span(&row, 1), fragmentation.filters()[i], source, scratch).front() == 1.0)
      bits |= std::uint64_t{1} << i;
  }
  admitted_[row] = bits;
  return bits;
}

double Cluster::fragmentation(Column column, const Lane& lane) {
  if (!policy_->fragmentation) return kNoKey;
  const Fragmentation& of = *policy_->fragmentation;
  const std::uint64_t admits = admitted(lane.row);
  free_.clear();
  for (const std::uint32_t d : of.dimensions()) free_.push_back(free_of(*plan_.table, lane.row, d));
  part_free_.clear();
  std::vector<std::pair<std::size_t, Steps>> taken;
  visit_inside(lane.row, of.parts(), [&](const TypeVersion& version, const InstanceTable& table, std::uint32_t inner) {
    const auto d = dimension_in(version.definition, of.dimension());
    if (!d) return;
    const Step step = version.definition.dimensions[*d].step;
    const auto counted = [&](Steps steps) {
      const Result<Steps> in = rescale(steps, step, of.step(), Rounding::kDown);
      return in ? *in : kMaxSteps;
    };
    const Steps free = free_of(table, inner, *d);
    const auto chosen =
        std::find(chosen_.begin() + static_cast<std::ptrdiff_t>(lane.first),
                  chosen_.begin() + static_cast<std::ptrdiff_t>(lane.end), InstanceRef{version.id, inner});
    if (chosen != chosen_.begin() + static_cast<std::ptrdiff_t>(lane.end))
      taken.emplace_back(part_free_.size(), counted(free - parts_.plan->version_of(*chosen).values.amounts[*d]));
    part_free_.push_back(counted(free));
  });
  const Int128 before = column == Column::kFragmentationAfter ? 0 : of.of(free_, part_free_, admits);
  if (column == Column::kFragmentationBefore) return of.units(before);
  for (const auto& [at, steps] : taken) part_free_[at] = steps;
  for (std::size_t i = 0; i < free_.size(); ++i) free_[i] -= plan_.values.amounts[of.dimensions()[i]];
  return of.units(of.of(free_, part_free_, admits) - before);
}

}  // namespace apportion
