// Invariants: a slot in use stands in the ring of its grant and, where lists are kept, in those of its consumer and its
// instance; the instance's used, claims and consumers are the sums over its claims; hash_ is the sum of the cells of
// claims and cursors.
#include "apportion/ledger/ledger.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "apportion/journal/state.hpp"

namespace apportion {
namespace {

std::string id_text(ClaimId claim) { return std::to_string(claim.slot) + "." + std::to_string(claim.generation); }

Error gone(ClaimId claim) {
  return {ErrorCode::kStale, "claim " + id_text(claim) + " is gone: it was released, expired, or never made", {}};
}

Error waits(ClaimId claim) { return conflict("claim " + id_text(claim) + " is pending: it has no instance yet"); }

bool negative(std::span<const Steps> steps) {
  return std::ranges::any_of(steps, [](Steps s) { return s < 0 || s > kMaxSteps; });
}

}  // namespace

void Ledger::link(State& state) {
  symbols_ = &state.section<Symbols>(kSymbolsArea);
  catalog_ = &state.section<Catalog>(kCatalogArea);
  inventory_ = &state.section<Inventory>(kInventoryArea);
}

Status Ledger::apply(const Change& change, Transaction& log) {
  if (change.restored) return restore_record(change, log);
  Reader reader(change.payload);
  switch (change.kind) {
    case kGrant:
      return apply_grants(reader, change, log);
    case kCommit:
      return apply_commit(reader, log);
    case kRelease:
    case kExpire:
      return apply_release(reader, change.time, log);
    case kActivate:
      return apply_activate(reader, change.time, log);
    case kMiss:
      return apply_miss(reader, change.time, log);
    case kExtend:
      return apply_extend(reader, change.time, log);
    case kWithdraw:
      return apply_withdraw(reader, change.time, log);
    case kResize:
      return apply_resize(reader, log);
    case kTransfer:
      return apply_transfer(reader, log);
    case kMove:
      return apply_move(reader, log);
    case kDenied:
      static_cast<void>(decode_denial(reader));
      return reader.complete() ? Status{} : Status{corrupt("a denial's record is damaged")};
    case kConsumer:
      return apply_consumer(reader, log);
    case kConsumerGone:
      return apply_consumer_gone(reader, log);
    case kMigrate:
      return apply_migration(reader, log);
    default:
      return corrupt("unknown kind of ledger change");
  }
}

Status Ledger::restore_record(const Change& change, Transaction& log) {
  Reader reader(change.payload);
  switch (change.kind) {
    case kConsumers:
      return consumers_.decode(reader, log, *symbols_);
    case kClaims:
      return restore_claims(reader, log);
    case kCursors:
      return restore_cursors(reader, log);
    case kKeys:
      return restore_keys(reader, change.time, log);
    case kWaiting:
      return waiting_.decode(reader, catalog_->version_count(), log);
    default:
      return corrupt("a snapshot holds no such ledger record");
  }
}

Status Ledger::apply_grants(Reader& reader, const Change& change, Transaction& log) {
  const std::uint32_t count = reader.get_count(16);
  for (std::uint32_t i = 0; i < count; ++i) {
    const GrantRecord grant = decode_grant(reader);
    if (reader.failed()) break;
    APPORTION_TRY(this->grant(grant, change, log));
  }
  return reader.complete() && count > 0 ? Status{} : Status{corrupt("a grant's record is damaged")};
}

Status Ledger::check_grant(const GrantRecord& grant) const {
  const RequestRecord& request = grant.request;
  const bool sized = !grant.claims.empty() && grant.claims.size() <= kMaxClaimsPerGrant;
  const bool named =
      !request.consumer.empty() && request.consumer.size() <= kMaxIdBytes && is_clean_text(request.consumer);
  if (!sized || !named || request.version >= catalog_->version_count()) return corrupt("a grant's record is damaged");
  if (request.key.given() && keys_.find(request.key.key) != nullptr)
    return corrupt("a grant's idempotency key is in use");
  return {};
}

Status Ledger::grant(const GrantRecord& grant, const Change& change, Transaction& log) {
  APPORTION_TRY(check_grant(grant));
  const std::uint32_t consumer = consumer_slot(grant.request.consumer, log);
  std::uint32_t previous = 0;
  for (std::size_t i = 0; i < grant.claims.size(); ++i) {
    const bool waits = grant.claims[i].pending != PendingRecord::kNone;
    APPORTION_TRY(waits ? make_pending(grant, grant.claims[i], consumer, change, log)
                        : make_claim(grant.claims[i], grant.request, consumer, change, log));
    const std::uint32_t slot = grant.claims[i].claim.slot;
    if (i > 0) {
      claims_.edit(log, slot, &ClaimRow::grant_next) = claims_[previous].grant_next;
      claims_.edit(log, previous, &ClaimRow::grant_next) = slot;
    }
    previous = slot;
    const ClaimEffect& effect = grant.claims[i];
    if (effect.cursor != 0 && !waits)
      set_cursor(effect.cursor, inventory_->table(effect.instance.version)->ordinal[effect.instance.row], log);
  }
  const auto last_held = std::find_if(grant.claims.rbegin(), grant.claims.rend(),
                                      [](const ClaimEffect& effect) { return effect.instance.valid(); });
  if (grant.cursor != 0 && last_held != grant.claims.rend()) {
    const InstanceRef last = last_held->instance;
    set_cursor(grant.cursor, inventory_->table(last.version)->ordinal[last.row], log);
  }
  const RequestKey& key = grant.request.key;
  if (key.given()) keys_.add(log, {key.key, key.digest, change.time, grant.claims.front().claim});
  return {};
}

Status Ledger::make_claim(const ClaimEffect& effect, const RequestRecord& request, std::uint32_t consumer,
                          const Change& change, Transaction& log) {
  // An ordinal is never 0; what else is asked of the instance stands beside it.
  InstanceTable* const held = inventory_->table(effect.instance.version);
  const std::uint32_t row = effect.instance.row;
  if (held == nullptr || row >= held->rows() || held->ordinal[row] == 0)
    return corrupt("a claim names an instance that does not exist");
  InstanceTable& table = *held;
  if (effect.amounts.size() != table.dimensions.size() || negative(effect.amounts))
    return corrupt("a claim's amounts do not fit its type");
  if (!symbols_->has(effect.role) || !symbols_->has_list(request.labels))
    return corrupt("a claim's role or labels are damaged");
  if (!table.fits(row, effect.amounts)) {
    return corrupt("a claim would take more than '" + std::string(inventory_->id_of(effect.instance)) + "' has free");
  }
  APPORTION_TRY(take_slot_of(effect, log));
  const std::uint32_t slot = effect.claim.slot;
  ClaimRow& claim = claims_.edit(log, slot);
  claim.state = request.mark ? ClaimState::kMark : ClaimState::kClaim;
  claim.instance = effect.instance;
  claim.consumer = consumer;
  claim.role = effect.role;
  claim.filtered = filters(request) ? 1 : 0;
  claim.grant_next = slot;
  claim.starts = request.starts == 0 ? change.time : request.starts;
  claim.revision = change.revision.number;
  put_cells(claim, effect.amounts, request.labels, {request.ends, request.mark ? request.expires : kForever}, log);
  inventory_->count_grant(log, table, attach(claim, slot, log));
  queue(slot, log);
  return {};
}

void Ledger::put_cells(ClaimRow& claim, std::span<const Steps> amounts, ListId labels, const Terms& terms,
                       Transaction& log) {
  std::array<std::int64_t, kMaxDimensions + 3> cells;
  auto end = std::ranges::copy(amounts, cells.begin()).out;
  claim.dimensions = static_cast<std::uint8_t>(amounts.size());
  claim.parts =
      static_cast<std::uint8_t>((terms == Terms{} ? 0 : ClaimRow::kTimed) | (labels == 0 ? 0 : ClaimRow::kLabelled));
  if (labels != 0) *end++ = labels;
  end[0] = terms.ends, end[1] = terms.expires;
  claim.cells = heap_.put(log, std::span(cells).first(claim.width()));
}

// `amounts` may be the claim's own.
void Ledger::replace_cells(ClaimRow& claim, std::span<const Steps> amounts, const Terms& terms, Transaction& log) {
  const Amounts kept(amounts.begin(), amounts.end());
  const ListId labels = this->labels(claim);
  heap_.release(log, claim.cells, claim.width());
  put_cells(claim, kept, labels, terms, log);
}

// Puts a claim into everything that is derived from claims; the tally of its instance, for
// more to be written.
std::byte* Ledger::attach(const ClaimRow& claim, std::uint32_t slot, Transaction& log) {
  InstanceTable& table = *inventory_->table(claim.instance.version);
  const std::uint32_t row = claim.instance.row;
  table.touched.add_claimed(log, row);
  std::byte* const tally = table.tally.edit(log, row);
  table.add_used(log, row, amounts(claim), 1);
  ++table.claims.in(tally);
  attach_consumer(claim, tally, log);
  if (lists_.kept()) lists_.add(log, slot, claim.instance, claim.consumer);
  if (counts()) count(claim, 1, log);
  ++claim_count_.edit(log);
  if (claim.state == ClaimState::kMark) ++mark_count_.edit(log);
  hash_.edit(log) += cell(slot);
  return tally;
}

// `claim` stays where it is while others are written.
void Ledger::detach(const ClaimRow& claim, std::uint32_t slot, Transaction& log) {
  if (is_pending(claim)) return detach_pending(claim, slot, log);
  hash_.edit(log) -= cell(slot);
  --claim_count_.edit(log);
  if (claim.state == ClaimState::kMark) --mark_count_.edit(log);
  InstanceTable& table = *inventory_->table(claim.instance.version);
  const std::uint32_t row = claim.instance.row;
  table.touched.add_claimed(log, row);
  std::byte* const tally = table.tally.edit(log, row);
  table.add_used(log, row, amounts(claim), -1);
  --table.claims.in(tally);
  if (lists_.kept()) lists_.remove(log, slot, claim.instance, claim.consumer);
  if (counts()) count(claim, -1, log);
  detach_consumer(claim, tally, log);
}

void Ledger::attach_consumer(const ClaimRow& claim, std::byte* tally, Transaction& log) {
  ++consumers_.edit(log, claim.consumer).claims;
  hold(claim, 1, tally, log);
}

void Ledger::detach_consumer(const ClaimRow& claim, std::byte* tally, Transaction& log) {
  --consumers_.edit(log, claim.consumer).claims;
  hold(claim, -1, tally, log);
}

// Counts claims per (consumer, instance), and with it the instance's distinct consumers.
void Ledger::hold(const ClaimRow& claim, int difference, std::byte* tally, Transaction& log) {
  const Holding key{claim.instance, claim.consumer, 1};
  const auto same = [&](const Holding& h) { return h.instance == key.instance && h.consumer == key.consumer; };
  std::uint32_t& consumers = inventory_->table(claim.instance.version)->consumers.in(tally);
  const std::optional<std::size_t> held = holdings_.find_slot(key.hash(), same);
  if (!held) {
    holdings_.insert(log, key);
    ++consumers;
  } else if (difference < 0 && holdings_[*held].count == 1) {
    holdings_.erase(log, *held);
    --consumers;
  } else {
    holdings_.edit(log, *held).count += difference < 0 ? -1U : 1U;
  }
}

std::uint32_t Ledger::take_slot(Transaction& log) {
  const std::uint32_t head = free_.get();
  if (head != 0) {
    free_.edit(log) = claims_[head - 1].grant_next;
    return head - 1;
  }
  claims_.resize(log, claims_.size() + 1);
  return slots() - 1;
}

void Ledger::leave_ring(std::uint32_t slot, Transaction& log) {
  const std::uint32_t next = claims_[slot].grant_next;
  if (next == slot) return;
  std::uint32_t before = next;
  while (claims_[before].grant_next != slot) before = claims_[before].grant_next;
  claims_.edit(log, before).grant_next = next;
}

void Ledger::end_claim(std::uint32_t slot, Time now, Transaction& log) {
  leave_ring(slot, log);
  ClaimRow& claim = claims_.edit(log, slot);
  observe(claim, now, log);
  detach(claim, slot, log);
  heap_.release(log, claim.cells, claim.width());
  const std::uint32_t consumer = claim.consumer;
  const std::uint32_t generation = claim.generation + 1;
  claim = {};
  claim.generation = generation;
  claim.grant_next = free_.get();
  free_.edit(log) = slot + 1;
  drop_if_idle(consumer, log);
}

std::uint32_t Ledger::consumer_slot(std::string_view name, Transaction& log) {
  const std::uint32_t slot = consumers_.find(name);
  return slot != Consumers::kNone ? slot : consumers_.add(log, name);
}

void Ledger::drop_if_idle(std::uint32_t consumer, Transaction& log) {
  const Consumers::Row& row = consumers_.row(consumer);
  if (row.claims == 0 && row.explicit_ == 0) consumers_.remove(log, consumer, *symbols_);
}

Time Ledger::due_time(const ClaimRow& claim) const {
  const Terms terms = this->terms(claim);
  return claim.state == ClaimState::kClaim ? terms.ends : std::min(terms.expires, terms.ends);
}

void Ledger::queue(std::uint32_t slot, Transaction& log) {
  const Time time = due_time(claims_[slot]);
  if (time != kForever) due_.push(log, {time, id_of(slot)});
}

// The first entry of the queue always belongs to a claim that ends then: `due` meets no others before it.
void Ledger::trim_due(Transaction& log) {
  while (!due_.empty()) {
    const ClaimRow* row = find(due_.front().claim);
    if (row != nullptr && due_time(*row) == due_.front().time) return;
    due_.pop(log);
  }
}

void Ledger::set_cursor(std::uint64_t key, std::uint64_t ordinal, Transaction& log) {
  const auto same = [&](const Cursor& c) { return c.key == key; };
  const auto cell_of = [](const Cursor& c) { return CellHash(42).add(c.key).add(c.ordinal).value(); };
  Hash128& sum = hash_.edit(log);
  if (Cursor* cursor = cursors_.edit(log, key, same)) {
    sum -= cell_of(*cursor);
    cursor->ordinal = ordinal;
  } else {
    cursors_.insert(log, {key, ordinal});
  }
  sum += cell_of({key, ordinal});
}

Status Ledger::apply_commit(Reader& reader, Transaction& log) {
  const std::vector<ClaimId> marks = decode_claims(reader);
  if (!reader.complete() || marks.empty()) return corrupt("a commit's record is damaged");
  for (const ClaimId mark : marks) {
    const ClaimRow* row = find(mark);
    if (row == nullptr) return gone(mark);
    if (is_pending(*row)) return waits(mark);
    if (row->state != ClaimState::kMark) return conflict("claim " + id_text(mark) + " is committed already");
    ClaimRow& claim = claims_.edit(log, mark.slot);
    hash_.edit(log) -= cell(mark.slot);
    claim.state = ClaimState::kClaim;
    --mark_count_.edit(log);
    if (claim.timed()) replace_cells(claim, amounts(claim), {terms(claim).ends, kForever}, log);
    hash_.edit(log) += cell(mark.slot);
    queue(mark.slot, log);
  }
  trim_due(log);
  return {};
}

Status Ledger::apply_release(Reader& reader, Time now, Transaction& log) {
  const std::vector<ClaimId> ended = decode_claims(reader);
  if (!reader.complete()) return corrupt("a release's record is damaged");
  return release(ended, now, log);
}

Status Ledger::release(std::span<const ClaimId> claims, Time now, Transaction& log) {
  for (const ClaimId claim : claims) {
    if (find(claim) == nullptr) return gone(claim);
    end_claim(claim.slot, now, log);
  }
  trim_due(log);
  return {};
}

Status Ledger::apply_resize(Reader& reader, Transaction& log) {
  const ClaimId id{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  std::vector<Steps> wanted(reader.get_count(8));
  for (Steps& steps : wanted) steps = reader.get<Steps>();
  if (!reader.complete()) return corrupt("a resize's record is damaged");
  const ClaimRow* claim = find(id);
  if (claim == nullptr) return gone(id);
  if (is_pending(*claim)) return waits(id);
  if (wanted.size() != claim->dimensions || negative(wanted))
    return corrupt("a resize's amounts do not fit the claim's type");
  const std::span<const Steps> held = amounts(*claim);
  std::vector<Steps> more(wanted.size());
  for (std::size_t d = 0; d < wanted.size(); ++d) more[d] = wanted[d] - held[d];
  InstanceTable& table = *inventory_->table(claim->instance.version);
  if (!table.fits(claim->instance.row, more)) return conflict("the instance has not enough free for the larger claim");
  hash_.edit(log) -= cell(id.slot);
  table.touched.add_claimed(log, claim->instance.row);
  table.add_used(log, claim->instance.row, more, 1);
  ClaimRow& row = claims_.edit(log, id.slot);
  if (counts()) count(row, -1, log);
  replace_cells(row, wanted, terms(row), log);
  if (counts()) count(row, 1, log);
  hash_.edit(log) += cell(id.slot);
  return {};
}

Status Ledger::apply_transfer(Reader& reader, Transaction& log) {
  const ClaimId id{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  const std::string_view name = reader.get_text();
  if (!reader.complete() || name.empty() || name.size() > kMaxIdBytes || !is_clean_text(name))
    return corrupt("a transfer's record is damaged");
  const ClaimRow* claim = find(id);
  if (claim == nullptr) return gone(id);
  if (is_pending(*claim)) return waits(id);
  const std::uint32_t from = claims_[id.slot].consumer;
  const std::uint32_t to = consumer_slot(name, log);
  if (from == to) return {};
  ClaimRow& row = claims_.edit(log, id.slot);
  InstanceTable& table = *inventory_->table(row.instance.version);
  hash_.edit(log) -= cell(id.slot);
  table.touched.add_claimed(log, row.instance.row);
  std::byte* const tally = table.tally.edit(log, row.instance.row);
  if (lists_.kept()) lists_.remove(log, id.slot, row.instance, from);
  if (counts()) count(row, -1, log);
  detach_consumer(row, tally, log);
  row.consumer = to;
  attach_consumer(row, tally, log);
  if (lists_.kept()) lists_.add(log, id.slot, row.instance, to);
  if (counts()) count(row, 1, log);
  hash_.edit(log) += cell(id.slot);
  drop_if_idle(from, log);
  return {};
}

// What its consumer is promised stays: the id, the amounts, the ring, the terms.
Status Ledger::apply_move(Reader& reader, Transaction& log) {
  const ClaimId id{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  const auto symbol = reader.get<Symbol>();
  if (!reader.complete() || symbol == 0 || !symbols_->has(symbol)) return corrupt("a move's record is damaged");
  const ClaimRow* claim = find(id);
  if (claim == nullptr) return gone(id);
  if (is_pending(*claim)) return waits(id);
  const InstanceRef to = inventory_->find(symbol);
  if (!to.valid()) return unknown("there is no instance '" + std::string(symbols_->text(symbol)) + "'");
  if (to == claim->instance) return {};
  if (to.version != claim->instance.version)
    return conflict("a claim moves between instances of one version of a type: migrate first");
  InstanceTable& table = *inventory_->table(to.version);
  if (!table.fits(to.row, amounts(*claim))) return conflict("the instance has not enough free for the claim");
  ClaimRow& row = claims_.edit(log, id.slot);
  detach(row, id.slot, log);
  row.instance = to;
  inventory_->count_grant(log, table, attach(row, id.slot, log));
  return {};
}

// A policy's filter says it too; one that came with the request may have one.
bool Ledger::filters(const RequestRecord& request) const {
  if (!request.where.empty() || request.policy.starts_with('{')) return true;
  if (request.policy.empty()) return false;
  const auto* policy = catalog_->find_policy(request.policy);
  return policy == nullptr || !policy->definition.where.empty();
}

Status Ledger::apply_consumer(Reader& reader, Transaction& log) {
  const std::string_view name = reader.get_text();
  const auto kind = reader.get<Symbol>();
  const auto groups = reader.get<ListId>();
  const std::vector<Attribute> attributes = decode_attributes(reader);
  const bool named = !name.empty() && name.size() <= kMaxIdBytes && is_clean_text(name);
  if (!reader.complete() || !named || !symbols_->has(kind) || !symbols_->has_list(groups) ||
      !known(attributes, *symbols_)) {
    return corrupt("a consumer's record is damaged");
  }
  const std::uint32_t slot = consumer_slot(name, log);
  if (consumers_.row(slot).groups != groups) ++memberships_.edit(log);
  consumers_.describe(log, slot, kind, attributes, groups, *symbols_);
  return {};
}

Status Ledger::apply_consumer_gone(Reader& reader, Transaction& log) {
  const std::string_view name = reader.get_text();
  const std::uint32_t slot = consumers_.find(name);
  if (!reader.complete() || slot == Consumers::kNone)
    return unknown("there is no consumer '" + std::string(name) + "'");
  if (const std::uint32_t claims = consumers_.row(slot).claims; claims > 0) {
    return conflict("consumer '" + std::string(name) + "' has " + std::to_string(claims) +
                    " claims: release them first");
  }
  consumers_.remove(log, slot, *symbols_);
  return {};
}

// Keyed by the claim's id. The instance enters by its ordinal, the consumer by its name.
Hash128 Ledger::cell(std::uint32_t slot) const {
  const ClaimRow& claim = claims_[slot];
  CellHash hash(41);
  hash.add(std::uint64_t{slot} << 32 | claim.generation);
  if (is_pending(claim)) {
    hash_pending(claim, hash);
  } else {
    hash.add(inventory_->table(claim.instance.version)->ordinal[claim.instance.row]);
  }
  hash.add(consumers_.row(claim.consumer).name_hash).add(std::uint64_t{static_cast<std::uint8_t>(claim.state)});
  const Terms terms = this->terms(claim);
  hash.add(claim.starts).add(terms.ends).add(terms.expires).add(claim.revision);
  for (const Steps steps : amounts(claim)) hash.add(steps);
  if (claim.role != 0) hash.add(symbols_->text(claim.role));
  if (claim.filtered != 0) hash.add(std::uint64_t{1});
  for (const Symbol symbol : symbols_->list(labels(claim))) hash.add(symbols_->text(symbol));
  return hash.value();
}

}  // namespace apportion
