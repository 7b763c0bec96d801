// Runs bytecode. Every loop covers whole groups of kUniformCopies lanes: registers are long enough, and lanes beyond
// the block hold stale numbers nobody reads. Only operations that ask the Source keep to the lanes of the block.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "apportion/expr/bytecode.hpp"
#include "apportion/expr/elementary.hpp"
#include "apportion/expr/kernels.hpp"

namespace apportion {
namespace {

using kernels::load;
using kernels::Pack;
using kernels::store;

// An operand: lanes, or with step 0 one value for all of them, which stands kUniformCopies times.
struct Input {
  const double* data;
  std::size_t step;

  [[nodiscard]] double at(std::size_t lane) const { return data[lane * step]; }
};

// All loads of a group come before its stores, because `out` may be one of the operands.
template <class Operation, class... Inputs>
void loop(Operation operation, double* out, std::size_t lanes, Inputs... in) {
  for (const double* end = out + lanes; out != end; out += kUniformCopies) {
    const Pack p0 = operation(load(in.data)...), p1 = operation(load(in.data + 2)...);
    const Pack p2 = operation(load(in.data + 4)...), p3 = operation(load(in.data + 6)...);
    store(out, p0);
    store(out + 2, p1);
    store(out + 4, p2);
    store(out + 6, p3);
    ((in.data += in.step * kUniformCopies), ...);
  }
}

using FusedLoop = void (*)(double*, std::size_t, Input, Input, Input);

template <class First, class Second>
struct FusedPair {
  Pack operator()(Pack a, Pack b, Pack c) const { return Second()(First()(a, b), c); }
  static void run(double* out, std::size_t lanes, Input a, Input b, Input c) { loop(FusedPair(), out, lanes, a, b, c); }
};

struct SubtractFrom {
  Pack operator()(Pack a, Pack b) const { return b - a; }
};

template <class First>
inline constexpr std::array<FusedLoop, kFusedSeconds> kFusedWith{
    FusedPair<First, kernels::Add>::run, FusedPair<First, kernels::Multiply>::run,
    FusedPair<First, kernels::Subtract>::run, FusedPair<First, SubtractFrom>::run};

// In the order of fused_first() and fused_second().
constexpr std::array kFusedLoops{kFusedWith<kernels::Add>, kFusedWith<kernels::Subtract>, kFusedWith<kernels::Multiply>,
                                 kFusedWith<kernels::Divide>};

template <class Function>
void each(Function function, double* out, Input a, std::size_t lanes) {
  for (std::size_t lane = 0; lane < lanes; ++lane) out[lane] = function(a.at(lane));
}

template <class Function>
void each(Function function, double* out, Input a, Input b, std::size_t lanes) {
  for (std::size_t lane = 0; lane < lanes; ++lane) out[lane] = function(a.at(lane), b.at(lane));
}

double square_root(double x) { return x >= 0 ? std::sqrt(x) : std::numeric_limits<double>::quiet_NaN(); }
// Exact in IEEE arithmetic; x % 0 is NaN there too.
double remainder(double x, double y) { return std::fmod(x, y); }

// 1:1 from operation to loop.
void run_pure(ExprOp op, double* out, Input a, Input b, Input c, std::size_t lanes) {
  switch (op) {
    case ExprOp::kSpread:
      return each([](double x) { return x; }, out, a, lanes);
    case ExprOp::kNegate:
      return loop(kernels::Negate(), out, lanes, a);
    case ExprOp::kNot:
      return loop(kernels::Not(), out, lanes, a);
    case ExprOp::kAbs:
      return loop(kernels::Abs(), out, lanes, a);
    case ExprOp::kFloor:
      return loop(kernels::Floor(), out, lanes, a);
    case ExprOp::kCeil:
      return loop(kernels::Ceil(), out, lanes, a);
    case ExprOp::kRound:
      return loop(kernels::Round(), out, lanes, a);
    case ExprOp::kHas:
      return loop(kernels::Has(), out, lanes, a);
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
    case ExprOp::kAdd:
      return loop(kernels::Add(), out, lanes, a, b);
    case ExprOp::kSubtract:
      return loop(kernels::Subtract(), out, lanes, a, b);
    case ExprOp::kMultiply:
      return loop(kernels::Multiply(), out, lanes, a, b);
    case ExprOp::kDivide:
      return loop(kernels::Divide(), out, lanes, a, b);
    case ExprOp::kRemainder:
      return each(remainder, out, a, b, lanes);
    case ExprOp::kPow:
      return each(elementary_pow, out, a, b, lanes);
    case ExprOp::kMin:
      return loop(kernels::Min(), out, lanes, a, b);
    case ExprOp::kMax:
      return loop(kernels::Max(), out, lanes, a, b);
    case ExprOp::kEqual:
      return loop(kernels::Equal(), out, lanes, a, b);
    case ExprOp::kNotEqual:
      return loop(kernels::NotEqual(), out, lanes, a, b);
    case ExprOp::kLess:
      return loop(kernels::Less(), out, lanes, a, b);
    case ExprOp::kLessEqual:
      return loop(kernels::LessEqual(), out, lanes, a, b);
    case ExprOp::kAnd:
      return loop(kernels::And(), out, lanes, a, b);
    case ExprOp::kOr:
      return loop(kernels::Or(), out, lanes, a, b);
    case ExprOp::kCoalesce:
      return loop(kernels::Coalesce(), out, lanes, a, b);
    case ExprOp::kAddPresent:
      return loop(kernels::AddPresent(), out, lanes, a, b);
    case ExprOp::kCountPresent:
      return loop(kernels::CountPresent(), out, lanes, a, b);
    case ExprOp::kMinPresent:
      return loop(kernels::MinPresent(), out, lanes, a, b);
    case ExprOp::kMaxPresent:
      return loop(kernels::MaxPresent(), out, lanes, a, b);
    case ExprOp::kSelect:
      return loop(kernels::Select(), out, lanes, a, b, c);
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
    for (const ExprInstruction& instruction : code) step(instruction);
  }

 private:
  [[nodiscard]] double* memory(ExprOperand operand) const {
    return operand.uniform() ? frame_.uniform + std::size_t{operand.index()} * kUniformCopies
                             : frame_.lanes + std::size_t{operand.index()} * kBlockLanes;
  }
  [[nodiscard]] Input input(ExprOperand operand) const {
    return {memory(operand), kUniform || !operand.uniform() ? 1U : 0U};
  }

  void step(const ExprInstruction& instruction) const {
    double* out = memory(instruction.out);
    if (instruction.op == ExprOp::kFused) {
      const FusedLoop run = kFusedLoops[instruction.aux / kFusedSeconds][instruction.aux % kFusedSeconds];
      return run(out, lanes_, input(instruction.a), input(instruction.b), input(instruction.c));
    }
    if (is_pure(instruction.op))
      return run_pure(instruction.op, out, input(instruction.a), input(instruction.b), input(instruction.c), lanes_);
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

  void sizes(Input a, double* out) const {
    each([this](double symbol) { return std::isnan(symbol) ? symbol : text_size(text(symbol)); }, out, a, frame_.count);
  }

  void compare(ExprOp op, Input a, Input b, double* out) const {
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
  alignas(32) std::array<double, kUniformCopies> out{}, copies[3];
  copies[0].fill(a), copies[1].fill(b), copies[2].fill(c);
  run_pure(op, out.data(), {copies[0].data(), 1}, {copies[1].data(), 1}, {copies[2].data(), 1}, kUniformCopies);
  return out[0];
}

}  // namespace apportion
