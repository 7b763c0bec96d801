#include "apportion/journal/log.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "numbers_section.hpp"

namespace apportion {
namespace {

/// A live state with its journal, and what it was after each change.
struct Live {
  explicit Live(std::size_t limit_bytes) : log(limit_bytes) { log.prepare(*state); }

  void write(std::uint32_t index, std::int64_t value, Time time) {
    log.prepare(*state);
    const std::string payload = Numbers::payload(index, value);
    const Change change = next_change(*state, payload, time);
    ASSERT_TRUE(state->apply(change).has_value());
    log.append(change);
    hashes[state->revision().number] = state->hash();
    times[state->revision().number] = time;
  }

  std::unique_ptr<State> state = numbers_state();
  Log log;
  std::map<std::uint64_t, Hash128> hashes{{0, Hash128{}}};
  std::map<std::uint64_t, Time> times{{0, 0}};
};

void fill(Live& live, int changes) {
  std::mt19937 random(1);
  for (int i = 0; i < changes; ++i) {
    live.write(static_cast<std::uint32_t>(random() % 100), static_cast<std::int64_t>(random() % 9), 10 * (i / 3));
  }
}

TEST(Log, GivesEveryKeptState) {
  Live live(1 << 20);
  fill(live, 300);
  EXPECT_EQ(live.log.base_number(), 0U);
  EXPECT_EQ(live.log.last_number(), 300U);
  for (const auto& [number, hash] : live.hashes) {
    const auto state = live.log.at(number);
    ASSERT_TRUE(state) << number;
    EXPECT_EQ((*state)->hash(), hash);
    EXPECT_EQ((*state)->revision().number, number);
  }
}

TEST(Log, StaysWithinItsBoundAndNamesWhatIsKept) {
  constexpr std::size_t kFrame = kFrameBytes + 12;
  constexpr std::size_t kLimit = 100 * kFrame;
  Live live(kLimit);
  for (int i = 0; i < 1000; ++i) {
    live.write(static_cast<std::uint32_t>(i % 50), 1, i);
    ASSERT_LE(live.log.bytes(), kLimit);
    // Two segments of half the limit: dropping one leaves at least half of the history.
    if (i > 100) {
      ASSERT_GE(live.log.bytes() + kFrame, kLimit / 2);
    }
  }
  const std::uint64_t oldest = live.log.base_number();
  EXPECT_GT(oldest, 0U);
  for (std::uint64_t number = oldest; number <= 1000; ++number) {
    ASSERT_EQ((*live.log.at(number))->hash(), live.hashes[number]) << number;
  }
  const auto gone = live.log.at(oldest - 1);
  ASSERT_TRUE(gone.has_error());
  EXPECT_EQ(gone.error().code, ErrorCode::kUnknown);
  EXPECT_EQ(gone.error().message, "revision " + std::to_string(oldest - 1) + " is not kept: the oldest is " +
                                      std::to_string(oldest) + ", the newest 1000");
  EXPECT_TRUE(live.log.at(1001).has_error());
  EXPECT_TRUE(live.log.change(oldest).has_error()) << "the change that led to the oldest state is folded";
  ASSERT_TRUE(live.log.change(oldest + 1));
  EXPECT_EQ(live.log.change(oldest + 1)->revision.number, oldest + 1);
}

TEST(Log, FindsTheNewestRevisionOfATime) {
  Live live(1 << 20);
  fill(live, 100);
  for (Time time = 0; time < 350; ++time) {
    std::uint64_t expected = 0;
    for (const auto& [number, at] : live.times) {
      if (at <= time) expected = number;
    }
    EXPECT_EQ(live.log.number_at(time), expected) << time;
  }
}

TEST(Log, TakesBackTheChangesOfAFailedUpdate) {
  Live live(1 << 20);
  fill(live, 10);
  const std::size_t bytes = live.log.bytes();
  live.log.prepare(*live.state);
  Transaction transaction;
  for (int i = 0; i < 5; ++i) {
    const std::string payload = Numbers::payload(1, 1);
    const Change change = next_change(*live.state, payload, 1000);
    ASSERT_TRUE(live.state->apply(change, transaction).has_value());
    live.log.append(change);
  }
  EXPECT_EQ(live.log.last_number(), 15U);
  transaction.rollback();
  live.log.drop_after(10);
  EXPECT_EQ(live.log.last_number(), 10U);
  EXPECT_EQ(live.log.bytes(), bytes);
  live.write(2, 2, 2000);
  EXPECT_EQ((*live.log.at(11))->hash(), live.state->hash());
}

TEST(Log, ASmallerLimitFoldsAtTheNextUpdate) {
  Live live(1 << 20);
  fill(live, 500);
  live.log.set_limit(1000);
  for (int i = 0; i < 100; ++i) live.write(1, 1, 100'000);
  EXPECT_LE(live.log.bytes(), 1000U + 2 * kFrameBytes);
  EXPECT_EQ((*live.log.at(600))->hash(), live.state->hash());
}

TEST(Log, OfNothing) {
  const Log log;
  EXPECT_EQ(log.base_number(), 0U);
  EXPECT_EQ(log.last_number(), 0U);
  EXPECT_TRUE(log.at(0).has_error());
  EXPECT_TRUE(log.change(1).has_error());
}

}  // namespace
}  // namespace apportion
