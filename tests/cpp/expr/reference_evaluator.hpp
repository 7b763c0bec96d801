// The obviously right evaluator: walks the tree, one row at a time, with strings as strings and lists as lists.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/expr/ast.hpp"
#include "apportion/expr/elementary.hpp"
#include "test_world.hpp"

namespace apportion::testing {

/// A number or boolean (NaN = no value), a string (nothing = no value), or a vector.
struct Value {
  double number = kNan;
  std::optional<std::string> text;
  std::vector<double> components;
};

class ReferenceEvaluator {
 public:
  ReferenceEvaluator(const Ast& ast, const TestSource& source, std::size_t row)
      : ast_(ast), source_(source), row_(row) {}

  [[nodiscard]] Value root() const { return value(ast_.root()); }

 private:
  [[nodiscard]] Value value(std::uint32_t id) const {
    const ExprNode& node = ast_.nodes[id];
    switch (node.kind) {
      case ExprKind::kNumber:
      case ExprKind::kBoolean:
        return {node.number, {}, {}};
      case ExprKind::kString:
        return {kNan, ast_.texts[node.text], {}};
      case ExprKind::kPath:
        return path(node.ref);
      case ExprKind::kUnary:
        return unary(id);
      case ExprKind::kBinary:
        return binary(id);
      case ExprKind::kConditional:
        return conditional(id);
      case ExprKind::kCall:
        return call(id);
      case ExprKind::kHostCall:
        return host_call(id);
      case ExprKind::kList:
        break;
    }
    return {};
  }

  [[nodiscard]] std::uint32_t child(std::uint32_t id, std::size_t k) const { return ast_.children_of(id)[k]; }
  [[nodiscard]] std::size_t count(std::uint32_t id) const { return ast_.nodes[id].children_count; }
  [[nodiscard]] ValueType type(std::uint32_t id) const { return ast_.nodes[id].type; }
  [[nodiscard]] Value argument(std::uint32_t id, std::size_t k) const { return value(child(id, k)); }

  [[nodiscard]] Value path(Ref ref) const {
    Value found;
    if (ref.type == ValueType::kVector) {
      for (std::uint32_t k = 0; k < kDimensions; ++k, ++ref.id) found.components.push_back(source_.cell(ref, row_));
    } else if (ref.type == ValueType::kString) {
      const double symbol = source_.cell(ref, row_);
      if (!std::isnan(symbol)) found.text = kWords[static_cast<std::size_t>(symbol)];
    } else if (ref.type != ValueType::kList) {
      found.number = source_.cell(ref, row_);
    }
    return found;
  }

  // f over scalars, or component by component with scalars standing for every component.
  template <class Function>
  [[nodiscard]] Value broadcast(std::uint32_t id, const std::vector<Value>& operands, Function function) const {
    if (type(id) != ValueType::kVector) {
      std::vector<double> scalars;
      for (const Value& operand : operands) scalars.push_back(operand.number);
      return {function(scalars), {}, {}};
    }
    Value result;
    for (std::uint32_t k = 0; k < kDimensions; ++k) {
      std::vector<double> scalars;
      for (const Value& operand : operands)
        scalars.push_back(operand.components.empty() ? operand.number : operand.components[k]);
      result.components.push_back(function(scalars));
    }
    return result;
  }

  [[nodiscard]] Value unary(std::uint32_t id) const {
    const bool negate = ast_.nodes[id].op == ExprOperator::kNegate;
    return broadcast(id, {argument(id, 0)}, [&](const std::vector<double>& x) {
      if (negate) return -x[0];
      return std::isnan(x[0]) ? kNan : x[0] == 1 ? 0.0 : 1.0;
    });
  }

  static double arithmetic(ExprOperator op, double x, double y) {
    switch (op) {
      case ExprOperator::kAdd:
        return x + y;
      case ExprOperator::kSubtract:
        return x - y;
      case ExprOperator::kMultiply:
        return x * y;
      case ExprOperator::kDivide:
        return y == 0 ? kNan : x / y;
      default:
        return y == 0 ? kNan : std::fmod(x, y);
    }
  }

