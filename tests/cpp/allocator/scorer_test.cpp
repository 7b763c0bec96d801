#include "apportion/allocator/scorer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "sandbox.hpp"

namespace apportion {
namespace {

std::vector<double> keys_of(Sandbox& box, const Plan& plan) {
  Workspace apart;
  Scorer scorer(*box.sections, box.expressions, plan.versions[0], apart);
  std::vector<std::uint32_t> rows(box.table().rows());
  std::iota(rows.begin(), rows.end(), 0U);
  std::vector<double> keys(rows.size());
  scorer.keys(rows, keys.data());
  return keys;
}

Request with_policy(std::string where, std::string score, Order order, double quantum) {
  Request request = ask_gb("a", 1);
  request.own_policy =
      PolicyDefinition{"mine", "", std::move(where), std::move(score), order, quantum, Ties::kLowestId, 0, {}};
  return request;
}

TEST(Scorer, AKeyIsTheScoreInQuantaSignedByTheOrder) {
  Sandbox box;
  const auto keys = keys_of(box, box.plan(with_policy("", "self.ordinal / 4", Order::kMax, 2)));
  ASSERT_EQ(keys.size(), 100U);
  for (std::size_t row = 0; row < keys.size(); ++row)
    EXPECT_EQ(keys[row], -std::floor(static_cast<double>(box.table().ordinal[row]) / 4 / 2)) << row;
}

TEST(Scorer, WhatAFilterTakesOutHasNoKey) {
  Sandbox box;
  Request request = with_policy("capacity.gb > 2", "capacity.gb", Order::kMin, 0);
  request.where = "self.location == 'z1'";
  const auto keys = keys_of(box, box.plan(request));
  for (std::size_t row = 0; row < keys.size(); ++row) {
    const bool in = row % 7 > 2 && row % 3 == 1;
    EXPECT_EQ(std::isnan(keys[row]), !in) << row;
    if (in) {
      EXPECT_EQ(keys[row], static_cast<double>(row % 7)) << row;
    }
  }
}

TEST(Scorer, AnInstancesOwnPolicyGivesItsKey) {
  Sandbox box;
  Request request = ask_gb("a", 1);
  ASSERT_NE(box.table().policy[50], 0U);
  const auto keys = keys_of(box, box.plan(request));  // the type's policy is "first": every score is 0
  for (std::size_t row = 0; row < keys.size(); ++row)
    EXPECT_EQ(keys[row], row == 50 ? -std::fmod(static_cast<double>(box.table().ordinal[row]) * 7, 5) : 0.0) << row;
  request.policy = "first";  // the request's comes before it
  for (const double key : keys_of(box, box.plan(request))) EXPECT_EQ(key, 0.0);
}

TEST(Scorer, KnowsWhenNothingCanDiffer) {
  Sandbox box;
  Request request = ask_gb("a", 1);
  request.policy = "first";
  const Plan same = box.plan(request);
  Workspace work;
  EXPECT_EQ(Scorer(*box.sections, box.expressions, same.versions[0], work).constant(), 0.0);
  request.policy = "balance";
  const Plan other = box.plan(request);
  EXPECT_EQ(Scorer(*box.sections, box.expressions, other.versions[0], work).constant(), std::nullopt);
}

}  // namespace
}  // namespace apportion
