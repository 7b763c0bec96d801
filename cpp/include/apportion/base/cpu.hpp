// Which kind of CPU the hot loops are run for. They are compiled once per level from one source
// (cpp/src/base/each_level.inc) and give the same bits at every level. See docs/decisions/0014-cpu-levels.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace apportion {

/// Rising: a machine that supports a level supports those below it.
enum class CpuLevel : std::uint8_t {
  kBaseline,  ///< what every machine of this architecture has: SSE2 on x86-64, NEON on AArch64
  kV3,        ///< x86-64 with AVX2, BMI and POPCNT; fused multiply-add is never used
};
inline constexpr std::size_t kCpuLevels = 2;

/// "baseline", "v3".
std::string_view cpu_level_name(CpuLevel level);

/// True when this machine can run the level.
bool cpu_supports(CpuLevel level);

/// The highest supported level that `limit`, a level's name, allows; any other text limits nothing.
CpuLevel best_cpu_level(std::string_view limit);

/// The level in use: at first best_cpu_level() of the environment variable APPORTION_CPU. Thread-safe.
CpuLevel cpu_level();

/// Switches, from the next block on; for tests and benchmarks. REQUIRES: cpu_supports(level). Thread-safe.
void use_cpu_level(CpuLevel level);

}  // namespace apportion
