// Why a request is denied: the stages one after the other with their counts, the binding sums, the class, and the
// instances that came closest. Slower than a selection on purpose: it looks at everything.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "apportion/allocator/cluster.hpp"
#include "apportion/allocator/constraints.hpp"
#include "apportion/allocator/selector.hpp"
#include "readings.hpp"
#include "sentence.hpp"
#include "sums.hpp"

namespace apportion {
namespace {

constexpr std::size_t kClosest = 5;

using Rows = std::vector<std::uint32_t>;
/// The policy of an instance that has one of its own, or 0.
using PolicyOf = std::function<const CompiledPolicy&(const VersionPlan&, Symbol)>;

/// Rows of each table that are looked at.
constexpr std::size_t kAllRows = std::numeric_limits<std::size_t>::max();

// What is left of one version's rows after each stage.
struct Funnel {
  const VersionPlan* version;
  RowSource source;
  std::unique_ptr<Cluster> cluster;  // which the source asks
  Rows rows;
};

class Diagnosis {
 public:
  Diagnosis(const Sections& sections, Expressions& expressions, const Plan& plan, const PolicyOf& policy_of,
            Neighbours& neighbours)
      : sections_(sections), expressions_(expressions), plan_(plan), policy_of_(policy_of), neighbours_(neighbours) {}

  /// Once.
  void run(View view, std::size_t rows = kAllRows) {
    run_to_capacity(view, rows);
    scores();
  }
  /// All that `fragmented` needs. Once, instead of `run`.
  void run_to_capacity(View view, std::size_t rows = kAllRows) {
    view_ = view;
    open(view, rows);
    states(view);
    service(view);
    bounds(view);
    filters();
    consumers(view);
    claims();
    for (const Funnel& funnel : funnels_) before_capacity_.push_back({funnel.version, funnel.rows});
    capacity(view);
    able_ = left();
  }

  [[nodiscard]] const std::vector<Stage>& stages() const { return stages_; }
  [[nodiscard]] const std::vector<SumPart>& before_capacity() const { return before_capacity_; }
  [[nodiscard]] Reason reason(bool empty) const { return {left(), stages_, binding(), empty}; }

  [[nodiscard]] std::uint64_t left() const {
    std::uint64_t total = 0;
    for (const Funnel& funnel : funnels_) total += funnel.rows.size();
    return total;
  }

  [[nodiscard]] std::vector<BindingSum> binding() const {
    return binding_sums(before_capacity_, plan_.versions.back(), view_);
  }
  /// A quota is used up.
  [[nodiscard]] bool out_of_quota() const {
    return std::ranges::any_of(plan_.bounds,
                               [](const SlotBound& bound) { return bound.kind == SlotBound::Kind::kQuota; });
  }
  /// Capacity is what fails, and yet the sums suffice.
  [[nodiscard]] bool fragmented() const {
    const std::uint32_t count = plan_.request->count;
    return able_ < count && enough_in_sum(before_capacity_, plan_.versions.back(), count);
  }
  /// Says of a denial which stage leaves too few, and which dimension most of its candidates lack.
  void say_stage(Denial& denial);
  [[nodiscard]] std::vector<NearMiss> closest();
  std::vector<Lack> lacks(const VersionPlan& version, RowSource& source, std::uint32_t row);

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

  template <class Keep>
  Rows rows_by_policy(Funnel& funnel, const Keep& keep);
  void open(View view, std::size_t most);
  void states(View view);
  void service(View view);
  void bounds(View view);
  [[nodiscard]] std::string text_of(const SlotBound& bound) const {
    return bound.text(values_text(bound, bound.values, plan_.versions.back().version->definition, sections_.symbols));
  }
  void filters();
  void consumers(View view);
  void claims();
  void capacity(View view);
  void scores();
  void lack_of_filters(const VersionPlan& version, RowSource& source, std::uint32_t row, std::vector<Lack>& lacks);

