#include "apportion/inventory/inventory.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/world.hpp"

namespace apportion {
namespace {

constexpr const char* kNamedDisk = "{'dimensions': {'gb': {}}, 'fields': {'name': {'kind': 'string', 'default': 'x'}}}";

class InventoryTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", kNamedDisk).has_value()); }

  InstanceRef put(const std::string& id, int gb, const std::string& more = "") {
    return world_.put_tree("{'id': '" + id + "', 'type': 'disk', 'capacity': {'gb': " + std::to_string(gb) + "}" +
                           more + "}");
  }
  [[nodiscard]] const InstanceTable& table() const { return *world_.inventory().table(0); }

  World world_;
};

TEST_F(InventoryTest, RowsAreUsedAgainAndOrdinalsNever) {
  const InstanceRef a = put("a", 1);
  const InstanceRef b = put("b", 2);
  EXPECT_EQ(table().ordinal[a.row], 1U);
  EXPECT_EQ(table().ordinal[b.row], 2U);
  ASSERT_TRUE(world_.remove("a").has_value());
  EXPECT_FALSE(world_.inventory().find("a").valid());
  EXPECT_FALSE(world_.inventory().exists(a));
  const InstanceRef c = put("c", 3);
  EXPECT_EQ(c, a) << "the freed row";
  EXPECT_EQ(table().ordinal[c.row], 3U);
  EXPECT_EQ(world_.inventory().count(), 2U);
  EXPECT_EQ(world_.inventory().id_of(c), "c");
  EXPECT_EQ(world_.inventory().next_ordinal(), 4U);
}

TEST_F(InventoryTest, TheNextInstanceOfARowInheritsNothing) {
  put("a", 5,
      ", 'location': 'x', 'labels': {'k': 'v'}, 'groups': ['g'], 'fields': {'name': 'n'}, 'reserved': {'gb': 1}, "
      "'ratio': {'gb': 2}, 'usage': {'gb': 3}, 'address': 'y', 'policy': 'last', 'state': {'status': 'offline'}");
  ASSERT_TRUE(world_.remove("a").has_value());
  World fresh;
  ASSERT_TRUE(fresh.define(Catalog::kDefineType, "disk", kNamedDisk).has_value());
  put("b", 7);
  fresh.put_tree("{'id': 'a', 'type': 'disk', 'capacity': {'gb': 5}}");
  ASSERT_TRUE(fresh.remove("a").has_value());
  fresh.put_tree("{'id': 'b', 'type': 'disk', 'capacity': {'gb': 7}}");
  EXPECT_EQ(world_.hash(), fresh.hash());
}

TEST_F(InventoryTest, TheHashForgetsWhatWasRemoved) {
  put("a", 1);
  const Hash128 one = world_.hash();
  put("b", 2, ", 'labels': {'k': 'v'}");
  EXPECT_NE(world_.hash(), one);
  ASSERT_TRUE(world_.remove("b").has_value());
  EXPECT_EQ(world_.hash(), one);
}

TEST_F(InventoryTest, EveryAttributeShowsInTheHash) {
  put("a", 10);
  const char* changes[] = {"'address': 'x'",          "'location': 'x'",        "'labels': {'k': 'v'}",
                           "'groups': ['g']",         "'policy': 'last'",       "'state': {'status': 'draining'}",
                           "'fields': {'name': 'y'}", "'capacity': {'gb': 11}", "'reserved': {'gb': 1}",
                           "'ratio': {'gb': 1.5}",    "'usage': {'gb': 1}"};
  std::vector<Hash128> seen{world_.hash()};
  for (const char* change : changes) {
    std::vector<Problem> problems;
    const InstanceSpec spec = read_instance(tree("{'id': 'a', " + std::string(change) + "}"), "", problems);
    ASSERT_TRUE(problems.empty());
    ASSERT_TRUE(world_.put(world_.inventory().merged(world_.inventory().find("a"), spec)).has_value()) << change;
    for (const Hash128& hash : seen) EXPECT_NE(world_.hash(), hash) << change;
    seen.push_back(world_.hash());
  }
}

TEST_F(InventoryTest, ParentsFormATree) {
  put("a", 1);
  put("b", 1, ", 'parent': 'a'");
  EXPECT_EQ(table().children[world_.inventory().find("a").row], 1U);
  EXPECT_EQ(world_.remove("a").error().message, "'a' is the parent of 1 instances: remove or move them first");
  const auto with_parent = [&](const char* id, const char* parent) {
    InstanceSpec spec;
    spec.parent = parent;
    return world_.put(world_.inventory().merged(world_.inventory().find(id), spec));
  };
  EXPECT_NE(message_of(with_parent("a", "b")).find("would form a circle"), std::string::npos);
  EXPECT_NE(message_of(with_parent("a", "a")).find("would form a circle"), std::string::npos);
  ASSERT_TRUE(with_parent("b", "").has_value());
  EXPECT_EQ(table().children[world_.inventory().find("a").row], 0U);
  ASSERT_TRUE(with_parent("a", "b").has_value());
  ASSERT_TRUE(world_.remove("a").has_value());
  ASSERT_TRUE(world_.remove("b").has_value());
}

TEST_F(InventoryTest, ParentsAreAtMost64Deep) {
  put("i0", 1);
  for (int i = 1; i <= 64; ++i) put("i" + std::to_string(i), 1, ", 'parent': 'i" + std::to_string(i - 1) + "'");
  InstanceSpec spec;
  spec.id = "deeper";
  spec.type = "disk";
  spec.parent = "i64";
  const Status status = world_.put(spec);
  ASSERT_TRUE(status.has_error());
  EXPECT_EQ(status.error().place, "parent");
  EXPECT_NE(status.error().message.find("more than 64 levels"), std::string::npos);
}

TEST_F(InventoryTest, TheLargestCapacityFollowsAddsChangesAndRemovals) {
  std::mt19937 random(1);
  std::map<std::string, int> capacities;
  for (int round = 0; round < 2000; ++round) {
    const std::string id = "i" + std::to_string(random() % 12);
    Transaction log;
    if (random() % 3 == 0 && capacities.contains(id)) {
      ASSERT_TRUE(world_.remove(id).has_value());
      capacities.erase(id);
    } else {
      const int gb = static_cast<int>(random() % 6);
      put(id, gb);
      capacities[id] = gb;
    }
    double largest = 0;
    for (const auto& [name, gb] : capacities) largest = std::max<double>(largest, gb);
    ASSERT_EQ(world_.inventory().scale(0, 0), largest) << round;
  }
}

TEST_F(InventoryTest, TheScaleSpansTheVersionsOfAType) {
  put("a", 10);
  ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {'step': 0.5}}}").has_value());
  world_.put_tree("{'id': 'b', 'type': 'disk', 'capacity': {'gb': 12}}");
  EXPECT_EQ(world_.inventory().scale(0, 0), 12);  // 24 steps of 0.5 are 12 of 1
  EXPECT_EQ(world_.inventory().scale(1, 0), 24);
  ASSERT_TRUE(world_.remove("b").has_value());
  EXPECT_EQ(world_.inventory().scale(1, 0), 20);  // 10 of 1 are 20 of 0.5
}

