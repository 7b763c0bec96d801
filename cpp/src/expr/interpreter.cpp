// Runs bytecode. Pure operations cover whole groups of kUniformCopies lanes: registers are long enough, and lanes
// beyond the block hold stale numbers nobody reads. Only operations that ask the Source keep to the lanes of the block.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "apportion/expr/bytecode.hpp"
#include "apportion/expr/elementary.hpp"
#include "apportion/expr/lane_loops.hpp"

namespace apportion {
namespace {

template <class Function>
void each(Function function, double* out, LaneInput a, std::size_t lanes) {
  for (std::size_t lane = 0; lane < lanes; ++lane) out[lane] = function(a.at(lane));
}

template <class Function>
void each(Function function, double* out, LaneInput a, LaneInput b, std::size_t lanes) {
  for (std::size_t lane = 0; lane < lanes; ++lane) out[lane] = function(a.at(lane), b.at(lane));
}

double square_root(double x) { return x >= 0 ? std::sqrt(x) : std::numeric_limits<double>::quiet_NaN(); }
// Exact in IEEE arithmetic; x % 0 is NaN there too.
double remainder(double x, double y) { return std::fmod(x, y); }

// What no loop of lane_loops() does, because it calls functions.
void run_each(const ExprInstruction& instruction, const ExprMemory& memory, std::size_t lanes) {
  double* out = memory.at(instruction.out);
  const LaneInput a(memory, instruction.a), b(memory, instruction.b);
  switch (instruction.op) {
    case ExprOp::kSqrt:
      return each(square_root, out, a, lanes);
    case ExprOp::kExp:
      return each(elementary_exp, out, a, lanes);
    case ExprOp::kLog:
      return each(elementary_log, out, a, lanes);
    case ExprOp::kLog2:
      return each(elementary_log2, out, a, lanes);
    case ExprOp::kLog10:
      return each(elementary_log10, out, a, lanes);
    case ExprOp::kSigmoid:
      return each(elementary_sigmoid, out, a, lanes);
    case ExprOp::kRemainder:
      return each(remainder, out, a, b, lanes);
    case ExprOp::kPow:
      return each(elementary_pow, out, a, b, lanes);
    default:
      return;
  }
}

// Characters, not bytes.
double text_size(std::string_view text) {
  return static_cast<double>(
      std::ranges::count_if(text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

bool text_test(ExprOp op, std::string_view a, std::string_view b) {
  switch (op) {
    case ExprOp::kTextLess:
      return a < b;
    case ExprOp::kTextLessEqual:
      return a <= b;
    case ExprOp::kStartsWith:
      return a.starts_with(b);
    case ExprOp::kEndsWith:
      return a.ends_with(b);
    default:
      return a.find(b) != std::string_view::npos;
  }
}

// One machine for both kinds of code; in uniform code lanes are the copies of a register.
template <bool kUniform>
class Machine {
 public:
  explicit Machine(const ExprFrame& frame)
      : frame_(frame),
        lanes_(kUniform ? kUniformCopies : (frame.count + kUniformCopies - 1) / kUniformCopies * kUniformCopies) {}

  void run(const std::vector<ExprInstruction>& code) const {
    const LaneLoops& loops = lane_loops();
    for (const ExprInstruction& instruction : code) {
      if (const LaneLoop loop = loops.all[instruction.loop]) {
        loop(frame_.memory, instruction, lanes_);
      } else {
        step(instruction);
      }
    }
  }

 private:
  [[nodiscard]] double* memory(ExprOperand operand) const { return frame_.memory.at(operand); }
  [[nodiscard]] LaneInput input(ExprOperand operand) const { return {frame_.memory, operand}; }

  void step(const ExprInstruction& instruction) const {
    double* out = memory(instruction.out);
    if (is_pure(instruction.op)) return run_each(instruction, frame_.memory, lanes_);
    from_outside(instruction, out);
    if constexpr (kUniform) std::fill_n(out + 1, kUniformCopies - 1, out[0]);
  }

  void from_outside(const ExprInstruction& instruction, double* out) const {
    const ExprCode& code = *frame_.code;
    switch (instruction.op) {
      case ExprOp::kLiteral:
        return literal(instruction.aux, out);
      case ExprOp::kRead:
        return frame_.source->read(code.refs[instruction.aux], frame_.count, out);
      case ExprOp::kCall:
        return call(code.calls[instruction.aux], out);
      case ExprOp::kMember:
        return member(code.refs[instruction.aux], memory(instruction.a), out);
      case ExprOp::kTextSize:
        return sizes(input(instruction.a), out);
      default:
        return compare(instruction.op, input(instruction.a), input(instruction.b), out);
    }
  }

  void literal(std::uint32_t index, double* out) const {
    const double symbol = frame_.source->symbol(frame_.code->literals[index]);
    *out = symbol >= 0 ? symbol : -1.0 - index;
  }

  void call(const ExprCall& call, double* out) const {
    std::array<const double*, kMaxCallArguments> arguments{};
    std::ranges::transform(call.arguments, arguments.begin(), [this](ExprOperand operand) { return memory(operand); });
    frame_.source->call(call.function, std::span(arguments).first(call.arguments.size()), frame_.count, out);
  }

  void member(const Ref& list, const double* symbols, double* out) const {
    frame_.source->contains(list, symbols, frame_.count, out);
    for (std::uint32_t lane = 0; lane < frame_.count; ++lane) {
      if (std::isnan(symbols[lane])) out[lane] = symbols[lane];
    }
  }

  [[nodiscard]] std::string_view text(double symbol) const { return symbol_text(*frame_.source, *frame_.code, symbol); }

  void sizes(LaneInput a, double* out) const {
    each([this](double symbol) { return std::isnan(symbol) ? symbol : text_size(text(symbol)); }, out, a, frame_.count);
  }

  void compare(ExprOp op, LaneInput a, LaneInput b, double* out) const {
    const auto test = [this, op](double x, double y) {
      if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<double>::quiet_NaN();
      return text_test(op, text(x), text(y)) ? 1.0 : 0.0;
    };
    each(test, out, a, b, frame_.count);
  }

  const ExprFrame& frame_;
  std::size_t lanes_;
};

}  // namespace

bool is_pure(ExprOp op) { return op >= ExprOp::kSpread; }

std::string_view symbol_text(Source& source, const ExprCode& code, double symbol) {
  if (symbol >= 0) return source.text(symbol);
  const double literal = -1.0 - symbol;
  return literal < static_cast<double>(code.literals.size()) ? code.literals[static_cast<std::size_t>(literal)]
                                                             : std::string_view();
}

void run_uniform(const ExprFrame& frame) { Machine<true>(frame).run(frame.code->uniform); }
void run_block(const ExprFrame& frame) { Machine<false>(frame).run(frame.code->lanes); }

double fold(ExprOp op, double a, double b, double c) {
  // Four lane registers, of which only the first group is there.
  alignas(32) std::array<double, 4 * kUniformCopies> registers{};
  const ExprMemory memory{registers.data(), nullptr};
  const ExprOperand out{0, 0}, operands[] = {{1, kUniformCopies}, {2, 2 * kUniformCopies}, {3, 3 * kUniformCopies}};
  const double values[] = {a, b, c};
  for (std::size_t k = 0; k < 3; ++k) std::fill_n(memory.at(operands[k]), kUniformCopies, values[k]);
  const ExprInstruction instruction{op, static_cast<std::uint16_t>(op), 0, out, operands[0], operands[1], operands[2]};
  if (const LaneLoop loop = lane_loops().all[instruction.loop]) {
    loop(memory, instruction, kUniformCopies);
  } else {
    run_each(instruction, memory, kUniformCopies);
  }
  return registers[0];
}

}  // namespace apportion
