// Rules of types and instances: what claims take, why they do not, and that the index knows.
#include "apportion/allocator/portion.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

constexpr const char* kRuled = R"({
  'types': {'disk': {'dimensions': {
    'gb': {'claim': {'min': 2, 'max': 8, 'step': 2}},
    'iops': {'claim': {'amounts': [1, 4], 'default': 1, 'round_up': true}}}}},
  'instances': [{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 20, 'iops': 9}},
                {'id': 'd2', 'type': 'disk', 'capacity': {'gb': 20, 'iops': 9}, 'claim': {'gb': {'min': 1}}}]})";

Request of(NamedDecimals amounts) { return ask("a", std::move(amounts)); }

std::vector<Steps> taken(const Grant& grant) {
  return {grant.claims.front().steps.begin(), grant.claims.front().steps.end()};
}

TEST(Portion, ClaimsTakeWhatTheRulesSay) {
  const auto pool = make_pool(kRuled);
  EXPECT_EQ(taken(grant(*pool, of({{"gb", dec(4)}}))), (std::vector<Steps>{4, 1}));  // iops by default
  EXPECT_EQ(taken(grant(*pool, of({{"gb", dec(4)}, {"iops", dec(2)}}))), (std::vector<Steps>{4, 4}));  // rounded up
  EXPECT_EQ(taken(grant(*pool, of({{"gb", dec(4)}, {"iops", dec(0)}}))), (std::vector<Steps>{4, 0}));  // said so
  const Grant small = grant(*pool, of({{"gb", dec(1)}}));  // d2 has a rule of its own
  EXPECT_EQ(instances_of(*pool, small), std::vector<std::string>{"d2"});
}

TEST(Portion, ADenialNamesTheRule) {
  const auto pool = make_pool(kRuled);
  const Denial none = denial(*pool, of({{"gb", dec(9)}, {"iops", dec(5)}}));
  EXPECT_EQ(none.denial_class, DenialClass::kNever);
  EXPECT_EQ(none.stage, "claim");
  ASSERT_EQ(none.closest.size(), 2U);
  EXPECT_EQ(none.closest[0].lacks[0].what, "claim.gb");
  EXPECT_EQ(none.closest[0].lacks[0].need, "9");
  EXPECT_EQ(none.closest[0].lacks[0].have, "at least 2, at most 8, in steps of 2");
  EXPECT_EQ(none.closest[0].lacks[1].have, "one of 1, 4, rounded up");
  ASSERT_FALSE(none.core.empty());
  EXPECT_EQ(none.core[0].name, "claim");
  // 3 rounded up to 4 is what fails: the sum shows it.
  ASSERT_EQ(error_of(pool->change([] {
              InstanceSpec spec = instance("d1", "", {{"iops", dec(3)}});
              return spec;
            }())),
            "");
  ASSERT_EQ(error_of(pool->remove("d2")), "");
  const Denial sum = denial(*pool, of({{"iops", dec(3)}}));
  ASSERT_FALSE(sum.binding.empty());
  EXPECT_EQ(sum.binding[0].requested, "4");
  EXPECT_EQ(sum.binding[0].largest_free, "3");
}

TEST(Portion, WholeInstances) {
  const auto pool = disks({10, 6});
  InstanceSpec only;
  only.id = "d2";
  only.whole = true;
  ASSERT_EQ(error_of(pool->change(only)), "");
  const Grant all = grant(*pool, ask_gb("a", 7));
  EXPECT_EQ(instances_of(*pool, all).front(), "d1");
  const Grant second = grant(*pool, ask_gb("b", 4));
  EXPECT_EQ(instances_of(*pool, second).front(), "d2");
  EXPECT_EQ(taken(second), std::vector<Steps>{6});
  Request whole = ask_gb("c", 1);
  whole.whole = true;
  EXPECT_EQ(denial(*pool, whole).denial_class, DenialClass::kNotNow);
  ASSERT_EQ(error_of(pool->release(ids_of(all))), "");
  EXPECT_EQ(taken(grant(*pool, whole)), std::vector<Steps>{10});
  const Grant watcher = grant(*pool, ask("w", {}));  // takes nothing
  EXPECT_EQ(taken(watcher), std::vector<Steps>{0});
  const Result<std::optional<Denial>> resized = pool->resize(second.claims.front().claim, {{"gb", dec(2)}});
  ASSERT_TRUE(resized && !*resized);
  EXPECT_EQ(pool->find_grant(second.claims.front().claim)->claims.front().steps.front(), 6);  // still all of it
}

