#include "apportion/allocator/expressions.hpp"

#include <gtest/gtest.h>

#include "support/world.hpp"

namespace apportion {
namespace {

class ExpressionsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}}}").has_value());
    ASSERT_TRUE(
        world_.define(Catalog::kDefinePolicy, "mine", "{'score': 'used.gb', 'where': 'self.claims < 3'}").has_value());
  }
  World world_;
  Expressions expressions_;
};

TEST_F(ExpressionsTest, CompileOnce) {
  const auto first = expressions_.policy(world_.catalog(), 0, "mine");
  ASSERT_TRUE(first);
  EXPECT_EQ(*expressions_.policy(world_.catalog(), 0, "mine"), *first);
  EXPECT_EQ((*first)->definition.score, "used.gb");
  EXPECT_TRUE((*first)->where);
  EXPECT_FALSE((*first)->reads_groups());
  const auto filter = expressions_.filter(world_.catalog(), 0, "used.gb > 1");
  ASSERT_TRUE(filter);
  EXPECT_EQ(*expressions_.filter(world_.catalog(), 0, "used.gb > 1"), *filter);
}

TEST_F(ExpressionsTest, ForgetWhenTheCatalogueChanges) {
  const auto first = expressions_.policy(world_.catalog(), 0, "mine");
  ASSERT_TRUE(world_.define(Catalog::kDefinePolicy, "mine", "{'score': 'free.gb'}").has_value());
  const auto second = expressions_.policy(world_.catalog(), 0, "mine");
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->definition.score, "free.gb");
  EXPECT_EQ((*first)->definition.score, "used.gb") << "who holds the old one keeps it";
}

TEST_F(ExpressionsTest, ForgetWhenADefinitionIsRolledBack) {
  Transaction log;
  const std::string payload = Catalog::payload("mine", tree("{'score': 'free.gb'}"));
  ASSERT_TRUE(world_.state().apply(world_.change(Catalog::kDefinePolicy, payload), log).has_value());
  EXPECT_EQ((*expressions_.policy(world_.catalog(), 0, "mine"))->definition.score, "free.gb");
  log.rollback();
  EXPECT_EQ((*expressions_.policy(world_.catalog(), 0, "mine"))->definition.score, "used.gb");
}

TEST_F(ExpressionsTest, HoldABoundedNumberOfFilters) {
  const auto first = expressions_.filter(world_.catalog(), 0, "used.gb > 0");
  for (int i = 1; i < 3000; ++i) {
    ASSERT_TRUE(expressions_.filter(world_.catalog(), 0, "used.gb > " + std::to_string(i)));
  }
  const auto again = expressions_.filter(world_.catalog(), 0, "used.gb > 0");
  EXPECT_NE(*again, *first) << "it was forgotten in between";
}

TEST_F(ExpressionsTest, SayWhatDoesNotCompileAndWhere) {
  const auto missing = expressions_.policy(world_.catalog(), 0, "mime");
  ASSERT_TRUE(missing.has_error());
  EXPECT_EQ(missing.error().text(), "policy: there is no policy 'mime'; did you mean 'mine'?");
  PolicyDefinition policy;
  policy.name = "p";
  policy.score = "used.tb";
  const auto score = Expressions::compile_policy(world_.catalog(), 0, policy);
  ASSERT_TRUE(score.has_error());
  EXPECT_EQ(score.error().place, "policies.p.score");
  EXPECT_NE(score.error().message.find("(for type 'disk')"), std::string::npos);
  policy.score = "group(self.location).load";
  policy.where = "1";
  EXPECT_EQ(Expressions::compile_policy(world_.catalog(), 0, policy).error().place, "policies.p.where");
  policy.where = "";
  EXPECT_TRUE((*Expressions::compile_policy(world_.catalog(), 0, policy))->reads_groups());
  EXPECT_EQ(expressions_.filter(world_.catalog(), 0, "(").error().place, "where");
}

}  // namespace
}  // namespace apportion
