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
  std::vector<Inventory::ServiceChange> opened;
  for (VersionId id = 0; sections.inventory.limited() > 0 && id < sections.catalog.version_count(); ++id) {
    const InstanceTable* const table = sections.inventory.table(id);
    for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
      if (table->exists(row) && !(table->service[row] == Service{})) opened.push_back({{id, row}, {}});
    }
  }
  if (!opened.empty()) next(Inventory::kService, Inventory::encode_service(opened));
  for (VersionId id = 0; id < sections.catalog.version_count(); ++id) {
    InstanceTable* const table = sections.inventory.table(id);
    if (table == nullptr) continue;
    const TypeDefinition& type = sections.catalog.version(id).definition;
    for (std::uint32_t row = 0; table->closed.get() > 0 && row < table->rows(); ++row) {
      if (!table->rare[row].closed()) continue;
      table->touched.add(log, row);
      table->rare.edit(log, row).flags &= ~RareRow::kClosed;
      --table->closed.edit(log);
    }
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

// Of what no instance decides.
Denial denied(const Request& request, DenialClass denial_class, std::string slot, std::string message) {
  Denial denial;
  denial.denial_class = denial_class;
  denial.type = request.type;
  denial.consumer = request.consumer;
  denial.count = request.count;
  denial.slot = std::move(slot);
  denial.message = std::move(message);
  return denial;
}

// Some instances serve, but not so many where they have to lie.
void tell_together(Denial& denial, const Stage& together) {
  const std::uint64_t serving = denial.stages.empty() ? 0 : denial.stages.back().after;
  denial.stages.push_back({together.name, together.detail, serving, 0});
  if (denial.core.empty()) denial.core.push_back({together.name, together.detail, serving});
  denial.message = "stage '" + together.name + "' (" + together.detail + ") leaves none of " + std::to_string(serving) +
                   (serving == 1 ? " candidate; " : " candidates; ") + std::string(class_text(denial.denial_class));
}

}  // namespace

// The pool without claims, with an index of its own: kept as long as nothing is said that could change a verdict.
class Pool::Emptied {
 public:
  explicit Emptied(const State& state) : said_(said_in(state)), state_(state.fork()), sections_(Sections::of(*state_)) {
    empty(*state_);
    Transaction unlogged(Transaction::Keep::kForget);
    sections_.ledger.keep_counts(unlogged);
  }

  [[nodiscard]] bool holds_for(const State& state) const { return said_ == said_in(state); }

  // True when not even this pool has instances for all slots.
  bool is_never(const Request& request, Time now) {
    Transaction log;
    Resolver resolver(sections_, expressions_, index_, {.bound = 2000});
    const auto found = resolver.resolve(request, now, log);
    if (!found || !*found) return !resolver.failure().bounded;
    return (*found)->empty();
  }

 private:
  struct Said {
    std::uint64_t stamp = 0;  // of the catalogue
    Hash128 consumers;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> tables;
    friend bool operator==(const Said&, const Said&) = default;
  };

  static Said said_in(const State& state) {
    const Sections sections = Sections::of(state);
    Said said{sections.catalog.stamp(), sections.ledger.consumers().hash(), {}};
    for (VersionId id = 0; id < sections.catalog.version_count(); ++id) {
      const InstanceTable* const table = sections.inventory.table(id);
      said.tables.emplace_back(table == nullptr ? 0 : table->touched.identity(),
                               table == nullptr ? 0 : table->touched.said());
    }
    return said;
  }

  Said said_;
  std::unique_ptr<State> state_;
  Sections sections_;
  Expressions expressions_;
  static constexpr std::size_t kIndexBytes = std::size_t{16} << 20;
  Index index_{sections_, expressions_, kIndexBytes, 3, View::kEmpty};
};

bool Pool::is_never(const Request& request, Time now) {
  if (!emptied_ || !emptied_->holds_for(*state_)) emptied_ = std::make_shared<Emptied>(*state_);
  return emptied_->is_never(request, now);
}

