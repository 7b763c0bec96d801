#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

Request keyed(Request request, std::string key, std::string actor = "") {
  request.key = std::move(key);
  request.actor = std::move(actor);
  return request;
}

Denial denial_of(const Result<std::variant<std::vector<Grant>, Denial>>& outcome) {
  if (outcome && std::holds_alternative<Denial>(*outcome)) return std::get<Denial>(*outcome);
  ADD_FAILURE() << (outcome ? "granted" : outcome.error().text());
  return {};
}

TEST(Allocate, AGrantSaysIdentityAndLocation) {
  const auto pool = make_pool(
      "{'types': {'disk': {'dimensions': {'gb': {'step': 0.1}}}}, 'instances': [{'id': 'd1', 'type': "
      "'disk', 'address': 'host:1', 'location': 'zone', 'capacity': {'gb': 1}}]}");
  const Grant given = grant(*pool, ask("alice", {{"gb", dec("0.25")}}));
  EXPECT_EQ(given.consumer, "alice");
  EXPECT_FALSE(given.mark);
  EXPECT_EQ(given.revision, pool->revision());
  ASSERT_EQ(given.claims.size(), 1U);
  const GrantedClaim& claim = given.claims[0];
  const Place place = pool->places_of(given).front();
  EXPECT_EQ(place.instance, "d1");
  EXPECT_EQ(place.address, "host:1");
  EXPECT_EQ(place.location, "zone");
  EXPECT_EQ(claim.type(), "disk");
  EXPECT_EQ(claim.version->number, 1U);
  EXPECT_EQ(claim.amounts()[0].second, 0.3);  // 2.5 steps, rounded up
}

TEST(Allocate, AKeyIsAnsweredOnce) {
  const auto pool = disks({10, 10});
  const Request request = keyed(ask_gb("alice", 3, 2), "k");
  const Grant first = grant(*pool, request);
  const Revision revision = pool->revision();
  const Grant again = grant(*pool, request);
  EXPECT_EQ(ids_of(again), ids_of(first));
  EXPECT_EQ(again.revision, first.revision);
  EXPECT_EQ(pool->revision(), revision) << "nothing happened";
  EXPECT_EQ(error_of(pool->allocate(keyed(ask_gb("alice", 4, 2), "k"))),
            "key: the key 'k' was used for another request");
  EXPECT_NE(ids_of(grant(*pool, keyed(ask_gb("alice", 1), "k", "another actor"))), ids_of(first));
  EXPECT_EQ(ids_of(grant(*restored(*pool), request)), ids_of(first)) << "a restored pool knows the key";
  ASSERT_EQ(error_of(pool->release(ids_of(first))), "");
  const Result<Outcome> late = pool->allocate(request);
  ASSERT_TRUE(late.has_error());
  EXPECT_EQ(late.error().code, ErrorCode::kStale);
}

TEST(Allocate, ADenialIsNotRemembered) {
  const auto pool = disks({10});
  const Request request = keyed(ask_gb("alice", 8), "k");
  const Grant other = grant(*pool, ask_gb("bob", 8));
  static_cast<void>(denial(*pool, request));
  ASSERT_EQ(error_of(pool->release(ids_of(other))), "");
  grant(*pool, request);
}

TEST(AllocateAll, GivesAllOrNone) {
  const auto pool = disks({10, 10});
  const auto outcome = pool->allocate_all({ask_gb("a", 6), ask_gb("b", 6), ask_gb("a", 4)});
  ASSERT_TRUE(outcome);
  const auto& grants = std::get<std::vector<Grant>>(*outcome);
  ASSERT_EQ(grants.size(), 3U);
  EXPECT_EQ(instances_of(*pool, grants[1])[0], "d2");
  EXPECT_EQ(instances_of(*pool, grants[2])[0], "d1");
  EXPECT_EQ(grants[0].revision, grants[2].revision) << "one change";
  const Hash128 hash = pool->hash();
  const Denial why = denial_of(pool->allocate_all({ask_gb("c", 4), ask_gb("c", 1)}));
  EXPECT_EQ(why.member, 1U);
  EXPECT_EQ(why.denial_class, DenialClass::kConflict);
  EXPECT_EQ(pool->hash(), hash);
}

