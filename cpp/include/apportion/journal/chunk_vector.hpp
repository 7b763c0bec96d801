// The containers a state is made of: they can be forked in microseconds and rolled back cell by cell.
//
// A ChunkVector is an array in chunks of about 4 KiB. Copying it copies the table of chunks, not the cells; the first
// write to a chunk that somebody else still holds copies that chunk. A chunk that was never written takes no memory and
// reads as T{}. Thread-compatible per object: two forks may be used by two threads, one object by one.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "apportion/journal/transaction.hpp"

namespace apportion {

template <class T>
class ChunkVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Cells in a chunk: a power of two.
  static constexpr std::size_t kChunkCells = std::max<std::size_t>(8, std::bit_floor(4096 / sizeof(T)));

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// REQUIRES: index < size().
  [[nodiscard]] const T& operator[](std::size_t index) const {
    assert(index < size_);
    return chunk(index)->cells[index % kChunkCells];
  }

  /// The cells of one chunk, for scans: valid until the next edit. REQUIRES: index < size().
  [[nodiscard]] const T* run(std::size_t index, std::size_t& length) const {
    assert(index < size_);
    length = std::min(kChunkCells - index % kChunkCells, size_ - index);
    return chunk(index)->cells.data() + index % kChunkCells;
  }

  /// Asks for the memory of a cell that will be read or written soon. Any index will do.
  void prefetch(std::size_t index) const {
    if (index >= size_) return;
    const Chunk* held = chunks_[index / kChunkCells].get();
    if (held != nullptr) __builtin_prefetch(held->cells.data() + index % kChunkCells);
  }

  /// The cell for writing; its old value goes to `log`. The reference is valid until the next edit of this vector.
  T& edit(Transaction& log, std::size_t index) {
    T& cell = own(index);
    log.save(this, &ChunkVector::restore, index, cell);
    return cell;
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
  [[nodiscard]] std::size_t bytes() const {
    std::size_t total = chunks_.capacity() * sizeof(Handle);
    for (const Handle& handle : chunks_) total += handle.get() == nullptr ? 0 : sizeof(Chunk);
    return total;
  }

 private:
  struct Chunk {
    std::array<T, kChunkCells> cells{};
    std::atomic<std::uint32_t> owners{1};
  };

  /// Counts the owners of a chunk; copying adds one.
  class Handle {
   public:
    Handle() = default;
    explicit Handle(Chunk* chunk) : chunk_(chunk) {}
    Handle(const Handle& other) : chunk_(other.chunk_) {
      if (chunk_ != nullptr) chunk_->owners.fetch_add(1, std::memory_order_relaxed);
    }
    Handle(Handle&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
    Handle& operator=(Handle other) noexcept {
      std::swap(chunk_, other.chunk_);
      return *this;
    }
    ~Handle() {
      if (chunk_ != nullptr && chunk_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete chunk_;
    }
    [[nodiscard]] Chunk* get() const { return chunk_; }
    [[nodiscard]] bool alone() const { return chunk_->owners.load(std::memory_order_acquire) == 1; }

   private:
    Chunk* chunk_ = nullptr;
  };

  static const Chunk& blank() {
    static const Chunk chunk;
    return chunk;
  }

  static bool same(const T& a, const T& b) {
    if constexpr (std::is_arithmetic_v<T> || std::has_unique_object_representations_v<T>) {
      return std::memcmp(&a, &b, sizeof(T)) == 0;
    } else {
      return a == b;
    }
  }

  [[nodiscard]] const Chunk* chunk(std::size_t index) const {
    const Chunk* held = chunks_[index / kChunkCells].get();
    return held != nullptr ? held : &blank();
  }

  T& own(std::size_t index) {
    assert(index < size_);
    Handle& handle = chunks_[index / kChunkCells];
    if (handle.get() == nullptr) {
      handle = Handle(new Chunk);
    } else if (!handle.alone()) {
      auto* copy = new Chunk;
      copy->cells = handle.get()->cells;
      handle = Handle(copy);
    }
    return handle.get()->cells[index % kChunkCells];
  }

  void set_size(std::size_t size) {
    chunks_.resize((size + kChunkCells - 1) / kChunkCells);
    size_ = size;
  }

  static void restore(void* self, std::uint64_t index, const void* old) {
    std::memcpy(&static_cast<ChunkVector*>(self)->own(index), old, sizeof(T));
  }
  static void restore_size(void* self, std::uint64_t, const void* old) {
    std::uint64_t size = 0;
    std::memcpy(&size, old, sizeof size);
    static_cast<ChunkVector*>(self)->set_size(size);
  }

  std::vector<Handle> chunks_;
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
  static void restore(void* self, std::uint64_t, const void* old) {
    std::memcpy(&static_cast<Cell*>(self)->value_, old, sizeof(T));
  }
  T value_{};
};

}  // namespace apportion
