// Allocation: decide, record, apply.
#include <algorithm>

#include "apportion/catalog/request_words.hpp"
#include "pool_update.hpp"

namespace apportion {
namespace {

// A request's own policy as the journal keeps it.
std::string policy_text(const Request& request) {
  return request.own_policy ? to_json(to_node(*request.own_policy)) : request.policy;
}

// What makes two requests the same, for idempotency. Times do not count: a repeated call that says "in a minute" means
// another moment and yet the same.
std::uint64_t digest_of(const Request& request, const std::string& policy) {
  Writer writer;
  writer.put_text(request.type).put_text(request.consumer).put(request.count).put_text(policy).put_text(request.where);
  writer.put(static_cast<std::uint8_t>((request.mark ? 1 : 0) | (request.whole ? 2 : 0)));
  for (const auto& [key, value] : request.labels) writer.put_text(key).put_text(value);
  NamedDecimals amounts = request.amounts;
  std::ranges::sort(amounts, {}, [](const auto& amount) { return amount.first; });
  for (const auto& [name, value] : amounts) writer.put_text(name).put_text(value.text());
  return hash_bytes(writer.bytes());
}

RequestKey key_of(const Request& request) {
  if (request.key.empty()) return {};
  Writer writer;
  writer.put_text(request.actor).put_text(request.key);
  return {{hash_bytes(writer.bytes(), 1) | 1, hash_bytes(writer.bytes(), 2)}, digest_of(request, policy_text(request))};
}

void set_record(RequestRecord& record, const Request& request, const Plan& plan, const RequestKey& key, Time now) {
  const std::vector<Steps>& amounts = plan.versions.back().values.amounts;
  record.version = plan.asked;
  record.amounts.assign(amounts.begin(), amounts.end());
  // What a rule adds where nothing was asked for is no part of the request.
  const std::vector<DimensionDefinition>& dimensions = plan.versions.back().version->definition.dimensions;
  const auto ruled = [](const VersionPlan& v) { return v.table != nullptr && v.table->ruled.get() > 0; };
  const bool some = std::ranges::any_of(plan.versions, ruled);
  for (std::size_t d = 0; d < amounts.size(); ++d) {
    if (!some && !dimensions[d].claim.standard) continue;
    const auto is_it = [&](const auto& amount) { return amount.first == dimensions[d].name; };
    if (std::ranges::none_of(request.amounts, is_it))
      record.amounts[d] = 0;
    else if (amounts[d] == 0)
      record.amounts[d] = kNamedZero;
  }
  record.count = request.count;
  record.consumer = request.consumer;
  record.where = request.where;
  record.policy = request.own_policy ? policy_text(request) : request.policy;
  record.starts = request.starts.value_or(now);
  record.ends = request.ends;
  record.expires = request.mark ? request.expires : kForever;
  record.mark = request.mark;
  record.whole = request.whole;
  record.untyped = request.type.empty();
  record.patience = request.patience.value_or(0);
  record.key = key;
  record.labels = 0;
}

constexpr Time kMostPatience = 30 * 24 * 3600 * kSecond;
}  // namespace

ListId labels_list(const NamedText& labels, const Interner& interner) {
  std::vector<Symbol> symbols;
  for (const auto& [key, value] : labels) {
    symbols.push_back(interner.text(key));
    symbols.push_back(interner.text(value));
  }
  return interner.list(symbols);
}

Status check_times(const Request& request, Time now) {
  if (request.ends <= std::max(now, request.starts.value_or(now)))
    return invalid("a claim must end after now and after it starts", "ends");
  if (request.patience && (*request.patience < 0 || *request.patience > kMostPatience))
    return invalid("patience is 0 to 2592000 seconds (30 days)", "patience");
  if (request.mark && request.expires <= now) return invalid("a mark must expire after now", "expires");
  return {};
}

Error stale(ClaimId claim) {
  return {ErrorCode::kStale,
          "claim " + std::to_string(claim.slot) + "." + std::to_string(claim.generation) +
              " is gone: it was released or it expired",
          {}};
}

Error pending(ClaimId claim) {
  return conflict("claim " + std::to_string(claim.slot) + "." + std::to_string(claim.generation) +
                  " is pending: it has no instance yet; it can be released");
}

// The first claim of the grant that a key was answered with before.
Result<std::optional<ClaimId>> Pool::remembered(const Request& request, const RequestKey& key) const {
  const KeyWindow::Entry* entry = key.given() ? sections_.ledger.keys().find(key.key) : nullptr;
  if (entry == nullptr) return std::optional<ClaimId>();
  if (entry->digest != key.digest) {
    return Error{ErrorCode::kIdempotency, "the key '" + request.key + "' was used for another request", "key"};
  }
  if (sections_.ledger.find(entry->first) == nullptr) {
    return Error{ErrorCode::kStale, "the grant that the key '" + request.key + "' was answered with is gone", "key"};
  }
  return std::optional<ClaimId>(entry->first);
}

// Gives the claims of `record_` their numbers, and journals it.
Status Pool::write_grant(Update& update, const Request& request) {
  if (!request.labels.empty()) record_.request.labels = labels_list(request.labels, update.interner());
  sections_.ledger.number(record_.claims);
  payload_.clear();
  Ledger::put(payload_, std::span(&record_, 1));
  return update.write(Ledger::kGrant, payload_.bytes(), [this](const Change& change, Transaction& log) {
    return sections_.ledger.grant(record_, change, log);
  });
}

// Decides one request. With `only` no other instance is looked at: the request's filter excludes them, and need not be
// compiled unless the denial has to be explained.
Result<Pool::Decision> Pool::decide(Update& update, const Request& request, Why why, const Only* only) {
  roles_.clear();  // of an earlier tree
  sections_.ledger.prefetch_consumer(request.consumer);
  if (!sections_.ledger.counts_hold()) sections_.ledger.keep_counts(update.log());
  const Result<Index::Prepared*> prepared = index_.plan(only ? only->unfiltered : request, update.now());
  if (!prepared) return prepared.error();
  Index::Prepared& plan = **prepared;
  APPORTION_TRY(check_times(request, update.now()));
  const RequestKey key = key_of(request);
  const Result<std::optional<ClaimId>> answer = remembered(request, key);
  if (!answer) return answer.error();
  if (*answer) return Decision(**answer);
  if (plan.tree && only)
    return invalid("a request for one instance cannot have needs, as those of '" + request.type + "'", "type");
  // Where the claims that are there say who may come, each instance of several says it to the next.
  if (plan.tree || (request.count > 1 && Index::counts_claims(plan))) {
    set_record(record_.request, request, plan, key, update.now());
    return decide_slots(update, request, why);
  }
  plan.number = update.next_number();
  const std::uint32_t consumer = sections_.ledger.prefetch_consumer_row(request.consumer);
  const std::vector<InstanceRef> chosen = only ? choose_only(plan, only->instance) : index_.choose(plan, update.log());
  std::shared_ptr<const Deferral> wait;
  if (chosen.size() < request.count) {
    Result<std::shared_ptr<const Deferral>> found = wait_for(plan, request, chosen.size(), update.now());
    if (!found) return found.error();
    wait = std::move(*found);
    if (!wait || !wait->deferred) return denied_waiting(plan, request, update.now(), why, wait);
  }
  for (const InstanceRef instance : chosen) sections_.ledger.prefetch(instance, consumer);
  set_record(record_.request, request, plan, key, update.now());
  record_.cursor = plan.cursor_key;
  record_.claims.clear();
  record_.pending.clear();
  roles_.clear();
  for (const InstanceRef instance : chosen) {
    record_.claims.push_back({instance, {}, plan.version_of(instance).wanted(instance.row)});
  }
  if (wait) add_pending(update, plan, request.count - chosen.size(), *wait);
  APPORTION_TRY(write_grant(update, request));
  return Decision();
}

// Grants the request so, whatever would be chosen for it.
Status Pool::take(Update& update, const Request& request, const std::vector<FilledSlot>& slots) {
  if (!sections_.ledger.counts_hold()) sections_.ledger.keep_counts(update.log());
  const Result<Index::Prepared*> prepared = index_.plan(request, update.now());
  if (!prepared) return prepared.error();
  set_record(record_.request, request, **prepared, {}, update.now());
  return write_slots(update, request, slots);
}

// Not worth the wait, or none that helps.
Result<Pool::Decision> Pool::denied_waiting(const Plan& plan, const Request& request, Time now, Why why,
                                            const std::shared_ptr<const Deferral>& wait) {
  Result<Denial> denial = diagnose(plan, request, now, why);
  if (!denial) return denial.error();
  denial->wait_for(wait);
  return Decision(std::move(*denial));
}

// `plan` was made for this request, or for the same without the filter that names its only instance.
Result<Denial> Pool::diagnose(const Plan& plan, const Request& request, Time now, Why why) {
  const auto denial_of = [&](const Plan& filtered) {
    const Selector selector(sections_, expressions_, &index_.neighbours());
    return why == Why::kWhole ? selector.diagnose(filtered) : selector.brief(filtered);
  };
  if (plan.request == &request) return denial_of(plan);
  const Result<Plan> filtered = Planner(sections_, expressions_, index_.neighbours()).plan(request, now);
  if (!filtered) return filtered.error();
  return denial_of(*filtered);
}

// Recorded without effect: the state's hash, its cursors and its counters stay as they were.
Status Pool::record_denial(Denial& denial, const Request& request) {
  Update update(*this);
  const Result<Plan> plan = Planner(sections_, expressions_, index_.neighbours()).plan(request, update.now());
  if (!plan) return plan.error();
  DenialRecord record;
  set_record(record.request, request, *plan, {}, update.now());
  record.denial_class = denial.denial_class;
  Writer writer;
  encode(writer, record);
  APPORTION_TRY(update.write(Ledger::kDenied, writer.bytes()));
  // Asked for before it is final, as there may be no memory for it.
  std::int64_t& count =
      denials_[{request.type, std::string(class_name(denial.denial_class)), denial.stage, denial.dimension}];
  update.commit();
  ++count;
  denial.revision = state_->revision();
  return {};
}

// A request by itself: what was decided is final, a denial recorded. What is granted is written to `grant`, if that is
// given, before it is final: a caller whom nobody can tell what he got, for want of memory, gets nothing.
Result<Pool::Decision> Pool::decide_alone(const Request& request, Why why, const Only* only, Grant* grant) {
  const Time now = clock();
  APPORTION_TRY(expire(now));
  Result<Decision> decision = [&] {
    Update update(*this, now);
    Result<Decision> decided = decide(update, request, why, only);
    if (!decided || std::holds_alternative<Denial>(*decided)) return decided;
    if (grant != nullptr && std::holds_alternative<std::monostate>(*decided)) set_grant(*grant, record_);
    update.commit();
    return decided;
  }();
  if (decision && std::holds_alternative<Denial>(*decision))
    APPORTION_TRY(record_denial(std::get<Denial>(*decision), request));
  return decision;
}

Result<Outcome> Pool::outcome_of(const Request& request, const Only* only) {
  Result<Outcome> outcome(boost::system::in_place_value, std::in_place_type<Grant>);
  Result<Decision> decision = decide_alone(request, Why::kWhole, only, &std::get<Grant>(*outcome));
  if (!decision) {
    outcome = decision.error();
  } else if (Denial* denial = std::get_if<Denial>(&*decision)) {
    outcome = Outcome(std::move(*denial));
  } else if (const ClaimId* first = std::get_if<ClaimId>(&*decision)) {
    outcome = Outcome(grant_now(*first));
  }
  return outcome;
}

Result<Outcome> Pool::allocate(const Request& request) {
  const std::lock_guard lock(mutex_);
  return outcome_of(request);
}

// A key must not stand for another request, neither before nor within one call. `keys` holds those met so far.
Status Pool::check_key(const Request& request,
                       std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t>& keys) const {
  if (request.key.empty()) return {};
  const RequestKey key = key_of(request);
  const Result<std::optional<ClaimId>> answer = remembered(request, key);
  if (!answer) return answer.error();
  const auto [known, added] = keys.emplace(std::pair(key.key.high, key.key.low), key.digest);
  if (added || known->second == key.digest) return {};
  return Error{ErrorCode::kIdempotency, "the key '" + request.key + "' was used for another request", "key"};
}

Status Pool::commit(const std::vector<ClaimId>& marks) {
  const std::lock_guard lock(mutex_);
  const Time now = clock();
  APPORTION_TRY(expire(now));
  if (marks.empty()) return {};
  APPORTION_TRY(check_marks(marks));
  Update update(*this, now);
  APPORTION_TRY(update.write(Ledger::kCommit, Ledger::payload(marks)));
  update.commit();
  return {};
}

Status Pool::release(const std::vector<ClaimId>& claims) {
  const std::lock_guard lock(mutex_);
  const Time now = clock();
  APPORTION_TRY(expire(now));
  if (claims.empty()) return {};
  for (const ClaimId claim : claims) {
    sections_.ledger.prefetch(claim);
    if (const Ledger::ClaimRow* row = sections_.ledger.find(claim)) index_.prefetch(row->instance);
  }
  Update update(*this, now);
  payload_.clear();
  encode(payload_, claims);
  APPORTION_TRY(update.write(Ledger::kRelease, payload_.bytes(), [&](const Change& change, Transaction& log) {
    return sections_.ledger.release(claims, change.time, log);
  }));
  update.commit();
  return {};
}

Result<std::optional<Denial>> Pool::resize(ClaimId id, const NamedDecimals& amounts) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(expire(clock()));
  const Ledger::ClaimRow* claim = sections_.ledger.find(id);
  if (claim == nullptr) return stale(id);
  if (sections_.ledger.is_pending(*claim)) return pending(id);
  const TypeDefinition& type = sections_.catalog.version(claim->instance.version).definition;
  const std::span<const Steps> held = sections_.ledger.amounts(*claim);
  std::vector<Steps> wanted(held.begin(), held.end());
  std::vector<Steps> more(wanted.size());
  for (const auto& [name, value] : amounts) {
    const auto found = std::ranges::find(type.dimensions, name, &DimensionDefinition::name);
    if (found == type.dimensions.end()) return unknown_dimension(type, name);
    const Result<Steps> steps = to_steps(value, found->step, Rounding::kUp);
    if (!steps) return Error{steps.error().code, steps.error().message, "amounts." + name};
    wanted[static_cast<std::size_t>(found - type.dimensions.begin())] = *steps;
  }
  const InstanceTable& table = *sections_.inventory.table(claim->instance.version);
  if (!std::ranges::equal(wanted, held)) {
    const Portion portion(type, wanted, ~0U, false, sections_.symbols);
    const std::optional<Amounts> taken = portion.of(table, claim->instance.row);
    if (!taken) return std::optional<Denial>(denied_claim(*claim, portion));
    wanted.assign(taken->begin(), taken->end());
  }
  for (std::size_t d = 0; d < wanted.size(); ++d) more[d] = wanted[d] - held[d];
  if (!table.fits(claim->instance.row, more)) return std::optional<Denial>(denied_resize(*claim, more));
  const Taking taking{claim->instance.version, more};
  if (auto denied = denied_by_quota(sections_.ledger.groups_of(claim->consumer), taking)) {
    denied->consumer = sections_.ledger.consumers().name(claim->consumer);
    return denied;
  }
  Update update(*this);
  APPORTION_TRY(update.write(Ledger::kResize, Ledger::resize_payload(id, wanted)));
  update.commit();
  return std::optional<Denial>();
}