// A quantity that has no value is no misuse: it depends on what is asked, and by whom, and on who holds the instances
// that come first.
Denial Pool::denied_for(const Request& request, const Error& error, Time now) {
  const DenialClass denial_class = is_never(request, now) ? DenialClass::kNever : DenialClass::kNotNow;
  return denied(request, denial_class, error.place.substr(0, error.place.find('.')),
                "slot '" + error.place + "' of '" + request.type + "' cannot be asked for: " + error.message);
}

// The request stands in `record_` already: plans that are made for slots may end its own.
Result<Pool::Decision> Pool::decide_slots(Update& update, const Request& request, Why why) {
  Resolver resolver(sections_, expressions_, index_, {update.next_number()});
  auto found = resolver.resolve(request, update.now(), update.log());
  if (found && !*found && may_wait(request)) found = resolver.resolve_deferring(request, update.now(), update.log());
  if (!found) return Decision(denied_for(request, found.error(), update.now()));
  if (!*found) {
    Result<Denial> denial = diagnose_tree(request, resolver.failure(), update, why);
    return denial ? Result<Decision>(Decision(std::move(*denial))) : Result<Decision>(denial.error());
  }
  if ((*found)->empty()) return Decision(denied_none(request, update.now()));
  APPORTION_TRY(write_slots(update, request, **found));
  return Decision();
}

// The request stands in `record_` already.
Status Pool::write_slots(Update& update, const Request& request, const std::vector<FilledSlot>& slots) {
  const TypeVersion* const asked = sections_.catalog.find_type(request.type);
  bool tree = asked != nullptr && !asked->definition.needs.empty();
  // What instances need by themselves makes a tree too.
  tree = tree ||
         std::ranges::any_of(slots, [](const FilledSlot& slot) { return slot.role.find('/') != std::string::npos; });
  const Interner interner = update.interner();
  record_.cursor = 0;
  record_.claims.clear();
  record_.pending.clear();
  roles_.clear();
  for (const FilledSlot& slot : slots) {
    const Symbol role = update.trial() || !tree ? 0 : interner.text(slot.role);
    record_.claims.push_back({slot.instance, {}, slot.amounts, role, slot.cursor});
    if (tree) roles_.push_back(slot.role);
    if (!slot.pending) continue;
    record_.claims.back().pending = static_cast<std::uint32_t>(record_.pending.size());
    record_.pending.push_back(*slot.pending);
    if (slot.pending->need.owner != PendingRecord::kNone || update.trial()) continue;
    record_.pending.back().where = interner.text(record_.request.where);
    record_.pending.back().policy = interner.text(record_.request.policy);
  }
  return write_grant(update, request);
}

// Every slot is optional and stays empty, or asks for none.
Denial Pool::denied_none(const Request& request, Time now) {
  const DenialClass denial_class = is_never(request, now) ? DenialClass::kNever : DenialClass::kNotNow;
  return denied(request, denial_class, {},
                "every need of '" + request.type + "' came to none; " + std::string(class_text(denial_class)));
}

// One slot of an explanation.
Node Pool::explained(const FilledSlot& slot) const {
  const auto seconds = [](Time time) { return units_decimal(time, Step{1, kSecond}); };
  const bool waits = slot.pending.has_value();
  const InstanceTable* const table = waits ? nullptr : sections_.inventory.table(slot.instance.version);
  Node pending;
  if (waits) {
    pending =
        Node::Map{{"expected_s", seconds(slot.pending->expected)}, {"patience_s", seconds(slot.pending->patience)}};
  }
  return Node::Map{{"role", slot.role},
                   {"instance", waits ? "" : std::string(sections_.inventory.id_of(slot.instance))},
                   {"location", waits ? "" : std::string(sections_.symbols.text(table->location[slot.instance.row]))},
                   {"pending", std::move(pending)}};
}

