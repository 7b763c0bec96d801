// Time of reading rows of an instance table and of evaluating scores over them: per value, per candidate, and per call
// over the few candidates that an index leaves. The yardstick reads the same cells from bare arrays.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/base/cpu.hpp"
#include "apportion/catalog/areas.hpp"
#include "apportion/catalog/named_policies.hpp"
#include "apportion/inventory/row_source.hpp"
#include "apportion/journal/state.hpp"
#include "catalog/json_tree.hpp"

namespace {

using namespace apportion;

constexpr std::size_t kRows = 100'000;
constexpr std::size_t kDimensions = 4;
constexpr const char* kNames[kDimensions] = {"cpu", "gb", "disk", "net"};
constexpr const char* kType =
    "{'dimensions': {'cpu': {'step': 0.001}, 'gb': {'step': 0.5}, 'disk': {'step': 10}, 'net': {'step': '2/3'}},"
    "'fields': {'heat': {'kind': 'number'}}}";

// 20 operations: 5 +, 5 *, 6 /, 3 -, 1 max.
constexpr std::string_view kScore20 =
    "(used.cpu + request.cpu) / limit.cpu * 0.4 + (used.gb + request.gb) / limit.gb * 0.3 + (used.disk + request.disk)"
    " / limit.disk * 0.2 + max(free.net, 1) / limit.net * 0.1 - used.cpu / capacity.gb * (limit.disk - used.disk)"
    " / limit.disk";

/// A catalogue with one type, and a table of it that is filled without changes.
struct Yard {
  Yard() {
    state.add(kSymbolsArea, std::make_unique<Symbols>());
    state.add(kCatalogArea, std::make_unique<Catalog>());
    state.add(kInventoryArea, std::make_unique<Inventory>());
    state.link_all();
    const std::string payload = Catalog::payload("node", tree(kType));
    Revision revision = state.revision();
    ++revision.number;
    state.apply({Catalog::kDefineType, 1, revision, 0, payload}).value();
    const TypeVersion& version = catalog().version(0);
    table = std::make_unique<InstanceTable>(version);
    fill();
    request.amounts = {500, 8, 3, 6};
  }

  void fill() {
    Transaction log(Transaction::Keep::kForget);
    std::mt19937_64 random(11);
    table->resize(log, kRows);
    for (DimensionColumns& d : table->dimensions) {
      for (std::size_t row = 0; row < kRows; ++row) {
        const Steps capacity = 64'000 << (random() % 3);
        d.capacity.edit(log, row) = capacity;
        d.limit.edit(log, row) = capacity;
        d.used.edit(log, row) = static_cast<Steps>(random() % static_cast<std::uint64_t>(capacity));
      }
    }
    for (std::size_t row = 0; row < kRows; ++row) table->fields[0].numbers.edit(log, row) = {double(random() % 90)};
  }

  [[nodiscard]] Catalog& catalog() const { return state.section<Catalog>(kCatalogArea); }
  [[nodiscard]] RowSource source() const {
    return {state.section<Inventory>(kInventoryArea), state.section<Symbols>(kSymbolsArea), catalog(), *table, request};
  }

  State state;
  std::unique_ptr<InstanceTable> table;
  RequestValues request;
};

const Yard& yard() {
  static const Yard the_yard;
  return the_yard;
}

/// Rows in rising order, one in `one_in` at random.
std::vector<std::uint32_t> rows_of(double share) {
  std::mt19937_64 random(5);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < kRows; ++row) {
    if (static_cast<double>(random() % 1000) < share * 1000) rows.push_back(row);
  }
  return rows;
}

