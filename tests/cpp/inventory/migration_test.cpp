#include "apportion/inventory/migration.hpp"

#include <gtest/gtest.h>

#include "support/world.hpp"

namespace apportion {
namespace {

constexpr const char* kOld = R"({
  'dimensions': {'gb': {}, 'iops': {'step': 2}},
  'fields': {'name': {'kind': 'string'}, 'size': {'kind': 'integer'}, 'made': {'kind': 'timestamp'},
             'rack': {'kind': 'string'}, 'tags': {'kind': 'list'}},
  'state': {'health': {'kind': 'enum', 'values': ['ok', 'worn'], 'default': 'ok', 'allow': ['ok']}}})";

class InventoryMigration : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineRelationship, "twin", "{'from': 'disk', 'to': 'disk'}").has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", kOld).has_value());
    top_ = world_.put_tree("{'id': 'top', 'type': 'disk'}");
    d1_ = world_.put_tree(R"({'id': 'd1', 'type': 'disk', 'address': 'a', 'location': 'l', 'parent': 'top',
      'labels': {'k': 'v'}, 'groups': ['g', 'h'], 'policy': 'last', 'relationships': {'twin': 'top'},
      'fields': {'name': 'vol', 'size': 7, 'made': '2026-01-01T00:00:00Z', 'rack': 'r1', 'tags': ['x']},
      'state': {'status': 'draining', 'health': 'worn'}, 'capacity': {'gb': 11, 'iops': 9}, 'reserved': {'gb': 3},
      'ratio': {'gb': 1.5}, 'usage': {'gb': 2.5}})");
    world_.put_tree("{'id': 'child', 'type': 'disk', 'parent': 'd1'}");
  }
  void TearDown() override { world_.restored(); }

  // The next version of the type.
  VersionId next(std::string_view json) {
    const Status status = world_.define(Catalog::kDefineType, "disk", json);
    if (status.has_error()) ADD_FAILURE() << status.error().text();
    return static_cast<VersionId>(world_.catalog().version_count() - 1);
  }
  Result<std::string> encode(VersionId to, const MigrationValues& values = {}) {
    dropped_.clear();
    return world_.inventory().encode_migrated(d1_, to, values, world_.interner(), dropped_);
  }
  Result<InstanceRef> move(InstanceRef from, VersionId to, std::string_view bytes) {
    Transaction log;
    Reader reader(bytes);
    Result<InstanceRef> moved = world_.inventory().migrate(from, to, reader, log);
    if (moved) world_.inventory().settle(from.version, log);
    moved ? log.commit() : log.rollback();
    return moved;
  }
  /// What d1 says after it was moved.
  InstanceSpec moved(VersionId to, const MigrationValues& values = {}) {
    const Result<std::string> bytes = encode(to, values);
    if (!bytes) ADD_FAILURE() << bytes.error().text();
    const Result<InstanceRef> ref = move(d1_, to, bytes.value());
    if (!ref) ADD_FAILURE() << ref.error().text();
    return world_.inventory().spec_of(ref.value());
  }

  World world_;
  InstanceRef top_;
  InstanceRef d1_;
  Dropped dropped_;
};

template <class Pairs>
auto value_in(const Pairs& pairs, std::string_view name) {
  for (const auto& pair : pairs) {
    if (pair.first == name) return pair.second;
  }
  throw std::runtime_error("no " + std::string(name));
}

TEST_F(InventoryMigration, WhatIsNoMatterOfTheVersionStays) {
  const VersionId to = next("{'dimensions': {'iops': {'step': 2}, 'gb': {'step': 0.5}}}");
  const InstanceTable& old = *world_.inventory().table(0);
  const std::uint64_t ordinal = old.ordinal[d1_.row];
  const InstanceSpec before = world_.inventory().spec_of(d1_);
  const InstanceSpec after = moved(to);
  EXPECT_EQ(after.id, "d1");
  EXPECT_EQ(after.version, 2U);
  EXPECT_EQ(after.address, before.address);
  EXPECT_EQ(after.location, before.location);
  EXPECT_EQ(after.parent, "top");
  EXPECT_EQ(after.labels, before.labels);
  EXPECT_EQ(after.groups, before.groups);
  EXPECT_EQ(after.policy, "last");
  EXPECT_EQ(after.relationships, before.relationships);
  EXPECT_EQ(value_in(after.capacity, "gb"), dec("11"));
  EXPECT_EQ(value_in(after.reserved, "gb"), dec("3"));
  EXPECT_EQ(value_in(after.ratio, "gb"), dec("1.5"));
  EXPECT_EQ(value_in(after.usage, "gb"), dec("2.5"));
  const InstanceRef ref = world_.inventory().find("d1");
  EXPECT_EQ(ref, (InstanceRef{to, 0}));
  const InstanceTable& table = *world_.inventory().table(to);
  EXPECT_EQ(table.ordinal[ref.row], ordinal);
  EXPECT_EQ(table.children[ref.row], 1U);
  EXPECT_EQ(old.children[top_.row], 1U) << "d1 is its child once";
  EXPECT_EQ(table.dimensions[1].limit[ref.row], 24);  // (22 - 6) x 1.5
  EXPECT_FALSE(old.exists(d1_.row));
  EXPECT_EQ(old.children[d1_.row], 0U);
  EXPECT_EQ(old.dimensions[0].largest.get().steps, 0) << "nothing of it is left there";
  EXPECT_EQ(world_.inventory().scale(to, 1), 22) << "11 GB in steps of 0.5";
}

