// Yardsticks do what they claim to do; how fast they are is nobody's business here.
#include "apportion/bench/yardsticks.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "apportion/bench/timing.hpp"

namespace apportion {
namespace {

Fleet fleet() {
  FleetOptions options;
  options.instances = 700;
  options.pool.clock = Time{0};
  return Fleet::make(options);
}

TEST(BareScores, TheProgramAndTheLoopByHandAgree) {
  const Fleet made = fleet();
  BareScores bare(made.columns);
  const Program program = BareScores::compile(kFleetScore);
  const auto scores = bare.by_program(program, 700, made.shapes[3]);
  const std::vector<double> expected(scores.begin(), scores.end());
  const auto by_hand = bare.by_hand(700, made.shapes[3]);
  EXPECT_TRUE(std::ranges::equal(expected, by_hand));
  EXPECT_GT(std::ranges::max(expected) - std::ranges::min(expected), 1);
}

TEST(BareScores, PickedRowsAreThoseRows) {
  const Fleet made = fleet();
  BareScores bare(made.columns);
  const Program program = BareScores::compile(kFleetScore);
  const auto scores = bare.by_program(program, 700, made.shapes[0]);
  const std::vector<double> all(scores.begin(), scores.end());
  const std::vector<std::uint32_t> rows{699, 3, 300};
  const auto picked = bare.by_program(program, rows, made.shapes[0]);
  EXPECT_TRUE(std::ranges::equal(picked, std::vector<double>{all[699], all[3], all[300]}));
}

// 1 machine: free - request of each dimension over the largest capacity, summed.
TEST(BareScores, KnowsTheNamesOfTheNamedPolicies) {
  FleetColumns columns;
  for (std::size_t d = 0; d < kFleetDimensions; ++d) {
    columns.limit[d] = {100, 200};
    columns.used[d] = {40, 0};
  }
  BareScores bare(columns);
  const auto scores = bare.by_program(BareScores::compile("sum((free - request) / scale)"), 2, {10, 20, 30, 40});
  EXPECT_DOUBLE_EQ(scores[0], 50.0 / 200 + 40.0 / 200 + 30.0 / 200 + 20.0 / 200);
  EXPECT_DOUBLE_EQ(scores[1], 190.0 / 200 + 180.0 / 200 + 170.0 / 200 + 160.0 / 200);
}

TEST(BareMultiset, GrantsAndDenies) {
  const Fleet made = fleet();
  BareMultiset bare(made);
  for (int i = 0; i < 2000; ++i) bare.pair();
  EXPECT_LT(bare.denied(), 200U) << "300 of 700 machines have room in one dimension";
  Fleet full = fleet();
  full.columns.used = full.columns.limit;
  BareMultiset none(full);
  none.pair();
  EXPECT_EQ(none.denied(), 1U);
}

TEST(BareLeaves, RunsForAnySize) {
  const Fleet made = fleet();
  BareLeaves bare(made.columns, 16);
  const PairTimes times = time_pairs(0, 100, [&] { bare.pair(); });
  EXPECT_EQ(times.pairs, 100U);
  EXPECT_GT(times.seconds, 0);
}

TEST(Timing, QuantilesAreOrderStatistics) {
  std::vector<int> values(100);
  for (int i = 0; i < 100; ++i) values[static_cast<std::size_t>(i)] = (i * 37) % 100;
  EXPECT_EQ(quantile(values, 0.99), 99);
  EXPECT_EQ(quantile(values, 0.5), 50);
  EXPECT_EQ(quantile(values, 0.0), 0);
  EXPECT_EQ(quantile(values, 1.0), 99);
}

TEST(Timing, CallsAtLeastTheMinimum) {
  int calls = 0;
  EXPECT_GE(median_call(0, 7, [&] { ++calls; }), 0);
  EXPECT_EQ(calls, 7);
  const double start = bench_now();
  EXPECT_GE(time_pairs(0.01, 1, [] {}).pairs, 1U);
  EXPECT_GE(bench_now() - start, 0.01);
}

}  // namespace
}  // namespace apportion
