#include "apportion/allocator/selector.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "apportion/expr/diagnostic.hpp"
#include "apportion/journal/state.hpp"

namespace apportion {
namespace {

constexpr std::uint32_t kMaxCount = 100'000;

double key_of(double score, const PolicyDefinition& policy) {
  const double counted = policy.quantum > 0 ? std::floor(score / policy.quantum) : score;
  return policy.order == Order::kMax ? -counted : counted;
}

// Lower ranks win. Rotating: the first ordinal after the cursor comes first, by wrapping subtraction.
std::uint64_t rank_of(std::uint64_t ordinal, const PolicyDefinition& policy, std::uint64_t cursor,
                      std::uint64_t number) {
  switch (policy.ties) {
    case Ties::kHighestId:
      return ~ordinal;
    case Ties::kRotating:
      return ordinal - cursor - 1;
    case Ties::kSeeded:
      return mix64(mix64(policy.seed, number), ordinal);
    default:
      return ordinal;
  }
}

bool has_dimensions(const TypeDefinition& type, const Request& request) {
  return std::ranges::all_of(request.amounts, [&](const auto& amount) {
    return std::ranges::any_of(type.dimensions, [&](const auto& d) { return d.name == amount.first; });
  });
}

Status check_request(const Request& request) {
  if (request.consumer.empty() || request.consumer.size() > kMaxIdBytes || !is_clean_text(request.consumer)) {
    return invalid("a consumer's id has 1 to 200 bytes of UTF-8 without control characters", "consumer");
  }
  if (request.count < 1 || request.count > kMaxCount) {
    return invalid("count is " + std::to_string(request.count) + ", expected 1 to 100000", "count");
  }
  if (request.type.empty() && request.where.empty())
    return invalid("name a type, or say by `where` which instances may serve", "type");
  return {};
}

Result<std::vector<Steps>> steps_of(const Request& request, const TypeDefinition& type) {
  std::vector<Steps> steps(type.dimensions.size());
  for (const auto& [name, value] : request.amounts) {
    std::vector<std::string> names;
    for (const DimensionDefinition& d : type.dimensions) names.push_back(d.name);
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      return unknown("type '" + type.name + "' has no dimension '" + name + "'" + name_hint(name, names), "amounts");
    }
    const auto d = static_cast<std::size_t>(found - names.begin());
    const Result<Steps> counted = to_steps(value, type.dimensions[d].step, Rounding::kUp);
    if (!counted) return Error{counted.error().code, counted.error().message, "amounts." + name};
    steps[d] = *counted;
  }
  return steps;
}

}  // namespace

Sections Sections::of(const State& state) {
  return {state.section<Symbols>(kSymbolsArea), state.section<Catalog>(kCatalogArea),
          state.section<Inventory>(kInventoryArea), state.section<Ledger>(kLedgerArea)};
}

Result<std::vector<const TypeVersion*>> Selector::versions_for(const Request& request) const {
  const Catalog& catalog = sections_.catalog;
  if (!request.type.empty()) {
    std::vector<const TypeVersion*> versions = catalog.versions_of(request.type);
    if (!versions.empty()) return versions;
    return unknown("there is no type '" + request.type + "'" + name_hint(request.type, catalog.type_names()), "type");
  }
  std::vector<const TypeVersion*> versions;
  Status last;
  for (VersionId id = 0; id < catalog.version_count(); ++id) {
    const TypeVersion& version = catalog.version(id);
    if (!has_dimensions(version.definition, request)) continue;
    // A type that lacks a name used in `where` cannot be meant by it.
    const auto filter = expressions_.filter(catalog, id, request.where);
    if (filter) {
      versions.push_back(&version);
    } else {
      last = filter.error();
    }
  }
  if (versions.empty() && last.has_error()) return last.error();
  if (versions.empty()) return unknown("no type has all the dimensions that are asked for", "amounts");
  return versions;
}

