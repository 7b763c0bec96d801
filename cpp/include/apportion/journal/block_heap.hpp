// Small arrays of 64-bit cells that come and go: amounts of claims, names of consumers. Forks and rolls back like the
// chunk vectors below it. Thread-compatible.
#pragma once

#include <algorithm>
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
  static_assert(kMaxCells <= ChunkVector<std::int64_t>::kChunkCells);

  /// A block that holds these values; 0, and no block, for none. REQUIRES: at most kMaxCells.
  std::uint32_t put(Transaction& log, std::span<const std::int64_t> values) {
    if (values.empty()) return 0;
    Size& size = sizes_[index_of(values.size())];
    const std::size_t width = std::bit_ceil(values.size());
    const std::uint64_t head = size.free_head.get();
    const std::size_t at = head == 0 ? size.cells.size() : (head - 1) * width;
    if (head == 0) {
      size.cells.resize(log, at + width);
    } else {
      size.free_head.edit(log) = static_cast<std::uint64_t>(size.cells[at]);
    }
    std::ranges::copy(values, size.cells.edit(log, at, values.size()));
    return static_cast<std::uint32_t>(at / width);
  }

  /// REQUIRES: `block` was put with so many cells and not released since.
  void release(Transaction& log, std::uint32_t block, std::size_t cells) {
    if (cells == 0) return;
    Size& size = sizes_[index_of(cells)];
    size.cells.edit(log, block * std::bit_ceil(cells)) = static_cast<std::int64_t>(size.free_head.get());
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
