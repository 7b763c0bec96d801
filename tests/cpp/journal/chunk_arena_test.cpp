#include "apportion/journal/chunk_arena.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace apportion {
namespace {

struct Piece {
  std::byte* at = nullptr;
  std::size_t bytes = 0;
  std::byte value{};
};

void fill(Piece& block, std::byte value) {
  block.value = value;
  std::memset(block.at, static_cast<int>(value), block.bytes);
}

bool whole(const Piece& block) {
  for (std::size_t i = 0; i < block.bytes; ++i) {
    if (block.at[i] != block.value) return false;
  }
  return true;
}

// Blocks of several sizes come and go; each is filled, and nothing writes into another's.
void churn(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Piece> blocks;
  for (int round = 0; round < 20'000; ++round) {
    if (blocks.size() < 400 || random() % 2 == 0) {
      const std::size_t bytes = std::size_t{100} << random() % 6;
      Piece block{ChunkArena::allocate(bytes), bytes, {}};
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.at) % 64, 0U);
      fill(block, static_cast<std::byte>(random()));
      blocks.push_back(block);
    } else {
      Piece& gone = blocks[random() % blocks.size()];
      ASSERT_TRUE(whole(gone));
      ChunkArena::free(gone.at, gone.bytes);
      gone = blocks.back();
      blocks.pop_back();
    }
  }
  for (const Piece& block : blocks) {
    ASSERT_TRUE(whole(block));
    ChunkArena::free(block.at, block.bytes);
  }
}

TEST(ChunkArena, BlocksDoNotOverlap) { churn(1); }

TEST(ChunkArena, ServesThreads) {
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) threads.emplace_back(churn, t);
  for (std::thread& thread : threads) thread.join();
}

TEST(ChunkArena, GivesBackWhatIsFree) {
  churn(3);
  const std::size_t before = ChunkArena::bytes();
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 3000; ++i) blocks.push_back(ChunkArena::allocate(4000));
  EXPECT_TRUE(ChunkArena::bytes() > before + 3000 * 4000 || ChunkArena::bytes() == 0) << "0: under a sanitizer";
  for (std::byte* block : blocks) ChunkArena::free(block, 4000);
  EXPECT_LE(ChunkArena::bytes(), before + (std::size_t{2} << 20)) << "but for a slab";
}

}  // namespace
}  // namespace apportion