TEST(Portion, ResizesAndMovesKeepToTheRules) {
  const auto pool = make_pool(kRuled);
  const Grant held = grant(*pool, of({{"gb", dec(4)}}));
  const ClaimId id = held.claims.front().claim;
  const auto larger = pool->resize(id, {{"gb", dec(5)}});
  ASSERT_TRUE(larger && *larger);
  EXPECT_EQ((*larger)->stage, "claim");
  EXPECT_EQ((*larger)->denial_class, DenialClass::kNever);
  const auto even = pool->resize(id, {{"gb", dec(6)}, {"iops", dec(3)}});
  ASSERT_TRUE(even && !*even);
  EXPECT_EQ(pool->find_grant(id)->claims.front().steps[1], 4);
  InstanceSpec strict;
  strict.id = "d2";
  strict.claim = {{"gb", {}}};
  strict.claim.front().second.maximum = dec(5);
  ASSERT_EQ(error_of(pool->change(strict)), "");
  const auto moved = pool->move(id, "d2");
  ASSERT_TRUE(moved && *moved);
  EXPECT_EQ((*moved)->closest.front().lacks.front().what, "claim.gb");
}

TEST(Portion, MistakesAreFoundWhenTheDocumentIsRead) {
  const auto pool = make_pool(kDiskType);
  EXPECT_EQ(problems_of(*pool, "{'types': {'disk': {'dimensions': {'gb': {'claim': {'min': 0.5}}}}}}").size(), 1U);
  EXPECT_EQ(problems_of(*pool, "{'instances': [{'id': 'd', 'type': 'disk', 'claim': {'tb': {'min': 1}}}]}").front(),
            "instances[0].claim.tb: the type 'disk' has no dimension 'tb'; did you mean 'gb'?");
  const auto racks = make_pool("{'types': {'rack': {}}}");
  EXPECT_EQ(problems_of(*racks, "{'instances': [{'id': 'r', 'type': 'rack', 'whole': true}]}").size(), 1U);
}

// A changed rule is no new version, and holds at once.
TEST(Portion, RulesOfTypesChange) {
  const auto pool = make_pool(kRuled);
  apply_document(*pool, R"({'types': {'disk': {'dimensions': {'gb': {'claim': {'min': 3}}, 'iops': {}}}}})");
  EXPECT_EQ(taken(grant(*pool, of({{"gb", dec(9)}}))), (std::vector<Steps>{9, 0}));
  EXPECT_EQ(pool->types().rows, 1U);
}

// Plain instances in a plain loop: who gives what, the first that can.
struct Twin {
  struct Disk {
    Steps capacity = 0, used = 0;
    std::optional<ClaimSteps> own;
    bool whole = false;
  };
  std::vector<Disk> disks;
  ClaimSteps usual;

  // The disk and what it gives.
  std::optional<std::pair<std::size_t, Steps>> choose(std::optional<Steps> asked, bool whole) {
    for (std::size_t i = 0; i < disks.size(); ++i) {
      const Disk& disk = disks[i];
      const ClaimSteps& rule = disk.own ? *disk.own : usual;
      std::optional<Steps> amount = asked ? rule.taken(*asked) : std::optional(rule.standard);
      if (!amount) continue;
      if ((whole || (disk.whole && *amount > 0)) && disk.capacity == 0) continue;
      if (whole || (disk.whole && *amount > 0)) amount = std::max(*amount, disk.capacity);
      if (disk.used + *amount <= disk.capacity) return std::pair(i, *amount);
    }
    return std::nullopt;
  }
};

ClaimRule random_rule(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
  ClaimRule rule;
  if (below(4) == 0) {
    rule.amounts = {dec(2), dec(3), dec(7)};
    if (below(2) == 0) rule.standard = dec(3);
  } else {
    const int minimum = below(4);
    if (minimum > 0) rule.minimum = dec(minimum);
    if (below(2) == 0) rule.step = dec(1 + below(3));
    if (below(2) == 0) rule.maximum = dec(5 + below(5));
    if (below(2) == 0 && minimum > 0) rule.standard = dec(minimum);
  }
  rule.round_up = below(2) == 0;
  return rule;
}

