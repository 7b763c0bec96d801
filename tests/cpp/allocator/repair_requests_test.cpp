#include <gtest/gtest.h>

#include <random>

#include "repair_checks.hpp"

namespace apportion {
namespace {

// The request names no amount, or another one.
TEST(RepairRequests, LessThanWhatARuleAdds) {
  const auto pool = make_pool(R"({'types': {'volume': {'dimensions': {'gb': {'claim': {'default': 10}}, 'iops': {}}}},
    'instances': [{'id': 'v1', 'type': 'volume', 'capacity': {'gb': 15, 'iops': 9}}]})");
  for (const NamedDecimals& amounts : {NamedDecimals(), NamedDecimals{{"iops", dec(2)}}}) {
    Request request = ask("ada", amounts);
    request.type = "volume";
    grant(*pool, request);
    request.consumer = "bob";
    std::map<RepairKind, int> kinds;
    check_repairs(*pool, request, kinds);
    EXPECT_EQ(texts_of(of_kind(repairs_of(*pool, request), RepairKind::kSmaller)),
              std::vector<std::string>{"smaller: ask for gb 5 instead of 10"});
    ASSERT_EQ(error_of(pool->release({{0, amounts.empty() ? 0U : 1U}})), "");
  }
}

TEST(RepairRequests, TheLargestThatFitsIsOffered) {
  const char* const document =
      "{'types': {'disk': {'dimensions': {'gb': {'step': '1/3', 'unit': 'GB'}, 'iops': {}}, 'max_consumers': 2}}}";
  std::mt19937_64 random(13);
  int offered = 0;
  for (int round = 0; round < 200; ++round) {
    const auto pool = disks({10, 10, 10}, document);
    for (const char* id : {"d1", "d2", "d3"}) ASSERT_TRUE(pool->change(instance(id, "", {{"iops", dec(9)}})));
    for (int i = 0; i < 8; ++i)
      static_cast<void>(
          granted(*pool, ask("c" + std::to_string(random() % 4),
                             {{"gb", Decimal::from_parts(static_cast<std::int64_t>(random() % 60), -1).value()},
                              {"iops", dec(static_cast<int>(random() % 5))}})));
    Request request = ask("eve", {{"gb", dec(9)}, {"iops", dec(static_cast<int>(random() % 6))}});
    request.count = static_cast<std::uint32_t>(1 + random() % 2);
    if (granted(*pool->fork(), request)) continue;
    for (const Repair& repair : of_kind(repairs_of(*pool, request), RepairKind::kSmaller)) {
      if (repair.instead.amounts.size() != 1) continue;
      ++offered;
      Request more = repaired(request, repair);
      ASSERT_TRUE(granted(*pool->fork(), more)) << repair.text;
      Decimal& amount =
          std::ranges::find(more.amounts, repair.instead.amounts[0].first, &std::pair<std::string, Decimal>::first)
              ->second;
      const Step step = repair.instead.amounts[0].first == "gb" ? Step{1, 3} : Step{1, 1};
      amount = units_decimal(*to_steps(amount, step, Rounding::kUp) + 1, step);
      ASSERT_FALSE(granted(*pool->fork(), more)) << "a step more than " << repair.text;
    }
  }
  EXPECT_GT(offered, 30);
}

TEST(RepairRequests, SeveralDimensionsShrinkTogetherWhereOneIsNotEnough) {
  const auto pool = disks({10}, "{'types': {'disk': {'dimensions': {'gb': {}, 'iops': {}}}}}");
  ASSERT_TRUE(pool->change(instance("d1", "", {{"iops", dec(10)}})));
  grant(*pool, ask("ada", {{"gb", dec(6)}, {"iops", dec(7)}}));
  const std::vector<Repair> smaller =
      of_kind(repairs_of(*pool, ask("eve", {{"gb", dec(8)}, {"iops", dec(4)}})), RepairKind::kSmaller);
  ASSERT_EQ(smaller.size(), 1U);
  EXPECT_EQ(smaller[0].text, "ask for gb 4 instead of 8, iops 3 instead of 4");
}

TEST(RepairRequests, AsManyInstancesAsThereAre) {
  const auto pool = disks({10, 10, 3, 10});
  const std::vector<Repair> fewer = of_kind(repairs_of(*pool, ask_gb("eve", 5, 7)), RepairKind::kFewer);
  ASSERT_EQ(fewer.size(), 1U);
  EXPECT_EQ(fewer[0].text, "ask for 3 instead of 7");
  EXPECT_TRUE(of_kind(repairs_of(*pool, ask_gb("eve", 50, 2)), RepairKind::kFewer).empty());
}

TEST(RepairRequests, OneConditionIsDroppedOrAsManyAsItTakes) {
  const auto pool = make_pool(R"({'types': {'disk': {'dimensions': {'gb': {}}, 'policy': 'cool'}},
      'policies': {'cool': {'where': 'self.location != "hot" && self.ordinal < 9', 'score': 'free.gb'}},
      'instances': [{'id': 'a', 'type': 'disk', 'location': 'x', 'capacity': {'gb': 5}},
                    {'id': 'b', 'type': 'disk', 'location': 'y', 'capacity': {'gb': 50}},
                    {'id': 'c', 'type': 'disk', 'location': 'hot', 'capacity': {'gb': 50}}]})");
  Request request = ask_gb("eve", 10);
  request.where = "self.location != 'y' && (self.claims < 9 || false)";
  std::map<RepairKind, int> kinds;
  check_repairs(*pool, request, kinds);
  const std::vector<Repair> relaxed = of_kind(repairs_of(*pool, request), RepairKind::kRelax);
  ASSERT_EQ(relaxed.size(), 2U);
  EXPECT_EQ(relaxed[0].text, "drop `self.location != 'y'` from the filter");
  EXPECT_EQ(*relaxed[0].instead.where, "(self.claims < 9 || false)");
  EXPECT_EQ(relaxed[1].text, "drop `self.location != \"hot\"` from policy 'cool'");
  EXPECT_EQ(relaxed[1].instead.policy->where, "self.ordinal < 9");
  EXPECT_EQ(relaxed[1].instead.policy->score, "free.gb");
  request.where = "self.location == 'z' && self.claims > 3 && self.ordinal > 0";
  const std::vector<Repair> both = of_kind(repairs_of(*pool, request), RepairKind::kRelax);
  ASSERT_EQ(both.size(), 1U);
  EXPECT_EQ(both[0].text, "drop `self.location == 'z'` and `self.claims > 3` from the filter");
  EXPECT_EQ(both[0].cost, 8);
}

