// Why a request is denied: the stages one after the other with their counts, the binding sums, the class, and the
// instances that came closest. Slower than a selection on purpose: it looks at everything.
#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "apportion/allocator/selector.hpp"

namespace apportion {
namespace {

constexpr std::size_t kClosest = 5;

using Rows = std::vector<std::uint32_t>;

// What is left of one version's rows after each stage.
struct Funnel {
  const VersionPlan* version;
  RowSource source;
  Rows rows;
};

class Diagnosis {
 public:
  Diagnosis(const Sections& sections, const Plan& plan,
            const std::function<const CompiledPolicy&(const VersionPlan&, Symbol)>& policy_of)
      : sections_(sections), plan_(plan), policy_of_(policy_of) {}

  std::vector<Stage> run(View view) {
    open(view);
    states(view);
    filters();
    consumers(view);
    before_capacity_.clear();
    for (const Funnel& funnel : funnels_) before_capacity_.push_back(funnel.rows);
    capacity(view);
    able_ = left();
    scores();
    return std::move(stages_);
  }

  [[nodiscard]] std::uint64_t left() const {
    std::uint64_t total = 0;
    for (const Funnel& funnel : funnels_) total += funnel.rows.size();
    return total;
  }

  [[nodiscard]] std::vector<BindingSum> binding() const;
  /// Capacity is what fails, and yet the sums suffice.
  [[nodiscard]] bool fragmented() const { return able_ < plan_.request->count && enough_in_sum(); }
  [[nodiscard]] std::vector<NearMiss> closest();

 private:
  template <class Keep>
  void stage(std::string name, std::string detail, const Keep& keep) {
    Stage stage{std::move(name), std::move(detail), left(), 0};
    for (Funnel& funnel : funnels_) funnel.rows = keep(funnel);
    stage.after = left();
    stages_.push_back(std::move(stage));
  }
  template <class Keep>
  void rows_stage(std::string name, std::string detail, const Keep& keep) {
    stage(std::move(name), std::move(detail), [&](Funnel& funnel) {
      Rows kept;
      std::ranges::copy_if(funnel.rows, std::back_inserter(kept),
                           [&](std::uint32_t row) { return keep(*funnel.version, row); });
      return kept;
    });
  }

  [[nodiscard]] bool enough_in_sum() const;
  void open(View view);
  void states(View view);
  void filters();
  void consumers(View view);
  void capacity(View view);
  void scores();
  std::vector<Lack> lacks(const VersionPlan& version, RowSource& source, std::uint32_t row);
  void lack_of_filters(const VersionPlan& version, RowSource& source, std::uint32_t row, std::vector<Lack>& lacks);

  const Sections& sections_;
  const Plan& plan_;
  const std::function<const CompiledPolicy&(const VersionPlan&, Symbol)>& policy_of_;
  std::vector<Funnel> funnels_;
  std::vector<Rows> before_capacity_;
  std::vector<Stage> stages_;
  std::uint64_t able_ = 0;  // candidates behind the capacity stage
  Scratch scratch_;
};

std::string amounts_text(const VersionPlan& version) {
  std::string text;
  for (std::size_t d = 0; d < version.values.amounts.size(); ++d) {
    if (version.values.amounts[d] == 0) continue;
    const DimensionDefinition& dimension = version.version->definition.dimensions[d];
    text += (text.empty() ? "" : ", ") + dimension.name + " " + units_text(version.values.amounts[d], dimension.step);
  }
  return text.empty() ? "nothing" : text;
}

std::string list_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " or ") + word;
  return text;
}

void Diagnosis::open(View view) {
  std::uint64_t all = 0;
  for (const VersionPlan& version : plan_.versions) {
    if (version.table == nullptr) continue;
    Rows rows;
    for (std::uint32_t row = 0; row < version.table->rows(); ++row) {
      if (version.table->exists(row)) rows.push_back(row);
    }
    all += rows.size();
    funnels_.push_back(
        {&version,
         RowSource(sections_.inventory, sections_.symbols, sections_.catalog, *version.table, version.values, view),
         std::move(rows)});
  }
  const std::string& type = plan_.request->type;
  stages_.push_back(
      {"type", type.empty() ? "types with the dimensions asked for" : type, sections_.inventory.count(), all});
}

void Diagnosis::states(View view) {
  if (view == View::kEmpty) return;
  // State fields of all versions, by name: those of the newest first, then those that only older ones have.
  std::vector<FieldDefinition> ruling;
  for (auto version = plan_.versions.rbegin(); version != plan_.versions.rend(); ++version) {
    for (const FieldDefinition& state : version->version->definition.states) {
      const bool known = std::ranges::any_of(ruling, [&](const auto& other) { return other.name == state.name; });
      if (!known && !state.allow.empty()) ruling.push_back(state);
    }
  }
  for (const FieldDefinition& state : ruling) {
    rows_stage("state." + state.name, list_text(state.allow), [&](const VersionPlan& version, std::uint32_t row) {
      const auto& states = version.version->definition.states;
      const auto found =
          std::ranges::find_if(states, [&](const FieldDefinition& other) { return other.name == state.name; });
      return found == states.end() ||
             version.rules.permits(*version.table, static_cast<std::size_t>(found - states.begin()), row);
    });
  }
}

