// What can be asked of the ledger, its payloads, and the readable form of its changes.
#include <algorithm>

#include "apportion/ledger/ledger.hpp"

namespace apportion {
namespace {

Node claim_node(ClaimId claim) { return std::to_string(claim.slot) + "." + std::to_string(claim.generation); }

Node claims_node(std::span<const ClaimId> claims) {
  Node::List items;
  for (const ClaimId claim : claims) items.push_back(claim_node(claim));
  return items;
}

Node amounts_node(std::span<const Steps> amounts, const TypeDefinition& type) {
  Node::Map map;
  for (std::size_t d = 0; d < std::min(amounts.size(), type.dimensions.size()); ++d) {
    map.emplace_back(type.dimensions[d].name,
                     units_decimal(amounts[d] == kNamedZero ? 0 : amounts[d], type.dimensions[d].step));
  }
  return map;
}

Node request_node(const RequestRecord& request, const Catalog& catalog) {
  Node::Map map;
  if (request.version < catalog.version_count()) {
    const TypeDefinition& type = catalog.version(request.version).definition;
    map.emplace_back("type", type.name);
    map.emplace_back("amounts", amounts_node(request.amounts, type));
  }
  map.emplace_back("consumer", request.consumer);
  if (request.count != 1) map.emplace_back("count", static_cast<std::int64_t>(request.count));
  if (!request.where.empty()) map.emplace_back("where", request.where);
  if (!request.policy.empty()) map.emplace_back("policy", request.policy);
  if (request.mark) map.emplace_back("mark", true);
  return map;
}

}  // namespace

const Ledger::ClaimRow* Ledger::find(ClaimId claim) const {
  if (claim.slot >= claims_.size()) return nullptr;
  const ClaimRow& row = claims_[claim.slot];
  return row.state != ClaimState::kFree && row.generation == claim.generation ? &row : nullptr;
}

std::vector<ClaimId> Ledger::grant_of(ClaimId claim) const {
  std::vector<ClaimId> found;
  if (find(claim) == nullptr) return found;
  std::uint32_t slot = claim.slot;
  do {
    found.push_back(id_of(slot));
    slot = claims_[slot].grant_next;
  } while (slot != claim.slot);
  return found;
}

template <class Is>
std::vector<ClaimId> Ledger::claims_that(const Is& is) const {
  std::vector<ClaimId> found;
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    if (claims_[slot].state != ClaimState::kFree && is(claims_[slot])) found.push_back(id_of(slot));
  }
  return found;
}

std::vector<ClaimId> Ledger::ids_of(const std::vector<std::uint32_t>& slots) const {
  std::vector<ClaimId> ids;
  for (const std::uint32_t slot : slots) ids.push_back(id_of(slot));
  return ids;
}

std::vector<ClaimId> Ledger::claims_of_consumer(std::uint32_t slot) const {
  if (lists_.kept()) return ids_of(lists_.of_consumer(slot));
  return claims_that([slot](const ClaimRow& claim) { return claim.consumer == slot; });
}

std::vector<ClaimId> Ledger::claims_on(InstanceRef instance) const {
  if (lists_.kept()) return ids_of(lists_.on(instance));
  return claims_that([instance](const ClaimRow& claim) { return claim.instance == instance; });
}

std::vector<std::vector<ClaimId>> Ledger::claims_on(std::span<const InstanceRef> instances) const {
  std::vector<std::vector<std::uint32_t>> places(catalog_->version_count());  // by version and row: + 1
  for (std::size_t i = 0; i < instances.size(); ++i) {
    if (!instances[i].valid()) continue;
    std::vector<std::uint32_t>& rows = places[instances[i].version];
    rows.resize(std::max<std::size_t>(rows.size(), instances[i].row + std::size_t{1}));
    if (rows[instances[i].row] == 0) rows[instances[i].row] = static_cast<std::uint32_t>(i + 1);
  }
  std::vector<std::vector<ClaimId>> found(instances.size());
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    const ClaimRow& claim = claims_[slot];
    if (claim.state == ClaimState::kFree || is_pending(claim)) continue;
    const std::vector<std::uint32_t>& rows = places[claim.instance.version];
    const std::uint32_t place = claim.instance.row < rows.size() ? rows[claim.instance.row] : 0;
    if (place != 0) found[place - 1].push_back(id_of(slot));
  }
  return found;
}

