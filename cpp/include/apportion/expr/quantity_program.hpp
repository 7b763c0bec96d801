// Quantity expressions: amounts and counts, in exact arithmetic.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "apportion/base/quantity.hpp"
#include "apportion/base/status.hpp"
#include "apportion/expr/ref.hpp"
#include "apportion/expr/scope.hpp"

namespace apportion {

struct Ast;

/// A number as a fraction. REQUIRES: denominator > 0.
struct Fraction {
  Int128 numerator = 0;
  Int128 denominator = 1;
};

/// What a reference has: nothing, a number, a truth or a text.
using ExactValue = std::variant<std::monostate, Fraction, bool, std::string_view>;
/// The number that the double's shortest decimal text says; none where it is not finite or has too many digits.
[[nodiscard]] ExactValue exact_value(double number);

/// Where the references of a quantity expression are read. Thread-compatible.
class ExactSource {
 public:
  virtual ~ExactSource() = default;
  /// A text is valid until the expression is evaluated.
  [[nodiscard]] virtual ExactValue read(const Ref& ref) const = 0;
};

/// An immutable expression over what is the same for all candidates, evaluated with fractions of 512 bits: no rounding
/// before the last step. It may use numbers, `+ - * /`, comparisons, `&& || !`, `?:`, `in` a list of literals, and the
/// functions abs, ceil, clamp, coalesce, floor, has, max, min, number, round, square. Cheap to copy; thread-safe.
class QuantityProgram {
 public:
  /// Errors as those of `compile`; also for what reads rows, groups or the time, and for functions without an exact
  /// result.
  static Result<QuantityProgram> compile(std::string_view text, const Scope& scope);

  /// In steps, rounded up. Fails with kInvalid where the value is negative or missing, with kOverflow beyond kMaxSteps.
  [[nodiscard]] Result<Steps> steps(const ExactSource& source, Step step) const;
  /// Fails with kInvalid unless it is a whole number from 0 to `most`.
  [[nodiscard]] Result<std::uint32_t> count(const ExactSource& source, std::uint32_t most) const;
  [[nodiscard]] std::string_view text() const;

 private:
  explicit QuantityProgram(std::shared_ptr<const Ast> ast) : ast_(std::move(ast)) {}

  std::shared_ptr<const Ast> ast_;
};

}  // namespace apportion