void Diagnosis::filters() {
  if (!plan_.request->where.empty()) {
    stage("where", plan_.request->where,
          [&](Funnel& f) { return filter_rows(f.rows, *f.version->where, f.source, scratch_); });
  }
  const auto policy_filter = [&](Funnel& funnel) {
    Rows kept;
    for (const std::uint32_t row : funnel.rows) {
      const CompiledPolicy& policy = policy_of_(*funnel.version, funnel.version->table->policy[row]);
      const std::span<const std::uint32_t> one(&row, 1);
      if (!policy.where || !filter_rows(one, *policy.where, funnel.source, scratch_).empty()) kept.push_back(row);
    }
    return kept;
  };
  const CompiledPolicy& policy = *plan_.versions.back().policy;
  if (policy.where || plan_.versions.back().instances_choose) {
    stage("policy", policy.where ? policy.definition.name + ": " + policy.definition.where : policy.definition.name,
          policy_filter);
    if (stages_.back().before == stages_.back().after && !policy.where) stages_.pop_back();
  }
}

void Diagnosis::consumers(View view) {
  std::optional<std::uint32_t> maximum;
  for (const VersionPlan& version : plan_.versions) {
    if (const auto& own = version.version->definition.max_consumers) maximum = own;
  }
  if (!maximum || view == View::kEmpty) return;
  rows_stage("consumers", "at most " + std::to_string(*maximum), [&](const VersionPlan& version, std::uint32_t row) {
    return shares(version, row, sections_.ledger, plan_.consumer);
  });
}

void Diagnosis::capacity(View view) {
  rows_stage("capacity", amounts_text(plan_.versions.back()), [&](const VersionPlan& version, std::uint32_t row) {
    if (view == View::kPresent) return version.table->fits(row, version.values.amounts);
    for (std::size_t d = 0; d < version.values.amounts.size(); ++d) {
      if (version.values.amounts[d] > version.table->dimensions[d].limit[row]) return false;
    }
    return true;
  });
}

void Diagnosis::scores() {
  stage("score", plan_.versions.back().policy->definition.score, [&](Funnel& funnel) {
    Rows kept;
    for (const std::uint32_t row : funnel.rows) {
      const CompiledPolicy& policy = policy_of_(*funnel.version, funnel.version->table->policy[row]);
      const std::span<const std::uint32_t> one(&row, 1);
      if (!std::isnan(score_rows(one, policy.score, funnel.source, scratch_).front())) kept.push_back(row);
    }
    return kept;
  });
  if (stages_.back().before == stages_.back().after) stages_.pop_back();
}

// Sums over the candidates before the capacity stage; units of the newest version.
std::vector<BindingSum> Diagnosis::binding() const {
  std::vector<BindingSum> sums;
  const VersionPlan& newest = plan_.versions.back();
  for (std::size_t d = 0; d < newest.values.amounts.size(); ++d) {
    if (newest.values.amounts[d] == 0) continue;
    const DimensionDefinition& dimension = newest.version->definition.dimensions[d];
    BindingSum sum{
        dimension.name, dimension.unit, units_text(newest.values.amounts[d], dimension.step), {}, {}, {}, {}, {}, 0, 0};
    Int128 free = 0;
    Int128 used = 0;
    Int128 limit = 0;
    Int128 capacity = 0;
    Steps largest = 0;
    for (std::size_t i = 0; i < funnels_.size(); ++i) {
      const VersionPlan& version = *funnels_[i].version;
      const auto& theirs = version.version->definition.dimensions;
      const auto found = std::ranges::find_if(
          theirs, [&](const auto& other) { return other.name == dimension.name && other.step == dimension.step; });
      if (found == theirs.end()) continue;
      const auto column = static_cast<std::size_t>(found - theirs.begin());
      const DimensionColumns& columns = version.table->dimensions[column];
      for (const std::uint32_t row : before_capacity_[i]) {
        const Steps have = std::max<Steps>(0, columns.limit[row] - columns.used[row]);
        free += have;
        used += columns.used[row];
        limit += columns.limit[row];
        capacity += columns.capacity[row];
        largest = std::max(largest, have);
        ++sum.instances;
        if (have < version.values.amounts[column]) ++sum.short_of_it;
      }
    }
    const auto text = [&](Int128 steps) {
      return units_text(static_cast<Steps>(std::min<Int128>(steps, kMaxSteps)), dimension.step);
    };
    sum.largest_free = text(largest);
    sum.total_free = text(free);
    sum.total_used = text(used);
    sum.total_limit = text(limit);
    sum.total_capacity = text(capacity);
    sums.push_back(std::move(sum));
  }
  return sums;
}

