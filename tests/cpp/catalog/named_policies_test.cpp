#include "apportion/catalog/named_policies.hpp"

#include <gtest/gtest.h>

#include "apportion/catalog/document.hpp"
#include "apportion/catalog/scope.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

TEST(NamedPolicies, AreTheSevenOfTheReference) {
  struct Row {
    const char* name;
    const char* score;
    Order order;
    Ties ties;
  };
  const Row rows[] = {
      {"least_utilised", "mean(used / limit)", Order::kMin, Ties::kLowestId},
      {"most_utilised", "mean(used / limit)", Order::kMax, Ties::kLowestId},
      {"balance", "sum(square((used + request) / limit) - square(used / limit))", Order::kMin, Ties::kLowestId},
      {"balance_count", "self.consumers", Order::kMin, Ties::kLowestId},
      {"closest_capacity", "sum((free - request) / scale)", Order::kMin, Ties::kLowestId},
      {"first", "0", Order::kMin, Ties::kLowestId},
      {"last", "0", Order::kMin, Ties::kHighestId},
  };
  ASSERT_EQ(named_policies().size(), std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    const PolicyDefinition& policy = named_policies()[i];
    EXPECT_EQ(policy.name, rows[i].name);
    EXPECT_EQ(policy.score, rows[i].score);
    EXPECT_EQ(policy.order, rows[i].order);
    EXPECT_EQ(policy.ties, rows[i].ties);
    EXPECT_FALSE(policy.description.empty());
    EXPECT_EQ(policy.quantum, 0);
  }
}

TEST(NamedPolicies, FitEveryTypeAndCanBeCopied) {
  World world;
  for (const char* json : {"{'dimensions': {}}", "{'dimensions': {'gb': {}}}", "{'dimensions': {'a': {}, 'b': {}}}"}) {
    ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", json).has_value());
    for (const PolicyDefinition& policy : named_policies()) {
      const Status status = check_policy(world.catalog(), world.catalog().find_type("disk")->definition, policy);
      EXPECT_TRUE(status.has_value()) << policy.name << " " << json << ": " << message_of(status);
      std::vector<Problem> problems;
      EXPECT_EQ(read_policy(policy.name, to_node(policy), "", problems), policy);
      EXPECT_TRUE(problems.empty());
    }
  }
}

}  // namespace
}  // namespace apportion
