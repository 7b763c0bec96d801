// Snapshot and restore of the ledger.
#include <algorithm>

#include "apportion/ledger/ledger.hpp"

namespace apportion {

namespace {

/// Of a claim without amounts, as the snapshot writes it.
constexpr std::size_t kClaimBytes = 66;

}  // namespace

void Ledger::snapshot(const Emit& emit) const {
  Writer consumers;
  consumers_.encode(consumers);
  emit(kConsumers, consumers.bytes());

  std::vector<std::uint32_t> free;
  for (std::uint32_t link = free_.get(); link != 0; link = claims_[link - 1].grant_next) free.push_back(link - 1);
  Writer claims;
  claims.put(slots()).put(static_cast<std::uint32_t>(free.size()));
  for (const std::uint32_t slot : free) claims.put(slot).put(claims_[slot].generation);
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    const ClaimRow& row = claims_[slot];
    if (row.state == ClaimState::kFree) continue;
    claims.put(slot)
        .put(row.generation)
        .put(row.state)
        .put(row.filtered)
        .put(labels(row))
        .put(row.instance.version)
        .put(row.instance.row)
        .put(row.consumer);
    const Terms terms = this->terms(row);
    claims.put(row.role).put(row.grant_next).put(row.starts).put(terms.ends).put(terms.expires).put(row.revision);
    if (is_pending(row)) snapshot_pending(row, claims);
    for (const Steps steps : amounts(row)) claims.put(steps);
  }
  emit(kClaims, claims.bytes());

  Writer cursors;
  // Sorted: where an entry stands in the table depends on those that came before it.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> sorted;
  cursors_.for_each([&](const Cursor& cursor) { sorted.emplace_back(cursor.key, cursor.ordinal); });
  std::ranges::sort(sorted);
  cursors.put(static_cast<std::uint32_t>(sorted.size()));
  for (const auto& [key, ordinal] : sorted) cursors.put(key).put(ordinal);
  emit(kCursors, cursors.bytes());

  Writer keys;
  keys.put(static_cast<std::uint32_t>(keys_.size()));
  for (const KeyWindow::Entry& key : keys_.entries()) {
    keys.put(key.key.high).put(key.key.low).put(key.digest).put(key.time).put(key.first.slot).put(key.first.generation);
  }
  emit(kKeys, keys.bytes());

  Writer waiting;
  waiting_.encode(waiting);
  emit(kWaiting, waiting.bytes());
}

Status Ledger::restore_claims(Reader& reader, Transaction& log) {
  const auto count = reader.get<std::uint32_t>();
  std::vector<std::uint32_t> free(reader.get_count(8));
  std::vector<std::uint32_t> generations(free.size());
  for (std::size_t i = 0; i < free.size(); ++i) {
    free[i] = reader.get<std::uint32_t>();
    generations[i] = reader.get<std::uint32_t>();
  }
  if (reader.failed() || claims_.size() != 0 || count > free.size() + reader.left() / kClaimBytes ||
      !distinct_below(free, count)) {
    return corrupt("the claims' record is damaged");
  }
  claims_.resize(log, count);
  std::vector<RestoredPending> pending;
  for (std::size_t i = free.size(); i < count; ++i) APPORTION_TRY(restore_claim(reader, pending, log));
  if (!reader.complete()) return corrupt("the claims' record is damaged");
  std::uint32_t link = 0;
  for (std::size_t i = free.size(); i-- > 0;) {
    if (claims_[free[i]].state != ClaimState::kFree) return corrupt("a claim's slot is free and taken");
    ClaimRow& row = claims_.edit(log, free[i]);
    row.generation = generations[i];
    row.grant_next = link;
    link = free[i] + 1;
  }
  free_.edit(log) = link;
  APPORTION_TRY(restore_queues(pending, log));
  return check_rings();
}

