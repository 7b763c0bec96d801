// Hostile changes against the state of a small pool. Nothing may crash; a change that is refused leaves the hash, one
// that is accepted can be described, rolled back and survives a snapshot.
//
// The first byte chooses how the rest becomes changes: as frames, or as kind, length and payload one after the other,
// which are given the numbers that follow so that hostile payloads are reached without guessing checksums.

#include "small_pool.hpp"

namespace apportion {
namespace {

const State& base() {
  static const std::unique_ptr<State> state = [] {
    auto made = four_sections();
    require(made->restore(small_pool()->snapshot()).has_value());
    return made;
  }();
  return *state;
}

void apply(State& state, Change change) {
  const Hash128 before = state.hash();
  const Revision revision = state.revision();
  {
    Transaction log;
    static_cast<void>(state.apply(change, log));
    log.rollback();
    require(state.hash() == before && state.revision() == revision);
  }
  if (state.apply(change).has_error()) {
    require(state.hash() == before && state.revision() == revision);
    return;
  }
  require(state.revision() == change.revision);
  static_cast<void>(to_json(state.section_of(change.kind)->describe(change)));
}

void apply_frames(State& state, std::string_view bytes) {
  while (!bytes.empty()) {
    const Result<Change> change = decode_change(bytes);
    if (!change) return;
    apply(state, *change);
  }
}

void apply_payloads(State& state, std::string_view bytes) {
  while (bytes.size() >= 4) {
    Reader reader(bytes.substr(0, 4));
    const auto kind = reader.get<Kind>();
    const std::size_t size = std::min<std::size_t>(reader.get<std::uint16_t>(), bytes.size() - 4);
    Revision next = state.revision();
    ++next.number;
    apply(state, {kind, 1, next, state.time() + 1, bytes.substr(4, size)});
    bytes.remove_prefix(4 + size);
  }
}

void run(std::string_view bytes) {
  const std::unique_ptr<State> state = base().fork();
  bytes.front() % 2 == 0 ? apply_frames(*state, bytes.substr(1)) : apply_payloads(*state, bytes.substr(1));
  const auto copy = four_sections();
  require(copy->restore(state->snapshot()).has_value());
  require(copy->hash() == state->hash());
}

std::string seed(const std::vector<std::pair<Kind, std::string>>& changes) {
  Writer writer;
  writer.put(std::uint8_t{1});
  std::string bytes = writer.take();
  for (const auto& [kind, payload] : changes) {
    Writer head;
    head.put(kind).put(static_cast<std::uint16_t>(payload.size()));
    bytes.append(head.bytes()).append(payload);
  }
  return bytes;
}

std::string grant_payload(const Ledger& ledger, const Inventory& inventory) {
  GrantRecord record;
  record.request.consumer = "dave";
  record.request.amounts = {2, 1};
  record.request.key = {{1, 2}, 3};
  record.cursor = 5;
  record.claims = {{inventory.find("d1"), {}, {2, 1}}};
  ledger.number(record.claims);
  return Ledger::payload(std::span(&record, 1));
}

// The small pool's disk with other steps.
Node next_disk() {
  Node disk = to_node(base().section<Catalog>(kCatalogArea).find_type("disk")->definition);
  for (Node::Member& member : *disk.map()) {
    if (member.first == "dimensions")
      member.second = map_of({{"gb", map_of({{"step", Decimal::parse("0.25").value()}})}, {"iops", map_of({})}});
  }
  return disk;
}

std::vector<std::pair<std::string, std::string>> seeds() {
  const auto& ledger = base().section<Ledger>(kLedgerArea);
  const auto& inventory = base().section<Inventory>(kInventoryArea);
  const auto& symbols = base().section<Symbols>(kSymbolsArea);
  const std::vector<ClaimId> first{ledger.id_of(1)};
  const std::vector<ClaimId> mark{ledger.due(1000).front()};
  const Interner known{[&](std::string_view text) { return symbols.find(text); },
                       [&](std::span<const Symbol> items) { return symbols.find_list(items).value_or(0); }};
  const std::string put = inventory.encode(inventory.spec_of(inventory.find("d2")), known).value();
  Dropped dropped;
  const InstanceRef moving[] = {inventory.find("d1"), inventory.find("d2")};
  // To the next version, which the change before it makes: the same columns under another number.
  std::string moved = ledger.migration_payload(moving, moving[0].version, {}, known, dropped).value();
  Writer next;
  next.put(static_cast<VersionId>(base().section<Catalog>(kCatalogArea).version_count()));
  moved.replace(0, next.bytes().size(), next.bytes());
  Writer text;
  text.put(std::uint32_t{1}).put_text("new");
  Writer id;
  id.put(symbols.find("d2"));
  Writer gone;
  gone.put_text("alice");
  const Inventory::Reading reading{inventory.find("d1"), 0, false, 1.5};
  std::string frames(1, '\0');
  encode_change({Symbols::kDefineText, 1, {0, 0, base().revision().number + 1}, base().time(), text.bytes()}, frames);
  return {
      {"frame", frames},
      {"grant", seed({{Ledger::kGrant, grant_payload(ledger, inventory)}})},
      {"commit", seed({{Ledger::kCommit, Ledger::payload(mark)}, {Ledger::kRelease, Ledger::payload(mark)}})},
      {"expire", seed({{Ledger::kExpire, Ledger::payload(first)}})},
      {"resize", seed({{Ledger::kResize, Ledger::resize_payload(first[0], std::vector<Steps>{3, 1})}})},
      {"move", seed({{Ledger::kMove, Ledger::move_payload(first[0], symbols.find("d2"))}})},
      {"transfer", seed({{Ledger::kTransfer, Ledger::transfer_payload(first[0], "erin")}})},
      {"consumer",
       seed({{Ledger::kConsumer, Ledger::consumer_payload("erin", 1, ListId{}, std::vector<Attribute>{{1, true, 2}})},
             {Ledger::kConsumerGone, std::string(gone.bytes())}})},
      {"put", seed({{Inventory::kPut, put}, {Inventory::kRemove, std::string(id.bytes())}})},
      {"migrate", seed({{Catalog::kDefineType, Catalog::payload("disk", next_disk())}, {Ledger::kMigrate, moved}})},
      {"usage", seed({{Inventory::kUsage, Inventory::encode_usage(std::span(&reading, 1))}})},
      {"define", seed({{Symbols::kDefineText, std::string(text.bytes())},
                       {Catalog::kDefineType, Catalog::payload("disk", Node(Node::Map{}))},
                       {Catalog::kDefinePolicy, Catalog::payload("p", Node(Node::Map{{"score", "1"}}))}})}};
}

}  // namespace
}  // namespace apportion

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  apportion::write_seeds(*argc, *argv, apportion::seeds());
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) apportion::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
