#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

std::string with_step(const std::string& step) {
  return "{'types': {'disk': {'dimensions': {'gb': {'unit': 'GB', 'step': " + step + "}}}}}";
}

TEST(Sums, AreOverEveryVersionInExactUnits) {
  const auto pool = disks({60, 60}, with_step("0.001"));
  grant(*pool, ask("a", {{"gb", dec("0.25")}}));  // on d1
  apply_document(*pool, with_step("1"));
  ASSERT_EQ(error_of(pool->add(instance("d8", "disk", {{"gb", dec(9)}}))), "");
  const Denial why = denial(*pool, ask_gb("b", 90));
  ASSERT_EQ(why.binding.size(), 1U);
  const BindingSum& sum = why.binding[0];
  EXPECT_EQ(sum.largest_free, "60");
  EXPECT_EQ(sum.total_free, "128.75");  // 59.75 + 60 + 9
  EXPECT_EQ(sum.total_used, "0.25");
  EXPECT_EQ(sum.total_limit, "129");
  EXPECT_EQ(sum.total_capacity, "129");
  EXPECT_EQ(sum.instances, 3U);
  EXPECT_EQ(sum.short_of_it, 3U);
  EXPECT_NE(why.message.find("gb 90 GB > largest limit 60 GB; 129 GB in all on 3 instances"), std::string::npos)
      << why.message;
}

// 2/3 + 1/2 = 7/6: the common step is 1/6.
TEST(Sums, FindAStepThatIsCommonToAll) {
  const auto pool = disks({}, with_step("'1/3'"));
  ASSERT_EQ(error_of(pool->add(instance("d1", "disk", {{"gb", dec("0.67")}}))), "");
  apply_document(*pool, with_step("'1/2'"));
  ASSERT_EQ(error_of(pool->add(instance("d2", "disk", {{"gb", dec("0.5")}}))), "");
  const Denial why = denial(*pool, ask("a", {{"gb", dec("1")}}));
  EXPECT_EQ(why.binding[0].total_free.substr(0, 9), "1.1666666");
  EXPECT_EQ(why.binding[0].largest_free.substr(0, 9), "0.6666666");
}

// 2/3 + 1/3 is exactly what is asked for; a sum of doubles could miss it.
TEST(Sums, AreExactForTheClassToo) {
  const auto pool = disks({}, with_step("'1/3'"));
  for (const char* id : {"d1", "d2"}) {
    ASSERT_EQ(error_of(pool->add(instance(id, "disk", {{"gb", dec(1)}}))), "");
  }
  grant(*pool, ask("a", {{"gb", dec("0.333")}}));  // d1 keeps 2/3
  grant(*pool, ask("a", {{"gb", dec("0.667")}}));  // rounded up to 1: d2 keeps nothing
  apply_document(*pool, with_step("'1/6'"));
  ASSERT_EQ(error_of(pool->add(instance("d3", "disk", {{"gb", dec("0.34")}}))), "");
  EXPECT_EQ(denial(*pool, ask_gb("b", 1)).denial_class, DenialClass::kFragmented);
}

TEST(Sums, WithoutACommonStepAreRoundedDown) {
  const auto pool = disks({7}, with_step("'1/999999999989'"));
  apply_document(*pool, with_step("'1/999999999961'"));
  ASSERT_EQ(error_of(pool->add(instance("d2", "disk", {{"gb", dec(2)}}))), "");
  const Denial why = denial(*pool, ask_gb("a", 8));
  EXPECT_EQ(why.binding[0].largest_free, "7");
  EXPECT_EQ(why.binding[0].total_free, "9");
}

TEST(Sums, BeyondTheLargestNumberOfFineStepsAreGivenInCoarserOnes) {
  const auto pool = disks({}, with_step("0.000001"));
  ASSERT_EQ(error_of(pool->add(instance("d1", "disk", {{"gb", dec(8'000'000'000)}}))), "");
  apply_document(*pool, with_step("1"));
  ASSERT_EQ(error_of(pool->add(instance("d2", "disk", {{"gb", dec(9'000'000'000)}}))), "");
  EXPECT_EQ(denial(*pool, ask("a", {{"gb", dec(9'000'000'001)}})).binding[0].total_free, "17000000000");
}

TEST(Sums, AreLeftOutWhenNobodyIsLeftToAsk) {
  const auto pool = disks({10});
  Request request = ask_gb("a", 1);
  request.where = "self.id == 'd9'";
  EXPECT_TRUE(denial(*pool, request).binding.empty());
}

}  // namespace
}  // namespace apportion
