#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

constexpr const char* kCompany = R"({
    'types': {'gpu': {'dimensions': {'cards': {}}},
              'job': {'needs': [{'type': 'gpu', 'as': 'first', 'cards': 'request.count'},
                                {'as': 'second', 'any_of': [{'type': 'gpu', 'cards': 4}, {'type': 'gpu', 'cards': 1}]}]}},
    'quotas': {'company': {'maximum': {'gpu': {'cards': 10}}},
               'research': {'parent': 'company', 'guaranteed': {'gpu': {'cards': 4}}, 'maximum': {'gpu': {'cards': 8}}},
               'web': {'parent': 'company'}},
    'consumers': [{'id': 'ada', 'groups': ['research']}, {'id': 'ben', 'groups': ['web']}],
    'instances': [{'id': 'n1', 'type': 'gpu', 'capacity': {'cards': 100}}]})";

Request cards(const char* consumer, int number) {
  Request request = ask(consumer, {{"cards", dec(number)}});
  request.type = "gpu";
  return request;
}

TEST(Quotas, WhatIsGuaranteedIsKeptFree) {
  const auto pool = make_pool(kCompany);
  EXPECT_EQ(chosen(*pool, cards("ben", 6)), "n1");
  const Denial why = denial(*pool, cards("ben", 1));  // 4 are kept for research
  EXPECT_EQ(why.denial_class, DenialClass::kQuota);
  EXPECT_EQ(why.stage, "quota");
  EXPECT_NE(why.message.find("group 'company' may hold 10 cards of 'gpu', uses 10 and would take 1 more"),
            std::string::npos)
      << why.message;
  EXPECT_EQ(chosen(*pool, cards("ada", 4)), "n1");
  EXPECT_EQ(denial(*pool, cards("ada", 1)).denial_class, DenialClass::kQuota);
  EXPECT_EQ(chosen(*pool, cards("eve", 50)), "n1");  // of no group
}

TEST(Quotas, NeverMeansNotEvenAlone) {
  const auto pool = make_pool(kCompany);
  EXPECT_EQ(denial(*pool, cards("ada", 9)).denial_class, DenialClass::kNever);
  EXPECT_EQ(denial(*pool, cards("ben", 7)).denial_class, DenialClass::kNever);
  EXPECT_EQ(denial(*pool, cards("eve", 101)).denial_class, DenialClass::kNever);
}

TEST(Quotas, HoldForWholeTrees) {
  const auto pool = make_pool(kCompany);
  Request job = ask("ben", {});
  job.type = "job";
  const Grant first = grant(*pool, job);  // 1 and 4 of the 6 that are not guaranteed to others
  EXPECT_EQ(first.claims[1].steps[0], 4);
  job.consumer = "ada";
  EXPECT_EQ(grant(*pool, job).claims[1].steps[0], 4);
  job.consumer = "ben";
  const Denial why = denial(*pool, job);
  EXPECT_EQ(why.slot, "job@1/first") << why.message;
}

TEST(Quotas, OfResizesAndTransfers) {
  const auto pool = make_pool(kCompany);
  const Grant held = grant(*pool, cards("ben", 5));
  const auto larger = pool->resize(held.claims[0].claim, {{"cards", dec(7)}});
  ASSERT_TRUE(larger && *larger);
  EXPECT_EQ((*larger)->denial_class, DenialClass::kQuota);
  EXPECT_FALSE(pool->resize(held.claims[0].claim, {{"cards", dec(6)}}).value());
  EXPECT_FALSE(pool->transfer(held.claims[0].claim, "ada").value());
  EXPECT_EQ(chosen(*pool, cards("ben", 4)), "n1");
  const Grant outside = grant(*pool, cards("eve", 5));
  const auto denied = pool->transfer(outside.claims[0].claim, "ben");
  ASSERT_TRUE(denied && *denied);
  EXPECT_EQ((*denied)->stage, "quota");
}

TEST(Quotas, FollowWhoBelongsToWhom) {
  const auto pool = make_pool(kCompany);
  const Grant held = grant(*pool, cards("eve", 8));
  EXPECT_EQ(error_of(pool->add_consumer({"eve", "", {}, {"research"}})), "");
  EXPECT_EQ(denial(*pool, cards("ada", 1)).denial_class, DenialClass::kQuota);
  EXPECT_EQ(error_of(pool->release(ids_of(held))), "");
  EXPECT_EQ(chosen(*pool, cards("ada", 1)), "n1");
  // A quota below what is held takes nothing away, and gives nothing more.
  apply_document(*pool, "{'quotas': {'research': {'parent': 'company', 'maximum': {'gpu': {'cards': 0}}}}}");
  EXPECT_EQ(denial(*pool, cards("ada", 1)).denial_class, DenialClass::kNever);
  const auto copy = restored(*pool);
  EXPECT_EQ(copy->hash(), pool->hash());
  EXPECT_EQ(denial(*copy, cards("ada", 1)).stage, "quota");
}

TEST(Quotas, GuaranteesFitIntoWhatIsAbove) {
  const auto pool = make_pool(kCompany);
  const auto problems =
      problems_of(*pool, "{'quotas': {'web': {'parent': 'company', 'guaranteed': {'gpu': {'cards': 7}}}}}");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0],
            "quotas.company.maximum.gpu.cards: the groups below are guaranteed 11, which is more than the "
            "maximum of 10");
}

}  // namespace
}  // namespace apportion
