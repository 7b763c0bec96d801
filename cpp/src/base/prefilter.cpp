#include "apportion/base/prefilter.hpp"

#include <array>

#include "apportion/base/cpu.hpp"

namespace apportion {
namespace {

struct PrefilterLoops {
  std::uint32_t* (*rows)(const float* const* columns, const float* least, std::size_t count, std::size_t n,
                         std::size_t stride, std::uint32_t first, std::uint32_t* out);
  std::uint32_t (*mask)(const float* const* columns, const float* least, std::size_t count, std::size_t at);
};

#define APPORTION_LEVEL_SOURCE "base/prefilter_loops.inc"
#include "base/each_level.inc"

constexpr std::array<const PrefilterLoops*, kCpuLevels> kLevels{&baseline::kLoops, &v3::kLoops};

const PrefilterLoops& loops() { return *kLevels[static_cast<std::size_t>(cpu_level())]; }

bool passes(std::span<const float* const> columns, std::span<const float> least, std::size_t at) {
  for (std::size_t k = 0; k < columns.size(); ++k) {
    if (!(columns[k][at] >= least[k])) return false;
  }
  return true;
}

}  // namespace

std::size_t prefilter(std::span<const float* const> columns, std::span<const float> least, std::size_t n,
                      std::size_t stride, std::uint32_t first, std::uint32_t* out) {
  const std::size_t whole = n - n % kPrefilterLanes;
  std::uint32_t* end = loops().rows(columns.data(), least.data(), columns.size(), whole, stride, first, out);
  for (std::size_t at = whole; at < n; ++at) {
    if (passes(columns, least, whole / kPrefilterLanes * stride + at % kPrefilterLanes))
      *end++ = first + static_cast<std::uint32_t>(at);
  }
  return static_cast<std::size_t>(end - out);
}

std::uint32_t prefilter_mask(std::span<const float* const> columns, std::span<const float> least, std::size_t at) {
  return loops().mask(columns.data(), least.data(), columns.size(), at);
}

}  // namespace apportion
