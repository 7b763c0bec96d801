// Time of a score with 20 double operations per candidate, loads included, beside a hand-written loop over the same
// columns. The yardstick has none of the language's rules (no value for x / 0); it shows what the arithmetic and the
// memory cost.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "apportion/expr/program.hpp"

namespace {

using apportion::Program;
using apportion::Read;
using apportion::Ref;
using apportion::ValueType;

constexpr std::array<std::string_view, 8> kColumns{"used.gb",   "limit.gb",  "free.gb",   "used.cpu",
                                                   "limit.cpu", "self.heat", "self.load", "self.age"};
constexpr std::size_t kRows = 1 << 16;

// 20 operations: 7 +, 5 *, 2 /, 3 -, 1 abs, 1 max, 1 min.
constexpr std::string_view kScore =
    "(used.gb + request.gb) / limit.gb * 0.5 + (used.cpu + request.cpu) / limit.cpu * 0.25 + abs(self.heat - 30) * 0.02"
    " + max(self.load, 0.1) * min(self.age, 100) + (free.gb - request.gb) * 0.01 - self.heat + self.load";

class Names : public apportion::Scope {
 public:
  std::optional<Ref> resolve(std::string_view path) const override {
    if (path == "request.gb") return Ref{Read::kRequest, ValueType::kNumber, 100, true};
    if (path == "request.cpu") return Ref{Read::kRequest, ValueType::kNumber, 101, true};
    const auto* found = std::ranges::find(kColumns, path);
    if (found == kColumns.end()) return std::nullopt;
    return Ref{Read::kRow, ValueType::kNumber, static_cast<std::uint32_t>(found - kColumns.begin()), false};
  }
  std::uint32_t dimensions() const override { return 2; }
  std::vector<std::string> names() const override { return {}; }
};

/// Columns of doubles; candidates are a run of rows, or rows picked in rising order.
class Columns : public apportion::Source {
 public:
  Columns() : columns_(kColumns.size(), std::vector<double>(kRows)), rows_(kRows / 2) {
    std::mt19937_64 random(7);
    for (auto& column : columns_)
      std::ranges::generate(column, [&] { return 1 + static_cast<double>(random() % 1000) / 8; });
    for (std::size_t k = 0; k < rows_.size(); ++k) rows_[k] = static_cast<std::uint32_t>(2 * k + random() % 2);
  }

  void read(const Ref& ref, std::uint32_t n, double* out) override {
    if (ref.uniform) {
      *out = ref.id == 100 ? 3.5 : 2.0;
    } else if (picked) {
      const double* column = columns_[ref.id].data();
      for (std::uint32_t k = 0; k < n; ++k) out[k] = column[rows_[begin + k]];
    } else {
      std::copy_n(columns_[ref.id].data() + begin, n, out);
    }
  }
  double symbol(std::string_view) override { return -1; }
  std::string_view text(double) override { return {}; }

  const double* column(std::size_t which) const { return columns_[which].data(); }
  const std::uint32_t* rows() const { return rows_.data(); }

  bool picked = false;
  std::size_t begin = 0;

 private:
  std::vector<std::vector<double>> columns_;
  std::vector<std::uint32_t> rows_;
};

void by_program(const Program& program, Columns& columns, std::size_t count, double* out, apportion::Scratch& scratch) {
  program.begin(columns, scratch);
  for (columns.begin = 0; columns.begin < count; columns.begin += apportion::kBlockLanes) {
    const auto n = static_cast<std::uint32_t>(std::min<std::size_t>(apportion::kBlockLanes, count - columns.begin));
    program.evaluate(columns, n, out + columns.begin, scratch);
  }
}

template <bool kPicked>
void by_hand(const Columns& columns, std::size_t count, double* __restrict out) {
  const double gb = 3.5, cpu = 2.0;
  const auto at = [&](std::size_t column, std::size_t k) {
    return columns.column(column)[kPicked ? columns.rows()[k] : k];
  };
  for (std::size_t k = 0; k < count; ++k) {
    out[k] = (at(0, k) + gb) / at(1, k) * 0.5 + (at(3, k) + cpu) / at(4, k) * 0.25 + std::fabs(at(5, k) - 30) * 0.02 +
             std::max(at(6, k), 0.1) * std::min(at(7, k), 100.0) + (at(2, k) - gb) * 0.01 - at(5, k) + at(6, k);
  }
}

double seconds_of(auto&& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void score(benchmark::State& state, bool picked) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Columns columns;
  columns.picked = picked;
  const Program program = apportion::compile(kScore, ValueType::kNumber, Names()).value();
  apportion::Scratch scratch;
  std::vector<double> out(count), expected(count);
  double program_s = 1, hand_s = 1;
  for (auto _ : state) {
    const double seconds = seconds_of([&] { by_program(program, columns, count, out.data(), scratch); });
    benchmark::DoNotOptimize(out.data());
    const double by_hand_s = seconds_of([&] {
      picked ? by_hand<true>(columns, count, expected.data()) : by_hand<false>(columns, count, expected.data());
    });
    benchmark::DoNotOptimize(expected.data());
    program_s = std::min(program_s, seconds), hand_s = std::min(hand_s, by_hand_s);
    state.SetIterationTime(seconds);
  }
  if (out != expected) state.SkipWithError("the program and the hand-written loop disagree");
  state.counters["ns_per_candidate"] = program_s / static_cast<double>(count) * 1e9;
  state.counters["by_hand_ns"] = hand_s / static_cast<double>(count) * 1e9;
  state.counters["ratio"] = program_s / hand_s;
  state.counters["operations"] = static_cast<double>(program.operation_count());
}

void compile_score(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(apportion::compile(kScore, ValueType::kNumber, Names()).value());
}

void transcendental(benchmark::State& state, std::string_view text) {
  Columns columns;
  const Program program = apportion::compile(text, ValueType::kNumber, Names()).value();
  apportion::Scratch scratch;
  std::vector<double> out(1024);
  double best_s = 1;
  for (auto _ : state) {
    best_s = std::min(best_s, seconds_of([&] { by_program(program, columns, out.size(), out.data(), scratch); }));
  }
  state.counters["ns_per_candidate"] = best_s / static_cast<double>(out.size()) * 1e9;
}

}  // namespace

BENCHMARK_CAPTURE(score, contiguous, false)->Arg(256)->Arg(1024)->Arg(16384)->UseManualTime();
BENCHMARK_CAPTURE(score, picked_rows, true)->Arg(256)->Arg(1024)->Arg(16384)->UseManualTime();
BENCHMARK(compile_score);
BENCHMARK_CAPTURE(transcendental, exp, "exp(self.heat)");
BENCHMARK_CAPTURE(transcendental, log, "log(self.heat)");
BENCHMARK_CAPTURE(transcendental, pow, "pow(self.heat, self.load)");