// The index, the scan and the plain loop choose the same and take the same.
TEST(Portion, IndexScanAndTwinAgree) {
  std::mt19937_64 random(3);
  const auto below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
  int granted = 0, denied = 0;
  for (int round = 0; round < tries(40); ++round) {
    const auto scanning = indexing_pool(kDiskType, 0), indexed = indexing_pool(kDiskType, kEnoughIndex, 1);
    Twin twin;
    if (below(3) > 0) {
      const ClaimRule rule = random_rule(random);
      TypeDefinition type;
      type.name = "disk";
      type.dimensions = {{"gb", "", "", {}, rule}};
      type.states = predefined_states();
      const Node document = Node::Map{{"types", Node::Map{{"disk", to_node(type)}}}};
      for (Pool* pool : {scanning.get(), indexed.get()}) {
        std::vector<Problem> problems;
        ASSERT_EQ(error_of(pool->apply(document, problems)), "");
      }
      twin.usual = in_steps(rule, {}).value();
    }
    const int disks = 2 + below(40);
    const auto add_rules = [&](InstanceSpec& spec, Twin::Disk& disk) {
      if (below(6) == 0) {
        const ClaimRule rule = random_rule(random);
        spec.claim = {{"gb", rule}};
        disk.own = rule.empty() ? std::nullopt : std::optional(in_steps(rule, {}).value());
      }
      if (below(8) == 0) spec.whole = disk.whole = !disk.whole;
    };
    for (int i = 0; i < disks; ++i) {
      InstanceSpec spec = instance("d" + std::to_string(i), "disk", {{"gb", dec(below(20))}});
      Twin::Disk disk;
      disk.capacity = spec.capacity.front().second.to_int64().value();
      if (round % 2 == 0) add_rules(spec, disk);
      twin.disks.push_back(disk);
      for (Pool* pool : {scanning.get(), indexed.get()}) ASSERT_EQ(error_of(pool->add(spec)), "");
    }
    std::vector<std::pair<ClaimId, std::pair<std::size_t, Steps>>> held;
    for (int step = 0; step < 60; ++step) {
      if (below(12) == 0) {  // the first rule may come while shapes are indexed
        InstanceSpec spec;
        const std::size_t at = random() % twin.disks.size();
        spec.id = "d" + std::to_string(at);
        add_rules(spec, twin.disks[at]);
        for (Pool* pool : {scanning.get(), indexed.get()}) ASSERT_EQ(error_of(pool->change(spec)), "");
      } else if (below(3) == 0 && !held.empty()) {
        const auto [claim, what] = held.back();
        held.pop_back();
        twin.disks[what.first].used -= what.second;
        for (Pool* pool : {scanning.get(), indexed.get()}) ASSERT_EQ(error_of(pool->release({claim})), "");
      } else {
        const std::optional<Steps> asked = below(5) == 0 ? std::nullopt : std::optional<Steps>(below(9));
        Request request = ask("c", asked ? NamedDecimals{{"gb", Decimal(*asked)}} : NamedDecimals());
        request.whole = below(9) == 0;
        const auto expected = twin.choose(asked, request.whole);
        const Result<Outcome> one = scanning->allocate(request), two = indexed->allocate(request);
        ASSERT_TRUE(one && two) << error_of(one) << error_of(two);
        ASSERT_EQ(std::holds_alternative<Grant>(*one), expected.has_value());
        ASSERT_EQ(std::holds_alternative<Grant>(*two), expected.has_value());
        ++(expected ? granted : denied);
        if (!expected) continue;
        for (const auto& [pool, outcome] : {std::pair(scanning, &*one), std::pair(indexed, &*two)}) {
          const Grant& given = std::get<Grant>(*outcome);
          ASSERT_EQ(instances_of(*pool, given).front(), "d" + std::to_string(expected->first));
          ASSERT_EQ(given.claims.front().steps.front(), expected->second);
        }
        twin.disks[expected->first].used += expected->second;
        held.emplace_back(std::get<Grant>(*one).claims.front().claim, *expected);
      }
      ASSERT_EQ(scanning->hash(), indexed->hash());
    }
  }
  EXPECT_GT(granted, tries(200));
  EXPECT_GT(denied, tries(100));
}

}  // namespace
}  // namespace apportion