Result<Plan> Selector::plan(const Request& request, Time now) const {
  APPORTION_TRY(check_request(request));
  Result<std::vector<const TypeVersion*>> versions = versions_for(request);
  if (!versions) return versions.error();
  Plan plan;
  plan.request = &request;
  plan.consumer = sections_.ledger.consumers().find(request.consumer);
  for (const TypeVersion* version : *versions) {
    const bool newest = version == versions->back();
    // An older version without a dimension or a field that is asked for has nothing to offer; the newest one's
    // complaint is the user's.
    if (!newest && !has_dimensions(version->definition, request)) continue;
    Result<VersionPlan> resolved = plan_version(request, *version, now);
    if (!newest && !resolved) continue;
    if (!resolved) return resolved.error();
    plan.versions.push_back(std::move(*resolved));
  }
  const VersionPlan& asked = plan.versions.back();
  plan.asked = asked.version->id;
  const PolicyDefinition& policy = asked.policy->definition;
  if (policy.ties == Ties::kRotating) plan.cursor_key = mix64(hash_bytes(policy.name), hash_bytes(request.type, 1)) | 1;
  return plan;
}

Result<VersionPlan> Selector::plan_version(const Request& request, const TypeVersion& version, Time now) const {
  const Catalog& catalog = sections_.catalog;
  Result<std::vector<Steps>> steps = steps_of(request, version.definition);
  if (!steps) return steps.error();
  VersionPlan plan{
      &version, sections_.inventory.table(version.id), {}, StateRules(version.definition, sections_.symbols), {}, {},
      false};
  plan.values.amounts = std::move(*steps);
  plan.values.count = request.count;
  plan.values.consumer = request.consumer;
  plan.values.now = now;
  const Consumers& consumers = sections_.ledger.consumers();
  if (const std::uint32_t slot = consumers.find(request.consumer); slot != Consumers::kNone) {
    plan.values.consumer_kind = sections_.symbols.text(consumers.row(slot).kind);
    for (const Attribute& a : consumers.attributes(slot))
      plan.values.attributes.emplace_back(sections_.symbols.text(a.name), a.lane);
  }
  if (!request.where.empty()) {
    Result<std::shared_ptr<const CompiledFilter>> where = expressions_.filter(catalog, version.id, request.where);
    if (!where) return where.error();
    plan.where = *where;
  }
  const bool chosen = request.own_policy || !request.policy.empty();
  Result<std::shared_ptr<const CompiledPolicy>> policy =
      request.own_policy
          ? Expressions::compile_policy(catalog, version.id, *request.own_policy)
          : expressions_.policy(catalog, version.id, chosen ? request.policy : version.definition.policy);
  if (!policy) return policy.error();
  plan.policy = *policy;
  plan.instances_choose = !chosen;
  return plan;
}

const CompiledPolicy& Selector::policy_of(const VersionPlan& version, Symbol own) const {
  if (own == 0 || !version.instances_choose) return *version.policy;
  // Checked when the instance was written; a policy that was changed since and no longer fits leaves the type's.
  const auto policy = expressions_.policy(sections_.catalog, version.version->id, sections_.symbols.text(own));
  return policy ? **policy : *version.policy;
}

bool shares(const VersionPlan& version, std::uint32_t row, const Ledger& ledger, std::uint32_t consumer) {
  const auto& maximum = version.version->definition.max_consumers;
  if (!maximum || version.table->consumers[row] < *maximum) return true;
  return consumer != Consumers::kNone && ledger.holdings({version.version->id, row}, consumer) > 0;
}

std::vector<double> score_rows(std::span<const std::uint32_t> rows, const CompiledFilter& score, RowSource& source,
                               Scratch& scratch) {
  std::vector<double> scores(rows.size());
  source.use(score.bindings);
  score.program.begin(source, scratch);
  for (std::size_t at = 0; at < rows.size(); at += kBlockLanes) {
    const std::span<const std::uint32_t> block = rows.subspan(at, std::min<std::size_t>(kBlockLanes, rows.size() - at));
    source.set(block);
    score.program.evaluate(source, static_cast<std::uint32_t>(block.size()), scores.data() + at, scratch);
  }
  return scores;
}