TEST(AllocateAll, TheClassesOfItsDenials) {
  struct Row {
    std::vector<int> asked;
    DenialClass denial_class;
    std::uint32_t member;
  };
  // Two instances of 10; 4 of d2 are taken.
  const Row rows[] = {
      {{8, 8}, DenialClass::kConflict, 1},        // each alone fits d1
      {{7, 7, 7}, DenialClass::kConflict, 1},     // 3 and 6 are left for the second
      {{8, 11}, DenialClass::kNever, 1},          // 11 fits nowhere
      {{3, 8, 11}, DenialClass::kFragmented, 1},  // 7 + 6 >= 8; no conflict, as 11 alone would be denied too
      {{10, 7, 11}, DenialClass::kNotNow, 1},     // 0 + 6 < 7
  };
  for (const Row& row : rows) {
    const auto pool = disks({10, 10});
    Request first = ask_gb("x", 4);
    first.where = "self.id == 'd2'";
    grant(*pool, first);
    std::vector<Request> requests;
    for (const int gb : row.asked) requests.push_back(ask_gb("a", gb));
    const Hash128 hash = pool->hash();
    const Denial why = denial_of(pool->allocate_all(requests));
    EXPECT_EQ(class_name(why.denial_class), class_name(row.denial_class));
    EXPECT_EQ(why.member, row.member);
    EXPECT_EQ(pool->hash(), hash);
  }
}

TEST(AllocateAll, MisuseNamesTheMember) {
  const auto pool = disks({10});
  const Hash128 hash = pool->hash();
  EXPECT_EQ(error_of(pool->allocate_all({})), "requests: there is no request to decide");
  EXPECT_EQ(error_of(pool->allocate_all({ask_gb("a", 1), keyed(ask_gb("a", 1), "k")})),
            "requests[1].key: requests of one call take no keys of their own");
  EXPECT_EQ(error_of(pool->allocate_all({ask_gb("a", 1), ask_gb("a", -1)})),
            "requests[1].amounts.gb: -1 is negative; quantities start at 0");
  EXPECT_EQ(pool->hash(), hash);
}

TEST(Marks, AreCommittedOrExpire) {
  const auto pool = disks({10});
  Request request = ask_gb("a", 6);
  request.mark = true;
  request.expires = 100;
  const Grant mark = grant(*pool, request);
  EXPECT_TRUE(mark.mark);
  static_cast<void>(denial(*pool, ask_gb("b", 6)));
  ASSERT_EQ(error_of(pool->commit({})), "");
  ASSERT_EQ(error_of(pool->commit(ids_of(mark))), "");
  EXPECT_FALSE(pool->find_grant(mark.claims[0].claim)->mark);
  EXPECT_EQ(*pool->tick(200), 0U);
  ASSERT_EQ(error_of(pool->release(ids_of(mark))), "");
  request.expires = 300;
  const Grant second = grant(*pool, request);
  EXPECT_EQ(*pool->tick(300), 1U);
  const Status late = pool->commit(ids_of(second));
  ASSERT_TRUE(late.has_error());
  EXPECT_EQ(late.error().code, ErrorCode::kStale);
}

TEST(Release, EndsAllOrNone) {
  const auto pool = disks({10, 10});
  const Grant both = grant(*pool, ask_gb("a", 6, 2));
  const Hash128 hash = pool->hash();
  EXPECT_EQ(error_of(pool->release({})), "");
  EXPECT_TRUE(pool->release({both.claims[0].claim, {9, 9}}).has_error());
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_EQ(error_of(pool->release({both.claims[1].claim})), "");
  EXPECT_EQ(pool->find_grant(both.claims[0].claim)->claims.size(), 1U);
  EXPECT_EQ(pool->find_grant(both.claims[1].claim).error().code, ErrorCode::kStale);
}

