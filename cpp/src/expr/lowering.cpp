// From the checked tree to values. Scalars are visited in the order of the arena; a vector only exists component by
// component, below the reducer that consumes it, so few intermediate values live at once.
#include <limits>
#include <span>

#include "apportion/expr/ast.hpp"
#include "apportion/expr/bytecode.hpp"
#include "apportion/expr/value_graph.hpp"

namespace apportion {
namespace {

ExprOp plain_op(ExprOperator op, bool texts) {
  switch (op) {
    case ExprOperator::kNot:
      return ExprOp::kNot;
    case ExprOperator::kNegate:
      return ExprOp::kNegate;
    case ExprOperator::kAdd:
      return ExprOp::kAdd;
    case ExprOperator::kSubtract:
      return ExprOp::kSubtract;
    case ExprOperator::kMultiply:
      return ExprOp::kMultiply;
    case ExprOperator::kDivide:
      return ExprOp::kDivide;
    case ExprOperator::kRemainder:
      return ExprOp::kRemainder;
    case ExprOperator::kEqual:
      return ExprOp::kEqual;
    case ExprOperator::kNotEqual:
      return ExprOp::kNotEqual;
    case ExprOperator::kLess:
    case ExprOperator::kGreater:
      return texts ? ExprOp::kTextLess : ExprOp::kLess;
    case ExprOperator::kLessEqual:
    case ExprOperator::kGreaterEqual:
      return texts ? ExprOp::kTextLessEqual : ExprOp::kLessEqual;
    case ExprOperator::kAnd:
      return ExprOp::kAnd;
    default:
      return ExprOp::kOr;
  }
}

ExprOp function_op(ExprFunction function) {
  switch (function) {
    case ExprFunction::kAbs:
      return ExprOp::kAbs;
    case ExprFunction::kCeil:
      return ExprOp::kCeil;
    case ExprFunction::kCoalesce:
      return ExprOp::kCoalesce;
    case ExprFunction::kContains:
      return ExprOp::kContains;
    case ExprFunction::kEndsWith:
      return ExprOp::kEndsWith;
    case ExprFunction::kExp:
      return ExprOp::kExp;
    case ExprFunction::kFloor:
      return ExprOp::kFloor;
    case ExprFunction::kHas:
      return ExprOp::kHas;
    case ExprFunction::kLog:
      return ExprOp::kLog;
    case ExprFunction::kLog10:
      return ExprOp::kLog10;
    case ExprFunction::kLog2:
      return ExprOp::kLog2;
    case ExprFunction::kMax:
      return ExprOp::kMax;
    case ExprFunction::kMin:
      return ExprOp::kMin;
    case ExprFunction::kPow:
      return ExprOp::kPow;
    case ExprFunction::kRound:
      return ExprOp::kRound;
    case ExprFunction::kSigmoid:
      return ExprOp::kSigmoid;
    case ExprFunction::kSqrt:
      return ExprOp::kSqrt;
    case ExprFunction::kSquare:
      return ExprOp::kMultiply;
    default:
      return ExprOp::kStartsWith;
  }
}

class Lowering {
 public:
  Lowering(const Ast& ast, std::uint32_t root, std::uint32_t dimensions)
      : ast_(ast), first_(ast.nodes[root].first), dimensions_(dimensions), stride_(dimensions == 0 ? 1 : dimensions) {
    known_.assign((root - first_ + 1) * stride_, kUnknown);
  }

  ExprCode run(std::uint32_t root, std::uint32_t component) {
    for (std::uint32_t id = first_; id <= root; ++id) {
      if (ast_.nodes[id].type != ValueType::kVector && ast_.nodes[id].type != ValueType::kList)
        known(id, 0) = lower(id, 0);
    }
    if (ast_.nodes[root].type == ValueType::kVector)
      lower_component(root, component);
    else
      component = 0;
    return graph_.finish(known(root, component));
  }

 private:
  static constexpr ExprValueId kUnknown = ~0U;

  ExprValueId& known(std::uint32_t id, std::uint32_t component) { return known_[(id - first_) * stride_ + component]; }

  // Vectors below `vector`, then itself; scalars below it are there already.
  ExprValueId lower_component(std::uint32_t vector, std::uint32_t component) {
    for (std::uint32_t id = ast_.nodes[vector].first; id <= vector; ++id) {
      if (ast_.nodes[id].type == ValueType::kVector && known(id, component) == kUnknown)
        known(id, component) = lower(id, component);
    }
    return known(vector, component);
  }

  // The value of a child: of a scalar, the same for every component.
  ExprValueId child(std::uint32_t id, std::size_t which, std::uint32_t component) {
    const std::uint32_t node = ast_.children_of(id)[which];
    return known(node, ast_.nodes[node].type == ValueType::kVector ? component : 0);
  }

  ExprValueId lower(std::uint32_t id, std::uint32_t component) {
    const ExprNode& node = ast_.nodes[id];
    switch (node.kind) {
      case ExprKind::kString:
        return graph_.literal(ast_.texts[node.text]);
      case ExprKind::kPath:
        return graph_.read(component_ref(node.ref, component));
      case ExprKind::kUnary:
        return graph_.apply(plain_op(node.op, false), child(id, 0, component));
      case ExprKind::kBinary:
        return binary(id, component);
      case ExprKind::kConditional:
        return graph_.select(child(id, 0, 0), child(id, 1, 0), child(id, 2, 0));
      case ExprKind::kCall:
        return call(id, component);
      case ExprKind::kHostCall:
        return host_call(id, component);
      default:
        return graph_.constant(node.number);
    }
  }

