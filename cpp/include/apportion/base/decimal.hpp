// Exact decimals: what documents and requests carry before they become steps of a dimension.
// Values; thread-compatible. No floating point decides a quantity.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "apportion/base/status.hpp"

namespace apportion {

__extension__ typedef __int128 Int128;

/// digits x 10^exponent, with |digits| < 10^34 and |exponent| <= 400; zero is 0 x 10^0, digits never end in 0.
class Decimal {
 public:
  Decimal() = default;
  explicit Decimal(std::int64_t value);

  /// Reads "12", "-0.3", "1.5e3". Fails on anything else, on more than 34 significant digits and on exponents beyond
  /// 400.
  static Result<Decimal> parse(std::string_view text);
  /// The shortest decimal that reads back as `value`: 0.3 is 3 x 10^-1. Fails on NaN and infinity.
  static Result<Decimal> from_double(double value);
  /// digits x 10^exponent in normal form. Fails beyond the bounds of the class.
  static Result<Decimal> from_parts(Int128 digits, int exponent);

  [[nodiscard]] Int128 digits() const { return digits_; }
  [[nodiscard]] int exponent() const { return exponent_; }
  [[nodiscard]] bool negative() const { return digits_ < 0; }
  [[nodiscard]] bool zero() const { return digits_ == 0; }
  [[nodiscard]] bool integer() const { return exponent_ >= 0; }
  /// The nearest double.
  [[nodiscard]] double to_double() const;
  /// Exact, or an error when it is not an integer of 64 bits.
  [[nodiscard]] Result<std::int64_t> to_int64() const;
  /// Plain notation where it is short ("0.3", "1500"), else "1.5e+30".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Decimal&, const Decimal&) = default;
  /// By value, exactly.
  friend std::strong_ordering operator<=>(const Decimal& left, const Decimal& right);

 private:
  Decimal(Int128 digits, int exponent);

  Int128 digits_ = 0;
  int exponent_ = 0;
};

}  // namespace apportion
