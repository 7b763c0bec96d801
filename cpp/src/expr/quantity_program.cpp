#include "apportion/expr/quantity_program.hpp"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <vector>

#include "apportion/expr/ast.hpp"
#include "apportion/expr/diagnostic.hpp"

namespace apportion {
namespace {

namespace mp = boost::multiprecision;
using Whole = mp::number<mp::cpp_int_backend<512, 512, mp::signed_magnitude, mp::checked, void>>;

// A fraction in lowest terms. Whatever does not fit throws std::overflow_error.
struct Exact {
  Whole numerator = 0;
  Whole denominator = 1;

  static Exact of(Whole numerator, Whole denominator) {
    const Whole common = mp::gcd(numerator, denominator);
    Exact made{numerator / common, denominator / common};
    if (made.denominator < 0) made = {-made.numerator, -made.denominator};
    return made;
  }

  [[nodiscard]] Whole floor() const {
    Whole whole = numerator / denominator;  // towards 0
    return numerator < 0 && whole * denominator != numerator ? whole - 1 : whole;
  }
  [[nodiscard]] Whole ceil() const { return -Exact{-numerator, denominator}.floor(); }

  friend Exact operator+(const Exact& a, const Exact& b) {
    return of(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
  }
  friend Exact operator-(const Exact& a) { return {-a.numerator, a.denominator}; }
  friend Exact operator-(const Exact& a, const Exact& b) { return a + -b; }
  friend Exact operator*(const Exact& a, const Exact& b) {
    return of(a.numerator * b.numerator, a.denominator * b.denominator);
  }
  friend bool operator==(const Exact& a, const Exact& b) = default;
  friend bool operator<(const Exact& a, const Exact& b) {
    return a.numerator * b.denominator < b.numerator * a.denominator;
  }
};

Whole whole_of(Int128 value) {
  const bool negative = value < 0;
  auto rest = static_cast<unsigned __int128>(value);
  if (negative) rest = -rest;
  Whole made = static_cast<std::uint64_t>(rest >> 64);
  made = made * Whole(std::uint64_t{1} << 32) * Whole(std::uint64_t{1} << 32) + static_cast<std::uint64_t>(rest);
  return negative ? Whole(-made) : made;
}

Exact exact_of(const Decimal& value) {
  const auto power = static_cast<unsigned>(value.exponent() < 0 ? -value.exponent() : value.exponent());
  const Whole scale = mp::pow(Whole(10), power);
  const Whole digits = whole_of(value.digits());
  return value.exponent() < 0 ? Exact::of(digits, scale) : Exact{digits * scale, 1};
}

using Value = std::variant<std::monostate, Exact, bool, std::string_view>;

bool none(const Value& value) { return std::holds_alternative<std::monostate>(value); }
const Exact& number(const Value& value) { return std::get<Exact>(value); }

Value value_of(const ExactValue& read) {
  if (const Fraction* fraction = std::get_if<Fraction>(&read))
    return Exact::of(whole_of(fraction->numerator), whole_of(fraction->denominator));
  if (const bool* truth = std::get_if<bool>(&read)) return *truth;
  if (const std::string_view* text = std::get_if<std::string_view>(&read)) return *text;
  return {};
}

bool is_exact(ExprFunction function) {
  switch (function) {
    case ExprFunction::kAbs:
    case ExprFunction::kCeil:
    case ExprFunction::kClamp:
    case ExprFunction::kCoalesce:
    case ExprFunction::kFloor:
    case ExprFunction::kHas:
    case ExprFunction::kMax:
    case ExprFunction::kMin:
    case ExprFunction::kNumber:
    case ExprFunction::kRound:
    case ExprFunction::kSquare:
      return true;
    default:
      return false;
  }
}

// What a program may hold, node by node. Throws ExpressionFailure.
void check_exact(const Ast& ast) {
  for (const ExprNode& node : ast.nodes) {
    const auto fail = [&](const std::string& message) { throw ExpressionFailure{node.at, message}; };
    if (node.kind == ExprKind::kNumber &&
        !Decimal::parse(ast.slice(static_cast<std::uint32_t>(&node - ast.nodes.data()))))
      fail("found a number of more than 34 digits");
    if (node.type == ValueType::kVector) fail("found a vector, expected numbers: name a dimension");
    if (node.kind == ExprKind::kHostCall)
      fail("found a function of groups; an amount can read the request and its consumer");
    if (node.kind == ExprKind::kPath && node.ref.read != Read::kRequest && node.ref.read != Read::kConsumer)
      fail("found a name of the " + std::string(read_name(node.ref.read)) +
           "; an amount can read the request and its consumer");
    if (node.kind == ExprKind::kCall && !is_exact(node.function))
      fail("found the function '" + std::string(function_info(node.function).name) +
           "', which has no exact result; amounts are exact");
    if (node.kind == ExprKind::kBinary && node.op == ExprOperator::kRemainder)
      fail("found '%', expected + - * / in an amount; floor(...) takes what is whole");
  }
}

// One evaluation. Nodes stand in postorder, so each meets its operands' values.
class Evaluation {
 public:
  Evaluation(const Ast& ast, const ExactSource& source) : ast_(ast), source_(source), values_(ast.nodes.size()) {}