double seconds_of(auto&& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Compiled {
  explicit Compiled(std::string_view text)
      : scope(yard().catalog(), yard().catalog().version(0).definition),
        program(compile(text, ValueType::kNumber, scope).value()) {}
  TypeScope scope;
  Program program;
};

void evaluate_rows(const Compiled& compiled, RowSource& source, const std::vector<std::uint32_t>& rows, double* out,
                   Scratch& scratch) {
  for (std::size_t at = 0; at < rows.size(); at += kBlockLanes) {
    const auto block = std::span(rows).subspan(at, std::min<std::size_t>(kBlockLanes, rows.size() - at));
    source.set(block);
    compiled.program.evaluate(source, static_cast<std::uint32_t>(block.size()), out + at, scratch);
  }
}

/// A sum of `values` columns over rows; the yardstick adds up the same cells of bare arrays.
void read(benchmark::State& state, std::string_view text, double values, double share) {
  const Compiled compiled(text);
  const std::vector<std::uint32_t> rows = rows_of(share);
  RowSource source = yard().source();
  source.use(compiled.scope.bindings());
  Scratch scratch;
  std::vector<double> out(rows.size());
  std::vector<std::int64_t> bare(kRows, 3);
  double best_s = 1, bare_s = 1;
  for (auto _ : state) {
    compiled.program.begin(source, scratch);
    best_s = std::min(best_s, seconds_of([&] { evaluate_rows(compiled, source, rows, out.data(), scratch); }));
    bare_s = std::min(bare_s, seconds_of([&] {
                        for (std::size_t i = 0; i < rows.size(); ++i) out[i] = static_cast<double>(bare[rows[i]]);
                        benchmark::ClobberMemory();
                      }));
  }
  const double per_value = 1e9 / static_cast<double>(rows.size()) / values;
  state.counters["ns_per_value"] = best_s * per_value;
  state.counters["bare_ns"] = bare_s * 1e9 / static_cast<double>(rows.size());
}

/// kScore20 in a loop by hand, over bare arrays of steps.
class ByHand {
 public:
  ByHand() {
    for (std::size_t d = 0; d < kDimensions; ++d) {
      const DimensionColumns& columns = yard().table->dimensions[d];
      for (std::size_t row = 0; row < kRows; ++row) {
        used_[d].push_back(columns.used[row]);
        limit_[d].push_back(columns.limit[row]);
      }
    }
    for (std::size_t row = 0; row < kRows; ++row) capacity_gb_.push_back(yard().table->dimensions[1].capacity[row]);
  }

  void run(const std::vector<std::uint32_t>& rows, double* __restrict out) const {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint32_t row = rows[i];
      const double used_cpu = units(used_[0][row]) / 1000, used_disk = units(used_[2][row]) * 10;
      const double limit_disk = units(limit_[2][row]) * 10, limit_net = units(limit_[3][row]) * 2 / 3;
      const double free_net = units(limit_[3][row] - used_[3][row]) * 2 / 3;
      out[i] = (used_cpu + 0.5) / (units(limit_[0][row]) / 1000) * 0.4 +
               (units(used_[1][row]) / 2 + 4) / (units(limit_[1][row]) / 2) * 0.3 +
               (used_disk + 30) / limit_disk * 0.2 + (free_net < 1 ? 1 : free_net) / limit_net * 0.1 -
               used_cpu / (units(capacity_gb_[row]) / 2) * (limit_disk - used_disk) / limit_disk;
    }
  }

 private:
  static double units(Steps steps) { return static_cast<double>(steps); }
  std::vector<Steps> used_[kDimensions], limit_[kDimensions], capacity_gb_;
};

/// kScore20 over the rows at a CPU level, beside the loop by hand.
void score20(benchmark::State& state, CpuLevel level, double share) {
  if (!cpu_supports(level)) return state.SkipWithError("not on this machine");
  const CpuLevel before = cpu_level();
  use_cpu_level(level);
  const Compiled compiled(kScore20);
  const ByHand by_hand;
  const std::vector<std::uint32_t> rows = rows_of(share);
  RowSource source = yard().source();
  source.use(compiled.scope.bindings());
  Scratch scratch;
  std::vector<double> out(rows.size()), expected(rows.size());
  double best_s = 1, hand_s = 1;
  for (auto _ : state) {
    best_s = std::min(best_s, seconds_of([&] {
                        compiled.program.begin(source, scratch);
                        evaluate_rows(compiled, source, rows, out.data(), scratch);
                      }));
    hand_s = std::min(hand_s, seconds_of([&] { by_hand.run(rows, expected.data()); }));
    benchmark::DoNotOptimize(expected.data());
  }
  use_cpu_level(before);
  if (out != expected) state.SkipWithError("the program and the hand-written loop disagree");
  state.counters["ns_per_candidate"] = best_s * 1e9 / static_cast<double>(rows.size());
  state.counters["by_hand_ns"] = hand_s * 1e9 / static_cast<double>(rows.size());
  state.counters["ratio"] = best_s / hand_s;
}

