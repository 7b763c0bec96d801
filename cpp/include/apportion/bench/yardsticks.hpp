// What the least program for the same job would pay: a figure alone says as much about the machine as about apportion.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/bench/fleet.hpp"
#include "apportion/expr/program.hpp"

namespace apportion {

/// Random row reads and leaf writes in bare arrays. A pair touches two rows, the one that takes and the one that gives
/// back: each is read whole, and one score of it is written per shape. Thread-compatible.
class BareLeaves {
 public:
  BareLeaves(const FleetColumns& columns, std::size_t shapes);
  void pair();

 private:
  struct Row {
    FleetAmounts limit;
    FleetAmounts used;
  };
  std::vector<Row> rows_;
  std::vector<double> leaves_;  // by shape, then row
  std::size_t shapes_;
  BenchRandom random_{7};
};

/// Closest capacity in one dimension on a std::multiset of (free, row), without anything else. Thread-compatible.
class BareMultiset {
 public:
  explicit BareMultiset(const Fleet& fleet);
  void pair();

  [[nodiscard]] std::uint64_t denied() const { return denied_; }

 private:
  void move(std::uint32_t row, Steps difference);

  std::vector<Steps> free_;
  std::multiset<std::pair<Steps, std::uint32_t>> order_;
  std::vector<std::pair<std::uint32_t, Steps>> live_;
  std::vector<Steps> amounts_;
  BenchRandom random_{7};
  std::uint64_t denied_ = 0;
};

/// Scores over bare columns of doubles: what an expression costs when nothing stands between it and its data.
/// Thread-compatible.
class BareScores {
 public:
  explicit BareScores(const FleetColumns& columns);
  ~BareScores();
  BareScores(const BareScores&) = delete;
  BareScores& operator=(const BareScores&) = delete;

  /// Compiles a score for the names used, free, limit, request and scale, of a dimension or as vectors.
  [[nodiscard]] static Program compile(std::string_view score);
  /// Evaluates it once over these rows.
  std::span<const double> by_program(const Program& program, std::span<const std::uint32_t> rows,
                                     const FleetAmounts& request);
  /// The same over the rows [0, count), not picked one by one.
  std::span<const double> by_program(const Program& program, std::size_t count, const FleetAmounts& request);
  /// kFleetScore as a loop written by hand over the rows [0, count).
  std::span<const double> by_hand(std::size_t count, const FleetAmounts& request);

 private:
  class Columns;
  std::span<const double> run(const Program& program, std::size_t count);

  std::unique_ptr<Columns> columns_;
  Scratch scratch_;
  std::vector<double> scores_;
};

}  // namespace apportion
