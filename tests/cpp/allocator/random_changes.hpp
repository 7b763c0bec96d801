// Random changes of every kind for a state, most of them good, some refused: for the law of undo, and as seeds.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/world.hpp"

namespace apportion {

class RandomChanges {
 public:
  using Made = std::pair<Kind, std::string>;

  RandomChanges(const World& world, std::uint64_t seed) : world_(world), random_(seed) {}

  static std::vector<Kind> kinds() {
    return {Symbols::kDefineText,
            Symbols::kDefineList,
            Catalog::kDefineType,
            Catalog::kDefinePolicy,
            Catalog::kDefineConsumerKind,
            Catalog::kDefineRelationship,
            Inventory::kPut,
            Inventory::kRemove,
            Inventory::kUsage,
            Inventory::kMaintain,
            Inventory::kService,
            Ledger::kGrant,
            Ledger::kCommit,
            Ledger::kRelease,
            Ledger::kExpire,
            Ledger::kResize,
            Ledger::kTransfer,
            Ledger::kMove,
            Ledger::kDenied,
            Ledger::kConsumer,
            Ledger::kConsumerGone,
            Ledger::kMigrate,
            Ledger::kActivate,
            Ledger::kMiss,
            Ledger::kExtend,
            Ledger::kWithdraw};
  }

  Made next() {
    const std::vector<Kind> all = kinds();
    // Texts and types first: everything else refers to them.
    if (symbols().count() < 30) return {Symbols::kDefineText, texts()};
    if (catalog().version_count() == 0) return {Catalog::kDefineType, Catalog::payload("disk", type())};
    const std::uint64_t what = random_() % 47;
    if (what == 46) return make(Ledger::kActivate);
    // More of what makes room for more.
    static constexpr Kind kMore[] = {Ledger::kGrant,   Inventory::kPut,    Ledger::kGrant,  Ledger::kRelease,
                                     Ledger::kRelease, Inventory::kRemove, Inventory::kPut, Ledger::kRelease};
    return make(what < all.size() ? all[what] : kMore[what % std::size(kMore)]);
  }

 private:
  [[nodiscard]] const Symbols& symbols() const { return world_.symbols(); }
  [[nodiscard]] const Catalog& catalog() const { return world_.catalog(); }
  [[nodiscard]] const Inventory& inventory() const { return world_.inventory(); }
  [[nodiscard]] const Ledger& ledger() const { return world_.ledger(); }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  Symbol symbol() { return static_cast<Symbol>(below(symbols().count() + (below(50) == 0 ? 2 : 0))); }

  Made make(Kind kind) {
    switch (kind) {
      case Symbols::kDefineText:
        return {kind, texts()};
      case Symbols::kDefineList: {
        Writer writer;
        const auto count = static_cast<std::uint32_t>(2 * (1 + below(2)));
        writer.put(count);
        for (std::uint32_t i = 0; i < count; ++i) writer.put(symbol());
        return {kind, writer.take()};
      }
      case Catalog::kDefineType:
        return {kind, Catalog::payload("disk", type())};
      case Catalog::kDefinePolicy:
        return {kind, Catalog::payload("p" + std::to_string(below(3)),
                                       tree("{'score': '" + std::to_string(below(9)) + "'}"))};
      case Catalog::kDefineConsumerKind:
        return {kind, Catalog::payload("k" + std::to_string(below(3)),
                                       tree("{'description': 'd" + std::to_string(below(9)) + "'}"))};
      case Catalog::kDefineRelationship:
        return {kind,
                Catalog::payload("r" + std::to_string(below(3)), tree("{'from': 'disk', 'to': 'disk', 'many': true}"))};
      default:
        return area_of(kind) == kInventoryArea ? make_inventory(kind) : make_ledger(kind);
    }
  }

  std::string texts() {
    Writer writer;
    writer.put(std::uint32_t{1}).put_text("t" + std::to_string(below(5000)));
    return writer.take();
  }

