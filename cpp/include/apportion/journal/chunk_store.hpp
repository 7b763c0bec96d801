// Chunks of bytes that forks share until one of them writes: what every container of a state stands on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace apportion {

/// About the size of a chunk. The first write to it after a fork copies so much; a fork copies a pointer for each.
inline constexpr std::size_t kChunkBytes = 2048;

/// An array of chunks of one size. Copying it copies pointers, not chunks; the first write to a chunk that another copy
/// holds too copies that chunk. A chunk that was never written takes no memory and reads as the blank. Which chunks are
/// this copy's alone is kept beside the pointers, so that a write to one of them looks at nothing else.
/// Thread-compatible per object: two copies may be used by two threads, one object by one; a store that nobody writes
/// any more may be copied by several.
class ChunkStore {
 public:
  /// `blank` has `chunk_bytes` bytes and outlives every copy.
  ChunkStore(std::size_t chunk_bytes, const std::byte* blank) : chunk_bytes_(chunk_bytes), blank_(blank) {}
  ChunkStore(const ChunkStore& other);
  ChunkStore(ChunkStore&& other) noexcept;
  ChunkStore& operator=(ChunkStore other) noexcept;
  ~ChunkStore();

  [[nodiscard]] std::size_t size() const { return chunks_.size(); }
  /// For reading; valid until the next `own` of the same chunk.
  [[nodiscard]] const std::byte* read(std::size_t chunk) const { return chunks_[chunk]; }
  /// For writing; other copies keep what they have.
  std::byte* own(std::size_t chunk) {
    if ((owned_[chunk / kPage] >> chunk % kPage & 1U) != 0) return const_cast<std::byte*>(chunks_[chunk]);
    return take(chunk);
  }
  void resize(std::size_t chunks);

  /// Bytes of the chunks and pointers this object refers to, shared or not.
  [[nodiscard]] std::size_t bytes() const;

 private:
  static constexpr std::size_t kPage = 64;
  struct Page;

  std::byte* take(std::size_t chunk);
  Page& own_page(std::size_t page);
  void release(Page* page) const;
  void drop(std::byte* chunk) const;

  std::size_t chunk_bytes_;
  const std::byte* blank_;
  std::vector<const std::byte*> chunks_;
  std::vector<Page*> pages_;                  // of 64 chunks each; nullptr: none of them was ever written
  mutable std::vector<std::uint64_t> owned_;  // a bit per chunk; copying clears them on both sides
};

}  // namespace apportion
