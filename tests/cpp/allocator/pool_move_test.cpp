#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

constexpr const char* kShared = "{'types': {'disk': {'dimensions': {'gb': {}}, 'max_consumers': 2}}}";

/// The sentence of a denied move, "" when it was done, or the error.
std::string moved(Pool& pool, ClaimId claim, std::string_view instance) {
  const Result<std::optional<Denial>> outcome = pool.move(claim, instance);
  if (!outcome) return outcome.error().text();
  return *outcome ? std::string(class_name((*outcome)->denial_class)) + ": " + (*outcome)->message : "";
}

ClaimId first_claim(Pool& pool, const Request& request) { return grant(pool, request).claims.front().claim; }

TEST(Move, KeepsTheClaimAndItsGrant) {
  const auto pool = disks({10, 10, 10});
  const Grant held = grant(*pool, ask_gb("ada", 4, 2));  // on d1 and d2
  const std::uint64_t number = pool->revision().number;
  EXPECT_EQ(moved(*pool, held.claims[0].claim, "d3"), "");
  EXPECT_EQ(pool->revision().number, number + 1);
  const Grant now = *pool->find_grant(held.claims[0].claim);
  EXPECT_EQ(instances_of(*pool, now), (std::vector<std::string>{"d3", "d2"}));
  EXPECT_EQ(now.consumer, "ada");
  EXPECT_EQ(now.revision.number, held.revision.number) << "it was granted then";
  EXPECT_EQ(moved(*pool, held.claims[0].claim, "d3"), "");
  EXPECT_EQ(pool->revision().number, number + 1) << "to where it is: no change";
}

TEST(Move, IsDeniedAsARequestForThatInstanceWouldBe) {
  const auto pool = disks({10, 10, 3, 10}, kShared);
  const ClaimId claim = first_claim(*pool, ask_gb("ada", 4));  // on d1
  Request other = ask_gb("bob", 7);
  other.where = "self.id == 'd2'";
  grant(*pool, other);
  for (const char* name : {"eve", "zoe"}) {
    Request sharing = ask_gb(name, 1);
    sharing.where = "self.id == 'd4'";
    grant(*pool, sharing);
  }
  const Hash128 hash = pool->hash();
  const Revision revision = pool->revision();
  EXPECT_EQ(moved(*pool, claim, "d2"),
            "not_now: 'd2' cannot take the claim: gb needs 4, has 3; it could take it at another time");
  EXPECT_EQ(moved(*pool, claim, "d3"),
            "never: 'd3' cannot take the claim: gb needs 4, has 3; it is too small even when empty");
  EXPECT_EQ(moved(*pool, claim, "d4"),
            "not_now: 'd4' cannot take the claim: consumers needs at most 2, has 2; it could take it at another time");
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_EQ(pool->revision(), revision) << "nothing is recorded";
  InstanceSpec offline = instance("d2", "", {});
  offline.state = {{"status", Node("draining")}};
  ASSERT_EQ(error_of(pool->change(offline)), "");
  EXPECT_EQ(moved(*pool, claim, "d2"),
            "not_now: 'd2' cannot take the claim: state.status needs online, has draining; gb needs 4, has 3; it could "
            "take it at another time");
  ASSERT_EQ(error_of(pool->change(instance("d2", "", {{"gb", dec(6)}}))), "");
  const Denial over = **pool->move(first_claim(*pool, ask("ada", {})), "d2");
  EXPECT_EQ(over.stage, "state.status");
}

TEST(Move, NoPolicyIsAsked) {
  const auto pool = disks({10, 10},
                          "{'types': {'disk': {'dimensions': {'gb': {}}, 'policy': 'one'}}, 'policies': {'one': "
                          "{'where': 'self.id == \"d1\"', 'score': '1'}}}");
  EXPECT_EQ(moved(*pool, first_claim(*pool, ask_gb("ada", 4)), "d2"), "");
}

TEST(Move, StaysWithinAVersionOfAType) {
  const auto pool = disks({10}, "{'types': {'disk': {'dimensions': {'gb': {}}}, 'tape': {'dimensions': {'gb': {}}}}}");
  const ClaimId claim = first_claim(*pool, ask_gb("ada", 4));
  ASSERT_EQ(error_of(pool->add(instance("t1", "tape", {{"gb", dec(10)}}))), "");
  apply_document(*pool, "{'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}}}}");
  ASSERT_EQ(error_of(pool->add(instance("d2", "disk", {{"gb", dec(10)}}))), "");
  EXPECT_EQ(moved(*pool, claim, "t1"),
            "instance: the claim is of 'disk' and 't1' is of 'tape': a claim stays with its type");
  EXPECT_EQ(moved(*pool, claim, "d2"),
            "instance: the claim is of 'disk' version 1 and 'd2' is of 'disk' version 2: migrate one of them first");
  EXPECT_EQ(moved(*pool, claim, "d9"), "instance: there is no instance 'd9'");
  EXPECT_EQ(moved(*pool, {7, 7}, "d2"), "claim 7.7 is gone: it was released or it expired");
  ASSERT_EQ(error_of(pool->add([] {
              InstanceSpec old = instance("d3", "disk", {{"gb", dec(3)}});
              old.version = 1;
              return old;
            }())),
            "");
  EXPECT_EQ(moved(*pool, claim, "d3"),
            "never: 'd3' cannot take the claim: gb needs 4, has 3; it is too small even when empty");
}

TEST(Move, IsReplayedAndTakenBack) {
  const auto pool = disks({10, 10});
  const ClaimId claim = first_claim(*pool, ask_gb("ada", 4));
  const std::uint64_t number = pool->revision().number;
  const Hash128 before = pool->hash();
  ASSERT_EQ(moved(*pool, claim, "d2"), "");
  EXPECT_EQ((*pool->at(number))->hash(), before);
  EXPECT_EQ((*pool->at(number + 1))->hash(), pool->hash());
  EXPECT_EQ(restored(*pool)->hash(), pool->hash());
  EXPECT_NE(journal_text(*pool).find(R"("move": "0.0", "instance": "d2")"), std::string::npos);
}

}  // namespace
}  // namespace apportion