// In every dimension the eligible instances together have what all instances of the request need together.
bool Diagnosis::enough_in_sum() const {
  bool any = false;
  const VersionPlan& newest = plan_.versions.back();
  for (std::size_t d = 0; d < newest.values.amounts.size(); ++d) {
    if (newest.values.amounts[d] == 0) continue;
    const DimensionDefinition& dimension = newest.version->definition.dimensions[d];
    // Exact in steps; what counts in other steps is added in units.
    const Int128 need = Int128{newest.values.amounts[d]} * plan_.request->count;
    Int128 free = 0;
    double others = 0;
    for (std::size_t i = 0; i < funnels_.size(); ++i) {
      const auto& theirs = funnels_[i].version->version->definition.dimensions;
      const auto found = std::ranges::find_if(theirs, [&](const auto& other) { return other.name == dimension.name; });
      if (found == theirs.end()) continue;
      const DimensionColumns& columns =
          funnels_[i].version->table->dimensions[static_cast<std::size_t>(found - theirs.begin())];
      for (const std::uint32_t row : before_capacity_[i]) {
        const Steps have = std::max<Steps>(0, columns.limit[row] - columns.used[row]);
        if (found->step == dimension.step) {
          free += have;
        } else {
          others += to_units(have, found->step);
        }
      }
    }
    const auto lacking = static_cast<double>(need - free) * to_units(1, dimension.step);
    if (free < need && others < lacking) return false;
    any = true;
  }
  return any;
}

void Diagnosis::lack_of_filters(const VersionPlan& version, RowSource& source, std::uint32_t row,
                                std::vector<Lack>& lacks) {
  const std::span<const std::uint32_t> one(&row, 1);
  const auto state_of = [](double held) { return std::isnan(held) ? "no value" : "false"; };
  if (version.where) {
    const double held = score_rows(one, *version.where, source, scratch_).front();
    if (held != 1.0) lacks.push_back({"where", plan_.request->where, state_of(held)});
  }
  const CompiledPolicy& policy = policy_of_(version, version.table->policy[row]);
  if (policy.where) {
    const double held = score_rows(one, *policy.where, source, scratch_).front();
    if (held != 1.0) lacks.push_back({"policy", policy.definition.where, state_of(held)});
  }
  if (std::isnan(score_rows(one, policy.score, source, scratch_).front()))
    lacks.push_back({"score", policy.definition.score, "no value"});
}

std::vector<Lack> Diagnosis::lacks(const VersionPlan& version, RowSource& source, std::uint32_t row) {
  std::vector<Lack> lacks;
  const InstanceTable& table = *version.table;
  const TypeDefinition& type = version.version->definition;
  for (std::size_t s = 0; s < type.states.size(); ++s) {
    if (version.rules.permits(table, s, row)) continue;
    const Node held = sections_.inventory.value_of(table.states[s], row);
    lacks.push_back({"state." + type.states[s].name, list_text(type.states[s].allow),
                     held.text() != nullptr                         ? *held.text()
                     : held.boolean() != nullptr && *held.boolean() ? "true"
                                                                    : "false"});
  }
  lack_of_filters(version, source, row, lacks);
  if (!shares(version, row, sections_.ledger, plan_.consumer)) {
    lacks.push_back(
        {"consumers", "at most " + std::to_string(*type.max_consumers), std::to_string(table.consumers[row])});
  }
  for (std::size_t d = 0; d < type.dimensions.size(); ++d) {
    const Steps free = table.dimensions[d].limit[row] - table.dimensions[d].used[row];
    if (version.values.amounts[d] == 0 || free >= version.values.amounts[d]) continue;
    const Step step = type.dimensions[d].step;
    lacks.push_back({type.dimensions[d].name, units_text(version.values.amounts[d], step), units_text(free, step)});
  }
  if (lacks.empty() && !table.fits(row, version.values.amounts))
    lacks.push_back({"over", "used at most the limit", "used above the limit"});
  return lacks;
}

