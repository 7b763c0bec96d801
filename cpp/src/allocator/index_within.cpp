// Choices for slots that have to lie somewhere: few instances, or fewer than all.
#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "apportion/allocator/index.hpp"

namespace apportion {

// One that leaves few instances.
const SlotBound* Index::narrow_bound(const Prepared& plan) {
  const auto narrow = std::ranges::find_if(plan.bounds, [&](const SlotBound& bound) {
    if (bound.kind == SlotBound::Kind::kAffinity) return is_narrow(plan, bound);
    return bound.by_values() && bound.kind != SlotBound::Kind::kDifferent && !bound.open;
  });
  return narrow == plan.bounds.end() ? nullptr : &*narrow;
}

// An affinity that few domains meet, and few instances lie in.
bool Index::is_narrow(const Prepared& plan, const SlotBound& bound) {
  constexpr std::size_t kFew = 256;
  std::size_t rows = 0;
  for (const VersionPlan& version : plan.versions) {
    if (!bound.affinity->names_domains(version.version->id)) return false;
    if (version.table == nullptr) continue;
    for (const double value : bound.values) rows += neighbours_.rows(version.version->id, bound.word, value).size();
  }
  return rows <= kFew;
}

// Those that a bound leaves out.
void Index::hide_bounds(const Prepared& plan) {
  std::vector<InstanceRef> out;
  for (const SlotBound& bound : plan.bounds) {
    if (!bound.by_values()) continue;
    for (const VersionPlan& version : plan.versions) {
      if (version.table == nullptr) continue;
      const VersionId id = version.version->id;
      for (const std::uint32_t row : neighbours_.without(id, bound.word)) out.push_back({id, row});
      for (const std::uint32_t row : rows_of(id, bound.word, bound.values)) out.push_back({id, row});
    }
  }
  hide(plan, out);
}

// Rising, each once.
std::vector<std::uint32_t> Index::rows_of(VersionId version, std::string_view word, std::span<const double> values) {
  std::vector<std::uint32_t> rows;
  for (const double value : values) {
    const std::span<const std::uint32_t> more = neighbours_.rows(version, word, value);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  if (values.size() > 1) {
    std::ranges::sort(rows);
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  }
  return rows;
}

std::uint32_t Index::room(const Prepared& plan, std::string_view word, std::span<const double> values,
                          std::uint32_t enough) {
  neighbours_.catch_up();
  std::uint32_t found = 0;
  for (const VersionPlan& version : plan.versions) {
    if (version.table == nullptr) continue;
    for (const std::uint32_t row : rows_of(version.version->id, word, values)) {
      if (found >= enough) return found;
      found += version.fits(row) && version.rules.permits(*version.table, row) ? 1 : 0;
    }
  }
  return found;
}

bool Index::has_candidates(const Prepared& plan) const {
  return std::ranges::any_of(plan.versions, [&](const VersionPlan& version) {
    const InstanceTable* const table = version.table;
    for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
      if (table->exists(row) && table->fits(row, version.values.amounts) && version.rules.permits(*table, row) &&
          shares(version, row, sections_.ledger, plan.consumer) &&
          within_bounds(plan, neighbours_, {version.version->id, row}))
        return true;
    }
    return false;
  });
}

bool Index::has_values(const Prepared& plan, std::string_view word, std::span<const double> taken,
                       std::uint32_t count) {
  neighbours_.catch_up();
  std::set<double> met(taken.begin(), taken.end());
  const std::size_t enough = met.size() + count;
  for (const VersionPlan& version : plan.versions) {
    if (version.table == nullptr) continue;
    for (const double value : neighbours_.values(version.version->id, word)) {
      if (met.size() >= enough) return true;
      if (!met.contains(value) && room(plan, word, std::span(&value, 1), 1) > 0) met.insert(value);
    }
  }
  return met.size() >= enough;
}

// Few instances are looked at one by one.
std::optional<InstanceRef> Index::choose_within(Prepared& plan, const SlotBound& bound,
                                                std::span<const InstanceRef> excluded) {
  using Candidate = std::tuple<double, std::uint64_t, InstanceRef>;
  std::vector<Candidate> candidates;
  if (plan.grouped_) groups_.catch_up();
  plan.scorers_.resize(plan.versions.size());
  const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
  for (std::size_t i = 0; i < plan.versions.size(); ++i) {
    const VersionPlan& version = plan.versions[i];
    if (version.table == nullptr) continue;
    const VersionId id = version.version->id;
    std::vector<std::uint32_t> rows = rows_of(id, bound.word, bound.values);
    std::erase_if(rows, [&](std::uint32_t row) {
      const InstanceRef instance{id, row};
      return !version.fits(row) || !version.rules.permits(*version.table, row) ||
             !shares(version, row, sections_.ledger, plan.consumer) ||
             std::ranges::find(excluded, instance) != excluded.end() ||
             !std::ranges::all_of(plan.bounds, [&](const SlotBound& other) {
               return &other == &bound || within(other, neighbours_, instance);
             });
    });
    if (rows.empty()) continue;
    std::unique_ptr<Scorer>& scorer = plan.scorers_[i];
    if (!scorer) scorer = std::make_unique<Scorer>(sections_, expressions_, version, work_, &groups_);
    scorer->begin();
    std::vector<double> keys(rows.size());
    scorer->keys(rows, keys.data());
    const TieRule ties = TieRule::of(version.policy->definition, cursor, plan.number);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (std::isnan(keys[k])) continue;
      const InstanceRef instance{id, rows[k]};
      if (!plan.preferences.empty())
        keys[k] += penalty_of(plan, neighbours_, instance, definition_for(version, rows[k]));
      candidates.emplace_back(keys[k], ties.rank(version.table->ordinal[rows[k]]), instance);
    }
  }
  const InstanceRef preferred = plan.request->slot == nullptr ? InstanceRef{} : plan.request->slot->preferred;
  const auto first = std::ranges::find(candidates, preferred, [](const Candidate& each) { return std::get<2>(each); });
  if (first != candidates.end() && is_promising(*plan.request, preferred)) return preferred;
  while (!candidates.empty()) {
    const auto best = std::ranges::min_element(candidates, [](const Candidate& a, const Candidate& b) {
      return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
    });
    if (is_promising(*plan.request, std::get<2>(*best))) return std::get<2>(*best);
    candidates.erase(best);
  }
  return std::nullopt;
}

