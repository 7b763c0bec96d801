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

// What is held of `type` in the steps of another version of it: exactly the same in its own. Versions that lack a
// dimension are asked for nothing of it.
std::vector<Steps> steps_in(const TypeDefinition& other, const TypeDefinition& type, std::span<const Steps> held) {
  std::vector<Steps> steps(other.dimensions.size());
  for (std::size_t d = 0; d < held.size(); ++d) {
    const auto found = std::ranges::find(other.dimensions, type.dimensions[d].name, &DimensionDefinition::name);
    if (found == other.dimensions.end()) continue;
    const Result<Steps> counted = rescale(held[d], type.dimensions[d].step, found->step, Rounding::kUp);
    steps[static_cast<std::size_t>(found - other.dimensions.begin())] = counted ? *counted : kMaxSteps;
  }
  return steps;
}

}  // namespace

Result<std::optional<Denial>> Pool::move(ClaimId id, std::string_view instance) {
  const std::lock_guard lock(mutex_);
  const Time now = clock();
  APPORTION_TRY(expire(now));
  const Ledger::ClaimRow* claim = sections_.ledger.find(id);
  if (claim == nullptr) return stale(id);
  const InstanceRef to = sections_.inventory.find(instance);
  if (!to.valid()) return unknown("there is no instance '" + std::string(instance) + "'", "instance");
  APPORTION_TRY(check_move(*claim, to, instance, sections_.catalog));
  if (to == claim->instance) return std::optional<Denial>();
  Result<std::optional<Denial>> denied = denied_move(*claim, to, now);
  if (!denied || *denied) return denied;
  Update update(*this, now);
  APPORTION_TRY(update.write(Ledger::kMove, Ledger::move_payload(id, sections_.symbols.find(instance))));
  update.commit();
  return std::optional<Denial>();
}

// As of a request for what the claim holds, on that instance and by no policy.
Result<std::optional<Denial>> Pool::denied_move(const Ledger::ClaimRow& claim, InstanceRef to, Time now) {
  Request request;
  request.type = sections_.catalog.version(to.version).definition.name;
  request.consumer = sections_.ledger.consumers().name(claim.consumer);
  request.where = "self.id == " + quoted(sections_.inventory.id_of(to));
  request.own_policy = PolicyDefinition{};
  request.own_policy->name = "none";
  request.own_policy->score = "0";
  Result<Plan> plan = Planner(sections_, expressions_).plan(request, std::max(now, state_->time()));
  if (!plan) return plan.error();
  const TypeDefinition& type = sections_.catalog.version(to.version).definition;
  for (VersionPlan& version : plan->versions)
    version.values.amounts = steps_in(version.version->definition, type, sections_.ledger.amounts(claim));
  if (!choose_only(*plan, to).empty()) return std::optional<Denial>();
  Denial denial = Selector(sections_, expressions_).diagnose(*plan);
  denial.revision = state_->revision();
  return std::optional<Denial>(std::move(denial));
}

}  // namespace apportion
