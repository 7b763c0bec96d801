// Method. A Twin is an unevaluated sum of two doubles with about 106 bits: T. Dekker, "A floating-point technique for
// extending the available precision", Numerische Mathematik 18 (1971); the sum without branches is D. Knuth, TAOCP
// 2, 4.2.2, theorem B. log: x = 2^e m with m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1), log m = 2 (s + s^3/3 +
// s^5/5 + ...): the classic series of the inverse hyperbolic tangent; the first three terms as Twins, the rest (below
// 2^-18 of the sum) in double. exp: x = k log 2 + r with |r| <= log(2) / 2, Taylor's series of exp(r) with 1 + r +
// r^2/2 as Twins, then 2^k. pow(x, y) = exp(y log x) with Twins throughout. Results are rounded once, and once more
// when subnormal.
#include "apportion/expr/elementary.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace apportion {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTwo54 = 0x1p54;
constexpr double kSqrt2 = 0x1.6a09e667f3bcdp+0;

struct Twin {
  double high, low;
};

// log 2: the high part has 32 bits, so its product with an exponent (11 bits) is exact.
constexpr Twin kLog2{0x1.62e42feep-1, 0x1.a39ef35793c76p-33};
constexpr Twin kPerLog2{0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56};
constexpr Twin kPerLog10{0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57};
constexpr Twin kThird{0x1.5555555555555p-2, 0x1.5555555555555p-56};
constexpr Twin kFifth{0x1.999999999999ap-3, -0x1.999999999999ap-57};

Twin sum(double a, double b) {
  const double high = a + b, b_part = high - a;
  return {high, (a - (high - b_part)) + (b - b_part)};
}

// REQUIRES: |a| >= |b|.
Twin sorted_sum(double a, double b) {
  const double high = a + b;
  return {high, b - (high - a)};
}

// REQUIRES: |a|, |b| < 2^990.
Twin product(double a, double b) {
  constexpr double kSplit = 0x1p27 + 1;
  const double a_scaled = kSplit * a, a_high = a_scaled - (a_scaled - a), a_low = a - a_high;
  const double b_scaled = kSplit * b, b_high = b_scaled - (b_scaled - b), b_low = b - b_high;
  const double high = a * b;
  return {high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low};
}

Twin add(Twin a, Twin b) {
  const Twin high = sum(a.high, b.high);
  return sorted_sum(high.high, high.low + (a.low + b.low));
}

Twin multiply(Twin a, Twin b) {
  const Twin high = product(a.high, b.high);
  return sorted_sum(high.high, high.low + (a.high * b.low + a.low * b.high));
}

// (m - 1) / (m + 1) for m in [0.7, 1.42]: the quotient of doubles, corrected by its exact remainder.
Twin reduced_argument(double m) {
  const double above = m - 1;  // exact
  const Twin below = sum(m, 1);
  const double quotient = above / below.high;
  const Twin back = product(quotient, below.high);
  const double rest = ((above - back.high) - back.low) - quotient * below.low;
  return {quotient, rest / below.high};
}

// 1/7 + z/9 + z^2/11 + ... + z^10/27; the next term is below 2^-76 of the whole series.
double series_tail(double z) {
  constexpr double kReciprocals[] = {1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17,
                                     1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25, 1.0 / 27};
  double tail = 0;
  for (int k = 10; k >= 0; --k) tail = tail * z + kReciprocals[k];
  return tail;
}

Twin log_of_mantissa(double m) {
  const Twin s = reduced_argument(m);
  const Twin z = multiply(s, s);
  Twin series = add(kFifth, sum(z.high * series_tail(z.high), 0));
  series = add(kThird, multiply(series, z));
  series = add({1, 0}, multiply(series, z));
  return multiply({2 * s.high, 2 * s.low}, series);
}

