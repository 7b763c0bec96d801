// Keys that are kept, against keys that are found anew for each choice.
#include <gtest/gtest.h>

#include <random>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

constexpr const char* kFarm = R"({'consumer_kinds': {'red': {}, 'blue': {}}, 'policies': {'mine': {
    'score': 'inside.card.free.milli + 2 * chosen.card.idle - fragmentation.rise + claims.of_kind', 'ties': 'rotating',
    'fragmentation': {'parts': 'card', 'dimension': 'milli', 'profile': [{'part': 4, 'count': 1, 'cores': 1},
        {'part': 10, 'count': 2, 'where': 'self.fast'}]}}}, 'types': {
    'node': {'dimensions': {'cores': {}}, 'fields': {'fast': {'kind': 'boolean'}}, 'policy': 'mine'}, 'card': {'dimensions': {'milli': {}}},
    'pod': {'dimensions': {'cores': {}, 'milli': {}}, 'needs': [{'type': 'node', 'cores': 'request.cores'},
        {'type': 'card', 'on': 'node', 'milli': 'request.milli', 'policy': 'together'}]}}})";

std::shared_ptr<Pool> farm(std::size_t index) {
  auto pool = indexing_pool(kFarm, index, 1);
  for (int n = 0; n < 8; ++n) {
    const std::string node = "n" + std::to_string(n);
    EXPECT_EQ(error_of(pool->add(instance(node, "node", {{"cores", dec(9)}}))), "");
    for (int c = 0; c < 1 + n % 3; ++c) {
      InstanceSpec card = instance(node + "c" + std::to_string(c), "card", {{"milli", dec(10)}});
      card.parent = node;
      EXPECT_EQ(error_of(pool->add(card)), "");
    }
  }
  for (const char* kind : {"red", "blue"}) EXPECT_EQ(error_of(pool->add_consumer({kind, kind, {}})), "");
  return pool;
}

TEST(IndexClusters, WhatIsKeptIsWhatWouldBeFound) {
  const auto kept = farm(kEnoughIndex);
  const auto anew = farm(0);
  std::mt19937_64 random(5);
  const auto both = [&](const auto& change) {
    change(*kept);
    change(*anew);
  };
  std::vector<ClaimId> claims;
  int granted = 0;
  for (int i = 0; i < tries(600); ++i) {
    const std::uint64_t what = random() % 10;
    const std::string node = "n" + std::to_string(random() % 8);
    if (what == 0) {
      InstanceSpec change;
      change.id = node;
      change.state.emplace_back("status", random() % 3 == 0 ? "offline" : "online");
      change.fields.emplace_back("fast", Node(random() % 2 == 0));
      both([&](Pool& pool) { ASSERT_EQ(error_of(pool.change(change)), ""); });
    } else if (what == 1) {
      InstanceSpec change;
      change.id = node + "c0";
      change.parent = "n" + std::to_string(random() % 8);
      both([&](Pool& pool) { ASSERT_EQ(error_of(pool.change(change)), ""); });
    } else if (what == 2) {
      const ConsumerSpec other{"red", random() % 2 == 0 ? "red" : "blue", {}};
      both([&](Pool& pool) { ASSERT_EQ(error_of(pool.add_consumer(other)), ""); });
    } else if (what < 5 && !claims.empty()) {
      const std::size_t at = random() % claims.size();
      both([&](Pool& pool) { ASSERT_EQ(error_of(pool.release_grants(std::array{claims[at]})), ""); });
      claims.erase(claims.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      Request request;
      request.type = random() % 6 == 0 ? "node" : "pod";
      request.consumer = random() % 2 == 0 ? "red" : "blue";
      request.amounts = {{"cores", dec(static_cast<int>(random() % 3))}};
      if (request.type == "pod") request.amounts.emplace_back("milli", dec(1 + static_cast<int>(random() % 6)));
      if (request.type == "node") request.count = 1 + static_cast<std::uint32_t>(random() % 2);
      const Result<Outcome> first = kept->allocate(request);
      const Result<Outcome> second = anew->allocate(request);
      ASSERT_EQ(error_of(first), "");
      ASSERT_EQ(first->index(), second->index()) << i;
      if (const Grant* grant = std::get_if<Grant>(&*first)) {
        ++granted;
        ASSERT_EQ(instances_of(*kept, *grant), instances_of(*anew, std::get<Grant>(*second))) << i;
        claims.push_back(grant->claims.front().claim);
      }
    }
    ASSERT_EQ(kept->hash(), anew->hash()) << i;
  }
  EXPECT_GT(granted, tries(600) / 5);
}

}  // namespace
}  // namespace apportion