  Value run() {
    for (std::uint32_t id = 0; id < ast_.nodes.size(); ++id) values_[id] = value(id);
    return values_.back();
  }

 private:
  Value value(std::uint32_t id) const {
    const ExprNode& node = ast_.nodes[id];
    const auto operands = ast_.children_of(id);
    switch (node.kind) {
      case ExprKind::kNumber:
        return exact_of(Decimal::parse(ast_.slice(id)).value());
      case ExprKind::kBoolean:
        return node.number != 0;
      case ExprKind::kString:
        return std::string_view(ast_.texts[node.text]);
      case ExprKind::kPath:
        return value_of(source_.read(node.ref));
      case ExprKind::kUnary:
        if (none(values_[operands[0]])) return {};
        if (node.op == ExprOperator::kNot) return !std::get<bool>(values_[operands[0]]);
        return -number(values_[operands[0]]);
      case ExprKind::kBinary:
        return binary(node.op, values_[operands[0]], operands[1]);
      case ExprKind::kConditional:
        if (none(values_[operands[0]])) return {};
        return values_[std::get<bool>(values_[operands[0]]) ? operands[1] : operands[2]];
      case ExprKind::kCall:
        return call(node.function, operands);
      default:
        return {};
    }
  }

  Value binary(ExprOperator op, const Value& left, std::uint32_t right_id) const {
    const Value& right = values_[right_id];
    if (op == ExprOperator::kAnd || op == ExprOperator::kOr) {
      const bool ends = op == ExprOperator::kOr;  // the operand that decides alone
      const auto decides = [&](const Value& value) { return !none(value) && std::get<bool>(value) == ends; };
      if (decides(left) || decides(right)) return ends;
      return none(left) || none(right) ? Value{} : Value{!ends};
    }
    if (op == ExprOperator::kIn) return member(left, right_id);
    if (none(left) || none(right)) return {};
    switch (op) {
      case ExprOperator::kAdd:
        return number(left) + number(right);
      case ExprOperator::kSubtract:
        return number(left) - number(right);
      case ExprOperator::kMultiply:
        return number(left) * number(right);
      case ExprOperator::kDivide:
        if (number(right).numerator == 0) return {};
        return Exact::of(number(left).numerator * number(right).denominator,
                         number(left).denominator * number(right).numerator);
      case ExprOperator::kEqual:
        return left == right;
      case ExprOperator::kNotEqual:
        return !(left == right);
      case ExprOperator::kLess:
        return less(left, right);
      case ExprOperator::kLessEqual:
        return !less(right, left);
      case ExprOperator::kGreater:
        return less(right, left);
      default:
        return !less(left, right);
    }
  }

  static bool less(const Value& a, const Value& b) {
    if (std::holds_alternative<Exact>(a)) return number(a) < number(b);
    return std::get<std::string_view>(a) < std::get<std::string_view>(b);
  }

  Value member(const Value& left, std::uint32_t list) const {
    if (none(left)) return {};
    bool unknown = false;
    for (const std::uint32_t element : ast_.children_of(list)) {
      if (values_[element] == left) return true;
      unknown = unknown || none(values_[element]);
    }
    return unknown ? Value{} : Value{false};
  }

