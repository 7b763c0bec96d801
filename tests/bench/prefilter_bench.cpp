// Time of the prefilter over 100,000 rows at each CPU level, beside the plain loop and beside adding up the same
// columns, which is what the memory costs.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <new>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "apportion/base/cpu.hpp"
#include "apportion/base/prefilter.hpp"

namespace {

using apportion::CpuLevel;

constexpr std::size_t kRows = 100'000;

struct Aligned {
  explicit Aligned(std::uint64_t seed) : cells(static_cast<float*>(::operator new(kRows * sizeof(float), kAlignment))) {
    std::mt19937_64 random(seed);
    for (std::size_t row = 0; row < kRows; ++row) cells[row] = static_cast<float>(random() % 1000);
  }
  ~Aligned() { ::operator delete(cells, kAlignment); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;

  static constexpr std::align_val_t kAlignment{64};
  float* cells;
};

double seconds_of(auto&& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::size_t by_hand(const std::vector<const float*>& columns, const std::vector<float>& least, std::uint32_t* out) {
  std::size_t found = 0;
  for (std::size_t row = 0; row < kRows; ++row) {
    bool passes = true;
    for (std::size_t k = 0; k < columns.size(); ++k) passes &= columns[k][row] >= least[k];
    out[found] = static_cast<std::uint32_t>(row);
    found += passes ? 1 : 0;
  }
  return found;
}

float sum_of(const std::vector<const float*>& columns) {
  float sums[16] = {};
  for (const float* column : columns) {
    for (std::size_t row = 0; row < kRows; ++row) sums[row % 16] += column[row];
  }
  return std::accumulate(std::begin(sums), std::end(sums), 0.0F);
}

/// Arguments: columns; per mille of the rows that the first column lets pass; level.
void prefilter(benchmark::State& state) {
  const auto level = static_cast<CpuLevel>(state.range(2));
  if (!apportion::cpu_supports(level)) return state.SkipWithError("not on this machine");
  const CpuLevel before = apportion::cpu_level();
  apportion::use_cpu_level(level);
  std::vector<std::unique_ptr<Aligned>> memory;
  std::vector<const float*> columns;
  for (std::int64_t k = 0; k < state.range(0); ++k) {
    memory.push_back(std::make_unique<Aligned>(k));
    columns.push_back(memory.back()->cells);
  }
  std::vector<float> least(columns.size(), 300);
  least[0] = static_cast<float>(1000 - state.range(1));
  std::vector<std::uint32_t> out(kRows + 1);
  double best_s = 1, hand_s = 1, memory_s = 1;
  std::size_t found = 0, expected = 0;
  for (auto _ : state) {
    best_s = std::min(best_s, seconds_of([&] {
                        found = apportion::prefilter(columns, least, kRows, apportion::kPrefilterLanes, 0, out.data());
                      }));
    hand_s = std::min(hand_s, seconds_of([&] { expected = by_hand(columns, least, out.data()); }));
    memory_s = std::min(memory_s, seconds_of([&] { benchmark::DoNotOptimize(sum_of(columns)); }));
  }
  apportion::use_cpu_level(before);
  if (found != expected) state.SkipWithError("the prefilter and the plain loop disagree");
  state.SetLabel(std::string(apportion::cpu_level_name(level)));
  state.counters["us"] = best_s * 1e6;
  state.counters["by_hand_us"] = hand_s * 1e6;
  state.counters["sum_us"] = memory_s * 1e6;
  state.counters["passing"] = static_cast<double>(found);
}

}  // namespace

BENCHMARK(prefilter)->ArgNames({"columns", "per_mille", "level"})->ArgsProduct({{1, 4}, {1, 20, 150}, {0, 1}});
