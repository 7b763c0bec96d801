// A claim to another instance.
#include <algorithm>

#include "pool_update.hpp"

namespace apportion {
namespace {

Status check_move(const Ledger::ClaimRow& claim, InstanceRef to, std::string_view instance, const Catalog& catalog) {
  if (to.version == claim.instance.version) return {};
  const TypeVersion& held = catalog.version(claim.instance.version);
  const TypeVersion& other = catalog.version(to.version);
  const bool same_type = held.definition.name == other.definition.name;
  const auto text = [&](const TypeVersion& version) {
    return "'" + version.definition.name + "'" + (same_type ? " version " + std::to_string(version.number) : "");
  };
  return conflict("the claim is of " + text(held) + " and '" + std::string(instance) + "' is of " + text(other) +
                      (same_type ? ": migrate one of them first" : ": a claim stays with its type"),
                  "instance");
}

}  // namespace

Result<std::optional<Denial>> Pool::move(ClaimId id, std::string_view instance) {
  const std::lock_guard lock(mutex_);
  const Time now = clock();
  APPORTION_TRY(expire(now));
  Update update(*this, now);
  Result<std::optional<Denial>> denied = move_within(update, id, instance);
  if (denied && !*denied) update.commit();
  return denied;
}

// To where it is: no change.
Result<std::optional<Denial>> Pool::move_within(Update& update, ClaimId id, std::string_view instance) {
  const Ledger::ClaimRow* claim = sections_.ledger.find(id);
  if (claim == nullptr) return stale(id);
  const InstanceRef to = sections_.inventory.find(instance);
  if (!to.valid()) return unknown("there is no instance '" + std::string(instance) + "'", "instance");
  APPORTION_TRY(check_move(*claim, to, instance, sections_.catalog));
  if (to == claim->instance) return std::optional<Denial>();
  Result<std::optional<Denial>> denied = denied_move(*claim, to, update.now());
  if (!denied || *denied) return denied;
  APPORTION_TRY(update.write(Ledger::kMove, Ledger::move_payload(id, sections_.symbols.find(instance))));
  return std::optional<Denial>();
}

// As of a request for what the claim holds, on that instance and by no policy.
Result<std::optional<Denial>> Pool::denied_move(const Ledger::ClaimRow& claim, InstanceRef to, Time now) {
  const TypeDefinition& type = sections_.catalog.version(to.version).definition;
  Request request;
  request.type = type.name;
  request.consumer = sections_.ledger.consumers().name(claim.consumer);
  request.own_policy = PolicyDefinition{};
  request.own_policy->name = "none";
  request.own_policy->score = "0";
  Result<Plan> plan = Planner(sections_, expressions_).plan(request, now);
  if (!plan) return plan.error();
  const auto version = std::ranges::find(plan->versions, to.version, [](const auto& v) { return v.version->id; });
  const std::span<const Steps> held = sections_.ledger.amounts(claim);
  version->values.amounts.assign(held.begin(), held.end());
  const std::vector<Lack> lacks = Selector(sections_, expressions_, &index_.neighbours()).lacks(*plan, to);
  if (lacks.empty()) return std::optional<Denial>();
  const InstanceTable& table = *sections_.inventory.table(to.version);
  const std::string instance(sections_.inventory.id_of(to));
  Denial denial;
  denial.type = request.type;
  denial.consumer = request.consumer;
  denial.revision = state_->revision();
  denial.message = "'" + instance + "' cannot take the claim: ";
  for (const Lack& lack : lacks) denial.message += lack.what + " needs " + lack.need + ", has " + lack.have + "; ";
  for (std::size_t d = 0; d < held.size(); ++d) {
    if (held[d] > table.dimensions[d].limit[to.row]) denial.denial_class = DenialClass::kNever;
  }
  denial.message += denial.denial_class == DenialClass::kNever ? "it is too small even when empty"
                                                               : "it could take it at another time";
  const std::string& first = lacks.front().what;
  const bool room = std::ranges::find(type.dimensions, first, &DimensionDefinition::name) != type.dimensions.end();
  denial.stage = room || first == "over" ? "capacity" : first;
  denial.dimension = room ? first : "";
  denial.stages.push_back({denial.stage, lacks.front().need, 1, 0});
  denial.closest.push_back({instance, std::string(sections_.symbols.text(table.location[to.row])), lacks});
  return std::optional<Denial>(std::move(denial));
}

}  // namespace apportion
