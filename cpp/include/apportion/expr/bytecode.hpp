// What an expression is compiled to: straight-line code over registers of 256 lanes. Internal to expr.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apportion/expr/program.hpp"
#include "apportion/expr/ref.hpp"

namespace apportion {

enum class ExprOp : std::uint8_t {
  // From outside.
  kConstant,  ///< compile time only
  kLiteral,   ///< aux: literal; its symbol number
  kRead,      ///< aux: ref
  kCall,      ///< aux: call
  kMember,    ///< a in the list aux (a ref)
  // Strings.
  kTextLess,
  kTextLessEqual,
  kStartsWith,
  kEndsWith,
  kContains,
  kTextSize,
  // One operand.
  kSpread,  ///< a uniform value to all lanes
  kNegate,
  kNot,
  kAbs,
  kSqrt,
  kFloor,
  kCeil,
  kRound,
  kHas,
  kExp,
  kLog,
  kLog2,
  kLog10,
  kSigmoid,
  // Two operands.
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kPow,
  kMin,
  kMax,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kAnd,
  kOr,
  kCoalesce,
  kAddPresent,    ///< a + (b, or 0 where b has no value)
  kCountPresent,  ///< a + (1, or 0 where b has no value)
  kMinPresent,
  kMaxPresent,  ///< of those that have a value
  // Three operands.
  kSelect,  ///< a ? b : c
  kFused,   ///< two operations, numbered by aux: first(a, b), then second(that, c). Made last, in lane code only
};

/// Number of the operation pair with this first one: add, subtract, multiply, divide.
std::optional<std::uint32_t> fused_first(ExprOp op);
/// And with this second one: add, multiply, subtract, subtract where the first's result is what is taken away, or the
/// present one of a sum.
std::optional<std::uint32_t> fused_second(ExprOp op, bool first_is_left);
inline constexpr std::uint32_t kFusedFirsts = 4;
inline constexpr std::uint32_t kFusedSeconds = 5;

/// A register; the top bit tells the uniform file from the lanes. `at` is where it begins in its file.
struct ExprOperand {
  static constexpr std::uint32_t kUniformBit = 0x80000000U;
  std::uint32_t bits = 0;
  std::uint32_t at = 0;

  [[nodiscard]] bool uniform() const { return (bits & kUniformBit) != 0; }
  [[nodiscard]] std::uint32_t index() const { return bits & ~kUniformBit; }
};

struct ExprInstruction {
  ExprOp op = ExprOp::kConstant;
  std::uint16_t loop = 0;  ///< its place in LaneLoops
  std::uint32_t aux = 0;
  ExprOperand out, a, b, c;
};

struct ExprCall {
  Ref function;
  std::vector<ExprOperand> arguments;
};

/// Each uniform register holds its value this many times, so that it can be read like lanes.
inline constexpr std::size_t kUniformCopies = 8;

/// Parameters of a host function at most.
inline constexpr std::size_t kMaxCallArguments = 8;

struct ExprCode {
  std::vector<double> constants;         ///< the first uniform registers
  std::vector<ExprInstruction> uniform;  ///< once per evaluation
  std::vector<ExprInstruction> lanes;    ///< once per block
  std::vector<Ref> refs;
  std::vector<ExprCall> calls;
  std::vector<std::string> literals;
  std::uint32_t uniform_registers = 0;
  std::uint32_t lane_registers = 0;
  ExprOperand result;
  ReadSet reads;

  /// Where a register begins in its file.
  [[nodiscard]] static std::uint32_t place_of(ExprOperand operand);
};

/// Two files of registers: lane registers of kBlockLanes doubles each, and uniform ones of kUniformCopies.
struct ExprMemory {
  double* lanes = nullptr;
  double* uniform = nullptr;

  [[nodiscard]] double* at(ExprOperand operand) const { return (operand.uniform() ? uniform : lanes) + operand.at; }
};

struct ExprFrame {
  Source* source = nullptr;
  const ExprCode* code = nullptr;
  ExprMemory memory;
  std::uint32_t count = 0;  ///< candidates of the block; 1 in uniform code
};

struct Ast;
/// Compiles the subtree of `node`; of a vector, its component number `component`. REQUIRES: the tree is checked. Throws
/// ExpressionFailure when a limit of program.hpp is passed.
ExprCode lower_expression(const Ast& ast, std::uint32_t node, std::uint32_t dimensions, std::uint32_t component = 0);

void run_uniform(const ExprFrame& frame);
void run_block(const ExprFrame& frame);
/// An operation without source, on kUniformCopies equal lanes: what constant folding uses.
double fold(ExprOp op, double a, double b, double c);
/// Reads, calls, memberships and strings cannot be folded.
bool is_pure(ExprOp op);
/// The text of a symbol, which is one of the literals when it is negative.
std::string_view symbol_text(Source& source, const ExprCode& code, double symbol);

}  // namespace apportion
