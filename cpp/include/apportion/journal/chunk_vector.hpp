// The containers a state is made of: they can be forked in microseconds and rolled back cell by cell.
//
// A ChunkVector is an array in chunks of about kChunkBytes. Copying it copies the table of chunks, not the cells; the
// first write to a chunk that somebody else still holds copies that chunk. A chunk that was never written takes no
// memory and reads as T{}. Thread-compatible per object: two forks may be used by two threads, one object by one.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "apportion/journal/chunk_store.hpp"
#include "apportion/journal/transaction.hpp"

namespace apportion {

template <class T>
class ChunkVector {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 64);

 public:
  /// Cells in a chunk: a power of two.
  static constexpr std::size_t kChunkCells = std::max<std::size_t>(8, std::bit_floor(kChunkBytes / sizeof(T)));

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// REQUIRES: index < size().
  [[nodiscard]] const T& operator[](std::size_t index) const {
    assert(index < size_);
    return cells(index / kChunkCells)[index % kChunkCells];
  }

  /// The cells of one chunk, for scans: valid until the next edit. REQUIRES: index < size().
  [[nodiscard]] const T* run(std::size_t index, std::size_t& length) const {
    assert(index < size_);
    length = std::min(kChunkCells - index % kChunkCells, size_ - index);
    return cells(index / kChunkCells) + index % kChunkCells;
  }

  /// Asks for the memory of a cell that will be read or written soon. Any index will do.
  void prefetch(std::size_t index) const {
    if (index < size_) __builtin_prefetch(cells(index / kChunkCells) + index % kChunkCells);
  }

  /// The cell for writing; its old value goes to `log`. The reference is valid until this vector is copied or resized.
  T& edit(Transaction& log, std::size_t index) {
    T& cell = own(index);
    log.save(this, &ChunkVector::restore, index, cell);
    return cell;
  }

  /// One member of a cell for writing.
  template <class M, class Owner = T>
  M& edit(Transaction& log, std::size_t index, M Owner::* member) {
    T& cell = own(index);
    M& part = cell.*member;
    const auto offset = reinterpret_cast<const std::byte*>(&part) - reinterpret_cast<const std::byte*>(&cell);
    log.save(this, &ChunkVector::restore_part, index * sizeof(T) + static_cast<std::size_t>(offset), part);
    return part;
  }

  /// `count` cells for writing that lie in one chunk.
  T* edit(Transaction& log, std::size_t index, std::size_t count) {
    T* cells = &own(index);
    log.save(this, &ChunkVector::restore, index, cells, count * sizeof(T));
    return cells;
  }

  /// Writes only when the value differs. By value: it may come from a chunk that this very write lets go of.
  void set(Transaction& log, std::size_t index, T value) {
    if (!same((*this)[index], value)) edit(log, index) = value;
  }

  void push_back(Transaction& log, T value) {
    resize(log, size_ + 1);
    if (!same(T{}, value)) edit(log, size_ - 1) = value;
  }

  /// Grows with T{} cells or shrinks. Cells that are cut off are saved, so that a rollback brings them back.
  void resize(Transaction& log, std::size_t size) {
    for (std::size_t i = size; i < size_; ++i) set(log, i, T{});
    log.save(this, &ChunkVector::restore_size, 0, static_cast<std::uint64_t>(size_));
    set_size(size);
  }

  /// Bytes of the chunks this object refers to, shared or not.
  [[nodiscard]] std::size_t bytes() const { return store_.bytes(); }

 private:
  using Chunk = std::array<T, kChunkCells>;

  static const std::byte* blank() {
    static const Chunk chunk{};
    return reinterpret_cast<const std::byte*>(chunk.data());
  }

  static bool same(const T& a, const T& b) {
    if constexpr (std::is_arithmetic_v<T> || std::has_unique_object_representations_v<T>) {
      return std::memcmp(&a, &b, sizeof(T)) == 0;
    } else {
      return a == b;
    }
  }

  // Bytes become cells by the copy that filled them: T is trivially copyable.
  [[nodiscard]] const T* cells(std::size_t chunk) const { return reinterpret_cast<const T*>(store_.read(chunk)); }

  T& own(std::size_t index) {
    assert(index < size_);
    return reinterpret_cast<T*>(store_.own(index / kChunkCells))[index % kChunkCells];
  }

  void set_size(std::size_t size) {
    const std::size_t chunks = (size + kChunkCells - 1) / kChunkCells;
    if (chunks != store_.size()) store_.resize(chunks);
    size_ = size;
  }

  static void restore(void* self, std::uint64_t index, const void* old, std::size_t bytes) {
    std::memcpy(&static_cast<ChunkVector*>(self)->own(index), old, bytes);
  }
  static void restore_part(void* self, std::uint64_t at, const void* old, std::size_t bytes) {
    T& cell = static_cast<ChunkVector*>(self)->own(at / sizeof(T));
    std::memcpy(reinterpret_cast<std::byte*>(&cell) + at % sizeof(T), old, bytes);
  }
  static void restore_size(void* self, std::uint64_t, const void* old, std::size_t) {
    std::uint64_t size = 0;
    std::memcpy(&size, old, sizeof size);
    static_cast<ChunkVector*>(self)->set_size(size);
  }

  ChunkStore store_{sizeof(Chunk), blank()};
  std::size_t size_ = 0;
};

/// One value with the same rules.
template <class T>
class Cell {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Cell() = default;
  explicit Cell(const T& value) : value_(value) {}
  [[nodiscard]] const T& get() const { return value_; }
  T& edit(Transaction& log) {
    log.save(this, &Cell::restore, 0, value_);
    return value_;
  }

 private:
  static void restore(void* self, std::uint64_t, const void* old, std::size_t) {
    std::memcpy(&static_cast<Cell*>(self)->value_, old, sizeof(T));
  }
  T value_{};
};

}  // namespace apportion