// What is asked for more than is held, by a member of these groups.
std::optional<Denial> Pool::denied_by_quota(std::span<const std::string_view> groups, const Taking& more) const {
  const auto excess = sections_.ledger.quota_sums().excess(groups, std::span(&more, 1));
  if (!excess) return std::nullopt;
  Denial denial;
  denial.type = sections_.catalog.version(more.version).definition.name;
  denial.revision = state_->revision();
  denial.denial_class = DenialClass::kQuota;
  denial.stage = "quota";
  denial.message = text_of(*excess) + "; " + std::string(class_text(DenialClass::kQuota));
  denial.stages.push_back({"quota", text_of(*excess), 1, 0});
  return denial;
}

// The rules of its instance do not let the claim have that size.
Denial Pool::denied_claim(const Ledger::ClaimRow& claim, const Portion& portion) const {
  const TypeDefinition& type = sections_.catalog.version(claim.instance.version).definition;
  const InstanceTable& table = *sections_.inventory.table(claim.instance.version);
  Denial denial;
  denial.denial_class = DenialClass::kNever;
  denial.type = type.name;
  denial.consumer = sections_.ledger.consumers().name(claim.consumer);
  denial.revision = state_->revision();
  const std::string instance(sections_.inventory.id_of(claim.instance));
  denial.closest.push_back({instance, std::string(sections_.symbols.text(table.location[claim.instance.row])),
                            portion.refusals(table, claim.instance.row, type)});
  for (const Lack& lack : denial.closest.front().lacks)
    denial.message += lack.what + " " + lack.need + ": '" + instance + "' gives " + lack.have + "; ";
  denial.message += class_text(denial.denial_class);
  denial.stage = "claim";
  denial.stages.push_back({"claim", portion.text(type), 1, 0});
  return denial;
}

