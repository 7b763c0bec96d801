// Time as the journal carries it. Values; thread-compatible.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace apportion {

/// Nanoseconds since 1970-01-01 UTC, without leap seconds.
using Time = std::int64_t;

/// "Never" of an end or an expiry.
inline constexpr Time kForever = std::numeric_limits<Time>::max();
inline constexpr Time kSecond = 1'000'000'000;

/// The machine's clock. Only writers call it: applying a change never reads a clock.
inline Time system_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace apportion
