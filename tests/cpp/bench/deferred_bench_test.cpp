#include <gtest/gtest.h>

#include "apportion/bench/allocator_bench.hpp"

namespace apportion {
namespace {

// Each release frees what somebody waits for: about one activation each.
TEST(DeferredBench, EveryReleaseActivates) {
  BenchOptions options;
  options.rows = "deferred.activations";
  options.seconds_each = 0.001;
  options.instances = 1000;
  const std::vector<BenchRow> rows = run_allocator_bench(options);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].unit, "activations/s");
  // Lines of one amount after the other are not filled to the last unit.
  EXPECT_EQ(rows[0].note, "1160 wait, 9840 hold; a release each");
}

}  // namespace
}  // namespace apportion