TEST(Resize, IsDeniedWithItsSums) {
  const auto pool = disks({10});
  const ClaimId a = grant(*pool, ask_gb("a", 4)).claims[0].claim;
  grant(*pool, ask_gb("b", 4));
  const auto to = [&](int gb) { return pool->resize(a, {{"gb", dec(gb)}}); };
  ASSERT_TRUE(to(6));
  EXPECT_FALSE(*to(6)) << "6 + 4 = 10";
  const Hash128 hash = pool->hash();
  const auto more = to(9);
  ASSERT_TRUE(more);
  ASSERT_TRUE(*more);
  EXPECT_EQ((*more)->denial_class, DenialClass::kNotNow);
  EXPECT_EQ((*more)->binding[0].requested, "3");  // 9 - 6
  EXPECT_EQ((*more)->binding[0].total_free, "0");
  EXPECT_EQ((**to(11)).denial_class, DenialClass::kNever);  // more than all of it
  EXPECT_EQ(error_of(pool->resize(a, {{"tb", dec(1)}})),
            "amounts: type 'disk' has no dimension 'tb'; did you mean 'gb'?");
  EXPECT_EQ(error_of(pool->resize(a, {{"gb", dec(-1)}})), "amounts.gb: -1 is negative; quantities start at 0");
  EXPECT_EQ(pool->resize({7, 7}, {}).error().code, ErrorCode::kStale);
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_FALSE(*to(0));
}

TEST(Transfer, KeepsTheMaximumOfConsumers) {
  const auto pool = disks({10}, "{'types': {'disk': {'dimensions': {'gb': {}}, 'max_consumers': 2}}}");
  const ClaimId a = grant(*pool, ask_gb("a", 1)).claims[0].claim;
  const ClaimId a2 = grant(*pool, ask_gb("a", 1)).claims[0].claim;
  grant(*pool, ask_gb("b", 1));
  const Hash128 hash = pool->hash();
  const auto third = pool->transfer(a, "c");
  ASSERT_TRUE(third);
  ASSERT_TRUE(*third) << "a stays with its other claim, b and c would make three";
  EXPECT_EQ((*third)->stages[0].name, "consumers");
  EXPECT_EQ(error_of(pool->transfer(a, "")),
            "consumer: a consumer's id has 1 to 200 bytes of UTF-8 without control characters");
  EXPECT_EQ(pool->transfer({7, 7}, "c").error().code, ErrorCode::kStale);
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_FALSE(*pool->transfer(a, "b")) << "b is there already";
  EXPECT_FALSE(*pool->transfer(a2, "c")) << "a leaves, c comes";
  EXPECT_EQ(pool->find_grant(a2)->consumer, "c");
}

TEST(Over, AnInstanceWhoseLimitSankTakesNothing) {
  const auto pool = disks({10, 3});
  const ClaimId claim = grant(*pool, ask_gb("a", 8)).claims[0].claim;
  InstanceSpec less;
  less.id = "d1";
  less.ratio = {{"gb", dec("0.5")}};
  ASSERT_EQ(error_of(pool->change(less)), "");
  EXPECT_NE(to_json(*pool->instance("d1")).find(R"("over": true)"), std::string::npos);
  EXPECT_EQ(chosen(*pool, ask_gb("b", 1)), "d2");
  EXPECT_TRUE(*pool->resize(claim, {{"gb", dec(9)}}));
  EXPECT_FALSE(*pool->resize(claim, {{"gb", dec(4)}}));  // 10 x 0.5 - 4 = 1 is free again
  EXPECT_EQ(chosen(*pool, ask_gb("b", 1)), "d1");
}

}  // namespace
}  // namespace apportion
