// Static types: one pass over the arena, children before parents.
#include <algorithm>
#include <initializer_list>
#include <string>

#include "apportion/expr/ast.hpp"
#include "apportion/expr/bytecode.hpp"
#include "apportion/expr/diagnostic.hpp"

namespace apportion {
namespace {

using enum ValueType;

bool numeric(ValueType type) { return type == kNumber || type == kVector; }
bool scalar(ValueType type) { return type != kVector && type != kList; }

std::string with_article(ValueType type) { return "a " + std::string(type_name(type)); }

std::string found_arguments(std::size_t count) {
  return "found " + std::to_string(count) + (count == 1 ? " argument" : " arguments");
}

class Checker {
 public:
  Checker(Ast& ast, const Scope& scope) : ast_(ast), scope_(scope) {}

  void run(ValueType wanted) {
    for (std::uint32_t id = 0; id < ast_.nodes.size(); ++id) ast_.nodes[id].type = check(id);
    const ValueType found = ast_.nodes[ast_.root()].type;
    if (found == wanted) return;
    fail_at_begin(ast_.root(), "found " + with_article(found) + slice_of(ast_.root()) + ", expected " +
                                   with_article(wanted) + cure(found, wanted));
  }

 private:
  // At the operator or name of the node, or at its first character.
  [[noreturn]] void fail(std::uint32_t node, std::string message) const {
    throw ExpressionFailure{ast_.nodes[node].at, std::move(message)};
  }
  [[noreturn]] void fail_at_begin(std::uint32_t node, std::string message) const {
    throw ExpressionFailure{ast_.nodes[node].begin, std::move(message)};
  }

  [[nodiscard]] std::string slice_of(std::uint32_t node) const {
    const std::string_view slice = ast_.slice(node);
    return slice.size() <= 60 ? " (" + std::string(slice) + ")" : std::string();
  }

  static std::string cure(ValueType found, ValueType wanted) {
    if (found == kVector) return "; make it one number with sum, mean, min or max, or name a dimension";
    if (found == kList) return "; a list can only be used with 'in', size() and has()";
    if (found == kBoolean && wanted == kNumber) return "; number(...) makes one of it";
    if (found == kNumber && wanted == kBoolean) return "; compare it with something";
    return "";
  }

  [[nodiscard]] ValueType type(std::uint32_t node) const { return ast_.nodes[node].type; }

  ValueType check(std::uint32_t id) {
    const ExprNode& node = ast_.nodes[id];
    switch (node.kind) {
      case ExprKind::kNumber:
        return kNumber;
      case ExprKind::kBoolean:
        return kBoolean;
      case ExprKind::kString:
        return kString;
      case ExprKind::kPath:
        return path(id);
      case ExprKind::kList:
        return kList;  // checked by its 'in'
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
    }
    return kNumber;
  }

  ValueType path(std::uint32_t id) {
    const std::string& name = ast_.texts[ast_.nodes[id].text];
    const std::optional<Ref> ref = scope_.resolve(name);
    if (!ref) fail(id, "found the unknown name '" + name + "', expected a path" + path_hint(name));
    ast_.nodes[id].ref = *ref;
    return ref->type;
  }

  [[nodiscard]] std::string path_hint(const std::string& name) const {
    if (name == "null" || name == "nil" || name == "None") return "; no value is tested with has(...)";
    if (find_expression_function(name) != nullptr) return "; '" + name + "' is a function and needs '(...)'";
    for (const char* root : {"self.", "consumer."}) {
      if (scope_.resolve(root + name)) return "; did you mean '" + (root + name) + "'?";
    }
    return name_hint(name, scope_.names());
  }

  ValueType unary(std::uint32_t id) {
    const ExprNode& node = ast_.nodes[id];
    const std::uint32_t operand = ast_.children_of(id)[0];
    const ValueType found = type(operand);
    if (node.op == ExprOperator::kNot && found != kBoolean)
      fail(id, "found !" + std::string(type_name(found)) + slice_of(operand) + ", expected a boolean after '!'" +
                   cure(found, kBoolean));
    if (node.op == ExprOperator::kNegate && !numeric(found))
      fail(id,
           "found -" + std::string(type_name(found)) + slice_of(operand) + ", expected a number or a vector after '-'");
    return found;
  }

