// Named columns of equal length: how state leaves the core for people and data frames. Values; thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace apportion {

/// One column. `values` decides the kind; `valid` is empty when every row has a value, else one flag a row (1: has a
/// value).
struct TableColumn {
  using Integers = std::vector<std::int64_t>;
  using Numbers = std::vector<double>;
  using Booleans = std::vector<std::uint8_t>;
  using Texts = std::vector<std::string>;
  using TextLists = std::vector<std::vector<std::string>>;
  /// Nanoseconds since the epoch, UTC.
  struct Times {
    std::vector<std::int64_t> values;
  };

  std::string name;
  std::variant<Integers, Numbers, Booleans, Texts, TextLists, Times> values;
  std::vector<std::uint8_t> valid;

  [[nodiscard]] std::size_t size() const {
    return std::visit(
        [](const auto& held) {
          if constexpr (requires { held.values.size(); }) {
            return held.values.size();
          } else {
            return held.size();
          }
        },
        values);
  }
};

/// Columns in order; every column has `rows` rows.
struct Table {
  std::vector<TableColumn> columns;
  std::size_t rows = 0;
};

}  // namespace apportion
