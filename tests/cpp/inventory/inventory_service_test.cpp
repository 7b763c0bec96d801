// An instance takes its service along when it moves to another version of its type.
#include <gtest/gtest.h>

#include "support/world.hpp"

namespace apportion {
namespace {

TEST(Service, GoesAlongToAnotherVersion) {
  World world;
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}}}").has_value());
  const InstanceRef old = world.put_tree("{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 10}}");
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}, 'iops': {}}}").has_value());
  const Inventory::ServiceChange closes[] = {{old, {100, 0}}};
  ASSERT_TRUE(world.write(Inventory::kService, Inventory::encode_service(closes)).has_value());
  Dropped dropped;
  const auto payload = world.ledger().migration_payload(std::vector{old}, 1, {}, world.interner(), dropped);
  ASSERT_TRUE(payload) << message_of(payload);
  ASSERT_EQ(message_of(world.write(Ledger::kMigrate, *payload)), "");
  const InstanceRef now = world.inventory().find("d1");
  EXPECT_EQ(now.version, 1U);
  EXPECT_EQ(world.inventory().table(1)->service[now.row], (Service{100, 0}));
  EXPECT_EQ(world.inventory().limited(), 1U);
  world.restored();
}

}  // namespace
}  // namespace apportion