  [[noreturn]] void refuse_operands(std::uint32_t id, const std::string& expected) const {
    const auto operands = ast_.children_of(id);
    const std::string op(operator_text(ast_.nodes[id].op));
    fail(id, "found " + std::string(type_name(type(operands[0]))) + " " + op + " " +
                 std::string(type_name(type(operands[1]))) + ", expected " + expected);
  }

  ValueType binary(std::uint32_t id) {
    const ValueType left = type(ast_.children_of(id)[0]), right = type(ast_.children_of(id)[1]);
    const std::string op = "'" + std::string(operator_text(ast_.nodes[id].op)) + "'";
    switch (ast_.nodes[id].op) {
      case ExprOperator::kAnd:
      case ExprOperator::kOr:
        if (left != kBoolean || right != kBoolean) refuse_operands(id, "booleans on both sides of " + op);
        return kBoolean;
      case ExprOperator::kEqual:
      case ExprOperator::kNotEqual:
        if (left != right || !scalar(left))
          refuse_operands(id, "two numbers, two strings or two booleans around " + op + comparison_cure(left, right));
        return kBoolean;
      case ExprOperator::kIn:
        return membership(id, left, right);
      case ExprOperator::kLess:
      case ExprOperator::kLessEqual:
      case ExprOperator::kGreater:
      case ExprOperator::kGreaterEqual:
        if (left != right || (left != kNumber && left != kString))
          refuse_operands(id, "two numbers or two strings around " + op + comparison_cure(left, right));
        return kBoolean;
      default:
        if (!numeric(left) || !numeric(right)) refuse_operands(id, "numbers or vectors on both sides of " + op);
        return left == kVector || right == kVector ? kVector : kNumber;
    }
  }

  static std::string comparison_cure(ValueType left, ValueType right) {
    if (left == kVector || right == kVector)
      return "; make the vector one number with sum, mean, min or max, or name a dimension";
    if (left == kList || right == kList) return "; a list can only be used with 'in', size() and has()";
    return "";
  }

  ValueType membership(std::uint32_t id, ValueType left, ValueType right) {
    const std::uint32_t list = ast_.children_of(id)[1];
    if (ast_.nodes[list].kind != ExprKind::kList) {
      if (left != kString || right != kList)
        refuse_operands(id, "a string on the left of 'in' and a list on its right");
      return kBoolean;
    }
    if (!scalar(left)) refuse_operands(id, "a number, a string or a boolean on the left of 'in'");
    for (const std::uint32_t element : ast_.children_of(list)) {
      if (type(element) != left) {
        fail(element, "found " + with_article(type(element)) + slice_of(element) + " in the list, expected " +
                          with_article(left) + " as on the left of 'in'");
      }
    }
    return kBoolean;
  }

  ValueType conditional(std::uint32_t id) {
    const auto parts = ast_.children_of(id);
    const ValueType condition = type(parts[0]), yes = type(parts[1]), no = type(parts[2]);
    if (condition != kBoolean)
      fail(id, "found " + with_article(condition) + slice_of(parts[0]) + " before '?', expected a boolean" +
                   cure(condition, kBoolean));
    if (yes != no || !scalar(yes)) {
      fail(id, "found " + std::string(type_name(yes)) + " : " + std::string(type_name(no)) +
                   ", expected two numbers, two strings or two booleans around ':'");
    }
    return yes;
  }

  [[noreturn]] void refuse_argument(std::uint32_t id, std::uint32_t argument) const {
    fail_at_begin(argument, "found " + with_article(type(argument)) + slice_of(argument) + ", expected " +
                                std::string(function_info(ast_.nodes[id].function).usage));
  }

  void require(std::uint32_t id, std::initializer_list<ValueType> allowed) const {
    for (const std::uint32_t argument : ast_.children_of(id)) {
      if (std::ranges::find(allowed, type(argument)) == allowed.end()) refuse_argument(id, argument);
    }
  }

  void require_count(std::uint32_t id, const ExprFunctionInfo& info) const {
    const std::uint32_t count = ast_.nodes[id].children_count;
    if (count >= info.min_arguments && count <= info.max_arguments) return;
    fail(id, found_arguments(count) + ", expected " + std::string(info.usage));
  }