  template <class T>
  static double compare(ExprOperator op, const T& x, const T& y) {
    switch (op) {
      case ExprOperator::kEqual:
        return x == y ? 1 : 0;
      case ExprOperator::kNotEqual:
        return x == y ? 0 : 1;
      case ExprOperator::kLess:
        return x < y ? 1 : 0;
      case ExprOperator::kLessEqual:
        return x <= y ? 1 : 0;
      case ExprOperator::kGreater:
        return x > y ? 1 : 0;
      default:
        return x >= y ? 1 : 0;
    }
  }

  static double relation(ExprOperator op, ValueType type, const Value& x, const Value& y) {
    if (type == ValueType::kString) return x.text && y.text ? compare(op, *x.text, *y.text) : kNan;
    return std::isnan(x.number) || std::isnan(y.number) ? kNan : compare(op, x.number, y.number);
  }

  // `decisive` is the operand that decides alone: 0 for &&, 1 for ||.
  static double kleene(double x, double y, double decisive) {
    if (x == decisive || y == decisive) return decisive;
    return std::isnan(x) || std::isnan(y) ? kNan : 1 - decisive;
  }

  [[nodiscard]] Value binary(std::uint32_t id) const {
    const ExprOperator op = ast_.nodes[id].op;
    if (op == ExprOperator::kIn) return {membership(id), {}, {}};
    const Value x = argument(id, 0), y = argument(id, 1);
    if (op == ExprOperator::kAnd) return {kleene(x.number, y.number, 0), {}, {}};
    if (op == ExprOperator::kOr) return {kleene(x.number, y.number, 1), {}, {}};
    if (op >= ExprOperator::kEqual && op <= ExprOperator::kGreaterEqual)
      return {relation(op, type(child(id, 0)), x, y), {}, {}};
    return broadcast(id, {x, y}, [op](const std::vector<double>& v) { return arithmetic(op, v[0], v[1]); });
  }

  [[nodiscard]] double membership(std::uint32_t id) const {
    const Value x = argument(id, 0);
    const std::uint32_t list = child(id, 1);
    if (ast_.nodes[list].kind != ExprKind::kList) {
      const std::vector<double>* items = source_.list(ast_.nodes[list].ref, row_);
      if (!x.text || items == nullptr) return kNan;
      return std::ranges::any_of(*items, [&](double item) { return kWords[static_cast<std::size_t>(item)] == *x.text; })
                 ? 1
                 : 0;
    }
    double found = x.text || !std::isnan(x.number) ? 0 : kNan;
    for (const std::uint32_t element : ast_.children_of(list)) {
      found = kleene(found, relation(ExprOperator::kEqual, type(child(id, 0)), x, value(element)), 1);
    }
    return found;
  }

  [[nodiscard]] Value conditional(std::uint32_t id) const {
    const double condition = argument(id, 0).number;
    if (std::isnan(condition)) return {};
    return argument(id, condition == 1 ? 1 : 2);
  }

  [[nodiscard]] bool present(std::uint32_t id, std::size_t k) const {
    const std::uint32_t node = child(id, k);
    if (type(node) == ValueType::kList) return source_.list(ast_.nodes[node].ref, row_) != nullptr;
    const Value x = value(node);
    return type(node) == ValueType::kString ? x.text.has_value() : !std::isnan(x.number);
  }

  [[nodiscard]] double size(std::uint32_t id) const {
    const std::uint32_t node = child(id, 0);
    if (!present(id, 0)) return kNan;
    if (type(node) == ValueType::kList) return static_cast<double>(source_.list(ast_.nodes[node].ref, row_)->size());
    const Value string = value(node);
    double characters = 0;
    for (const char byte : string.text.value()) characters += (static_cast<unsigned char>(byte) >> 6U) == 2 ? 0 : 1;
    return characters;
  }

  static double extreme(double x, double y, bool most) {
    if (std::isnan(x) || std::isnan(y)) return kNan;
    return most ? (y > x ? y : x) : (y < x ? y : x);
  }