std::vector<std::uint32_t> filter_rows(std::span<const std::uint32_t> rows, const CompiledFilter& filter,
                                       RowSource& source, Scratch& scratch) {
  const std::vector<double> holds = score_rows(rows, filter, source, scratch);
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (holds[i] == 1.0) kept.push_back(rows[i]);
  }
  return kept;
}

void Selector::visit(const Plan& plan, std::span<const InstanceRef> excluded, const Visit& on_candidate) const {
  for (const VersionPlan& version : plan.versions) {
    if (version.table != nullptr) visit_version(plan, version, excluded, on_candidate);
  }
}

void Selector::visit_version(const Plan& plan, const VersionPlan& version, std::span<const InstanceRef> excluded,
                             const Visit& on_candidate) const {
  const InstanceTable& table = *version.table;
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, table, version.values);
  Scratch scratch;
  // The cheap stages first: whole numbers of the columns. Rows are kept by the policy that scores them.
  std::map<Symbol, std::vector<std::uint32_t>> rows;
  for (std::uint32_t row = 0; row < table.rows(); ++row) {
    const bool fits = table.exists(row) && table.fits(row, version.values.amounts);
    if (!fits || !version.rules.permits(table, row) || !shares(version, row, sections_.ledger, plan.consumer)) continue;
    if (std::ranges::find(excluded, InstanceRef{table.version, row}) != excluded.end()) continue;
    rows[version.instances_choose ? table.policy[row] : 0].push_back(row);
  }
  for (auto& [own, kept] : rows) {
    const CompiledPolicy& policy = policy_of(version, own);
    if (version.where) kept = filter_rows(kept, *version.where, source, scratch);
    if (policy.where) kept = filter_rows(kept, *policy.where, source, scratch);
    const std::vector<double> scores = score_rows(kept, policy.score, source, scratch);
    const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (std::isnan(scores[i])) continue;
      const std::uint64_t ordinal = table.ordinal[kept[i]];
      on_candidate({{table.version, kept[i]},
                    ordinal,
                    scores[i],
                    key_of(scores[i], policy.definition),
                    rank_of(ordinal, version.policy->definition, cursor, plan.number),
                    own});
    }
  }
}

std::vector<Scored> Selector::ranking(const Plan& plan) const {
  std::vector<Scored> all;
  visit(plan, {}, [&](const Scored& candidate) { all.push_back(candidate); });
  std::ranges::sort(all, std::less<>());
  return all;
}

std::vector<Scored> Selector::choose(const Plan& plan, Transaction& log) const {
  const std::size_t count = plan.request->count;
  const bool groups = std::ranges::any_of(plan.versions, [](const VersionPlan& v) {
    return v.policy->reads_groups() || (v.where && v.where->program.reads().has(Read::kGroup)) || v.instances_choose;
  });
  std::vector<Scored> chosen;
  if (count > 1 && !groups) {
    chosen = ranking(plan);
    chosen.resize(std::min(count, chosen.size()));
    return chosen;
  }
  const Transaction::Mark start = log.mark();
  std::vector<InstanceRef> taken;
  while (chosen.size() < count) {
    std::optional<Scored> best;
    visit(plan, taken, [&](const Scored& candidate) {
      if (!best || candidate < *best) best = candidate;
    });
    if (!best) break;
    chosen.push_back(*best);
    taken.push_back(best->instance);
    // Provisional: what expressions over groups see of the choices before.
    const auto version = std::ranges::find_if(
        plan.versions, [&](const VersionPlan& v) { return v.version->id == best->instance.version; });
    if (chosen.size() == count) break;
    version->table->add_used(log, best->instance.row, version->values.amounts, 1);
    ++version->table->claims.edit(log, best->instance.row);
  }
  log.rollback(start);
  return chosen;
}

}  // namespace apportion