// Nearest first: fewest things wrong besides capacity, then the smallest share of the amounts missing, then the
// ordinal.
std::vector<NearMiss> Diagnosis::closest() {
  using Distance = std::tuple<int, double, std::uint64_t>;
  std::vector<std::tuple<Distance, Funnel*, std::uint32_t>> found;
  for (Funnel& funnel : funnels_) {
    const VersionPlan& version = *funnel.version;
    for (std::uint32_t row = 0; row < version.table->rows(); ++row) {
      if (!version.table->exists(row)) continue;
      int wrong = version.rules.permits(*version.table, row) ? 0 : 1;
      wrong += shares(version, row, sections_.ledger, plan_.consumer) ? 0 : 1;
      double missing = 0;
      for (std::size_t d = 0; d < version.values.amounts.size(); ++d) {
        const auto need = static_cast<double>(version.values.amounts[d]);
        const auto free =
            static_cast<double>(version.table->dimensions[d].limit[row] - version.table->dimensions[d].used[row]);
        if (need > free) missing += (need - free) / need;
      }
      if (wrong == 0 && missing == 0 && std::ranges::find(funnel.rows, row) == funnel.rows.end()) wrong = 1;
      found.emplace_back(Distance{wrong, missing, version.table->ordinal[row]}, &funnel, row);
    }
  }
  const std::size_t kept = std::min(kClosest, found.size());
  const auto nearer = [](const auto& a, const auto& b) { return std::get<0>(a) < std::get<0>(b); };
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(), nearer);
  std::vector<NearMiss> misses;
  for (std::size_t i = 0; i < kept; ++i) {
    const auto& [distance, funnel, row] = found[i];
    std::vector<Lack> lacking = lacks(*funnel->version, funnel->source, row);
    const InstanceRef ref{funnel->version->version->id, row};
    if (lacking.empty()) continue;  // it would serve; the request wants more instances than serve
    misses.push_back({std::string(sections_.inventory.id_of(ref)),
                      std::string(sections_.symbols.text(funnel->version->table->location[row])), std::move(lacking)});
  }
  return misses;
}

std::string sentence(const Denial& denial, std::uint64_t able) {
  const std::string what = denial.type.empty() ? "instance" : "'" + denial.type + "'";
  std::string text;
  if (denial.count > 1)
    text = std::to_string(denial.count) + " instances are asked for and " + std::to_string(able) + " can serve; ";
  for (std::size_t i = 1; i < denial.stages.size(); ++i) {
    if (denial.stages[i].after > 0 || denial.stages[i].before == 0) continue;
    text += "stage '" + denial.stages[i].name + "' (" + denial.stages[i].detail + ") leaves none of " +
            std::to_string(denial.stages[i].before) + " candidates; ";
    break;
  }
  if (denial.stages.front().after == 0) text += "the pool has no " + what + "; ";
  const auto shortest = std::ranges::find_if(denial.binding, [](const BindingSum& sum) { return sum.short_of_it > 0; });
  if (shortest != denial.binding.end()) {
    const std::uint64_t fit = shortest->instances - shortest->short_of_it;
    const std::string unit = shortest->unit.empty() ? "" : " " + shortest->unit;
    text += shortest->dimension + " " + shortest->requested + unit;
    text += fit > 0 ? " is free on " + std::to_string(fit) : " > largest free " + shortest->largest_free + unit;
    text += "; " + shortest->total_free + unit + " free in all on " + std::to_string(shortest->instances) +
            (shortest->instances == 1 ? " instance; " : " instances; ");
  }
  switch (denial.denial_class) {
    case DenialClass::kNever:
      return text + "an empty pool could not serve it either";
    case DenialClass::kFragmented:
      return text + "there is enough in sum, but not in one place";
    case DenialClass::kConflict:
      return text + "alone it would fit, the other requests of the call take its place";
    default:
      return text + "an empty pool could serve it";
  }
}

}  // namespace

std::vector<Stage> Selector::stages(const Plan& plan) const {
  const std::function<const CompiledPolicy&(const VersionPlan&, Symbol)> policy =
      [this](const VersionPlan& v, Symbol own) -> const CompiledPolicy& {
    return policy_of(sections_, expressions_, v, own);
  };
  return Diagnosis(sections_, plan, policy).run(View::kPresent);
}

Denial Selector::diagnose(const Plan& plan) const {
  const std::function<const CompiledPolicy&(const VersionPlan&, Symbol)> policy =
      [this](const VersionPlan& v, Symbol own) -> const CompiledPolicy& {
    return policy_of(sections_, expressions_, v, own);
  };
  Denial denial;
  denial.type = plan.request->type;
  denial.consumer = plan.request->consumer;
  denial.count = plan.request->count;
  Diagnosis empty(sections_, plan, policy);
  static_cast<void>(empty.run(View::kEmpty));
  Diagnosis present(sections_, plan, policy);
  denial.stages = present.run(View::kPresent);
  denial.binding = present.binding();
  if (empty.left() < plan.request->count) {
    denial.denial_class = DenialClass::kNever;
  } else if (present.fragmented()) {
    denial.denial_class = DenialClass::kFragmented;
  }
  denial.closest = present.closest();
  denial.message = sentence(denial, present.left());
  return denial;
}

}  // namespace apportion
