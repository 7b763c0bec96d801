// What one claim may take of a dimension of an instance. Values; thread-compatible.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apportion/base/quantity.hpp"

namespace apportion {

/// A rule as people write it, in units. Of a type, for all its instances, or of an instance, instead of the type's.
struct ClaimRule {
  std::optional<Decimal> minimum;
  std::optional<Decimal> maximum;
  std::optional<Decimal> step;      ///< amounts are the minimum and so many steps more
  std::vector<Decimal> amounts;     ///< these and no others, rising; instead of the three above
  std::optional<Decimal> standard;  ///< taken where a request does not name the dimension; written "default"
  bool round_up = false;            ///< what is not allowed becomes the next amount that is; else it is refused

  [[nodiscard]] bool empty() const { return *this == ClaimRule{}; }
  friend bool operator==(const ClaimRule&, const ClaimRule&) = default;
};

inline constexpr std::size_t kMaxClaimAmounts = 64;

/// The same in steps of the dimension; 0: nothing is said.
struct ClaimSteps {
  Steps minimum = 0;
  Steps maximum = 0;
  Steps step = 0;
  Steps standard = 0;
  std::vector<Steps> amounts;
  bool round_up = false;

  /// What a claim of `asked` takes; none: the rule does not let it. Nothing is taken for nothing. REQUIRES: asked >= 0.
  [[nodiscard]] std::optional<Steps> taken(Steps asked) const;
  /// "at least 10, at most 500", in units.
  [[nodiscard]] std::string text(Step size) const;
  friend bool operator==(const ClaimSteps&, const ClaimSteps&) = default;
};

/// Fails, the error's place being the rule's key, on amounts that are no whole steps, that contradict each other, or
/// that are above 2^53 - 1 steps.
Result<ClaimSteps> in_steps(const ClaimRule& rule, Step size);
/// in_steps(in_units(rule, size), size) gives the rule again.
ClaimRule in_units(const ClaimSteps& rule, Step size);

}  // namespace apportion
