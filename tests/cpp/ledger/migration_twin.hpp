// Random worlds with several versions of a type, and what a migration must make of them: recomputed for each instance
// and claim from what was there before, in plain integers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/world.hpp"

namespace apportion {

/// Everything about an instance that a person can see, in steps.
struct SeenInstance {
  VersionId version = 0;
  std::uint64_t ordinal = 0;
  std::uint64_t granted = 0;
  std::uint32_t children = 0;
  std::uint32_t consumers = 0;
  std::uint32_t claims = 0;
  InstanceSpec said;  // without type version, fields and quantities
  std::map<std::string, Node> fields;
  std::map<std::string, std::vector<Steps>> quantities;  // capacity, reserved, ratio, limit, used
  std::map<std::string, std::pair<double, double>> readings;
  friend bool operator==(const SeenInstance&, const SeenInstance&) = default;
};

struct SeenClaim {
  std::string instance;
  std::string consumer;
  ClaimState state = ClaimState::kFree;
  std::vector<Time> times;
  std::uint64_t revision = 0;
  std::vector<ClaimId> ring;
  std::map<std::string, Steps> amounts;
  friend bool operator==(const SeenClaim&, const SeenClaim&) = default;
};

struct Seen {
  std::map<std::string, SeenInstance> instances;
  std::map<std::pair<std::uint32_t, std::uint32_t>, SeenClaim> claims;
  friend bool operator==(const Seen&, const Seen&) = default;
};

class MigrationTwin {
 public:
  explicit MigrationTwin(std::uint64_t seed) : random_(seed) {
    define();
    for (int i = 0; i < 12; ++i) put();
  }

  void change_something() {
    if (world_.catalog().version_count() < 6) define();
    for (int i = 0; i < 4; ++i) put();
    for (int i = 0; i < 10; ++i) claim();
    for (int i = 0; i < 4; ++i) end_claim();
    lower();
  }

  /// True when it was done, false when it was refused; either as foreseen.
  bool migrate_something() {
    const auto to = static_cast<VersionId>(below(world_.catalog().version_count()));
    std::vector<InstanceRef> moving;
    for (VersionId v = 0; v < world_.catalog().version_count(); ++v) {
      const InstanceTable* table = world_.inventory().table(v);
      for (std::uint32_t row = 0; v != to && table != nullptr && row < table->rows(); ++row) {
        if (table->exists(row) && below(12) == 0) moving.push_back({v, row});
      }
    }
    if (moving.empty()) return false;
    std::ranges::shuffle(moving, random_);
    const Seen before = seen();
    const std::optional<Seen> expected = foreseen(before, moving, to);
    Dropped dropped;
    const Hash128 hash = world_.hash();
    const auto payload = world_.ledger().migration_payload(moving, to, {}, world_.interner(), dropped);
    const auto replica = world_.state().fork();
    const Status status = payload ? world_.try_write(Ledger::kMigrate, *payload) : Status(payload.error());
    EXPECT_EQ(status.has_value(), expected.has_value()) << message_of(status);
    EXPECT_EQ(world_.hash(), hash);
    EXPECT_TRUE(seen() == before) << "a rollback leaves nothing";
    if (!status) return false;
    EXPECT_EQ(message_of(world_.write(Ledger::kMigrate, *payload)), "");
    EXPECT_TRUE(replica->apply({Ledger::kMigrate, 1, world_.state().revision(), world_.state().time(), *payload}));
    EXPECT_EQ(replica->hash(), world_.hash());
    if (expected) compare(*expected);
    check_largest();
    EXPECT_TRUE(World(world_.state().fork()).restored().hash() == world_.hash());
    return true;
  }

