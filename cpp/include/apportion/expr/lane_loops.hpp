// The operations over lanes that need neither a Source nor the C library, as loops for the CPU level in use. Internal to
// expr.
#pragma once

#include <array>
#include <cstddef>

#include "apportion/expr/bytecode.hpp"

namespace apportion {

/// An operand: lanes, or with step 0 one value for all of them, which stands kUniformCopies times.
struct LaneInput {
  const double* data;
  std::size_t step;

  [[nodiscard]] double at(std::size_t lane) const { return data[lane * step]; }
};

/// Writes `lanes` results, a multiple of kUniformCopies. `out` may be one of the operands; an operation ignores those it
/// has not. REQUIRES: everything is aligned to 32 bytes.
using LaneLoop = void (*)(double* out, std::size_t lanes, LaneInput a, LaneInput b, LaneInput c);

struct LaneLoops {
  std::array<LaneLoop, static_cast<std::size_t>(ExprOp::kFused)> plain{};  ///< nullptr: there is no such loop
  std::array<LaneLoop, kFusedFirsts * kFusedSeconds> fused{};              ///< by the number of the pair

  constexpr LaneLoop& of(ExprOp op) { return plain[static_cast<std::size_t>(op)]; }
  [[nodiscard]] constexpr LaneLoop of(ExprOp op) const { return plain[static_cast<std::size_t>(op)]; }
};

/// Those of cpu_level().
const LaneLoops& lane_loops();

}  // namespace apportion
