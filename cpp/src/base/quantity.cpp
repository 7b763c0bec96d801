#include "apportion/base/quantity.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

namespace apportion {
namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr std::int64_t kMaxStepPart = 1'000'000'000'000;

// An unsigned number of 256 bits with just what to_steps needs. The widest product there is 10^34 x 10^12 < 2^153.
class Wide {
 public:
  explicit Wide(Uint128 value)
      : limbs_{static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value >> 64), 0, 0} {}

  void multiply(std::uint64_t factor) {
    std::uint64_t carry = 0;
    for (std::uint64_t& limb : limbs_) {
      const Uint128 product = Uint128{limb} * factor + carry;
      limb = static_cast<std::uint64_t>(product);
      carry = static_cast<std::uint64_t>(product >> 64);
    }
  }

  /// Divides in place, rounding down; gives the remainder.
  std::uint64_t divide(std::uint64_t divisor) {
    std::uint64_t remainder = 0;
    for (auto limb = limbs_.rbegin(); limb != limbs_.rend(); ++limb) {
      const Uint128 value = (Uint128{remainder} << 64) | *limb;
      *limb = static_cast<std::uint64_t>(value / divisor);
      remainder = static_cast<std::uint64_t>(value % divisor);
    }
    return remainder;
  }

  [[nodiscard]] bool beyond(std::uint64_t bound) const { return limbs_[0] > bound || limbs_[1] != 0 || beyond_128(); }
  [[nodiscard]] bool beyond_128() const { return (limbs_[2] | limbs_[3]) != 0; }
  [[nodiscard]] bool zero() const { return !beyond(0); }
  [[nodiscard]] std::uint64_t low() const { return limbs_[0]; }

 private:
  std::array<std::uint64_t, 4> limbs_;  // lowest first
};

std::uint64_t word_power_of_ten(int exponent) {
  std::uint64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

Error overflow(const Decimal& value, Step step) {
  return {ErrorCode::kOverflow,
          value.text() + " in steps of " + step.text() +
              " is more than 2^53 - 1 steps; use a smaller value or a larger step",
          ""};
}

// Rounded down, and whether anything was cut off. floor(floor(x / a) / b) = floor(x / ab) lets us divide part by part.
struct Floor {
  Wide whole;
  bool cut = false;

  void divide(std::uint64_t divisor) { cut |= whole.divide(divisor) != 0; }
};

// floor(value / step). None when it is certainly beyond kMaxSteps.
std::optional<Floor> floor_steps(const Decimal& value, Step step) {
  Floor result{Wide(static_cast<Uint128>(value.digits()))};
  result.whole.multiply(static_cast<std::uint64_t>(step.denominator));
  for (int left = value.exponent(); left > 0; --left) {
    result.whole.multiply(10);
    if (result.whole.beyond_128()) return std::nullopt;  // 2^128 / 10^12 > kMaxSteps
  }
  constexpr int kPart = 18;
  for (int left = -value.exponent(); left > 0; left -= kPart) result.divide(word_power_of_ten(std::min(left, kPart)));
  result.divide(static_cast<std::uint64_t>(step.numerator));
  return result;
}

// The same where 64 bits hold every number on the way: nearly always.
std::optional<Floor> floor_narrow(const Decimal& value, Step step) {
  constexpr int kLargestPower = 18;
  if (value.digits() > kMaxSteps || std::abs(value.exponent()) > kLargestPower) return std::nullopt;
  auto number = static_cast<std::uint64_t>(value.digits());
  if (__builtin_mul_overflow(number, static_cast<std::uint64_t>(step.denominator), &number)) return std::nullopt;
  const std::uint64_t power = word_power_of_ten(std::abs(value.exponent()));
  if (value.exponent() > 0 && __builtin_mul_overflow(number, power, &number)) return std::nullopt;
  const std::uint64_t whole = value.exponent() < 0 ? number / power : number;
  const auto numerator = static_cast<std::uint64_t>(step.numerator);
  const bool cut = (value.exponent() < 0 && number % power != 0) || whole % numerator != 0;
  return Floor{Wide(whole / numerator), cut};
}

// The steps that `result` stands for; `value` gives what they were made of, for messages.
template <class Value>
Result<Steps> rounded(const Floor& result, Step step, Rounding rounding, const Value& value) {
  constexpr auto kBound = static_cast<std::uint64_t>(kMaxSteps);
  if (result.whole.beyond(kBound)) return overflow(value(), step);
  if (result.cut && rounding == Rounding::kExact) {
    return invalid(value().text() + " is not a whole number of steps of " + step.text());
  }
  const std::uint64_t steps = result.whole.low() + (result.cut && rounding == Rounding::kUp);
  if (steps > kBound) return overflow(value(), step);
  return static_cast<Steps>(steps);
}

// Digits of numerator/denominator after the point, until the remainder is zero. REQUIRES: a finite decimal.
std::string exact_text(Uint128 numerator, std::uint64_t denominator) {
  std::string whole;
  for (Uint128 left = numerator / denominator; left != 0; left /= 10)
    whole.insert(0, 1, static_cast<char>('0' + int(left % 10)));
  std::string text = whole.empty() ? "0" : whole;
  Uint128 remainder = numerator % denominator;
  if (remainder != 0) text += '.';
  for (; remainder != 0; remainder %= denominator) {
    remainder *= 10;
    text += static_cast<char>('0' + static_cast<int>(remainder / denominator));
  }
  return text;
}

// True when 1/denominator, times any factor, has a finite decimal.
bool finite(std::uint64_t denominator) {
  while (denominator % 2 == 0) denominator /= 2;
  while (denominator % 5 == 0) denominator /= 5;
  return denominator == 1;
}

// Negated as unsigned: a hostile record may hold the lowest of all integers.
std::uint64_t magnitude_of(Steps steps) {
  const auto bits = static_cast<std::uint64_t>(steps);
  return steps < 0 ? 0 - bits : bits;
}

int bits_of(Uint128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  return high != 0 ? 64 + static_cast<int>(std::bit_width(high))
                   : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value)));
}

