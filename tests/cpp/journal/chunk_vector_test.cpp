#include "apportion/journal/chunk_vector.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>

namespace apportion {
namespace {

using Vector = ChunkVector<std::int64_t>;
using PlainCells = std::vector<std::int64_t>;
using Random = std::mt19937_64;

constexpr std::size_t kCells = Vector::kChunkCells;

void expect_equal(const Vector& vector, const PlainCells& plain) {
  ASSERT_EQ(vector.size(), plain.size());
  std::size_t length = 0;
  for (std::size_t i = 0; i < plain.size(); i += length) {
    const std::int64_t* run = vector.run(i, length);
    ASSERT_TRUE(std::equal(run, run + length, plain.begin() + static_cast<std::ptrdiff_t>(i))) << "from " << i;
  }
}

// One random edit of both; sizes stay around three chunks.
void edit(Vector& vector, PlainCells& plain, Transaction& log, Random& random) {
  const auto value = static_cast<std::int64_t>(random() % 5);
  const std::size_t at = plain.empty() ? 0 : random() % plain.size();
  switch (random() % 8) {
    case 0:
      vector.push_back(log, value);
      plain.push_back(value);
      break;
    case 1: {
      const std::size_t size = random() % (3 * kCells);
      vector.resize(log, size);
      plain.resize(size);
      break;
    }
    case 2:
      if (plain.empty()) break;
      vector.push_back(log, vector[at]);  // its own cell as the argument
      plain.push_back(std::int64_t{plain[at]});
      break;
    case 3:
      if (plain.empty()) break;
      vector.edit(log, at) = value;
      plain[at] = value;
      break;
    default:
      if (plain.empty()) break;
      vector.set(log, at, value);
      plain[at] = value;
  }
}

TEST(ChunkVector, EqualsAVectorThroughForksAndRollbacks) {
  Random random(1);
  Vector vector;
  PlainCells plain;
  std::vector<std::pair<Vector, PlainCells>> forks;
  for (int round = 0; round < 2000; ++round) {
    Transaction log;
    const PlainCells before = plain;
    for (std::size_t i = random() % 10; i > 0; --i) edit(vector, plain, log, random);
    const Transaction::Mark mark = log.mark();
    const PlainCells middle = plain;
    for (std::size_t i = random() % 10; i > 0; --i) edit(vector, plain, log, random);
    const std::uint64_t end = random() % 4;
    if (end == 0) {
      log.rollback();
      plain = before;
    } else if (end == 1) {
      log.rollback(mark);
      plain = middle;
    }
    if (end != 0) log.commit();
    if (random() % 16 == 0) forks.emplace_back(vector, plain);
    if (forks.size() > 8) forks.erase(forks.begin() + static_cast<std::ptrdiff_t>(random() % forks.size()));
    if (round % 50 == 0) {
      expect_equal(vector, plain);
      for (const auto& [fork, kept] : forks) expect_equal(fork, kept);
    }
  }
}

TEST(ChunkVector, AForkAndItsOriginalGoTheirOwnWays) {
  Transaction log;
  Vector a;
  a.resize(log, 10);
  a.edit(log, 3) = 1;
  Vector b = a;
  b.edit(log, 3) = 2;
  a.edit(log, 4) = 5;
  EXPECT_EQ(a[3], 1);
  EXPECT_EQ(b[3], 2);
  EXPECT_EQ(b[4], 0);
  log.rollback();  // of both: the log names its containers
  EXPECT_EQ(a.size(), 0U);
  EXPECT_EQ(b[3], 1) << "b was at 1 when it was forked";
}

TEST(ChunkVector, TakesNoMemoryForWhatWasNeverWritten) {
  Transaction log;
  Vector vector;
  vector.resize(log, 1000 * kCells);
  const std::size_t table = vector.bytes();
  EXPECT_LE(table, 1024 * sizeof(void*)) << "a pointer a chunk";
  for (std::size_t i = 0; i < kCells; ++i) vector.set(log, i, 0);
  EXPECT_EQ(vector.bytes(), table) << "0 is what a blank chunk reads as";
  vector.set(log, 0, 1);
  EXPECT_GE(vector.bytes(), table + kCells * sizeof(std::int64_t));
}

TEST(ChunkVector, ACutTailComesBackBlank) {
  Transaction log;
  Vector vector;
  vector.resize(log, kCells + 5);
  vector.edit(log, kCells + 4) = 7;
  vector.edit(log, 4) = 7;
  vector.resize(log, 4);
  vector.resize(log, kCells + 5);
  EXPECT_EQ(vector[4], 0);
  EXPECT_EQ(vector[kCells + 4], 0);
}

TEST(Cell, RollsBack) {
  Transaction log;
  Cell<std::uint64_t> cell(4);
  cell.edit(log) = 5;
  const Transaction::Mark mark = log.mark();
  cell.edit(log) = 6;
  log.rollback(mark);
  EXPECT_EQ(cell.get(), 5U);
  log.rollback();
  EXPECT_EQ(cell.get(), 4U);
}

// Writes to a fork that a thread owns while others write theirs and forks are dropped.
void write_rounds(Vector vector, std::uint64_t seed, std::int64_t& sum) {
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    const Vector kept = vector;
    Transaction log;
    for (int i = 0; i < 20; ++i) {
      const std::size_t at = random() % vector.size();
      vector.set(log, at, vector[random() % vector.size()] + 1);
    }
    if (round % 3 == 0) log.rollback();
    sum += kept[0] + vector[vector.size() - 1];
  }
}

TEST(ChunkVectorThread, TwoForksOfTwoThreadsDoNotMeet) {
  Transaction log;
  Vector first;
  first.resize(log, 3 * kCells);
  for (std::size_t i = 0; i < first.size(); ++i) first.edit(log, i) = static_cast<std::int64_t>(i);
  auto second = std::make_unique<Vector>(first);
  std::int64_t sums[2] = {};
  std::thread a([&] { write_rounds(first, 1, sums[0]); });
  std::thread b([&] {
    write_rounds(*second, 2, sums[1]);
    second.reset();
  });
  a.join();
  b.join();
  for (std::size_t i = 0; i < first.size(); ++i) ASSERT_EQ(first[i], static_cast<std::int64_t>(i));
  EXPECT_GT(sums[0], 0);
  EXPECT_GT(sums[1], 0);
}

}  // namespace
}  // namespace apportion
