#include "apportion/ledger/key_window.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace apportion {
namespace {

KeyWindow::Entry entry(std::uint64_t key, Time time) { return {{key | 1, mix64(key)}, key, time, {7, 8}}; }

TEST(KeyWindow, RemembersForADay) {
  Transaction log;
  KeyWindow window;
  window.add(log, entry(1, 0));
  window.add(log, entry(3, KeyWindow::kKeyTime - 1));
  EXPECT_NE(window.find(entry(1, 0).key), nullptr);
  window.add(log, entry(5, KeyWindow::kKeyTime));
  EXPECT_EQ(window.find(entry(1, 0).key), nullptr) << "a day is over";
  EXPECT_NE(window.find(entry(3, 0).key), nullptr);
  EXPECT_EQ(window.size(), 2U);
  EXPECT_EQ(window.entries().front().digest, 3U) << "oldest first";
  log.rollback();
  EXPECT_EQ(window.size(), 0U);
  EXPECT_EQ(window.hash(), Hash128{});
}

TEST(KeyWindow, EqualsAMapThroughRollbacks) {
  std::mt19937_64 random(1);
  KeyWindow window;
  std::map<std::uint64_t, Time> plain;
  Time now = 0;
  for (std::uint64_t round = 0; round < 2000; ++round) {
    Transaction log;
    const auto before = plain;
    const Hash128 hash = window.hash();
    now += static_cast<Time>(random() % (KeyWindow::kKeyTime / 50));
    for (std::uint64_t i = 0; i < random() % 4; ++i) {
      const std::uint64_t key = 2 * (round * 4 + i);
      window.add(log, entry(key, now));
      plain[key] = now;
      std::erase_if(plain, [&](const auto& pair) { return now - pair.second >= KeyWindow::kKeyTime; });
    }
    if (random() % 3 == 0) {
      log.rollback();
      plain = before;
      ASSERT_EQ(window.hash(), hash);
    }
    ASSERT_EQ(window.size(), plain.size());
    KeyWindow anew;
    for (const KeyWindow::Entry& held : window.entries()) {
      ASSERT_TRUE(plain.contains(held.digest));
      if (round % 100 == 0) anew.add(log, held);
    }
    if (round % 100 == 0) {
      ASSERT_EQ(anew.hash(), window.hash());
    }
  }
}

TEST(KeyWindow, KeepsAMillionAndForgetsTheOldest) {
  Transaction log(Transaction::Keep::kForget);
  KeyWindow window;
  for (std::uint64_t i = 0; i < KeyWindow::kMaxKeys + 10; ++i) window.add(log, entry(2 * i, 5));
  EXPECT_EQ(window.size(), KeyWindow::kMaxKeys);
  EXPECT_EQ(window.find(entry(18, 0).key), nullptr);
  EXPECT_NE(window.find(entry(20, 0).key), nullptr);
  EXPECT_EQ(window.entries().front().digest, 20U);
}

}  // namespace
}  // namespace apportion
