#include "apportion/journal/chunk_store.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <thread>
#include <vector>

namespace apportion {
namespace {

constexpr std::size_t kBytes = 96;
constexpr std::array<std::byte, kBytes> kBlank{std::byte{1}, std::byte{2}};

// What each chunk should read as: its first byte stands for all.
using PlainBytes = std::vector<std::byte>;

void expect_equal(const ChunkStore& store, const PlainBytes& plain) {
  ASSERT_EQ(store.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_EQ(store.read(i)[0], plain[i]) << i;
}

void write(ChunkStore& store, PlainBytes& plain, std::size_t chunk, std::byte value) {
  std::byte* const bytes = store.own(chunk);
  ASSERT_EQ(bytes[0], plain[chunk]);
  ASSERT_EQ(bytes[1], std::byte{2}) << "a chunk starts as the blank";
  plain[chunk] = bytes[0] = value;
}

// Copies of copies, each written, resized, copied and dropped at random, against vectors that are copied whole.
TEST(ChunkStore, EqualsVectorsThroughCopies) {
  std::mt19937_64 random(1);
  std::vector<std::pair<ChunkStore, PlainBytes>> stores;
  stores.emplace_back(ChunkStore(kBytes, kBlank.data()), PlainBytes());
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t which = random() % stores.size();
    auto& [store, plain] = stores[which];
    const std::uint64_t dice = random() % 40;
    if (dice == 0 && stores.size() < 6) {
      auto copy = stores[which];
      stores.push_back(std::move(copy));
    } else if (dice == 1 && stores.size() > 1) {
      stores.erase(stores.begin() + static_cast<std::ptrdiff_t>(which));
    } else if (dice == 2) {
      const std::size_t size = random() % 300;
      store.resize(size);
      plain.resize(size, kBlank[0]);
    } else if (!plain.empty()) {
      write(store, plain, random() % plain.size(), static_cast<std::byte>(random() % 250));
    }
    if (round % 50 == 0) {
      for (const auto& [each, expected] : stores) expect_equal(each, expected);
    }
  }
}

TEST(ChunkStore, WritesInPlaceWhatIsItsOwn) {
  ChunkStore store(kBytes, kBlank.data());
  store.resize(2);
  EXPECT_EQ(store.read(1), kBlank.data()) << "what was never written takes no memory";
  const std::size_t empty = store.bytes();
  const std::byte* const first = store.own(0);
  EXPECT_GT(store.bytes(), empty);
  EXPECT_EQ(store.own(0), first);
  {
    const ChunkStore copy = store;
    EXPECT_NE(store.own(0), first) << "the copy keeps the old one";
    EXPECT_EQ(copy.read(0), first);
  }
  const std::byte* const second = store.read(0);
  EXPECT_EQ(store.own(0), second) << "alone again";
}

TEST(ChunkStore, CopiesServeThreads) {
  ChunkStore base(kBytes, kBlank.data());
  base.resize(200);
  for (std::size_t i = 0; i < 200; ++i) base.own(i)[0] = std::byte{7};
  const ChunkStore frozen = base;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&frozen, t] {
      for (int round = 0; round < 50; ++round) {
        ChunkStore mine = frozen;
        for (std::size_t i = 0; i < 200; i += 3) mine.own(i)[0] = static_cast<std::byte>(t);
        for (std::size_t i = 0; i < 200; ++i)
          EXPECT_EQ(mine.read(i)[0], i % 3 == 0 ? static_cast<std::byte>(t) : std::byte{7});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(frozen.read(i)[0], std::byte{7});
}

}  // namespace
}  // namespace apportion
