#include "apportion/catalog/catalog.hpp"

#include <gtest/gtest.h>

#include "apportion/catalog/named_policies.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

constexpr const char* kDisk = "{'dimensions': {'gb': {}}}";
constexpr const char* kDiskDescribed =
    "{'description': 'x', 'dimensions': {'gb': {}}, 'policy': 'last', 'max_consumers': 3}";
constexpr const char* kDiskWider = "{'dimensions': {'gb': {}, 'iops': {}}}";

TEST(Catalog, StartsWithTheNamedPolicies) {
  const World world;
  EXPECT_EQ(world.catalog().policy_names().size(), named_policies().size());
  EXPECT_EQ(world.catalog().version_count(), 0U);
  EXPECT_EQ(world.catalog().find_type("disk"), nullptr);
  EXPECT_TRUE(world.catalog().versions_of("disk").empty());
}

TEST(Catalog, ANewLayoutIsANewVersionAndAnotherDescriptionIsNot) {
  World world;
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", kDisk).has_value());
  ASSERT_TRUE(world.define(Catalog::kDefineType, "node", kDisk).has_value());
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", kDiskDescribed).has_value());
  const Catalog& catalog = world.catalog();
  ASSERT_EQ(catalog.version_count(), 2U);
  EXPECT_EQ(catalog.find_type("disk")->number, 1U);
  EXPECT_EQ(catalog.find_type("disk")->revision, 2U);
  EXPECT_EQ(catalog.find_type("disk")->definition.policy, "last");
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", kDiskWider).has_value());
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", kDisk).has_value());
  const auto versions = catalog.versions_of("disk");
  ASSERT_EQ(versions.size(), 3U) << "back to the first layout is a third version";
  EXPECT_EQ(versions[0]->definition.max_consumers, 3U);
  EXPECT_EQ(versions[1]->definition.dimensions.size(), 2U);
  EXPECT_EQ(versions[2]->id, 3U);
  EXPECT_EQ(catalog.find_type("disk"), versions[2]);
  EXPECT_EQ(catalog.find_type("disk", 2), versions[1]);
  EXPECT_EQ(catalog.find_type("disk", 4), nullptr);
  EXPECT_EQ(catalog.type_names(), (std::vector<std::string>{"disk", "node"}));
}

TEST(Catalog, KeepsPoliciesKindsAndRelationships) {
  World world;
  ASSERT_TRUE(world.define(Catalog::kDefinePolicy, "coolest", "{'score': 'self.ordinal'}").has_value());
  ASSERT_TRUE(world.define(Catalog::kDefinePolicy, "coolest", "{'score': 'self.claims'}").has_value());
  ASSERT_TRUE(
      world.define(Catalog::kDefineConsumerKind, "user", "{'attributes': {'a': {'kind': 'number'}}}").has_value());
  ASSERT_TRUE(world.define(Catalog::kDefineRelationship, "near", "{'from': 'disk', 'to': 'disk'}").has_value());
  const Catalog& catalog = world.catalog();
  EXPECT_EQ(catalog.find_policy("coolest")->revision, 2U);
  EXPECT_EQ(catalog.find_policy("coolest")->definition.score, "self.claims");
  EXPECT_EQ(catalog.find_consumer_kind("user")->definition.attributes.size(), 1U);
  EXPECT_EQ(catalog.find_relationship("near")->definition.to, "disk");
  EXPECT_EQ(catalog.find_policy("warmest"), nullptr);
  EXPECT_EQ(catalog.consumer_kinds().size(), 1U);
  EXPECT_EQ(catalog.relationships().size(), 1U);
}

