// A Pratt parser: one function for every infix operator, driven by binding powers (V. Pratt, "Top Down Operator
// Precedence", 1973). Stack use is bounded by kMaxExpressionDepth; long chains such as a + b + c + ... take no depth.
#include <algorithm>
#include <optional>

#include "apportion/expr/ast.hpp"
#include "apportion/expr/diagnostic.hpp"
#include "apportion/expr/lexer.hpp"
#include "apportion/expr/program.hpp"

namespace apportion {
namespace {

enum Power : int { kTernary = 1, kOrPower, kAndPower, kRelation, kSum, kProduct };

struct Infix {
  std::string_view symbol;
  ExprOperator op;
  Power power;
};

constexpr Infix kInfixes[] = {
    {"||", ExprOperator::kOr, kOrPower},      {"&&", ExprOperator::kAnd, kAndPower},
    {"==", ExprOperator::kEqual, kRelation},  {"!=", ExprOperator::kNotEqual, kRelation},
    {"<", ExprOperator::kLess, kRelation},    {"<=", ExprOperator::kLessEqual, kRelation},
    {">", ExprOperator::kGreater, kRelation}, {">=", ExprOperator::kGreaterEqual, kRelation},
    {"in", ExprOperator::kIn, kRelation},     {"+", ExprOperator::kAdd, kSum},
    {"-", ExprOperator::kSubtract, kSum},     {"*", ExprOperator::kMultiply, kProduct},
    {"/", ExprOperator::kDivide, kProduct},   {"%", ExprOperator::kRemainder, kProduct},
};

const Infix* find_infix(const ExprToken& token) {
  const auto* found = std::ranges::find_if(kInfixes, [&](const Infix& infix) { return token.is(infix.symbol); });
  return found == std::end(kInfixes) ? nullptr : found;
}

bool is_relation(ExprOperator op) {
  const auto* found = std::ranges::find(kInfixes, op, &Infix::op);
  return found != std::end(kInfixes) && found->power == kRelation;
}

std::string_view word_advice(const ExprToken& token) {
  if (token.is("and")) return "; 'and' is written '&&'";
  if (token.is("or")) return "; 'or' is written '||'";
  if (token.is("not")) return "; 'not' is written '!'";
  return "";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {
    ast_.source = text;
    advance();
  }

  Ast run() {
    if (token_.kind == ExprTokenKind::kEnd) fail("found an empty expression, expected a value");
    expression(kTernary);
    if (token_.kind != ExprTokenKind::kEnd) {
      fail("found " + describe(token_) + ", expected an operator or the end of the text" +
           std::string(word_advice(token_)));
    }
    return std::move(ast_);
  }

 private:
  // Counts nesting for as long as it lives.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxExpressionDepth) {
        parser_.fail("found more than " + std::to_string(kMaxExpressionDepth) +
                     " levels of nesting, expected a flatter expression");
      }
    }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };

  [[noreturn]] void fail(std::string message) const { throw ExpressionFailure{token_.offset, std::move(message)}; }

  void advance() {
    last_end_ = token_.end();
    token_ = lexer_.next();
  }

  bool accept(std::string_view symbol) {
    if (!token_.is(symbol)) return false;
    advance();
    return true;
  }

  void expect(std::string_view symbol, std::string_view what) {
    if (!accept(symbol)) fail("found " + describe(token_) + ", expected " + std::string(what));
  }

  std::uint32_t add_text(std::string text) {
    ast_.texts.push_back(std::move(text));
    return static_cast<std::uint32_t>(ast_.texts.size() - 1);
  }

  // A node without position yet; children must be in the arena already.
  ExprNode make(ExprKind kind, std::size_t begin, std::span<const std::uint32_t> children = {}) {
    ExprNode node;
    node.kind = kind;
    node.begin = node.outer = node.at = static_cast<std::uint32_t>(begin);
    node.end = static_cast<std::uint32_t>(last_end_);
    node.first = children.empty() ? static_cast<std::uint32_t>(ast_.nodes.size()) : ast_.nodes[children.front()].first;
    node.children_begin = static_cast<std::uint32_t>(ast_.children.size());
    node.children_count = static_cast<std::uint32_t>(children.size());
    ast_.children.insert(ast_.children.end(), children.begin(), children.end());
    return node;
  }

  std::uint32_t add(const ExprNode& node) {
    if (ast_.nodes.size() >= kMaxExpressionNodes) {
      fail("found more than " + std::to_string(kMaxExpressionNodes) +
           " operands and operators, expected a shorter expression");
    }
    ast_.nodes.push_back(node);
    return ast_.root();
  }

  std::uint32_t expression(Power least) {
    std::uint32_t left = prefix();
    while (true) {
      if (token_.is("?")) {
        if (least > kTernary) return left;
        left = conditional(left);
        continue;
      }
      const Infix* infix = find_infix(token_);
      if (infix == nullptr || infix->power < least) return left;
      left = binary(left, *infix);
    }
  }

  std::uint32_t binary(std::uint32_t left, const Infix& infix) {
    const std::size_t at = token_.offset;
    const ExprNode& before = ast_.nodes[left];
    if (infix.power == kRelation && before.kind == ExprKind::kBinary && is_relation(before.op) && !before.grouped)
      refuse_chain(left);
    advance();
    const bool list = infix.op == ExprOperator::kIn && token_.is("[");
    const std::uint32_t right = list ? list_literal() : expression(static_cast<Power>(infix.power + 1));
    const std::uint32_t children[] = {left, right};
    ExprNode node = make(ExprKind::kBinary, ast_.nodes[left].outer, children);
    node.op = infix.op;
    node.at = static_cast<std::uint32_t>(at);
    return add(node);
  }

  [[noreturn]] void refuse_chain(std::uint32_t left) const {
    const std::string_view middle = ast_.slice(ast_.children_of(left)[1]);
    std::string message = "found a second comparison " + describe(token_) + ", expected '&&' between comparisons";
    if (middle.size() <= 40 && ast_.slice(left).size() <= 80) {
      message += ": write '" + std::string(ast_.slice(left)) + " && " + std::string(middle) + " " +
                 std::string(token_.slice) + " ...'";
    }
    fail(message);
  }

  std::uint32_t conditional(std::uint32_t condition) {
    const Level level(*this);
    const std::size_t at = token_.offset;
    advance();
    const std::uint32_t yes = expression(kTernary);
    expect(":", "':' and the value for the other case");
    const std::uint32_t no = expression(kTernary);
    const std::uint32_t children[] = {condition, yes, no};
    ExprNode node = make(ExprKind::kConditional, ast_.nodes[condition].outer, children);
    node.at = static_cast<std::uint32_t>(at);
    return add(node);
  }

  std::uint32_t prefix() {
    if (token_.is("!") || token_.is("-")) return unary();
    if (token_.is("(")) return group();
    switch (token_.kind) {
      case ExprTokenKind::kNumber:
        return number();
      case ExprTokenKind::kString:
        return string();
      case ExprTokenKind::kName:
        if (!token_.is("in")) return name();
        break;
      default:
        break;
    }
    if (token_.is("[")) fail("found '[', expected a value; a list literal stands only on the right of 'in'");
    fail("found " + describe(token_) + ", expected a value: a number, a string, a path, a function call or '('");
  }

  std::uint32_t unary() {
    const Level level(*this);
    const std::size_t at = token_.offset;
    const ExprOperator op = token_.is("!") ? ExprOperator::kNot : ExprOperator::kNegate;
    advance();
    const std::uint32_t children[] = {prefix()};
    ExprNode node = make(ExprKind::kUnary, at, children);
    node.op = op;
    return add(node);
  }

  std::uint32_t group() {
    const Level level(*this);
    const std::size_t at = token_.offset;
    advance();
    const std::uint32_t inner = expression(kTernary);
    expect(")", "')'");
    ast_.nodes[inner].grouped = true;
    ast_.nodes[inner].outer = static_cast<std::uint32_t>(at);
    return inner;
  }

  std::uint32_t number() {
    ExprNode node = make(ExprKind::kNumber, token_.offset);
    node.number = token_.number;
    advance();
    node.end = static_cast<std::uint32_t>(last_end_);
    return add(node);
  }

  std::uint32_t string() {
    ExprNode node = make(ExprKind::kString, token_.offset);
    node.text = add_text(std::move(token_.text));
    advance();
    node.end = static_cast<std::uint32_t>(last_end_);
    return add(node);
  }

  std::uint32_t name() {
    const ExprToken head = token_;
    advance();
    if (head.is("true") || head.is("false")) return boolean(head);
    if (token_.is("(")) return call(head);
    std::string path(head.slice);
    path += segments(false);
    ExprNode node = make(ExprKind::kPath, head.offset);
    node.text = add_text(std::move(path));
    return add(node);
  }

  std::uint32_t boolean(const ExprToken& word) {
    ExprNode node = make(ExprKind::kBoolean, word.offset);
    node.number = word.is("true") ? 1 : 0;
    return add(node);
  }

  // .name and ["name"], as ".name"; without the first dot when `bare`.
  std::string segments(bool bare) {
    std::string path;
    while (token_.is(".") || token_.is("[")) {
      const bool dot = token_.is(".");
      advance();
      const ExprTokenKind wanted = dot ? ExprTokenKind::kName : ExprTokenKind::kString;
      if (token_.kind != wanted)
        fail("found " + describe(token_) +
             (dot ? ", expected a name after '.'" : ", expected a name as a string in '[...]'"));
      if (!bare || !path.empty()) path += '.';
      path += dot ? std::string(token_.slice) : token_.text;
      advance();
      if (!dot) expect("]", "']'");
    }
    return path;
  }

  std::uint32_t call(const ExprToken& name) {
    const std::vector<std::uint32_t> arguments = items(")", "',' or ')'");
    const ExprFunctionInfo* info = find_expression_function(name.slice);
    if (info == nullptr) return host_call(name, arguments);
    if (token_.is(".") || token_.is("["))
      fail("found " + describe(token_) + ", expected an operator: " + std::string(info->name) + "() has no members");
    ExprNode node = make(ExprKind::kCall, name.offset, arguments);
    node.function = info->function;
    return add(node);
  }

  std::uint32_t host_call(const ExprToken& name, std::span<const std::uint32_t> arguments) {
    std::string path = segments(true);
    ExprNode node = make(ExprKind::kHostCall, name.offset, arguments);
    node.text = add_text(std::string(name.slice));
    add_text(std::move(path));
    return add(node);
  }

  std::uint32_t list_literal() {
    const std::size_t at = token_.offset;
    const std::vector<std::uint32_t> elements = items("]", "',' or ']'");
    return add(make(ExprKind::kList, at, elements));
  }

  // The token is the opening bracket; the closing one is eaten.
  std::vector<std::uint32_t> items(std::string_view close, std::string_view what) {
    const Level level(*this);
    advance();
    std::vector<std::uint32_t> found;
    if (accept(close)) return found;
    do found.push_back(expression(kTernary));
    while (accept(","));
    expect(close, what);
    return found;
  }

  ExprLexer lexer_;
  ExprToken token_;
  std::size_t last_end_ = 0;
  std::uint32_t depth_ = 0;
  Ast ast_;
};

}  // namespace

Ast parse_expression(std::string_view text) {
  if (text.size() > kMaxExpressionBytes) {
    throw ExpressionFailure{kMaxExpressionBytes, "found " + std::to_string(text.size()) + " bytes, expected at most " +
                                                     std::to_string(kMaxExpressionBytes)};
  }
  require_utf8(text);
  return Parser(text).run();
}

}  // namespace apportion
