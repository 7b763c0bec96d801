#include <gtest/gtest.h>

#include "repair_checks.hpp"

namespace apportion {
namespace {

constexpr const char* kCareful = R"({'types': {'disk': {'dimensions': {'gb': {}}, 'fields': {
    'media': {'kind': 'string', 'required': true}}, 'state': {
    'health': {'kind': 'enum', 'values': ['ok', 'worn'], 'default': 'worn', 'allow': ['ok']},
    'checked': {'kind': 'boolean', 'default': false, 'allow': [true]}}}}})";

InstanceSpec careful(const char* id, int gb, bool checked, const char* health) {
  InstanceSpec spec = instance(id, "disk", {{"gb", dec(gb)}});
  spec.fields = {{"media", Node("ssd")}};
  spec.state = {{"checked", Node(checked)}, {"health", Node(health)}};
  return spec;
}

TEST(RepairInstances, FewestFieldsAreSetFirst) {
  const auto pool = make_pool(kCareful);
  ASSERT_TRUE(pool->add(careful("both", 10, false, "worn")));
  ASSERT_TRUE(pool->add(careful("one", 10, false, "ok")));
  ASSERT_TRUE(pool->add(careful("small", 1, false, "ok")));
  std::map<RepairKind, int> kinds;
  check_repairs(*pool, ask_gb("eve", 5), kinds);
  const std::vector<Repair> online = of_kind(repairs_of(*pool, ask_gb("eve", 5)), RepairKind::kOnline);
  ASSERT_EQ(online.size(), 2U);
  EXPECT_EQ(online[0].text, "set checked of 'one' to true");
  EXPECT_EQ(online[1].text, "set health of 'both' to ok and checked of 'both' to true");
  const std::vector<Repair> two = of_kind(repairs_of(*pool, ask_gb("eve", 5, 2)), RepairKind::kOnline);
  ASSERT_EQ(two.size(), 1U) << "for two instances both at once";
  EXPECT_EQ(two[0].instances.size(), 2U);
  EXPECT_EQ(two[0].cost, 5);
}

TEST(RepairInstances, ANewOneIsLikeOneThatLacksOnlyRoom) {
  const auto pool = make_pool(kCareful);
  InstanceSpec model = careful("m", 10, true, "ok");
  model.location = "z";
  model.labels = NamedText{{"rack", "r1"}};
  model.groups = std::vector<std::string>{"g"};
  ASSERT_TRUE(pool->add(model));
  ASSERT_TRUE(pool->add(careful("elsewhere", 100, true, "worn")));
  Request request = ask_gb("eve", 30);
  request.where = "self.location == 'z' && self.media == 'ssd' && 'g' in self.groups && self.labels.rack == 'r1'";
  std::map<RepairKind, int> kinds;
  check_repairs(*pool, request, kinds);
  const std::vector<Repair> added = of_kind(repairs_of(*pool, request), RepairKind::kAdd);
  ASSERT_EQ(added.size(), 1U);
  EXPECT_EQ(added[0].text, "add an instance of 'disk' with gb 30, like 'm'");
  const InstanceSpec& spec = added[0].instances.at(0);
  EXPECT_EQ(spec.id, "disk-new-1");
  EXPECT_EQ(spec.location, "z");
  EXPECT_EQ(spec.state.size(), 4U) << "all of them permit";
  ASSERT_TRUE(pool->add(spec));
  grant(*pool, request);
  EXPECT_EQ(of_kind(repairs_of(*pool, request), RepairKind::kAdd)[0].instances[0].id, "disk-new-2");
}

TEST(RepairInstances, ABareOneWhereThereIsNoModel) {
  const auto pool = make_pool(kDiskType);
  EXPECT_EQ(texts_of(repairs_of(*pool, ask_gb("eve", 5, 2))),
            std::vector<std::string>{"add: add 2 instances of 'disk' with gb 5"});
  const auto required = make_pool(kCareful);
  EXPECT_TRUE(repairs_of(*required, ask_gb("eve", 5)).empty()) << "nobody knows what its required field should be";
}

TEST(RepairInstances, WhatANewOneCannotCureIsNotOffered) {
  const auto pool = disks({10});
  Request request = ask_gb("eve", 30);
  request.where = "self.id == 'd1'";
  EXPECT_TRUE(of_kind(repairs_of(*pool, request), RepairKind::kAdd).empty());
}

}  // namespace
}  // namespace apportion
