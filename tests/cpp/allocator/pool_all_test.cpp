#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

// Whether each of these requests for one disk, or several of the same size, has its place.
bool has_a_way(std::vector<int> free, const std::vector<std::pair<int, std::uint32_t>>& asked, std::size_t next = 0) {
  if (next == asked.size()) return true;
  const int gb = asked[next].first;
  const std::function<bool(std::size_t, std::uint32_t)> place = [&](std::size_t from, std::uint32_t left) {
    if (left == 0) return has_a_way(free, asked, next + 1);
    for (std::size_t i = from; i < free.size(); ++i) {
      if (free[i] < gb) continue;
      free[i] -= gb;
      const bool done = place(i + 1, left - 1);
      free[i] += gb;
      if (done) return true;
    }
    return false;
  };
  return place(0, asked[next].second);
}

TEST(AllocateAll, GrantsWheneverThereIsAWay) {
  int granted = 0, arranged = 0, conflicts = 0;
  for (std::uint32_t seed = 1; seed <= static_cast<std::uint32_t>(tries(1500)); ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
    std::vector<int> sizes(static_cast<std::size_t>(2 + draw(3)));
    for (int& size : sizes) size = 1 + draw(10);
    const auto pool = disks(sizes);
    std::vector<std::pair<int, std::uint32_t>> asked(static_cast<std::size_t>(2 + draw(4)));
    std::vector<Request> requests;
    for (auto& [gb, count] : asked) {
      gb = 1 + draw(8);
      count = draw(4) == 0 ? 2 : 1;
      requests.push_back(ask_gb("c" + std::to_string(draw(3)), gb, count));
      requests.back().policy = draw(2) == 0 ? "most_utilised" : "first";
    }
    const Hash128 before = pool->hash();
    const auto in_turn = pool->fork();
    std::vector<std::vector<std::string>> one_by_one;
    for (const Request& request : requests) {
      const Outcome outcome = *in_turn->allocate(request);
      if (!std::holds_alternative<Grant>(outcome)) break;
      one_by_one.push_back(instances_of(*in_turn, std::get<Grant>(outcome)));
    }
    const bool greedy = one_by_one.size() == requests.size();
    const auto outcome = pool->allocate_all(requests);
    ASSERT_EQ(error_of(outcome), "");
    const auto* const grants = std::get_if<std::vector<Grant>>(&*outcome);
    ASSERT_EQ(grants != nullptr, has_a_way(sizes, asked)) << seed;
    ASSERT_TRUE(grants != nullptr || pool->hash() == before);
    granted += grants != nullptr;
    arranged += grants != nullptr && !greedy;
    conflicts += grants == nullptr && std::get<Denial>(*outcome).denial_class == DenialClass::kConflict;
    if (grants == nullptr) continue;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ((*grants)[i].consumer, requests[i].consumer) << "in the order of the requests";
      EXPECT_EQ((*grants)[i].claims.size(), requests[i].count);
      if (greedy) {
        EXPECT_EQ(instances_of(*pool, (*grants)[i]), one_by_one[i]) << "as their order leads to";
      }
    }
    ASSERT_EQ((*pool->at(pool->revision().number))->hash(), pool->hash());
    ASSERT_TRUE(restored(*pool));
  }
  EXPECT_GT(granted, tries(150));
  EXPECT_GT(arranged, tries(30)) << "the order alone does not lead there";
  EXPECT_GT(conflicts, tries(30));
}

TEST(AllocateAll, TreesAreArrangedToo) {
  const auto pool = disks({10, 4}, R"({'types': {'disk': {'dimensions': {'gb': {}}}, 'box': {'dimensions': {'gb': {}},
    'needs': [{'type': 'disk', 'gb': 'request.gb'}]}}})");
  Request small = ask_gb("ada", 4);
  small.type = "box";
  Request large = ask_gb("bob", 10);
  large.type = "box";
  const auto done = pool->allocate_all({small, large});
  ASSERT_TRUE(done);
  ASSERT_TRUE(std::holds_alternative<std::vector<Grant>>(*done)) << std::get<Denial>(*done).message;
  const auto& grants = std::get<std::vector<Grant>>(*done);
  EXPECT_EQ(instances_of(*pool, grants[0]), std::vector<std::string>{"d2"});
  EXPECT_EQ(pool->places_of(grants[1])[0].role, "box@1/disk");
}

