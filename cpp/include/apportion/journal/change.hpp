// One entry of the journal and its bytes. Values; thread-compatible.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "apportion/base/status.hpp"
#include "apportion/base/time.hpp"

namespace apportion {

/// A position in one origin's journal. Numbers count from 1 without gaps; the incarnation rises when another writer
/// takes the origin over. Revisions of different origins have no order.
struct Revision {
  std::uint32_t origin = 0;
  std::uint32_t incarnation = 0;
  std::uint64_t number = 0;

  friend bool operator==(const Revision&, const Revision&) = default;
  [[nodiscard]] std::string text() const;
};

/// Which section a change belongs to (high byte) and what it does there (low byte).
using Kind = std::uint16_t;
constexpr std::uint8_t area_of(Kind kind) { return static_cast<std::uint8_t>(kind >> 8); }
constexpr Kind make_kind(std::uint8_t area, std::uint8_t operation) {
  return static_cast<Kind>((area << 8) | operation);
}

/// A view: `payload` belongs to whoever made it.
struct Change {
  Kind kind = 0;
  std::uint16_t version = 1;  ///< of the payload's form
  Revision revision;
  Time time = 0;
  std::string_view payload;
  bool restored = false;  ///< a record of a snapshot; not among the bytes
};

/// Largest payload of one change.
inline constexpr std::size_t kMaxPayload = std::size_t{1} << 30;
/// Bytes of a frame besides its payload.
inline constexpr std::size_t kFrameBytes = 36;

/// Appends header, checksum and payload to `out`.
void encode_change(const Change& change, std::string& out);

/// Reads the frame at the start of `bytes` and moves `bytes` behind it. Fails with kCorrupt on a short, damaged or
/// oversized frame and leaves `bytes` alone. The change's payload points into `bytes`.
Result<Change> decode_change(std::string_view& bytes);

}  // namespace apportion
