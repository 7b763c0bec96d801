#include <gtest/gtest.h>

#include <string>

#include "apportion/expr/ast.hpp"
#include "apportion/expr/diagnostic.hpp"
#include "apportion/expr/program.hpp"

namespace apportion {
namespace {

// The tree with every operation in parentheses.
std::string shape(const Ast& ast, std::uint32_t id) {
  const ExprNode& node = ast.nodes[id];
  const auto child = [&](std::size_t k) { return shape(ast, ast.children_of(id)[k]); };
  const auto list = [&] {
    std::string text;
    for (std::size_t k = 0; k < node.children_count; ++k) text += (k == 0 ? "" : ", ") + child(k);
    return text;
  };
  switch (node.kind) {
    case ExprKind::kPath:
      return ast.texts[node.text];
    case ExprKind::kString:
      return "'" + ast.texts[node.text] + "'";
    case ExprKind::kUnary:
      return "(" + std::string(operator_text(node.op)) + child(0) + ")";
    case ExprKind::kBinary:
      return "(" + child(0) + " " + std::string(operator_text(node.op)) + " " + child(1) + ")";
    case ExprKind::kConditional:
      return "(" + child(0) + " ? " + child(1) + " : " + child(2) + ")";
    case ExprKind::kCall:
      return std::string(function_info(node.function).name) + "(" + list() + ")";
    case ExprKind::kHostCall:
      return ast.texts[node.text] + "(" + list() + ")" + "." + ast.texts[node.text + 1];
    case ExprKind::kList:
      return "[" + list() + "]";
    default:
      return std::string(ast.slice(id));
  }
}

std::string shape(std::string_view text) {
  const Ast ast = parse_expression(text);
  return shape(ast, ast.root());
}

TEST(Parser, KnowsHowTightOperatorsBind) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"a + b * c - d", "((a + (b * c)) - d)"},
      {"a - b - c", "((a - b) - c)"},
      {"a * b / c % d", "(((a * b) / c) % d)"},
      {"(a + b) * c", "((a + b) * c)"},
      {"-a * -b", "((-a) * (-b))"},
      {"!!p && q", "((!(!p)) && q)"},
      {"a || b && c", "(a || (b && c))"},
      {"a < b && c >= d", "((a < b) && (c >= d))"},
      {"(a < b) == (c < d)", "((a < b) == (c < d))"},
      {"a ? b : c ? d : e", "(a ? b : (c ? d : e))"},
      {"a ? b ? c : d : e", "(a ? (b ? c : d) : e)"},
      {"a || b ? c + 1 : d", "((a || b) ? (c + 1) : d)"},
      {"a in [b, 'c'] && d", "((a in [b, 'c']) && d)"},
      {"a in []", "(a in [])"},
      {"a in self.tags", "(a in self.tags)"},
      {"max(a, b + 1) + sum(c)", "(max(a, (b + 1)) + sum(c))"},
      {"group(self.rack).used.gb * 2", "(group(self.rack).used.gb * 2)"},
      {"distance(a, b)", "distance(a, b)."},
      {"self.labels[\"a-b\"].c", "self.labels.a-b.c"},
      {"group(a)['used'].gb", "group(a).used.gb"},
      {"true != false", "(true != false)"},
      {"trueish", "trueish"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(shape(text), expected) << text;
  }
}

TEST(Parser, KeepsSlicesOfTheSource) {
  const Ast ast = parse_expression(" ((a + b)) * f( c ) ");
  EXPECT_EQ(ast.slice(ast.root()), "((a + b)) * f( c )");
  EXPECT_EQ(ast.slice(ast.children_of(ast.root())[0]), "a + b");
  EXPECT_EQ(ast.slice(ast.children_of(ast.root())[1]), "f( c )");
  const Ast choice = parse_expression("(p) ? (a) : (b)");
  EXPECT_EQ(choice.slice(choice.root()), "(p) ? (a) : (b)");
}

TEST(Parser, StoresSubtreesAsRanges) {
  const Ast ast = parse_expression("a * sum(b + c) - f()");
  for (std::uint32_t id = 0; id < ast.nodes.size(); ++id) {
    std::uint32_t next = ast.nodes[id].first;
    for (const std::uint32_t child : ast.children_of(id)) {
      EXPECT_EQ(ast.nodes[child].first, next);
      next = child + 1;
    }
    EXPECT_EQ(next, id);
  }
}