  const Sections& sections_;
  Expressions& expressions_;
  const Plan& plan_;
  const PolicyOf& policy_of_;
  std::vector<Funnel> funnels_;
  std::vector<SumPart> before_capacity_;
  View view_ = View::kPresent;
  std::vector<Stage> stages_;
  std::uint64_t able_ = 0;  // candidates behind the capacity stage
  Scratch scratch_;
  Neighbours& neighbours_;
};

std::string amounts_text(const VersionPlan& version) {
  std::string text;
  const std::vector<Steps>& amounts = version.portion.usual();
  for (std::size_t d = 0; d < amounts.size(); ++d) {
    if (amounts[d] == 0) continue;
    const DimensionDefinition& dimension = version.version->definition.dimensions[d];
    text += (text.empty() ? "" : ", ") + dimension.name + " " + units_text(amounts[d], dimension.step);
  }
  return text.empty() ? "nothing" : text;
}

std::string list_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " or ") + word;
  return text;
}

void Diagnosis::open(View view, std::size_t most) {
  std::uint64_t all = 0;
  for (const VersionPlan& version : plan_.versions) {
    if (version.table == nullptr) continue;
    Rows rows;
    const std::size_t end = std::min(most, version.table->rows());
    for (std::size_t at = 0; at < end; ++at) {
      const auto row = static_cast<std::uint32_t>(at);
      if (version.table->exists(row)) rows.push_back(row);
    }
    all += rows.size();
    funnels_.push_back(
        {&version,
         RowSource(sections_.inventory, sections_.symbols, sections_.catalog, *version.table, version.values, view),
         std::make_unique<Cluster>(sections_, expressions_, version, neighbours_, view), std::move(rows)});
    funnels_.back().source.use_inside(funnels_.back().cluster.get());
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
  rows_stage("parts", "all parts that are announced",
             [](const VersionPlan& version, std::uint32_t row) { return !version.table->rare[row].closed(); });
  if (stages_.back().before == stages_.back().after) stages_.pop_back();
  for (const FieldDefinition& state : ruling) {
    stage("state." + state.name, list_text(state.allow), [&](const Funnel& funnel) {
      const VersionPlan& version = *funnel.version;
      const auto& states = version.version->definition.states;
      const auto found = std::ranges::find(states, state.name, &FieldDefinition::name);
      if (found == states.end()) return funnel.rows;
      Rows kept;
      std::ranges::copy_if(funnel.rows, std::back_inserter(kept), [&](std::uint32_t row) {
        return version.rules.permits(*version.table, static_cast<std::size_t>(found - states.begin()), row);
      });
      return kept;
    });
  }
}

// Who is out of service, or goes out of it before the claim ends.
void Diagnosis::service(View view) {
  if (view == View::kEmpty || sections_.inventory.limited() == 0) return;
  const Time ends = plan_.request->ends;
  rows_stage("maintenance", service_text(ends),
             [&](const VersionPlan& version, std::uint32_t row) { return version.table->in_service(row, ends); });
  if (stages_.back().before == stages_.back().after) stages_.pop_back();
}

// What `keep` leaves of the rows, all those of one policy at once.
template <class Keep>
Rows Diagnosis::rows_by_policy(Funnel& funnel, const Keep& keep) {
  const VersionPlan& version = *funnel.version;
  if (!version.instances_choose) return keep(policy_of_(version, 0), funnel.rows);
  std::map<Symbol, Rows> rows;
  for (const std::uint32_t row : funnel.rows) rows[version.table->policy[row]].push_back(row);
  Rows kept;
  for (const auto& [own, theirs] : rows)
    std::ranges::copy(keep(policy_of_(version, own), theirs), std::back_inserter(kept));
  if (rows.size() > 1) std::ranges::sort(kept);
  return kept;
}

void Diagnosis::bounds(View view) {
  for (const SlotBound& bound : plan_.bounds) {
    rows_stage(bound.name(), text_of(bound), [&](const VersionPlan& version, std::uint32_t row) {
      return within(bound, neighbours_, {version.version->id, row}, view);
    });
    if (stages_.back().before == stages_.back().after) stages_.pop_back();
  }
}

void Diagnosis::filters() {
  if (!plan_.request->where.empty()) {
    stage("where", plan_.request->where,
          [&](Funnel& f) { return filter_rows(f.rows, *f.version->where, f.source, scratch_); });
  }
  const auto policy_filter = [&](Funnel& funnel) {
    return rows_by_policy(funnel, [&](const CompiledPolicy& policy, const Rows& rows) {
      return policy.where ? filter_rows(rows, *policy.where, funnel.source, scratch_) : rows;
    });
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

// What the rules of types and instances do not let.
void Diagnosis::claims() {
  const auto ruled = [](const VersionPlan& version) {
    return version.table != nullptr && version.portion.ruled(*version.table);
  };
  if (std::ranges::none_of(plan_.versions, ruled)) return;
  const VersionPlan& newest = plan_.versions.back();
  rows_stage("claim", newest.portion.text(newest.version->definition),
             [&](const VersionPlan& version, std::uint32_t row) {
               return version.portion.of(*version.table, row).has_value();
             });
  if (stages_.back().before == stages_.back().after) stages_.pop_back();
}

void Diagnosis::capacity(View view) {
  rows_stage("capacity", amounts_text(plan_.versions.back()), [&](const VersionPlan& version, std::uint32_t row) {
    if (view == View::kPresent) return version.fits(row);
    const Amounts amounts = version.wanted(row);
    for (std::size_t d = 0; d < amounts.size(); ++d) {
      if (amounts[d] > version.table->dimensions[d].limit[row]) return false;
    }
    return true;
  });
}

void Diagnosis::scores() {
  stage("score", plan_.versions.back().policy->definition.score, [&](Funnel& funnel) {
    return rows_by_policy(funnel, [&](const CompiledPolicy& policy, const Rows& rows) {
      const std::vector<double> scores = score_rows(rows, policy.score, funnel.source, scratch_);
      Rows kept;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!std::isnan(scores[i])) kept.push_back(rows[i]);
      }
      return kept;
    });
  });
  if (stages_.back().before == stages_.back().after) stages_.pop_back();
}

void Diagnosis::lack_of_filters(const VersionPlan& version, RowSource& source, std::uint32_t row,
                                std::vector<Lack>& lacks) {
  const std::span<const std::uint32_t> one(&row, 1);
  const auto check = [&](const char* what, const std::string& need, const CompiledFilter& filter) {
    const double held = score_rows(one, filter, source, scratch_).front();
    if (held == 1.0) return;
    const std::string read = readings(filter, version.version->definition, source, row);
    lacks.push_back({what, need, !read.empty() ? read : std::isnan(held) ? "no value" : "false"});
  };
  if (version.where) check("where", plan_.request->where, *version.where);
  const CompiledPolicy& policy = policy_of_(version, version.table->policy[row]);
  if (policy.where) check("policy", policy.definition.where, *policy.where);
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
  if (table.rare[row].closed()) lacks.push_back({"parts", "all parts that are announced", "some are missing"});
  if (!table.in_service(row, plan_.request->ends)) {
    const bool closed = !table.in_service(row);
    lacks.push_back(
        {"maintenance", service_text(plan_.request->ends), closed ? "out of service" : "goes before it ends"});
  }
  for (const SlotBound& bound : plan_.bounds) {
    const InstanceRef instance{version.version->id, row};
    if (within(bound, neighbours_, instance)) continue;
    if (bound.kind == SlotBound::Kind::kQuota) {
      lacks.push_back({bound.name(), text_of(bound), "less"});
      continue;
    }
    if (bound.affinity) {
      lacks.push_back({bound.name(), text_of(bound), bound.affinity->found_text(neighbours_, instance)});
      continue;
    }
    const std::string held = values_text(bound, neighbours_.values(instance, bound.word), type, sections_.symbols);
    lacks.push_back({bound.name(), text_of(bound), held.empty() ? "no value" : held});
  }
  lack_of_filters(version, source, row, lacks);
  if (!shares(version, row, sections_.ledger, plan_.consumer)) {
    lacks.push_back(
        {"consumers", "at most " + std::to_string(*type.max_consumers), std::to_string(table.consumers[row])});
  }
  std::ranges::move(version.portion.refusals(table, row, type), std::back_inserter(lacks));
  const Amounts wanted = version.wanted(row);
  for (std::size_t d = 0; d < type.dimensions.size(); ++d) {
    const Steps free = table.dimensions[d].limit[row] - table.dimensions[d].used[row];
    if (wanted[d] == 0 || free >= wanted[d]) continue;
    const Step step = type.dimensions[d].step;
    lacks.push_back({type.dimensions[d].name, units_text(wanted[d], step), units_text(free, step)});
  }
  if (lacks.empty() && !version.fits(row)) lacks.push_back({"over", "used at most the limit", "used above the limit"});
  return lacks;
}

void Diagnosis::say_stage(Denial& denial) {
  const std::uint32_t count = plan_.request->count;
  if (stages_.back().name == "capacity" && able_ >= count) scores();
  const auto binding = std::ranges::find_if(stages_, [&](const Stage& stage) { return stage.after < count; });
  if (binding == stages_.end()) return;
  denial.stage = binding->name;
  if (denial.stage != "capacity") return;
  denial.dimension = scarcest(before_capacity_, plan_.versions.back(), view_);
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
      wrong += within_bounds(plan_, neighbours_, {version.version->id, row}) ? 0 : 1;
      wrong += shares(version, row, sections_.ledger, plan_.consumer) ? 0 : 1;
      double missing = 0;
      wrong += version.portion.ruled(*version.table) && !version.portion.of(*version.table, row) ? 1 : 0;
      const Amounts wanted = version.wanted(row);
      for (std::size_t d = 0; d < wanted.size(); ++d) {
        const auto need = static_cast<double>(wanted[d]);
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

PolicyOf policies_of(const Sections& sections, Expressions& expressions) {
  return [&](const VersionPlan& version, Symbol own) -> const CompiledPolicy& {
    return policy_of(sections, expressions, version, own);
  };
}

DenialClass class_now(const Diagnosis& present) {
  if (present.out_of_quota()) return DenialClass::kQuota;
  return present.fragmented() ? DenialClass::kFragmented : DenialClass::kNotNow;
}

}  // namespace

std::vector<Stage> Selector::stages(const Plan& plan) const {
  const PolicyOf policy = policies_of(sections_, expressions_);
  Diagnosis present(sections_, expressions_, plan, policy, neighbours_);
  present.run(View::kPresent);
  return present.stages();
}

std::vector<SumPart> Selector::before_capacity(const Plan& plan) const {
  const PolicyOf policy = policies_of(sections_, expressions_);
  Diagnosis present(sections_, expressions_, plan, policy, neighbours_);
  present.run_to_capacity(View::kPresent);
  return present.before_capacity();
}

// Among the first rows there are nearly always some that could serve when empty: all are looked at if not.
Denial Selector::brief(const Plan& plan) const {
  constexpr std::size_t kFirst = 64;
  Denial denial;
  const PolicyOf policy = policies_of(sections_, expressions_);
  Diagnosis first(sections_, expressions_, plan, policy, neighbours_);
  first.run(View::kEmpty, kFirst);
  if (first.left() < plan.request->count) {
    Diagnosis all(sections_, expressions_, plan, policy, neighbours_);
    all.run(View::kEmpty);
    if (all.left() < plan.request->count) {
      denial.denial_class = DenialClass::kNever;
      all.say_stage(denial);
      return denial;
    }
  }
  Diagnosis present(sections_, expressions_, plan, policy, neighbours_);
  present.run_to_capacity(View::kPresent);
  denial.denial_class = class_now(present);
  present.say_stage(denial);
  return denial;
}

std::vector<Lack> Selector::lacks(const Plan& plan, InstanceRef instance) const {
  const PolicyOf policy = policies_of(sections_, expressions_);
  const VersionPlan& version = plan.version_of(instance);
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, *version.table, version.values);
  return Diagnosis(sections_, expressions_, plan, policy, neighbours_).lacks(version, source, instance.row);
}

Denial Selector::diagnose(const Plan& plan) const {
  const PolicyOf policy = policies_of(sections_, expressions_);
  Denial denial;
  denial.type = plan.request->type;
  denial.consumer = plan.request->consumer;
  denial.count = plan.request->count;
  Diagnosis empty(sections_, expressions_, plan, policy, neighbours_);
  empty.run(View::kEmpty);
  Diagnosis present(sections_, expressions_, plan, policy, neighbours_);
  present.run(View::kPresent);
  denial.stages = present.stages();
  denial.binding = present.binding();
  // What an empty pool fails by is the reason, whatever else stands in the way now.
  const bool never = empty.left() < plan.request->count;
  denial.denial_class = never ? DenialClass::kNever : class_now(present);
  denial.closest = present.closest();
  denial.message = sentence(denial, (never ? empty : present).reason(never), left_out(sections_, plan));
  (never ? empty : present).say_stage(denial);
  denial.core = core_of(sections_, expressions_, plan, neighbours_, never ? View::kEmpty : View::kPresent);
  return denial;
}

}  // namespace apportion
