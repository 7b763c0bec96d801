// Tables leave the process's C++ side through the Arrow C stream interface, without a copy of numbers and times.
// The three structs are the ABI of that interface (https://arrow.apache.org/docs/format/CStreamInterface.html).
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "apportion/base/table.hpp"
#include "python.hpp"

// The guards are the ones the specification names, so that other definitions of the same ABI may meet these.
extern "C" {
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};
#endif  // ARROW_C_DATA_INTERFACE

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};
#endif  // ARROW_C_STREAM_INTERFACE
}

namespace apportion {

/// Offsets of 32 bits reach this many bytes of text, or items of lists; beyond, a column takes its large kind.
inline constexpr std::int64_t kNarrowLimit = std::numeric_limits<std::int32_t>::max();

/// Fills `out` with a stream of one batch that holds all rows (also when there are none). The stream and everything
/// taken from it share ownership of `table`, which nobody may change any more. Kinds: int64, float64, bool, utf8,
/// list of utf8, timestamp (ns, UTC); text beyond `narrow_limit` bytes is large_utf8. Its functions never touch Python,
/// so that consumers may call them without the GIL, from one thread at a time. REQUIRES: columns of `table.rows` rows
/// each.
void export_stream(std::shared_ptr<const Table> table, ArrowArrayStream* out, std::int64_t narrow_limit = kNarrowLimit);

/// The same in a capsule named "arrow_array_stream", as `__arrow_c_stream__` returns it. Needs the GIL.
py::capsule stream_capsule(std::shared_ptr<const Table> table, std::int64_t narrow_limit = kNarrowLimit);

}  // namespace apportion
