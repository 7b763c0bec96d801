// What is checked before an instance is written: generations, and what it needs.
#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

TEST(PoolInstances, AGenerationIsExpected) {
  const auto pool = disks({10});
  InstanceSpec change;
  change.id = "d1";
  change.location = "here";
  change.generation = 1;
  EXPECT_EQ(error_of(pool->change(change)), "");
  const Hash128 hash = pool->hash();
  change.location = "there";
  const Status late = pool->change(change);
  ASSERT_TRUE(late.has_error());
  EXPECT_EQ(late.error().code, ErrorCode::kStale);
  EXPECT_EQ(late.error().text(), "generation: 'd1' is at generation 2, expected 1: look at it again");
  EXPECT_EQ(pool->hash(), hash);
  change.generation.reset();  // whatever it is
  EXPECT_EQ(error_of(pool->change(change)), "");
  EXPECT_EQ(to_json(*pool->instance("d1")->find("generation")), "3");
}

TEST(PoolInstances, ADocumentMayInsistOnANewInstance) {
  const auto pool = disks({10});
  apply_document(*pool, "{'instances': [{'id': 'd2', 'type': 'disk', 'generation': 0}]}");
  EXPECT_EQ(problems_of(*pool, "{'instances': [{'id': 'd2', 'type': 'disk', 'generation': 0}]}"),
            std::vector<std::string>{
                "instances[0].generation: 'd2' is at generation 1, expected a new instance: look at it again"});
  EXPECT_EQ(problems_of(*pool, "{'instances': [{'id': 'd3', 'type': 'disk', 'generation': 4}]}"),
            std::vector<std::string>{"instances[0].generation: 'd3' does not exist; generation 4 was expected"});
}

// A refusal for want of room is an answer, and another thing.
TEST(PoolInstances, StaleIsNoDenial) {
  const auto pool = disks({10});
  EXPECT_EQ(denial(*pool, ask_gb("a", 11)).denial_class, DenialClass::kNever);
}

TEST(PoolInstances, WhatIsNeededHasToBeThere) {
  const auto pool = disks({10, 10});
  const std::pair<const char*, const char*> cases[] = {
      {"[{'instance': 'd9'}]", "instances[0].needs[0].instance: there is no instance 'd9'"},
      {"[{'instance': 'd1'}]", "instances[0].needs[0]: 'd1' would need itself"},
      {"[{'instance': 'd2', 'tb': 1}]", "instances[0].needs[0]: type 'disk' has no dimension 'tb'"},
      {"[{'instance': 'd2', 'gb': 'request.tb'}]", "instances[0].needs[0].gb: "},
      {"[{'gb': 1}]", "instances[0].needs[0]: the key 'instance' is missing"},
  };
  for (const auto& [needs, expected] : cases) {
    const auto problems =
        problems_of(*pool, std::string("{'instances': [{'id': 'd1', 'type': 'disk', 'needs': ") + needs + "}]}");
    ASSERT_FALSE(problems.empty()) << needs;
    EXPECT_TRUE(problems.front().starts_with(expected)) << problems.front();
  }
  // It may stand below in the same document.
  apply_document(*pool, R"({'instances': [{'id': 'x', 'type': 'disk', 'needs': [{'instance': 'y', 'gb': 1}]},
                                          {'id': 'y', 'type': 'disk', 'capacity': {'gb': 1}}]})");
}

TEST(PoolInstances, AnIncompleteSetOffersNothing) {
  const auto pool = make_pool(R"({'types': {'node': {}, 'disk': {'dimensions': {'gb': {}}}},
    'instances': [{'id': 'n', 'type': 'node', 'parts': 2},
                  {'id': 'd1', 'type': 'disk', 'parent': 'n', 'capacity': {'gb': 10}}]})");
  const Denial missing = denial(*pool, ask_gb("a", 1));
  EXPECT_EQ(missing.denial_class, DenialClass::kNotNow);
  EXPECT_EQ(missing.stage, "parts");
  EXPECT_EQ(missing.core.front().name, "parts");
  InstanceSpec second = instance("d2", "disk", {{"gb", dec(10)}});
  second.parent = "n";
  ASSERT_EQ(error_of(pool->add(second)), "");
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d1");
  ASSERT_EQ(error_of(pool->remove("d2")), "");
  EXPECT_EQ(denial(*pool, ask_gb("a", 1)).stage, "parts");
}

}  // namespace
}  // namespace apportion
