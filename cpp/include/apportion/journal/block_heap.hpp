// Small arrays of 64-bit cells that come and go: amounts of claims, names of consumers. Forks and rolls back like the
// chunk vectors below it. Thread-compatible.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "apportion/journal/chunk_vector.hpp"

namespace apportion {

/// Blocks of 1, 2, 4 ... 256 cells, one vector per size so that a block never crosses a chunk. Freed blocks are used
/// again, last freed first: which index a block gets is a function of the calls alone.
class BlockHeap {
 public:
  static constexpr std::size_t kMaxCells = 256;

  /// A block of at least `cells` cells, all 0. REQUIRES: 1 <= cells <= kMaxCells.
  std::uint32_t allocate(Transaction& log, std::size_t cells) {
    Size& size = sizes_[index_of(cells)];
    const std::size_t width = std::bit_ceil(cells);
    const std::uint64_t head = size.free_head.get();
    if (head == 0) {
      const std::size_t at = size.cells.size();
      size.cells.resize(log, at + width);
      return static_cast<std::uint32_t>(at / width);
    }
    const std::size_t at = (head - 1) * width;
    size.free_head.edit(log) = static_cast<std::uint64_t>(size.cells[at]);
    size.cells.edit(log, at) = 0;
    return static_cast<std::uint32_t>(head - 1);
  }

  /// REQUIRES: `block` was allocated with the same number of cells and not released since.
  void release(Transaction& log, std::uint32_t block, std::size_t cells) {
    Size& size = sizes_[index_of(cells)];
    const std::size_t width = std::bit_ceil(cells);
    for (std::size_t i = 1; i < cells; ++i) size.cells.set(log, block * width + i, 0);
    size.cells.edit(log, block * width) = static_cast<std::int64_t>(size.free_head.get());
    size.free_head.edit(log) = block + 1;
  }

  void prefetch(std::uint32_t block, std::size_t cells) const {
    if (cells > 0) sizes_[index_of(cells)].cells.prefetch(block * std::bit_ceil(cells));
  }

  /// The cells, valid until the next edit of this heap; none for 0 cells, which no block stands behind.
  [[nodiscard]] std::span<const std::int64_t> read(std::uint32_t block, std::size_t cells) const {
    if (cells == 0) return {};
    std::size_t length = 0;
    return {sizes_[index_of(cells)].cells.run(block * std::bit_ceil(cells), length), cells};
  }
  void write(Transaction& log, std::uint32_t block, std::span<const std::int64_t> values) {
    ChunkVector<std::int64_t>& cells = sizes_[index_of(values.size())].cells;
    const std::size_t start = block * std::bit_ceil(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) cells.set(log, start + i, values[i]);
  }

  [[nodiscard]] std::size_t bytes() const {
    std::size_t total = 0;
    for (const Size& size : sizes_) total += size.cells.bytes();
    return total;
  }

 private:
  struct Size {
    ChunkVector<std::int64_t> cells;
    Cell<std::uint64_t> free_head;  // block + 1; 0: none. A free block's first cell links to the next.
  };

  static std::size_t index_of(std::size_t cells) {
    return static_cast<std::size_t>(std::bit_width(std::bit_ceil(cells)) - 1);
  }

  std::array<Size, 9> sizes_;
};

}  // namespace apportion
