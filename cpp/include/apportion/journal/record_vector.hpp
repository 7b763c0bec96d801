// Rows whose numbers are met together, kept together: a random row costs a line or two of memory, not one per column.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "apportion/journal/chunk_store.hpp"
#include "apportion/journal/transaction.hpp"

namespace apportion {

/// An array of records of a width that is known at run time; a new record is all 0. Forks and rolls back as a
/// ChunkVector does. Thread-compatible per object.
class RecordVector {
 public:
  static constexpr std::size_t kMaxBytes = 1024;

  /// REQUIRES: a multiple of 8, at most kMaxBytes.
  explicit RecordVector(std::size_t record_bytes)
      : bytes_(record_bytes),
        shift_(static_cast<int>(std::bit_width(std::max<std::size_t>(8, std::bit_floor(kChunkBytes / record_bytes)))) -
               1),
        store_(record_bytes << shift_, blank()) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  /// REQUIRES: row < size().
  [[nodiscard]] const std::byte* operator[](std::size_t row) const {
    assert(row < size_);
    return store_.read(row >> shift_) + (row & mask()) * bytes_;
  }

  /// Asks for the memory of a record that will be met soon. Any row will do.
  void prefetch(std::size_t row) const {
    if (row >= size_) return;
    const std::byte* const record = (*this)[row];
    for (std::size_t at = 0; at < bytes_; at += 64) __builtin_prefetch(record + at);
    __builtin_prefetch(record + bytes_ - 1);
  }

  /// The record for writing; the whole of it goes to `log`. Valid until this vector is copied or resized.
  std::byte* edit(Transaction& log, std::size_t row) {
    std::byte* const record = own(row);
    log.save(this, &RecordVector::restore, row * bytes_, record, bytes_);
    return record;
  }
  /// A part of it.
  std::byte* edit(Transaction& log, std::size_t row, std::size_t offset, std::size_t bytes) {
    std::byte* const part = own(row) + offset;
    log.save(this, &RecordVector::restore, row * bytes_ + offset, part, bytes);
    return part;
  }

  /// Grows with empty records or shrinks. Records that are cut off are saved.
  void resize(Transaction& log, std::size_t size) {
    for (std::size_t row = size; row < size_; ++row) std::memset(edit(log, row), 0, bytes_);
    log.save(this, &RecordVector::restore_size, 0, static_cast<std::uint64_t>(size_));
    set_size(size);
  }

  [[nodiscard]] std::size_t bytes() const { return store_.bytes(); }

 private:
  static const std::byte* blank() {
    alignas(64) static constexpr std::byte kZeros[8 * kMaxBytes]{};
    return kZeros;
  }

  [[nodiscard]] std::size_t mask() const { return (std::size_t{1} << shift_) - 1; }

  std::byte* own(std::size_t row) {
    assert(row < size_);
    return store_.own(row >> shift_) + (row & mask()) * bytes_;
  }

  void set_size(std::size_t size) {
    store_.resize((size + mask()) >> shift_);
    size_ = size;
  }

  static void restore(void* self, std::uint64_t at, const void* old, std::size_t bytes) {
    auto& records = *static_cast<RecordVector*>(self);
    std::memcpy(records.own(at / records.bytes_) + at % records.bytes_, old, bytes);
  }
  static void restore_size(void* self, std::uint64_t, const void* old, std::size_t) {
    std::uint64_t size = 0;
    std::memcpy(&size, old, sizeof size);
    static_cast<RecordVector*>(self)->set_size(size);
  }

  std::size_t bytes_;
  int shift_;  // of the records in a chunk, a power of two
  ChunkStore store_;
  std::size_t size_ = 0;
};

/// One number of every record, as if it were a column of its own. The records must outlive it and stay where they are.
template <class T>
class RecordColumn {
  static_assert(std::is_arithmetic_v<T>);

 public:
  RecordColumn() = default;
  /// REQUIRES: `offset` is a multiple of sizeof(T), and the record is so wide.
  RecordColumn(RecordVector& records, std::size_t offset) : records_(&records), offset_(offset) {}

  [[nodiscard]] const RecordVector& records() const { return *records_; }
  /// The number in a record. Bytes become numbers by the copy that filled them.
  [[nodiscard]] const T& in(const std::byte* record) const { return *reinterpret_cast<const T*>(record + offset_); }
  [[nodiscard]] T& in(std::byte* record) const { return *reinterpret_cast<T*>(record + offset_); }

  [[nodiscard]] const T& operator[](std::size_t row) const { return in((*records_)[row]); }
  T& edit(Transaction& log, std::size_t row) {
    return *reinterpret_cast<T*>(records_->edit(log, row, offset_, sizeof(T)));
  }
  void set(Transaction& log, std::size_t row, T value) {
    if ((*this)[row] != value) edit(log, row) = value;
  }

 private:
  RecordVector* records_ = nullptr;
  std::size_t offset_ = 0;
};

}  // namespace apportion
