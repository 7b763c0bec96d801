#include "apportion/allocator/repair.hpp"

#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

TEST(Repair, ChangesOnlyWhatItNames) {
  Request request = ask("ada", {{"gb", dec(9)}, {"iops", dec(2)}}, 3);
  request.where = "a && b";
  request.key = "k";
  Repair repair;
  EXPECT_EQ(repaired(request, repair).count, 3U);
  repair.instead.amounts = {{"iops", dec(1)}};
  repair.instead.count = 2;
  repair.instead.where = "b";
  repair.instead.type = "tape";
  repair.instead.policy = PolicyDefinition{};
  const Request asked = repaired(request, repair);
  EXPECT_EQ(asked.amounts, (NamedDecimals{{"gb", dec(9)}, {"iops", dec(1)}}));
  EXPECT_EQ(asked.count, 2U);
  EXPECT_EQ(asked.where, "b");
  EXPECT_EQ(asked.type, "tape");
  EXPECT_TRUE(asked.own_policy);
  EXPECT_EQ(asked.key, "k");
  EXPECT_EQ(asked.consumer, "ada");
}

TEST(Repair, AsATreeHasOnlyWhatItSays) {
  Repair move;
  move.kind = RepairKind::kMove;
  move.cost = 1;
  move.text = "move it";
  move.claims = {{{7, 2}, "bob", "d1", "d2", "gb 20", true}};
  EXPECT_EQ(to_json(to_node(move, 4)),
            R"({"kind": "move", "cost": 1, "text": "move it", "claims": [{"claim": "c4.7.2", "consumer": "bob", )"
            R"("instance": "d1", "amounts": "gb 20", "mark": true, "to": "d2"}]})");
  Repair ask;
  ask.kind = RepairKind::kRelax;
  ask.cost = 4.5;
  ask.instead.where = "";
  ask.instead.count = 2;
  ask.instead.amounts = {{"gb", dec(3)}};
  EXPECT_EQ(
      to_json(to_node(ask, 0)),
      R"({"kind": "relax", "cost": 4.5, "text": "", "instead": {"count": 2, "where": "", "amounts": {"gb": 3}}})");
  Repair add;
  add.kind = RepairKind::kAdd;
  add.instances = {instance("d9", "disk", {{"gb", dec(3)}})};
  EXPECT_NE(to_json(to_node(add, 0)).find(R"("instances": [{"id": "d9", "type": "disk", "capacity": {"gb": 3}}])"),
            std::string::npos);
  Repair wait;
  wait.kind = RepairKind::kWait;
  wait.until = 12;
  EXPECT_NE(to_json(to_node(wait, 0)).find(R"("until": 12)"), std::string::npos);
}

}  // namespace
}  // namespace apportion
