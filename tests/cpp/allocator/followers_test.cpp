#include "apportion/allocator/followers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <random>

#include "support/random_steps.hpp"

namespace apportion {
namespace {

constexpr float kAny = -std::numeric_limits<float>::infinity();
constexpr std::size_t kColumns = 3;
constexpr std::uint32_t kBlocks = 4;

using Shown = std::array<float, kColumns>;

// What one follower should know, by the words of the header.
struct Twin {
  Shown least{};
  std::vector<std::uint8_t> places = std::vector<std::uint8_t>(kBlocks, Followers::kEmpty);
  std::vector<std::uint32_t> waiting;

  void write(std::uint32_t position, const Shown& free) {
    bool takes = true;
    for (std::size_t k = 0; k < kColumns; ++k) takes = takes && free[k] >= least[k];
    std::uint8_t& place = places[position / Followers::kBlock];
    if (takes && (waiting.empty() || waiting.back() != position)) waiting.push_back(position);
    if (!takes && place == position % Followers::kBlock) place = Followers::kStale;
  }
};

void write(Followers& followers, std::uint32_t position, const Shown& free) {
  std::array<float, kColumns * Followers::kBlock> cells{};
  for (std::size_t k = 0; k < kColumns; ++k) cells[k * Followers::kBlock] = free[k];
  followers.write(position, cells.data());
}

class FollowersTest : public testing::Test {
 protected:
  std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  void join() {
    Twin twin;
    for (float& least : twin.least) least = draw(3) == 0 ? kAny : static_cast<float>(draw(5));
    const std::uint32_t follower = followers_.join(twin.least);
    ASSERT_TRUE(twins_.emplace(follower, twin).second) << "the number is taken";
  }
  std::uint32_t someone() { return std::next(twins_.begin(), draw(static_cast<std::uint32_t>(twins_.size())))->first; }

  void step() {
    const std::uint32_t dice = draw(20);
    if (dice == 0 || twins_.empty()) return join();
    const std::uint32_t follower = someone();
    if (dice == 1) {
      followers_.leave(follower);
      twins_.erase(follower);
    } else if (dice == 2) {
      followers_.reset(follower);
      twins_[follower] = Twin{twins_[follower].least, Twin{}.places, {}};
    } else if (dice < 6) {
      const std::uint32_t block = draw(kBlocks);
      const auto place = static_cast<std::uint8_t>(draw(Followers::kBlock));
      followers_.place(block, follower) = twins_[follower].places[block] = place;
    } else if (dice < 8) {
      followers_.waiting(follower).clear();
      twins_[follower].waiting.clear();
    } else {
      const std::uint32_t position = draw(kBlocks * Followers::kBlock);
      const Shown free{static_cast<float>(draw(6)) - 1, static_cast<float>(draw(6)) - 1,
                       static_cast<float>(draw(6)) - 1};
      write(followers_, position, free);
      for (auto& [number, twin] : twins_) twin.write(position, free);
    }
  }

  void expect_alike() {
    for (auto& [number, twin] : twins_) {
      EXPECT_EQ(followers_.waiting(number), twin.waiting) << number;
      for (std::uint32_t block = 0; block < kBlocks; ++block)
        EXPECT_EQ(followers_.place(block, number), twin.places[block]) << number << " in block " << block;
      followers_.waiting(number).clear();  // before there are too many
      twin.waiting.clear();
    }
  }

  std::mt19937_64 random_{7};
  Followers followers_;
  std::map<std::uint32_t, Twin> twins_;
};

TEST_F(FollowersTest, AreToldWhatConcernsThem) {
  followers_.resize(kBlocks);
  for (int i = 0; i < 70; ++i) join();  // more than two words of them
  for (int i = 0; i < tries(6000); ++i) {
    step();
    if (i % 50 == 0) expect_alike();
    if (HasFailure()) return;
  }
  expect_alike();
}

TEST_F(FollowersTest, WhoDoesNotAskIsToldNothingAfterAWhile) {
  followers_.resize(1);
  const std::uint32_t idle = followers_.join(Shown{1, 0, 0}), other = followers_.join(Shown{1, 0, 0});
  for (std::uint32_t i = 0; i < 5000; ++i) {
    write(followers_, i % 32, {2, 2, 2});
    followers_.waiting(other).clear();
    followers_.place(0, idle) = 3;
  }
  EXPECT_FALSE(followers_.hears(idle));
  EXPECT_TRUE(followers_.waiting(idle).empty());
  EXPECT_TRUE(followers_.hears(other));
  followers_.reset(idle);
  EXPECT_EQ(followers_.place(0, idle), Followers::kEmpty);
  write(followers_, 4, {2, 2, 2});
  EXPECT_EQ(followers_.waiting(idle), std::vector<std::uint32_t>{4});
}

TEST_F(FollowersTest, StartAgainWhenPositionsAreDealtOutAnew) {
  followers_.resize(2);
  const std::uint32_t one = followers_.join(Shown{1, 0, 0});
  followers_.place(1, one) = 3;
  followers_.restart();
  followers_.resize(3);
  EXPECT_FALSE(followers_.hears(one));
  write(followers_, 4, {2, 2, 2});
  EXPECT_TRUE(followers_.waiting(one).empty());
  followers_.reset(one);
  for (std::size_t block = 0; block < 3; ++block) EXPECT_EQ(followers_.place(block, one), Followers::kEmpty);
}

TEST_F(FollowersTest, ANumberIsUsedAgain) {
  followers_.resize(1);
  const std::uint32_t one = followers_.join(Shown{1, 0, 0});
  followers_.place(0, one) = 3;
  followers_.leave(one);
  write(followers_, 3, {2, 2, 2});
  EXPECT_EQ(followers_.join(Shown{5, 0, 0}), one);
  EXPECT_EQ(followers_.place(0, one), Followers::kEmpty);
  EXPECT_TRUE(followers_.waiting(one).empty());
  write(followers_, 3, {4, 2, 2});
  EXPECT_TRUE(followers_.waiting(one).empty()) << "what the one before needed does not count";
}

}  // namespace
}  // namespace apportion
