#include "apportion/allocator/min_tree.hpp"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

namespace apportion {
namespace {

// Everything the tree says, by a look at all leaves.
void expect_as_leaves(const MinTree& tree, const std::vector<double>& leaves, bool last_wins) {
  const double least = leaves.empty() ? MinTree::kNothing : *std::ranges::min_element(leaves);
  ASSERT_EQ(tree.least(), least);
  if (least == MinTree::kNothing) return;
  for (std::size_t from = 0; from <= leaves.size(); ++from) {
    const auto found = std::find(leaves.begin() + static_cast<std::ptrdiff_t>(from), leaves.end(), least);
    const auto expected = found == leaves.end() ? MinTree::kNone : static_cast<std::size_t>(found - leaves.begin());
    ASSERT_EQ(tree.first(least, from), expected) << from << " of " << leaves.size();
  }
  if (last_wins) {
    const auto last = std::find(leaves.rbegin(), leaves.rend(), least);
    ASSERT_EQ(tree.best(), leaves.size() - 1 - static_cast<std::size_t>(last - leaves.rbegin()));
  } else {
    ASSERT_EQ(tree.best(), tree.first(least));
  }
}

TEST(MinTree, EqualsAListOfNumbers) {
  std::mt19937_64 random(1);
  std::vector<std::pair<std::size_t, bool>> cases;
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 255U, 256U, 257U, 5000U}) {
    cases.emplace_back(size, false);
    cases.emplace_back(size, true);
  }
  for (const auto& [size, last_wins] : cases) {
    MinTree tree(size, last_wins);
    std::vector<double> leaves(size, MinTree::kNothing);
    expect_as_leaves(tree, leaves, last_wins);
    for (int step = 0; size > 0 && step < 300; ++step) {
      const std::size_t at = random() % size;
      // Few values, so that many are equal; some nothing.
      leaves[at] = random() % 4 == 0 ? MinTree::kNothing : static_cast<double>(random() % 5) - 2;
      tree.set(at, leaves[at]);
      ASSERT_EQ(tree[at], leaves[at]);
      if (size < 300 || step % 50 == 0) expect_as_leaves(tree, leaves, last_wins);
    }
  }
}

TEST(MinTree, GrowsWithWhatItHolds) {
  for (const bool last_wins : {false, true}) {
    std::mt19937_64 random(2);
    MinTree tree(0, last_wins);
    std::vector<double> leaves;
    for (int step = 0; step < 40; ++step) {
      leaves.resize(leaves.size() + random() % 30, MinTree::kNothing);
      tree.resize(leaves.size());
      ASSERT_EQ(tree.size(), leaves.size());
      for (std::size_t i = 0; i < leaves.size(); i += 7) tree.set(i, leaves[i] = static_cast<double>(random() % 9));
      expect_as_leaves(tree, leaves, last_wins);
    }
  }
}

TEST(MinTree, MinusInfinityIsANumber) {
  MinTree tree(40);
  tree.set(33, -MinTree::kNothing);
  tree.set(2, 0);
  EXPECT_EQ(tree.first(tree.least()), 33U);
  tree.set(33, MinTree::kNothing);
  EXPECT_EQ(tree.first(tree.least()), 2U);
}

}  // namespace
}  // namespace apportion
