#include "apportion/journal/chunk_map.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>
#include <unordered_map>

namespace apportion {
namespace {

struct Entry {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
  [[nodiscard]] bool used() const { return key != 0; }
  // Few different hashes: long chains and gaps that close over the end of the table.
  [[nodiscard]] std::uint64_t hash() const { return key % 23; }
};

using Map = ChunkMap<Entry>;
using PlainMap = std::unordered_map<std::uint64_t, std::uint64_t>;
using Random = std::mt19937_64;

auto matcher(std::uint64_t key) {
  return [key](const Entry& entry) { return entry.key == key; };
}

void expect_equal(const Map& map, const PlainMap& plain) {
  ASSERT_EQ(map.size(), plain.size());
  for (const auto& [key, value] : plain) {
    const Entry* found = map.find(Entry{key, 0}.hash(), matcher(key));
    ASSERT_NE(found, nullptr) << key;
    ASSERT_EQ(found->value, value);
  }
  std::size_t visited = 0;
  map.for_each([&](const Entry& entry) { visited += plain.contains(entry.key) ? 1 : 0; });
  ASSERT_EQ(visited, plain.size());
}

void edit(Map& map, PlainMap& plain, Transaction& log, Random& random) {
  const Entry entry{1 + random() % 200, random()};
  Entry* held = map.edit(log, entry.hash(), matcher(entry.key));
  ASSERT_EQ(held != nullptr, plain.contains(entry.key));
  if (held == nullptr) {
    map.insert(log, entry);
    plain[entry.key] = entry.value;
  } else if (random() % 2 == 0) {
    held->value = entry.value;
    plain[entry.key] = entry.value;
  } else {
    ASSERT_TRUE(map.erase(log, entry.hash(), matcher(entry.key)));
    plain.erase(entry.key);
  }
  ASSERT_FALSE(map.erase(log, 3, matcher(999))) << "a key that is not there";
}

TEST(ChunkMap, EqualsAnUnorderedMapThroughForksAndRollbacks) {
  Random random(1);
  Map map;
  PlainMap plain;
  std::vector<std::pair<Map, PlainMap>> forks;
  for (int round = 0; round < 2000; ++round) {
    Transaction log;
    const PlainMap before = plain;
    for (std::size_t i = random() % 12; i > 0; --i) edit(map, plain, log, random);
    const Transaction::Mark mark = log.mark();
    const PlainMap middle = plain;
    for (std::size_t i = random() % 12; i > 0; --i) edit(map, plain, log, random);
    const std::uint64_t end = random() % 4;
    if (end == 0) {
      log.rollback();
      plain = before;
    } else if (end == 1) {
      log.rollback(mark);
      plain = middle;
    }
    if (random() % 32 == 0) forks.emplace_back(map, plain);
    if (forks.size() > 6) forks.erase(forks.begin());
    if (round % 25 == 0) {
      expect_equal(map, plain);
      for (const auto& [fork, kept] : forks) expect_equal(fork, kept);
    }
  }
}

TEST(ChunkMap, AGrowthThatIsRolledBackLeavesTheOldTable) {
  Transaction setup;
  Map map;
  for (std::uint64_t key = 1; key <= 12; ++key) map.insert(setup, {key, key});  // 12 of 16: the next insert doubles
  setup.commit();
  const std::size_t bytes = map.bytes();
  Transaction log;
  for (std::uint64_t key = 13; key <= 2000; ++key) map.insert(log, {key, key});
  EXPECT_TRUE(map.erase(log, Entry{1, 0}.hash(), matcher(1)));
  EXPECT_GT(map.bytes(), bytes);
  log.rollback();
  EXPECT_EQ(map.bytes(), bytes);
  EXPECT_EQ(map.size(), 12U);
  for (std::uint64_t key = 1; key <= 12; ++key) EXPECT_NE(map.find(Entry{key, 0}.hash(), matcher(key)), nullptr);
  EXPECT_EQ(map.find(Entry{13, 0}.hash(), matcher(13)), nullptr);
}

TEST(ChunkMap, AnEmptyMapFindsNothing) {
  const Map map;
  EXPECT_EQ(map.find(1, matcher(1)), nullptr);
  EXPECT_EQ(map.size(), 0U);
}

TEST(ChunkMapThread, TwoForksOfTwoThreadsDoNotMeet) {
  Transaction log;
  Map first;
  for (std::uint64_t key = 1; key <= 100; ++key) first.insert(log, {key, key});
  const auto churn = [](Map map, std::uint64_t seed) {
    Random random(seed);
    PlainMap plain;
    map.for_each([&](const Entry& entry) { plain[entry.key] = entry.value; });
    for (int round = 0; round < 300; ++round) {
      Transaction changes;
      const Map kept = map;
      edit(map, plain, changes, random);
    }
    expect_equal(map, plain);
  };
  auto second = std::make_unique<Map>(first);
  std::thread a(churn, first, 1);
  std::thread b([&] {
    churn(*second, 2);
    second.reset();
  });
  a.join();
  b.join();
  EXPECT_EQ(first.size(), 100U);
}

}  // namespace
}  // namespace apportion
