// Where chunks live: close together, on large pages of memory where the system has them.
#pragma once

#include <cstddef>

namespace apportion {

/// Memory for blocks of few sizes that come and go in great numbers. Reading a random chunk among a hundred megabytes
/// costs two look-ups in the page tables with pages of 4 KiB and hardly any with pages of 2 MiB. A slab whose blocks
/// are all free goes back to the system, but for one per size that is small beside the rest. Thread-safe.
class ChunkArena {
 public:
  /// Aligned to 64 bytes.
  [[nodiscard]] static std::byte* allocate(std::size_t bytes);
  /// REQUIRES: `block` came from `allocate` with as many bytes.
  static void free(std::byte* block, std::size_t bytes);
  /// Of all slabs, whatever of them is given out.
  [[nodiscard]] static std::size_t bytes();
};

}  // namespace apportion
