#include "apportion/base/hash.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace apportion {
namespace {

Hash128 random_hash(std::mt19937_64& random) { return {random(), random()}; }

TEST(Mix, TakesAndGivesEveryBit) {
  // Each flipped input bit changes between 16 and 48 of the 64 output bits.
  std::mt19937_64 random(1);
  for (int round = 0; round < 100; ++round) {
    const std::uint64_t x = random();
    for (int bit = 0; bit < 64; ++bit) {
      const int changed = std::popcount(mix64(x) ^ mix64(x ^ (std::uint64_t{1} << bit)));
      EXPECT_GE(changed, 10);
      EXPECT_LE(changed, 54);
    }
  }
  EXPECT_NE(mix64(1, 2), mix64(2, 1)) << "order matters";
}

TEST(HashBytes, TellsLengthsTailsAndSeedsApart) {
  std::set<std::uint64_t> seen;
  std::string text;
  for (int size = 0; size < 64; ++size, text.push_back('\0')) EXPECT_TRUE(seen.insert(hash_bytes(text)).second) << size;
  EXPECT_NE(hash_bytes("a"), hash_bytes(std::string_view("a\0", 2)));
  EXPECT_NE(hash_bytes("a", 1), hash_bytes("a", 2));
}

TEST(HashBytes, SeesEveryFlippedBit) {
  std::string text = "nineteen bytes long";
  const std::uint64_t whole = hash_bytes(text);
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(hash_bytes(text), whole) << bit;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST(Hash128, AddsModuloTwoToThe128) {
  Hash128 sum{0, ~std::uint64_t{0}};
  sum += {0, 1};  // 2^64 - 1 + 1 carries into the high half
  EXPECT_EQ(sum, (Hash128{1, 0}));
  sum -= {0, 1};
  EXPECT_EQ(sum, (Hash128{0, ~std::uint64_t{0}}));
  sum = {~std::uint64_t{0}, ~std::uint64_t{0}};
  sum += {0, 1};  // 2^128 - 1 + 1 wraps to 0
  EXPECT_EQ(sum, Hash128{});
}

TEST(Hash128, SumsInAnyOrder) {
  std::mt19937_64 random(2);
  std::vector<Hash128> cells(100);
  for (Hash128& cell : cells) cell = random_hash(random);
  Hash128 forward;
  Hash128 backward;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    forward += cells[i];
    backward += cells[cells.size() - 1 - i];
  }
  EXPECT_EQ(forward, backward);
  for (const Hash128& cell : cells) forward -= cell;
  EXPECT_EQ(forward, Hash128{});
}

TEST(Hash128, ReadsAs32Digits) {
  EXPECT_EQ((Hash128{0x0123456789abcdef, 0xf}.text()), "0123456789abcdef000000000000000f");
  EXPECT_EQ(Hash128{}.text(), std::string(32, '0'));
}

TEST(CellHash, DependsOnDomainOrderAndKind) {
  const auto of = [](std::uint64_t domain, std::uint64_t a, std::uint64_t b) {
    return CellHash(domain).add(a).add(b).value();
  };
  EXPECT_EQ(of(1, 2, 3), of(1, 2, 3));
  EXPECT_NE(of(1, 2, 3), of(1, 3, 2));
  EXPECT_NE(of(1, 2, 3), of(2, 2, 3));
  EXPECT_NE(CellHash(1).add(std::string_view("ab")).add(std::string_view("c")).value(),
            CellHash(1).add(std::string_view("a")).add(std::string_view("bc")).value());
  EXPECT_NE(CellHash(1).add(1.0).value(), CellHash(1).add(std::uint64_t{1}).value());
}

}  // namespace
}  // namespace apportion