// numerator/denominator, correctly rounded: a quotient of at least 62 bits whose last bit stands for all that was cut.
double divide_rounded(Uint128 numerator, std::uint64_t denominator) {
  const int shift = std::max(0, 62 + bits_of(denominator) - bits_of(numerator));
  const Uint128 shifted = numerator << shift;
  Uint128 quotient = shifted / denominator;
  if (shifted % denominator != 0) quotient |= 1;
  return std::ldexp(static_cast<double>(quotient), -shift);
}

Error bad_step(std::string_view text) {
  return invalid(
      "a step must be a number above 0 such as 0.001, or a fraction such as \"1/3\", with parts up to 10^12, not '" +
      std::string(text.substr(0, 60)) + "'");
}

std::optional<std::int64_t> step_part(std::string_view text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value < 1 || value > kMaxStepPart)
    return std::nullopt;
  return value;
}

// Takes `factor` out of both sides as often as it divides `digits`, at most `power` times; what is left multiplies the
// denominator.
bool cancel(Int128& digits, int power, int factor, std::int64_t& denominator) {
  for (; power > 0 && digits % factor == 0; --power) digits /= factor;
  for (; power > 0; --power) {
    if (denominator > kMaxStepPart / factor) return false;
    denominator *= factor;
  }
  return true;
}

}  // namespace

Result<Step> Step::from_decimal(const Decimal& value) {
  Int128 digits = value.digits();
  std::int64_t denominator = 1;
  const int power = -value.exponent();
  bool fits = digits > 0 && cancel(digits, power, 2, denominator) && cancel(digits, power, 5, denominator);
  for (int left = value.exponent(); fits && left > 0; --left) fits = digits <= kMaxStepPart && (digits *= 10) != 0;
  if (!fits || digits > kMaxStepPart) return bad_step(value.text());
  return Step{static_cast<std::int64_t>(digits), denominator};
}