struct Malformed {
  std::string text;
  std::size_t offset;
  std::string message;
};

void expect_failure(const Malformed& broken) {
  try {
    parse_expression(broken.text);
    ADD_FAILURE() << broken.text;
  } catch (const ExpressionFailure& failure) {
    EXPECT_EQ(failure.offset, broken.offset) << broken.text.substr(0, 100);
    EXPECT_EQ(failure.message, broken.message);
  }
}

TEST(Parser, NamesWhatWasFoundAndExpected) {
  const std::string value = "expected a value: a number, a string, a path, a function call or '('";
  const Malformed cases[] = {
      {"", 0, "found an empty expression, expected a value"},
      {"  ", 2, "found an empty expression, expected a value"},
      {"a + * b", 4, "found '*', " + value},
      {"a +", 3, "found the end of the text, " + value},
      {"a b", 2, "found 'b', expected an operator or the end of the text"},
      {"a and b", 2, "found 'and', expected an operator or the end of the text; 'and' is written '&&'"},
      {"not a", 4, "found 'a', expected an operator or the end of the text"},
      {"(a", 2, "found the end of the text, expected ')'"},
      {"a)", 1, "found ')', expected an operator or the end of the text"},
      {"f(a b)", 4, "found 'b', expected ',' or ')'"},
      {"f(a,)", 4, "found ')', " + value},
      {"a in [b", 7, "found the end of the text, expected ',' or ']'"},
      {"[a]", 0, "found '[', expected a value; a list literal stands only on the right of 'in'"},
      {"a == [b]", 5, "found '[', expected a value; a list literal stands only on the right of 'in'"},
      {"a.", 2, "found the end of the text, expected a name after '.'"},
      {"a.1", 2, "found '1', expected a name after '.'"},
      {"a[b]", 2, "found 'b', expected a name as a string in '[...]'"},
      {"a['b'", 5, "found the end of the text, expected ']'"},
      {"a ? b", 5, "found the end of the text, expected ':' and the value for the other case"},
      {"min(a, b).c", 9, "found '.', expected an operator: min() has no members"},
      {"in", 0, "found 'in', " + value},
      {"a < b < c", 6, "found a second comparison '<', expected '&&' between comparisons: write 'a < b && b < ...'"},
      {"a + 1 < b == false", 10,
       "found a second comparison '==', expected '&&' between comparisons: write 'a + 1 < b && b == ...'"},
      {"a in b in c", 7,
       "found a second comparison 'in', expected '&&' between comparisons: write 'a in b && b in ...'"},
  };
  for (const Malformed& broken : cases) expect_failure(broken);
}

std::string repeat(std::string_view text, std::size_t count) {
  std::string result;
  for (std::size_t k = 0; k < count; ++k) result += text;
  return result;
}

TEST(Parser, RefusesWhatIsTooDeep) {
  const std::string message = "found more than 64 levels of nesting, expected a flatter expression";
  EXPECT_NO_THROW(parse_expression(repeat("(", 64) + "1" + repeat(")", 64)));
  expect_failure({repeat("(", 65) + "1" + repeat(")", 65), 64, message});
  expect_failure({repeat("(", 1000) + "1" + repeat(")", 1000), 64, message});
  expect_failure({repeat("abs(", 1000) + "1" + repeat(")", 1000), 4 * 64 + 3, message});
  expect_failure({repeat("!", 1000) + "true", 64, message});
  expect_failure({repeat("true ? 1 : ", 1000) + "2", 11 * 64 + 5, message});
  expect_failure({"1 in " + repeat("[1 in ", 1000), 5 + 6 * 64, message});
}

TEST(Parser, RefusesWhatIsTooLong) {
  EXPECT_NO_THROW(parse_expression("1" + repeat("+1", 2047)));  // 2048 numbers and 2047 sums: 4095 nodes
  expect_failure(
      {"1" + repeat("+1", 2048), 4097, "found more than 4096 operands and operators, expected a shorter expression"});
  expect_failure({std::string(kMaxExpressionBytes, ' ') + "1", 16384, "found 16385 bytes, expected at most 16384"});
  expect_failure({"'\xFF'", 1, "found a byte that is not UTF-8, expected UTF-8 text"});
}

}  // namespace
}  // namespace apportion