  ValueType call(std::uint32_t id) {
    const ExprFunctionInfo& info = function_info(ast_.nodes[id].function);
    require_count(id, info);
    const auto arguments = ast_.children_of(id);
    const ValueType first = type(arguments[0]);
    switch (info.shape) {
      case ExprShape::kNumbers:
        require(id, {kNumber});
        return kNumber;
      case ExprShape::kElementwise:
        require(id, {kNumber, kVector});
        return first;
      case ExprShape::kExtreme:
        return extreme(id);
      case ExprShape::kReducer:
        require(id, {kVector});
        return kNumber;
      case ExprShape::kTexts:
        require(id, {kString});
        return kBoolean;
      case ExprShape::kHas:
        require(id, {kNumber, kBoolean, kString, kList});
        return kBoolean;
      case ExprShape::kCoalesce:
        return coalesce(id);
      case ExprShape::kNumber:
        require(id, {kBoolean});
        return kNumber;
      case ExprShape::kSize:
        require(id, {kString, kList});
        return kNumber;
    }
    return kNumber;
  }

  ValueType extreme(std::uint32_t id) {
    require(id, {kNumber, kVector});
    const auto arguments = ast_.children_of(id);
    const bool vector =
        std::ranges::any_of(arguments, [&](std::uint32_t argument) { return type(argument) == kVector; });
    if (arguments.size() > 1) return vector ? kVector : kNumber;
    if (!vector) refuse_argument(id, arguments[0]);
    return kNumber;
  }

  ValueType coalesce(std::uint32_t id) {
    require(id, {kNumber, kBoolean, kString});
    const auto arguments = ast_.children_of(id);
    for (const std::uint32_t argument : arguments) {
      if (type(argument) == type(arguments[0])) continue;
      fail_at_begin(argument, "found " + with_article(type(argument)) + slice_of(argument) + ", expected " +
                                  with_article(type(arguments[0])) + " like the first argument of coalesce");
    }
    return type(arguments[0]);
  }

  ValueType host_call(std::uint32_t id) {
    const std::string &root = ast_.texts[ast_.nodes[id].text], &path = ast_.texts[ast_.nodes[id].text + 1];
    const std::optional<HostFunction> function = scope_.resolve_function(root, path);
    if (!function) refuse_function(id, root, path);
    const auto arguments = ast_.children_of(id);
    if (arguments.size() != function->parameters.size() || arguments.size() > kMaxCallArguments) {
      fail(id, found_arguments(arguments.size()) + ", expected " + usage(root, *function));
    }
    for (std::size_t k = 0; k < arguments.size(); ++k) {
      if (type(arguments[k]) == function->parameters[k] && scalar(type(arguments[k]))) continue;
      fail_at_begin(arguments[k], "found " + with_article(type(arguments[k])) + slice_of(arguments[k]) + ", expected " +
                                      usage(root, *function));
    }
    if (function->result.type == kList)
      fail(id, "found a function that gives a list, expected a number, boolean, string or vector");
    ast_.nodes[id].ref = function->result;
    return function->result.type;
  }

  static std::string usage(const std::string& root, const HostFunction& function) {
    std::string text = root + "(";
    for (std::size_t k = 0; k < function.parameters.size(); ++k)
      text += (k == 0 ? "" : ", ") + std::string(type_name(function.parameters[k]));
    return text + ")";
  }

  [[noreturn]] void refuse_function(std::uint32_t id, const std::string& root, const std::string& path) const {
    const std::string name = path.empty() ? root + "()" : root + "()." + path;
    std::vector<std::string> names = scope_.names();
    for (const ExprFunctionInfo& info : expression_functions()) names.push_back(std::string(info.name) + "()");
    fail(id, "found the unknown function '" + name + "', expected one of the language or of its host" +
                 name_hint(name, names));
  }

  Ast& ast_;
  const Scope& scope_;
};

}  // namespace

void check_expression(Ast& ast, ValueType wanted, const Scope& scope) { Checker(ast, scope).run(wanted); }

}  // namespace apportion