// Claims that were made in the same transaction may be taken back, and then the lists know them: they go too.
void Ledger::keep_lists(Transaction& log) {
  if (lists_.kept()) return;
  ClaimLists made;
  Transaction unlogged(Transaction::Keep::kForget);
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    const ClaimRow& claim = claims_[slot];
    if (claim.state != ClaimState::kFree) made.add(unlogged, slot, claim.instance, claim.consumer);
  }
  made.keep();
  if (!log.empty()) log.on_rollback([this] { lists_.forget(); });
  lists_ = std::move(made);
}

std::uint32_t Ledger::holdings(InstanceRef instance, std::uint32_t consumer) const {
  const Holding key{instance, consumer, 1};
  const Holding* found =
      holdings_.find(key.hash(), [&](const Holding& h) { return h.instance == instance && h.consumer == consumer; });
  return found == nullptr ? 0 : found->count;
}

std::uint64_t Ledger::cursor(std::uint64_t key) const {
  const Cursor* found = cursors_.find(key, [&](const Cursor& c) { return c.key == key; });
  return found == nullptr ? 0 : found->ordinal;
}

void Ledger::number(std::span<ClaimEffect> claims) const {
  std::uint32_t free = free_.get();
  std::uint32_t fresh = slots();
  for (ClaimEffect& effect : claims) {
    effect.claim = free != 0 ? id_of(free - 1) : ClaimId{fresh++, 0};
    free = free != 0 ? claims_[free - 1].grant_next : 0;
  }
}

void Ledger::prefetch(ClaimId claim) const {
  const ClaimRow* row = find(claim);
  if (row == nullptr || is_pending(*row)) return;
  inventory_->table(row->instance.version)->room.prefetch(row->instance.row);
  inventory_->table(row->instance.version)->tally.prefetch(row->instance.row);
  heap_.prefetch(row->cells, row->width());
  consumers_.prefetch(row->consumer);
  holdings_.prefetch(Holding{row->instance, row->consumer, 1}.hash());
}

std::uint32_t Ledger::prefetch_consumer_row(std::string_view name) const {
  const std::uint32_t slot = consumers_.likely(name);
  if (slot != Consumers::kNone) consumers_.prefetch(slot);
  return slot;
}

void Ledger::prefetch(InstanceRef instance, std::uint32_t consumer) const {
  const InstanceTable& table = *inventory_->table(instance.version);
  table.room.prefetch(instance.row);
  table.tally.prefetch(instance.row);
  if (consumer != Consumers::kNone) holdings_.prefetch(Holding{instance, consumer, 1}.hash());
}

void Ledger::prefetch(const Change& change, Ahead ahead) const {
  Reader reader(change.payload);
  const auto count = reader.get<std::uint32_t>();
  if (change.kind == kRelease) {
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(count, 4); ++i) {
      const ClaimId claim{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
      ahead == Ahead::kFirst ? claims_.prefetch(claim.slot) : prefetch(claim);
    }
  } else if (change.kind == kGrant && count == 1) {
    const GrantRecord grant = decode_grant(reader);
    if (ahead == Ahead::kFirst) return consumers_.prefetch(grant.request.consumer);
    const InstanceRef instance = grant.claims.empty() ? InstanceRef{} : grant.claims.front().instance;
    if (inventory_->exists(instance)) prefetch(instance, prefetch_consumer_row(grant.request.consumer));
  }
}

std::vector<ClaimId> Ledger::due(Time now) const {
  std::vector<ClaimId> claims;
  for (const DueQueue::Entry& entry : due_.due(now)) {
    const ClaimRow* row = find(entry.claim);
    // A mark that was committed, or an entry twice: only the claim that still ends at this time counts, once.
    if (row == nullptr || due_time(*row) != entry.time) continue;
    if (claims.empty() || !(claims.back() == entry.claim)) claims.push_back(entry.claim);
  }
  return claims;
}