  static Ref component_ref(Ref ref, std::uint32_t component) {
    if (ref.type == ValueType::kVector) ref.id += component, ref.type = ValueType::kNumber;
    return ref;
  }

  ExprValueId binary(std::uint32_t id, std::uint32_t component) {
    const ExprOperator op = ast_.nodes[id].op;
    if (op == ExprOperator::kIn) return membership(id);
    const ExprValueId left = child(id, 0, component), right = child(id, 1, component);
    const bool swapped = op == ExprOperator::kGreater || op == ExprOperator::kGreaterEqual;
    const ExprOp plain = plain_op(op, ast_.nodes[ast_.children_of(id)[0]].type == ValueType::kString);
    return swapped ? graph_.apply(plain, right, left) : graph_.apply(plain, left, right);
  }

  // A literal list becomes x == a || x == b || ...; x != x stands for the empty one: false, or no value where x has
  // none.
  ExprValueId membership(std::uint32_t id) {
    const ExprValueId symbol = child(id, 0, 0);
    const std::uint32_t list = ast_.children_of(id)[1];
    if (ast_.nodes[list].kind != ExprKind::kList) return graph_.member(ast_.nodes[list].ref, symbol);
    ExprValueId found = graph_.apply(ExprOp::kNotEqual, symbol, symbol);
    for (const std::uint32_t element : ast_.children_of(list)) {
      found = graph_.apply(ExprOp::kOr, found, graph_.apply(ExprOp::kEqual, symbol, known(element, 0)));
    }
    return found;
  }

  ExprValueId call(std::uint32_t id, std::uint32_t component) {
    const ExprNode& node = ast_.nodes[id];
    switch (node.function) {
      case ExprFunction::kSum:
      case ExprFunction::kMean:
        return reduce(id);
      case ExprFunction::kMin:
      case ExprFunction::kMax:
        return node.children_count == 1 ? reduce(id) : chain(id, component);
      case ExprFunction::kCoalesce:
        return chain(id, component);
      case ExprFunction::kHas:
      case ExprFunction::kSize:
        return of_list_or_value(id);
      case ExprFunction::kNumber:
        return child(id, 0, 0);
      case ExprFunction::kClamp:
        return graph_.apply(ExprOp::kMin, graph_.apply(ExprOp::kMax, child(id, 0, 0), child(id, 1, 0)),
                            child(id, 2, 0));
      case ExprFunction::kSquare:
        return graph_.apply(ExprOp::kMultiply, child(id, 0, component), child(id, 0, component));
      default:
        break;
    }
    const ExprOp op = function_op(node.function);
    if (node.children_count == 1) return graph_.apply(op, child(id, 0, component));
    return graph_.apply(op, child(id, 0, component), child(id, 1, component));
  }

  // f(a, b, c) = f(f(a, b), c).
  ExprValueId chain(std::uint32_t id, std::uint32_t component) {
    const ExprOp op = function_op(ast_.nodes[id].function);
    ExprValueId value = child(id, 0, component);
    for (std::size_t k = 1; k < ast_.nodes[id].children_count; ++k)
      value = graph_.apply(op, value, child(id, k, component));
    return value;
  }

  // Reading a list gives its size.
  ExprValueId of_list_or_value(std::uint32_t id) {
    const bool has = ast_.nodes[id].function == ExprFunction::kHas;
    const ExprNode& argument = ast_.nodes[ast_.children_of(id)[0]];
    const bool list = argument.type == ValueType::kList;
    const ExprValueId value = list ? graph_.read(argument.ref) : child(id, 0, 0);
    if (list && !has) return value;
    return graph_.apply(has ? ExprOp::kHas : ExprOp::kTextSize, value);
  }

  ExprValueId reduce(std::uint32_t id) {
    const std::uint32_t vector = ast_.children_of(id)[0];
    switch (ast_.nodes[id].function) {
      case ExprFunction::kSum:
        return accumulate(vector, ExprOp::kAddPresent, 0);
      case ExprFunction::kMin:
        return accumulate(vector, ExprOp::kMinPresent, kNoValue);
      case ExprFunction::kMax:
        return accumulate(vector, ExprOp::kMaxPresent, kNoValue);
      default: {
        const ExprValueId sum = accumulate(vector, ExprOp::kAddPresent, 0);
        return graph_.apply(ExprOp::kDivide, sum, accumulate(vector, ExprOp::kCountPresent, 0));
      }
    }
  }

  ExprValueId accumulate(std::uint32_t vector, ExprOp op, double start) {
    ExprValueId value = graph_.constant(start);
    for (std::uint32_t component = 0; component < dimensions_; ++component) {
      value = graph_.apply(op, value, lower_component(vector, component));
    }
    return value;
  }

  ExprValueId host_call(std::uint32_t id, std::uint32_t component) {
    std::vector<ExprValueId> arguments;
    for (std::size_t k = 0; k < ast_.nodes[id].children_count; ++k) arguments.push_back(child(id, k, 0));
    return graph_.call(component_ref(ast_.nodes[id].ref, component), std::move(arguments));
  }

  static constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

  const Ast& ast_;
  std::uint32_t first_;
  std::uint32_t dimensions_;
  std::size_t stride_;
  std::vector<ExprValueId> known_;
  ExprValueGraph graph_;
};

}  // namespace

ExprCode lower_expression(const Ast& ast, std::uint32_t node, std::uint32_t dimensions, std::uint32_t component) {
  return Lowering(ast, node, dimensions).run(node, component);
}

}  // namespace apportion
