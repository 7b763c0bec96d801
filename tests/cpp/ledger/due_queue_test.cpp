#include "apportion/ledger/due_queue.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace apportion {
namespace {

using Entry = DueQueue::Entry;
using Random = std::mt19937_64;

TEST(DueQueue, GivesWhatIsDueEarliestFirst) {
  Random random(1);
  DueQueue queue;
  std::multiset<Entry> plain;
  for (int round = 0; round < 3000; ++round) {
    Transaction log;
    const std::multiset<Entry> before = plain;
    for (std::size_t i = random() % 6; i > 0; --i) {
      const Entry entry{static_cast<Time>(random() % 100), {static_cast<std::uint32_t>(random() % 9), 0}};
      queue.push(log, entry);
      plain.insert(entry);
    }
    for (std::size_t i = random() % 6; i > 0 && !queue.empty(); --i) {
      ASSERT_EQ(queue.front(), *plain.begin());
      queue.pop(log);
      plain.erase(plain.begin());
    }
    if (random() % 3 == 0) {
      log.rollback();
      plain = before;
    }
    ASSERT_EQ(queue.size(), plain.size());
    const Time now = static_cast<Time>(random() % 100);
    std::vector<Entry> expected;
    std::ranges::copy_if(plain, std::back_inserter(expected), [&](const Entry& e) { return e.time <= now; });
    ASSERT_EQ(queue.due(now), expected);
    const std::size_t most = random() % 8;
    expected.assign(plain.begin(), plain.end());
    expected.resize(std::min(most, expected.size()));
    ASSERT_EQ(queue.first(most), expected);
  }
}

TEST(DueQueue, OfNothing) {
  const DueQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.due(kForever).empty());
}

}  // namespace
}  // namespace apportion