const PolicyDefinition& Index::definition_for(const VersionPlan& version, std::uint32_t row) const {
  return policy_of(sections_, expressions_, version, version.instances_choose ? version.table->policy[row] : 0)
      .definition;
}

// Of one that an affinity leaves out. After a few from one domain all the others of it are hidden too.
void Index::pass_over(const Prepared& plan, const Best& refused, const AffinityTest& by, Met& met) {
  constexpr int kFew = 3;
  if (refused.shape != nullptr) refused.shape->hide(refused.position);
  const std::string& type = plan.version_of(refused.instance).version->definition.name;
  const std::string& word = by.definition().per;
  for (const double domain : by.full_domains(neighbours_, refused.instance)) {
    if (++met[{word, domain}] != kFew) continue;
    std::vector<InstanceRef> out;
    for (const VersionPlan& version : plan.versions) {
      if (version.table == nullptr || version.version->definition.name != type) continue;
      for (const std::uint32_t row : neighbours_.rows(version.version->id, word, domain))
        out.push_back({version.version->id, row});
    }
    hide(plan, out);
  }
}

// The best that no bound leaves out.
std::optional<Index::Best> Index::best_allowed(Prepared& plan, std::vector<InstanceRef>& taken, Met& met) {
  for (;;) {
    std::optional<Best> next = best(plan, taken);
    if (!next) return next;
    const auto broken = std::ranges::find_if(plan.bounds, [&](const SlotBound& bound) {
      return !bound.by_values() && !within(bound, neighbours_, next->instance);
    });
    if (broken == plan.bounds.end()) return next;
    taken.push_back(next->instance);
    pass_over(plan, *next, *broken->affinity, met);
  }
}

// The least key with what the preferences add, which is never less than nothing: nobody behind a key that is more than
// the least sum comes before it.
std::optional<Index::Best> Index::best_preferred(Prepared& plan, std::vector<InstanceRef>& taken, Met& met) {
  std::optional<Best> lead;
  double least = 0;
  for (;;) {
    const std::optional<Best> next = best_allowed(plan, taken, met);
    if (!next || (lead && next->key > least)) break;
    taken.push_back(next->instance);
    const double sum = next->key + penalty_of(plan, neighbours_, next->instance,
                                              definition_for(plan.version_of(next->instance), next->instance.row));
    if ((!lead || std::tie(sum, next->rank) < std::tie(least, lead->rank)) &&
        is_promising(*plan.request, next->instance)) {
      lead = next;
      least = sum;
    }
    if (next->shape != nullptr) next->shape->hide(next->position);
  }
  return lead;
}

}  // namespace apportion
