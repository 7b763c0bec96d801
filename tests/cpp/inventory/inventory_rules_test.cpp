// What is said of few instances: rules, layers, parts, needs, generations.
#include <gtest/gtest.h>

#include "support/world.hpp"

namespace apportion {
namespace {

class InventoryRules : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(world_
                     .define(Catalog::kDefineType, "card",
                             "{'dimensions': {'gb': {'step': 0.5}, 'slices': {}}, 'policy': 'first'}")
                     .has_error());
  }

  InstanceRef put(const std::string& json) { return world_.put_tree(json); }
  [[nodiscard]] const InstanceTable& table() const { return *world_.inventory().table(0); }
  [[nodiscard]] Node said(InstanceRef ref, const char* key) const {
    const Node tree = to_node(world_.inventory().spec_of(ref));
    const Node* const found = tree.find(key);
    return found == nullptr ? Node() : *found;
  }

  World world_;
};

TEST_F(InventoryRules, WhatIsSaidIsKept) {
  const InstanceRef ref = put(R"({'id': 'c1', 'type': 'card', 'capacity': {'gb': 10}, 'whole': true, 'parts': 0,
      'claim': {'gb': {'amounts': [1, 2.5], 'default': 1, 'round_up': true}, 'slices': {'min': 2}},
      'ratio': {'gb': {'a': 2, 'b': 1.5}}, 'needs': [{'instance': 'c2', 'gb': 'request.gb * 2'}]})");
  EXPECT_EQ(to_json(said(ref, "claim")),
            R"({"gb": {"amounts": [1, 2.5], "default": 1, "round_up": true}, "slices": {"min": 2}})");
  EXPECT_EQ(to_json(said(ref, "ratio")), R"({"gb": {"a": 2, "b": 1.5}, "slices": 1})");
  EXPECT_EQ(to_json(said(ref, "needs")), R"([{"instance": "c2", "gb": "request.gb * 2"}])");
  EXPECT_EQ(to_json(said(ref, "whole")), "true");
  EXPECT_EQ(table().dimensions[0].limit[ref.row], 60);  // 10 GB are 20 steps, three times
  EXPECT_EQ(table().ruled.get(), 1U);
  EXPECT_EQ(table().needing.get(), 1U);
  const auto copy = world_.restored();
  EXPECT_EQ(to_json(to_node(copy.inventory().spec_of(ref))), to_json(to_node(world_.inventory().spec_of(ref))));
  EXPECT_EQ(copy.inventory().table(0)->ruled.get(), 1U);
  EXPECT_EQ(copy.inventory().table(0)->needing.get(), 1U);
}

TEST_F(InventoryRules, EveryRulePartakesInTheHash) {
  const std::string begin = "{'id': 'c1', 'type': 'card'";
  std::vector<Hash128> hashes;
  for (const char* more :
       {"", ", 'whole': true", ", 'parts': 1", ", 'claim': {'gb': {'min': 1}}", ", 'claim': {'gb': {'max': 1}}",
        ", 'claim': {'slices': {'min': 1}}", ", 'claim': {'gb': {'amounts': [1]}}", ", 'ratio': {'gb': {'a': 1}}",
        ", 'ratio': {'gb': {'b': 1}}", ", 'needs': [{'instance': 'x'}]"}) {
    World world;
    ASSERT_FALSE(world
                     .define(Catalog::kDefineType, "card",
                             "{'dimensions': {'gb': {'step': 0.5}, 'slices': {}}, 'policy': 'first'}")
                     .has_error());
    static_cast<void>(world.put_tree(begin + more + "}"));
    EXPECT_EQ(std::ranges::count(hashes, world.hash()), 0) << more;
    hashes.push_back(world.hash());
  }
}

TEST_F(InventoryRules, GenerationsCountWhatIsSaidAnew) {
  const InstanceRef ref = put("{'id': 'c1', 'type': 'card'}");
  EXPECT_EQ(world_.inventory().generation_of(ref), 1U);
  put("{'id': 'c1', 'type': 'card', 'location': 'here'}");
  put("{'id': 'c1', 'type': 'card', 'location': 'there'}");
  EXPECT_EQ(world_.inventory().generation_of(ref), 3U);
  EXPECT_EQ(world_.restored().inventory().generation_of(ref), 3U);
  ASSERT_FALSE(world_.remove("c1").has_error());
  EXPECT_EQ(world_.inventory().generation_of(put("{'id': 'c1', 'type': 'card'}")), 1U);
}