  static double reduce(ExprFunction function, const std::vector<double>& components) {
    double sum = 0, number = 0, least = kNan, most = kNan;
    for (const double x : components) {
      if (std::isnan(x)) continue;
      sum += x;
      number += 1;
      least = std::isnan(least) || x < least ? x : least;
      most = std::isnan(most) || x > most ? x : most;
    }
    if (function == ExprFunction::kSum) return sum;
    if (function == ExprFunction::kMean) return number == 0 ? kNan : sum / number;
    return function == ExprFunction::kMin ? least : most;
  }

  static double scalar_function(ExprFunction function, const std::vector<double>& x) {
    for (const double argument : x) {
      if (std::isnan(argument)) return kNan;
    }
    switch (function) {
      case ExprFunction::kAbs:
        return std::fabs(x[0]);
      case ExprFunction::kCeil:
        return std::ceil(x[0]);
      case ExprFunction::kFloor:
        return std::floor(x[0]);
      case ExprFunction::kRound:
        return std::round(x[0]);
      case ExprFunction::kSqrt:
        return x[0] < 0 ? kNan : std::sqrt(x[0]);
      case ExprFunction::kSquare:
        return x[0] * x[0];
      case ExprFunction::kExp:
        return elementary_exp(x[0]);
      case ExprFunction::kLog:
        return elementary_log(x[0]);
      case ExprFunction::kLog2:
        return elementary_log2(x[0]);
      case ExprFunction::kLog10:
        return elementary_log10(x[0]);
      case ExprFunction::kPow:
        return elementary_pow(x[0], x[1]);
      case ExprFunction::kSigmoid:
        return elementary_sigmoid(x[0]);
      case ExprFunction::kNumber:
        return x[0];
      default:
        return extreme(extreme(x[0], x[1], true), x[2], false);  // clamp
    }
  }

  static double text_function(ExprFunction function, const std::string& x, const std::string& y) {
    if (function == ExprFunction::kStartsWith) return x.starts_with(y) ? 1 : 0;
    if (function == ExprFunction::kEndsWith) return x.ends_with(y) ? 1 : 0;
    return x.find(y) != std::string::npos ? 1 : 0;
  }

  [[nodiscard]] Value call(std::uint32_t id) const {
    const ExprFunction function = ast_.nodes[id].function;
    const ExprShape shape = function_info(function).shape;
    if (shape == ExprShape::kHas) return {present(id, 0) ? 1.0 : 0.0, {}, {}};
    if (shape == ExprShape::kSize) return {size(id), {}, {}};
    std::vector<Value> arguments;
    for (std::size_t k = 0; k < count(id); ++k) arguments.push_back(argument(id, k));
    if (shape == ExprShape::kTexts) {
      const auto &x = arguments[0].text, &y = arguments[1].text;
      return {x && y ? text_function(function, *x, *y) : kNan, {}, {}};
    }
    if (shape == ExprShape::kCoalesce) {
      for (std::size_t k = 0; k < arguments.size(); ++k) {
        if (present(id, k)) return arguments[k];
      }
      return {};
    }
    if (shape == ExprShape::kReducer || (shape == ExprShape::kExtreme && arguments.size() == 1)) {
      return {reduce(function, arguments[0].components), {}, {}};
    }
    return broadcast(id, arguments, [&](const std::vector<double>& x) {
      if (shape != ExprShape::kExtreme) return scalar_function(function, x);
      double found = x[0];
      for (const double other : x) found = extreme(found, other, function == ExprFunction::kMax);
      return found;
    });
  }

  [[nodiscard]] Value host_call(std::uint32_t id) const {
    const Value last = argument(id, count(id) - 1);
    const std::optional<std::string_view> word = last.text;
    const std::uint32_t function = ast_.nodes[id].ref.id;
    if (function == kDistance) return {distance_value(argument(id, 0).number, word, static_cast<double>(row_)), {}, {}};
    if (type(id) != ValueType::kVector) return {group_value(function, word), {}, {}};
    Value found;
    for (std::uint32_t k = 0; k < kDimensions; ++k) found.components.push_back(group_value(function + k, word));
    return found;
  }

  const Ast& ast_;
  const TestSource& source_;
  std::size_t row_;
};

}  // namespace apportion::testing
