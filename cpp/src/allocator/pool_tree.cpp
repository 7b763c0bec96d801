// Allocation of requests whose type has needs.
#include <algorithm>

#include "apportion/allocator/resolver.hpp"
#include "pool_update.hpp"

namespace apportion {
namespace {

// As if nothing were claimed and every state field permitted: in a state of its own.
void empty(State& state) {
  const Sections sections = Sections::of(state);
  Transaction log(Transaction::Keep::kForget);
  const auto next = [&](Kind kind, std::string_view payload) {
    Revision revision = state.revision();
    ++revision.number;
    state.apply({kind, 1, revision, state.time(), payload}, log).value();
  };
  std::vector<ClaimId> claims;
  for (std::uint32_t slot = 0; slot < sections.ledger.slots(); ++slot) {
    if (sections.ledger.row(slot).state != ClaimState::kFree) claims.push_back(sections.ledger.id_of(slot));
  }
  if (!claims.empty()) next(Ledger::kRelease, Ledger::payload(claims));
  const auto lane_of = [&](const FieldDefinition& field, const std::string& value) -> double {
    if (field.kind == FieldKind::kBoolean) return value == "true" ? 1 : 0;
    if (sections.symbols.find(value) == 0) {
      Writer writer;
      writer.put(std::uint32_t{1}).put_text(value);
      next(Symbols::kDefineText, writer.bytes());
    }
    return sections.symbols.find(value);
  };
  for (VersionId id = 0; id < sections.catalog.version_count(); ++id) {
    InstanceTable* const table = sections.inventory.table(id);
    if (table == nullptr) continue;
    const TypeDefinition& type = sections.catalog.version(id).definition;
    for (std::size_t s = 0; s < type.states.size(); ++s) {
      if (type.states[s].allow.empty()) continue;
      const double permitted = lane_of(type.states[s], type.states[s].allow.front());
      const StateRules rules(type, sections.symbols);
      for (std::uint32_t row = 0; row < table->rows(); ++row) {
        if (!table->exists(row) || rules.permits(*table, s, row)) continue;
        table->touched.add(log, row);
        table->states[s].set_lane(log, row, permitted);
      }
    }
  }
}

// True when an empty pool could not either. Without an index of its own, which would be built for one look.
bool is_never(const State& state, const Request& request, Time now) {
  const std::unique_ptr<State> other = state.fork();
  empty(*other);
  Expressions expressions;
  const Sections sections = Sections::of(*other);
  Index index(sections, expressions, 0, 0);
  Transaction log;
  Resolver resolver(sections, expressions, index, {});
  const auto found = resolver.resolve(request, now, log);
  return found && !*found && !resolver.failure().bounded;
}

}  // namespace

Result<Pool::Decision> Pool::decide_tree(Update& update, const Request& request, const Plan& plan,
                                         const RequestKey& key, Why why) {
  fill_record(request, plan, key, update.now());  // before other plans are made
  Resolver resolver(sections_, expressions_, index_, {update.next_number()});
  const auto found = resolver.resolve(request, update.now(), update.log());
  if (!found) return found.error();
  if (!*found) {
    Result<Denial> denial = diagnose_tree(request, resolver.failure(), update, why);
    return denial ? Result<Decision>(Decision(std::move(*denial))) : Result<Decision>(denial.error());
  }
  if ((*found)->empty()) return invalid("every need of '" + request.type + "' came to none", "type");
  const Interner interner = update.interner();
  record_.cursor = 0;
  record_.claims.clear();
  for (const FilledSlot& slot : **found)
    record_.claims.push_back({slot.instance, {}, slot.amounts, interner.text(slot.role), slot.cursor});
  sections_.ledger.number(record_.claims);
  payload_.clear();
  Ledger::put(payload_, std::span(&record_, 1));
  APPORTION_TRY(update.write(Ledger::kGrant, payload_.bytes(), [this](const Change& change, Transaction& log) {
    return sections_.ledger.grant(record_, change, log);
  }));
  return Decision();
}

// What each slot would get, or why one gets nothing.
Result<Node> Pool::explain_tree(const Request& request, const Plan& plan, Time now) {
  const PolicyDefinition policy = plan.versions.back().policy->definition;
  Update update(*this, now);
  Resolver resolver(sections_, expressions_, index_, {update.next_number()});
  const auto found = resolver.resolve(request, now, update.log());
  if (!found) return found.error();
  Node denial;
  Node::List slots;
  if (!*found) {
    Result<Denial> why = diagnose_tree(request, resolver.failure(), update, Why::kWhole);
    if (!why) return why.error();
    why->revision = state_->revision();  // nothing is recorded
    denial = to_node(*why);
  } else {
    for (const FilledSlot& slot : **found) {
      const InstanceTable& table = *sections_.inventory.table(slot.instance.version);
      slots.emplace_back(
          Node::Map{{"role", slot.role},
                    {"instance", std::string(sections_.inventory.id_of(slot.instance))},
                    {"location", std::string(sections_.symbols.text(table.location[slot.instance.row]))}});
    }
  }
  return Node(Node::Map{{"granted", found->has_value()},
                        {"type", request.type},
                        {"consumer", request.consumer},
                        {"count", std::int64_t{request.count}},
                        {"policy", to_node(policy)},
                        {"candidates", std::int64_t{0}},
                        {"stages", Node::List{}},
                        {"ranking", Node::List{}},
                        {"slots", std::move(slots)},
                        {"denial", std::move(denial)}});
}

// The slot at which the search came farthest, with the slots before it filled as they were then.
Result<Denial> Pool::diagnose_tree(const Request& request, Resolver::Failure& failure, Update& update, Why why) {
  Request& slot = failure.request;
  slot.slot = failure.context ? &*failure.context : nullptr;
  const Planner planner(sections_, expressions_);
  const Result<Plan> plan = planner.plan(slot, update.now());
  if (!plan) return plan.error();
  const Selector selector(sections_, expressions_);
  const bool alone = !selector.ranking(*plan).empty();
  Transaction& log = update.log();
  const Transaction::Mark before = log.mark();
  for (const FilledSlot& filled : failure.before) claim_provisionally(sections_, filled, log);
  Denial denial = why == Why::kWhole ? selector.diagnose(*plan) : Denial{};
  if (why == Why::kClass) denial.denial_class = selector.denial_class(*plan);
  log.rollback(before);
  denial.type = request.type;
  denial.consumer = request.consumer;
  denial.count = request.count;
  denial.slot = failure.role;
  if (failure.bounded) {
    denial.denial_class = DenialClass::kSearchBound;
    denial.message = "the search was given up; it came as far as slot '" + failure.role + "': " + denial.message;
    return denial;
  }
  if (is_never(*state_, request, update.now())) {
    denial.denial_class = DenialClass::kNever;
  } else if (alone) {
    denial.denial_class = DenialClass::kConflict;
  } else if (denial.denial_class == DenialClass::kNever) {
    denial.denial_class = DenialClass::kNotNow;  // with other instances in the slots before it
  }
  denial.message = "slot '" + failure.role + "' of '" + request.type + "' cannot be filled: " + denial.message;
  return denial;
}

}  // namespace apportion
