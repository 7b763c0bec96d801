#include "apportion/allocator/constraints.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "apportion/allocator/cluster.hpp"

namespace apportion {
namespace {

// Of the 64 bits: dimensions take at most 16; service, consumers, score, own policies, missing parts, rules for claims
// and what is over one each.
constexpr std::size_t kMostStates = 11;
constexpr std::size_t kMostBounds = 6;
constexpr std::size_t kMostConjuncts = 12;
/// Conditions up to which every subset is tried.
constexpr int kMostTried = 16;

// The conjuncts of a filter; those beyond the last are one with it.
std::vector<std::string> parts_of(const std::string& filter) {
  if (filter.empty()) return {};
  std::vector<std::string> parts = conjuncts(filter);
  for (std::size_t i = kMostConjuncts; i < parts.size(); ++i) parts[kMostConjuncts - 1] += " && " + parts[i];
  parts.resize(std::min(parts.size(), kMostConjuncts));
  return parts;
}

std::string choice_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " or ") + word;
  return text;
}

// How many candidates fail exactly these conditions.
using Failures = std::map<std::uint64_t, std::uint64_t>;

bool cannot_hold(const Failures& failures, std::uint64_t conditions, std::uint64_t count) {
  std::uint64_t pass = 0;
  for (const auto& [failed, number] : failures) {
    if ((failed & conditions) == 0 && (pass += number) >= count) return false;
  }
  return true;
}

// With one instance asked for, whoever fails more than another candidate fails is ruled out with it.
Failures least_failures(const Failures& failures) {
  Failures least;
  for (const auto& [failed, number] : failures) {
    const bool implied = std::ranges::any_of(failures, [failed = failed](const auto& other) {
      return other.first != failed && (other.first & ~failed) == 0;
    });
    if (!implied) least.emplace(failed, number);
  }
  return least;
}

// The smallest, and of these the one whose conditions come first.
std::uint64_t smallest(const Failures& failures, const std::vector<int>& bits, std::uint64_t count) {
  const auto spread = [&](std::uint64_t subset) {
    std::uint64_t conditions = 0;
    for (; subset != 0; subset &= subset - 1)
      conditions |= std::uint64_t{1} << bits[static_cast<std::size_t>(std::countr_zero(subset))];
    return conditions;
  };
  const std::uint64_t end = std::uint64_t{1} << bits.size();
  for (std::size_t size = 0; size <= bits.size(); ++size) {
    // The next number with as many bits: the usual arithmetic.
    for (std::uint64_t subset = (std::uint64_t{1} << size) - 1; subset < end;) {
      if (const std::uint64_t conditions = spread(subset); cannot_hold(failures, conditions, count)) return conditions;
      if (subset == 0) break;
      const std::uint64_t low = subset & (~subset + 1);
      const std::uint64_t high = subset + low;
      subset = high | (((subset ^ high) >> 2) / low);
    }
  }
  return spread(end - 1);
}

// All of them, without those that can be left out.
std::uint64_t irreducible(const Failures& failures, const std::vector<int>& bits, std::uint64_t count) {
  std::uint64_t conditions = 0;
  for (const int bit : bits) conditions |= std::uint64_t{1} << bit;
  for (auto bit = bits.rbegin(); bit != bits.rend(); ++bit) {
    const std::uint64_t fewer = conditions & ~(std::uint64_t{1} << *bit);
    if (cannot_hold(failures, fewer, count)) conditions = fewer;
  }
  return conditions;
}

}  // namespace

std::string without(const std::vector<std::string>& conjuncts, std::uint64_t dropped) {
  std::string text;
  for (std::size_t i = 0; i < conjuncts.size(); ++i) {
    if ((dropped >> i & 1U) == 0) text += (text.empty() ? "" : " && ") + conjuncts[i];
  }
  return text;
}

std::size_t Constraints::add(Kind kind, std::string name, std::string detail) {
  all_.push_back({kind, {std::move(name), std::move(detail), 0}});
  return all_.size() - 1;
}

