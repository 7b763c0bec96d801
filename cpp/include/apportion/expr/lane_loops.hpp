// The operations over lanes that need neither a Source nor the C library, as loops for the CPU level in use. Internal
// to expr.
#pragma once

#include <array>
#include <cstddef>

#include "apportion/expr/bytecode.hpp"

namespace apportion {

/// An operand: lanes, or with step 0 one value for all of them, which stands kUniformCopies times.
struct LaneInput {
  LaneInput(const ExprMemory& memory, ExprOperand operand)
      : data(memory.at(operand)), step(operand.uniform() ? 0 : 1) {}

  [[nodiscard]] double at(std::size_t lane) const { return data[lane * step]; }

  const double* data;
  std::size_t step;
};

/// Computes `lanes` results, a multiple of kUniformCopies. REQUIRES: `memory`, a frame's, is aligned to 32 bytes.
using LaneLoop = void (*)(const ExprMemory& memory, const ExprInstruction& instruction, std::size_t lanes);

/// By ExprInstruction::loop: operations by their number, then kFused by the number of the pair; nullptr where there is
/// no such loop.
struct LaneLoops {
  std::array<LaneLoop, static_cast<std::size_t>(ExprOp::kFused) + kFusedFirsts * kFusedSeconds> all{};

  constexpr LaneLoop& of(ExprOp op) { return all[static_cast<std::size_t>(op)]; }
};

/// Those of cpu_level().
const LaneLoops& lane_loops();

}  // namespace apportion
