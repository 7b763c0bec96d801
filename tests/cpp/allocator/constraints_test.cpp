#include "apportion/allocator/constraints.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "sandbox.hpp"

namespace apportion {
namespace {

using Kind = Constraints::Kind;

std::vector<std::string> texts(const std::vector<Constraint>& core) {
  std::vector<std::string> lines;
  for (const Constraint& each : core)
    lines.push_back(each.name + ": " + each.detail + " (" + std::to_string(each.excludes) + ")");
  return lines;
}

// The fewest conditions that leave fewer than `count`, by trying every set of all of them.
int fewest(const Constraints& constraints, std::uint64_t count) {
  const std::uint64_t every =
      constraints.mask({Kind::kState, Kind::kWhere, Kind::kPolicy, Kind::kConsumers, Kind::kCapacity, Kind::kScore});
  int least = 65;
  for (std::uint64_t set = 0; set <= every; ++set) {
    std::uint64_t pass = 0;
    for (const Candidate& candidate : constraints.candidates()) pass += (candidate.failed & set) == 0 ? 1 : 0;
    if (pass < count) least = std::min(least, std::popcount(set));
  }
  return least;
}

TEST(Constraints, TheCoreOfADenialIsSmallest) {
  Sandbox box;
  std::mt19937_64 random(5);
  std::map<std::size_t, int> sizes;
  const Selector selector(*box.sections, box.expressions);
  for (int i = 0; i < 300; ++i) {
    Transaction log;
    for (int k = 0; k < 5; ++k) box.disturb(log, static_cast<std::uint32_t>(random() % 100), random());
    log.commit();
    Request request = ask("c", {{"gb", dec(static_cast<int>(random() % 8))},
                                {"iops", dec(static_cast<std::int64_t>(random() % 4 * 33'000'000'000))}});
    request.count = static_cast<std::uint32_t>(1 + random() % 3 * 4);
    request.where =
        std::array{"", "self.location == 'z1' && used.gb < 3", "free.gb > 1 && self.ordinal > 90"}[random() % 3];
    const Plan plan = box.plan(request);
    Neighbours neighbours(box.sections->inventory, box.sections->symbols, box.sections->catalog);
    const Constraints constraints(*box.sections, box.expressions, plan, neighbours);
    ASSERT_EQ(constraints.passing(), selector.ranking(plan).size()) << "conditions are what a selection asks";
    if (constraints.passing() >= request.count) continue;
    const std::vector<Constraint> core = constraints.core(request.count);
    ASSERT_EQ(core.size(), static_cast<std::size_t>(fewest(constraints, request.count))) << i;
    ++sizes[core.size()];
  }
  EXPECT_GT(sizes[1], 5);
  EXPECT_GT(sizes[2], 5);
  EXPECT_GT(sizes[3], 5);
}

TEST(Constraints, FiltersAreSplitWhereAllPartsMustHold) {
  const auto pool = make_pool(R"({'types': {'disk': {'dimensions': {'gb': {'unit': 'GB'}}, 'policy': 'cool'}},
      'policies': {'cool': {'where': 'self.location != "z" && (free.gb > 1 || used.gb == 0)', 'score': '1'}},
      'instances': [{'id': 'a', 'type': 'disk', 'location': 'x', 'capacity': {'gb': 5}},
                    {'id': 'b', 'type': 'disk', 'location': 'y', 'capacity': {'gb': 50}},
                    {'id': 'c', 'type': 'disk', 'location': 'z', 'capacity': {'gb': 50}}]})");
  Request request = ask_gb("ada", 10);
  request.where = "self.location != 'y' && (self.claims < 9 || false)";
  // a lacks room, b is in y, and c in z: each condition rules one out, and all three are needed.
  EXPECT_EQ(texts(denial(*pool, request).core),
            (std::vector<std::string>{"where: self.location != 'y' (1)", "policy: self.location != \"z\" (1)",
                                      "capacity: gb 10 GB (1)"}));
  request.where.clear();
  request.amounts = {{"gb", dec(60)}};
  EXPECT_EQ(texts(denial(*pool, request).core), std::vector<std::string>{"capacity: gb 60 GB (3)"});
  request.count = 4;
  EXPECT_EQ(texts(denial(*pool, request).core), std::vector<std::string>{"type: disk (0)"}) << "there are only three";
}

TEST(Constraints, OfADenialThatSaysNeverTheyAreThoseOfAnEmptyPool) {
  const auto pool = disks({10, 10});
  InstanceSpec offline = instance("d1", "", {});
  offline.state = {{"status", Node("offline")}};
  ASSERT_EQ(error_of(pool->change(offline)), "");
  grant(*pool, ask_gb("ada", 10));
  EXPECT_EQ(texts(denial(*pool, ask_gb("bob", 1)).core),
            (std::vector<std::string>{"state.status: online (1)", "capacity: gb 1 (1)"}));
  const Denial never = denial(*pool, ask_gb("bob", 11));
  EXPECT_EQ(texts(never.core), std::vector<std::string>{"capacity: gb 11 (2)"});
  EXPECT_EQ(never.stage, "capacity");
  EXPECT_EQ(never.dimension, "gb");
}

TEST(Constraints, InstancesThatAreOverAndOwnPoliciesHaveTheirOwn) {
  const auto pool = disks({10, 10},
                          "{'types': {'disk': {'dimensions': {'gb': {}, 'iops': {}}}}, 'policies': {'shy': {'where': "
                          "'self.claims > 5', 'score': '1'}}}");
  for (const char* id : {"d1", "d2"}) {
    InstanceSpec spec = instance(id, "", {{"iops", dec(10)}});
    if (*(id + 1) == '2') spec.policy = "shy";
    ASSERT_EQ(error_of(pool->change(spec)), "");
  }
  grant(*pool, ask("ada", {{"iops", dec(10)}}));
  ASSERT_EQ(error_of(pool->change(instance("d1", "", {{"iops", dec(3)}}))), "");
  EXPECT_EQ(texts(denial(*pool, ask_gb("bob", 1)).core),
            (std::vector<std::string>{
                "policy: the filters of policies that instances, or older versions, have themselves (1)",
                "capacity: used at most the limit, in every dimension (1)"}));
}

TEST(Constraints, ManyConditionsShareBits) {
  const auto pool = disks({10});
  Request request = ask_gb("ada", 1);
  for (int i = 0; i < 30; ++i)
    request.where += (i == 0 ? "" : " && ") + std::string("self.ordinal > ") + std::to_string(i);
  const std::vector<Constraint> core = denial(*pool, request).core;
  ASSERT_EQ(core.size(), 1U);
  EXPECT_EQ(core[0].detail, "self.ordinal > 1") << "the first that fails";
  request.where = "true";
  for (int i = 0; i < 30; ++i) request.where += " && self.ordinal < " + std::to_string(31 - i);
  request.where += " && self.ordinal > 1";
  EXPECT_TRUE(denial(*pool, request).core[0].detail.ends_with("self.ordinal < 2 && self.ordinal > 1"));
}

TEST(Constraints, WithoutLeavesConjunctsOut) {
  const std::vector<std::string> parts{"a", "(b || c)", "d"};
  EXPECT_EQ(without(parts, 0), "a && (b || c) && d");
  EXPECT_EQ(without(parts, 0b101), "(b || c)");
  EXPECT_EQ(without(parts, 0b111), "");
}

}  // namespace
}  // namespace apportion
