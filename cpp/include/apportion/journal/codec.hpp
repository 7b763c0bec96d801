// Little-endian reading and writing of payloads. A Reader never reads outside its bytes: after damage it gives zeros
// and `failed()` is true, so that a whole record is read first and checked once. Thread-compatible.
#pragma once

#include <bit>
#include <boost/endian/conversion.hpp>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace apportion {

class Writer {
 public:
  /// Room for a usual record, so that writing it allocates once.
  Writer() : buffer_(256, 0) {}

  template <class T>
  Writer& put(T value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    const auto little = boost::endian::native_to_little(to_bits(value));
    std::memcpy(room(sizeof little), &little, sizeof little);
    return *this;
  }
  /// Length (u32) and bytes.
  Writer& put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    if (!text.empty()) std::memcpy(room(text.size()), text.data(), text.size());
    return *this;
  }
  /// Valid until more is put.
  [[nodiscard]] std::string_view bytes() const { return std::string_view(buffer_).substr(0, used_); }
  [[nodiscard]] std::string take() {
    buffer_.resize(std::exchange(used_, 0));
    return std::exchange(buffer_, {});
  }
  void clear() { used_ = 0; }

 private:
  template <class T>
  static auto to_bits(T value) {
    if constexpr (std::is_same_v<T, double>) {
      return std::bit_cast<std::uint64_t>(value);
    } else if constexpr (std::is_enum_v<T>) {
      return static_cast<std::underlying_type_t<T>>(value);
    } else {
      return value;
    }
  }

  char* room(std::size_t bytes) {
    if (used_ + bytes > buffer_.size()) buffer_.resize(2 * (used_ + bytes));
    return buffer_.data() + std::exchange(used_, used_ + bytes);
  }

  std::string buffer_;  // the first used_ bytes are written
  std::size_t used_ = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  [[nodiscard]] T get() {
    using Bits = decltype(bits_of<T>());
    Bits bits{};
    if (!take(&bits, sizeof bits)) return T{};
    bits = boost::endian::little_to_native(bits);
    if constexpr (std::is_same_v<T, double>) {
      return std::bit_cast<double>(bits);
    } else {
      return static_cast<T>(bits);
    }
  }
  [[nodiscard]] std::string_view get_text() {
    const auto size = get<std::uint32_t>();
    if (size > bytes_.size()) {
      fail();
      return {};
    }
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  /// A count of items of at least `item_bytes` each that can still follow; 0 and failed when there cannot be so many.
  [[nodiscard]] std::uint32_t get_count(std::size_t item_bytes) {
    const auto count = get<std::uint32_t>();
    if (count <= bytes_.size() / item_bytes) return count;
    fail();
    return 0;
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }
  /// What was read makes no sense: nothing more is read.
  void fail() {
    failed_ = true;
    bytes_ = {};
  }
  [[nodiscard]] bool failed() const { return failed_; }
  /// True when everything was read and nothing was missing.
  [[nodiscard]] bool complete() const { return !failed_ && bytes_.empty(); }

 private:
  template <class T>
  static auto bits_of() {
    if constexpr (std::is_same_v<T, double>) {
      return std::uint64_t{};
    } else if constexpr (std::is_enum_v<T>) {
      return std::underlying_type_t<T>{};
    } else {
      return T{};
    }
  }
  bool take(void* to, std::size_t size) {
    if (size > bytes_.size()) {
      fail();
      return false;
    }
    std::memcpy(to, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return true;
  }

  std::string_view bytes_;
  bool failed_ = false;
};

/// True when every value is below `bound` and none comes twice: how a restored free list is checked.
inline bool distinct_below(std::span<const std::uint32_t> values, std::uint32_t bound) {
  std::vector<bool> seen(bound);
  for (const std::uint32_t value : values) {
    if (value >= bound || seen[value]) return false;
    seen[value] = true;
  }
  return true;
}

}  // namespace apportion