Constraints::Constraints(const Sections& sections, Expressions& expressions, const Plan& plan, Neighbours& neighbours,
                         View view) {
  // Names of the newest version first, then those that only older ones have.
  const VersionPlan& newest = plan.versions.back();
  std::optional<std::uint32_t> maximum;
  for (auto version = plan.versions.rbegin(); version != plan.versions.rend(); ++version) {
    const TypeDefinition& type = version->version->definition;
    for (const FieldDefinition& state : type.states) {
      if (state.allow.empty() || std::ranges::find(states_, state.name) != states_.end()) continue;
      if (states_.size() < kMostStates) add(Kind::kState, "state." + state.name, choice_text(state.allow));
      states_.push_back(state.name);
    }
    if (!maximum) maximum = type.max_consumers;
  }
  if (sections.inventory.limited() > 0) service_ = add(Kind::kService, "maintenance", service_text(plan.request->ends));
  set_bounds(sections, plan);
  set_filters(plan);
  if (maximum) consumers_ = add(Kind::kConsumers, "consumers", "at most " + std::to_string(*maximum));
  const TypeDefinition& type = newest.version->definition;
  const auto any = [&plan](const auto& is) {
    return std::ranges::any_of(plan.versions, [&](const VersionPlan& v) { return v.table != nullptr && is(v); });
  };
  if (any([](const VersionPlan& v) { return v.table->closed.get() > 0; }))
    parts_ = add(Kind::kState, "parts", "all parts that are announced");
  if (any([](const VersionPlan& v) { return v.portion.ruled(*v.table); }))
    claim_ = add(Kind::kClaim, "claim", newest.portion.text(type));
  const bool varies = any([](const VersionPlan& v) { return v.portion.varies(*v.table); });
  first_dimension_ = all_.size();
  const std::vector<Steps>& amounts = newest.portion.usual();
  for (std::size_t d = 0; d < amounts.size(); ++d) {
    if (amounts[d] <= 0 && !varies) continue;
    const DimensionDefinition& dimension = type.dimensions[d];
    add(Kind::kCapacity, "capacity",
        dimension.name + " " + units_text(amounts[d], dimension.step) +
            (dimension.unit.empty() ? "" : " " + dimension.unit));
    dimensions_.push_back(dimension.name);
  }
  if (!dimensions_.empty()) over_ = add(Kind::kCapacity, "capacity", "used at most the limit, in every dimension");
  score_ = add(Kind::kScore, "score", newest.policy->definition.score);
  for (const VersionPlan& version : plan.versions) {
    if (version.table != nullptr) look(sections, expressions, plan, version, neighbours, view);
  }
  for (const Candidate& candidate : candidates_) {
    for (std::uint64_t failed = candidate.failed; failed != 0; failed &= failed - 1)
      ++all_[static_cast<std::size_t>(std::countr_zero(failed))].constraint.excludes;
  }
}

// Where a slot of a tree may lie.
void Constraints::set_bounds(const Sections& sections, const Plan& plan) {
  first_bound_ = all_.size();
  for (const SlotBound& bound : plan.bounds) {
    if (all_.size() - first_bound_ == kMostBounds) return;
    const TypeDefinition& type = plan.versions.back().version->definition;
    add(Kind::kBound, bound.name(), bound.text(values_text(bound, bound.values, type, sections.symbols)));
  }
}

void Constraints::set_filters(const Plan& plan) {
  const VersionPlan& newest = plan.versions.back();
  where_ = parts_of(plan.request->where);
  first_where_ = all_.size();
  for (const std::string& part : where_) add(Kind::kWhere, "where", part);
  policy_ = parts_of(newest.policy->definition.where);
  first_policy_ = all_.size();
  for (const std::string& part : policy_) add(Kind::kPolicy, "policy", part);
  own_policy_ =
      add(Kind::kPolicy, "policy", "the filters of policies that instances, or older versions, have themselves");
}

