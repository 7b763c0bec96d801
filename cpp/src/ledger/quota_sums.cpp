#include "apportion/ledger/quota_sums.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

namespace apportion {
namespace {

constexpr Steps kNoMaximum = std::numeric_limits<Steps>::max();
// Documents keep to fewer; what a damaged journal says beyond it has nobody above.
constexpr std::size_t kMostLevels = 64;

Steps or_else(const Result<Steps>& steps, Steps otherwise) { return steps ? *steps : otherwise; }

Steps clamped(Int128 steps) { return static_cast<Steps>(std::clamp<Int128>(steps, 0, kNoMaximum)); }

}  // namespace

std::string text_of(const QuotaExcess& excess) {
  const auto units = [&](Steps steps) { return units_text(steps, excess.step); };
  return "group '" + excess.quota->name + "' may hold " + units(excess.maximum) + " " + std::string(excess.dimension) +
         " of '" + std::string(excess.type) + "', uses " + units(excess.used) + " and would take " +
         units(excess.asked) + " more";
}

bool QuotaSums::holds(const Catalog& catalog, std::uint64_t memberships) const {
  const Stamp now = catalog.quotas().empty() ? Stamp{} : Stamp{catalog.counting_stamp(), memberships + 1};
  return stamp_.get() == now;
}

void QuotaSums::find_measures(const Catalog& catalog) {
  for (const auto& quota : catalog.quotas()) {
    for (const QuotaDefinition::Part& part : quota->definition.parts) {
      const auto known = std::ranges::find_if(measures_, [&](const Measure& measure) {
        return measure.type == part.type && measure.dimension == part.dimension;
      });
      if (known != measures_.end()) continue;
      Measure measure{part.type, part.dimension, {}, {}};
      measure.versions.resize(catalog.version_count());
      for (const TypeVersion* const version : catalog.versions_of(part.type)) {
        const auto& dimensions = version->definition.dimensions;
        const auto found = std::ranges::find(dimensions, part.dimension, &DimensionDefinition::name);
        if (found == dimensions.end()) continue;
        measure.versions[version->id] = {static_cast<std::uint32_t>(found - dimensions.begin()), found->step};
        measure.step = found->step;  // of the newest that has it
      }
      measures_.push_back(std::move(measure));
    }
  }
}

void QuotaSums::find_groups(const Catalog& catalog) {
  for (const auto& quota : catalog.quotas())
    groups_.push_back(
        {quota, kNone, 0, std::vector<Steps>(measures_.size()), std::vector<Steps>(measures_.size(), kNoMaximum)});
  for (Group& group : groups_) {
    const QuotaDefinition& definition = group.held->definition;
    if (!definition.parent.empty()) group.parent = this->group(definition.parent);
    for (std::size_t m = 0; m < measures_.size(); ++m) {
      for (const QuotaDefinition::Part& part : definition.parts) {
        if (part.type != measures_[m].type || part.dimension != measures_[m].dimension) continue;
        if (part.guaranteed)
          group.guaranteed[m] = or_else(to_steps(*part.guaranteed, measures_[m].step, Rounding::kUp), kMaxSteps);
        if (part.maximum)
          group.maximum[m] = or_else(to_steps(*part.maximum, measures_[m].step, Rounding::kDown), kNoMaximum);
      }
    }
  }
  for (Group& group : groups_) {
    for (std::size_t at = group.parent; at != kNone && group.level <= kMostLevels; at = groups_[at].parent)
      ++group.level;
  }
  for (Group& group : groups_) {
    if (group.level > kMostLevels) group.parent = kNone;
  }
}

void QuotaSums::begin(Transaction& log, const Catalog& catalog, std::uint64_t memberships) {
  auto sums = std::make_shared<ChunkVector<Int128>>();
  // Noted before anything is done: whatever fails from here on, the old sums come back.
  log.on_rollback([this, sums, measures = measures_, groups = groups_, none = none_] {
    std::swap(sums_, *sums);
    measures_ = measures;
    groups_ = groups;
    none_ = none;
  });
  std::swap(sums_, *sums);
  measures_.clear();
  groups_.clear();
  none_.clear();
  stamp_.edit(log) = {};
  if (catalog.quotas().empty()) return;
  find_measures(catalog);
  find_groups(catalog);
  none_.resize(groups_.size() * measures_.size());
  stamp_.edit(log) = {catalog.counting_stamp(), memberships + 1};
  // Without claims a group's use is what is guaranteed below. The lowest first.
  std::vector<std::size_t> order(groups_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [this](std::size_t g) { return groups_[g].level; });
  for (const std::size_t g : order) {
    for (std::size_t m = 0; m < measures_.size() && groups_[g].parent != kNone; ++m)
      none_[place(groups_[g].parent, m)] += std::max<Int128>(none_[place(g, m)], groups_[g].guaranteed[m]);
  }
  sums_.resize(log, none_.size());
  for (std::size_t i = 0; i < none_.size(); ++i) sums_.set(log, i, none_[i]);
}

std::size_t QuotaSums::group(std::string_view name) const {
  const auto found =
      std::ranges::find_if(groups_, [&](const Group& group) { return group.held->definition.name == name; });
  return found == groups_.end() ? kNone : static_cast<std::size_t>(found - groups_.begin());
}

std::vector<Int128> QuotaSums::measured(std::span<const Taking> takings) const {
  std::vector<Int128> sums(measures_.size());
  for (std::size_t m = 0; m < measures_.size(); ++m) {
    for (const Taking& taking : takings) {
      if (taking.version >= measures_[m].versions.size() || !measures_[m].versions[taking.version]) continue;
      const Measure::From& from = *measures_[m].versions[taking.version];
      const Steps steps = taking.amounts[from.dimension];
      sums[m] += from.step == measures_[m].step
                     ? steps
                     : or_else(rescale(steps, from.step, measures_[m].step, Rounding::kUp), kMaxSteps);
    }
  }
  return sums;
}

// What a group and those above come to use more when its members take `more`: above a group that stays within what it
// is guaranteed, nothing. `visit(group, more)` says whether to go on; false when it did not.
template <class Sums, class Visit>
bool QuotaSums::climb(const Sums& sums, std::size_t group, std::size_t measure, Int128 more, const Visit& visit) const {
  for (std::size_t at = group; at != kNone && more != 0; at = groups_[at].parent) {
    const Int128 before = sums[place(at, measure)];
    const Int128 guaranteed = groups_[at].guaranteed[measure];
    if (!visit(at, more)) return false;
    more = std::max(before + more, guaranteed) - std::max(before, guaranteed);
  }
  return true;
}

void QuotaSums::add(Transaction& log, std::span<const std::string_view> groups, const Taking& taking, int sign) {
  const std::vector<Int128> more = measured(std::span(&taking, 1));
  for (const std::string_view name : groups) {
    const std::size_t at = group(name);
    for (std::size_t m = 0; m < more.size() && at != kNone; ++m) {
      climb(sums_, at, m, sign * more[m], [&](std::size_t each, Int128 steps) {
        sums_.edit(log, place(each, m)) += steps;
        return true;
      });
    }
  }
}

std::optional<QuotaExcess> QuotaSums::excess(std::span<const std::string_view> groups, std::span<const Taking> more,
                                             bool alone) const {
  const std::vector<Int128> asked = measured(more);
  std::optional<QuotaExcess> found;
  for (const std::string_view name : groups) {
    for (std::size_t m = 0; m < asked.size() && group(name) != kNone; ++m) {
      const auto fits = [&](std::size_t each, Int128 steps) {
        const Int128 used = alone ? none_[place(each, m)] : sums_[place(each, m)];
        if (steps <= 0 || used + steps <= groups_[each].maximum[m]) return true;
        found = QuotaExcess{
            &groups_[each].held->definition, measures_[m].type, measures_[m].dimension, clamped(used), clamped(steps),
            groups_[each].maximum[m],        measures_[m].step};
        return false;
      };
      const bool right =
          alone ? climb(none_, group(name), m, asked[m], fits) : climb(sums_, group(name), m, asked[m], fits);
      if (!right) return found;
    }
  }
  return found;
}

Steps QuotaSums::used(std::string_view group, std::string_view type, std::string_view dimension) const {
  const std::size_t at = this->group(group);
  for (std::size_t m = 0; m < measures_.size() && at != kNone; ++m) {
    if (measures_[m].type == type && measures_[m].dimension == dimension) return clamped(sums_[place(at, m)]);
  }
  return 0;
}

}  // namespace apportion