// What each slot would get, or why one gets nothing.
Result<Node> Pool::explain_tree(const Request& request, const Plan& plan, Time now) {
  const PolicyDefinition policy = plan.versions.back().policy->definition;
  Update update(*this, now);
  Resolver resolver(sections_, expressions_, index_, {update.next_number()});
  auto found = resolver.resolve(request, now, update.log());
  if (found && !*found && may_wait(request)) found = resolver.resolve_deferring(request, now, update.log());
  const bool granted = found && *found && !(*found)->empty();
  Node denial;
  Node::List slots;
  if (!granted) {
    Result<Denial> why = !found    ? Result<Denial>(denied_for(request, found.error(), now))
                         : !*found ? diagnose_tree(request, resolver.failure(), update, Why::kWhole)
                                   : Result<Denial>(denied_none(request, now));
    if (!why) return why.error();
    why->revision = state_->revision();  // nothing is recorded
    denial = to_node(*why);
  } else {
    for (const FilledSlot& slot : **found) slots.push_back(explained(slot));
  }
  return Node(Node::Map{{"granted", granted},
                        {"type", request.type},
                        {"consumer", request.consumer},
                        {"count", std::int64_t{request.count}},
                        {"policy", to_node(policy)},
                        {"candidates", std::int64_t{0}},
                        {"stages", Node::List{}},
                        {"ranking", Node::List{}},
                        {"slots", std::move(slots)},
                        {"deferral", Node()},
                        {"denial", std::move(denial)}});
}

// The slot at which the search came farthest, with the slots before it filled as they were then.
Result<Denial> Pool::diagnose_tree(const Request& request, Resolver::Failure& failure, Update& update, Why why) {
  if (failure.role.empty())
    return denied(request, DenialClass::kSearchBound, {}, "the search was given up among optional slots");
  Request& slot = failure.request;
  slot.slot = failure.context ? &*failure.context : nullptr;
  const bool never = !failure.bounded && is_never(request, update.now());
  if (never && why == Why::kClass) return denied(request, DenialClass::kNever, failure.role, {});
  Transaction& log = update.log();
  const Result<Index::Prepared*> prepared = index_.plan(slot, update.now());
  if (!prepared) return prepared.error();
  const bool alone = !failure.together && !index_.choose(**prepared, log).empty();
  if (alone && !failure.bounded && why == Why::kClass) return denied(request, DenialClass::kConflict, failure.role, {});
  const Result<Plan> plan = Planner(sections_, expressions_, index_.neighbours()).plan(slot, update.now());
  if (!plan) return plan.error();
  const Selector selector(sections_, expressions_, &index_.neighbours());
  const Transaction::Mark before = log.mark();
  for (const FilledSlot& filled : failure.before) {
    if (filled.pending) continue;
    claim_provisionally(*sections_.inventory.table(filled.instance.version), filled.instance.row, filled.amounts, log);
  }
  // Where some instance would serve and only the class is wanted, the slot itself lacks nothing.
  const bool serves = failure.together && !failure.bounded && why == Why::kClass && index_.has_candidates(**prepared);
  Denial denial = serves               ? denied(slot, DenialClass::kNotNow, {}, {})
                  : why == Why::kWhole ? selector.diagnose(*plan)
                                       : selector.brief(*plan);
  log.rollback(before);
  if (failure.together && why == Why::kWhole) tell_together(denial, *failure.together);
  if (failure.together) denial.stage = failure.together->name;
  const DenialClass of_slot = denial.denial_class;
  denial.type = request.type;
  denial.consumer = request.consumer;
  denial.count = request.count;
  denial.slot = failure.role;
  if (failure.bounded) {
    denial.denial_class = DenialClass::kSearchBound;
    denial.message = "the search was given up; it came as far as slot '" + failure.role + "': " + denial.message;
    return denial;
  }
  if (never) {
    denial.denial_class = DenialClass::kNever;
  } else if (alone) {
    denial.denial_class = DenialClass::kConflict;
  } else if (denial.denial_class == DenialClass::kNever) {
    denial.denial_class = DenialClass::kNotNow;  // with other instances in the slots before it
  }
  // What the sentence says of the slot alone ends by the class of the slot alone.
  const std::string_view own = class_text(of_slot);
  if (denial.message.ends_with(own)) denial.message.erase(denial.message.size() - own.size());
  denial.message = "slot '" + failure.role + "' of '" + request.type + "' cannot be filled" +
                   (failure.before.empty() ? "" : " beside the slots before it") + ": " + denial.message +
                   std::string(class_text(denial.denial_class));
  denial.wait_for(failure.deferral);
  return denial;
}

}  // namespace apportion
