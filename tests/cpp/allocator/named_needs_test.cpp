// Instances that need other named ones: counters that several draw on, and whatever else one comes with.
#include "apportion/allocator/named_needs.hpp"

#include <gtest/gtest.h>

#include <random>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

// A card that can be used whole or in two sizes of partitions, all drawing on its slices.
constexpr const char* kPartitions = R"({
  'types': {'budget': {'dimensions': {'slices': {}}},
            'partition': {'dimensions': {'units': {}}, 'fields': {'size': {'kind': 'integer'}}}},
  'instances': [
    {'id': 'card', 'type': 'budget', 'capacity': {'slices': 4}},
    {'id': 'p1', 'type': 'partition', 'capacity': {'units': 1}, 'fields': {'size': 1},
     'needs': [{'instance': 'card', 'slices': 1}]},
    {'id': 'p2', 'type': 'partition', 'capacity': {'units': 1}, 'fields': {'size': 1},
     'needs': [{'instance': 'card', 'slices': 1}]},
    {'id': 'half', 'type': 'partition', 'capacity': {'units': 1}, 'fields': {'size': 2},
     'needs': [{'instance': 'card', 'slices': 2}]},
    {'id': 'full', 'type': 'partition', 'capacity': {'units': 1}, 'fields': {'size': 4},
     'needs': [{'instance': 'card', 'slices': 4, 'as': 'all_of_it'}]}]})";

Request partition(int size) {
  Request request;
  request.type = "partition";
  request.amounts = {{"units", dec(1)}};
  request.consumer = "a";
  request.where = "self.size == " + std::to_string(size);
  return request;
}

TEST(NamedNeeds, PartitionsDrawOnOneBudget) {
  const auto pool = make_pool(kPartitions);
  const Grant half = grant(*pool, partition(2));
  EXPECT_EQ(instances_of(*pool, half), (std::vector<std::string>{"half", "card"}));
  EXPECT_EQ(pool->places_of(half)[1].role, "partition@1/budget");
  EXPECT_EQ(instances_of(*pool, grant(*pool, partition(1))).front(), "p1");
  const Denial full = denial(*pool, partition(4));
  EXPECT_EQ(full.denial_class, DenialClass::kNotNow);
  EXPECT_EQ(full.stage, "needs");
  EXPECT_NE(full.message.find("slices 4 of 'card', free 1"), std::string::npos) << full.message;
  ASSERT_EQ(error_of(pool->release(ids_of(half))), "");
  EXPECT_EQ(denial(*pool, partition(4)).denial_class, DenialClass::kNotNow);  // p1 is still there
}

TEST(NamedNeeds, NeverIsRight) {
  const auto pool = make_pool(kPartitions);
  InstanceSpec small;
  small.id = "card";
  small.capacity = {{"slices", dec(3)}};
  ASSERT_EQ(error_of(pool->change(small)), "");
  EXPECT_EQ(denial(*pool, partition(4)).denial_class, DenialClass::kNever);
  ASSERT_EQ(error_of(pool->remove("p2")), "");
  small.capacity = {{"slices", dec(4)}};
  small.state = {{"status", Node("offline")}};
  ASSERT_EQ(error_of(pool->change(small)), "");
  const Denial offline = denial(*pool, partition(4));
  EXPECT_EQ(offline.denial_class, DenialClass::kNotNow);
}

TEST(NamedNeeds, AmountsFollowTheRequest) {
  const auto pool = make_pool(R"({
    'types': {'processor': {'dimensions': {'cores': {'step': 0.5}}}, 'disk': {'dimensions': {'gb': {}}}},
    'instances': [{'id': 'a', 'type': 'disk', 'capacity': {'gb': 100},
                   'needs': [{'instance': 'p', 'cores': 'request.gb / 20'}]},
                  {'id': 'b', 'type': 'disk', 'capacity': {'gb': 100}},
                  {'id': 'p', 'type': 'processor', 'capacity': {'cores': 2}}]})");
  const Grant first = grant(*pool, ask_gb("x", 30));
  EXPECT_EQ(instances_of(*pool, first), (std::vector<std::string>{"a", "p"}));
  EXPECT_EQ(first.claims[1].steps.front(), 3);                                                   // 1.5 cores
  EXPECT_EQ(instances_of(*pool, grant(*pool, ask_gb("x", 30))), std::vector<std::string>{"b"});  // p has 0.5 left
  EXPECT_EQ(instances_of(*pool, grant(*pool, ask_gb("x", 10))), (std::vector<std::string>{"a", "p"}));
  ASSERT_EQ(error_of(pool->release(ids_of(first))), "");
}

