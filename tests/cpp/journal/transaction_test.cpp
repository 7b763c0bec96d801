#include "apportion/journal/transaction.hpp"

#include <gtest/gtest.h>

#include <string>

namespace apportion {
namespace {

void restore_int(void* self, std::uint64_t index, const void* old, std::size_t) {
  std::memcpy(static_cast<int*>(self) + index, old, sizeof(int));
}

void set(Transaction& log, int* cells, std::uint64_t index, int value) {
  log.save(cells, restore_int, index, cells[index]);
  cells[index] = value;
}

TEST(Transaction, RollsBackNewestFirst) {
  int cells[2] = {1, 2};
  Transaction log;
  set(log, cells, 0, 10);
  set(log, cells, 0, 11);
  set(log, cells, 1, 12);
  log.rollback();
  EXPECT_EQ(cells[0], 1);
  EXPECT_EQ(cells[1], 2);
  EXPECT_TRUE(log.empty());
  log.rollback();  // of nothing
  EXPECT_EQ(cells[0], 1);
}

TEST(Transaction, RollsBackToMarksWithinMarks) {
  int cell = 0;
  Transaction log;
  set(log, &cell, 0, 1);
  const auto outer = log.mark();
  set(log, &cell, 0, 2);
  const auto inner = log.mark();
  set(log, &cell, 0, 3);
  log.rollback(inner);
  EXPECT_EQ(cell, 2);
  set(log, &cell, 0, 4);
  log.rollback(outer);
  EXPECT_EQ(cell, 1);
  log.rollback();
  EXPECT_EQ(cell, 0);
}

TEST(Transaction, RunsActionsBetweenTheCellsTheyStoodBetween) {
  std::string order;
  int cell = 0;
  Transaction log;
  set(log, &cell, 0, 1);
  log.on_rollback([&] { order += "a" + std::to_string(cell); });
  set(log, &cell, 0, 2);
  const auto mark = log.mark();
  log.on_rollback([&] { order += "b" + std::to_string(cell); });
  set(log, &cell, 0, 3);
  log.rollback(mark);
  EXPECT_EQ(order, "b2");
  log.rollback();
  EXPECT_EQ(order, "b2a1");
  EXPECT_EQ(cell, 0);
}

TEST(Transaction, CommitForgets) {
  int cell = 0;
  bool undone = false;
  Transaction log;
  set(log, &cell, 0, 1);
  log.on_rollback([&] { undone = true; });
  log.commit();
  log.rollback();
  EXPECT_EQ(cell, 1);
  EXPECT_FALSE(undone);
}

TEST(Transaction, MayKeepNothing) {
  int cell = 0;
  Transaction log(Transaction::Keep::kForget);
  set(log, &cell, 0, 1);
  log.on_rollback([&] { cell = 7; });
  EXPECT_TRUE(log.empty());
  log.rollback();
  EXPECT_EQ(cell, 1);
}

}  // namespace
}  // namespace apportion
