#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

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