TEST(RepairRequests, AnotherTypeOfTheSameMeasure) {
  const auto pool = make_pool(R"({'types': {'disk': {'dimensions': {'gb': {'unit': 'GB'}}},
      'tape': {'dimensions': {'gb': {'unit': 'GB'}, 'reels': {}}}, 'wire': {'dimensions': {'gb': {'unit': 'Gb/s'}}},
      'full': {'dimensions': {'gb': {'unit': 'GB'}}}},
      'instances': [{'id': 't', 'type': 'tape', 'capacity': {'gb': 50}}, {'id': 'w', 'type': 'wire', 'capacity': {'gb': 50}}]})");
  const std::vector<Repair> other = of_kind(repairs_of(*pool, ask_gb("eve", 10)), RepairKind::kAlternative);
  ASSERT_EQ(other.size(), 1U);
  EXPECT_EQ(other[0].text, "ask for 'tape' instead of 'disk'");
}

TEST(RepairRequests, ATreeIsAskedForLessOrFewer) {
  const auto pool = make_pool(R"({'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}},
      'store': {'dimensions': {'gb': {'step': 0.25}}, 'needs': [{'type': 'disk', 'gb': 'request.gb * 2', 'count': 2}]}},
      'instances': [{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 9}}, {'id': 'd2', 'type': 'disk', 'capacity': {'gb': 7}}]})");
  Request request = ask_gb("eve", 4, 3);
  request.type = "store";
  EXPECT_EQ(texts_of(of_kind(repairs_of(*pool, request), RepairKind::kSmaller)),
            std::vector<std::string>{"smaller: ask for gb 1 instead of 4"});  // 3 x 2 x 1 <= 7, with 1.25 it is 7.5
  request.amounts = {{"gb", dec(1)}};
  request.count = 9;
  EXPECT_EQ(texts_of(of_kind(repairs_of(*pool, request), RepairKind::kFewer)),
            std::vector<std::string>{"fewer: ask for 3 instead of 9"});
}

}  // namespace
}  // namespace apportion