TEST(NamedNeeds, WhatTheyNeedMayNeedMore) {
  const auto pool = make_pool(R"({
    'types': {'thing': {'dimensions': {'units': {}}}},
    'instances': [{'id': 'a', 'type': 'thing', 'capacity': {'units': 1}, 'needs': [{'instance': 'b', 'units': 1}]},
                  {'id': 'b', 'type': 'thing', 'capacity': {'units': 1}, 'needs': [{'instance': 'c', 'units': 1}]},
                  {'id': 'c', 'type': 'thing', 'capacity': {'units': 1}}]})");
  Request request;
  request.type = "thing";
  request.consumer = "x";
  request.amounts = {{"units", dec(1)}};
  EXPECT_EQ(instances_of(*pool, grant(*pool, request)), (std::vector<std::string>{"a", "b", "c"}));
  // In a circle: refused, not followed for ever.
  InstanceSpec back;
  back.id = "c";
  back.needs.emplace(1).front().instance = "a";
  back.needs->front().count = "1";
  ASSERT_EQ(error_of(pool->change(back)), "");
  const Result<Outcome> outcome = pool->allocate(request);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(std::holds_alternative<Denial>(*outcome));
}

// Budgets in a plain loop; the first partition whose budgets suffice.
TEST(NamedNeeds, AgreeWithAPlainLoop) {
  std::mt19937_64 random(9);
  const auto below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
  int granted = 0, denied = 0;
  for (int round = 0; round < tries(30); ++round) {
    const char* const types = R"({'types': {'budget': {'dimensions': {'slices': {}}},
                                            'partition': {'dimensions': {'units': {}}}}})";
    const auto scanning = indexing_pool(types, 0), indexed = indexing_pool(types, kEnoughIndex, 1);
    const std::vector<Pool*> pools{scanning.get(), indexed.get()};
    std::vector<int> budgets;
    for (int i = 0; i < 1 + below(4); ++i) {
      budgets.push_back(below(8));
      for (Pool* pool : pools)
        ASSERT_EQ(error_of(pool->add(instance("b" + std::to_string(i), "budget", {{"slices", dec(budgets.back())}}))),
                  "");
    }
    struct Partition {
      bool free = true;
      std::vector<std::pair<std::size_t, int>> draws;
    };
    std::vector<Partition> partitions(static_cast<std::size_t>(1 + below(12)));
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      InstanceSpec spec = instance("p" + std::to_string(i), "partition", {{"units", dec(1)}});
      for (int k = below(3); k > 0; --k) {
        const std::size_t from = random() % budgets.size();
        NeedDefinition need;
        need.instance = "b" + std::to_string(from);
        need.count = "1";
        partitions[i].draws.emplace_back(from, 1 + below(3));
        need.amounts = {{"slices", std::to_string(partitions[i].draws.back().second)}};
        if (!spec.needs) spec.needs.emplace();
        spec.needs->push_back(need);
      }
      for (Pool* pool : pools) ASSERT_EQ(error_of(pool->add(spec)), "");
    }
    std::vector<std::pair<ClaimId, std::size_t>> held;
    for (int step = 0; step < 40; ++step) {
      if (below(3) == 0 && !held.empty()) {
        const std::size_t at = random() % held.size();
        const auto [claim, which] = held[at];
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
        partitions[which].free = true;
        for (const auto& [from, slices] : partitions[which].draws) budgets[from] += slices;
        for (Pool* pool : pools) ASSERT_EQ(error_of(pool->release_grants(std::span(&claim, 1))), "");
        continue;
      }
      std::optional<std::size_t> expected;
      for (std::size_t i = 0; i < partitions.size() && !expected; ++i) {
        std::vector<int> left = budgets;
        for (const auto& [from, slices] : partitions[i].draws) left[from] -= slices;
        if (partitions[i].free && std::ranges::min(left) >= 0) expected = i;
      }
      Request request;
      request.type = "partition";
      request.amounts = {{"units", dec(1)}};
      request.consumer = "a";
      for (Pool* pool : pools) {
        const Result<Outcome> outcome = pool->allocate(request);
        ASSERT_TRUE(outcome) << error_of(outcome);
        ASSERT_EQ(std::holds_alternative<Grant>(*outcome), expected.has_value()) << step;
        if (!expected) continue;
        const Grant& given = std::get<Grant>(*outcome);
        ASSERT_EQ(instances_of(*pool, given).front(), "p" + std::to_string(*expected));
        ASSERT_EQ(given.claims.size(), 1 + partitions[*expected].draws.size());
        if (pool == pools.front()) held.emplace_back(given.claims.front().claim, *expected);
      }
      ++(expected ? granted : denied);
      ASSERT_EQ(scanning->hash(), indexed->hash());
      if (!expected) continue;
      partitions[*expected].free = false;
      for (const auto& [from, slices] : partitions[*expected].draws) budgets[from] -= slices;
    }
  }
  EXPECT_GT(granted, tries(100));
  EXPECT_GT(denied, tries(50));
}

}  // namespace
}  // namespace apportion
