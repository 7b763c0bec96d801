// Bytes that the program holds on the heap and in chunks.
#pragma once

#include <cstddef>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "apportion/journal/chunk_arena.hpp"

namespace apportion {

/// 0 where the allocator does not say.
inline std::size_t heap_bytes() {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd + ChunkArena::bytes();
#else
  return 0;
#endif
}

}  // namespace apportion
