// Exact quantities: whole steps of a dimension. Values; thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "apportion/base/decimal.hpp"
#include "apportion/base/status.hpp"

namespace apportion {

/// A count of a dimension's steps. Always within [-kMaxSteps, kMaxSteps], so that a double holds it exactly.
using Steps = std::int64_t;
inline constexpr Steps kMaxSteps = (std::int64_t{1} << 53) - 1;

/// Parts per million: the unit of ratios. 1'500'000 is a ratio of 1.5.
using Ppm = std::uint32_t;
inline constexpr Ppm kOne = 1'000'000;
/// The largest ratio: 4000.
inline constexpr Ppm kMaxRatio = 4'000'000'000;

enum class Rounding { kDown, kUp, kExact };

/// The size of one step in units: numerator/denominator, reduced, both in [1, 10^12].
struct Step {
  std::int64_t numerator = 1;
  std::int64_t denominator = 1;

  /// Reads a decimal ("0.001") or a fraction ("1/3"); fails unless it is > 0 and fits.
  static Result<Step> parse(std::string_view text);
  static Result<Step> from_decimal(const Decimal& value);
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Step&, const Step&) = default;
};

/// Steps of `value` units. Exact arithmetic; kExact fails unless `value` is a whole number of steps.
/// Fails with kOverflow beyond kMaxSteps and with kInvalid on a negative value.
Result<Steps> to_steps(const Decimal& value, Step step, Rounding rounding);

/// `steps` of the size `from`, counted in steps of the size `to`. Exact arithmetic; fails as to_steps does.
/// REQUIRES: 0 <= steps <= kMaxSteps.
Result<Steps> rescale(Steps steps, Step from, Step to, Rounding rounding);

/// `steps` in units, correctly rounded: 300 steps of 0.001 are the double 0.3.
double to_units(Steps steps, Step step);

/// `steps` in units as text, exact where the decimal is finite, else with 17 digits.
std::string units_text(Steps steps, Step step);

/// The same as a decimal: exact where 34 digits suffice, else the nearest double.
Decimal units_decimal(Steps steps, Step step);

/// A ratio such as 1.5 as parts per million, rounded down. Fails on negative values and above kMaxRatio.
Result<Ppm> to_ppm(const Decimal& ratio);

/// What may be given of a capacity: floor((capacity - reserved) x ratio), at least 0, at most kMaxSteps.
Steps limit_of(Steps capacity, Steps reserved, Ppm ratio);

}  // namespace apportion
