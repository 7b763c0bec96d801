#include "apportion/allocator/plan.hpp"

#include <gtest/gtest.h>

#include "sandbox.hpp"

namespace apportion {
namespace {

TEST(Plan, CountsAmountsInStepsOfTheType) {
  Sandbox box;
  const Plan plan = box.plan(ask("ada", {{"iops", dec(7)}}, 3));
  ASSERT_EQ(plan.versions.size(), 1U);
  EXPECT_EQ(plan.versions[0].values.amounts, (std::vector<Steps>{0, 7}));
  EXPECT_EQ(plan.versions[0].values.count, 3U);
  EXPECT_EQ(plan.versions[0].policy->definition.name, "first");
  EXPECT_TRUE(plan.versions[0].instances_choose);
  EXPECT_EQ(plan.cursor_key, 0U);
}

TEST(Plan, IsAddressedToAnotherConsumer) {
  Sandbox box;
  const Planner planner(*box.sections, box.expressions, box.neighbours());
  const Request first = ask_gb("ada", 1);
  Plan plan = box.plan(first);
  const Request second = ask_gb("ben", 1);
  ASSERT_FALSE(planner.address(plan, second, 12 * kSecond).has_error());
  EXPECT_EQ(plan.request, &second);
  EXPECT_EQ(plan.versions[0].values.consumer, "ben");
  EXPECT_EQ(plan.versions[0].values.now, 12 * kSecond);
  const Request nobody = ask_gb("", 1);
  EXPECT_TRUE(planner.address(plan, nobody, 0).has_error());
}

TEST(Plan, NamesThePlaceOfWhatIsWrong) {
  Sandbox box;
  const Planner planner(*box.sections, box.expressions, box.neighbours());
  const auto place = [&](const Request& request) { return planner.plan(request, 0).error().place; };
  EXPECT_EQ(place(ask_gb("", 1)), "consumer");
  EXPECT_EQ(place(ask_gb("a", 1, 0)), "count");
  EXPECT_EQ(place(ask("a", {{"tb", dec(1)}})), "amounts");
  EXPECT_EQ(place(ask("a", {{"gb", dec(-1)}})), "amounts.gb");
  Request request = ask_gb("a", 1);
  request.where = "self.gb >";
  EXPECT_EQ(place(request), "where");
  request = ask_gb("a", 1);
  request.policy = "frist";
  EXPECT_EQ(place(request), "policy");
  request.type = "dsik";
  EXPECT_EQ(place(request), "type");
}

TEST(Plan, SaysThatAnOlderVersionHadTheDimension) {
  const auto pool = make_pool(kDiskType);
  apply_document(*pool, "{'types': {'disk': {'dimensions': {'tb': {}}}}}");
  EXPECT_EQ(error_of(pool->allocate(ask_gb("a", 1))),
            "amounts: type 'disk' has no dimension 'gb' in version 2; version 1 had it: ask in the newest one's "
            "dimensions, and migrate older instances to it");
  EXPECT_EQ(error_of(pool->allocate(ask("a", {{"tbb", dec(1)}}))),
            "amounts: type 'disk' has no dimension 'tbb'; did you mean 'tb'?");
}

}  // namespace
}  // namespace apportion