TEST(Catalog, RefusesDamage) {
  World world;
  const auto node = [](const char* json) { return tree(json); };
  struct Row {
    Kind kind;
    std::string payload;
    const char* message;
  };
  const std::string good = Catalog::payload("disk", node(kDisk));
  const std::vector<Row> rows = {
      {Catalog::kDefineType, "", "a definition is damaged"},
      {Catalog::kDefineType, good + "x", "a definition is damaged"},
      {Catalog::kDefineType, good.substr(0, good.size() - 1), "a definition is damaged"},
      {Catalog::kDefineType, Catalog::payload("Disk", node(kDisk)), "a definition is damaged"},
      {Catalog::kDefineType, Catalog::payload("disk", node("{'dimension': {}}")), "not valid"},
      {Catalog::kDefinePolicy, Catalog::payload("first", node("{'score': '1'}")), "cannot be defined anew"},
      {Catalog::kDefinePolicy, Catalog::payload("mine", node("{'score': 1}")), "not valid"},
      {make_kind(2, 9), good, "unknown kind"},
  };
  for (const Row& row : rows) {
    const Status status = world.write(row.kind, row.payload);
    ASSERT_TRUE(status.has_error());
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(status.error().message.find(row.message), std::string::npos) << status.error().message;
  }
  EXPECT_EQ(world.catalog().version_count(), 0U);
}

TEST(Catalog, RollsBackWithTheStampOfItsDefinitions) {
  World world;
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", kDisk).has_value());
  const std::uint64_t stamp = world.catalog().stamp();
  EXPECT_TRUE(world.try_write(Catalog::kDefineType, Catalog::payload("disk", tree(kDiskWider))).has_value());
  EXPECT_EQ(world.catalog().stamp(), stamp);
  EXPECT_EQ(world.catalog().version_count(), 1U);
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", kDiskWider).has_value());
  EXPECT_GT(world.catalog().stamp(), stamp + 1) << "a stamp that was rolled back is not used again";
}

TEST(Catalog, PointersStayValidAsLongAsAForkHoldsThem) {
  World world;
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", kDisk).has_value());
  const World fork(world.state().fork());
  const TypeVersion* held = fork.catalog().find_type("disk");
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", kDiskDescribed).has_value());
  EXPECT_EQ(held->definition.policy, "first");
  EXPECT_EQ(fork.catalog().find_type("disk"), held);
}

TEST(Catalog, IsRestoredWithVersionsAndRevisions) {
  World world;
  for (const char* json : {kDisk, kDiskDescribed, kDiskWider, kDisk}) {
    ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", json).has_value());
  }
  ASSERT_TRUE(world.define(Catalog::kDefinePolicy, "mine", "{'score': '1', 'ties': 'seeded', 'seed': 5}").has_value());
  ASSERT_TRUE(world.define(Catalog::kDefinePolicy, "mine", "{'score': '2', 'quantum': 0.5}").has_value());
  const World copy = world.restored();
  EXPECT_EQ(copy.catalog().find_type("disk")->number, 3U);
  EXPECT_EQ(copy.catalog().find_type("disk")->revision, 4U);
  EXPECT_EQ(copy.catalog().find_policy("mine")->revision, 2U);
  EXPECT_EQ(copy.catalog().find_policy("mine")->definition, world.catalog().find_policy("mine")->definition);
}

TEST(Catalog, TheHashTellsDefinitionsApart) {
  World a;
  World b;
  const Hash128 empty = a.hash();
  ASSERT_TRUE(a.define(Catalog::kDefineType, "disk", kDisk).has_value());
  ASSERT_TRUE(b.define(Catalog::kDefineType, "node", kDisk).has_value());
  EXPECT_NE(a.hash(), empty);
  EXPECT_NE(a.hash(), b.hash());
  ASSERT_TRUE(b.define(Catalog::kDefineType, "disk", kDisk).has_value());
  ASSERT_TRUE(a.define(Catalog::kDefineType, "node", kDisk).has_value());
  EXPECT_EQ(a.hash(), b.hash()) << "the order of definition does not show";
}

TEST(Catalog, DescribesItsChanges) {
  const World world;
  const std::string payload = Catalog::payload("disk", tree("{'description': 'x'}"));
  EXPECT_EQ(to_json(world.catalog().describe(world.change(Catalog::kDefineType, payload))),
            R"({"define": "type", "name": "disk", "definition": {"description": "x"}})");
}

}  // namespace
}  // namespace apportion
