#include "apportion/expr/functions.hpp"

#include <algorithm>
#include <array>

namespace apportion {
namespace {

constexpr std::uint32_t kMany = 4096;
using enum ExprFunction;

constexpr std::array kFunctions{
    ExprFunctionInfo{"abs", kAbs, ExprShape::kElementwise, 1, 1, "abs(number or vector)"},
    ExprFunctionInfo{"ceil", kCeil, ExprShape::kNumbers, 1, 1, "ceil(number)"},
    ExprFunctionInfo{"clamp", kClamp, ExprShape::kNumbers, 3, 3, "clamp(number, lowest number, highest number)"},
    ExprFunctionInfo{"coalesce", kCoalesce, ExprShape::kCoalesce, 2, kMany,
                     "coalesce(value, value, ...) with values of one type"},
    ExprFunctionInfo{"contains", kContains, ExprShape::kTexts, 2, 2, "contains(string, string)"},
    ExprFunctionInfo{"ends_with", kEndsWith, ExprShape::kTexts, 2, 2, "ends_with(string, string)"},
    ExprFunctionInfo{"exp", kExp, ExprShape::kNumbers, 1, 1, "exp(number)"},
    ExprFunctionInfo{"floor", kFloor, ExprShape::kNumbers, 1, 1, "floor(number)"},
    ExprFunctionInfo{"has", kHas, ExprShape::kHas, 1, 1, "has(number, boolean, string or list)"},
    ExprFunctionInfo{"log", kLog, ExprShape::kNumbers, 1, 1, "log(number)"},
    ExprFunctionInfo{"log10", kLog10, ExprShape::kNumbers, 1, 1, "log10(number)"},
    ExprFunctionInfo{"log2", kLog2, ExprShape::kNumbers, 1, 1, "log2(number)"},
    ExprFunctionInfo{"max", kMax, ExprShape::kExtreme, 1, kMany, "max(vector) or max(number, number, ...)"},
    ExprFunctionInfo{"mean", kMean, ExprShape::kReducer, 1, 1, "mean(vector)"},
    ExprFunctionInfo{"min", kMin, ExprShape::kExtreme, 1, kMany, "min(vector) or min(number, number, ...)"},
    ExprFunctionInfo{"number", kNumber, ExprShape::kNumber, 1, 1, "number(boolean)"},
    ExprFunctionInfo{"pow", kPow, ExprShape::kNumbers, 2, 2, "pow(number, number)"},
    ExprFunctionInfo{"round", kRound, ExprShape::kNumbers, 1, 1, "round(number)"},
    ExprFunctionInfo{"sigmoid", kSigmoid, ExprShape::kNumbers, 1, 1, "sigmoid(number)"},
    ExprFunctionInfo{"size", kSize, ExprShape::kSize, 1, 1, "size(string or list)"},
    ExprFunctionInfo{"sqrt", kSqrt, ExprShape::kElementwise, 1, 1, "sqrt(number or vector)"},
    ExprFunctionInfo{"square", kSquare, ExprShape::kElementwise, 1, 1, "square(number or vector)"},
    ExprFunctionInfo{"starts_with", kStartsWith, ExprShape::kTexts, 2, 2, "starts_with(string, string)"},
    ExprFunctionInfo{"sum", kSum, ExprShape::kReducer, 1, 1, "sum(vector)"},
};

}  // namespace

std::span<const ExprFunctionInfo> expression_functions() { return kFunctions; }

const ExprFunctionInfo* find_expression_function(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kFunctions, name, {}, &ExprFunctionInfo::name);
  return found != kFunctions.end() && found->name == name ? found : nullptr;
}

std::string_view operator_text(ExprOperator op) {
  constexpr std::array<std::string_view, 16> kTexts{
      "!", "-", "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"};
  return kTexts[static_cast<std::size_t>(op)];
}

}  // namespace apportion
