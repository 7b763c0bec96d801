#include "apportion/expr/program.hpp"

#include <algorithm>

#include "apportion/expr/ast.hpp"
#include "apportion/expr/bytecode.hpp"

namespace apportion {

/// A program keeps the tree it came from, shared with its parts, so that parts() can compile subtrees.
struct ProgramData {
  std::shared_ptr<const Ast> ast;
  std::uint32_t node = 0;
  std::uint32_t dimensions = 0;
  ExprCode code;
};

namespace {

using Tree = std::shared_ptr<const Ast>;

Program make_program(const Tree& ast, std::uint32_t node, std::uint32_t dimensions, std::uint32_t component = 0) {
  return Program(std::make_shared<ProgramData>(
      ProgramData{ast, node, dimensions, lower_expression(*ast, node, dimensions, component)}));
}

bool is_reducer(const ExprNode& node) {
  const bool named = node.function == ExprFunction::kSum || node.function == ExprFunction::kMean ||
                     node.function == ExprFunction::kMin || node.function == ExprFunction::kMax;
  return node.kind == ExprKind::kCall && named && node.children_count == 1;
}

ProgramPart make_part(const Tree& ast, std::uint32_t node, std::uint32_t dimensions, bool negative) {
  ProgramPart part{negative, make_program(ast, node, dimensions), {}};
  if (!is_reducer(ast->nodes[node])) return part;
  const std::uint32_t vector = ast->children_of(node)[0];
  for (std::uint32_t k = 0; k < dimensions; ++k) part.components.push_back(make_program(ast, vector, dimensions, k));
  return part;
}

bool splits(const ExprNode& node) {
  return node.kind == ExprKind::kBinary && node.type == ValueType::kNumber &&
         (node.op == ExprOperator::kAdd || node.op == ExprOperator::kSubtract);
}

}  // namespace

ValueType Program::type() const {
  const ValueType type = data_->ast->nodes[data_->node].type;
  return type == ValueType::kVector ? ValueType::kNumber : type;  // a component
}
std::string_view Program::text() const {
  return data_->node == data_->ast->root() ? std::string_view(data_->ast->source) : data_->ast->slice(data_->node);
}
const ReadSet& Program::reads() const { return data_->code.reads; }
std::size_t Program::operation_count() const { return data_->code.uniform.size() + data_->code.lanes.size(); }
bool Program::uniform() const { return data_->code.result.uniform(); }

void Program::begin(Source& source, Scratch& scratch) const {
  const ExprCode& code = data_->code;
  scratch.uniform_.resize(code.uniform_registers * kUniformCopies);
  const std::size_t lanes = code.lane_registers * std::size_t{kBlockLanes};
  if (scratch.lanes_->size() < lanes) scratch.lanes_->resize(lanes);
  double* uniform = scratch.uniform_.data();
  for (const double constant : code.constants) uniform = std::fill_n(uniform, kUniformCopies, constant);
  run_uniform({&source, &code, {scratch.lanes_->data(), scratch.uniform_.data()}, 1});
}

void Program::evaluate(Source& source, std::uint32_t n, double* out, Scratch& scratch) const {
  const ExprCode& code = data_->code;
  const ExprMemory memory{scratch.lanes_->data(), scratch.uniform_.data()};
  run_block({&source, &code, memory, n});
  const double* result = memory.at(code.result);
  if (code.result.uniform()) {
    std::fill_n(out, n, *result);
  } else {
    std::copy_n(result, n, out);
  }
}

double Program::evaluate_one(Source& source, Scratch& scratch) const {
  double value = 0;
  begin(source, scratch);
  evaluate(source, 1, &value, scratch);
  return value;
}

std::string_view Program::text_of(Source& source, double symbol) const {
  return symbol_text(source, data_->code, symbol);
}

// Only the left operand of a sum can be a sum of the same level; parentheses keep a sum whole.
std::vector<ProgramPart> Program::parts() const {
  const Ast& ast = *data_->ast;
  std::vector<ProgramPart> found;
  std::uint32_t node = data_->node;
  for (bool top = true; splits(ast.nodes[node]) && (top || !ast.nodes[node].grouped); top = false) {
    const auto operands = ast.children_of(node);
    found.push_back(
        make_part(data_->ast, operands[1], data_->dimensions, ast.nodes[node].op == ExprOperator::kSubtract));
    node = operands[0];
  }
  found.push_back(make_part(data_->ast, node, data_->dimensions, false));
  std::ranges::reverse(found);
  return found;
}

std::vector<Program> Program::arguments(Read read) const {
  const Ast& ast = *data_->ast;
  std::vector<Program> found;
  for (std::uint32_t node = ast.nodes[data_->node].first; node <= data_->node; ++node) {
    if (ast.nodes[node].kind != ExprKind::kHostCall || ast.nodes[node].ref.read != read) continue;
    for (const std::uint32_t argument : ast.children_of(node))
      found.push_back(make_program(data_->ast, argument, data_->dimensions));
  }
  return found;
}

Result<Program> compile(std::string_view text, ValueType wanted, const Scope& scope, TextPosition* failed_at) {
  try {
    auto ast = std::make_shared<Ast>(parse_expression(text));
    check_expression(*ast, wanted, scope);
    const std::uint32_t root = ast->root();
    return make_program(ast, root, scope.dimensions());
  } catch (const ExpressionFailure& failure) {
    if (failed_at != nullptr) *failed_at = position_at(text, failure.offset);
    return expression_error(text, failure);
  }
}

Status check_syntax(std::string_view text) {
  try {
    static_cast<void>(parse_expression(text));
    return {};
  } catch (const ExpressionFailure& failure) {
    return expression_error(text, failure);
  }
}

std::vector<std::string> conjuncts(std::string_view text) {
  const Ast ast = parse_expression(text);
  std::vector<std::string> found;
  std::vector<std::uint32_t> open{ast.root()};
  while (!open.empty()) {
    const std::uint32_t node = open.back();
    open.pop_back();
    const ExprNode& each = ast.nodes[node];
    if (each.kind == ExprKind::kBinary && each.op == ExprOperator::kAnd) {
      const auto operands = ast.children_of(node);
      open.insert(open.end(), operands.rbegin(), operands.rend());
    } else {
      const std::string slice(ast.slice(node));
      found.push_back(each.grouped ? "(" + slice + ")" : slice);
    }
  }
  return found;
}

}  // namespace apportion