  // Few layouts, so that versions stay few.
  Node type() {
    std::string json = "{'dimensions': {'gb': {}, 'iops': {}}, 'fields': {'tier': {'kind': 'string'}}, 'policy': '";
    json += below(2) == 0 ? "first'" : "last', 'deferrable': {'patience_s': 2}";
    if (catalog().version_count() < 4 && below(3) == 0)
      json += ", 'state': {'s" + std::to_string(catalog().version_count()) + "': {'kind': 'boolean'}}";
    return tree(json + "}");
  }

  // An instance that exists, mostly.
  InstanceRef instance() {
    std::vector<InstanceRef> found;
    for (VersionId version = 0; version < catalog().version_count(); ++version) {
      const InstanceTable* table = inventory().table(version);
      for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
        if (table->exists(row)) found.push_back({version, row});
      }
    }
    if (found.empty() || below(40) == 0) return {0, 3};
    return found[below(found.size())];
  }
  Symbol instance_id() {
    const InstanceRef ref = instance();
    return inventory().exists(ref) ? inventory().table(ref.version)->id[ref.row] : symbol();
  }
  ClaimId claim(std::optional<ClaimState> state = std::nullopt) {
    std::vector<ClaimId> found;
    for (std::uint32_t slot = 0; slot < ledger().slots(); ++slot) {
      const ClaimState held = ledger().row(slot).state;
      if (held != ClaimState::kFree && held == state.value_or(held)) found.push_back(ledger().id_of(slot));
    }
    if (found.empty() || below(30) == 0) return {1, 999};
    return found[below(found.size())];
  }

  Made make_inventory(Kind kind) {
    if (kind == Inventory::kUsage) {
      const Inventory::Reading readings[] = {{instance(), 0, below(2) == 0, static_cast<double>(below(9))},
                                             {instance(), 1, false, Number{}.value}};
      return {kind, Inventory::encode_usage(readings)};
    }
    if (kind == Inventory::kMaintain) {
      std::vector<MaintenanceWindow> windows(below(3));
      for (MaintenanceWindow& window : windows)
        window = {symbol(), below(2) == 0, static_cast<Time>(below(99)), static_cast<Time>(50 + below(99))};
      return {kind, Maintenance::payload(symbol(), windows)};
    }
    if (kind == Inventory::kService) {
      const Inventory::ServiceChange changes[] = {{instance(), {static_cast<Time>(below(3)), below(2)}},
                                                  {instance(), {}}};
      return {kind, Inventory::encode_service(changes)};
    }
    if (kind == Inventory::kRemove) {
      const InstanceRef ref = instance();
      Writer writer;
      writer.put(inventory().exists(ref) ? inventory().table(ref.version)->id[ref.row] : symbol());
      return {kind, writer.take()};
    }
    InstanceSpec spec;
    spec.id = symbols().text(static_cast<Symbol>(1 + below(25)));
    spec.type = "disk";
    if (const InstanceRef held = inventory().find(spec.id); held.valid()) spec = inventory().spec_of(held);
    spec.location = std::string(symbols().text(symbol()));
    spec.capacity = {{"gb", Decimal(static_cast<std::int64_t>(below(60)))}, {"iops", Decimal(9)}};
    spec.fields = {{"tier", Node(symbols().text(static_cast<Symbol>(1 + below(9))))}};
    if (below(4) == 0) spec.parent = std::string(symbols().text(static_cast<Symbol>(1 + below(25))));
    if (below(6) == 0 && catalog().find_relationship("r0") != nullptr) spec.relationships = {{"r0", {spec.id}}};
    const Result<std::string> payload = inventory().encode(spec, known());
    return {kind, payload ? *payload : std::string("damaged")};
  }

  // Numbers of texts and lists that are known already.
  [[nodiscard]] Interner known() const {
    return {[this](std::string_view text) { return symbols().find(text); },
            [this](std::span<const Symbol> items) { return symbols().find_list(items).value_or(0); }};
  }

  // One or two instances, perhaps the same or of that version already.
  std::string migration() {
    const auto to = static_cast<VersionId>(below(catalog().version_count()));
    std::vector<InstanceRef> instances{instance()};
    if (below(2) == 0) instances.push_back(instance());
    std::erase_if(instances, [&](InstanceRef ref) { return !inventory().exists(ref); });
    Dropped dropped;
    const Result<std::string> payload = ledger().migration_payload(instances, to, {}, known(), dropped);
    return payload ? *payload : std::string("damaged");
  }

