// Many steps to units at once, with the bits of to_units(). Values; thread-compatible.
#pragma once

#include <cstddef>

#include "apportion/base/quantity.hpp"

namespace apportion {

/// Of one step size. A step is numerator / denominator, both below 2^53, so doubles hold them exactly and one operation
/// on exact operands is correctly rounded by itself, which is all that to_units() promises:
///   - denominator 1: steps x numerator, rounded once;
///   - numerator 1: steps / denominator, rounded once;
///   - else the product comes first. It is exact where it stays below 2^53, and then the division rounds once; beyond,
///     to_units() itself is asked.
class UnitScale {
 public:
  explicit UnitScale(Step step)
      : step_(step),
        numerator_(static_cast<double>(step.numerator)),
        denominator_(static_cast<double>(step.denominator)) {}

  /// Replaces whole numbers of steps, |steps| <= kMaxSteps, by units.
  void apply(double* values, std::size_t n) const {
    if (step_.denominator == 1) {
      if (step_.numerator != 1) multiply(values, n);
    } else if (step_.numerator == 1) {
      divide(values, n);
    } else {
      both(values, n);
    }
  }

 private:
  void multiply(double* values, std::size_t n) const {
    for (std::size_t i = 0; i < n; ++i) values[i] *= numerator_;
  }
  void divide(double* values, std::size_t n) const {
    for (std::size_t i = 0; i < n; ++i) values[i] /= denominator_;
  }
  void both(double* values, std::size_t n) const {
    constexpr auto kExact = static_cast<double>(kMaxSteps);
    for (std::size_t i = 0; i < n; ++i) {
      const double product = values[i] * numerator_;
      values[i] = product <= kExact && product >= -kExact ? product / denominator_
                                                          : to_units(static_cast<Steps>(values[i]), step_);
    }
  }

  Step step_;
  double numerator_;
  double denominator_;
};

}  // namespace apportion