// REQUIRES: 0 < x < infinity.
Twin twin_log(double x) {
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) x *= kTwo54, exponent = -54;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52U) - 1023;
  double m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFU) | 0x3FF0000000000000U);
  if (m > kSqrt2) m *= 0.5, ++exponent;
  const Twin shift = sum(exponent * kLog2.high, exponent * kLog2.low);
  return add(shift, log_of_mantissa(m));
}

double power_of_two(int exponent) { return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U); }

// r^3/3! + r^4/4! + ... + r^16/16!, which is below 0.007; the next term is below 2^-69.
double exp_tail(double r) {
  constexpr double kReciprocals[] = {
      1.0 / 6,          1.0 / 24,          1.0 / 120,           1.0 / 720,           1.0 / 5040,
      1.0 / 40320,      1.0 / 362880,      1.0 / 3628800,       1.0 / 39916800,      1.0 / 479001600,
      1.0 / 6227020800, 1.0 / 87178291200, 1.0 / 1307674368000, 1.0 / 20922789888000};
  double tail = 0;
  for (int k = 13; k >= 0; --k) tail = tail * r + kReciprocals[k];
  return tail * r * r * r;
}

// REQUIRES: -746 < x.high < 711.
double twin_exp(Twin x) {
  constexpr double kRounder = 0x1.8p52;  // adding and subtracting it rounds to the nearest integer
  const double k = (x.high * kPerLog2.high + kRounder) - kRounder;
  const Twin first = sum(x.high, -k * kLog2.high);
  const Twin second = sum(first.high, -k * kLog2.low);
  const Twin r = sum(second.high, second.low + (first.low + x.low));
  const Twin half_square = product(r.high, 0.5 * r.high);
  const Twin linear = sum(1, r.high);
  const Twin leading = sum(linear.high, half_square.high);
  const double low = linear.low + leading.low + (exp_tail(r.high) + (half_square.low + (r.low + r.low * r.high)));
  const int exponent = static_cast<int>(k), half = exponent / 2;
  return (leading.high + low) * power_of_two(half) * power_of_two(exponent - half);
}

double scaled_log(double x, Twin scale) {
  if (!(x > 0)) return kNoValue;
  if (x == kInfinity) return x;
  const Twin result = multiply(twin_log(x), scale);
  return result.high + result.low;
}

bool is_integer(double y) { return std::floor(y) == y; }
// Doubles from 2^53 on are even.
bool is_odd(double y) { return is_integer(y) && std::fabs(y) < 0x1p53 && !is_integer(y * 0.5); }

// x > 0, y != 0.
double positive_pow(double x, double y) {
  if (x == 1) return 1;
  if (x == kInfinity || std::fabs(y) == kInfinity) return (x > 1) == (y > 0) ? kInfinity : 0;
  const Twin log_x = twin_log(x);
  const double size = y * log_x.high;
  if (size > 710) return kInfinity;
  if (size < -746) return 0;
  return twin_exp(multiply(log_x, {y, 0}));
}

}  // namespace

double elementary_exp(double x) {
  if (x != x) return x;
  if (x > 710) return kInfinity;
  if (x < -746) return 0;
  return twin_exp({x, 0});
}

double elementary_log(double x) { return scaled_log(x, {1, 0}); }
double elementary_log2(double x) { return scaled_log(x, kPerLog2); }
double elementary_log10(double x) { return scaled_log(x, kPerLog10); }

double elementary_pow(double x, double y) {
  if (x != x || y != y) return kNoValue;
  if (y == 0) return 1;
  if (x == 0) return y > 0 ? 0 : kNoValue;
  if (x > 0) return positive_pow(x, y);
  if (!is_integer(y)) return kNoValue;
  const double size = positive_pow(-x, y);
  return is_odd(y) ? -size : size;
}

double elementary_sigmoid(double x) {
  if (x >= 0) return 1 / (1 + elementary_exp(-x));
  const double raised = elementary_exp(x);
  return raised / (1 + raised);
}

}  // namespace apportion
