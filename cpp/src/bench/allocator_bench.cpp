#include "apportion/bench/allocator_bench.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>

#include "apportion/bench/fleet.hpp"
#include "apportion/bench/timing.hpp"
#include "apportion/bench/yardsticks.hpp"
#include "deferred_bench.hpp"
#include "heap_bytes.hpp"
#include "whole_bench.hpp"

namespace apportion {
namespace {

constexpr std::size_t kMinInstances = 100;
/// However slow a pair is, so many are measured.
constexpr std::size_t kMinPairs = 30;
/// How often each shape is asked for before the clock starts: what is admitted by use is then there.
constexpr std::size_t kWarmUpPerShape = 4;
/// Part of a row's time that goes before its measurement.
constexpr double kWarmUpShare = 1.0;
constexpr std::size_t kPairsAfterFork = 1000;
constexpr std::size_t kReplayedPairs = 100'000;
constexpr std::size_t kPlainRows = 1 << 14;
constexpr const char* kLeaves = "row reads and leaf writes in bare arrays";
constexpr std::array<const char*, 7> kHotPolicies{
    "closest_capacity", "least_utilised", "most_utilised", "balance", "first", "last", "expression"};

std::string number_name(std::size_t n) {
  if (n % 1'000'000 == 0) return std::to_string(n / 1'000'000) + "M";
  if (n % 1000 == 0) return std::to_string(n / 1000) + "k";
  return std::to_string(n);
}

template <class... Values>
std::string text(const char* format, Values... values) {
  char buffer[160];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

// kFleetScore with another last constant: an expression that nobody has seen.
std::string other_score(std::uint64_t number) {
  constexpr std::string_view kLast = "0.25";
  return std::string(kFleetScore.substr(0, kFleetScore.size() - kLast.size())) +
         text("%.7f", 0.25 + 1e-7 * static_cast<double>(number % 1'000'000));
}

// Amounts that nobody has asked for: a little more than a shape's, 2^20 times without repetition.
FleetAmounts other_amounts(const FleetAmounts& shape, std::uint64_t number) {
  FleetAmounts amounts = shape;
  amounts[0] += static_cast<Steps>(number % 128);
  amounts[1] += static_cast<Steps>(number / 128 % 512);
  amounts[3] += static_cast<Steps>(number / 65'536 % 16);
  return amounts;
}

class Bench {
 public:
  explicit Bench(const BenchOptions& options) : options_(options) {
    if (options.instances < kMinInstances) {
      throw ErrorException(invalid("give at least 100 instances, found " + std::to_string(options.instances)));
    }
    plan();
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Group& group : groups_) all.insert(all.end(), group.names.begin(), group.names.end());
    return all;
  }

  std::vector<BenchRow> run() {
    for (const Group& group : groups_) {
      if (std::ranges::any_of(group.names, [&](const std::string& name) { return wanted(name); })) group.measure();
    }
    return std::move(rows_);
  }

 private:
  /// Rows that are measured together.
  struct Group {
    std::vector<std::string> names;
    std::function<void()> measure;
  };

  void plan() {
    const auto add = [&](std::vector<std::string> names, std::function<void()> measure) {
      groups_.push_back({std::move(names), std::move(measure)});
    };
    for (const char* policy : kHotPolicies)
      add({std::string("pairs.hot16.") + policy, std::string("p99_us.hot16.") + policy}, [=, this] { hot(policy); });
    add({"pairs.hot16.closest_capacity.keys"}, [this] { hot_keys(); });
    add({"pairs.multiset"}, [this] { multiset(); });
    add({"pairs.hot150.closest_capacity"}, [this] { hot150(); });
    add({"pairs.cold.expression"}, [this] { cold_expression(); });
    add({"pairs.cold.quantities"}, [this] { cold_quantities(); });
    add({"fork_us"}, [this] { fork(); });
    add({"pairs.after_fork"}, [this] { after_fork(); });
    add({"replay.changes"}, [this] { replay(); });
    add({"denial.repairs", "denial.whole"}, [this] { denials(); });
    add({"deferred.activations"}, [this] { emit(bench_activations(options_.seconds_each, options_.instances)); });
    add({"trees.10leaves"},
        [this] { emit(bench_trees(options_.seconds_each, std::max(options_.instances / 10, kMinInstances))); });
    add({"pairs.affinities"},
        [this] { emit(bench_affinities(options_.seconds_each, std::max(options_.instances / 20, kMinInstances))); });
    add({"pairs.holdings"},
        [this] { emit(bench_holdings(options_.seconds_each, std::max(options_.instances / 10, kMinInstances))); });
    add({"expr_ns_per_candidate.20ops"}, [this] { expression(); });
    const std::size_t n = options_.instances;
    for (const std::size_t size : {n / 100, n / 10, n, n * 10})
      add({"ns_per_pair.scale." + number_name(size)}, [=, this] { scale(size); });
    add({"bytes_per_instance", "bytes_per_claim"}, [this] { bytes(); });
  }

  [[nodiscard]] bool wanted(const std::string& name) const { return name.find(options_.rows) != std::string::npos; }

  void emit(BenchRow row) {
    if (!wanted(row.name)) return;
    row.ratio = row.value / row.yardstick;
    if (options_.on_row) options_.on_row(row);
    rows_.push_back(std::move(row));
  }

  /// `n` machines and `shapes` shapes, filled; the last one of another size is forgotten.
  const Fleet& fleet(std::size_t n, std::size_t shapes) {
    std::optional<Fleet>& held = n == options_.instances && shapes == 16 ? base_ : other_;
    if (!held || held->columns.rows() != n || held->shapes.size() != shapes) {
      held.reset();
      FleetOptions options;
      options.instances = n;
      options.shapes = shapes;
      options.seed = options_.seed;
      held = Fleet::make(options);
    }
    return *held;
  }
  const Fleet& base() { return fleet(options_.instances, 16); }

  const PairTimes& leaves(const Fleet& fleet) {
    const auto key = std::pair(fleet.columns.rows(), fleet.shapes.size());
    if (const auto known = leaves_.find(key); known != leaves_.end()) return known->second;
    BareLeaves bare(fleet.columns, fleet.shapes.size());
    return leaves_.emplace(key, time_pairs(options_.seconds_each / 4, kMinPairs, [&] { bare.pair(); })).first->second;
  }

  template <class Pair>
  PairTimes timed(Churn& churn, const Pair& pair) const {
    time_pairs(options_.seconds_each * kWarmUpShare, kMinPairs, pair);
    denied_before_ = churn.denied();
    return time_pairs(options_.seconds_each, kMinPairs, pair);
  }

  PairTimes timed_hot(Churn& churn, std::size_t shapes) const {
    for (std::size_t i = 0; i < kWarmUpPerShape * shapes; ++i) churn.pair();
    return timed(churn, [&] { churn.pair(); });
  }

  [[nodiscard]] std::string note(const Fleet& fleet, const PairTimes& times, const Churn& churn) const {
    return text("%.1f %% of machines fit a shape; %llu pairs, %llu denied", 100 * fleet.fitting_share(),
                static_cast<unsigned long long>(times.pairs),
                static_cast<unsigned long long>(churn.denied() - denied_before_));
  }

  BenchRow pairs(std::string name, const PairTimes& times, double yardstick_s, std::string against,
                 std::string note) const {
    return {std::move(name), 1 / times.seconds, "pairs/s", 1 / yardstick_s, 0, std::move(against), std::move(note)};
  }

  void hot(const char* policy) {
    Churn churn(base(), base().pool->fork(), options_.seed);
    churn.use(policy);
    const PairTimes times = timed_hot(churn, 16);
    const PairTimes& bare = leaves(base());
    const std::string circumstances = note(base(), times, churn);
    emit(pairs(std::string("pairs.hot16.") + policy, times, bare.seconds, kLeaves, circumstances));
    emit({std::string("p99_us.hot16.") + policy, 1e6 * times.p99_s, "us", 1e6 * bare.p99_s, 0, kLeaves, circumstances});
  }

  void hot_keys() {
    Churn churn(base(), base().pool->fork(), options_.seed);
    churn.use("closest_capacity");
    churn.use_keys();
    const PairTimes times = timed_hot(churn, 16);
    emit(pairs("pairs.hot16.closest_capacity.keys", times, leaves(base()).seconds, kLeaves,
               note(base(), times, churn) + "; a fresh key each"));
  }

  void multiset() {
    BareMultiset bare(base());
    const PairTimes times = time_pairs(options_.seconds_each, kMinPairs, [&] { bare.pair(); });
    emit(pairs("pairs.multiset", times, leaves(base()).seconds, kLeaves,
               "not apportion: closest capacity in one dimension on a std::multiset"));
  }

  void hot150() {
    const Fleet& many = fleet(options_.instances, 150);
    Churn churn(many, many.pool, options_.seed);
    const PairTimes times = timed_hot(churn, 150);
    emit(pairs("pairs.hot150.closest_capacity", times, leaves(many).seconds, kLeaves, note(many, times, churn)));
  }

  /// One evaluation of the score over the machines that fit a shape, a shape at a time.
  double evaluation(const Fleet& fleet, std::string_view score) {
    BareScores bare(fleet.columns);
    const Program program = BareScores::compile(score);
    std::vector<std::vector<std::uint32_t>> fitting;
    for (const FleetAmounts& shape : fleet.shapes) fitting.push_back(fleet.columns.fitting(shape));
    std::size_t at = 0;
    return time_pairs(options_.seconds_each / 4, kMinPairs,
                      [&] {
                        bare.by_program(program, fitting[at % fitting.size()], fleet.shapes[at % fitting.size()]);
                        ++at;
                      })
        .seconds;
  }

  void cold(const char* name, std::string_view score, bool new_expression) {
    const Fleet& fleet = base();
    Churn churn(fleet, fleet.pool->fork(), options_.seed);
    std::uint64_t number = 0;
    const PairTimes times = timed(churn, [&] {
      Request request = fleet_request(other_amounts(fleet.shapes[churn.random().below(fleet.shapes.size())], ++number));
      if (new_expression) {
        request.own_policy = PolicyDefinition{};
        request.own_policy->name = "own";
        request.own_policy->score = other_score(number);
      }
      churn.pair(request);
    });
    emit(pairs(name, times, evaluation(fleet, score), "one evaluation of the score over the fitting machines",
               note(fleet, times, churn)));
  }
  void cold_expression() { cold("pairs.cold.expression", kFleetScore, true); }
  void cold_quantities() { cold("pairs.cold.quantities", "sum((free - request) / scale)", false); }

  void scale(std::size_t size) {
    const Fleet& fleet = this->fleet(size, 16);
    Churn churn(fleet, fleet.pool->fork(), options_.seed);
    const PairTimes times = timed_hot(churn, 16);
    emit({"ns_per_pair.scale." + number_name(size), 1e9 * times.seconds, "ns", 1e9 * leaves(fleet).seconds, 0, kLeaves,
          note(fleet, times, churn)});
  }

  // --- the state

  /// Seconds that a copy of so many bytes takes.
  [[nodiscard]] double copy_s(std::size_t size) const {
    const std::vector<char> from(size, 'x');
    std::vector<char> to(size);
    return median_call(options_.seconds_each / 8, 3, [&] { std::memcpy(to.data(), from.data(), size); });
  }

  static std::size_t bytes_of(const Pool& pool, std::initializer_list<const char*> parts) {
    const Node memory = pool.memory();
    std::size_t total = 0;
    for (const char* part : parts) total += static_cast<std::size_t>(memory.find(part)->number()->to_int64().value());
    return total;
  }

  void fork() {
    const Pool& pool = *base().pool;
    std::vector<double> each;
    std::shared_ptr<Pool> copy;
    for (const double start = bench_now(); each.size() < kMinPairs || bench_now() - start < options_.seconds_each;) {
      copy.reset();  // not what is measured
      const double before = bench_cpu();
      copy = pool.fork();
      each.push_back(bench_cpu() - before);
    }
    const std::size_t size = bytes_of(pool, {"instances", "claims", "consumers"});
    emit({"fork_us", 1e6 * quantile(each, 0.5), "us", 1e6 * copy_s(size), 0, "a copy of the state's bytes",
          text("%zu claims, %.0f MB", base().live.size(), static_cast<double>(size) / 1e6)});
  }

  void after_fork() {
    double seconds = 0, pairs_done = 0;
    while (seconds < options_.seconds_each) {
      Churn churn(base(), base().pool->fork(), options_.seed);
      seconds += time_pairs(0, kPairsAfterFork, [&] { churn.pair(); }).seconds * kPairsAfterFork;
      pairs_done += kPairsAfterFork;
    }
    emit(pairs("pairs.after_fork", {seconds / pairs_done, 0, 0}, leaves(base()).seconds, kLeaves,
               "the first 1,000 after each fork"));
  }

  void replay() {
    const std::shared_ptr<Pool> pool = base().pool->fork();
    const std::size_t count = std::min(kReplayedPairs, base().live.size());
    BenchRandom random(options_.seed);
    for (std::size_t i = 0; i < count; ++i) {  // each on the machine that the claim before it left
      const Grant held = pool->find_grant(base().live[i]).value();
      pool->release({base().live[i]}).value();
      Request request = base().requests[random.below(16)];
      request.consumer = held.consumer;
      static_cast<void>(pool->place(pool->places_of(held).front().instance, request).value());
    }
    const auto [first, last] = pool->journal_range();
    const auto changes = static_cast<double>(last - first + 1);
    const double seconds =
        median_call(options_.seconds_each, 1, [&, last = last] { static_cast<void>(pool->at(last).value()); });
    emit({"replay.changes", changes / seconds, "changes/s", changes / copy_s(bytes_of(*pool, {"journal"})), 0,
          "a copy of the changes' bytes", text("%.0f changes, half of them releases", changes)});
  }

  /// A request that nothing serves, on a tenth of the machines: what it costs to be told why, and what would cure it.
  void denials() {
    const Fleet& fleet = this->fleet(options_.instances / 10, 16);
    const std::shared_ptr<Pool> pool = fleet.pool->fork();
    const Request request = refused(fleet, *pool);
    std::size_t found = 0;
    const double repairs =
        median_call(options_.seconds_each, kMinPairs, [&] { found = pool->repairs(request).value().list.size(); });
    const double whole =
        median_call(options_.seconds_each / 4, kMinPairs, [&] { static_cast<void>(pool->allocate(request).value()); });
    std::size_t fitting = 0;
    const double look = median_call(options_.seconds_each / 8, kMinPairs,
                                    [&] { fitting += fleet.columns.fitting(kSmallMachine).size(); });
    const char* const against = "a look at every machine in bare arrays";
    const std::string note = text("%zu machines, %zu repairs", fleet.columns.rows(), found);
    emit({"denial.repairs", 1e6 * repairs, "us", 1e6 * look, 0, against, note});
    emit({"denial.whole", 1e6 * whole, "us", 1e6 * look, 0, against, note + (fitting > 0 ? "" : "; none fits")});
  }

  void expression() {
    const Fleet& fleet = base();
    BareScores bare(fleet.columns);
    const Program program = BareScores::compile(kFleetScore);
    const std::size_t rows = std::min(kPlainRows, fleet.columns.rows());
    const FleetAmounts& shape = fleet.shapes[0];
    const std::span<const double> scores = bare.by_program(program, rows, shape);
    const std::vector<double> expected(scores.begin(), scores.end());
    if (!std::ranges::equal(bare.by_hand(rows, shape), expected))
      throw ErrorException(corrupt("the program and the loop written by hand disagree"));
    const double by_program = median_call(options_.seconds_each / 2, 5, [&] { bare.by_program(program, rows, shape); });
    const double by_hand = median_call(options_.seconds_each / 2, 5, [&] { bare.by_hand(rows, shape); });
    const double per_candidate = 1e9 / static_cast<double>(rows);
    emit({"expr_ns_per_candidate.20ops", by_program * per_candidate, "ns", by_hand * per_candidate, 0,
          "a loop written by hand", text("%zu candidates in a row", rows)});
  }

  /// What a pool of this state takes, without its history.
  static double held_bytes(const FleetOptions& options, std::size_t& claims) {
    Fleet fleet = Fleet::make(options);
    claims = fleet.live.size();
    const std::string snapshot = fleet.pool->snapshot();
    fleet = {};
    const std::size_t before = heap_bytes();
    const std::shared_ptr<Pool> pool = Pool::restore(snapshot).value();
    const std::size_t grown = heap_bytes() - before;
    return static_cast<double>(before > 0 ? grown : bytes_of(*pool, {"instances", "claims", "consumers"}));
  }

  void bytes() {
    other_.reset();
    FleetOptions options;
    options.instances = options_.instances;
    options.seed = options_.seed;
    options.fill = 0;
    std::size_t claims = 0;
    const double empty = held_bytes(options, claims);
    options.fill = 0.85;
    options.keys = true;
    const double full = held_bytes(options, claims);
    emit({"bytes_per_instance", empty / static_cast<double>(options.instances), "bytes",
          sizeof(Steps) * 2 * kFleetDimensions, 0, "limit and used in bare columns", "no claims, no fields of users"});
    emit({"bytes_per_claim", (full - empty) / static_cast<double>(claims), "bytes",
          sizeof(Steps) * kFleetDimensions + sizeof(ClaimId) + sizeof(InstanceRef), 0,
          "amounts, id and instance in bare columns",
          text("%zu claims with a key each, %zu consumers", claims, options.instances)});
  }

  const BenchOptions& options_;
  std::vector<Group> groups_;
  std::vector<BenchRow> rows_;
  std::optional<Fleet> base_;
  std::optional<Fleet> other_;
  std::map<std::pair<std::size_t, std::size_t>, PairTimes> leaves_;
  mutable std::uint64_t denied_before_ = 0;
};

}  // namespace

std::vector<std::string> allocator_bench_rows(std::size_t instances) {
  BenchOptions options;
  options.instances = instances;
  return Bench(options).names();
}

std::vector<BenchRow> run_allocator_bench(const BenchOptions& options) { return Bench(options).run(); }

}  // namespace apportion
