// The figures of the allocator, each beside a yardstick that was measured in the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace apportion {

/// One figure.
struct BenchRow {
  std::string name;
  double value = 0;
  std::string unit;      ///< of a rate ("pairs/s") more is better, of "us", "ns" and "bytes" less
  double yardstick = 0;  ///< in the same unit
  double ratio = 0;      ///< value / yardstick
  std::string against;   ///< what the yardstick is
  std::string note;      ///< under which circumstances: the share of fitting machines, denials
};

struct BenchOptions {
  std::string rows;                 ///< only rows whose name contains this
  double seconds_each = 1.0;        ///< about how long a row runs, preparation aside
  std::size_t instances = 100'000;  ///< the scale rows have a hundredth, a tenth, as many and ten times as many
  std::uint64_t seed = 1;           ///< of machines, shapes and pairs
  std::function<void(const BenchRow&)> on_row;  ///< called after each row; may throw to stop
};

/// Names of all rows in the order in which they are measured.
std::vector<std::string> allocator_bench_rows(std::size_t instances = 100'000);

/// Measures the rows of the table in docs/areas/bench.md. One thread; throws ErrorException on what must not happen and
/// on fewer than 100 instances.
std::vector<BenchRow> run_allocator_bench(const BenchOptions& options = {});

}  // namespace apportion
