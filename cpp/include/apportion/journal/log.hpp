// The journal in memory: recent changes as bytes, and forks of the state from which they can be replayed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apportion/journal/state.hpp"

namespace apportion {

/// Bounded: when the kept bytes exceed `limit_bytes`, the oldest half is folded, and the oldest revision that can still
/// be reached moves to a newer fork. Thread-compatible; owned beside the live state.
class Log {
 public:
  explicit Log(std::size_t limit_bytes = std::size_t{64} << 20) : limit_bytes_(limit_bytes) {}

  /// Called before the changes of one update: starts with `state` as the base, and folds when the bound is reached.
  /// REQUIRES: `state` is at `last_number()` and no update is under way.
  void prepare(const State& state);
  /// Takes the change that follows. REQUIRES: `prepare` was called; it carries the next number.
  void append(const Change& change);
  /// Takes back the changes above `number`: those of an update that failed. REQUIRES: `prepare` ran at or below it.
  void drop_after(std::uint64_t number);

  /// The number of the oldest state that `at` can give; changes above it are kept.
  [[nodiscard]] std::uint64_t base_number() const;
  [[nodiscard]] std::uint64_t last_number() const;
  /// Bytes of all kept changes.
  [[nodiscard]] std::size_t bytes() const;

  /// The state as it was after change `number`. Fails below `base_number()`, naming it, and above `last_number()`.
  [[nodiscard]] Result<std::unique_ptr<State>> at(std::uint64_t number) const;
  /// The newest revision whose time is not after `time`.
  [[nodiscard]] std::uint64_t number_at(Time time) const;
  /// The change with this number, or an error naming the oldest kept. Valid until the next append.
  [[nodiscard]] Result<Change> change(std::uint64_t number) const;

  void set_limit(std::size_t limit_bytes) { limit_bytes_ = limit_bytes; }

 private:
  /// Changes that follow `base`, one after the other.
  struct Segment {
    std::shared_ptr<const State> base;
    std::string bytes;
    std::vector<std::size_t> offsets;

    [[nodiscard]] std::uint64_t base_number() const { return base->revision().number; }
    [[nodiscard]] std::uint64_t last_number() const { return base_number() + offsets.size(); }
    [[nodiscard]] Change change(std::uint64_t number) const;
  };

  [[nodiscard]] const Segment* segment_of(std::uint64_t number) const;

  std::size_t limit_bytes_;
  std::deque<Segment> segments_;
};

}  // namespace apportion
