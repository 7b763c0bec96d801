#include <gtest/gtest.h>

#include "apportion/bench/allocator_bench.hpp"

namespace apportion {
namespace {

// What is measured is served: denials would be another figure.
TEST(WholeBench, RowsGrantWhatTheyAskFor) {
  BenchOptions options;
  options.seconds_each = 0.001;
  options.instances = 10'000;
  for (const auto& [name, most] :
       {std::pair("trees.10leaves", 20), std::pair("pairs.affinities", 10), std::pair("pairs.holdings", 10)}) {
    options.rows = name;
    const std::vector<BenchRow> rows = run_allocator_bench(options);
    ASSERT_EQ(rows.size(), 1U) << name;
    EXPECT_EQ(rows[0].unit, "pairs/s");
    EXPECT_GT(rows[0].ratio, 0) << name;
    const std::size_t comma = rows[0].note.rfind(", ");
    EXPECT_LE(std::stoi(rows[0].note.substr(comma + 2)), most) << rows[0].note;
  }
}

}  // namespace
}  // namespace apportion
