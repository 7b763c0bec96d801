// The instances of one type version in order of ordinal, with what a filter has to see of each in a few bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "apportion/allocator/followers.hpp"
#include "apportion/allocator/portion.hpp"
#include "apportion/inventory/row_source.hpp"

namespace apportion {

/// Positions count 0, 1, ... in order of ordinal. A removed instance leaves a dead position, a new one is appended, so
/// a position keeps its instance until `generation` changes, as it does when an older
/// instance comes from another version. Follows the table by its log of touched rows; read
/// nothing before `catch_up`. Thread-compatible; belongs to a pool, not to the state.
class Roster {
 public:
  /// Positions are handled in blocks of this many. The last one is padded.
  static constexpr std::uint32_t kBlock = Followers::kBlock;

  /// What a request needs of the columns. Dimensions of which nothing is asked do not count.
  struct Needs {
    std::vector<Steps> amounts;
    std::vector<std::uint32_t> columns;  ///< the likeliest to be short first
    std::vector<float> least;            ///< per column
    bool wide = false;                   ///< some amount is not exact as a float: a look at the table decides
    const Portion* portion = nullptr;    ///< rules that the table's instances have; it then decides
  };

  /// `type` must stay what it is: a changed definition wants a new roster.
  Roster(InstanceTable& table, const TypeDefinition& type)
      : table_(table), type_(type), identity_(table.touched.identity()) {
    table.touched.watch();
  }

  /// True when it follows this very table: one that was rolled back and made again is another.
  [[nodiscard]] bool follows(const InstanceTable& table) const {
    return &table == &table_ && identity_ == table.touched.identity();
  }

  /// Reads the rows written since the last call; every row at the first one.
  void catch_up(const Symbols& symbols);

  /// Changes when positions were dealt out anew.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(rows_.size()); }
  [[nodiscard]] std::uint32_t blocks() const { return (size() + kBlock - 1) / kBlock; }
  [[nodiscard]] std::uint32_t row(std::uint32_t position) const { return rows_[position]; }
  [[nodiscard]] std::uint64_t ordinal(std::uint32_t position) const { return ordinals_[position]; }
  /// The position of a row, or kNone.
  [[nodiscard]] std::uint32_t position(std::uint32_t row) const {
    return row < positions_.size() ? positions_[row] : kNone;
  }
  /// What is free, of a dimension or the open column; rounded up: column(c)[cell(position)].
  [[nodiscard]] const float* column(std::uint32_t column) const { return free_.data() + column * kBlock; }
  [[nodiscard]] std::uint32_t cell(std::uint32_t position) const {
    return position / kBlock * width_ + position % kBlock;
  }
  /// For positions that fit these needs. No room while some limit is too large for a float, nor where nothing is asked:
  /// then an instance fits that is over, which shows nothing as free.
  [[nodiscard]] Room room(const Needs& needs, std::span<const std::uint32_t> positions) const {
    const bool asks = needs.columns.front() < table_.dimensions.size();
    return exact_ && asks ? Room{free_.data(), limits_.data(), width_, positions} : Room{};
  }
  /// Asks for the memory that a change of the row will touch.
  void prefetch(std::uint32_t row) const {
    const std::uint32_t at = position(row);
    if (at == kNone) return;
    for (std::size_t column = 0; column < width_; column += kBlock) __builtin_prefetch(&free_[cell(at) + column]);
  }

  /// Those that are told of written rows.
  [[nodiscard]] Followers& followers() { return followers_; }
  /// What `Followers::join` asks for.
  [[nodiscard]] std::vector<float> least_by_column(const Needs& needs) const;
  /// True when some instance was seen that names a policy of its own.
  [[nodiscard]] bool own_policies() const { return own_policies_; }
  /// The first position whose ordinal is greater; size() when there is none.
  [[nodiscard]] std::uint32_t after(std::uint64_t ordinal) const;

  [[nodiscard]] Needs needs(std::span<const Steps> amounts) const;
  /// REQUIRES: `portion` outlives them.
  [[nodiscard]] Needs needs(const Portion& portion) const;
  /// True when the instance exists, its state fields permit, it may serve one more consumer and has enough free.
  [[nodiscard]] bool fits(std::uint32_t position, const Needs& needs) const {
    const float* const free = free_.data() + cell(position);
    for (std::size_t k = 0; k < needs.columns.size(); ++k) {
      if (free[needs.columns[k] * kBlock] < needs.least[k]) return false;
    }
    return !needs.wide || fits_exactly(position, needs);
  }
  /// Bit i stands for position block x kBlock + i.
  [[nodiscard]] std::uint32_t fitting(std::uint32_t block, const Needs& needs) const;
  /// The fitting positions from `first`, a block's first one, at most `limit` positions further, appended to `out`.
  void fitting(std::uint32_t first, std::uint32_t limit, const Needs& needs, std::vector<std::uint32_t>& out) const;

  [[nodiscard]] std::size_t bytes() const;

  static constexpr std::uint32_t kNone = 0xffffffff;

 private:
  using Columns = std::array<const float*, kMaxDimensions>;

  void read_all();
  void read(std::uint32_t row);
  void close(std::uint32_t position);
  void permit(std::uint32_t position);
  void write(std::uint32_t position);
  void append(std::uint32_t row);
  std::span<const float* const> columns_of(const Needs& needs, Columns& columns) const;
  /// What the table says, where floats do not decide.
  [[nodiscard]] bool fits_exactly(std::uint32_t position, const Needs& needs) const {
    if (needs.portion != nullptr) return needs.portion->fits(table_, rows_[position]);
    return table_.fits(rows_[position], needs.amounts);
  }

  const InstanceTable& table_;
  const TypeDefinition& type_;
  const std::uint64_t identity_;
  std::optional<StateRules> rules_;
  Symbol symbols_ = 0;  // how many there were when the rules were made
  std::uint64_t seen_ = 0;
  std::uint64_t generation_ = 0;
  bool whole_ = false;  // what was read is all there: not before the first time, nor when memory ran out
  bool own_policies_ = false;
  std::uint32_t dead_ = 0;
  Followers followers_;
  std::vector<std::uint32_t> rows_;       // by position; of a dead one the row it had
  std::vector<std::uint64_t> ordinals_;   // by position
  std::vector<std::uint32_t> positions_;  // by row
  std::vector<std::uint8_t> permitted_;   // by position: its state fields permit
  // Per block of positions and in it per dimension, then the open column: below 0 where nothing can be taken.
  std::vector<float> free_;
  std::uint32_t width_ = 0;    // cells of a block
  std::vector<float> limits_;  // by position, then dimension
  bool exact_ = true;          // every limit is what its float says
};

}  // namespace apportion
