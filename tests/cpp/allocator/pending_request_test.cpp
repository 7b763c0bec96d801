// What is looked at again when a pending slot of a tree is activated: everything that its rules read, as it is then.
#include <gtest/gtest.h>

#include "waiting_pool.hpp"

namespace apportion {
namespace {

// A disk, and lines that depend on it, on what they lie in, and on each other.
constexpr const char* kRules = R"({
  'types': {
    'rack': {},
    'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}}},
    'channel': {'dimensions': {'mbit': {}}, 'fields': {'zone': {'kind': 'string'}}, 'deferrable': {'patience_s': 60, 'held_s': 1}},
    'near': {'needs': [{'type': 'disk', 'as': 'store', 'gb': 1},
                       {'type': 'channel', 'as': 'line', 'mbit': 10, 'require': 'self.zone == store.zone'}]},
    'within': {'needs': [{'type': 'rack', 'as': 'place'},
                         {'type': 'channel', 'as': 'line', 'mbit': 10, 'on': 'place'}]},
    'spread': {'needs': [{'type': 'channel', 'as': 'one', 'mbit': 10, 'different': ['zone']},
                         {'type': 'channel', 'as': 'two', 'mbit': 10, 'different': ['zone']}]},
    'nested': {'needs': [{'type': 'near', 'as': 'inner'},
                         {'type': 'channel', 'as': 'line', 'mbit': 1, 'require': 'self.zone == inner.store.zone'}]},
    'either': {'needs': [{'as': 'line', 'any_of': [{'type': 'channel', 'mbit': 10}, {'type': 'disk', 'gb': 1}]}]}},
  'instances': [
    {'id': 'r1', 'type': 'rack'}, {'id': 'r2', 'type': 'rack'},
    {'id': 'd1', 'type': 'disk', 'capacity': {'gb': 9}, 'fields': {'zone': 'a'}},
    {'id': 'la', 'type': 'channel', 'capacity': {'mbit': 10}, 'fields': {'zone': 'a'}, 'parent': 'r1'},
    {'id': 'lb', 'type': 'channel', 'capacity': {'mbit': 10}, 'fields': {'zone': 'b'}, 'parent': 'r2'}]})";

class PendingRequestTest : public testing::Test {
 protected:
  Grant ask_for(const char* type) {
    Request request;
    request.type = type;
    request.consumer = "ada";
    return grant(*pool_, request);
  }
  void put(const char* id, const char* zone) {
    InstanceSpec spec;
    spec.id = id;
    spec.fields = {{"zone", Node(zone)}};
    ASSERT_EQ(error_of(pool_->change(spec)), "");
  }
  void release(const Grant& held) { ASSERT_EQ(error_of(pool_->release(ids_of(held))), ""); }

  std::shared_ptr<Pool> pool_ = make_pool(kRules);
  Grant a_ = grant(*pool_, ask_line("x", 10));  // la
  Grant b_ = grant(*pool_, ask_line("y", 10));  // lb
};

TEST_F(PendingRequestTest, ARuleIsReadAgainstWhatTheOtherSlotsHold) {
  const Grant near = ask_for("near");
  EXPECT_EQ(holds(*pool_, near), "d1 -");
  release(b_);
  EXPECT_EQ(holds(*pool_, near), "d1 -") << "lb is in another zone";
  put("d1", "b");
  EXPECT_EQ(holds(*pool_, near), "d1 lb") << "until the disk is said to be there too";
}

TEST_F(PendingRequestTest, OfAnInnerOutcomeToo) {
  const Grant nested = ask_for("nested");
  EXPECT_EQ(holds(*pool_, nested), "d1 - -");
  release(b_);
  EXPECT_EQ(holds(*pool_, nested), "d1 - -");
  put("d1", "b");
  EXPECT_EQ(holds(*pool_, nested), "d1 lb -") << "the first of the two is given it";
  release(a_);
  EXPECT_EQ(holds(*pool_, nested), "d1 lb -");
}

TEST_F(PendingRequestTest, ASlotLiesWhereItsNeedSays) {
  const Grant within = ask_for("within");
  EXPECT_EQ(holds(*pool_, within), "r1 -");
  release(b_);
  EXPECT_EQ(holds(*pool_, within), "r1 -") << "lb lies in r2";
  release(a_);
  EXPECT_EQ(holds(*pool_, within), "r1 la");
}

TEST_F(PendingRequestTest, SlotsDifferFromThoseBeforeAndBehind) {
  const Grant spread = ask_for("spread");
  EXPECT_EQ(holds(*pool_, spread), "- -");
  release(b_);
  EXPECT_EQ(holds(*pool_, spread), "lb -");
  put("la", "b");
  release(a_);
  EXPECT_EQ(holds(*pool_, spread), "lb -") << "in one zone now";
  put("la", "c");
  EXPECT_EQ(holds(*pool_, spread), "lb la");
}

TEST_F(PendingRequestTest, AnAlternativeThatCanBeHadAtOnceIsBetterThanOneThatMayCome) {
  EXPECT_EQ(holds(*pool_, ask_for("either")), "d1");
}

