// Against reading cell by cell.
#include "apportion/inventory/row_block.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

namespace apportion {
namespace {

constexpr std::size_t kRows = 5000;

class RowBlockTest : public testing::Test {
 protected:
  RowBlockTest() {
    Transaction log(Transaction::Keep::kForget);
    for (auto* column : {&first_, &second_}) column->resize(log, kRows);
    small_.resize(log, kRows);
    // The third chunk stays unwritten.
    for (std::size_t row = 0; row < kRows; ++row) {
      if (row / ChunkVector<std::int64_t>::kChunkCells == 2) continue;
      first_.set(log, row, static_cast<std::int64_t>(row * row));
      second_.set(log, row, static_cast<std::int64_t>(random_() % 1000));
      small_.set(log, row, static_cast<std::uint32_t>(row + 1));
    }
  }

  void compare(const RowBlock& block, const std::vector<std::uint32_t>& rows, std::size_t n) const {
    std::vector<double> out(n + 1, -7), small(n + 1, -7);
    block.gather(n, out.data(), [](auto a, auto b) { return static_cast<double>(a - b); }, first_, second_);
    block.gather(n, small.data(), [](auto value) { return static_cast<double>(value); }, small_);
    EXPECT_EQ(out[n], -7);
    EXPECT_EQ(small[n], -7);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(block[i], rows[i]);
      ASSERT_EQ(out[i], static_cast<double>(first_[rows[i]] - second_[rows[i]])) << "lane " << i;
      ASSERT_EQ(small[i], small_[rows[i]]) << "lane " << i;
    }
  }

  std::mt19937_64 random_{9};
  ChunkVector<std::int64_t> first_, second_;
  ChunkVector<std::uint32_t> small_;
};

TEST_F(RowBlockTest, ReadsRowsInAnyOrder) {
  RowBlock block;
  for (int round = 0; round < 600; ++round) {
    std::vector<std::uint32_t> rows(random_() % (kBlockLanes + 1));
    for (auto& row : rows) row = static_cast<std::uint32_t>(random_() % kRows);
    if (round % 2 == 0) std::ranges::sort(rows);
    block.set(rows);
    compare(block, rows, rows.size());
    compare(block, rows, rows.size() / 2);
  }
}

TEST_F(RowBlockTest, ReadsSuccessiveRows) {
  RowBlock block;
  for (const std::uint32_t first : {0U, 500U, 511U, 512U, 1000U, 1500U, 4744U}) {
    std::vector<std::uint32_t> rows(kBlockLanes);
    std::iota(rows.begin(), rows.end(), first);
    block.set(rows);
    compare(block, rows, rows.size());
    block.set_run(first);
    compare(block, rows, rows.size());
    std::swap(rows[100], rows[200]);  // first and last are as before
    block.set(rows);
    compare(block, rows, rows.size());
  }
}

TEST_F(RowBlockTest, ARunMayBeLongerThanABlock) {
  std::vector<std::uint32_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0U);
  RowBlock block;
  block.set_run(0);
  compare(block, rows, kRows);
}

}  // namespace
}  // namespace apportion
