// Fixed workloads whose instructions are counted: gate WORKLOAD, run by tools/bench_gate.py under callgrind.
//
// Only what runs inside `apportion_gate` counts. Seeds are fixed, the pools' time stands still, and nothing depends on
// an address, so that two runs of one program count the same.
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "apportion/bench/fleet.hpp"
#include "apportion/bench/yardsticks.hpp"

namespace {

using namespace apportion;

using Work = std::function<void()>;

Fleet small_fleet() {
  FleetOptions options;
  options.instances = 2000;
  options.pool.clock = Time{0};
  return Fleet::make(options);
}

// Pairs of the fleet's shapes; some before the count starts, so that what is admitted by use is there.
Work hot(const char* policy) {
  auto fleet = std::make_shared<Fleet>(small_fleet());
  auto churn = std::make_shared<Churn>(*fleet, fleet->pool, 5);
  churn->use(policy);
  for (int i = 0; i < 200; ++i) churn->pair();
  return [fleet, churn] {
    for (int i = 0; i < 2000; ++i) churn->pair();
  };
}

// Every request with a score that nobody has seen.
Work cold() {
  auto fleet = std::make_shared<Fleet>(small_fleet());
  auto churn = std::make_shared<Churn>(*fleet, fleet->pool, 5);
  return [fleet, churn] {
    for (int i = 0; i < 200; ++i) {
      Request request = fleet->requests[static_cast<std::size_t>(i) % fleet->requests.size()];
      request.own_policy = PolicyDefinition{};
      request.own_policy->name = "own";
      request.own_policy->score = std::string(kFleetScore) + " + " + std::to_string(i);
      churn->pair(request);
    }
  };
}

// 2,500 pairs, as changes.
Work replay() {
  auto fleet = std::make_shared<Fleet>(small_fleet());
  auto churn = std::make_shared<Churn>(*fleet, fleet->pool->fork(), 5);
  churn->use("first");
  while (churn->pairs() - churn->denied() < 2500) churn->pair();
  return [fleet, churn] { static_cast<void>(churn->pool().at(churn->pool().revision().number).value()); };
}

// A score of 20 operations over 2,000 blocks of 256 candidates.
Work expression() {
  auto fleet = std::make_shared<Fleet>(small_fleet());
  auto bare = std::make_shared<BareScores>(fleet->columns);
  const Program program = BareScores::compile(kFleetScore);
  return [fleet, bare, program] {
    for (int i = 0; i < 2000; ++i) bare->by_program(program, kBlockLanes, fleet->shapes[0]);
  };
}

const std::map<std::string, std::function<Work()>> kWorkloads{
    {"cold.expression", cold},
    {"expression", expression},
    {"hot16.closest_capacity", [] { return hot("closest_capacity"); }},
    {"hot16.first", [] { return hot("first"); }},
    {"replay", replay}};

}  // namespace

/// What callgrind counts: found by its name.
extern "C" [[gnu::noinline]] void apportion_gate(const Work& work) { work(); }

int main(int count, char** arguments) {
  const auto found = count == 2 ? kWorkloads.find(arguments[1]) : kWorkloads.end();
  if (found == kWorkloads.end()) {
    for (const auto& [name, make] : kWorkloads) std::puts(name.c_str());
    return count == 1 ? 0 : 2;
  }
  apportion_gate(found->second());
}
