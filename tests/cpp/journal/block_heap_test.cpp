#include "apportion/journal/block_heap.hpp"

#include <gtest/gtest.h>

#include <random>

namespace apportion {
namespace {

using Random = std::mt19937_64;
using Cells = std::vector<std::int64_t>;

struct Block {
  std::uint32_t at = 0;
  Cells cells;
};

void expect_equal(const BlockHeap& heap, const std::vector<Block>& blocks) {
  for (const Block& block : blocks) {
    const auto cells = heap.read(block.at, block.cells.size());
    ASSERT_TRUE(std::ranges::equal(cells, block.cells));
  }
}

void edit(BlockHeap& heap, std::vector<Block>& blocks, Transaction& log, Random& random) {
  const std::size_t which = blocks.empty() ? 0 : random() % blocks.size();
  if (blocks.size() < 5 || random() % 2 == 0) {
    Block block;
    block.cells.resize(1 + random() % 20);
    for (std::int64_t& cell : block.cells) cell = static_cast<std::int64_t>(random());
    block.at = heap.put(log, block.cells);
    blocks.push_back(std::move(block));
  } else if (random() % 2 == 0) {
    heap.release(log, blocks[which].at, blocks[which].cells.size());
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(which));
  } else {
    heap.release(log, blocks[which].at, blocks[which].cells.size());
    for (std::int64_t& cell : blocks[which].cells) cell = static_cast<std::int64_t>(random());
    EXPECT_EQ(heap.put(log, blocks[which].cells), blocks[which].at) << "what was freed last is used first";
  }
}

TEST(BlockHeap, KeepsBlocksApartThroughForksAndRollbacks) {
  Random random(1);
  BlockHeap heap;
  std::vector<Block> blocks;
  for (int round = 0; round < 1000; ++round) {
    Transaction log;
    const std::vector<Block> before = blocks;
    const BlockHeap fork = heap;
    for (std::size_t i = random() % 10; i > 0; --i) edit(heap, blocks, log, random);
    if (round % 20 == 0) {
      expect_equal(heap, blocks);
      expect_equal(fork, before);
    }
    if (random() % 3 != 0) continue;
    log.rollback();
    blocks = before;
  }
  expect_equal(heap, blocks);
}

TEST(BlockHeap, NothingHasNoCells) {
  Transaction log;
  BlockHeap heap;
  EXPECT_EQ(heap.put(log, {}), 0U);
  EXPECT_TRUE(heap.read(0, 0).empty());
  heap.release(log, 0, 0);
  EXPECT_EQ(heap.bytes(), BlockHeap().bytes());
}

TEST(BlockHeap, UsesFreedBlocksAgainLastFirst) {
  Transaction log;
  BlockHeap heap;
  const std::uint32_t a = heap.put(log, Cells(3, 7));
  const std::uint32_t b = heap.put(log, Cells(4, 8));  // 3 and 4 cells share the size of 4
  EXPECT_NE(a, b);
  heap.release(log, a, 3);
  heap.release(log, b, 4);
  EXPECT_EQ(heap.put(log, Cells(4, 8)), b);
  EXPECT_EQ(heap.put(log, Cells(3, 7)), a);
  EXPECT_EQ(heap.put(log, Cells(2)), 0U) << "another size counts for itself";
}

TEST(BlockHeap, ChurnTakesNoMoreMemory) {
  Transaction log(Transaction::Keep::kForget);
  BlockHeap heap;
  std::vector<std::uint32_t> held;
  for (int i = 0; i < 100; ++i) held.push_back(heap.put(log, Cells(BlockHeap::kMaxCells, i)));
  std::size_t bytes = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (i == 100) bytes = heap.bytes();  // every block was written once
    std::uint32_t& block = held[static_cast<std::size_t>(i) % held.size()];
    heap.release(log, block, BlockHeap::kMaxCells);
    block = heap.put(log, Cells(BlockHeap::kMaxCells, i));
  }
  EXPECT_EQ(heap.bytes(), bytes);
}

}  // namespace
}  // namespace apportion
