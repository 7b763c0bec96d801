// Claims that are granted just in time: made without an instance, activated when something is free, missed or extended
// at their deadline. And marks that are withdrawn.
#include <algorithm>

#include "apportion/ledger/ledger.hpp"

namespace apportion {
namespace {

// One ticket after the other finds a next one.
constexpr std::uint64_t kMaxTicket = std::uint64_t{1} << 62;
constexpr std::string_view kDamaged = "a pending claim's record is damaged";

std::string written(ClaimId claim) { return std::to_string(claim.slot) + "." + std::to_string(claim.generation); }

Error gone_claim(ClaimId claim) {
  return {ErrorCode::kStale,
          "claim " + std::to_string(claim.slot) + "." + std::to_string(claim.generation) + " is gone",
          {}};
}

Error not_pending(ClaimId claim) {
  return conflict("claim " + std::to_string(claim.slot) + "." + std::to_string(claim.generation) + " is not pending");
}

bool out_of_range(std::span<const Steps> steps) {
  return std::ranges::any_of(steps, [](Steps s) { return s < 0 || s > kMaxSteps; });
}

bool names_need(const NeedRef& ref, const Catalog& catalog) {
  if (ref.owner == PendingRecord::kNone) return true;
  if (ref.owner >= catalog.version_count()) return false;
  const auto& needs = catalog.version(ref.owner).definition.needs;
  return ref.need < needs.size() && (ref.branch == 0 || ref.branch < needs[ref.need].any_of.size());
}

}  // namespace

// --- made

// The record says which slot comes next, so that replay gives the same identities.
Status Ledger::take_slot_of(const ClaimEffect& effect, Transaction& log) {
  const std::uint32_t slot = take_slot(log);
  if (id_of(slot) == effect.claim) return {};
  return corrupt("the record's claim " + written(effect.claim) + " is not the next one here, " + written(id_of(slot)));
}

Status Ledger::check_pending(const GrantRecord& grant, const ClaimEffect& effect, Time now) const {
  const PendingRecord& pending = grant.pending[effect.pending];
  const auto names_claim = [&](std::uint32_t other) { return other < grant.claims.size(); };
  const bool placed = !effect.instance.valid() && pending.version < catalog_->version_count();
  if (!placed || effect.amounts.size() != catalog_->version(pending.version).definition.dimensions.size() ||
      out_of_range(effect.amounts) || !symbols_->has(effect.role) || grant.request.mark ||
      !symbols_->has_list(grant.request.labels) || !symbols_->has(pending.where) || !symbols_->has(pending.policy) ||
      !names_need(pending.need, *catalog_) || pending.patience <= 0 || pending.expected < 0 ||
      pending.patience >= kForever - now || (pending.parent != PendingRecord::kNone && !names_claim(pending.parent)) ||
      !std::ranges::all_of(pending.beside, names_claim)) {
    return corrupt(std::string(kDamaged));
  }
  return {};
}

// What other slots of the tree have may decide which instances serve it.
bool Ledger::is_ruled(const NeedRef& need) const {
  if (need.owner == PendingRecord::kNone) return false;
  const NeedDefinition& said = need.in(catalog_->version(need.owner).definition);
  return !(said.require.empty() && said.prefer.empty() && said.on.empty() && said.same_as.empty() &&
           said.same.empty() && said.different.empty());
}

Status Ledger::make_pending(const GrantRecord& grant, const ClaimEffect& effect, std::uint32_t consumer,
                            const Change& change, Transaction& log) {
  APPORTION_TRY(check_pending(grant, effect, change.time));
  APPORTION_TRY(take_slot_of(effect, log));
  const PendingRecord& pending = grant.pending[effect.pending];
  const std::uint32_t slot = effect.claim.slot;
  std::vector<ClaimId> beside;
  for (const std::uint32_t other : pending.beside) beside.push_back(grant.claims[other].claim);
  Waiting::Row row;
  row.patience = pending.patience, row.expected = pending.expected, row.claim = slot, row.version = pending.version;
  row.where = pending.where, row.policy = pending.policy, row.need = pending.need, row.apart = pending.apart ? 1 : 0;
  row.whole = pending.whole ? 1 : 0;
  if (pending.parent != PendingRecord::kNone) row.parent = grant.claims[pending.parent].claim;
  ClaimRow& claim = claims_.edit(log, slot);
  claim.state = ClaimState::kPending;
  claim.instance = {InstanceRef::kNone, waiting_.add(log, row, beside, effect.amounts, is_ruled(row.need))};
  claim.consumer = consumer;
  claim.role = effect.role;
  claim.filtered = filters(grant.request) ? 1 : 0;
  claim.grant_next = slot;
  claim.starts = grant.request.starts == 0 ? change.time : grant.request.starts;
  claim.revision = change.revision.number;
  put_cells(claim, effect.amounts, grant.request.labels, {grant.request.ends, change.time + pending.patience}, log);
  attach_pending(claim, slot, log);
  queue(slot, log);
  return {};
}

void Ledger::attach_pending(const ClaimRow& claim, std::uint32_t slot, Transaction& log) {
  ++consumers_.edit(log, claim.consumer).claims;
  if (lists_.kept()) lists_.add(log, slot, claim.instance, claim.consumer);
  ++claim_count_.edit(log);
  hash_.edit(log) += cell(slot);
}

// `claim` stays where it is while others are written.
void Ledger::detach_pending(const ClaimRow& claim, std::uint32_t slot, Transaction& log) {
  hash_.edit(log) -= cell(slot);
  --claim_count_.edit(log);
  if (lists_.kept()) lists_.remove(log, slot, claim.instance, claim.consumer);
  --consumers_.edit(log, claim.consumer).claims;
  waiting_.remove(log, claim.instance.row);
}

void Ledger::hash_pending(const ClaimRow& claim, CellHash& hash) const {
  const Waiting::Row& row = pending(claim);
  const auto add_claim = [&](ClaimId id) { hash.add(std::uint64_t{id.slot} << 32 | id.generation); };
  hash.add(row.ticket).add(row.patience).add(row.expected).add(std::uint64_t{row.version});
  hash.add(symbols_->text(row.where))
      .add(symbols_->text(row.policy))
      .add(std::uint64_t{row.apart} | std::uint64_t{row.whole} << 1);
  hash.add(std::uint64_t{row.need.owner}).add(std::uint64_t{row.need.need}).add(std::uint64_t{row.need.branch});
  add_claim(row.parent);
  for (const ClaimId other : waiting_.beside(row)) add_claim(other);
}

// --- activated, missed, extended

Status Ledger::apply_activate(Reader& reader, Time now, Transaction& log) {
  const ClaimId id{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  const InstanceRef to{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  std::vector<Steps> steps(reader.get_count(8));
  for (Steps& each : steps) each = reader.get<Steps>();
  if (!reader.complete()) return corrupt("an activation's record is damaged");
  const ClaimRow* claim = find(id);
  if (claim == nullptr) return gone_claim(id);
  if (!is_pending(*claim)) return not_pending(id);
  if (!inventory_->exists(to)) return corrupt("an activation names an instance that does not exist");
  InstanceTable& table = *inventory_->table(to.version);
  const auto type_of = [&](VersionId version) -> const std::string& {
    return catalog_->version(version).definition.name;
  };
  if (type_of(to.version) != type_of(pending(*claim).version) || steps.size() != table.dimensions.size() ||
      out_of_range(steps))
    return corrupt("an activation's amounts do not fit its type");
  if (!table.fits(to.row, steps)) return corrupt("an activation would take more than its instance has free");
  ClaimRow& row = claims_.edit(log, id.slot);
  detach_pending(row, id.slot, log);
  row.state = ClaimState::kClaim;
  row.instance = to;
  row.starts = std::max(row.starts, now);
  const Terms held = terms(row);
  const ListId said = labels(row);
  heap_.release(log, row.cells, row.width());
  put_cells(row, steps, said, {held.ends, kForever}, log);
  inventory_->count_grant(log, table, attach(row, id.slot, log));
  queue(id.slot, log);
  trim_due(log);
  return {};
}

Status Ledger::apply_miss(Reader& reader, Time now, Transaction& log) {
  const std::vector<ClaimId> missed = decode_claims(reader);
  const std::vector<ClaimId> others = decode_claims(reader);
  if (!reader.complete() || missed.empty()) return corrupt("a miss's record is damaged");
  for (const ClaimId claim : missed) {
    const ClaimRow* const row = find(claim);
    if (row == nullptr) return gone_claim(claim);
    if (!is_pending(*row)) return not_pending(claim);
  }
  APPORTION_TRY(release(missed, now, log));
  return release(others, now, log);
}

Status Ledger::apply_extend(Reader& reader, Time now, Transaction& log) {
  const ClaimId id{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  const auto deadline = reader.get<Time>();
  if (!reader.complete() || deadline <= now) return corrupt("an extension's record is damaged");
  const ClaimRow* claim = find(id);
  if (claim == nullptr) return gone_claim(id);
  if (!is_pending(*claim)) return not_pending(id);
  ClaimRow& row = claims_.edit(log, id.slot);
  hash_.edit(log) -= cell(id.slot);
  replace_cells(row, amounts(row), {terms(row).ends, deadline}, log);
  hash_.edit(log) += cell(id.slot);
  queue(id.slot, log);
  trim_due(log);
  return {};
}

Status Ledger::apply_withdraw(Reader& reader, Time now, Transaction& log) {
  const std::string_view reason = reader.get_text();
  const std::vector<ClaimId> marks = decode_claims(reader);
  if (!reader.complete() || marks.empty() || reason.empty()) return corrupt("a withdrawal's record is damaged");
  for (const ClaimId mark : marks) {
    const ClaimRow* const row = find(mark);
    if (row == nullptr) return gone_claim(mark);
    if (row->state != ClaimState::kMark) return conflict("only marks are withdrawn");
  }
  return release(marks, now, log);
}

std::string Ledger::activate_payload(ClaimId claim, InstanceRef instance, std::span<const Steps> steps) {
  Writer writer;
  writer.put(claim.slot).put(claim.generation).put(instance.version).put(instance.row);
  writer.put(static_cast<std::uint32_t>(steps.size()));
  for (const Steps each : steps) writer.put(each);
  return writer.take();
}

std::string Ledger::miss_payload(std::span<const ClaimId> missed, std::span<const ClaimId> others) {
  Writer writer;
  encode(writer, missed);
  encode(writer, others);
  return writer.take();
}

std::string Ledger::extend_payload(ClaimId claim, Time deadline) {
  Writer writer;
  writer.put(claim.slot).put(claim.generation).put(deadline);
  return writer.take();
}

std::string Ledger::withdraw_payload(std::string_view reason, std::span<const ClaimId> marks) {
  Writer writer;
  writer.put_text(reason);
  encode(writer, marks);
  return writer.take();
}

// --- turnover

// A type is deferrable as its newest version says.
VersionId Ledger::deferrable_type(VersionId version) const {
  if (deferrable_stamp_ != catalog_->stamp()) {
    deferrable_stamp_ = catalog_->stamp();
    deferrable_.assign(catalog_->version_count(), 0);
    for (VersionId each = 0; each < catalog_->version_count(); ++each) {
      const std::string& name = catalog_->version(each).definition.name;
      if (catalog_->find_type(name)->definition.deferrable) deferrable_[each] = catalog_->find_type(name, 1)->id + 1;
    }
  }
  return deferrable_[version] - 1;
}

Waiting::Turnover Ledger::turnover(VersionId version) const {
  const VersionId type = deferrable_type(version);
  return type == PendingRecord::kNone ? Waiting::Turnover{} : waiting_.turnover(type);
}

void Ledger::observe(const ClaimRow& claim, Time now, Transaction& log) {
  if (is_pending(claim)) return;
  const VersionId type = deferrable_type(claim.instance.version);
  if (type != PendingRecord::kNone) waiting_.observe(log, type, std::max<Time>(0, now - claim.starts));
}

// --- snapshots

void Ledger::snapshot_pending(const ClaimRow& claim, Writer& writer) const {
  const Waiting::Row& row = pending(claim);
  const std::vector<ClaimId> beside = waiting_.beside(row);
  writer.put(row.ticket).put(row.patience).put(row.expected).put(row.version).put(row.where).put(row.policy);
  writer.put(row.need.owner)
      .put(row.need.need)
      .put(row.need.branch)
      .put(static_cast<std::uint8_t>(row.apart | row.whole << 1));
  writer.put(row.parent.slot).put(row.parent.generation);
  encode(writer, beside);
}

Result<Ledger::RestoredPending> Ledger::restore_pending(Reader& reader, std::uint32_t slot) const {
  RestoredPending pending;
  Waiting::Row& row = pending.row;
  row.claim = slot;
  row.ticket = reader.get<std::uint64_t>();
  row.patience = reader.get<Time>();
  row.expected = reader.get<Time>();
  row.version = reader.get<VersionId>();
  row.where = reader.get<Symbol>();
  row.policy = reader.get<Symbol>();
  row.need = {reader.get<VersionId>(), reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  const auto flags = reader.get<std::uint8_t>();
  row.apart = flags & 1U, row.whole = flags >> 1;
  row.parent = {reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  pending.beside = decode_claims(reader);
  if (reader.failed() || row.ticket == 0 || row.ticket > kMaxTicket || row.patience <= 0 || row.expected < 0 ||
      row.whole > 1 || row.version >= catalog_->version_count() || !symbols_->has(row.where) ||
      !symbols_->has(row.policy) || !names_need(row.need, *catalog_) ||
      pending.beside.size() > PendingRecord::kMaxBeside)
    return corrupt(std::string(kDamaged));
  pending.amounts.resize(catalog_->version(row.version).definition.dimensions.size());
  for (Steps& steps : pending.amounts) steps = reader.get<Steps>();
  if (reader.failed() || out_of_range(pending.amounts)) return corrupt(std::string(kDamaged));
  return pending;
}

// Into the queues in the order of their tickets.
Status Ledger::restore_queues(std::vector<RestoredPending>& all, Transaction& log) {
  std::ranges::sort(all, {}, [](const RestoredPending& pending) { return pending.row.ticket; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    const RestoredPending& pending = all[i];
    if (i > 0 && pending.row.ticket == all[i - 1].row.ticket) return corrupt(std::string(kDamaged));
    const std::uint32_t slot = pending.row.claim;
    ClaimRow& claim = claims_.edit(log, slot);
    claim.instance = {InstanceRef::kNone,
                      waiting_.add(log, pending.row, pending.beside, pending.amounts, is_ruled(pending.row.need))};
    attach_pending(claim, slot, log);
    queue(slot, log);
  }
  return {};
}

}  // namespace apportion
