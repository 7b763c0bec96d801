#include "apportion/expr/functions.hpp"

#include <algorithm>
#include <array>

namespace apportion {
namespace {

constexpr std::uint32_t kMany = 4096;
using Is = ExprFunction;

constexpr std::array kFunctions{
    ExprFunctionInfo{"abs", Is::kAbs, ExprShape::kElementwise, 1, 1, "abs(number or vector)"},
    ExprFunctionInfo{"ceil", Is::kCeil, ExprShape::kNumbers, 1, 1, "ceil(number)"},
    ExprFunctionInfo{"clamp", Is::kClamp, ExprShape::kNumbers, 3, 3, "clamp(number, lowest number, highest number)"},
    ExprFunctionInfo{"coalesce", Is::kCoalesce, ExprShape::kCoalesce, 2, kMany,
                     "coalesce(value, value, ...) with values of one type"},
    ExprFunctionInfo{"contains", Is::kContains, ExprShape::kTexts, 2, 2, "contains(string, string)"},
    ExprFunctionInfo{"ends_with", Is::kEndsWith, ExprShape::kTexts, 2, 2, "ends_with(string, string)"},
    ExprFunctionInfo{"exp", Is::kExp, ExprShape::kNumbers, 1, 1, "exp(number)"},
    ExprFunctionInfo{"floor", Is::kFloor, ExprShape::kNumbers, 1, 1, "floor(number)"},
    ExprFunctionInfo{"has", Is::kHas, ExprShape::kHas, 1, 1, "has(number, boolean, string or list)"},
    ExprFunctionInfo{"log", Is::kLog, ExprShape::kNumbers, 1, 1, "log(number)"},
    ExprFunctionInfo{"log10", Is::kLog10, ExprShape::kNumbers, 1, 1, "log10(number)"},
    ExprFunctionInfo{"log2", Is::kLog2, ExprShape::kNumbers, 1, 1, "log2(number)"},
    ExprFunctionInfo{"max", Is::kMax, ExprShape::kExtreme, 1, kMany, "max(vector) or max(number, number, ...)"},
    ExprFunctionInfo{"mean", Is::kMean, ExprShape::kReducer, 1, 1, "mean(vector)"},
    ExprFunctionInfo{"min", Is::kMin, ExprShape::kExtreme, 1, kMany, "min(vector) or min(number, number, ...)"},
    ExprFunctionInfo{"number", Is::kNumber, ExprShape::kNumber, 1, 1, "number(boolean)"},
    ExprFunctionInfo{"pow", Is::kPow, ExprShape::kNumbers, 2, 2, "pow(number, number)"},
    ExprFunctionInfo{"round", Is::kRound, ExprShape::kNumbers, 1, 1, "round(number)"},
    ExprFunctionInfo{"sigmoid", Is::kSigmoid, ExprShape::kNumbers, 1, 1, "sigmoid(number)"},
    ExprFunctionInfo{"size", Is::kSize, ExprShape::kSize, 1, 1, "size(string or list)"},
    ExprFunctionInfo{"sqrt", Is::kSqrt, ExprShape::kElementwise, 1, 1, "sqrt(number or vector)"},
    ExprFunctionInfo{"square", Is::kSquare, ExprShape::kElementwise, 1, 1, "square(number or vector)"},
    ExprFunctionInfo{"starts_with", Is::kStartsWith, ExprShape::kTexts, 2, 2, "starts_with(string, string)"},
    ExprFunctionInfo{"sum", Is::kSum, ExprShape::kReducer, 1, 1, "sum(vector)"},
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
