#include "apportion/base/crew.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace apportion {
namespace {

TEST(CrewThread, EachDoesItsPartInEveryRound) {
  for (const unsigned size : {1U, 2U, 5U}) {
    Crew crew(size);
    ASSERT_EQ(crew.size(), size);
    std::vector<int> parts(size);
    for (int round = 1; round <= 200; ++round) {
      crew.run([&](unsigned number) { ++parts[number]; });
      ASSERT_EQ(parts, std::vector<int>(size, round));
    }
  }
}

TEST(CrewThread, WhatOneThrowsReachesTheCallerAndTheNextRoundIsWhole) {
  Crew crew(3);
  for (const unsigned bad : {0U, 2U}) {
    const auto work = [&](unsigned number) {
      if (number == bad) throw std::runtime_error("no");
    };
    EXPECT_THROW(crew.run(work), std::runtime_error);
    std::atomic<int> done = 0;
    crew.run([&](unsigned) { ++done; });
    EXPECT_EQ(done, 3);
  }
}

}  // namespace
}  // namespace apportion
