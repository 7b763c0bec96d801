#include "apportion/expr/lane_loops.hpp"

#include <cstdint>
#include <limits>

#include "apportion/base/cpu.hpp"

namespace apportion {
namespace {

#define APPORTION_LEVEL_SOURCE "expr/lane_loops.inc"
#include "base/each_level.inc"

constexpr std::array<const LaneLoops*, kCpuLevels> kLevels{&baseline::kLoops, &v3::kLoops};

}  // namespace

const LaneLoops& lane_loops() { return *kLevels[static_cast<std::size_t>(cpu_level())]; }

}  // namespace apportion
