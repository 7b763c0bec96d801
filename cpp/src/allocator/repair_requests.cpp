// Repairs that ask for something else.
#include <algorithm>
#include <bit>

#include "pool_repairing.hpp"

namespace apportion {
namespace {

constexpr std::size_t kOtherTypes = 8;
constexpr std::size_t kOfferedTypes = 2;

// The most that a request may name and that comes to no more than these steps.
Decimal within(Steps steps, Step step) {
  const Decimal exact = units_decimal(steps, step);
  const Result<Steps> back = to_steps(exact, step, Rounding::kUp);
  return back && *back <= steps ? exact : units_decimal(steps - 1, step);  // a third has no finite decimal
}

// The largest value in [least, most) that `serves`, by halves; none when `least` does not.
template <class Serves>
std::optional<Steps> largest(Steps least, Steps most, const Serves& serves) {
  if (least >= most || !serves(least)) return std::nullopt;
  while (most - least > 1) {
    const Steps middle = least + (most - least) / 2;
    (serves(middle) ? least : most) = middle;
  }
  return least;
}

}  // namespace

// --- less

// In units: what the request names, or what a rule adds where it names nothing.
Decimal Pool::Repairing::asked_of(std::string_view dimension) const {
  const auto named = std::ranges::find(request_.amounts, dimension, [](const auto& amount) { return amount.first; });
  if (named != request_.amounts.end()) return named->second;
  const VersionPlan& version = plan_->versions.back();
  const auto& dimensions = version.version->definition.dimensions;
  const auto d = std::ranges::find(dimensions, dimension, &DimensionDefinition::name);
  return units_decimal(version.portion.usual()[static_cast<std::size_t>(d - dimensions.begin())], d->step);
}

Repair Pool::Repairing::smaller_by(const NamedDecimals& amounts) const {
  Repair repair;
  repair.kind = RepairKind::kSmaller;
  repair.instead.amounts = amounts;
  double given_up = 0;
  for (const auto& [name, value] : amounts) {
    const Decimal held = asked_of(name);
    repair.text += (repair.text.empty() ? "ask for " : ", ") + name + " " + value.text() + " instead of " + held.text();
    given_up += 1 - value.to_double() / held.to_double();
  }
  repair.cost = 3 + given_up / static_cast<double>(amounts.size());
  return repair;
}

void Pool::Repairing::smaller() {
  if (tree_) return smaller_tree();
  const std::size_t before = found_.size();
  for (std::size_t d = 0; d < plan_->versions.back().values.amounts.size(); ++d) smaller_in(d);
  if (found_.size() == before && plan_->versions.back().values.amounts.size() > 1) smaller_everywhere();
}

// What the last of as many instances as are asked for has free, of those that lack nothing else.
void Pool::Repairing::smaller_in(std::size_t dimension) {
  const VersionPlan& newest = plan_->versions.back();
  const DimensionDefinition& asked = newest.version->definition.dimensions[dimension];
  const std::uint64_t own = constraints_->dimension(asked.name);
  std::vector<Steps> free;
  for (const Candidate& candidate : constraints_->candidates()) {
    if (own == 0 || (candidate.failed & ~own) != 0) continue;
    const auto& dimensions = candidate.version->version->definition.dimensions;
    const auto d = static_cast<std::size_t>(std::ranges::find(dimensions, asked.name, &DimensionDefinition::name) -
                                            dimensions.begin());
    if (d == dimensions.size()) continue;  // of a version, or a type, that has no such dimension
    const DimensionColumns& columns = candidate.version->table->dimensions[d];
    const Steps there = columns.limit[candidate.instance.row] - columns.used[candidate.instance.row];
    const Result<Steps> steps = rescale(std::max<Steps>(there, 0), dimensions[d].step, asked.step, Rounding::kDown);
    if (steps) free.push_back(*steps);
  }
  if (free.size() < request_.count) return;
  const auto last = free.begin() + (request_.count - 1);
  std::ranges::nth_element(free, last, std::greater<>());
  if (*last > 0 && *last < newest.values.amounts[dimension])
    offer(smaller_by({{asked.name, within(*last, asked.step)}}));
}

// In all dimensions that the nearest instance lacks.
void Pool::Repairing::smaller_everywhere() {
  for (const Near& near : near_) {
    if (near.crowd > 0 || request_.count > 1) continue;
    const VersionPlan& version = *near.candidate->version;
    const TypeDefinition& type = version.version->definition;
    NamedDecimals amounts;
    bool some = true;
    for (std::size_t d = 0; d < near.deficit.size(); ++d) {
      if (near.deficit[d] == 0) continue;
      const Steps left = version.values.amounts[d] - near.deficit[d];
      some = some && left > 0 && constraints_->dimension(type.dimensions[d].name) != 0;
      if (some) amounts.emplace_back(type.dimensions[d].name, within(left, type.dimensions[d].step));
    }
    if (some && offer(smaller_by(amounts))) return;
  }
}

// Of what the whole tree is asked for.
void Pool::Repairing::smaller_tree() {
  const TypeVersion* type = sections_.catalog.find_type(request_.type);
  for (const auto& [name, value] : request_.amounts) {
    const auto& dimensions = type->definition.dimensions;
    const auto found = std::ranges::find(dimensions, name, &DimensionDefinition::name);
    if (found == dimensions.end()) continue;
    const Result<Steps> asked = to_steps(value, found->step, Rounding::kUp);
    if (!asked) continue;
    const auto with = [&, &name = name](Steps steps) { return smaller_by({{name, within(steps, found->step)}}); };
    const auto most = largest(1, *asked, [&](Steps steps) { return cures(with(steps)); });
    if (most) found_.push_back(with(*most));
  }
}

void Pool::Repairing::fewer() {
  const auto with = [&](Steps count) {
    Repair repair;
    repair.kind = RepairKind::kFewer;
    repair.cost = 4 - static_cast<double>(count) / request_.count;
    repair.instead.count = static_cast<std::uint32_t>(count);
    repair.text = "ask for " + std::to_string(count) + " instead of " + std::to_string(request_.count);
    return repair;
  };
  if (!tree_ && lacking_ < request_.count) offer(with(request_.count - lacking_));
  if (!tree_) return;
  const auto most = largest(1, request_.count, [&](Steps count) { return cures(with(count)); });
  if (most) found_.push_back(with(*most));
}

// --- other conditions

// The request without some conjuncts of its filter, by their bits, and of its policy.
bool Pool::Repairing::drop(std::uint64_t where, std::uint64_t policy) {
  Repair repair;
  repair.kind = RepairKind::kRelax;
  repair.cost = 4 * (std::popcount(where) + std::popcount(policy));
  const auto named = [&](const std::vector<std::string>& parts, std::uint64_t dropped, const std::string& from) {
    std::string list;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if ((dropped >> i & 1U) != 0) list += (list.empty() ? "`" : " and `") + parts[i] + "`";
    }
    if (!list.empty()) repair.text += (repair.text.empty() ? "drop " : ", ") + list + " from " + from;
  };
  named(constraints_->where(), where, "the filter");
  const PolicyDefinition& own = plan_->versions.back().policy->definition;
  named(constraints_->policy(), policy, "policy '" + own.name + "'");
  if (where != 0) repair.instead.where = without(constraints_->where(), where);
  if (policy != 0) {
    repair.instead.policy = own;
    repair.instead.policy->where = without(constraints_->policy(), policy);
  }
  return offer(std::move(repair));
}