  void release_everything() {
    for (const auto& [id, held] : seen().claims) EXPECT_TRUE(world_.release({{id.first, id.second}}).has_value());
    for (const auto& [id, instance] : seen().instances) {
      EXPECT_EQ(instance.claims + instance.consumers, 0U) << id;
      for (const auto& [name, steps] : instance.quantities) EXPECT_EQ(steps.back(), 0) << id << " " << name;
    }
    EXPECT_EQ(world_.ledger().consumers().count(), 0U);
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  template <std::size_t N>
  const char* any(const char* const (&items)[N]) {
    return items[below(N)];
  }

  // A version with some of the dimensions a to d, in any order and any step, and with some fields.
  void define() {
    static constexpr const char* kSteps[] = {"1", "1", "0.5", "'1/3'", "0.3", "2", "'2/7'"};
    static constexpr const char* kTiers[] = {"'kind': 'string'", "'kind': 'enum', 'values': ['x', 'y']",
                                             "'kind': 'string', 'max_length': 1, 'default': 'd'"};
    static constexpr const char* kSizes[] = {"'kind': 'integer'", "'kind': 'number', 'max': 6", "'kind': 'string'",
                                             "'kind': 'integer', 'default': 4, 'required': true"};
    std::vector<std::string> names{"a", "b", "c", "d"};
    std::ranges::shuffle(names, random_);
    std::string json = "{'dimensions': {";
    for (std::size_t i = 0; i < 3 + below(2); ++i)
      json += std::string(i > 0 ? ", '" : "'") + names[i] + "': {'step': " + any(kSteps) + "}";
    json += "}, 'fields': {'size': {" + std::string(any(kSizes)) + "}";
    if (below(3) > 0) json += ", 'tier': {" + std::string(any(kTiers)) + "}";
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", json + "}}").has_value());
  }

  const TypeDefinition& definition(VersionId version) const { return world_.catalog().version(version).definition; }

  void put() {
    const auto version = static_cast<VersionId>(below(world_.catalog().version_count()));
    const TypeDefinition& type = definition(version);
    InstanceSpec spec;
    spec.id = "d" + std::to_string(next_++);
    spec.type = "disk";
    spec.version = world_.catalog().version(version).number;
    spec.groups = std::vector<std::string>{"g" + std::to_string(below(3))};
    spec.labels = NamedText{{"k", std::to_string(below(3))}};
    if (next_ > 5 && below(3) == 0) spec.parent = "d" + std::to_string(below(5));
    for (const DimensionDefinition& d : type.dimensions) {
      if (below(5) == 0) continue;
      spec.capacity.emplace_back(d.name, Decimal(static_cast<std::int64_t>(below(40))));
      if (below(4) == 0) spec.reserved.emplace_back(d.name, Decimal(static_cast<std::int64_t>(below(4))));
      if (below(4) == 0) spec.ratio.emplace_back(d.name, dec("1.7"));
      if (below(4) == 0) spec.usage.emplace_back(d.name, dec("2.5"));
    }
    for (const FieldDefinition& field : type.fields) {
      const bool number = field.kind == FieldKind::kInteger || field.kind == FieldKind::kNumber;
      if (below(3) == 0) continue;
      spec.fields.emplace_back(field.name, number ? Node(Decimal(static_cast<std::int64_t>(below(12) == 0 ? 9 : 5)))
                                                  : Node(below(2) == 0 ? "x" : "y"));
      if (field.name == "size" && field.maximum && *field.maximum < Decimal(9)) spec.fields.back().second = Decimal(5);
    }
    ASSERT_EQ(message_of(world_.put(spec)), "");
  }

  InstanceRef instance() {
    return world_.inventory().find("d" + std::to_string(below(static_cast<std::uint64_t>(next_))));
  }

  // Small amounts on one or two instances of one version.
  void claim() {
    const InstanceRef first = instance();
    const InstanceRef second = instance();
    std::vector<InstanceRef> refs{first};
    if (second.version == first.version && !(second == first)) refs.push_back(second);
    std::vector<Steps> steps(definition(first.version).dimensions.size());
    for (Steps& s : steps) s = below(3) == 0 ? static_cast<Steps>(below(12)) : 0;
    GrantRecord record = world_.grant("c" + std::to_string(below(6)), refs, steps);
    record.request.mark = below(3) == 0;
    if (record.request.mark) record.request.expires = static_cast<Time>(1 + below(90));
    if (below(3) == 0) record.request.ends = static_cast<Time>(1 + below(90));
    if (below(4) == 0) record.request.key = {{1 + random_(), 1}, 1};
    if (below(4) == 0) record.cursor = 3;
    static_cast<void>(world_.write(record));  // refused when it does not fit
  }

  void end_claim() {
    const auto slots = world_.ledger().slots();
    if (slots == 0) return;
    const auto slot = static_cast<std::uint32_t>(below(slots));
    if (world_.ledger().row(slot).state == ClaimState::kFree) return;
    ASSERT_TRUE(world_.release({world_.ledger().id_of(slot)}).has_value());
  }

