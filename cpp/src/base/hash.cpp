#include "apportion/base/hash.hpp"

#include <array>
#include <boost/endian/conversion.hpp>

namespace apportion {

namespace {

constexpr std::uint64_t kOdd = 0x9fb21c651e98df25ULL;
constexpr std::uint64_t kOther = 0xd6e8feb86659fd93ULL;

template <class Word>
std::uint64_t word_at(const char* bytes) {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return boost::endian::little_to_native(word);
}

}  // namespace

// Two words a step. What is left is read as two words from its two ends, which may overlap: the size is in the seed.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  const char* at = bytes.data();
  std::size_t size = bytes.size();
  std::uint64_t hash = mix64(seed ^ (size * 0x9e3779b97f4a7c15ULL));
  for (; size > 16; at += 16, size -= 16)
    hash = std::rotl(hash, 29) ^ fold64(word_at<std::uint64_t>(at) ^ kOdd, word_at<std::uint64_t>(at + 8) ^ hash);
  std::uint64_t first = 0, last = 0;
  if (size >= 8) {
    first = word_at<std::uint64_t>(at), last = word_at<std::uint64_t>(at + size - 8);
  } else if (size >= 4) {
    first = word_at<std::uint32_t>(at), last = word_at<std::uint32_t>(at + size - 4);
  } else if (size > 0) {
    first = word_at<std::uint8_t>(at) | word_at<std::uint8_t>(at + size / 2) << 8;
    last = word_at<std::uint8_t>(at + size - 1);
  }
  return mix64(fold64(first ^ kOdd, last ^ kOther ^ hash) ^ hash);
}

std::string Hash128::text() const {
  static constexpr std::array kDigits{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  std::string digits(32, '0');
  for (std::size_t i = 0; i < 32; ++i) {
    const std::uint64_t half = i < 16 ? high : low;
    digits[i] = kDigits[(half >> (60 - 4 * (i % 16))) & 15];
  }
  return digits;
}

}  // namespace apportion
