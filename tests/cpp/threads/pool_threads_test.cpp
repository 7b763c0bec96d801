#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <thread>

#include "allocator/request_lists.hpp"

namespace apportion {
namespace {

template <class Work>
void in_threads(int count, const Work& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(PoolThread, SixtyFourThreadsGetEveryUnitOnceAndLoseNone) {
  constexpr int kThreads = 64;
  constexpr int kClaims = 1000;
  // Two instances of 32,000 units: as many as are asked for.
  const auto pool = disks({32'000, 32'000});
  std::vector<std::vector<ClaimId>> claims(kThreads);
  std::atomic<int> denied = 0;
  in_threads(kThreads, [&](int thread) {
    const Request request = ask_gb("c" + std::to_string(thread), 1);
    for (int i = 0; i < kClaims; ++i) {
      const Result<Outcome> outcome = pool->allocate(request);
      if (!outcome || std::holds_alternative<Denial>(*outcome)) {
        ++denied;
      } else {
        claims[static_cast<std::size_t>(thread)].push_back(std::get<Grant>(*outcome).claims.front().claim);
      }
    }
  });
  EXPECT_EQ(denied, 0);
  std::set<std::pair<std::uint32_t, std::uint32_t>> distinct;
  for (const auto& of_thread : claims) {
    for (const ClaimId claim : of_thread) distinct.emplace(claim.slot, claim.generation);
  }
  EXPECT_EQ(distinct.size(), std::size_t{kThreads} * kClaims);
  EXPECT_EQ(denial(*pool, ask_gb("late", 1)).binding[0].total_used, "64000");
  in_threads(kThreads,
             [&](int thread) { EXPECT_EQ(error_of(pool->release(claims[static_cast<std::size_t>(thread)])), ""); });
  EXPECT_EQ(pool->claims().rows, 0U);
  EXPECT_EQ(pool->consumers().rows, 0U);
}

TEST(PoolThread, ReadersSeeWholeStatesWhileWritersWrite) {
  const auto pool = disks({100, 100});
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 150; ++i) {
      const Grant both = grant(*pool, ask_gb("w", 5, 2));
      ASSERT_EQ(error_of(pool->release({both.claims[0].claim, both.claims[1].claim})), "");
    }
    done = true;
  });
  in_threads(3, [&](int thread) {
    int rounds = 0;
    while (!done || rounds == 0) {
      ++rounds;
      if (thread == 0) {
        const Table table = pool->instances();
        const auto& used = values<TableColumn::Numbers>(table, "used.gb");
        EXPECT_EQ(used[0], used[1]) << "a grant of two is never seen by half";
      } else if (thread == 1) {
        EXPECT_TRUE(restored(*pool));
      } else {
        const auto fork = pool->fork();
        grant(*fork, ask_gb("f", 1));
        EXPECT_LE(fork->claims().rows, 3U);
      }
    }
  });
  writer.join();
}

TEST(PoolThread, ForksAreUsedByTheirThreads) {
  const auto pool = disks({1000, 1000});
  for (int i = 0; i < 50; ++i) grant(*pool, ask_gb("base", 1));
  std::vector<std::shared_ptr<Pool>> forks;
  for (int i = 0; i < 4; ++i) forks.push_back(pool->fork());
  const Hash128 before = pool->hash();
  in_threads(4, [&](int thread) {
    const auto fork = std::move(forks[static_cast<std::size_t>(thread)]);
    for (int i = 0; i < 100; ++i) {
      const Grant given = grant(*fork, ask_gb("c" + std::to_string(i % 7), 1 + thread));
      if (i % 3 == 0) {
        ASSERT_EQ(error_of(fork->release({given.claims[0].claim})), "");
      }
      if (i % 10 == 0) {
        ASSERT_EQ(error_of(fork->add(instance("n" + std::to_string(i), "disk", {{"gb", dec(5)}}))), "");
      }
    }
    EXPECT_NE(fork->hash(), before);
  });
  EXPECT_EQ(pool->hash(), before);
}

// Requests of kinds that nobody asked for before, so that all instances are looked at, and a few that come again.
std::string journal_of(Pool& pool, std::int64_t threads) {
  RequestLists rows;
  for (int i = 0; i < 60; ++i) {
    rows.consumers.push_back("c" + std::to_string(i));
    rows.gb.push_back(i % 4 == 3 ? 5 : 1 + i % 29);
    rows.types.emplace_back("disk");
    rows.policies.emplace_back(
        std::array{"least_utilised", "turns", "calm", "dice"}[static_cast<std::size_t>(i) / 4 % 4]);
    rows.filters.emplace_back(i % 3 == 0 ? "self.location != 'z1'" : "");
    rows.counts.push_back(1);
  }
  RequestColumns columns = rows.columns();
  columns.threads = threads;
  EXPECT_EQ(error_of(pool.allocate_many(columns)), "");
  return journal_text(pool);
}

TEST(PoolThread, AnyNumberOfThreadsAnswersAlike) {
  constexpr const char* kDocument =
      "{'types': {'disk': {'dimensions': {'gb': {}}}}, 'policies': {"
      "'turns': {'score': 'floor(used.gb / 7)', 'ties': 'rotating'}, 'dice': {'score': '0', 'ties': 'seeded'},"
      "'calm': {'score': 'group(self.location).load + self.ordinal % 3'}}}";
  std::vector<InstanceSpec> specs;
  for (int i = 0; i < 13'000; ++i) {  // three strides and a bit
    specs.push_back(instance("d" + std::to_string(i), "disk", {{"gb", dec(i % 31)}}));
    specs.back().location = "z" + std::to_string(i % 5);
    specs.back().groups = std::vector<std::string>{*specs.back().location};
  }
  const auto pool_with = [&](std::size_t index_bytes) {
    auto pool = indexing_pool(kDocument, index_bytes);
    EXPECT_EQ(error_of(pool->add_many(specs)), "");
    return pool;
  };
  const std::string scanned = journal_of(*pool_with(0), 1);
  for (const std::int64_t threads : {1, 2, 3, 8}) {
    const auto pool = pool_with(kEnoughIndex);
    EXPECT_EQ(journal_of(*pool, threads), scanned) << threads;
    const std::int64_t shared = index_stat(*pool, "shared_scans");
    EXPECT_EQ(shared > 20, threads > 1) << shared << " scans by " << threads << " threads";
  }
  RequestColumns none;
  for (const std::int64_t threads : {0LL, -1LL, 257LL, 1LL << 32}) {
    none.threads = threads;
    EXPECT_EQ(error_of(pool_with(0)->allocate_many(none)),
              "threads: give 1 to 256 threads, found " + std::to_string(threads));
  }
}

}  // namespace
}  // namespace apportion
