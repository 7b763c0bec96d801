#include "apportion/ledger/waiting_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/random_steps.hpp"

namespace apportion {
namespace {

/// The same as a list.
struct TwinQueue {
  struct Entry {
    std::uint32_t row;
    std::optional<WaitingQueue::Sort> sort;
    std::vector<Steps> amounts;
  };
  std::map<std::uint64_t, Entry> by_ticket;

  [[nodiscard]] std::vector<std::uint32_t> fitting(std::span<const Steps> room, Symbol passed) const {
    std::vector<std::uint32_t> rows;
    for (const auto& [ticket, entry] : by_ticket) {
      bool fits = !entry.sort || entry.sort->where != passed;
      for (std::size_t d = 0; d < room.size(); ++d) fits = fits && entry.amounts[d] <= room[d];
      if (fits) rows.push_back(entry.row);
    }
    return rows;
  }
};

class WaitingQueueTest : public testing::Test {
 protected:
  std::uint32_t add(const std::optional<WaitingQueue::Sort>& sort, std::vector<Steps> amounts) {
    const std::uint32_t row = next_++;
    place_[row] = queue_.add(log_, row, row + 1, sort, amounts,
                             [&](std::uint32_t moved, std::uint32_t position) { place_[moved] = position; });
    twin_.by_ticket[row + 1] = {row, sort, std::move(amounts)};
    return row;
  }
  void remove(std::uint32_t row) {
    queue_.remove(log_, place_[row]);
    place_.erase(row);
    twin_.by_ticket.erase(row + 1);
  }
  /// Everybody the queue finds, one after the other.
  [[nodiscard]] std::vector<std::uint32_t> found(std::span<const Steps> room, Symbol passed) const {
    std::vector<std::uint32_t> rows;
    std::uint64_t mask = 0;
    for (const WaitingQueue::Found& entry : queue_.entries()) {
      const auto& sort = twin_.by_ticket.at(entry.ticket).sort;
      if (entry.sort != WaitingQueue::kNoSort && sort->where == passed) mask |= std::uint64_t{1} << entry.sort;
    }
    std::uint32_t from = 0;
    while (const auto next = queue_.first(from, room, mask)) {
      rows.push_back(next->row);
      from = next->position + 1;
    }
    return rows;
  }

  Transaction log_;
  WaitingQueue queue_{2};
  TwinQueue twin_;
  std::map<std::uint32_t, std::uint32_t> place_;
  std::uint32_t next_ = 0;
};

// Against a list, over random comings and goings; a sort that is passed over is passed over whole.
TEST_F(WaitingQueueTest, FindsWhatALookAtEverybodyFinds) {
  std::mt19937_64 random(5);
  std::uint64_t most = 0;
  for (int i = 0; i < tries(6000); ++i) {
    const bool grows = random() % 1000 < (i / 1500 % 2 == 0 ? 700U : 300U);
    if (grows || place_.empty()) {
      std::optional<WaitingQueue::Sort> sort;
      if (random() % 4 != 0) sort = WaitingQueue::Sort{static_cast<Symbol>(1 + random() % 5), 0};
      add(sort, {static_cast<Steps>(random() % 50), static_cast<Steps>(random() % 50)});
    } else {
      remove(std::next(place_.begin(), static_cast<std::ptrdiff_t>(random() % place_.size()))->first);
    }
    most = std::max<std::uint64_t>(most, queue_.size());
    ASSERT_EQ(queue_.size(), place_.size());
    if (i % 20 != 0) continue;
    const Steps room[] = {static_cast<Steps>(random() % 60), static_cast<Steps>(random() % 60)};
    const auto passed = static_cast<Symbol>(random() % 7);
    ASSERT_EQ(found(room, passed), twin_.fitting(room, passed)) << i;
    ASSERT_EQ(found({}, 99).size(), queue_.size());
    Steps total = 0;
    for (const auto& [ticket, entry] : twin_.by_ticket) total += entry.amounts[1];
    ASSERT_EQ(queue_.total()[1], total);
  }
  EXPECT_GT(most, 100U);
}

TEST_F(WaitingQueueTest, SortsBeyondThoseItTellsApartHaveNone) {
  for (Symbol where = 1; where <= 70; ++where) add(WaitingQueue::Sort{where, 0}, {1, 1});
  const std::vector<WaitingQueue::Found> all = queue_.entries();
  EXPECT_EQ(all[62].sort, 62U);
  EXPECT_EQ(all[63].sort, WaitingQueue::kNoSort);
  remove(5);
  add(WaitingQueue::Sort{99, 0}, {1, 1});
  EXPECT_EQ(queue_.entries().back().sort, 5U) << "a number that nobody has is given again";
}

// Positions are dealt out anew and again, and a rollback takes all of it back.
TEST_F(WaitingQueueTest, AFrontThatMovesOnTakesNoRoom) {
  for (int i = 0; i < 10; ++i) add(std::nullopt, {i, 0});
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    add(std::nullopt, {static_cast<Steps>(i % 9), 0});
    remove(i);
    ASSERT_EQ(queue_.first(0, {})->row, i + 1);
  }
  EXPECT_LT(queue_.bytes(), 2'000'000U);
  EXPECT_EQ(queue_.entries().size(), 10U);
  log_.rollback();
  EXPECT_EQ(queue_.size(), 0U);
  EXPECT_FALSE(queue_.first(0, {}));
}

TEST_F(WaitingQueueTest, ACopyIsOnItsOwn) {
  add(std::nullopt, {1, 1});
  const WaitingQueue copy = queue_;
  add(std::nullopt, {0, 0});
  remove(0);
  EXPECT_EQ(copy.size(), 1U);
  EXPECT_EQ(copy.first(0, {})->row, 0U);
  EXPECT_EQ(queue_.first(0, {})->row, 1U);
}

}  // namespace
}  // namespace apportion
