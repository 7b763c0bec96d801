// Who waits for a part of a type, in order, and the first of them whom a certain room would do.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "apportion/catalog/need_scope.hpp"
#include "apportion/catalog/symbols.hpp"
#include "apportion/journal/chunk_vector.hpp"
#include "apportion/journal/record_vector.hpp"

namespace apportion {

/// The pending claims on one type version, by ticket. A tree over their positions keeps the least that anybody below a
/// node asks for, per dimension, and which sorts of requests are there: the first for whom a room is large enough is
/// found in a number of steps that grows with the logarithm of the queue. Derived from the claims, so not part of the
/// state hash. Forks and rolls back like the vectors below it. Thread-compatible.
class WaitingQueue {
 public:
  /// Claims of one sort differ in consumer and amounts alone. A slot of a tree whose rules read other slots has none.
  struct Sort {
    Symbol where = 0;
    Symbol policy = 0;
    NeedRef need{0xffffffff, 0, 0};  ///< of a slot of a tree
    std::uint32_t apart = 0;         ///< 1: it may not have an instance of its siblings
    friend bool operator==(const Sort&, const Sort&) = default;
  };

  struct Found {
    std::uint32_t position = 0;
    std::uint32_t row = 0;  ///< what its owner keeps of the pending claim
    std::uint64_t ticket = 0;
    std::uint32_t sort = 0;  ///< number of its sort; kNoSort: none
    friend bool operator==(const Found&, const Found&) = default;
  };

  /// So many sorts are told apart; claims of further ones are like those without.
  static constexpr std::uint32_t kNoSort = 63;

  explicit WaitingQueue(std::size_t dimensions);

  [[nodiscard]] std::uint32_t size() const { return live_.get(); }
  /// Asked for by all together, by dimension.
  [[nodiscard]] std::span<const Steps> total() const { return std::span(total_.get()).first(dimensions_); }

  /// Behind all others; its position. When room ran out positions were dealt out anew: `moved` hears of every claim
  /// and its new one. REQUIRES: the ticket is the greatest so far; amounts of all dimensions, in [0, kMaxSteps].
  template <class Moved>
  std::uint32_t add(Transaction& log, std::uint32_t row, std::uint64_t ticket, const std::optional<Sort>& sort,
                    std::span<const Steps> amounts, const Moved& moved) {
    for (const Found& entry : make_room(log)) moved(entry.row, entry.position);
    return append(log, row, ticket, sort, amounts);
  }
  /// REQUIRES: somebody is there.
  void remove(Transaction& log, std::uint32_t position);

  /// The first at `from` or behind it that asks for no more than `room` in any dimension (empty: whatever it asks for)
  /// and whose sort's bit is not set in `passed`.
  [[nodiscard]] std::optional<Found> first(std::uint32_t from, std::span<const Steps> room,
                                           std::uint64_t passed = 0) const;
  /// The sort of a number that claims have; nullptr for others.
  [[nodiscard]] const Sort* sort(std::uint32_t number) const {
    return number < sorts_.size() && sorts_[number].claims > 0 ? &sorts_[number].sort : nullptr;
  }
  /// All, in order.
  [[nodiscard]] std::vector<Found> entries() const;
  [[nodiscard]] std::size_t bytes() const;

 private:
  static constexpr std::size_t kFan = 16;
  static constexpr std::size_t kLevels = 8;  // 16^8 positions

  /// Of a node; of a position besides who is there. Behind it stands the least amount of each dimension.
  struct Head {
    std::uint64_t sorts = 0;  // a bit for each below it; 0: nobody
    std::uint64_t ticket = 0;
    std::uint32_t row = 0;
    std::uint32_t sort = 0;
  };
  struct SortRow {
    Sort sort;
    std::uint32_t claims = 0;
    friend bool operator==(const SortRow&, const SortRow&) = default;
  };

  [[nodiscard]] const Head& head(std::size_t level, std::size_t node) const {
    return *reinterpret_cast<const Head*>(levels_[level][node]);
  }
  [[nodiscard]] const Steps* least(std::size_t level, std::size_t node) const {
    return reinterpret_cast<const Steps*>(levels_[level][node] + sizeof(Head));
  }
  std::vector<Found> make_room(Transaction& log);
  std::uint32_t append(Transaction& log, std::uint32_t row, std::uint64_t ticket, const std::optional<Sort>& sort,
                       std::span<const Steps> amounts);
  void put(Transaction& log, const Found& entry, std::span<const Steps> amounts);
  void widen(Transaction& log, std::size_t level, std::size_t node, const Found& entry, std::span<const Steps> amounts);
  bool narrow(Transaction& log, std::size_t level, std::size_t node);
  void add_total(Transaction& log, std::span<const Steps> amounts, int sign);
  std::uint32_t join(Transaction& log, const std::optional<Sort>& sort);
  [[nodiscard]] Found found(std::size_t position) const;
  [[nodiscard]] bool holds(std::size_t level, std::size_t node, std::span<const Steps> room,
                           std::uint64_t passed) const;
  [[nodiscard]] std::optional<std::size_t> search(std::size_t level, std::size_t node, std::size_t from,
                                                  std::span<const Steps> room, std::uint64_t passed) const;

  std::size_t dimensions_;
  std::vector<RecordVector> levels_;  // [0]: positions; a node above stands for kFan below it
  ChunkVector<SortRow> sorts_;
  Cell<std::uint32_t> live_;
  Cell<std::array<Steps, kMaxDimensions>> total_;
};

}  // namespace apportion