// Any one condition by itself; where none is enough, those that the candidate with the fewest fails.
void Pool::Repairing::relax() {
  // An instance that is asked for by its own name has the request's filter, whatever it needs besides.
  const bool own = context_ && context_->root && context_->bounds.empty();
  if (tree_ && !own) return relax_need();
  using Kind = Constraints::Kind;
  const std::uint64_t where = constraints_->mask({Kind::kWhere}) >> constraints_->first_where();
  const std::size_t policies = constraints_->policy().size();
  bool relaxed = false;
  for (std::size_t i = 0; i < constraints_->where().size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << (constraints_->first_where() + i);
    const bool hopeful =
        std::ranges::any_of(constraints_->candidates(), [&](const Candidate& c) { return c.failed == bit; });
    if (hopeful && drop(std::uint64_t{1} << i, 0)) relaxed = true;
  }
  for (std::size_t i = 0; i < policies; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << (constraints_->first_policy() + i);
    const bool hopeful =
        std::ranges::any_of(constraints_->candidates(), [&](const Candidate& c) { return c.failed == bit; });
    if (hopeful && drop(0, std::uint64_t{1} << i)) relaxed = true;
  }
  if (relaxed) return;
  const std::uint64_t policy = (std::uint64_t{1} << policies) - 1;
  const std::uint64_t both = where << constraints_->first_where() | policy << constraints_->first_policy();
  const Candidate* least = nullptr;
  for (const Candidate& candidate : constraints_->candidates()) {
    if (candidate.failed == 0 || (candidate.failed & ~both) != 0) continue;
    if (least == nullptr || std::popcount(candidate.failed) < std::popcount(least->failed)) least = &candidate;
  }
  if (least != nullptr && std::popcount(least->failed) > 1)
    drop(least->failed >> constraints_->first_where() & where, least->failed >> constraints_->first_policy() & policy);
}

// Any one condition of the rule of the need whose slot nothing fills: another version of the type that has the need.
void Pool::Repairing::relax_need() {
  if (!context_ || context_->root) return;
  const NeedRef& ref = context_->need;
  const TypeDefinition& owner = sections_.catalog.version(ref.owner).definition;
  for (std::size_t i = 0; i < constraints_->where().size(); ++i) {
    Repair repair;
    repair.kind = RepairKind::kRelax;
    repair.cost = 7;
    repair.type = owner;
    NeedDefinition& whole = repair.type->needs[ref.need];
    NeedDefinition& need = whole.any_of.empty() ? whole : whole.any_of[ref.branch];
    need.require = without(constraints_->where(), std::uint64_t{1} << i);
    repair.text = "drop `" + constraints_->where()[i] + "` from the need '" + whole.role + "' of '" + owner.name +
                  "', for every request";
    offer(std::move(repair));
  }
}

// --- another type

void Pool::Repairing::alternative() {
  if (tree_ || request_.type.empty()) return;
  const TypeDefinition& asked = plan_->versions.back().version->definition;
  std::size_t tried = 0;
  std::size_t offered = 0;
  for (const std::string& name : sections_.catalog.type_names()) {
    const TypeDefinition& other = sections_.catalog.find_type(name)->definition;
    if (name == request_.type || !other.needs.empty()) continue;
    const bool same = std::ranges::all_of(request_.amounts, [&](const auto& amount) {
      const auto theirs = std::ranges::find(other.dimensions, amount.first, &DimensionDefinition::name);
      const auto ours = std::ranges::find(asked.dimensions, amount.first, &DimensionDefinition::name);
      return theirs != other.dimensions.end() && theirs->unit == ours->unit;
    });
    if (!same || request_.amounts.empty()) continue;
    if (++tried > kOtherTypes || offered == kOfferedTypes) return;
    Repair repair;
    repair.kind = RepairKind::kAlternative;
    repair.cost = 5;
    repair.instead.type = name;
    repair.text = "ask for '" + name + "' instead of '" + request_.type + "'";
    if (offer(std::move(repair))) ++offered;
  }
}

}  // namespace apportion