// Nothing tells them apart, and one is too many: the search must end.
TEST(AllocateAll, ManyAlikeEnd) {
  const auto pool = disks(std::vector<int>(12, 10));
  const std::vector<Request> requests(13, ask_gb("ada", 6));
  const Denial why = std::get<Denial>(pool->allocate_all(requests).value());
  EXPECT_EQ(why.member, 12U);
  EXPECT_EQ(why.denial_class, DenialClass::kSearchBound);
  EXPECT_NE(why.message.find("given up after 10000 decisions"), std::string::npos) << why.message;
}

TEST(PoolReplace, AllOrNothing) {
  const auto pool = disks({10, 4});
  const Grant ada = grant(*pool, ask_gb("ada", 10));
  const Grant bob = grant(*pool, ask_gb("bob", 4));
  std::vector<ClaimId> both = ids_of(ada);
  both.push_back(ids_of(bob).front());
  const Hash128 before = pool->hash();
  const auto no = pool->replace(both, {ask_gb("bob", 10), ask_gb("ada", 5)});
  ASSERT_TRUE(no);
  EXPECT_EQ(std::get<Denial>(*no).member, 1U);
  EXPECT_EQ(pool->hash(), before);
  const auto yes = pool->replace(both, {ask_gb("bob", 10), ask_gb("ada", 3), ask_gb("eve", 1)});
  ASSERT_TRUE(yes);
  const auto& grants = std::get<std::vector<Grant>>(*yes);
  ASSERT_EQ(grants.size(), 3U);
  EXPECT_EQ(instances_of(*pool, grants[0]), std::vector<std::string>{"d1"});
  EXPECT_EQ(instances_of(*pool, grants[2]), std::vector<std::string>{"d2"});
  EXPECT_EQ((*pool->at(pool->revision().number))->hash(), pool->hash());
  EXPECT_EQ(pool->claims().rows, 3U);
}

TEST(PoolReplace, TreesToo) {
  const auto pool = disks({10, 4}, R"({'types': {'disk': {'dimensions': {'gb': {}}},
    'pair': {'needs': [{'type': 'disk', 'as': 'a', 'gb': 3, 'different': 'id'}, {'type': 'disk', 'as': 'b', 'gb': 3, 'different': 'id'}]}}})");
  const Grant ada = grant(*pool, ask_gb("ada", 10));
  Request pair;
  pair.type = "pair";
  pair.consumer = "bob";
  const auto done = pool->replace(ids_of(ada), {pair, ask_gb("ada", 7)});
  ASSERT_TRUE(done);
  const auto& grants = std::get<std::vector<Grant>>(*done);
  EXPECT_EQ(pool->places_of(grants[0])[1].role, "pair@1/b");
  EXPECT_EQ(pool->places_of(grants[1])[0].role, "");
}

TEST(PoolReplace, Misuse) {
  const auto pool = disks({10});
  EXPECT_TRUE(pool->replace({}, {}).has_error());
  const Hash128 before = pool->hash();
  const auto gone = pool->replace({{7, 0}}, {ask_gb("a", 1)});
  ASSERT_TRUE(gone.has_error());
  EXPECT_EQ(gone.error().code, ErrorCode::kStale);
  const Grant held = grant(*pool, ask_gb("a", 1));
  const Hash128 after = pool->hash();
  EXPECT_NE(after, before);
  Request keyed = ask_gb("a", 1);
  keyed.key = "k";
  EXPECT_TRUE(pool->replace(ids_of(held), {keyed}).has_error());
  Request wrong = ask_gb("a", 1);
  wrong.type = "disc";
  const auto bad = pool->replace(ids_of(held), {ask_gb("a", 1), wrong});
  ASSERT_TRUE(bad.has_error());
  EXPECT_EQ(bad.error().place, "requests[1].type");
  EXPECT_EQ(pool->hash(), after);
}

}  // namespace
}  // namespace apportion