Status Ledger::restore_claim(Reader& reader, std::vector<RestoredPending>& pending, Transaction& log) {
  const auto slot = reader.get<std::uint32_t>();
  ClaimRow row;
  row.generation = reader.get<std::uint32_t>();
  row.state = reader.get<ClaimState>();
  row.filtered = reader.get<std::uint8_t>();
  const auto labels = reader.get<ListId>();
  row.instance = {reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  row.consumer = reader.get<std::uint32_t>();
  row.role = reader.get<std::uint32_t>();
  row.grant_next = reader.get<std::uint32_t>();
  row.starts = reader.get<Time>();
  const Terms terms{reader.get<Time>(), reader.get<Time>()};
  row.revision = reader.get<std::uint64_t>();
  const bool waits = row.state == ClaimState::kPending;
  const bool state_known = row.state == ClaimState::kMark || row.state == ClaimState::kClaim || waits;
  const bool placed = slot < slots() && claims_[slot].state == ClaimState::kFree && row.grant_next < slots();
  if (reader.failed() || !state_known || row.filtered > 1 || !placed || inventory_->exists(row.instance) == waits ||
      !consumers_.exists(row.consumer) || !symbols_->has(row.role) || !symbols_->has_list(labels)) {
    return corrupt("a claim's record is damaged");
  }
  if (waits) {
    Result<RestoredPending> read = restore_pending(reader, slot);
    if (!read) return read.error();
    put_cells(row, read->amounts, labels, terms, log);
    claims_.edit(log, slot) = row;
    pending.push_back(std::move(*read));
    return {};
  }
  const InstanceTable& table = *inventory_->table(row.instance.version);
  std::vector<Steps> steps(table.dimensions.size());
  for (std::size_t d = 0; d < steps.size(); ++d) {
    steps[d] = reader.get<Steps>();
    if (steps[d] < 0 || steps[d] > kMaxSteps - table.dimensions[d].used[row.instance.row])
      return corrupt("a claim's amounts are damaged");
  }
  put_cells(row, steps, labels, terms, log);
  ClaimRow& claim = claims_.edit(log, slot);
  claim = row;
  attach(claim, slot, log);
  queue(slot, log);
  return {};
}

// Implicit consumers live as long as their claims.
Status Ledger::check_whole() const {
  for (std::uint32_t slot = 0; slot < consumers_.slots(); ++slot) {
    if (!consumers_.exists(slot)) continue;
    const Consumers::Row& row = consumers_.row(slot);
    if (row.explicit_ == 0 && row.claims == 0) return corrupt("a consumer that nobody added has no claims");
  }
  return {};
}

// Each claim is the next of exactly one claim of its own grant.
Status Ledger::check_rings() const {
  std::vector<bool> reached(slots());
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    const ClaimRow& row = claims_[slot];
    if (row.state == ClaimState::kFree) continue;
    const ClaimRow& next = claims_[row.grant_next];
    if (next.state == ClaimState::kFree || next.revision != row.revision || reached[row.grant_next]) {
      return corrupt("the claims of a grant are not linked as they should be");
    }
    reached[row.grant_next] = true;
  }
  return {};
}

Status Ledger::restore_cursors(Reader& reader, Transaction& log) {
  const std::uint32_t count = reader.get_count(16);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto key = reader.get<std::uint64_t>();
    const auto ordinal = reader.get<std::uint64_t>();
    if (key == 0 || cursor(key) != 0) return corrupt("a cursor's record is damaged");
    set_cursor(key, ordinal, log);
  }
  return reader.complete() ? Status{} : Status{corrupt("a cursor's record is damaged")};
}

Status Ledger::restore_keys(Reader& reader, Time now, Transaction& log) {
  const std::uint32_t count = reader.get_count(40);
  Time last = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    KeyWindow::Entry entry;
    entry.key.high = reader.get<std::uint64_t>();
    entry.key.low = reader.get<std::uint64_t>();
    entry.digest = reader.get<std::uint64_t>();
    entry.time = reader.get<Time>();
    entry.first = {reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
    if (entry.time < last || entry.time > now || keys_.find(entry.key) != nullptr)
      return corrupt("a key's record is damaged");
    last = entry.time;
    keys_.add(log, entry);
  }
  return reader.complete() ? Status{} : Status{corrupt("a key's record is damaged")};
}

}  // namespace apportion