void Constraints::look(const Sections& sections, Expressions& expressions, const Plan& plan, const VersionPlan& version,
                       Neighbours& neighbours, View view) {
  const InstanceTable& table = *version.table;
  const TypeDefinition& type = version.version->definition;
  const std::size_t begin = candidates_.size();
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < table.rows(); ++row) {
    if (!table.exists(row)) continue;
    rows.push_back(row);
    candidates_.push_back({{table.version, row}, &version, 0});
  }
  const auto fails_if = [&](std::size_t bit, const auto& fails) {
    const std::uint64_t mask = std::uint64_t{1} << bit;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (fails(rows[i])) candidates_[begin + i].failed |= mask;
    }
  };
  for (std::size_t s = 0; view == View::kPresent && s < type.states.size(); ++s) {
    if (type.states[s].allow.empty()) continue;
    const auto bit = static_cast<std::size_t>(std::ranges::find(states_, type.states[s].name) - states_.begin());
    fails_if(std::min(bit, kMostStates - 1), [&](std::uint32_t row) { return !version.rules.permits(table, s, row); });
  }
  if (view == View::kPresent && sections.inventory.limited() > 0)
    fails_if(service_, [&](std::uint32_t row) { return !table.in_service(row, plan.request->ends); });
  if (view == View::kPresent && type.max_consumers)
    fails_if(consumers_, [&](std::uint32_t row) { return !shares(version, row, sections.ledger, plan.consumer); });
  const auto used = [&](std::size_t d, std::uint32_t row) {
    return view == View::kEmpty ? Steps{0} : table.dimensions[d].used[row];
  };
  if (view == View::kPresent && table.closed.get() > 0)
    fails_if(parts_, [&](std::uint32_t row) { return table.rare[row].closed(); });
  if (version.portion.ruled(table))
    fails_if(claim_, [&](std::uint32_t row) { return !version.portion.of(table, row); });
  bool takes = false;
  for (std::size_t d = 0; d < type.dimensions.size(); ++d) {
    const auto bit = std::ranges::find(dimensions_, type.dimensions[d].name) - dimensions_.begin();
    if (static_cast<std::size_t>(bit) == dimensions_.size()) continue;
    takes = true;
    fails_if(first_dimension_ + static_cast<std::size_t>(bit), [&](std::uint32_t row) {
      const Steps amount = version.wanted(row)[d];
      return amount > 0 && used(d, row) + amount > table.dimensions[d].limit[row];
    });
  }
  const auto takes_some = [](const Amounts& amounts) {
    return std::ranges::any_of(amounts, [](Steps s) { return s > 0; });
  };
  if (takes && view == View::kPresent)
    fails_if(over_, [&](std::uint32_t row) { return table.over(row) && takes_some(version.wanted(row)); });

  look_at_expressions(sections, expressions, plan, version, neighbours, view, rows);
}

