// The rows of a block, and reading columns at them. Values; thread-compatible.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "apportion/journal/chunk_vector.hpp"

namespace apportion {

/// Any rows in any order, or successive ones. Rising rows are fastest: a chunk is looked up once for all rows in it.
class RowBlock {
 public:
  RowBlock() = default;
  /// REQUIRES: they outlive the block.
  explicit RowBlock(std::span<const std::uint32_t> rows)
      : rows_(rows.data()), first_(rows.empty() ? 0 : rows[0]), successive_(are_successive(rows)) {}
  /// first, first + 1, ...
  explicit RowBlock(std::uint32_t first) : first_(first), successive_(true) {}

  [[nodiscard]] std::uint32_t operator[](std::size_t i) const {
    return successive_ ? first_ + static_cast<std::uint32_t>(i) : rows_[i];
  }

  /// out[i] = convert(the cells of the columns at row i) for i in [0, n). The columns are of one length.
  template <class Convert, class T, class... More>
  void gather(std::size_t n, double* out, Convert convert, const ChunkVector<T>& column, const More&... more) const {
    static_assert(((ChunkVector<T>::kChunkCells == More::kChunkCells) && ...));
    if (successive_) {
      gather_run(n, out, convert, column, more...);
    } else {
      gather_rows(n, out, convert, column, more...);
    }
  }

 private:
  static bool are_successive(std::span<const std::uint32_t> rows) {
    std::uint32_t odd = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) odd |= rows[i] - rows[0] - static_cast<std::uint32_t>(i);
    return odd == 0;
  }

  template <class Convert, class... Columns>
  void gather_run(std::size_t n, double* out, Convert& convert, const Columns&... columns) const {
    for (std::size_t done = 0; done < n;) {
      std::size_t length = 0;
      const auto copy = [&](const auto*... cells) {
        length = std::min(length, n - done);
        for (std::size_t i = 0; i < length; ++i) out[done + i] = convert(cells[i]...);
      };
      copy(columns.run(first_ + done, length)...);
      done += length;
    }
  }

  template <class Convert, class Column, class... More>
  void gather_rows(std::size_t n, double* out, Convert& convert, const Column& column, const More&... more) const {
    constexpr std::size_t kCells = Column::kChunkCells;
    for (std::size_t i = 0; i < n;) {
      const std::size_t chunk = rows_[i] / kCells;
      const auto pick = [&](const auto*... cells) {
        do {
          out[i] = convert(cells[rows_[i] % kCells]...);
        } while (++i < n && rows_[i] / kCells == chunk);
      };
      std::size_t length = 0;
      pick(column.run(chunk * kCells, length), more.run(chunk * kCells, length)...);
    }
  }

  const std::uint32_t* rows_ = nullptr;
  std::uint32_t first_ = 0;
  bool successive_ = false;
};

}  // namespace apportion
