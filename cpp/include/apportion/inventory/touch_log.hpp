// Which rows of a table were written lately: what readers that keep something derived from rows catch up with.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "apportion/journal/transaction.hpp"

namespace apportion {

/// A ring of row numbers, each at a position that only grows. Nothing is kept until somebody watches. Not a part of
/// the state: a copy, as a fork makes it, starts empty with an identity of its own. A rollback writes its rows again,
/// so that readers see them change back. Thread-compatible.
class TouchLog {
 public:
  static constexpr std::size_t kKept = std::size_t{1} << 16;

  TouchLog() = default;
  TouchLog(const TouchLog&) {}
  TouchLog& operator=(const TouchLog&) = delete;

  /// Starts recording, unless somebody did before; returns the position from which a reader that has just read every
  /// row continues.
  std::uint64_t watch() {
    if (rows_.empty()) rows_.resize(kKept);
    return end_;
  }

  /// Something was said of the row: it may hold another instance than before, or none.
  void add(Transaction& log, std::uint32_t row) {
    ++said_;
    log.save(this, &TouchLog::restore, row, std::uint8_t{0});
    if (!rows_.empty()) put(row);
  }
  /// Claims changed what is used of the row, and nothing else.
  void add_claimed(Transaction& log, std::uint32_t row) { write(log, row | kClaimed); }
  /// Its usage was read, and nothing else.
  void add_measured(Transaction& log, std::uint32_t row) { write(log, row | kMeasured); }

  /// Tells this log from every other one there was.
  [[nodiscard]] std::uint64_t identity() const { return identity_; }
  /// The position after the newest row.
  [[nodiscard]] std::uint64_t end() const { return end_; }
  /// False when rows after this position have been overwritten: a reader there has to read everything anew.
  [[nodiscard]] bool reaches(std::uint64_t position) const { return end_ - position <= kKept; }
  /// How often something was said of any row or taken back, watched or not.
  [[nodiscard]] std::uint64_t said() const { return said_; }
  /// REQUIRES: position < end() and reaches(position).
  [[nodiscard]] std::uint32_t operator[](std::uint64_t position) const {
    return rows_[position % kKept] & ~(kClaimed | kMeasured);
  }
  /// True when it was nothing but claims.
  [[nodiscard]] bool claimed(std::uint64_t position) const { return (rows_[position % kKept] & kClaimed) != 0; }

 private:
  // Rows are numbers below 2^30.
  static constexpr std::uint32_t kClaimed = 0x80000000U;
  static constexpr std::uint32_t kMeasured = 0x40000000U;

  void write(Transaction& log, std::uint32_t row) {
    // Saved though nobody watches: who begins to before this is taken back has to see that.
    log.save(this, &TouchLog::restore, row, std::uint8_t{0});
    if (!rows_.empty()) put(row);
  }
  static std::uint64_t next_identity() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
  static void restore(void* self, std::uint64_t row, const void*, std::size_t) {
    auto& log = *static_cast<TouchLog*>(self);
    const auto entry = static_cast<std::uint32_t>(row);
    if ((entry & (kClaimed | kMeasured)) == 0) ++log.said_;
    if (!log.rows_.empty()) log.put(entry);
  }
  void put(std::uint32_t row) { rows_[end_++ % kKept] = row; }

  std::uint64_t identity_ = next_identity();
  std::uint64_t end_ = 0;
  std::uint64_t said_ = 0;
  std::vector<std::uint32_t> rows_;
};

}  // namespace apportion