void Constraints::look_at_expressions(const Sections& sections, Expressions& expressions, const Plan& plan,
                                      const VersionPlan& version, Neighbours& neighbours, View view,
                                      std::span<const std::uint32_t> rows) {
  const InstanceTable& table = *version.table;
  const std::size_t begin = candidates_.size() - rows.size();
  for (std::size_t i = 0; i < plan.bounds.size(); ++i) {
    const SlotBound& bound = plan.bounds[i];
    const std::uint64_t mask = std::uint64_t{1} << (first_bound_ + std::min(i, kMostBounds - 1));
    for (Candidate& candidate : std::span(candidates_).subspan(begin)) {
      if (!within(bound, neighbours, candidate.instance, view)) candidate.failed |= mask;
    }
  }
  RowSource source(sections.inventory, sections.symbols, sections.catalog, table, version.values, view);
  Cluster cluster(sections, expressions, version, neighbours, view);
  source.use_inside(&cluster);
  Scratch scratch;
  const auto holds_not = [&](std::size_t bit, const CompiledFilter& filter, const std::vector<std::size_t>& of) {
    std::vector<std::uint32_t> theirs;
    for (const std::size_t i : of) theirs.push_back(rows[i]);
    const std::vector<double> values = score_rows(theirs, filter, source, scratch);
    for (std::size_t i = 0; i < of.size(); ++i) {
      if (bit == score_ ? std::isnan(values[i]) : values[i] != 1.0)
        candidates_[begin + of[i]].failed |= std::uint64_t{1} << bit;
    }
  };
  std::vector<std::size_t> every(rows.size());
  std::iota(every.begin(), every.end(), std::size_t{0});
  const NeedRef* const need = rule_of(*plan.request);
  for (std::size_t i = 0; i < where_.size(); ++i) {
    const auto part = expressions.filter(sections.catalog, table.version, where_[i], need);
    if (part) holds_not(first_where_ + i, **part, every);
  }
  std::map<Symbol, std::vector<std::size_t>> by_policy;
  for (std::size_t i = 0; i < rows.size(); ++i)
    by_policy[version.instances_choose ? table.policy[rows[i]] : 0].push_back(i);
  for (const auto& [own, of] : by_policy) {
    const CompiledPolicy& policy = policy_of(sections, expressions, version, own);
    holds_not(score_, policy.score, of);
    if (!policy.where) continue;
    if (own != 0 || policy.definition.where != plan.versions.back().policy->definition.where) {
      holds_not(own_policy_, *policy.where, of);
      continue;
    }
    for (std::size_t i = 0; i < policy_.size(); ++i) {
      const auto part = expressions.filter(sections.catalog, table.version, policy_[i]);
      if (part) holds_not(first_policy_ + i, **part, of);
    }
  }
}

std::uint64_t Constraints::passing() const {
  return static_cast<std::uint64_t>(std::ranges::count(candidates_, std::uint64_t{0}, &Candidate::failed));
}

std::uint64_t Constraints::dimension(std::string_view name) const {
  const auto found = std::ranges::find(dimensions_, name);
  if (found == dimensions_.end()) return 0;
  return std::uint64_t{1} << (first_dimension_ + static_cast<std::size_t>(found - dimensions_.begin()));
}

std::uint64_t Constraints::mask(std::initializer_list<Kind> kinds) const {
  std::uint64_t bits = 0;
  for (std::size_t k = 0; k < all_.size(); ++k) {
    if (std::ranges::find(kinds, all_[k].kind) != kinds.end()) bits |= std::uint64_t{1} << k;
  }
  return bits;
}

std::vector<Constraint> Constraints::core(std::uint64_t count) const {
  Failures failures;
  std::uint64_t fail = 0;
  for (const Candidate& candidate : candidates_) {
    ++failures[candidate.failed];
    fail |= candidate.failed;
  }
  if (count == 1) failures = least_failures(failures);
  std::vector<int> bits;
  for (std::uint64_t left = fail; left != 0; left &= left - 1) bits.push_back(std::countr_zero(left));
  std::uint64_t conditions = static_cast<int>(bits.size()) <= kMostTried ? smallest(failures, bits, count)
                                                                         : irreducible(failures, bits, count);
  std::vector<Constraint> found;
  for (; conditions != 0; conditions &= conditions - 1)
    found.push_back(all_[static_cast<std::size_t>(std::countr_zero(conditions))].constraint);
  return found;
}

// Fewer instances than are asked for are no matter of conditions.
std::vector<Constraint> core_of(const Sections& sections, Expressions& expressions, const Plan& plan,
                                Neighbours& neighbours, View view) {
  const Constraints constraints(sections, expressions, plan, neighbours, view);
  const std::uint32_t count = plan.request->count;
  if (constraints.candidates().size() < count)
    return {{"type", plan.request->type.empty() ? "any" : plan.request->type, 0}};
  return constraints.passing() < count ? constraints.core(count) : std::vector<Constraint>();
}

}  // namespace apportion