TEST_F(InventoryMigration, TheOldRowIsUsedAgain) {
  const VersionId to = next("{'dimensions': {'gb': {}, 'iops': {'step': 2}}}");
  moved(to);
  EXPECT_EQ(world_.put_tree("{'id': 'e', 'type': 'disk', 'version': 1}"), d1_);
  const InstanceSpec spec = world_.inventory().spec_of(d1_);
  EXPECT_EQ(spec.groups, std::vector<std::string>{}) << "and inherits nothing";
  EXPECT_EQ(value_in(spec.capacity, "gb"), dec("0"));
}

TEST_F(InventoryMigration, CapacityGoesDownAndReservedUp) {
  const VersionId to = next("{'dimensions': {'gb': {'step': 2}, 'iops': {'step': 5}}}");
  const InstanceSpec after = moved(to);
  EXPECT_EQ(value_in(after.capacity, "gb"), dec("10"));   // 11 down
  EXPECT_EQ(value_in(after.reserved, "gb"), dec("4"));    // 3 up
  EXPECT_EQ(value_in(after.capacity, "iops"), dec("5"));  // 9 was 8 in steps of 2; 8 down
}

TEST_F(InventoryMigration, KeepsWhatTheNewVersionAccepts) {
  const VersionId to = next(R"({'dimensions': {'gb': {}, 'iops': {}},
    'fields': {'size': {'kind': 'number', 'max': 10}, 'name': {'kind': 'enum', 'values': ['vol', 'set']},
               'made': {'kind': 'timestamp'}, 'tags': {'kind': 'list', 'max_length': 1},
               'watts': {'kind': 'integer', 'default': 5}, 'note': {'kind': 'string'}},
    'state': {'health': {'kind': 'enum', 'values': ['new', 'worn'], 'default': 'new', 'allow': ['new']}}})");
  const NamedNodes before = world_.inventory().spec_of(d1_).fields;
  const InstanceSpec after = moved(to, {{}, {{"size", Node(Decimal(3))}, {"note", Node("given")}}, {}});
  EXPECT_EQ(value_in(after.fields, "size"), Node(Decimal(7))) << "its own value comes before the given one";
  EXPECT_EQ(value_in(after.fields, "name"), Node("vol"));
  EXPECT_EQ(value_in(after.fields, "made"), value_in(before, "made"));
  EXPECT_EQ(value_in(after.fields, "tags"), Node(Node::List{Node("x")}));
  EXPECT_EQ(value_in(after.fields, "watts"), Node(Decimal(5))) << "the default";
  EXPECT_EQ(value_in(after.fields, "note"), Node("given"));
  EXPECT_EQ(value_in(after.state, "status"), Node("draining"));
  EXPECT_EQ(value_in(after.state, "health"), Node("worn"));
  EXPECT_EQ(dropped_, (Dropped{{"fields.rack", 1}}));
}

TEST_F(InventoryMigration, CountsWhatFindsNoPlace) {
  const VersionId to = next("{'dimensions': {'gb': {}, 'iops': {}}, 'fields': {'name': {'kind': 'string'}}}");
  moved(to);
  const Dropped all{
      {"fields.made", 1}, {"fields.rack", 1}, {"fields.size", 1}, {"fields.tags", 1}, {"state.health", 1}};
  EXPECT_EQ(dropped_, all);
}

struct Refusal {
  const char* version;
  MigrationValues values;
  const char* message;  // "": taken
};

TEST_F(InventoryMigration, RefusesWhatTheNewVersionDoesNotTake) {
  const Refusal rows[] = {
      {"{'fields': {'size': {'kind': 'integer', 'max': 6}}}",
       {},
       "fields.size: the new version does not take what is there: 7 is above the largest allowed value, 6; give a "
       "value "
       "for it, or change it first"},
      {"{'fields': {'size': {'kind': 'integer', 'max': 6}}}", {{}, {{"size", Node(Decimal(6))}}, {}}, ""},
      {"{'fields': {'size': {'kind': 'string'}}}", {}, "expected text, found the number 7"},
      {"{'fields': {'name': {'kind': 'string', 'max_length': 2}}}", {}, "fields.name: the new version does not take"},
      {"{'fields': {'name': {'kind': 'string', 'pattern': '[0-9]+'}}}", {}, "does not match the pattern"},
      {"{'fields': {'name': {'kind': 'enum', 'values': ['set']}}}", {}, "expected set, found text 'vol'"},
      {"{'fields': {'tags': {'kind': 'string'}}}", {}, "fields.tags"},
      {"{'fields': {'media': {'kind': 'string', 'required': true}}}",
       {},
       "fields: the required field 'media' has no value"},
      {"{'fields': {'media': {'kind': 'string', 'required': true}}}", {{}, {{"media", Node("ssd")}}, {}}, ""},
      {"{'state': {'health': {'kind': 'enum', 'values': ['ok'], 'default': 'ok', 'allow': ['ok']}}}",
       {},
       "state.health: the new version does not take"},
      {"{'state': {'health': {'kind': 'enum', 'values': ['ok'], 'default': 'ok', 'allow': ['ok']}}}",
       {{{"health", Node("ok")}}, {}, {}},
       ""},
      {"{'dimensions': {'gb': {'step': '1/1000000000000'}}}", {}, ""},  // 11 x 10^12 < 2^53
  };
  for (const Refusal& row : rows) {
    const VersionId to = next(row.version);
    const Result<std::string> bytes = encode(to, row.values);
    const std::string found = bytes ? "" : bytes.error().text();
    EXPECT_EQ(found.empty(), *row.message == 0) << row.version << ": " << found;
    EXPECT_NE(found.find(row.message), std::string::npos) << row.version << ": " << found;
  }
}

