#include "deferred_bench.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <vector>

#include "apportion/allocator/pool.hpp"
#include "apportion/bench/fleet.hpp"
#include "apportion/bench/timing.hpp"

namespace apportion {
namespace {

constexpr std::size_t kLines = 100;
constexpr std::size_t kHeldPerLine = 100;
constexpr std::size_t kAmounts = 16;

Steps amount_of(std::size_t number) { return static_cast<Steps>(10 + number % kAmounts); }

Request line_request(std::size_t number) {
  Request request;
  request.type = "line";
  request.amounts = {{"mbit", Decimal(amount_of(number))}};
  request.consumer = "c" + std::to_string(number % 1000);
  request.patience = 24 * 3600 * kSecond;
  return request;
}

/// Full lines, and those who wait for them.
struct Crowd {
  std::shared_ptr<Pool> pool;
  std::vector<ClaimId> held;
};

Crowd crowd(std::size_t queued) {
  PoolOptions options;
  options.clock = Time{0};
  Crowd made{std::make_shared<Pool>(options), {}};
  const Node line = Node::Map{{"dimensions", Node::Map{{"mbit", Node::Map{}}}},
                              {"deferrable", Node::Map{{"patience_s", Decimal(2)}}}};
  std::vector<Problem> problems;
  made.pool->apply(Node::Map{{"types", Node::Map{{"line", line}}}}, problems).value();
  Steps total = 0;
  for (std::size_t i = 0; i < kHeldPerLine; ++i) total += amount_of(i);
  for (std::size_t i = 0; i < kLines; ++i) {
    InstanceSpec spec;
    spec.id = "l" + std::to_string(i);
    spec.type = "line";
    spec.capacity = {{"mbit", Decimal(total)}};
    made.pool->add(spec).value();
  }
  const std::size_t held = kLines * kHeldPerLine;
  for (std::size_t i = 0; i < held + queued; ++i) {
    const Outcome outcome = made.pool->allocate(line_request(i)).value();
    const GrantedClaim& claim = std::get<Grant>(outcome).claims.front();
    if (!claim.pending) made.held.push_back(claim.claim);
  }
  return made;
}

/// The first who fits into what a line has free, from a queue per amount; nothing else.
class BareQueues {
 public:
  explicit BareQueues(std::size_t queued) : free_(kLines) {
    for (std::size_t i = 0; i < queued; ++i) queues_[i % kAmounts].push_back(i);
    for (std::size_t i = 0; i < kLines * kHeldPerLine; ++i) held_.emplace_back(i % kLines, amount_of(i));
  }

  void release() {
    const std::size_t at = random_.below(held_.size());
    const auto [line, amount] = held_[at];
    held_[at] = held_.back();
    held_.pop_back();
    free_[line] += amount;
    for (std::deque<std::size_t>* first = find(line); first != nullptr; first = find(line)) {
      const Steps taken = amount_of(first->front());
      free_[line] -= taken;
      held_.emplace_back(line, taken);
      first->push_back(first->front() + (std::size_t{1} << 32) * kAmounts);
      first->pop_front();
    }
  }

 private:
  std::deque<std::size_t>* find(std::size_t line) {
    std::deque<std::size_t>* first = nullptr;
    for (std::size_t i = 0; i < kAmounts; ++i) {
      if (amount_of(i) > free_[line] || queues_[i].empty()) continue;
      if (first == nullptr || queues_[i].front() < first->front()) first = &queues_[i];
    }
    return first;
  }

  std::array<std::deque<std::size_t>, kAmounts> queues_;
  std::vector<Steps> free_;
  std::vector<std::pair<std::size_t, Steps>> held_;
  BenchRandom random_{7};
};

std::int64_t pending_in(const Pool& pool) {
  const Table claims = pool.claims();
  std::int64_t count = 0;
  for (const TableColumn& column : claims.columns) {
    if (column.name == "state") count = std::ranges::count(std::get<TableColumn::Texts>(column.values), "pending");
  }
  return count;
}

}  // namespace

BenchRow bench_activations(double seconds, std::size_t queued) {
  const Crowd full = crowd(queued);
  BenchRandom random(3);
  double computed = 0;
  double activated = 0;
  // A tenth of the queue at a time, each on a fork with all of it.
  for (const double start = bench_now(); activated == 0 || bench_now() - start < seconds;) {
    const std::shared_ptr<Pool> pool = full.pool->fork();
    std::vector<ClaimId> held = full.held;
    const std::int64_t before = pending_in(*pool);
    const std::size_t releases = std::min(held.size(), std::max<std::size_t>(queued / 10, 1));
    for (std::size_t i = 0; i < releases; ++i) std::swap(held[i], held[i + random.below(held.size() - i)]);
    const double began = bench_cpu();
    for (std::size_t i = 0; i < releases; ++i) pool->release({held[i]}).value();
    computed += bench_cpu() - began;
    activated += static_cast<double>(before - pending_in(*pool));
  }
  BareQueues bare(queued);
  const PairTimes least = time_pairs(seconds / 4, 1000, [&] { bare.release(); });
  return {
      "deferred.activations",
      activated / computed,
      "activations/s",
      1 / least.seconds,
      0,
      "a queue per amount and bare numbers",
      std::to_string(pending_in(*full.pool)) + " wait, " + std::to_string(full.held.size()) + " hold; a release each"};
}

}  // namespace apportion