TEST_F(PendingRequestTest, ARequestsOwnFilterAndPolicyCountAgain) {
  Request request = ask_line("ada", 10);
  request.where = "self.zone == 'b'";
  request.own_policy = PolicyDefinition{};
  request.own_policy->name = "own";
  request.own_policy->where = "self.claims == 0";
  request.own_policy->score = "self.ordinal";
  // Those who hold it keep it from being a candidate, so that there is no one who could serve: denied, not deferred.
  EXPECT_EQ(denial(*pool_, request).deferral, nullptr);
  request.own_policy->where = "self.claims < 2";
  const Grant waits = grant(*pool_, request);
  release(a_);
  EXPECT_EQ(holds(*pool_, waits), "-");
  release(b_);
  EXPECT_EQ(holds(*pool_, waits), "lb");
}

// What is taken is what the instance has then, not what was asked for.
TEST(PendingRequest, TakesTheWholeInstance) {
  const auto pool = make_pool(kUpload);
  const Grant before = grant(*pool, ask_line("x", 10));
  Request request = ask_line("ada", 50);
  request.whole = true;
  const Grant held = grant(*pool, request);
  EXPECT_EQ(holds(*pool, held), "-");
  EXPECT_EQ(restored(*pool)->hash(), pool->hash());
  ASSERT_TRUE(pool->release(ids_of(before)).has_value());
  EXPECT_EQ(holds(*pool, held), "ch1");
  EXPECT_EQ(pool->find_grant(held.claims[0].claim)->claims[0].steps[0], 100);
}

TEST(PendingRequest, IsTheSameInstanceAsAnotherSlot) {
  const auto pool = make_pool(R"({'types': {
    'channel': {'dimensions': {'mbit': {}}, 'deferrable': {'patience_s': 60, 'held_s': 1}},
    'link': {'needs': [{'type': 'channel', 'as': 'up', 'mbit': 40},
                       {'type': 'channel', 'as': 'down', 'mbit': 40, 'same_as': 'up'}]}},
    'instances': [{'id': 'ch1', 'type': 'channel', 'capacity': {'mbit': 100}}]})");
  const Grant before = grant(*pool, ask_line("x", 30));
  Request request;
  request.type = "link";
  request.consumer = "ada";
  const Grant held = grant(*pool, request);
  EXPECT_EQ(holds(*pool, held), "ch1 -");
  ASSERT_TRUE(pool->add(instance("ch2", "channel", {{"mbit", dec(100)}})).has_value());
  EXPECT_EQ(holds(*pool, held), "ch1 -") << "another one does not do";
  ASSERT_TRUE(pool->release(ids_of(before)).has_value());
  EXPECT_EQ(holds(*pool, held), "ch1 ch1");
}

// Of a range only the fewest are waited for.
TEST(PendingRequest, OfARange) {
  const auto pool = make_pool(R"({'types': {
    'channel': {'dimensions': {'mbit': {}}, 'policy': 'first', 'deferrable': {'patience_s': 60, 'held_s': 1}},
    'bundle': {'needs': [{'type': 'channel', 'as': 'line', 'mbit': 60, 'count': {'min': 2, 'max': 3}}]}},
    'instances': [{'id': 'ch1', 'type': 'channel', 'capacity': {'mbit': 100}}]})");
  const Grant before = grant(*pool, ask_line("x", 50));
  ASSERT_TRUE(pool->add(instance("ch2", "channel", {{"mbit", dec(100)}})).has_value());
  Request request;
  request.type = "bundle";
  request.consumer = "ada";
  const Grant held = grant(*pool, request);
  EXPECT_EQ(holds(*pool, held), "ch2 -");
  ASSERT_TRUE(pool->release(ids_of(before)).has_value());
  EXPECT_EQ(holds(*pool, held), "ch2 ch1");
  ASSERT_TRUE(pool->release(ids_of(held)).has_value());
  EXPECT_EQ(holds(*pool, grant(*pool, request)), "ch1 ch2");
}

// An activation takes one instance, so it is never one that needs another.
TEST(PendingRequest, IsNotGivenWhatNeedsNamedInstances) {
  const auto pool = make_pool(R"({'types': {
    'port': {'dimensions': {'n': {}}},
    'channel': {'dimensions': {'mbit': {}}, 'deferrable': {'patience_s': 60, 'held_s': 1}}},
    'instances': [{'id': 'p1', 'type': 'port', 'capacity': {'n': 1}},
                  {'id': 'ch1', 'type': 'channel', 'capacity': {'mbit': 100}}]})");
  const Grant plain = grant(*pool, ask_line("x"));
  apply_document(*pool,
                 "{'instances': [{'id': 'ch2', 'type': 'channel', 'capacity': {'mbit': 100}, "
                 "'needs': [{'instance': 'p1', 'n': 1}]}]}");
  const Grant needing = grant(*pool, ask_line("y"));
  EXPECT_EQ(holds(*pool, needing), "ch2 p1");
  const Grant held = grant(*pool, ask_line("ada"));
  EXPECT_EQ(holds(*pool, held), "-");
  ASSERT_TRUE(pool->release(ids_of(needing)).has_value());
  EXPECT_EQ(holds(*pool, held), "-");
  ASSERT_TRUE(pool->release(ids_of(plain)).has_value());
  EXPECT_EQ(holds(*pool, held), "ch1");
}

}  // namespace
}  // namespace apportion
