#include "apportion/inventory/group_members.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/world.hpp"

namespace apportion {
namespace {

class GroupMembersTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}}}").has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "tape", "{'dimensions': {'gb': {}}}").has_value());
    d1_ = world_.put_tree("{'id': 'd1', 'type': 'disk', 'groups': ['g', 'h'], 'capacity': {'gb': 9}}");
    t1_ = world_.put_tree("{'id': 't1', 'type': 'tape', 'groups': ['g'], 'capacity': {'gb': 9}}");
    d2_ = world_.put_tree("{'id': 'd2', 'type': 'disk', 'groups': ['g'], 'capacity': {'gb': 9}}");
    members_.catch_up();
  }

  std::vector<InstanceRef> of(std::string_view group) {
    const auto members = members_.of(world_.symbols().find(group));
    return {members.begin(), members.end()};
  }

  World world_;
  GroupMembers members_{world_.inventory(), world_.symbols(), world_.catalog()};
  InstanceRef d1_, d2_, t1_;
};

TEST_F(GroupMembersTest, KnowsMembersOfAllTypesInOrderOfTablesAndRows) {
  EXPECT_EQ(of("g"), (std::vector{d1_, d2_, t1_}));
  EXPECT_EQ(of("h"), (std::vector{d1_}));
  EXPECT_TRUE(of("d1").empty());
}

TEST_F(GroupMembersTest, ClaimsNameTheirGroups) {
  const std::uint64_t generation = members_.generation();
  world_.claim("ada", d1_, {1});
  world_.claim("ada", t1_, {1});
  members_.catch_up();
  EXPECT_EQ(members_.generation(), generation);
  std::vector<std::string> changed;
  for (std::uint64_t i = 0; i < members_.changed_end(); ++i)
    changed.emplace_back(world_.symbols().text(members_.changed(i)));
  EXPECT_EQ(changed, (std::vector<std::string>{"g", "h", "g"}));
}

TEST_F(GroupMembersTest, WhatIsSaidOfAnInstanceBeginsAGeneration) {
  const std::uint64_t generation = members_.generation();
  world_.claim("ada", d1_, {1});
  world_.put_tree("{'id': 'd2', 'type': 'disk', 'groups': ['h'], 'capacity': {'gb': 9}}");
  members_.catch_up();
  EXPECT_NE(members_.generation(), generation);
  EXPECT_EQ(members_.changed_end(), 0U);
  EXPECT_EQ(of("g"), (std::vector{d1_, t1_}));
  EXPECT_EQ(of("h"), (std::vector{d1_, d2_}));
}

TEST_F(GroupMembersTest, WhatIsMeasuredChangesNothing) {
  const std::uint64_t generation = members_.generation();
  const Inventory::Reading reading{d1_, 0, false, 3};
  ASSERT_TRUE(world_.write(Inventory::kUsage, Inventory::encode_usage(std::span(&reading, 1))).has_value());
  members_.catch_up();
  EXPECT_EQ(members_.generation(), generation);
  EXPECT_EQ(members_.changed_end(), 0U);
}

TEST_F(GroupMembersTest, SeesNewTypesRemovalsAndWhatIsTakenBack) {
  ASSERT_TRUE(world_.define(Catalog::kDefineType, "node", "{'dimensions': {'gb': {}}}").has_value());
  const InstanceRef n1 = world_.put_tree("{'id': 'n1', 'type': 'node', 'groups': ['h'], 'capacity': {'gb': 9}}");
  members_.catch_up();
  EXPECT_EQ(of("h"), (std::vector{d1_, n1}));
  // A type without members is nobody's business until it has one.
  ASSERT_TRUE(world_.define(Catalog::kDefineType, "plain", "{'dimensions': {'gb': {}}}").has_value());
  world_.put_tree("{'id': 'p1', 'type': 'plain', 'capacity': {'gb': 9}}");
  members_.catch_up();
  const InstanceRef p2 = world_.put_tree("{'id': 'p2', 'type': 'plain', 'groups': ['h'], 'capacity': {'gb': 9}}");
  members_.catch_up();
  EXPECT_EQ(of("h"), (std::vector{d1_, n1, p2}));
  Writer id;
  id.put(world_.symbols().find("n1"));
  Transaction log;
  ASSERT_TRUE(world_.state().apply(world_.change(Inventory::kRemove, id.bytes()), log).has_value());
  members_.catch_up();
  EXPECT_EQ(of("h"), (std::vector{d1_, p2}));
  log.rollback();
  members_.catch_up();
  EXPECT_EQ(of("h"), (std::vector{d1_, n1, p2}));
}

}  // namespace
}  // namespace apportion