Result<Step> Step::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    const Result<Decimal> value = Decimal::parse(text);
    return value ? from_decimal(*value) : Result<Step>(bad_step(text));
  }
  const auto numerator = step_part(text.substr(0, slash));
  const auto denominator = step_part(text.substr(slash + 1));
  if (!numerator || !denominator) return bad_step(text);
  const std::int64_t common = std::gcd(*numerator, *denominator);
  return Step{*numerator / common, *denominator / common};
}

std::string Step::text() const {
  const std::string fraction = std::to_string(numerator) + "/" + std::to_string(denominator);
  if (!finite(static_cast<std::uint64_t>(denominator))) return fraction;
  std::string decimal = exact_text(static_cast<Uint128>(numerator), static_cast<std::uint64_t>(denominator));
  return Decimal::parse(decimal) ? decimal : fraction;  // more than 34 digits: only the fraction reads back
}

Result<Steps> to_steps(const Decimal& value, Step step, Rounding rounding) {
  if (value.negative()) return invalid(value.text() + " is negative; quantities start at 0");
  std::optional<Floor> result = floor_narrow(value, step);
  if (!result) result = floor_steps(value, step);
  if (!result) return overflow(value, step);
  return rounded(*result, step, rounding, [&] { return value; });
}

Result<Steps> rescale(Steps steps, Step from, Step to, Rounding rounding) {
  if (from == to) return steps;
  Floor result{Wide(static_cast<Uint128>(steps))};
  result.whole.multiply(static_cast<std::uint64_t>(from.numerator));
  result.whole.multiply(static_cast<std::uint64_t>(to.denominator));  // < 2^53 x 10^12 x 10^12 < 2^133
  result.divide(static_cast<std::uint64_t>(from.denominator));
  result.divide(static_cast<std::uint64_t>(to.numerator));
  return rounded(result, to, rounding, [&] { return units_decimal(steps, from); });
}

double to_units(Steps steps, Step step) {
  const Uint128 product = Uint128{magnitude_of(steps)} * static_cast<std::uint64_t>(step.numerator);
  const auto denominator = static_cast<std::uint64_t>(step.denominator);
  // One division of two exact doubles is correctly rounded by itself.
  const double units = product <= static_cast<Uint128>(kMaxSteps)
                           ? static_cast<double>(static_cast<std::uint64_t>(product)) / static_cast<double>(denominator)
                           : divide_rounded(product, denominator);
  return steps < 0 ? -units : units;
}

std::string units_text(Steps steps, Step step) {
  const Uint128 product = Uint128{magnitude_of(steps)} * static_cast<std::uint64_t>(step.numerator);
  const auto denominator = static_cast<std::uint64_t>(step.denominator);
  const std::uint64_t common = std::gcd(static_cast<std::uint64_t>(product % denominator), denominator);
  if (finite(denominator / common)) return (steps < 0 ? "-" : "") + exact_text(product, denominator);
  std::array<char, 40> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), to_units(steps, step),
                                     std::chars_format::general, 17);
  return {buffer.data(), written.ptr};
}

Decimal units_decimal(Steps steps, Step step) {
  const Result<Decimal> exact = Decimal::parse(units_text(steps, step));
  return exact ? *exact : Decimal::from_double(to_units(steps, step)).value();
}

Result<Ppm> to_ppm(const Decimal& ratio) {
  if (ratio.negative()) return invalid("a ratio must be 0 or more, not " + ratio.text());
  const Result<Steps> parts = to_steps(ratio, Step{1, kOne}, Rounding::kDown);
  if (!parts || *parts > kMaxRatio)
    return Error{ErrorCode::kOverflow, "a ratio may be at most 4000, not " + ratio.text(), ""};
  return static_cast<Ppm>(*parts);
}

Steps limit_of(Steps capacity, Steps reserved, Ppm ratio) {
  if (capacity <= reserved) return 0;
  const Int128 limit = (Int128{capacity} - reserved) * ratio / kOne;
  return limit > kMaxSteps ? kMaxSteps : static_cast<Steps>(limit);
}

}  // namespace apportion
