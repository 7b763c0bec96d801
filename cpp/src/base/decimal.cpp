#include "apportion/base/decimal.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

// Invariant: digits_ and exponent_ are in normal form, so that equal values are equal members.

namespace apportion {
namespace {

constexpr int kMaxDigits = 34;
constexpr int kMaxExponent = 400;
// Plain notation is used while it needs no more zeros than these.
constexpr int kMaxPlainDigits = 21;
constexpr int kMaxLeadingZeros = 6;

Int128 power_of_ten(int exponent) {
  Int128 power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

std::string digit_text(Int128 digits) {
  if (digits == 0) return "0";
  std::string reversed;
  for (; digits != 0; digits /= 10) reversed += static_cast<char>('0' + std::abs(static_cast<int>(digits % 10)));
  return {reversed.rbegin(), reversed.rend()};
}

int digit_count(Int128 digits) {
  int count = 1;
  for (; (digits /= 10) != 0;) ++count;
  return count;
}

Error malformed(std::string_view text) {
  const std::string shown(text.substr(0, 40));
  return invalid("'" + shown + (text.size() > shown.size() ? "..." : "") +
                 "' is not a number; write digits such as 12, -0.3 or 1.5e3");
}

Error too_long(std::string_view text) {
  return {ErrorCode::kOverflow,
          "the number " + std::string(text.substr(0, 40)) + (text.size() > 40 ? "..." : "") +
              " does not fit: at most 34 significant digits and exponents from -400 to 400",
          ""};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Collects digits of the mantissa. Trailing zeros become part of the exponent, so 1 followed by 300 zeros is short.
class Mantissa {
 public:
  void push(char c, bool fraction) {
    shift_ -= fraction;
    if (c == '0') {
      zeros_ += count_ > 0;
      return;
    }
    count_ += zeros_ + 1;
    if (count_ <= kMaxDigits) digits_ = digits_ * power_of_ten(static_cast<int>(zeros_) + 1) + (c - '0');
    zeros_ = 0;
  }
  [[nodiscard]] bool fits() const { return count_ <= kMaxDigits; }
  [[nodiscard]] Int128 digits() const { return digits_; }
  [[nodiscard]] std::int64_t exponent() const { return zeros_ + shift_; }

 private:
  Int128 digits_ = 0;
  std::int64_t count_ = 0;  // digits up to the last one that is not zero
  std::int64_t zeros_ = 0;  // zeros since then
  std::int64_t shift_ = 0;  // minus the digits after the point
};

// Reads one or more digits at `at`; false when there is none.
bool take_digits(std::string_view text, std::size_t& at, bool fraction, Mantissa& mantissa) {
  const std::size_t start = at;
  for (; at < text.size() && is_digit(text[at]); ++at) mantissa.push(text[at], fraction);
  return at > start;
}

// Reads what follows the 'e'. Exponents beyond a million are cut there: they fail later for every mantissa but zero.
bool take_exponent(std::string_view text, std::size_t& at, std::int64_t& exponent) {
  const bool negative = at < text.size() && text[at] == '-';
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  const std::size_t start = at;
  std::int64_t value = 0;
  for (; at < text.size() && is_digit(text[at]); ++at)
    value = std::min<std::int64_t>(value * 10 + (text[at] - '0'), 1'000'000'000);
  exponent = negative ? -value : value;
  return at > start;
}

// `value` in whole thousandths, if it is the double nearest to so many and they have at most 15 digits: decimals that
// short are doubles of their own, so no other one with as few digits reads back as `value`. The quotient of two exact
// doubles is correctly rounded.
std::optional<std::int64_t> thousandths_of(double value) {
  constexpr double kBound = 1e15;
  if (!(std::abs(value * 1000) < kBound)) return std::nullopt;
  const double thousandths = std::nearbyint(value * 1000);
  if (thousandths / 1000 != value) return std::nullopt;
  return static_cast<std::int64_t>(thousandths);
}

}  // namespace

Decimal::Decimal(std::int64_t value) {
  for (; value != 0 && value % 10 == 0; value /= 10) ++exponent_;
  digits_ = value;
}

Decimal::Decimal(Int128 digits, int exponent) : digits_(digits), exponent_(exponent) {}

Result<Decimal> Decimal::from_parts(Int128 digits, int exponent) {
  if (digits == 0) return Decimal();
  std::int64_t power = exponent;
  if (const auto narrow = static_cast<std::int64_t>(digits); narrow == digits) {  // 64 bits divide sooner
    const Decimal normal(narrow);
    digits = normal.digits_;
    power += normal.exponent_;
  }
  for (; digits % 10 == 0; digits /= 10) ++power;
  const Int128 bound = power_of_ten(kMaxDigits);
  if (digits >= bound || digits <= -bound || std::abs(power) > kMaxExponent) {
    return too_long(digit_text(digits) + "e" + std::to_string(power));
  }
  return Decimal(digits, static_cast<int>(power));
}

Result<Decimal> Decimal::parse(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  Mantissa mantissa;
  if (!take_digits(text, at, false, mantissa)) return malformed(text);
  if (at < text.size() && text[at] == '.' && !take_digits(text, ++at, true, mantissa)) return malformed(text);
  std::int64_t exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E') && !take_exponent(text, ++at, exponent))
    return malformed(text);
  if (at != text.size()) return malformed(text);
  if (!mantissa.fits()) return too_long(text);
  if (mantissa.digits() == 0) return Decimal();
  exponent += mantissa.exponent();
  if (std::abs(exponent) > kMaxExponent) return too_long(text);
  return Decimal(text.starts_with('-') ? -mantissa.digits() : mantissa.digits(), static_cast<int>(exponent));
}

Result<Decimal> Decimal::from_double(double value) {
  if (const std::optional<std::int64_t> thousandths = thousandths_of(value)) return from_parts(*thousandths, -3);
  if (std::isnan(value)) return invalid("NaN is not a quantity; give a number");
  if (std::isinf(value)) return invalid("infinity is not a quantity; give a finite number");
  std::array<char, 40> buffer;
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  return parse({buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data())});
}

double Decimal::to_double() const {
  // from_chars rounds correctly; digits with an exponent are a form it reads.
  const std::string written = digit_text(digits_) + "e" + std::to_string(exponent_);
  double magnitude = 0;
  const auto read = std::from_chars(written.data(), written.data() + written.size(), magnitude);
  if (read.ec == std::errc::result_out_of_range) {
    magnitude = exponent_ > 0 ? std::numeric_limits<double>::infinity() : 0;
  }
  return negative() ? -magnitude : magnitude;
}

Result<std::int64_t> Decimal::to_int64() const {
  if (!integer()) return invalid(text() + " is not a whole number");
  constexpr int kEnough = 19;  // 10^19 is beyond 64 bits
  if (exponent_ <= kEnough && digit_count(digits_) <= kEnough) {
    const Int128 value = digits_ * power_of_ten(exponent_);
    if (value >= std::numeric_limits<std::int64_t>::min() && value <= std::numeric_limits<std::int64_t>::max()) {
      return static_cast<std::int64_t>(value);
    }
  }
  return Error{ErrorCode::kOverflow, text() + " does not fit 64 bits", ""};
}

std::string Decimal::text() const {
  const std::string digits = digit_text(digits_);
  const int length = static_cast<int>(digits.size());
  const int point = length + exponent_;  // where the point stands, counted from the first digit
  const std::string_view all = digits;
  std::string shown = negative() ? "-" : "";
  if (exponent_ >= 0 && point <= kMaxPlainDigits) {
    shown.append(all).append(static_cast<std::size_t>(exponent_), '0');
  } else if (exponent_ < 0 && point > 0) {
    shown.append(all.substr(0, static_cast<std::size_t>(point)))
        .append(".")
        .append(all.substr(static_cast<std::size_t>(point)));
  } else if (exponent_ < 0 && point > -kMaxLeadingZeros) {
    shown.append("0.").append(static_cast<std::size_t>(-point), '0').append(all);
  } else {
    shown.append(all.substr(0, 1)).append(length > 1 ? "." : "").append(all.substr(1));
    shown.append(point > 0 ? "e+" : "e-").append(std::to_string(std::abs(point - 1)));
  }
  return shown;
}

std::strong_ordering operator<=>(const Decimal& left, const Decimal& right) {
  const auto sign = [](const Decimal& value) { return value.zero() ? 0 : value.negative() ? -1 : 1; };
  if (sign(left) != sign(right) || left.zero()) return sign(left) <=> sign(right);
  const int left_size = digit_count(left.digits_) + left.exponent_;
  const int right_size = digit_count(right.digits_) + right.exponent_;
  if (left_size != right_size) return left.negative() ? right_size <=> left_size : left_size <=> right_size;
  // Equal sizes: the exponents differ by less than kMaxDigits, so that the scaled digits stay below 10^34.
  const Int128 scaled_left = left.digits_ * power_of_ten(left.exponent_ - right.exponent_);
  const Int128 scaled_right = right.digits_ * power_of_ten(right.exponent_ - left.exponent_);
  return scaled_left < scaled_right   ? std::strong_ordering::less
         : scaled_left > scaled_right ? std::strong_ordering::greater
                                      : std::strong_ordering::equal;
}

}  // namespace apportion
