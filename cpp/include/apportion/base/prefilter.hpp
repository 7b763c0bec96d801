// Which rows of narrow columns are large enough: the first, cheap look at all instances of a type. Pure functions; the
// same answer at every CpuLevel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace apportion {

/// Rows that prefilter_mask() looks at.
inline constexpr std::size_t kPrefilterLanes = 32;

/// Writes first + i, rising, for every i in [0, n) with columns[k][i] >= least[k] for all k, and gives their number. A
/// NaN on either side does not pass. Put the column that the fewest rows pass first: where none of 32 rows does, the
/// others are not read.
/// REQUIRES: as many `least` as columns; n cells in each; room for n numbers in `out` (beyond those that count,
/// anything may be written there). Fastest when columns are aligned to 64 bytes; any alignment works.
std::size_t prefilter(std::span<const float* const> columns, std::span<const float> least, std::size_t n,
                      std::uint32_t first, std::uint32_t* out);

/// Bit i is set when row at + i passes, i in [0, 32). REQUIRES: at + 32 cells in each column.
std::uint32_t prefilter_mask(std::span<const float* const> columns, std::span<const float> least, std::size_t at);

}  // namespace apportion