  Value call(ExprFunction function, std::span<const std::uint32_t> operands) const {
    const Value& first = values_[operands[0]];
    if (function == ExprFunction::kHas) return !none(first);
    if (function == ExprFunction::kCoalesce) {
      const auto found = std::ranges::find_if(operands, [this](std::uint32_t id) { return !none(values_[id]); });
      return found == operands.end() ? Value{} : values_[*found];
    }
    if (std::ranges::any_of(operands, [this](std::uint32_t id) { return none(values_[id]); })) return {};
    if (function == ExprFunction::kNumber) return Exact{std::get<bool>(first) ? 1 : 0, 1};
    const Exact& x = number(first);
    switch (function) {
      case ExprFunction::kAbs:
        return x.numerator < 0 ? -x : x;
      case ExprFunction::kCeil:
        return Exact{x.ceil(), 1};
      case ExprFunction::kFloor:
        return Exact{x.floor(), 1};
      case ExprFunction::kRound:
        return rounded(x);
      case ExprFunction::kSquare:
        return x * x;
      case ExprFunction::kClamp:
        return std::min(std::max(x, number(values_[operands[1]])), number(values_[operands[2]]));
      default:
        break;
    }
    Exact most = x;
    for (const std::uint32_t id : operands.subspan(1)) {
      const Exact& other = number(values_[id]);
      if (function == ExprFunction::kMax ? most < other : other < most) most = other;
    }
    return most;
  }

  // Halves away from zero, as everywhere in the language.
  static Exact rounded(const Exact& x) {
    const bool negative = x.numerator < 0;
    const Exact half{1, 2};
    const Whole whole = ((negative ? -x : x) + half).floor();
    return {negative ? Whole(-whole) : whole, 1};
  }

  const Ast& ast_;
  const ExactSource& source_;
  std::vector<Value> values_;
};

// The number that the expression has.
Result<Exact> evaluated(const Ast& ast, const ExactSource& source) {
  const auto faulty = [&](const std::string& what) { return invalid("'" + ast.source + "' " + what); };
  try {
    const Value value = Evaluation(ast, source).run();
    if (none(value)) return faulty("has no value: something it reads is not set, or it divides by zero");
    if (number(value).numerator < 0) return faulty("is negative");
    return number(value);
  } catch (const std::overflow_error&) {
    return Error{ErrorCode::kOverflow, "'" + ast.source + "' needs numbers that are too large", {}};
  } catch (const std::range_error&) {
    return Error{ErrorCode::kOverflow, "'" + ast.source + "' needs numbers that are too large", {}};
  }
}

}  // namespace

Result<QuantityProgram> QuantityProgram::compile(std::string_view text, const Scope& scope) {
  try {
    auto ast = std::make_shared<Ast>(parse_expression(text));
    check_expression(*ast, ValueType::kNumber, scope);
    check_exact(*ast);
    return QuantityProgram(std::move(ast));
  } catch (const ExpressionFailure& failure) {
    return expression_error(text, failure);
  }
}

Result<Steps> QuantityProgram::steps(const ExactSource& source, Step step) const {
  const Result<Exact> value = evaluated(*ast_, source);
  if (!value) return value.error();
  try {
    const Whole counted =
        Exact::of(value->numerator * Whole(step.denominator), value->denominator * Whole(step.numerator)).ceil();
    if (counted <= Whole(kMaxSteps)) return static_cast<Steps>(counted);
  } catch (const std::overflow_error&) {
  }
  return Error{ErrorCode::kOverflow, "'" + ast_->source + "' is more than 2^53 - 1 steps", {}};
}

Result<std::uint32_t> QuantityProgram::count(const ExactSource& source, std::uint32_t most) const {
  const Result<Exact> value = evaluated(*ast_, source);
  if (!value) return value.error();
  if (value->denominator != 1) return invalid("'" + ast_->source + "' is no whole number");
  if (value->numerator > Whole(most)) return invalid("'" + ast_->source + "' is more than " + std::to_string(most));
  return static_cast<std::uint32_t>(value->numerator);
}

std::string_view QuantityProgram::text() const { return ast_->source; }

ExactValue exact_value(double number) {
  const Result<Decimal> decimal = Decimal::from_double(number);
  constexpr int kMost = 18;
  if (!decimal || decimal->exponent() > kMost || decimal->exponent() < -kMost) return {};
  Int128 scale = 1;
  for (int i = 0; i < std::abs(decimal->exponent()); ++i) scale *= 10;
  return decimal->exponent() < 0 ? Fraction{decimal->digits(), scale} : Fraction{decimal->digits() * scale, 1};
}

}  // namespace apportion
