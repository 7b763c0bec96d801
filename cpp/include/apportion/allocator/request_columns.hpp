// Many requests as columns: what differs from row to row, and what is said once for all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "apportion/base/decimal.hpp"
#include "apportion/base/time.hpp"

namespace apportion {

/// A text per row, or one for all rows. Looks at bytes that belong to whoever made it and must outlive it.
class TextColumn {
 public:
  TextColumn() = default;
  explicit TextColumn(std::string_view all) : all_(all) {}
  explicit TextColumn(std::vector<std::string_view> rows) : rows_(std::move(rows)) {}

  /// One text for all rows.
  [[nodiscard]] bool uniform() const { return rows_.empty(); }
  [[nodiscard]] std::string_view operator[](std::size_t row) const { return rows_.empty() ? all_ : rows_[row]; }

 private:
  std::string_view all_;
  std::vector<std::string_view> rows_;
};

/// What is asked of one dimension, in units, a number per row. A double counts as its shortest decimal. Looks at
/// numbers that must outlive it and stay as they are.
struct AmountColumn {
  std::string name;
  std::variant<std::span<const std::int64_t>, std::span<const double>, std::span<const Decimal>> values;
};

/// Requests for claims that start now and have no end. The members are those of Request.
struct RequestColumns {
  std::size_t rows = 0;
  TextColumn type;
  TextColumn consumer;
  TextColumn policy;
  TextColumn where;
  TextColumn key;
  std::vector<std::pair<std::string, TextColumn>> labels;  ///< by key, sorted; a row with "" has no such label
  std::vector<std::uint32_t> count;                        ///< empty: 1 in all rows
  std::vector<AmountColumn> amounts;                       ///< of `rows` values each
  /// So many threads, 1 to 256, look together where many instances have to be looked at; the answers are the same.
  std::int64_t threads = 1;
};

/// What happens to requests, and when. Looks at numbers that must outlive it and stay as they are.
struct RequestEvents {
  std::span<const std::int64_t> order;  ///< rows: asked for where one stands first, its grant released where again
  std::span<const Time> times;          ///< where the pool's own clock goes before each event; empty: it stays
};

}  // namespace apportion