  Made make_ledger(Kind kind) {
    const std::string consumer = "c" + std::to_string(below(8));
    switch (kind) {
      case Ledger::kGrant:
        return {kind, grant(consumer)};
      case Ledger::kResize:
        return {kind, Ledger::resize_payload(claim(), std::vector<Steps>{static_cast<Steps>(below(9)), 0})};
      case Ledger::kTransfer:
        return {kind, Ledger::transfer_payload(claim(), consumer)};
      case Ledger::kMove:
        return {kind, Ledger::move_payload(claim(), instance_id())};
      case Ledger::kMigrate:
        return {kind, migration()};
      case Ledger::kActivate:
        return {kind, Ledger::activate_payload(claim(ClaimState::kPending), instance(),
                                               std::vector<Steps>{static_cast<Steps>(below(2)), 0})};
      case Ledger::kMiss:
        return {kind, Ledger::miss_payload(std::vector{claim(ClaimState::kPending)},
                                           std::vector<ClaimId>(below(2), claim(ClaimState::kClaim)))};
      case Ledger::kExtend:
        return {kind, Ledger::extend_payload(claim(ClaimState::kPending), static_cast<Time>(1 + below(99)))};
      case Ledger::kWithdraw:
        return {kind, Ledger::withdraw_payload("offline", std::vector{claim(ClaimState::kMark)})};
      case Ledger::kDenied: {
        Writer writer;
        encode(writer, DenialRecord{world_.grant(consumer, {}, {1, 1}).request, DenialClass::kNotNow});
        return {kind, writer.take()};
      }
      case Ledger::kConsumer: {
        const std::vector<Attribute> attributes(below(4), Attribute{symbol(), true, static_cast<double>(symbol())});
        return {kind, Ledger::consumer_payload(below(2) == 0 ? consumer : idle(), symbol(),
                                               static_cast<ListId>(below(3)), attributes)};
      }
      case Ledger::kConsumerGone: {
        Writer writer;
        writer.put_text(below(4) == 0 ? consumer : idle());
        return {kind, writer.take()};
      }
      default: {
        std::vector<ClaimId> claims{claim()};
        if (below(3) == 0) claims.push_back(claim());
        return {kind, Ledger::payload(claims)};
      }
    }
  }

  // Of consumers that claim nothing.
  std::string idle() { return "idle" + std::to_string(below(3)); }

  std::string grant(const std::string& consumer) {
    std::vector<InstanceRef> instances;
    for (std::uint64_t i = 1 + below(3); i > 0; --i) instances.push_back(instance());
    GrantRecord record =
        world_.grant(consumer, instances, {static_cast<Steps>(below(9)), static_cast<Steps>(below(3))});
    record.request.mark = below(2) == 0;
    if (below(2) == 0) record.request.expires = static_cast<Time>(1 + below(99));
    if (below(3) == 0) record.request.ends = static_cast<Time>(1 + below(99));
    if (below(3) == 0) record.cursor = 1 + below(5);
    if (below(3) == 0) record.request.key = {{1 + below(50), 1}, 1};
    if (below(3) == 0) add_pending(record);
    return Ledger::payload(std::span(&record, 1));
  }

  void add_pending(GrantRecord& record) {
    for (ClaimEffect& effect : record.claims) {
      if (below(2) == 0) continue;
      effect.instance = {};
      effect.pending = static_cast<std::uint32_t>(record.pending.size());
      PendingRecord pending;
      pending.version = static_cast<VersionId>(below(catalog().version_count()));
      pending.where = below(2) == 0 ? 0 : symbol();
      pending.apart = below(3) == 0;
      pending.whole = below(3) == 0;
      pending.patience = static_cast<Time>(1 + below(99));
      pending.expected = static_cast<Time>(below(99));
      if (below(2) == 0) pending.beside = {static_cast<std::uint32_t>(below(record.claims.size()))};
      record.pending.push_back(pending);
    }
  }

  const World& world_;
  std::mt19937_64 random_;
};

}  // namespace apportion
