// Mix hashes: the state hash is a sum of mixes of cells, checksums and tables use the 64-bit form.
// Pure functions, the same on every machine. No security claim: nobody is kept from making collisions.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace apportion {

/// One round of a 64-bit finaliser (multiply, shift, xor): every input bit reaches every output bit.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ULL;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ULL;
  x ^= x >> 32;
  return x;
}

/// Two values into one, order matters.
constexpr std::uint64_t mix64(std::uint64_t a, std::uint64_t b) {
  return mix64(a ^ (mix64(b + 0x9e3779b97f4a7c15ULL) + 0x9e3779b97f4a7c15ULL));
}

/// The halves of a product, xor-ed: every bit of both reaches about half of the bits.
constexpr std::uint64_t fold64(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// A hash of bytes; `seed` separates uses.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

/// A sum of cell hashes modulo 2^128: adding and removing cells commute, so the sum does not depend on their order.
struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  constexpr Hash128& operator+=(const Hash128& other) {
    const std::uint64_t sum = low + other.low;
    high += other.high + (sum < low ? 1U : 0U);
    low = sum;
    return *this;
  }
  constexpr Hash128& operator-=(const Hash128& other) {
    high -= other.high + (low < other.low ? 1U : 0U);
    low -= other.low;
    return *this;
  }
  friend constexpr Hash128 operator+(Hash128 a, const Hash128& b) { return a += b; }
  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;

  /// 32 hexadecimal digits.
  [[nodiscard]] std::string text() const;
};

/// Folds the values of one logical cell, its key first, into 128 bits.
class CellHash {
 public:
  constexpr explicit CellHash(std::uint64_t domain) : high_(mix64(domain)), low_(mix64(~domain)) {}
  /// The low half is a bijection of each value; the high one carries bits up and down.
  constexpr CellHash& add(std::uint64_t value) {
    high_ = fold64(high_ ^ value, 0xd6e8feb86659fd93ULL);
    low_ = (std::rotl(low_, 23) ^ value) * 0x9fb21c651e98df25ULL;
    return *this;
  }
  constexpr CellHash& add(std::int64_t value) { return add(static_cast<std::uint64_t>(value)); }
  constexpr CellHash& add(std::uint32_t value) { return add(static_cast<std::uint64_t>(value)); }
  CellHash& add(double value) { return add(std::bit_cast<std::uint64_t>(value)); }
  CellHash& add(std::string_view text) { return add(hash_bytes(text)).add(static_cast<std::uint64_t>(text.size())); }
  [[nodiscard]] constexpr Hash128 value() const { return {mix64(high_), mix64(low_)}; }

 private:
  std::uint64_t high_;
  std::uint64_t low_;
};

}  // namespace apportion