  // A limit sinks, perhaps below what is used; a prediction comes.
  void lower() {
    const InstanceRef ref = instance();
    InstanceSpec spec;
    for (const DimensionDefinition& d : definition(ref.version).dimensions) {
      if (below(2) == 0) spec.capacity.emplace_back(d.name, Decimal(static_cast<std::int64_t>(below(6))));
    }
    ASSERT_EQ(message_of(world_.put(world_.inventory().merged(ref, spec))), "");
    const Inventory::Reading reading{ref, 0, true, 3.25};
    ASSERT_TRUE(world_.write(Inventory::kUsage, Inventory::encode_usage(std::span(&reading, 1))).has_value());
  }

  [[nodiscard]] SeenInstance see(InstanceRef ref) const {
    const InstanceTable& table = *world_.inventory().table(ref.version);
    const std::uint32_t row = ref.row;
    SeenInstance found{ref.version,
                       table.ordinal[row],
                       table.granted[row],
                       table.children[row],
                       table.consumers[row],
                       table.claims[row],
                       {},
                       {},
                       {},
                       {}};
    found.said = world_.inventory().spec_of(ref);
    for (const auto& [name, value] : found.said.fields) found.fields[name] = value;
    InstanceSpec& said = found.said;
    said.version.reset();
    for (NamedDecimals* each : {&said.capacity, &said.reserved, &said.ratio, &said.usage}) each->clear();
    said.fields.clear();
    for (std::size_t d = 0; d < table.dimensions.size(); ++d) {
      const DimensionColumns& c = table.dimensions[d];
      const std::string& name = definition(ref.version).dimensions[d].name;
      found.quantities[name] = {c.capacity[row], c.reserved[row], Steps{c.ratio[row].ppm}, c.limit[row], c.used[row]};
      // -1 for "unknown", which equals nothing.
      const auto number = [](double value) { return std::isnan(value) ? -1 : value; };
      found.readings[name] = {number(c.usage[row].value), number(c.predicted[row].value)};
    }
    return found;
  }

  [[nodiscard]] Seen seen() const {
    Seen all;
    for (int i = 0; i < next_; ++i) {
      const std::string id = "d" + std::to_string(i);
      all.instances[id] = see(world_.inventory().find(id));
    }
    const Ledger& ledger = world_.ledger();
    for (std::uint32_t slot = 0; slot < ledger.slots(); ++slot) {
      const Ledger::ClaimRow& row = ledger.row(slot);
      if (row.state == ClaimState::kFree) continue;
      SeenClaim claim{std::string(world_.inventory().id_of(row.instance)),
                      std::string(ledger.consumers().name(row.consumer)),
                      row.state,
                      {row.starts, ledger.terms(row).ends, ledger.terms(row).expires},
                      row.revision,
                      ledger.grant_of(ledger.id_of(slot)),
                      {}};
      for (std::size_t d = 0; d < row.dimensions; ++d)
        claim.amounts[definition(row.instance.version).dimensions[d].name] = ledger.amounts(row)[d];
      all.claims[{slot, row.generation}] = claim;
    }
    return all;
  }

  static const DimensionDefinition* dimension(const TypeDefinition& type, const std::string& name) {
    const auto found = std::ranges::find(type.dimensions, name, &DimensionDefinition::name);
    return found == type.dimensions.end() ? nullptr : &*found;
  }

  // The numbers here are small: plain integers do.
  static Steps converted(Steps steps, Step from, Step to, bool up) {
    const std::int64_t top = steps * from.numerator * to.denominator;
    const std::int64_t bottom = from.denominator * to.numerator;
    return (top + (up ? bottom - 1 : 0)) / bottom;
  }

  // What the field holds afterwards; none: refused. No value is a null.
  static std::optional<Node> field_after(const FieldDefinition& field, const Node& own) {
    if (own.is_null())
      return field.required && field.default_value.is_null() ? std::nullopt : std::optional(field.default_value);
    const bool numeric = field.kind == FieldKind::kInteger || field.kind == FieldKind::kNumber;
    if (numeric != (own.number() != nullptr)) return std::nullopt;
    if (field.maximum && *own.number() > *field.maximum) return std::nullopt;
    return own;  // texts here are "x", "y" and "d"
  }

