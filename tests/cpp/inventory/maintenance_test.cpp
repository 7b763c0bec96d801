#include "apportion/inventory/maintenance.hpp"

#include <gtest/gtest.h>

#include "apportion/inventory/row_source.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

class MaintenanceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}}}").has_value());
    d1_ = world_.put_tree("{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 10}}");
    name_ = world_.text("nightly");
    id_ = world_.text("d1");
    group_ = world_.text("rack-1");
  }
  void TearDown() override { world_.restored(); }

  Status maintain(const std::vector<MaintenanceWindow>& windows) {
    return world_.try_write(Inventory::kMaintain, Maintenance::payload(name_, windows));
  }
  Status serve(const std::vector<Inventory::ServiceChange>& changes) {
    return world_.write(Inventory::kService, Inventory::encode_service(changes));
  }
  [[nodiscard]] const InstanceTable& table() const { return *world_.inventory().table(0); }

  World world_;
  InstanceRef d1_;
  Symbol name_ = 0, id_ = 0, group_ = 0;
};

TEST_F(MaintenanceTest, ASeriesTakesThePlaceOfTheOneBefore) {
  const Hash128 before = world_.hash();
  const std::vector<MaintenanceWindow> first{{id_, false, 10, 20}, {group_, true, 30, 40}};
  ASSERT_TRUE(world_.write(Inventory::kMaintain, Maintenance::payload(name_, first)).has_value());
  EXPECT_EQ(world_.inventory().maintenance().series().at(name_), first);
  EXPECT_NE(world_.hash(), before);
  world_.restored();
  ASSERT_TRUE(world_.write(Inventory::kMaintain, Maintenance::payload(name_, {{id_, false, 5, 6}})).has_value());
  EXPECT_EQ(world_.inventory().maintenance().series().at(name_).size(), 1U);
  ASSERT_TRUE(world_.write(Inventory::kMaintain, Maintenance::payload(name_, {})).has_value());
  EXPECT_TRUE(world_.inventory().maintenance().empty());
  EXPECT_EQ(world_.hash(), before);
}

TEST_F(MaintenanceTest, DamagedRecordsAreRefused) {
  EXPECT_TRUE(maintain({{id_, false, 10, 20}}).has_value());
  EXPECT_TRUE(maintain({{id_, false, 20, 20}}).has_error()) << "it ends as it begins";
  EXPECT_TRUE(maintain({{0, false, 10, 20}}).has_error());
  EXPECT_TRUE(maintain({{999, true, 10, 20}}).has_error());
  const std::string payload = Maintenance::payload(name_, {{id_, false, 10, 20}});
  EXPECT_TRUE(world_.try_write(Inventory::kMaintain, payload.substr(0, payload.size() - 1)).has_error());
  EXPECT_TRUE(world_.try_write(Inventory::kMaintain, payload + "x").has_error());
  EXPECT_TRUE(world_.try_write(Inventory::kMaintain, Maintenance::payload(0, {})).has_error());
  EXPECT_TRUE(world_.try_write(Inventory::kService, Inventory::encode_service({})).has_error());
  const Inventory::ServiceChange nobody[] = {{{0, 9}, {5, 0}}};
  EXPECT_TRUE(world_.try_write(Inventory::kService, Inventory::encode_service(nobody)).has_error());
  const Inventory::ServiceChange before[] = {{d1_, {-5, 0}}};
  EXPECT_TRUE(world_.try_write(Inventory::kService, Inventory::encode_service(before)).has_error());
}

TEST_F(MaintenanceTest, AnInstanceIsInServiceUntilItIsSaidNotToBe) {
  EXPECT_TRUE(table().in_service(d1_.row));
  const Hash128 before = world_.hash();
  ASSERT_TRUE(serve({{d1_, {100, 0}}}).has_value());
  EXPECT_EQ(world_.inventory().limited(), 1U);
  EXPECT_TRUE(table().in_service(d1_.row)) << "for a claim without end";
  EXPECT_TRUE(table().in_service(d1_.row, 100));
  EXPECT_FALSE(table().in_service(d1_.row, 101));
  world_.restored();
  ASSERT_TRUE(serve({{d1_, {0, 1}}}).has_value());
  EXPECT_FALSE(table().in_service(d1_.row));
  EXPECT_FALSE(StateRules(world_.catalog().version(0).definition, world_.symbols()).permits(table(), d1_.row));
  ASSERT_TRUE(serve({{d1_, {}}}).has_value());
  EXPECT_EQ(world_.inventory().limited(), 0U);
  EXPECT_EQ(world_.hash(), before);
  ASSERT_TRUE(serve({{d1_, {0, 1}}}).has_value());
  ASSERT_TRUE(world_.remove("d1").has_value());
  EXPECT_EQ(world_.inventory().limited(), 0U) << "it goes with the instance";
}

}  // namespace
}  // namespace apportion
