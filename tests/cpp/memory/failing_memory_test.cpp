// What happens when memory runs out in the middle of something: the call fails, and everything is as if it had not been
// made, also what the index keeps beside the state.
#include <gtest/gtest.h>

#include <new>
#include <optional>

#include "allocator/random_pool.hpp"
#include "failing_new.hpp"

namespace apportion {
namespace {

// True when `work` ran to its end, though one of its allocations was to fail.
template <class Work>
bool ends(long allocation, const Work& work) {
  allocations_left = allocation;
  try {
    work();
  } catch (const std::bad_alloc&) {
    allocations_left = -1;
    return false;
  }
  const bool spared = allocations_left >= 0;
  allocations_left = -1;
  EXPECT_TRUE(spared) << "an allocation failed and nobody was told";
  return true;
}

// The instances a request is given, or why not; nothing stays.
std::string answer(Pool& pool, const Request& request) {
  const Result<Outcome> outcome = pool.allocate(request);
  if (!outcome) return outcome.error().text();
  if (const Denial* denial = std::get_if<Denial>(&*outcome)) return denial->message;
  const Grant& given = std::get<Grant>(*outcome);
  std::string line;
  for (const std::string& id : instances_of(pool, given)) line += id + " ";
  std::vector<ClaimId> claims;
  for (const GrantedClaim& claim : given.claims) claims.push_back(claim.claim);
  EXPECT_EQ(error_of(pool.release(claims)), "");
  return line;
}

class FailingMemory : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  Request request() {
    static const std::vector<std::string> policies{"calm", "calm", "round", "least_utilised", "fast", "dice", ""};
    Request request = ask("c" + std::to_string(random_() % 12), {{"gb", dec(static_cast<int>(1 + random_() % 3))}},
                          1 + static_cast<std::uint32_t>(random_() % 2));
    request.policy = policies[random_() % policies.size()];
    return request;
  }

  Client indexed_{indexing_pool(kEverything, kEnoughIndex, 1), GetParam(), 3};
  Client scanning_{indexing_pool(kEverything, 0, 1), GetParam(), 3};
  std::mt19937_64 random_{GetParam()};
  int failed_ = 0;
};

// Each allocation of a request fails once, on a pool whose index has yet to be made, and on one that has it and meets
// what a random client did meanwhile.
TEST_P(FailingMemory, LeavesTheStateAndTheIndexAsTheyWere) {
  for (int step = 0; step < tries(45); ++step) {
    for (int i = 0; i < 5; ++i) ASSERT_EQ(indexed_.step(), scanning_.step());
    const Request asked = request();
    for (const bool warm : {false, true}) {
      bool done = false;
      for (long allocation = 0; !done && allocation < 3000; allocation += 1 + static_cast<long>(random_() % 4)) {
        const auto pool = indexed_.pool().fork();
        const auto twin = scanning_.pool().fork();
        if (warm) {
          ASSERT_EQ(answer(*pool, asked), answer(*twin, asked));
          Client here = indexed_.on(pool), there = scanning_.on(twin);
          for (int i = 0; i < 3; ++i) ASSERT_EQ(here.step(), there.step());
        }
        const Hash128 before = pool->hash();
        const Revision revision = pool->revision();
        done = ends(allocation, [&] { static_cast<void>(pool->allocate(asked)); });
        if (done) continue;
        ++failed_;
        ASSERT_EQ(pool->hash(), before) << "allocation " << allocation;
        ASSERT_EQ(pool->revision(), revision);
        ASSERT_EQ(answer(*pool, asked), answer(*twin, asked)) << "allocation " << allocation << " of step " << step;
      }
      ASSERT_TRUE(done);
    }
  }
  EXPECT_GT(failed_, tries(450));
}

INSTANTIATE_TEST_SUITE_P(Seeds, FailingMemory, ::testing::Range<std::uint64_t>(1, 5));

}  // namespace
}  // namespace apportion
