// The closed list of functions of the language, and the names of its operators.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace apportion {

enum class ExprFunction : std::uint8_t {
  kAbs,
  kCeil,
  kClamp,
  kCoalesce,
  kContains,
  kEndsWith,
  kExp,
  kFloor,
  kHas,
  kLog,
  kLog10,
  kLog2,
  kMax,
  kMean,
  kMin,
  kNumber,
  kPow,
  kRound,
  kSigmoid,
  kSize,
  kSqrt,
  kSquare,
  kStartsWith,
  kSum,
};

/// What arguments a function takes; the checker has one rule per shape.
enum class ExprShape : std::uint8_t {
  kNumbers,      ///< numbers only, gives a number
  kElementwise,  ///< a number or a vector, gives the same
  kExtreme,      ///< min and max: one vector, or two and more numbers or vectors
  kReducer,      ///< one vector, gives a number
  kTexts,        ///< two strings, gives a boolean
  kHas,          ///< anything but a vector, gives a boolean
  kCoalesce,     ///< numbers, booleans or strings of one type, gives that type
  kNumber,       ///< a boolean, gives a number
  kSize,         ///< a string or a list, gives a number
};

struct ExprFunctionInfo {
  std::string_view name;
  ExprFunction function;
  ExprShape shape;
  std::uint32_t min_arguments;
  std::uint32_t max_arguments;
  std::string_view usage;  ///< for messages: "clamp(number, number, number)"
};

/// Sorted by name, which is the order of ExprFunction too.
std::span<const ExprFunctionInfo> expression_functions();
const ExprFunctionInfo* find_expression_function(std::string_view name);
inline const ExprFunctionInfo& function_info(ExprFunction function) {
  return expression_functions()[static_cast<std::size_t>(function)];
}

enum class ExprOperator : std::uint8_t {
  kNot,
  kNegate,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kAnd,
  kOr,
};

/// "!", "-", "+", ...
std::string_view operator_text(ExprOperator op);

}  // namespace apportion