// A claim stays where it is when it is resized, so only its own instance counts.
Denial Pool::denied_resize(const Ledger::ClaimRow& claim, const std::vector<Steps>& more) const {
  const TypeDefinition& type = sections_.catalog.version(claim.instance.version).definition;
  const InstanceTable& table = *sections_.inventory.table(claim.instance.version);
  const std::uint32_t row = claim.instance.row;
  Denial denial;
  denial.type = type.name;
  denial.consumer = sections_.ledger.consumers().name(claim.consumer);
  denial.revision = state_->revision();
  const std::string instance(sections_.inventory.id_of(claim.instance));
  NearMiss miss{instance, std::string(sections_.symbols.text(table.location[row])), {}};
  for (std::size_t d = 0; d < more.size(); ++d) {
    const Step step = type.dimensions[d].step;
    const DimensionColumns& columns = table.dimensions[d];
    const Steps free = columns.limit[row] - columns.used[row];
    if (more[d] <= free || more[d] <= 0) continue;
    const auto text = [&](Steps steps) { return units_text(steps, step); };
    denial.binding.push_back({type.dimensions[d].name, type.dimensions[d].unit, text(more[d]),
                              text(std::max<Steps>(free, 0)), text(std::max<Steps>(free, 0)), text(columns.used[row]),
                              text(columns.limit[row]), text(columns.capacity[row]), 1, 1});
    miss.lacks.push_back({type.dimensions[d].name, text(more[d]), text(free)});
    const Steps alone = sections_.ledger.amounts(claim)[d] + more[d];
    if (alone > columns.limit[row]) denial.denial_class = DenialClass::kNever;
    denial.message +=
        type.dimensions[d].name + " " + text(more[d]) + " more > free " + text(free) + " on '" + instance + "'; ";
  }
  denial.message += denial.denial_class == DenialClass::kNever ? "the instance is too small even when empty"
                                                               : "the instance has not enough free now";
  denial.stages.push_back({"capacity", "the claim's own instance", 1, 0});
  denial.closest.push_back(std::move(miss));
  return denial;
}

}  // namespace apportion
