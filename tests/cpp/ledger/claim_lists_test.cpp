#include "apportion/ledger/claim_lists.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

#include "support/world.hpp"

namespace apportion {
namespace {

using Place = std::pair<InstanceRef, std::uint32_t>;  // of a slot: instance and consumer

void expect_as_places(const ClaimLists& lists, const std::map<std::uint32_t, Place>& places) {
  for (std::uint32_t list = 0; list < 8; ++list) {
    std::vector<std::uint32_t> of_consumer, on;
    for (const auto& [slot, place] : places) {
      if (place.second == list) of_consumer.push_back(slot);
      if (place.first == InstanceRef{list % 3, list}) on.push_back(slot);
    }
    ASSERT_EQ(lists.of_consumer(list), of_consumer);
    ASSERT_EQ(lists.on({list % 3, list}), on);
  }
}

TEST(ClaimLists, EqualAMapUnderRandomEditsForksAndRollbacks) {
  std::mt19937_64 random(1);
  ClaimLists lists;
  lists.keep();
  std::map<std::uint32_t, Place> places;
  for (int round = 0; round < 400; ++round) {
    Transaction log;
    std::map<std::uint32_t, Place> then = places;
    for (int i = 0; i < 6; ++i) {
      const auto slot = static_cast<std::uint32_t>(random() % 40);
      const auto held = then.find(slot);
      if (held != then.end()) {
        lists.remove(log, slot, held->second.first, held->second.second);
        then.erase(held);
      } else {
        const auto row = static_cast<std::uint32_t>(random() % 8);
        const Place place{{row % 3, row}, static_cast<std::uint32_t>(random() % 8)};
        lists.add(log, slot, place.first, place.second);
        then.emplace(slot, place);
      }
    }
    expect_as_places(lists, then);
    if (random() % 2 == 0) {
      log.rollback();
    } else {
      log.commit();
      places = then;
    }
    expect_as_places(lists, places);
    if (round % 20 != 0) continue;
    ClaimLists fork = lists;
    Transaction unlogged(Transaction::Keep::kForget);
    for (const auto& [slot, place] : places) fork.remove(unlogged, slot, place.first, place.second);
    expect_as_places(fork, {});
    expect_as_places(lists, places);
  }
}

// The same answers with lists and without, and a rollback beyond the moment when they were made.
TEST(ClaimLists, AreForgottenWhenWhatTheyKnowIsTakenBack) {
  World world;
  ASSERT_TRUE(world.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}}}").has_value());
  const InstanceRef d1 = world.put_tree("{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 99}}");
  const ClaimId a = world.claim("ada", d1, {1});
  Ledger& ledger = world.ledger();
  const auto of_ada = [&] { return ledger.claims_of_consumer(ledger.consumers().find("ada")); };
  const auto grant = [&](Transaction& log) {
    const GrantRecord record = world.grant("ada", {d1}, {1});
    const std::string payload = Ledger::payload(std::span(&record, 1));
    EXPECT_TRUE(world.state().apply(world.change(Ledger::kGrant, payload), log).has_value());
    return record.claims.front().claim;
  };
  Transaction log;
  const ClaimId b = grant(log);
  EXPECT_EQ(of_ada(), (std::vector{a, b})) << "by a look at all";
  ledger.keep_lists(log);
  const Transaction::Mark mark = log.mark();
  const ClaimId c = grant(log);
  EXPECT_EQ(of_ada(), (std::vector{a, b, c})) << "by the lists";
  EXPECT_EQ(ledger.claims_on(d1), (std::vector{a, b, c}));
  log.rollback(mark);
  EXPECT_EQ(of_ada(), (std::vector{a, b})) << "by the lists, which follow";
  log.rollback();
  EXPECT_EQ(of_ada(), (std::vector{a}));
  Transaction next;
  EXPECT_EQ(grant(next), b);
  EXPECT_EQ(of_ada(), (std::vector{a, b})) << "nothing is left of the lists";
  next.rollback();
  EXPECT_EQ(ledger.claims_on(d1), (std::vector{a}));
}

}  // namespace
}  // namespace apportion
