// The syntax tree of an expression, in a flat arena. Internal to expr and its tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/expr/functions.hpp"
#include "apportion/expr/ref.hpp"
#include "apportion/expr/scope.hpp"

namespace apportion {

enum class ExprKind : std::uint8_t {
  kNumber,
  kBoolean,
  kString,
  kPath,
  kList,
  kUnary,
  kBinary,
  kConditional,
  kCall,
  kHostCall
};

/// Nodes stand in postorder: children before parents, and the subtree of node i is the contiguous range [first, i].
/// So every pass over the tree is a loop, whatever the depth.
struct ExprNode {
  ExprKind kind = ExprKind::kNumber;
  ExprOperator op = ExprOperator::kAdd;                  ///< of kUnary and kBinary
  ExprFunction function = ExprFunction::kAbs;            ///< of kCall
  ValueType type = ValueType::kNumber;                   ///< set by check_expression
  bool grouped = false;                                  ///< written in parentheses
  std::uint32_t first = 0;                               ///< first node of the subtree
  std::uint32_t children_begin = 0, children_count = 0;  ///< in Ast::children
  std::uint32_t begin = 0, end = 0;                      ///< bytes of the source, without surrounding parentheses
  std::uint32_t outer = 0;  ///< where the outermost of these parentheses opens, else `begin`
  std::uint32_t at = 0;     ///< the byte that errors point to: the operator, else `begin`
  double number = 0;        ///< of kNumber; of kBoolean 0 or 1
  std::uint32_t text = 0;   ///< in Ast::texts: literal, path; of kHostCall root, then path
  Ref ref;                  ///< of kPath and kHostCall, set by check_expression
};

struct Ast {
  std::string source;
  std::vector<ExprNode> nodes;  ///< the root is the last
  std::vector<std::uint32_t> children;
  std::vector<std::string> texts;

  [[nodiscard]] std::uint32_t root() const { return static_cast<std::uint32_t>(nodes.size() - 1); }
  [[nodiscard]] std::span<const std::uint32_t> children_of(std::uint32_t node) const {
    return std::span(children).subspan(nodes[node].children_begin, nodes[node].children_count);
  }
  [[nodiscard]] std::string_view slice(std::uint32_t node) const {
    return std::string_view(source).substr(nodes[node].begin, nodes[node].end - nodes[node].begin);
  }
};

/// Throws ExpressionFailure, also when a limit of program.hpp is passed.
Ast parse_expression(std::string_view text);
/// Resolves paths and sets the types. Throws ExpressionFailure.
void check_expression(Ast& ast, ValueType wanted, const Scope& scope);

}  // namespace apportion
