// Which rows of narrow columns are large enough: the first, cheap look at all instances of a type. Pure functions; the
// same answer at every CpuLevel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace apportion {

/// Rows that prefilter_mask() looks at.
inline constexpr std::size_t kPrefilterLanes = 32;

/// Writes first + i, rising, for every row i in [0, n) of which all cells are large enough, and gives their number: of
/// column k the cell columns[k][i / 32 x stride + i % 32], which must be >= least[k]. So rows lie in blocks of 32, one
/// column behind the other with a stride of 32, or all columns of a block together. A NaN on either side does not pass.
/// Put the column that the fewest rows pass first: where none of 32 rows does, the others are not read.
/// REQUIRES: as many `least` as columns; a cell for every row in each; room for n numbers in `out` (beyond those that
/// count, anything may be written there). Fastest when columns are aligned to 64 bytes; any alignment works.
std::size_t prefilter(std::span<const float* const> columns, std::span<const float> least, std::size_t n,
                      std::size_t stride, std::uint32_t first, std::uint32_t* out);

/// Bit i is set when the cells at + i pass, i in [0, 32). REQUIRES: at + 32 cells in each column.
std::uint32_t prefilter_mask(std::span<const float* const> columns, std::span<const float> least, std::size_t at);

}  // namespace apportion
