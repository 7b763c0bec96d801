#include "apportion/allocator/plan.hpp"

#include <algorithm>

#include "apportion/catalog/request_words.hpp"
#include "apportion/expr/diagnostic.hpp"

namespace apportion {
namespace {

constexpr std::uint32_t kMaxCount = 100'000;

bool has_dimensions(const TypeDefinition& type, const Request& request) {
  return std::ranges::all_of(request.amounts, [&](const auto& amount) {
    return std::ranges::any_of(type.dimensions, [&](const auto& d) { return d.name == amount.first; });
  });
}

bool names(const Request& request, std::string_view dimension) {
  return std::ranges::any_of(request.amounts, [&](const auto& amount) { return amount.first == dimension; });
}

Status check_consumer(const Request& request) {
  const std::string& id = request.consumer;
  if (!id.empty() && id.size() <= kMaxIdBytes && is_clean_text(id)) return {};
  return invalid("a consumer's id has 1 to 200 bytes of UTF-8 without control characters", "consumer");
}

Status check_request(const Request& request) {
  if (request.count < 1 || request.count > kMaxCount) {
    return invalid("count is " + std::to_string(request.count) + ", expected 1 to 100000", "count");
  }
  if (request.type.empty() && request.where.empty())
    return invalid("name a type, or say by `where` which instances may serve", "type");
  if (!request.labels.empty()) APPORTION_TRY(check_labels(request.labels));
  return {};
}

// An outcome has no instances that they could be about.
Status check_outcome(const Request& request) {
  const std::string why = "'" + request.type + "' is an outcome and has no instances: this belongs to its needs";
  if (!request.where.empty()) return invalid(why, "where");
  if (!request.policy.empty() || request.own_policy) return invalid(why, "policy");
  if (request.whole) return invalid(why, "whole");
  return {};
}

Result<std::vector<Steps>> steps_of(const Request& request, const TypeDefinition& type) {
  std::vector<Steps> steps(type.dimensions.size());
  for (const auto& [name, value] : request.amounts) {
    const auto found = std::ranges::find(type.dimensions, name, &DimensionDefinition::name);
    if (found == type.dimensions.end()) return unknown_dimension(type, name);
    const Result<Steps> counted = to_steps(value, found->step, Rounding::kUp);
    if (!counted) return Error{counted.error().code, counted.error().message, "amounts." + name};
    steps[static_cast<std::size_t>(found - type.dimensions.begin())] = *counted;
  }
  return steps;
}

bool prefers(const Catalog& catalog, const NeedRef& need) {
  return !need.in(catalog.version(need.owner).definition).prefer.empty();
}

// The newest version lacks a dimension that an older one has.
std::optional<Error> asked_of_older(const Request& request, const std::vector<const TypeVersion*>& versions) {
  const TypeVersion& newest = *versions.back();
  if (request.type.empty()) return std::nullopt;  // then every version has what is asked for
  for (const auto& [name, amount] : request.amounts) {
    const auto has = [&name = name](const TypeVersion* version) {
      const auto& dimensions = version->definition.dimensions;
      return std::ranges::find(dimensions, name, &DimensionDefinition::name) != dimensions.end();
    };
    const auto older = std::ranges::find_if(versions.rbegin(), versions.rend(), has);
    if (older == versions.rend() || *older == &newest) continue;
    const std::string number = std::to_string(newest.number);
    return unknown("type '" + request.type + "' has no dimension '" + name + "' in version " + number + "; version " +
                       std::to_string((*older)->number) +
                       " had it: ask in the newest one's dimensions, and migrate older instances to it",
                   "amounts");
  }
  return std::nullopt;
}

}  // namespace

const VersionPlan& Plan::version_of(InstanceRef instance) const {
  return *std::ranges::find_if(versions, [&](const VersionPlan& v) { return v.version->id == instance.version; });
}

Result<std::vector<const TypeVersion*>> Planner::versions_for(const Request& request) const {
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
    if (!version.definition.needs.empty()) continue;  // a tree is asked for by its name
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

Result<Plan> Planner::plan(const Request& request, Time now) const {
  APPORTION_TRY(check_consumer(request));
  APPORTION_TRY(check_request(request));
  Result<std::vector<const TypeVersion*>> versions = versions_for(request);
  if (!versions) return versions.error();
  Plan plan;
  for (const TypeVersion* version : *versions) {
    const bool newest = version == versions->back();
    // An older version without a dimension or a field that is asked for has nothing to offer; the newest one's
    // complaint is the user's.
    if (!newest && !has_dimensions(version->definition, request)) continue;
    Result<VersionPlan> resolved = plan_version(request, *version);
    if (!newest && !resolved) continue;
    if (!resolved) return asked_of_older(request, *versions).value_or(resolved.error());
    plan.versions.push_back(std::move(*resolved));
  }
  const VersionPlan& asked = plan.versions.back();
  plan.asked = asked.version->id;
  if (asked.version->definition.outcome && request.slot == nullptr) APPORTION_TRY(check_outcome(request));
  plan.needs =
      std::ranges::any_of(plan.versions, [](const VersionPlan& v) { return !v.version->definition.needs.empty(); });
  const PolicyDefinition& policy = asked.policy->definition;
  if (policy.ties == Ties::kRotating) plan.cursor_key = mix64(hash_bytes(policy.name), hash_bytes(request.type, 1)) | 1;
  APPORTION_TRY(address(plan, request, now));
  return plan;
}

Result<VersionPlan> Planner::plan_version(const Request& request, const TypeVersion& version) const {
  const Catalog& catalog = sections_.catalog;
  Result<std::vector<Steps>> steps = steps_of(request, version.definition);
  if (!steps) return steps.error();
  VersionPlan plan{&version, nullptr, {}, StateRules(version.definition, sections_.symbols), 0, {}, {}, false, {}};
  std::uint32_t named = 0;
  for (std::size_t d = 0; d < steps->size(); ++d) {
    const DimensionDefinition& dimension = version.definition.dimensions[d];
    if (names(request, dimension.name)) named |= 1U << d;
  }
  plan.portion = Portion(version.definition, *steps, named, request.whole, sections_.symbols);
  if (request.whole && version.definition.dimensions.empty())
    return invalid("type '" + version.definition.name + "' has no dimension: nothing of it can be taken whole",
                   "whole");
  for (std::size_t d = 0; d < steps->size(); ++d) {
    if ((named >> d & 1U) == 0) (*steps)[d] = plan.portion.usual()[d];
  }
  plan.values.amounts = std::move(*steps);
  plan.values.count = request.count;
  const NeedRef* const need = rule_of(request);
  if (!request.where.empty()) {
    Result<std::shared_ptr<const CompiledFilter>> where = expressions_.filter(catalog, version.id, request.where, need);
    if (!where) return where.error();
    plan.where = *where;
  }
  const bool preferring = need != nullptr && prefers(catalog, *need);
  const bool chosen = request.own_policy || !request.policy.empty() || preferring;
  const std::string& name = request.policy.empty() ? version.definition.policy : request.policy;
  Result<std::shared_ptr<const CompiledPolicy>> policy =
      request.own_policy ? Expressions::compile_policy(catalog, version.id, *request.own_policy)
      : preferring       ? expressions_.policy(catalog, version.id, name, need)
                         : expressions_.policy(catalog, version.id, name);
  if (!policy) return policy.error();
  plan.policy = *policy;
  plan.instances_choose = !chosen;
  return plan;
}

// The groups of its consumer may hold so much, all in all.
void Planner::add_quota(Plan& plan, const Request& request, std::uint32_t consumer) const {
  const std::vector<std::string_view> groups = sections_.ledger.groups_of(consumer);
  const VersionPlan& asked = plan.versions.back();
  if (groups.empty() || asked.version->definition.outcome) return;  // a tree is what its slots take
  std::vector<Taking> takings;
  for (const Taken& taken : request.beside) takings.push_back({taken.instance.version, taken.amounts});
  for (std::uint32_t i = 0; i < request.count; ++i) takings.push_back({asked.version->id, asked.portion.usual()});
  const QuotaSums& sums = sections_.ledger.quota_sums();
  const std::optional<QuotaExcess> excess = sums.excess(groups, takings, view_ == View::kEmpty);
  if (!excess) return;
  SlotBound bound{SlotBound::Kind::kQuota, {}, {}, false};
  bound.quota = text_of(*excess);
  bound.never = sums.excess(groups, takings, true).has_value();
  plan.bounds.push_back(std::move(bound));
}

void Planner::add_rules(Plan& plan, const Request& request) const {
  neighbours_.catch_up();
  const std::uint32_t consumer = sections_.ledger.consumers().find(request.consumer);
  std::vector<VersionId> versions;
  for (const VersionPlan& version : plan.versions) versions.push_back(version.version->id);
  const AffinityTest::Asker asker{request.labels, consumer, request.beside, request.leaving, view_};
  for (auto& affinity : affinities_of(sections_.ledger, asker, neighbours_, versions)) {
    if (affinity->definition().weight) {
      plan.preferences.push_back(std::move(affinity));
      continue;
    }
    SlotBound bound{SlotBound::Kind::kAffinity, affinity->definition().per, affinity->domains(), false};
    bound.affinity = std::move(affinity);
    plan.bounds.push_back(std::move(bound));
  }
  add_quota(plan, request, consumer);
}

Status Planner::address(Plan& plan, const Request& request, Time now) const {
  APPORTION_TRY(check_consumer(request));
  const Consumers& consumers = sections_.ledger.consumers();
  plan.request = &request;
  // Looked up only where somebody may want to know: it costs a walk through memory.
  const bool matters = std::ranges::any_of(plan.versions, [](const VersionPlan& v) {
    return v.version->definition.max_consumers || v.instances_choose || v.reads(Read::kConsumer);
  });
  plan.consumer = matters ? consumers.find(request.consumer) : Consumers::kNone;
  plan.bounds.clear();
  plan.preferences.clear();
  if (request.slot != nullptr) plan.bounds = request.slot->bounds;
  if (!sections_.ledger.counts_hold()) return corrupt("claims are not counted for affinities and quotas");
  if (sections_.ledger.counts()) add_rules(plan, request);
  const Consumers::Row* described = plan.consumer != Consumers::kNone && consumers.row(plan.consumer).explicit_ != 0
                                        ? &consumers.row(plan.consumer)
                                        : nullptr;
  plan.tree = plan.needs;
  for (VersionPlan& version : plan.versions) {
    version.table = sections_.inventory.table(version.version->id);
    plan.tree = plan.tree || (version.table != nullptr && version.table->needing.get() > 0);
    if (version.rules_symbols != sections_.symbols.count()) {
      version.rules = StateRules(version.version->definition, sections_.symbols);
      version.rules_symbols = sections_.symbols.count();
    }
    RequestValues& values = version.values;
    values.now = now;
    values.consumer = request.consumer;
    values.consumer_kind = {};
    values.attributes.clear();
    values.slots.clear();
    if (request.slot != nullptr) values.slots.assign(request.slot->values.begin(), request.slot->values.end());
    if (described == nullptr) continue;
    values.consumer_kind = sections_.symbols.text(described->kind);
    for (const Attribute& a : consumers.attributes(plan.consumer))
      values.attributes.emplace_back(sections_.symbols.text(a.name), a.lane);
  }
  return {};
}

double penalty_of(const Plan& plan, const Neighbours& neighbours, InstanceRef candidate, const PolicyDefinition& policy,
                  View view) {
  double sum = 0;
  for (const auto& preference : plan.preferences) sum += preference->penalty(neighbours, candidate, view);
  return policy.quantum > 0 ? sum / policy.quantum : sum;
}

std::string service_text(Time ends) { return ends == kForever ? "in service" : "in service until the claim ends"; }

bool shares(const VersionPlan& version, std::uint32_t row, const Ledger& ledger, std::uint32_t consumer) {
  const auto& maximum = version.version->definition.max_consumers;
  if (!maximum || version.table->consumers[row] < *maximum) return true;
  return consumer != Consumers::kNone && ledger.holdings({version.version->id, row}, consumer) > 0;
}

}  // namespace apportion
