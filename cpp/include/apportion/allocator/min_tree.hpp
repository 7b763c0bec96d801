// The least of many numbers that change one at a time, and where it stands.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace apportion {

/// A tree of minima, sixteen children to a node: changing a leaf looks at one group of sixteen a level only where it
/// was the least of its group, and only as far up as a minimum changes. Leaves hold any double but NaN; +infinity:
/// nothing. Thread-compatible.
class MinTree {
 public:
  static constexpr double kNothing = std::numeric_limits<double>::infinity();
  static constexpr std::size_t kNone = ~std::size_t{0};

  /// `last_wins`: of equal leaves the last one is the best, else the first.
  explicit MinTree(std::size_t leaves = 0, bool last_wins = false) : last_wins_(last_wins) { resize(leaves); }

  /// New leaves hold nothing. REQUIRES: leaves >= size().
  void resize(std::size_t leaves) {
    count_ = leaves;
    std::size_t width = std::max<std::size_t>(groups(leaves), 1);
    leaves_.resize(width * kFan, kNothing);
    for (std::size_t level = 0;; ++level) {
      if (level == above_.size()) above_.emplace_back();
      above_[level].least.resize(groups(width) * kFan, kNothing);
      above_[level].who.resize(width);
      for (std::size_t group = 0; group < width; ++group) find_least(level, group);
      if (width == 1) break;
      width = groups(width);
    }
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] double operator[](std::size_t leaf) const { return leaves_[leaf]; }
  [[nodiscard]] double least() const { return above_.back().least[0]; }
  /// The first leaf that holds the least number, or the last. REQUIRES: some leaf holds something.
  [[nodiscard]] std::size_t best() const {
    std::size_t at = 0;
    for (std::size_t level = above_.size(); level-- > 0;) at = at * kFan + above_[level].who[at];
    return at;
  }

  void set(std::size_t leaf, double value) {
    leaves_[leaf] = value;
    for (std::size_t level = 0; level < above_.size(); ++level) {
      const auto child = static_cast<std::uint8_t>(leaf % kFan);
      leaf /= kFan;
      double& least = above_[level].least[leaf];
      std::uint8_t& who = above_[level].who[leaf];
      const double before = least;
      if (value < before || (value == before && (last_wins_ ? child > who : child < who))) {
        least = value;
        who = child;
      } else if (who == child && value != before) {
        find_least(level, leaf);
      }
      if (least == before) return;
      value = least;
    }
  }

  /// The first leaf at or after `from` that holds a number not above `value`, or kNone.
  [[nodiscard]] std::size_t first(double value, std::size_t from = 0) const {
    std::size_t level = 0;
    std::size_t at = from;
    if (from >= count_) return kNone;
    // Up until the rest of a group holds one, then down.
    for (;; ++level) {
      const std::size_t end = (at / kFan + 1) * kFan;
      while (at < end && !(numbers(level)[at] <= value)) ++at;
      if (at < end) break;
      if (level + 1 >= above_.size()) return kNone;
      at = end / kFan;
      if (at >= above_[level].who.size()) return kNone;
    }
    while (level > 0) {
      --level;
      at *= kFan;
      while (!(numbers(level)[at] <= value)) ++at;
    }
    return at;
  }

  [[nodiscard]] std::size_t bytes() const {
    std::size_t total = leaves_.capacity() * sizeof(double);
    for (const Level& level : above_) total += level.least.capacity() * sizeof(double) + level.who.capacity();
    return total;
  }

 private:
  static constexpr std::size_t kFan = 16;

  // Per group of sixteen of the level below: its least number, and which of them it is. Padded to whole groups.
  struct Level {
    std::vector<double> least;
    std::vector<std::uint8_t> who;
  };

  static std::size_t groups(std::size_t width) { return (width + kFan - 1) / kFan; }

  [[nodiscard]] const std::vector<double>& numbers(std::size_t level) const {
    return level == 0 ? leaves_ : above_[level - 1].least;
  }

  void find_least(std::size_t level, std::size_t group) {
    const double* const of = numbers(level).data() + group * kFan;
    double lows[4] = {of[0], of[1], of[2], of[3]};
    for (std::size_t i = 4; i < kFan; i += 4) {
      for (std::size_t k = 0; k < 4; ++k) lows[k] = of[i + k] < lows[k] ? of[i + k] : lows[k];
    }
    const double least = std::min(std::min(lows[0], lows[1]), std::min(lows[2], lows[3]));
    std::size_t who = last_wins_ ? kFan - 1 : 0;
    while (of[who] != least) last_wins_ ? --who : ++who;
    above_[level].least[group] = least;
    above_[level].who[group] = static_cast<std::uint8_t>(who);
  }

  bool last_wins_;
  std::size_t count_ = 0;
  std::vector<double> leaves_;
  std::vector<Level> above_;  // the last level is one group's
};

}  // namespace apportion