std::vector<DueQueue::Entry> Ledger::upcoming(std::size_t most) const {
  std::vector<DueQueue::Entry> entries = due_.first(most);
  std::erase_if(entries, [this](const DueQueue::Entry& entry) {
    const ClaimRow* row = find(entry.claim);
    return row == nullptr || due_time(*row) != entry.time;
  });
  return entries;
}

std::string Ledger::payload(std::span<const GrantRecord> grants) {
  Writer writer;
  put(writer, grants);
  return writer.take();
}

void Ledger::put(Writer& writer, std::span<const GrantRecord> grants) {
  writer.put(static_cast<std::uint32_t>(grants.size()));
  for (const GrantRecord& grant : grants) encode(writer, grant);
}

std::string Ledger::payload(std::span<const ClaimId> claims) {
  Writer writer;
  encode(writer, claims);
  return writer.take();
}

std::string Ledger::resize_payload(ClaimId claim, std::span<const Steps> amounts) {
  Writer writer;
  writer.put(claim.slot).put(claim.generation).put(static_cast<std::uint32_t>(amounts.size()));
  for (const Steps steps : amounts) writer.put(steps);
  return writer.take();
}

std::string Ledger::transfer_payload(ClaimId claim, std::string_view consumer) {
  Writer writer;
  writer.put(claim.slot).put(claim.generation).put_text(consumer);
  return writer.take();
}

std::string Ledger::move_payload(ClaimId claim, Symbol instance) {
  Writer writer;
  writer.put(claim.slot).put(claim.generation).put(instance);
  return writer.take();
}

std::string Ledger::consumer_payload(std::string_view name, Symbol kind, ListId groups,
                                     std::span<const Attribute> attributes) {
  Writer writer;
  writer.put_text(name).put(kind).put(groups);
  encode(writer, attributes);
  return writer.take();
}

// Where something else is counted by now nothing is: all is counted anew before it is wanted.
void Ledger::count(const ClaimRow& claim, int difference, Transaction& log) {
  if (affinity_counts_.kept() && affinity_counts_.holds(*catalog_, *inventory_)) {
    affinity_counts_.add(log, {claim.instance, symbols_->list(labels(claim)), claim.consumer},
                         Neighbours(*inventory_, *symbols_, *catalog_), difference);
  }
  if (quota_sums_.kept() && quota_sums_.holds(*catalog_, memberships_.get())) count_quota(claim, difference, log);
}

void Ledger::count_quota(const ClaimRow& claim, int difference, Transaction& log) {
  const std::vector<std::string_view> groups = groups_of(claim.consumer);
  if (!groups.empty()) quota_sums_.add(log, groups, {claim.instance.version, amounts(claim)}, difference);
}

std::vector<std::string_view> Ledger::groups_of(std::uint32_t consumer) const {
  std::vector<std::string_view> groups;
  if (consumer == Consumers::kNone) return groups;
  for (const Symbol group : symbols_->list(consumers_.row(consumer).groups)) groups.push_back(symbols_->text(group));
  return groups;
}

NamedText Ledger::label_texts(ListId labels) const {
  NamedText texts;
  const std::span<const Symbol> symbols = symbols_->list(labels);
  for (std::size_t i = 0; i + 1 < symbols.size(); i += 2)
    texts.emplace_back(symbols_->text(symbols[i]), symbols_->text(symbols[i + 1]));
  return texts;
}

bool Ledger::counts_hold() const {
  return affinity_counts_.holds(*catalog_, *inventory_) && quota_sums_.holds(*catalog_, memberships_.get());
}

void Ledger::keep_counts(Transaction& log) {
  if (counts_hold()) return;
  affinity_counts_.begin(log, *catalog_, *inventory_);
  quota_sums_.begin(log, *catalog_, memberships_.get());
  for (std::uint32_t slot = 0; slot < slots() && counts(); ++slot) {
    const bool holds = claims_[slot].state != ClaimState::kFree && !is_pending(claims_[slot]);
    if (holds) count(claims_[slot], 1, log);
  }
}

