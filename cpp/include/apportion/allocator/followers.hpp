// The indexed shapes that follow a roster: what each has to look at anew. A written row is compared with the needs of
// all of them at once, so that a shape hears only of rows that it could take.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apportion/catalog/definitions.hpp"

namespace apportion {

/// A shape has a number here as long as it follows. Per block of positions it keeps which of them has its least key,
/// beside those of all other shapes: one line of memory says whose least key a written row was. Thread-compatible;
/// belongs to a roster.
class Followers {
 public:
  /// Instead of the place of the least key in a block: it left, or rose; there is none.
  static constexpr std::uint8_t kStale = 0xff;
  static constexpr std::uint8_t kEmpty = 0xfe;
  /// Positions per block.
  static constexpr std::uint32_t kBlock = 32;
  /// Columns of free quantities that rows are compared by: the dimensions and one more.
  static constexpr std::size_t kMaxColumns = kMaxDimensions + 1;

  /// The number of a new follower, for which every block is kEmpty. Of column k it takes only rows that show at least
  /// least[k]; -infinity: any.
  std::uint32_t join(std::span<const float> least);
  void leave(std::uint32_t follower);
  /// Everything it knew is void: blocks are kEmpty, nothing waits, it hears of rows again.
  void reset(std::uint32_t follower);

  /// So many blocks there are; new ones are kEmpty.
  void resize(std::size_t blocks);
  /// Positions were dealt out anew: nobody knows anything and nobody hears of rows until `reset`. There are no blocks.
  void restart();

  /// The row at this position shows free[k x kBlock] in column k now.
  void write(std::uint32_t position, const float* free) {
    if (awake_count_ > 0) tell(position, free);
  }

  [[nodiscard]] std::uint8_t& place(std::size_t block, std::uint32_t follower) {
    return places_[block * width_ + follower];
  }
  /// Positions that were written since it last looked and that it could take then, in order of writing; it clears them.
  [[nodiscard]] std::vector<std::uint32_t>& waiting(std::uint32_t follower) { return waiting_[follower]; }
  /// False once more waited for it than it is worth: it is told nothing more until `reset`.
  [[nodiscard]] bool hears(std::uint32_t follower) const {
    return (awake_[follower / kWord] >> follower % kWord & 1U) != 0;
  }

  [[nodiscard]] std::size_t bytes() const;

 private:
  static constexpr std::uint32_t kWord = 32;  // followers that are compared at once

  void widen();
  void tell(std::uint32_t position, const float* free);
  void tell(std::uint32_t follower, std::uint32_t position);
  void sleep(std::uint32_t follower);
  void find_columns();
  [[nodiscard]] std::size_t patience() const;

  std::size_t blocks_ = 0;
  std::size_t width_ = 0;  // numbers there are, in words
  std::uint32_t awake_count_ = 0;
  std::vector<std::uint32_t> awake_;  // a bit each
  std::vector<bool> taken_;
  std::vector<std::uint8_t> places_;  // by block, then follower
  std::vector<std::vector<std::uint32_t>> waiting_;
  // What a row has to show, negative: by column, then follower. Comparing signs reversed lets a row stand for a request
  // and requests for rows.
  std::array<std::vector<float>, kMaxColumns> needs_;
  std::vector<std::uint32_t> columns_;  // of which somebody needs something
};

}  // namespace apportion