  std::optional<Seen> foreseen(Seen all, const std::vector<InstanceRef>& moving, VersionId to) const {
    const TypeDefinition& type = definition(to);
    for (const InstanceRef ref : moving) {
      const std::string id(world_.inventory().id_of(ref));
      const TypeDefinition& old = definition(ref.version);
      SeenInstance& instance = all.instances[id];
      const SeenInstance before = instance;
      instance.version = to;
      instance.fields.clear();
      for (const FieldDefinition& field : type.fields) {
        const auto own = before.fields.find(field.name);
        const auto after = field_after(field, own == before.fields.end() ? Node() : own->second);
        const bool text = after && after->text() != nullptr && !field.values.empty();
        if (!after || (text && std::ranges::find(field.values, *after->text()) == field.values.end())) return {};
        instance.fields[field.name] = *after;
      }
      for (const DimensionDefinition& d : old.dimensions) {
        const std::vector<Steps>& held = before.quantities.at(d.name);
        if (dimension(type, d.name) == nullptr && (held[0] > 0 || held[4] > 0)) return {};
      }
      if (!quantities_after(all, id, before, old, type)) return {};
    }
    return all;
  }

  static bool quantities_after(Seen& all, const std::string& id, const SeenInstance& before, const TypeDefinition& old,
                               const TypeDefinition& type) {
    SeenInstance& instance = all.instances[id];
    instance.quantities.clear();
    instance.readings.clear();
    std::map<std::string, Steps> used;
    for (auto& [key, claim] : all.claims) {
      if (claim.instance != id) continue;
      const std::map<std::string, Steps> held = std::exchange(claim.amounts, {});
      for (const DimensionDefinition& d : type.dimensions) {
        const DimensionDefinition* from = dimension(old, d.name);
        const Steps steps = from == nullptr ? 0 : converted(held.at(d.name), from->step, d.step, true);
        claim.amounts[d.name] = steps;
        used[d.name] += steps;
      }
    }
    for (const DimensionDefinition& d : type.dimensions) {
      const DimensionDefinition* from = dimension(old, d.name);
      std::vector<Steps> now{0, 0, kOne, 0, used[d.name]};
      instance.readings[d.name] = from == nullptr ? std::pair(-1.0, -1.0) : before.readings.at(d.name);
      if (from != nullptr) {
        const std::vector<Steps>& held = before.quantities.at(d.name);
        now[0] = converted(held[0], from->step, d.step, false);
        now[1] = converted(held[1], from->step, d.step, true);
        now[2] = held[2];
        now[3] = now[0] <= now[1] ? 0 : (now[0] - now[1]) * now[2] / 1'000'000;
        if (now[4] > now[3] && held[4] <= held[3]) return false;
      }
      instance.quantities[d.name] = now;
    }
    return true;
  }

  // What scores are scaled by: the largest capacity of each version.
  void check_largest() const {
    for (VersionId v = 0; v < world_.catalog().version_count(); ++v) {
      const InstanceTable* table = world_.inventory().table(v);
      for (std::size_t d = 0; table != nullptr && d < table->dimensions.size(); ++d) {
        Steps largest = 0;
        std::uint64_t rows = 0;
        for (std::uint32_t row = 0; row < table->rows(); ++row) {
          const Steps capacity = table->exists(row) ? table->dimensions[d].capacity[row] : 0;
          if (capacity > largest) rows = 0;
          largest = std::max(largest, capacity);
          if (capacity == largest && capacity > 0) ++rows;
        }
        EXPECT_EQ(table->dimensions[d].largest.get().steps, largest) << v << " " << d;
        EXPECT_EQ(table->dimensions[d].largest.get().rows, rows) << v << " " << d;
      }
    }
  }

  void compare(const Seen& expected) const {
    const Seen found = seen();
    for (const auto& [id, instance] : expected.instances) {
      const SeenInstance& other = found.instances.at(id);
      EXPECT_EQ(other.version, instance.version) << id;
      EXPECT_EQ(other.quantities, instance.quantities) << id;
      EXPECT_TRUE(other.fields == instance.fields) << id;
      EXPECT_TRUE(other == instance) << id;
    }
    for (const auto& [id, claim] : expected.claims) {
      EXPECT_EQ(found.claims.at(id).amounts, claim.amounts) << id.first;
      EXPECT_TRUE(found.claims.at(id) == claim) << id.first;
    }
    EXPECT_TRUE(found == expected);
    ASSERT_FALSE(testing::Test::HasFailure());
  }

  World world_;
  std::mt19937_64 random_;
  int next_ = 0;
};

}  // namespace apportion