std::size_t Ledger::claim_bytes() const {
  return claims_.bytes() + heap_.bytes() + holdings_.bytes() + keys_.bytes() + due_.bytes() + cursors_.bytes() +
         lists_.bytes() + affinity_counts_.bytes() + waiting_.bytes();
}

Node Ledger::describe(const Change& change) const {
  static constexpr std::string_view kClasses[] = {"",         "never",        "not_now", "fragmented",
                                                  "conflict", "search_bound", "quota"};
  Reader reader(change.payload);
  switch (change.kind) {
    case kGrant: {
      Node::List grants;
      for (std::uint32_t left = reader.get_count(16); left > 0 && !reader.failed(); --left) {
        const GrantRecord grant = decode_grant(reader);
        Node::List effects;
        for (const ClaimEffect& effect : grant.claims) {
          // A migration may have moved the instance to another row since; its claims know where.
          const ClaimRow* live = find(effect.claim);
          const InstanceRef instance = live == nullptr ? effect.instance : live->instance;
          const bool exists = inventory_->exists(instance);
          Node::Map map{{"claim", claim_node(effect.claim)},
                        {"instance", exists ? std::string(inventory_->id_of(instance)) : std::string()}};
          if (effect.pending != PendingRecord::kNone) map.emplace_back("pending", true);
          if (effect.role != 0 && symbols_->has(effect.role))
            map.emplace_back("role", std::string(symbols_->text(effect.role)));
          effects.emplace_back(std::move(map));
        }
        grants.emplace_back(
            Node::Map{{"request", request_node(grant.request, *catalog_)}, {"claims", std::move(effects)}});
      }
      return Node::Map{{"grants", std::move(grants)}};
    }
    case kDenied: {
      const DenialRecord denial = decode_denial(reader);
      const auto denial_class = static_cast<std::size_t>(denial.denial_class);
      return Node::Map{{"request", request_node(denial.request, *catalog_)},
                       {"class", denial_class < std::size(kClasses) ? kClasses[denial_class] : ""}};
    }
    case kCommit:
      return Node::Map{{"commit", claims_node(decode_claims(reader))}};
    case kRelease:
      return Node::Map{{"release", claims_node(decode_claims(reader))}};
    case kExpire:
      return Node::Map{{"expire", claims_node(decode_claims(reader))}};
    case kResize:
    case kTransfer: {
      const ClaimId claim{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
      if (change.kind == kTransfer) return Node::Map{{"transfer", claim_node(claim)}, {"consumer", reader.get_text()}};
      return Node::Map{{"resize", claim_node(claim)}};
    }
    case kMove: {
      const ClaimId claim{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
      const auto instance = reader.get<Symbol>();
      return Node::Map{{"move", claim_node(claim)},
                       {"instance", symbols_->has(instance) ? std::string(symbols_->text(instance)) : std::string()}};
    }
    case kActivate: {
      const ClaimId claim{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
      const InstanceRef to{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
      return Node::Map{{"activate", claim_node(claim)},
                       {"instance", inventory_->exists(to) ? std::string(inventory_->id_of(to)) : std::string()}};
    }
    case kMiss: {
      const std::vector<ClaimId> missed = decode_claims(reader);
      return Node::Map{{"miss", claims_node(missed)}, {"released", claims_node(decode_claims(reader))}};
    }
    case kExtend: {
      const ClaimId claim{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
      return Node::Map{{"extend", claim_node(claim)}, {"deadline", reader.get<Time>()}};
    }
    case kWithdraw: {
      std::string reason(reader.get_text());
      return Node::Map{{"withdraw", claims_node(decode_claims(reader))}, {"reason", std::move(reason)}};
    }
    case kConsumer:
      return Node::Map{{"consumer", reader.get_text()}};
    case kConsumerGone:
      return Node::Map{{"consumer_gone", reader.get_text()}};
    case kMigrate:
      return describe_migration(reader);
    default:
      return {};
  }
}

}  // namespace apportion
