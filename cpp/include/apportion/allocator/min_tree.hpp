// The least of many numbers that change one at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace apportion {

/// A tree of minima, sixteen children to a node: changing a leaf looks at one group of sixteen a level, and only as far
/// up as a minimum changes. Leaves hold any double but NaN; +infinity: nothing. Thread-compatible.
class MinTree {
 public:
  static constexpr double kNothing = std::numeric_limits<double>::infinity();
  static constexpr std::size_t kNone = ~std::size_t{0};

  explicit MinTree(std::size_t leaves = 0) { resize(leaves); }

  /// New leaves hold nothing. REQUIRES: leaves >= size().
  void resize(std::size_t leaves) {
    count_ = leaves;
    std::size_t width = leaves;
    for (std::size_t level = 0; level == 0 || width > 1; ++level) {
      if (level == levels_.size()) levels_.emplace_back();
      width = std::max<std::size_t>(groups(width), 1);
      levels_[level].resize(width * kFan, kNothing);
    }
    for (std::size_t level = 1; level < levels_.size(); ++level) {
      for (std::size_t i = 0; i < groups(levels_[level - 1].size()); ++i) levels_[level][i] = least_of(level - 1, i);
    }
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] double operator[](std::size_t leaf) const { return levels_[0][leaf]; }
  [[nodiscard]] double least() const { return least_of(levels_.size() - 1, 0); }

  void set(std::size_t leaf, double value) {
    levels_[0][leaf] = value;
    for (std::size_t level = 1; level < levels_.size(); ++level) {
      leaf /= kFan;
      double& above = levels_[level][leaf];
      const double least = value < above ? value : least_of(level - 1, leaf);
      if (above == least) return;
      above = least;
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
      while (at < end && !(levels_[level][at] <= value)) ++at;
      if (at < end) break;
      if (level + 1 == levels_.size()) return kNone;
      at = end / kFan;
      if (at >= levels_[level + 1].size()) return kNone;
    }
    while (level > 0) {
      --level;
      at *= kFan;
      while (!(levels_[level][at] <= value)) ++at;
    }
    return at;
  }

  /// The last leaf that holds a number not above `value`, or kNone.
  [[nodiscard]] std::size_t last(double value) const {
    if (!(least() <= value)) return kNone;
    std::size_t at = 0;
    for (std::size_t level = levels_.size(); level-- > 0;) {
      at = at * kFan + kFan - 1;
      while (!(levels_[level][at] <= value)) --at;
    }
    return at;
  }

  [[nodiscard]] std::size_t bytes() const {
    std::size_t total = 0;
    for (const auto& level : levels_) total += level.capacity() * sizeof(double);
    return total;
  }

 private:
  static constexpr std::size_t kFan = 16;

  static std::size_t groups(std::size_t width) { return (width + kFan - 1) / kFan; }

  [[nodiscard]] double least_of(std::size_t level, std::size_t group) const {
    const double* of = levels_[level].data() + group * kFan;
    double least[4] = {of[0], of[1], of[2], of[3]};
    for (std::size_t i = 4; i < kFan; i += 4) {
      for (std::size_t k = 0; k < 4; ++k) least[k] = of[i + k] < least[k] ? of[i + k] : least[k];
    }
    const double low = least[0] < least[1] ? least[0] : least[1];
    const double high = least[2] < least[3] ? least[2] : least[3];
    return low < high ? low : high;
  }

  std::size_t count_ = 0;
  std::vector<std::vector<double>> levels_;  // leaves first; the last level is one group
};

}  // namespace apportion
