#include "apportion/base/cpu.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>

namespace apportion {
namespace {

constexpr std::array<std::string_view, kCpuLevels> kNames{"baseline", "v3"};

CpuLevel first_level() {
  const char* limit = std::getenv("APPORTION_CPU");
  return best_cpu_level(limit == nullptr ? std::string_view() : limit);
}

std::atomic<CpuLevel>& level_in_use() {
  static std::atomic<CpuLevel> level{first_level()};
  return level;
}

}  // namespace

std::string_view cpu_level_name(CpuLevel level) { return kNames.at(static_cast<std::size_t>(level)); }

bool cpu_supports(CpuLevel level) {
  if (level == CpuLevel::kBaseline) return true;
#if defined(__x86_64__)
  // What each_level.inc names.
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("popcnt");
#else
  return false;
#endif
}

CpuLevel best_cpu_level(std::string_view limit) {
  const auto named = static_cast<std::size_t>(std::ranges::find(kNames, limit) - kNames.begin());
  std::size_t level = std::min(named, kCpuLevels - 1);
  while (!cpu_supports(static_cast<CpuLevel>(level))) --level;
  return static_cast<CpuLevel>(level);
}

CpuLevel cpu_level() { return level_in_use().load(std::memory_order_relaxed); }

void use_cpu_level(CpuLevel level) { level_in_use().store(level, std::memory_order_relaxed); }

}  // namespace apportion