// Of the set, and of what lies deeper.
TEST_F(InventoryRules, MissingPartsCloseTheSet) {
  const InstanceRef set = put("{'id': 'set', 'type': 'card', 'parts': 2}");
  const InstanceRef inner = put("{'id': 'a', 'type': 'card', 'parent': 'set'}");
  const InstanceRef deep = put("{'id': 'deep', 'type': 'card', 'parent': 'a'}");
  const InstanceRef other = put("{'id': 'other', 'type': 'card'}");
  const auto closed = [&](InstanceRef ref) { return table().rare[ref.row].closed(); };
  EXPECT_TRUE(closed(set) && closed(inner) && closed(deep));
  EXPECT_FALSE(closed(other));
  EXPECT_EQ(table().closed.get(), 3U);
  EXPECT_EQ(world_.restored().inventory().table(0)->closed.get(), 3U);

  put("{'id': 'b', 'type': 'card', 'parent': 'set'}");  // the second part
  EXPECT_EQ(table().closed.get(), 0U);
  put("{'id': 'b', 'type': 'card', 'parent': 'other'}");  // it moves away
  EXPECT_TRUE(closed(set) && closed(inner) && closed(deep));
  put("{'id': 'set', 'type': 'card', 'parts': 1}");
  EXPECT_EQ(table().closed.get(), 0U);
  put("{'id': 'other', 'type': 'card', 'parts': 3}");
  EXPECT_EQ(table().closed.get(), 2U);
  put("{'id': 'deep', 'type': 'card', 'parent': 'b'}");  // into what is closed
  EXPECT_TRUE(closed(deep));
  EXPECT_EQ(table().closed.get(), 3U);
  ASSERT_FALSE(world_.remove("deep").has_error());
  EXPECT_EQ(table().closed.get(), 2U);
}

TEST_F(InventoryRules, DamagedRecordsAreRefused) {
  InstanceSpec spec;
  spec.id = "c1";
  spec.type = "card";
  spec.claim = {{"gb", {}}};
  spec.claim.front().second.amounts = {dec("1"), dec("2")};
  std::string payload = world_.encode(spec).value();
  ASSERT_FALSE(world_.try_write(Inventory::kPut, payload).has_error());
  int refused = 0;
  for (std::size_t at = 4; at < payload.size(); ++at) {
    for (const char bit : {'\x01', '\x40', '\x7f'}) {
      std::string damaged = payload;
      damaged[at] = static_cast<char>(damaged[at] ^ bit);
      refused += world_.try_write(Inventory::kPut, damaged).has_error() ? 1 : 0;  // and never a crash
    }
  }
  EXPECT_GT(refused, 20);
}

TEST_F(InventoryRules, TheyMoveToAnotherVersion) {
  put(R"({'id': 'c1', 'type': 'card', 'capacity': {'gb': 10}, 'claim': {'gb': {'min': 1, 'default': 2}}, 'whole': true,
      'ratio': {'gb': {'a': 2}}})");
  ASSERT_FALSE(world_
                   .define(Catalog::kDefineType, "card",
                           "{'dimensions': {'gb': {'step': 0.25}, 'slices': {}}, 'policy': 'first'}")
                   .has_error());
  Dropped dropped;
  const InstanceRef from = world_.inventory().find("c1");
  const auto payload = world_.ledger().migration_payload(std::span(&from, 1), 1, {}, world_.interner(), dropped);
  ASSERT_TRUE(payload);
  ASSERT_FALSE(world_.write(Ledger::kMigrate, *payload).has_error());
  const InstanceRef to = world_.inventory().find("c1");
  ASSERT_EQ(to.version, 1U);
  EXPECT_EQ(to_json(said(to, "claim")), R"({"gb": {"min": 1, "default": 2}})");
  EXPECT_EQ(world_.inventory().table(1)->dimensions[0].claim[to.row].minimum, 4);  // of 0.25
  EXPECT_EQ(to_json(said(to, "ratio")), R"({"gb": {"a": 2}, "slices": 1})");
  EXPECT_EQ(to_json(said(to, "whole")), "true");
  EXPECT_EQ(world_.inventory().table(0)->ruled.get(), 0U);
  EXPECT_EQ(world_.inventory().table(1)->ruled.get(), 1U);
}

}  // namespace
}  // namespace apportion
