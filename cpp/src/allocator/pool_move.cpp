// A claim to another instance, or to another consumer.
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
  if (sections_.ledger.is_pending(*claim)) return pending(id);
  const InstanceRef to = sections_.inventory.find(instance);
  if (!to.valid()) return unknown("there is no instance '" + std::string(instance) + "'", "instance");
  APPORTION_TRY(check_move(*claim, to, instance, sections_.catalog));
  if (to == claim->instance) return std::optional<Denial>();
  Result<std::optional<Denial>> denied = denied_move(*claim, to, update.now());
  if (!denied || *denied) return denied;
  APPORTION_TRY(update.write(Ledger::kMove, Ledger::move_payload(id, sections_.symbols.find(instance))));
  return std::optional<Denial>();
}

// As of a request of this consumer for what the claim holds, by no policy; the claim itself is gone by then.
Request Pool::request_for(const Ledger::ClaimRow& claim, std::string_view consumer) const {
  Request request;
  request.type = sections_.catalog.version(claim.instance.version).definition.name;
  request.consumer = consumer;
  request.labels = sections_.ledger.label_texts(sections_.ledger.labels(claim));
  request.leaving = Leaving{claim.instance, claim.consumer};
  request.own_policy = PolicyDefinition{};
  request.own_policy->name = "none";
  request.own_policy->score = "0";
  return request;
}

// By the affinities, where it is: to another consumer.
Result<std::optional<Denial>> Pool::denied_place(const Ledger::ClaimRow& claim, InstanceRef to,
                                                 std::string_view consumer, Time now) {
  const Request request = request_for(claim, consumer);
  const Result<Plan> plan = Planner(sections_, expressions_, index_.neighbours()).plan(request, now);
  if (!plan) return plan.error();
  for (const SlotBound& bound : plan->bounds) {
    if (!bound.affinity || within(bound, index_.neighbours(), to)) continue;
    Denial denial;
    denial.type = request.type;
    denial.revision = state_->revision();
    denial.stage = bound.name();
    const std::string instance(sections_.inventory.id_of(to));
    const std::string found = bound.affinity->found_text(index_.neighbours(), to);
    denial.message = "'" + instance + "' cannot serve '" + request.consumer + "': " + bound.affinity->text() + ", " +
                     found + "; " + std::string(class_text(denial.denial_class));
    denial.stages.push_back({denial.stage, bound.affinity->text(), 1, 0});
    denial.closest.push_back({instance, {}, {{denial.stage, bound.affinity->text(), found}}});
    return std::optional<Denial>(std::move(denial));
  }
  return std::optional<Denial>();
}

Result<std::optional<Denial>> Pool::denied_move(const Ledger::ClaimRow& claim, InstanceRef to, Time now) {
  const TypeDefinition& type = sections_.catalog.version(to.version).definition;
  const Request request = request_for(claim, sections_.ledger.consumers().name(claim.consumer));
  Result<Plan> plan = Planner(sections_, expressions_, index_.neighbours()).plan(request, now);
  if (!plan) return plan.error();
  const auto version = std::ranges::find(plan->versions, to.version, [](const auto& v) { return v.version->id; });
  const std::span<const Steps> held = sections_.ledger.amounts(claim);
  version->values.amounts.assign(held.begin(), held.end());
  version->portion.keep(held);
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

Result<std::optional<Denial>> Pool::transfer(ClaimId id, std::string_view consumer) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(expire(clock()));
  const Ledger& ledger = sections_.ledger;
  const Ledger::ClaimRow* claim = ledger.find(id);
  if (claim == nullptr) return stale(id);
  if (ledger.is_pending(*claim)) return pending(id);
  if (consumer.empty() || consumer.size() > kMaxIdBytes || !is_clean_text(consumer)) {
    return invalid("a consumer's id has 1 to 200 bytes of UTF-8 without control characters", "consumer");
  }
  const TypeDefinition& type = sections_.catalog.version(claim->instance.version).definition;
  const InstanceTable& table = *sections_.inventory.table(claim->instance.version);
  const std::uint32_t to = ledger.consumers().find(consumer);
  const bool holds = to != Consumers::kNone && ledger.holdings(claim->instance, to) > 0;
  const bool leaves = ledger.holdings(claim->instance, claim->consumer) == 1;
  const std::uint32_t others = table.consumers[claim->instance.row] - (leaves ? 1 : 0);
  if (type.max_consumers && !holds && others >= *type.max_consumers) {
    const std::string instance(sections_.inventory.id_of(claim->instance));
    const std::string maximum = std::to_string(*type.max_consumers);
    Denial denial;
    denial.type = type.name;
    denial.consumer = consumer;
    denial.revision = state_->revision();
    denial.message = "'" + instance + "' serves " + std::to_string(others) + " other consumers already, at most " +
                     maximum + " may share it";
    denial.stages.push_back({"consumers", "at most " + maximum, 1, 0});
    denial.closest.push_back({instance,
                              std::string(sections_.symbols.text(table.location[claim->instance.row])),
                              {{"consumers", "at most " + maximum, std::to_string(others)}}});
    return std::optional<Denial>(std::move(denial));
  }
  Update update(*this);
  Result<std::optional<Denial>> denied = denied_transfer(update, *claim, consumer);
  if (!denied || *denied) return denied;
  APPORTION_TRY(update.write(Ledger::kTransfer, Ledger::transfer_payload(id, consumer)));
  update.commit();
  return std::optional<Denial>();
}

// Quotas of the groups that the consumer belongs to, and affinities that look at consumers.
Result<std::optional<Denial>> Pool::denied_transfer(Update& update, const Ledger::ClaimRow& claim,
                                                    std::string_view consumer) {
  Ledger& ledger = sections_.ledger;
  if (!ledger.counts()) return std::optional<Denial>();
  const std::uint32_t to = ledger.consumers().find(consumer);
  const Transaction::Mark before = update.log().mark();
  const Taking taking{claim.instance.version, ledger.amounts(claim)};
  ledger.leave_quota(claim, update.log());
  std::optional<Denial> denial = denied_by_quota(ledger.groups_of(to), taking);
  update.log().rollback(before);
  if (!denial) {
    Result<std::optional<Denial>> by_affinity = denied_place(claim, claim.instance, consumer, update.now());
    if (!by_affinity) return by_affinity.error();
    denial = std::move(*by_affinity);
  }
  if (denial) denial->consumer = consumer;
  return denial;
}

}  // namespace apportion