TEST_F(InventoryMigration, RefusesQuantitiesThatAreTooManySteps) {
  InstanceSpec spec;
  spec.capacity = {{"gb", dec("9008")}};
  ASSERT_TRUE(world_.put(world_.inventory().merged(d1_, spec)).has_value());
  const Result<std::string> bytes = encode(next("{'dimensions': {'gb': {'step': '1/1000000000000'}}}"));
  ASSERT_TRUE(bytes.has_error());
  EXPECT_EQ(bytes.error().code, ErrorCode::kOverflow);
  EXPECT_EQ(bytes.error().place, "capacity.gb");
}

TEST_F(InventoryMigration, NewDimensionsStartWithWhatIsGiven) {
  const VersionId to = next("{'dimensions': {'gb': {}, 'iops': {}, 'lanes': {'step': 4}, 'u': {}}}");
  const InstanceSpec after = moved(to, {{}, {}, {{"lanes", dec("11")}, {"gb", dec("99")}}});
  EXPECT_EQ(value_in(after.capacity, "lanes"), dec("8"));
  EXPECT_EQ(value_in(after.capacity, "u"), dec("0"));
  EXPECT_EQ(value_in(after.capacity, "gb"), dec("11")) << "it has its own";
}

TEST_F(InventoryMigration, ChecksWhatIsGiven) {
  const TypeDefinition& type = world_.catalog().version(0).definition;
  EXPECT_EQ(message_of(check({{{"health", Node("ok")}}, {{"name", Node("x")}}, {{"gb", dec("1")}}}, type)), "");
  const struct {
    MigrationValues values;
    const char* text;
  } rows[] = {
      {{{}, {{"nme", Node("x")}}, {}}, "fields: there is no field 'nme'; did you mean 'name'?"},
      {{{}, {{"name", Node(Decimal(1))}}, {}}, "fields.name: expected text, found the number 1"},
      {{{{"healt", Node("ok")}}, {}, {}}, "state: there is no state field 'healt'; did you mean 'health'?"},
      {{{{"health", Node("bad")}}, {}, {}}, "state.health: expected"},
      {{{}, {}, {{"tb", dec("1")}}}, "capacity: there is no dimension 'tb'"},
      {{{}, {}, {{"gb", dec("-1")}}}, "capacity.gb: -1 is negative"},
  };
  for (const auto& row : rows) {
    const Status status = check(row.values, type);
    ASSERT_TRUE(status.has_error()) << row.text;
    EXPECT_NE(status.error().text().find(row.text), std::string::npos) << status.error().text();
  }
}

TEST_F(InventoryMigration, RefusesDamagedRows) {
  const VersionId to = next("{'dimensions': {'gb': {}, 'iops': {}}, 'fields': {'name': {'kind': 'string'}}}");
  const std::string good = encode(to).value();
  const Hash128 hash = world_.hash();
  // Three lanes (status, security status, name), then per dimension capacity, reserved, ratio and two readings.
  const auto poked = [&](std::size_t at, auto value) {
    Writer writer;
    writer.put(value);
    std::string bytes = good;
    return bytes.replace(at, sizeof value, writer.bytes());
  };
  const std::string rows[] = {"",
                              good.substr(1),
                              good + "x",
                              poked(16, 1e6),                            // no such symbol
                              poked(16, -1.0),                           //
                              poked(24, Steps{-1}),                      // capacity
                              poked(24, Steps{kMaxSteps + 1}),           //
                              poked(32, Steps{-1}),                      // reserved
                              poked(40, std::uint32_t{kMaxRatio} + 1U),  // ratio
                              poked(44, -1.0)};                          // usage
  for (const std::string& bytes : rows) {
    EXPECT_TRUE(move(d1_, to, bytes).has_error());
    EXPECT_EQ(world_.hash(), hash);
  }
  EXPECT_TRUE(move(d1_, to, good).has_value());
}

}  // namespace
}  // namespace apportion
