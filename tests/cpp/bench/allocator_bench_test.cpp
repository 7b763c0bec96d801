// The rows and what stands in them; how fast they are is nobody's business here.
#include "apportion/bench/allocator_bench.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "apportion/base/status.hpp"

namespace apportion {
namespace {

BenchOptions quick(std::string rows = {}) {
  BenchOptions options;
  options.rows = std::move(rows);
  options.seconds_each = 0.001;
  options.instances = 100;
  return options;
}

TEST(AllocatorBench, MeasuresEveryRowItNames) {
  const std::vector<BenchRow> rows = run_allocator_bench(quick());
  std::vector<std::string> names;
  for (const BenchRow& row : rows) {
    names.push_back(row.name);
    EXPECT_TRUE(std::isfinite(row.value) && row.value > 0) << row.name << " " << row.value;
    EXPECT_TRUE(std::isfinite(row.yardstick) && row.yardstick > 0) << row.name;
    EXPECT_DOUBLE_EQ(row.ratio, row.value / row.yardstick) << row.name;
    EXPECT_FALSE(row.unit.empty() || row.against.empty() || row.note.empty()) << row.name;
  }
  EXPECT_EQ(names, allocator_bench_rows(100));
}

TEST(AllocatorBench, NamesAreThoseOfTheTable) {
  const std::vector<std::string> rows = allocator_bench_rows();
  const std::set<std::string> names(rows.begin(), rows.end());
  EXPECT_EQ(names.size(), rows.size());
  for (const char* policy :
       {"closest_capacity", "least_utilised", "most_utilised", "balance", "first", "last", "expression"}) {
    EXPECT_TRUE(names.contains(std::string("pairs.hot16.") + policy));
    EXPECT_TRUE(names.contains(std::string("p99_us.hot16.") + policy));
  }
  for (const char* name :
       {"pairs.hot16.closest_capacity.keys", "pairs.hot150.closest_capacity", "pairs.cold.expression",
        "pairs.cold.quantities", "ns_per_pair.scale.1k", "ns_per_pair.scale.10k", "ns_per_pair.scale.100k",
        "ns_per_pair.scale.1M", "bytes_per_instance", "bytes_per_claim", "fork_us", "pairs.after_fork",
        "replay.changes", "denial.repairs", "denial.whole", "expr_ns_per_candidate.20ops", "pairs.multiset"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(AllocatorBench, APatternSelectsRows) {
  std::vector<std::string> told;
  BenchOptions options = quick("p99_us.hot16.first");
  options.on_row = [&](const BenchRow& row) { told.push_back(row.name); };
  const std::vector<BenchRow> rows = run_allocator_bench(options);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(told, std::vector<std::string>{"p99_us.hot16.first"});
  EXPECT_NE(rows[0].note.find("% of machines fit a shape"), std::string::npos) << rows[0].note;
  EXPECT_NE(rows[0].note.find("denied"), std::string::npos);
  EXPECT_TRUE(run_allocator_bench(quick("no such row")).empty());
}

TEST(AllocatorBench, WhatIsRememberedPerClaimIsCounted) {
  const std::vector<BenchRow> rows = run_allocator_bench(quick("bytes"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_GT(rows[0].value, rows[0].yardstick) << "a pool knows more of an instance than two columns";
  EXPECT_GT(rows[1].value, rows[1].yardstick);
}

TEST(AllocatorBench, TooFewInstancesAreRefused) {
  BenchOptions options = quick();
  options.instances = 99;
  EXPECT_THROW(run_allocator_bench(options), ErrorException);
}

}  // namespace
}  // namespace apportion