/// A named policy's score over the rows.
void score(benchmark::State& state, std::string_view text, double share) {
  const Compiled compiled(text);
  const std::vector<std::uint32_t> rows = rows_of(share);
  RowSource source = yard().source();
  source.use(compiled.scope.bindings());
  Scratch scratch;
  std::vector<double> out(rows.size());
  double best_s = 1;
  for (auto _ : state) {
    best_s = std::min(best_s, seconds_of([&] {
                        compiled.program.begin(source, scratch);
                        evaluate_rows(compiled, source, rows, out.data(), scratch);
                      }));
  }
  state.counters["ns_per_candidate"] = best_s * 1e9 / static_cast<double>(rows.size());
  state.counters["operations"] = static_cast<double>(compiled.program.operation_count());
}

/// evaluate() alone, and begin() alone, over `n` rows.
void small_block(benchmark::State& state, std::string_view text, bool begin) {
  const Compiled compiled(text);
  const auto n = static_cast<std::uint32_t>(state.range(0));
  std::vector<std::uint32_t> rows(n);
  for (std::uint32_t i = 0; i < n; ++i) rows[i] = 1000 + (begin ? i : 37 * i);
  RowSource source = yard().source();
  source.use(compiled.scope.bindings());
  Scratch scratch;
  std::vector<double> out(n);
  compiled.program.begin(source, scratch);
  for (auto _ : state) {
    if (begin) compiled.program.begin(source, scratch);
    source.set(rows);
    compiled.program.evaluate(source, n, out.data(), scratch);
    benchmark::DoNotOptimize(out.data());
  }
}

std::string_view named(std::string_view name) {
  return std::ranges::find(named_policies(), name, &PolicyDefinition::name)->score;
}

}  // namespace

BENCHMARK_CAPTURE(read, steps_dense, "max(used)", 4, 1.0);
BENCHMARK_CAPTURE(read, steps_15_percent, "max(used)", 4, 0.15);
BENCHMARK_CAPTURE(read, units_dense, "max(used.cpu, used.gb, used.disk, used.net)", 4, 1.0);
BENCHMARK_CAPTURE(read, units_15_percent, "max(used.cpu, used.gb, used.disk, used.net)", 4, 0.15);
BENCHMARK_CAPTURE(read, free_15_percent, "max(free)", 4, 0.15);
BENCHMARK_CAPTURE(read, field_15_percent, "self.heat", 1, 0.15);
BENCHMARK_CAPTURE(score20, dense, CpuLevel::kV3, 1.0);
BENCHMARK_CAPTURE(score20, dense_baseline, CpuLevel::kBaseline, 1.0);
BENCHMARK_CAPTURE(score20, fifteen_percent, CpuLevel::kV3, 0.15);
BENCHMARK_CAPTURE(score20, fifteen_percent_baseline, CpuLevel::kBaseline, 0.15);
BENCHMARK_CAPTURE(score, closest_capacity_15_percent, named("closest_capacity"), 0.15);
BENCHMARK_CAPTURE(score, balance_15_percent, named("balance"), 0.15);
BENCHMARK_CAPTURE(small_block, closest_capacity, named("closest_capacity"), false)->Arg(8)->Arg(16)->Arg(32)->Arg(64);
BENCHMARK_CAPTURE(small_block, balance, named("balance"), false)->Arg(8)->Arg(32)->Arg(64);
BENCHMARK_CAPTURE(small_block, least_utilised, named("least_utilised"), false)->Arg(8)->Arg(32)->Arg(64);
BENCHMARK_CAPTURE(small_block, score20, kScore20, false)->Arg(8)->Arg(32)->Arg(64);
BENCHMARK_CAPTURE(small_block, closest_capacity_with_begin, named("closest_capacity"), true)->Arg(8)->Arg(32);
BENCHMARK_CAPTURE(small_block, balance_with_begin, named("balance"), true)->Arg(8)->Arg(32);