TEST_F(InventoryTest, TakesReadingsOfUsage) {
  const InstanceRef a = put("a", 10);
  const Hash128 before = world_.hash();
  const Inventory::Reading readings[] = {{a, 0, false, 3.5}, {a, 0, true, 4.5}};
  ASSERT_TRUE(world_.write(Inventory::kUsage, Inventory::encode_usage(readings)).has_value());
  EXPECT_EQ(table().dimensions[0].usage[a.row].value, 3.5);
  EXPECT_EQ(table().dimensions[0].predicted[a.row].value, 4.5);
  EXPECT_NE(world_.hash(), before);
  const double nan = Number{}.value;
  const Inventory::Reading unknown_again[] = {{a, 0, false, nan}, {a, 0, true, nan}};
  ASSERT_TRUE(world_.write(Inventory::kUsage, Inventory::encode_usage(unknown_again)).has_value());
  EXPECT_EQ(world_.hash(), before);
  ASSERT_TRUE(world_.write(Inventory::kUsage, Inventory::encode_usage(readings)).has_value());
  InstanceSpec spec;
  spec.location = "x";
  ASSERT_TRUE(world_.put(world_.inventory().merged(a, spec)).has_value());
  EXPECT_EQ(table().dimensions[0].predicted[a.row].value, 4.5) << "a change of the place leaves the prediction";
}

TEST_F(InventoryTest, RefusesDamage) {
  const InstanceRef a = put("a", 10);
  const double inf = std::numeric_limits<double>::infinity();
  const auto usage = [](Inventory::Reading reading) { return Inventory::encode_usage(std::span(&reading, 1)); };
  const std::string good = world_.encode(world_.inventory().spec_of(a)).value();
  const std::pair<Kind, std::string> rows[] = {
      {Inventory::kUsage, usage({{0, 9}, 0, false, 1})},
      {Inventory::kUsage, usage({{7, 0}, 0, false, 1})},
      {Inventory::kUsage, usage({a, 1, false, 1})},
      {Inventory::kUsage, usage({a, 0, false, -1})},
      {Inventory::kUsage, usage({a, 0, false, inf})},
      {Inventory::kUsage, "x"},
      {Inventory::kPut, good.substr(1)},
      {Inventory::kPut, good + "x"},
      {Inventory::kRemove, "x"},
      {Inventory::kTable, std::string(12, '\0')},
      {Inventory::kNext, std::string(8, '\1')},
      {make_kind(3, 99), good},
  };
  for (const auto& [kind, payload] : rows) {
    const Status status = world_.try_write(kind, payload);
    ASSERT_TRUE(status.has_error()) << kind;
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_EQ(world_.remove("a").has_value(), true);
}

TEST_F(InventoryTest, ATableThatIsRolledBackIsGone) {
  InstanceSpec spec;
  spec.id = "a";
  spec.type = "disk";
  const std::string payload = world_.encode(spec).value();
  EXPECT_TRUE(world_.try_write(Inventory::kPut, payload).has_value());
  EXPECT_EQ(world_.inventory().table(0), nullptr);
  ASSERT_TRUE(world_.write(Inventory::kPut, payload).has_value());
  EXPECT_EQ(world_.inventory().count(), 1U);
}

}  // namespace
}  // namespace apportion
