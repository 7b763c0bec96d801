// The rows of a block of candidates, and reading columns at them. Values; thread-compatible.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "apportion/expr/program.hpp"
#include "apportion/journal/chunk_vector.hpp"
#include "apportion/journal/record_vector.hpp"

namespace apportion {

/// Up to kBlockLanes rows in any order, or any number of successive ones. Rising rows are fastest: a chunk is looked up
/// once for all rows in it.
class RowBlock {
 public:
  /// first, first + 1, ...
  void set_run(std::uint32_t first) { first_ = first, successive_ = true; }
  /// Any rows. REQUIRES: at most kBlockLanes, and they outlive the block.
  void set(std::span<const std::uint32_t> rows) {
    rows_ = rows.data();
    first_ = rows.empty() ? 0 : rows[0];
    successive_ = are_successive(rows);
    count_ = rows.size();
    paged_ = false;
  }

  [[nodiscard]] std::uint32_t operator[](std::size_t i) const {
    return successive_ ? first_ + static_cast<std::uint32_t>(i) : rows_[i];
  }

  /// out[i] = convert(the cells of the columns at row i) for i in [0, n). REQUIRES: the columns are of one length, and
  /// n is at most the number of rows.
  template <class Convert, class T, class... More>
  void gather(std::size_t n, double* out, Convert convert, const ChunkVector<T>& column, const More&... more) const {
    static_assert(((ChunkVector<T>::kChunkCells == More::kChunkCells) && ...));
    if (successive_) {
      gather_run(n, out, convert, column, more...);
    } else {
      gather_rows(n, out, convert, column, more...);
    }
  }
  /// The same for numbers of records.
  template <class Convert, class T>
  void gather(std::size_t n, double* out, Convert convert, const RecordColumn<T>& column) const {
    for (std::size_t i = 0; i < n; ++i) out[i] = convert(column[(*this)[i]]);
  }

 private:
  /// Rows that share a page share a chunk, in a column of any type.
  static constexpr std::size_t kPageRows = ChunkVector<std::int64_t>::kChunkCells;

  static bool are_successive(std::span<const std::uint32_t> rows) {
    std::uint32_t odd = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) odd |= rows[i] - rows[0] - static_cast<std::uint32_t>(i);
    return odd == 0;
  }

  // Written without a branch: where one page ends and the next begins cannot be foreseen. Only who reads columns in
  // chunks needs to know.
  void find_pages() const {
    if (paged_) return;
    paged_ = true;
    const std::span<const std::uint32_t> rows(rows_, count_);
    std::size_t pages = 0;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      ends_[pages] = static_cast<std::uint16_t>(i);
      pages += rows[i] / kPageRows != rows[i - 1] / kPageRows ? 1 : 0;
    }
    ends_[pages] = static_cast<std::uint16_t>(rows.size());
  }

  template <class Convert, class... Columns>
  void gather_run(std::size_t n, double* out, Convert& convert, const Columns&... columns) const {
    for (std::size_t done = 0; done < n;) {
      std::size_t length = 0;
      const auto copy = [&](const auto*... cells) {
        const std::size_t count = std::min(length, n - done);
        double* const to = out + done;
        for (std::size_t i = 0; i < count; ++i) to[i] = convert(cells[i]...);
      };
      copy(columns.run(first_ + done, length)...);
      done += length;
    }
  }

  template <class Convert, class Column, class... More>
  void gather_rows(std::size_t n, double* out, Convert& convert, const Column& column, const More&... more) const {
    constexpr std::size_t kCells = Column::kChunkCells;
    static_assert(kCells % kPageRows == 0);
    find_pages();
    const std::uint32_t* const rows = rows_;
    std::size_t i = 0;
    for (const std::uint16_t* end = ends_.data(); i < n; ++end) {
      const std::size_t stop = std::min<std::size_t>(*end, n);
      const auto pick = [&](const auto*... cells) {
#pragma GCC unroll 4
        for (; i < stop; ++i) out[i] = convert(cells[rows[i] % kCells]...);
      };
      const std::size_t start = rows[i] / kCells * kCells;
      std::size_t length = 0;
      pick(column.run(start, length), more.run(start, length)...);
    }
  }

  const std::uint32_t* rows_ = nullptr;
  std::uint32_t first_ = 0;
  std::size_t count_ = 0;
  bool successive_ = false;
  mutable bool paged_ = false;
  mutable std::array<std::uint16_t, kBlockLanes> ends_;  ///< of the pages, once they were found
};

}  // namespace apportion
