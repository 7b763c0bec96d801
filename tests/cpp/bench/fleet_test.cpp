// The generator: equal everywhere, filled as stated, and pairs that keep the pool as full as it is.
#include "apportion/bench/fleet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "apportion/bench/yardsticks.hpp"

namespace apportion {
namespace {

FleetOptions options(std::size_t instances, std::size_t shapes = 16) {
  FleetOptions options;
  options.instances = instances;
  options.shapes = shapes;
  options.pool.clock = Time{0};
  return options;
}

const TableColumn& column(const Table& table, const std::string& name) {
  return *std::ranges::find(table.columns, name, &TableColumn::name);
}

TEST(BenchRandom, IsTheSameEverywhereAndUniform) {
  BenchRandom random(1);
  EXPECT_EQ(random.next(), mix64(1 + 0x9e3779b97f4a7c15ULL));
  std::map<std::size_t, int> counts;
  for (int i = 0; i < 30'000; ++i) ++counts[random.below(3)];
  ASSERT_EQ(counts.size(), 3U);
  for (const auto& [value, count] : counts) EXPECT_NEAR(count, 10'000, 400) << value;  // 5 standard deviations
}

TEST(Fleet, MachinesComeInThirdsOfOneTwoFour) {
  const Fleet fleet = Fleet::make(options(300));
  for (std::size_t d = 0; d < kFleetDimensions; ++d) {
    std::map<Steps, int> sizes;
    for (const Steps limit : fleet.columns.limit[d]) ++sizes[limit / kSmallMachine[d]];
    EXPECT_EQ(sizes, (std::map<Steps, int>{{1, 100}, {2, 100}, {4, 100}}));
  }
}

TEST(Fleet, ShapesDifferAndStayWithinTheirBounds) {
  const Fleet fleet = Fleet::make(options(100, 150));
  EXPECT_EQ(std::set<FleetAmounts>(fleet.shapes.begin(), fleet.shapes.end()).size(), 150U);
  for (std::size_t i = 0; i < fleet.shapes.size(); ++i) {
    for (std::size_t d = 0; d < kFleetDimensions; ++d) {
      const double plain = static_cast<double>(kSmallMachine[d] << (i % 3)) / 8;
      EXPECT_GE(static_cast<double>(fleet.shapes[i][d]), 0.9 * plain - 1);
      EXPECT_LE(static_cast<double>(fleet.shapes[i][d]), 1.4 * plain);
    }
  }
}

TEST(Fleet, TheScarcestDimensionIsFilledToTheShare) {
  const Fleet fleet = Fleet::make(options(3000));
  const auto used = fleet.used_share();
  // The last claim passes 85 %: by less than the largest request, a tenth of a per cent of 3,000 machines.
  EXPECT_GE(*std::ranges::max_element(used), 0.85);
  EXPECT_LT(*std::ranges::max_element(used), 0.851);
  EXPECT_GT(*std::ranges::min_element(used), 0.6);
  EXPECT_GT(fleet.fitting_share(), 0.05);
  EXPECT_LT(fleet.fitting_share(), 0.4);
}

// The bare columns say what the pool says.
TEST(Fleet, ColumnsEqualThePool) {
  const Fleet fleet = Fleet::make(options(120));
  const Table table = fleet.pool->instances();
  ASSERT_EQ(table.rows, 120U);
  for (std::size_t d = 0; d < kFleetDimensions; ++d) {
    const auto& used = std::get<TableColumn::Numbers>(column(table, "used." + std::string(kFleetNames[d])).values);
    const auto& limit = std::get<TableColumn::Numbers>(column(table, "limit." + std::string(kFleetNames[d])).values);
    for (std::size_t row = 0; row < table.rows; ++row) {
      EXPECT_EQ(used[row], static_cast<double>(fleet.columns.used[d][row]));
      EXPECT_EQ(limit[row], static_cast<double>(fleet.columns.limit[d][row]));
    }
  }
  EXPECT_EQ(fleet.pool->claims().rows, fleet.live.size());
}

TEST(Fleet, EqualSeedsEqualPools) {
  const Fleet one = Fleet::make(options(100)), same = Fleet::make(options(100));
  EXPECT_EQ(one.pool->snapshot(), same.pool->snapshot());
  FleetOptions other = options(100);
  other.seed = 2;
  EXPECT_NE(Fleet::make(other).pool->hash(), one.pool->hash());
}

TEST(Fleet, KeysAreKeptWhenAskedFor) {
  FleetOptions keyed = options(100);
  keyed.keys = true;
  const Fleet fleet = Fleet::make(keyed);
  Request request = fleet.requests[0];
  request.consumer = "c0";
  request.key = "fill-0";
  EXPECT_EQ(fleet.pool->allocate(request).error().code, ErrorCode::kIdempotency) << "the key was used";
  EXPECT_NE(fleet.pool->hash(), Fleet::make(options(100)).pool->hash());
}

TEST(Fleet, TheScoreHasTwentyOperations) {
  const Program program = BareScores::compile(kFleetScore);
  std::size_t operations = 0;
  for (const char c : std::string_view("+-*/"))
    operations += static_cast<std::size_t>(std::ranges::count(kFleetScore, c));
  EXPECT_EQ(operations + 1, 20U) << "and one max";
  EXPECT_FALSE(program.uniform());
}

TEST(Churn, KeepsTheNumberOfClaimsAndLaw1) {
  const Fleet fleet = Fleet::make(options(60));
  Churn churn(fleet, fleet.pool->fork(), 3);
  churn.use("least_utilised");
  for (int i = 0; i < 400; ++i) {
    churn.pair();
    ASSERT_EQ(churn.pool().claims().rows, fleet.live.size());
  }
  EXPECT_EQ(churn.pairs(), 400U);
  EXPECT_LT(churn.denied(), 400U);
  EXPECT_NE(churn.pool().hash(), fleet.pool->hash());
}

// The claim just granted stays: its slot's generation is alive right after the pair.
TEST(Churn, NeverReleasesWhatItJustGranted) {
  const Fleet fleet = Fleet::make(options(60));
  Churn churn(fleet, fleet.pool->fork(), 3);
  churn.use("first");
  std::uint64_t granted = 0;
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t before = churn.pool().revision().number;
    churn.pair();
    if (churn.pool().revision().number != before + 2) continue;  // denied: one record
    ++granted;
    const Node grant = churn.pool().journal_entry(before + 1).value();
    const Node release = churn.pool().journal_entry(before + 2).value();
    EXPECT_NE(to_json(grant), to_json(release));
    EXPECT_EQ(churn.pool().claims().rows, fleet.live.size());
  }
  EXPECT_GT(granted, 200U);
  EXPECT_EQ(granted + churn.denied(), 300U);
}

TEST(Churn, EqualSeedsDoTheSame) {
  const Fleet fleet = Fleet::make(options(60));
  Churn one(fleet, fleet.pool->fork(), 3), same(fleet, fleet.pool->fork(), 3), other(fleet, fleet.pool->fork(), 4);
  for (Churn* churn : {&one, &same, &other}) {
    churn->use("closest_capacity");
    churn->use_keys();
    for (int i = 0; i < 50; ++i) churn->pair();
  }
  EXPECT_EQ(one.pool().snapshot(), same.pool().snapshot());
  EXPECT_NE(one.pool().hash(), other.pool().hash());
}

TEST(Refused, IsDeniedAndCanBeCuredInManyWays) {
  const Fleet fleet = Fleet::make(options(300));
  const std::shared_ptr<Pool> pool = fleet.pool->fork();
  const Request request = refused(fleet, *pool);
  ASSERT_TRUE(std::holds_alternative<Denial>(pool->allocate(request).value()));
  std::set<RepairKind> kinds;
  for (const Repair& repair : pool->repairs(request).value().list) kinds.insert(repair.kind);
  EXPECT_GE(kinds.size(), 6U);
}

}  // namespace
}  // namespace apportion
