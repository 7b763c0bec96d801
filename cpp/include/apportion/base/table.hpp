// Named columns of equal length: how state leaves the core for people and data frames. Values; thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace apportion {

/// Texts one behind the other in one buffer: no allocation per text.
class PackedTexts {
 public:
  void reserve(std::size_t texts) { offsets_.reserve(texts + 1); }
  void push_back(std::string_view text) {
    bytes_ += text;
    offsets_.push_back(static_cast<std::int64_t>(bytes_.size()));
  }
  [[nodiscard]] std::size_t size() const { return offsets_.size() - 1; }
  [[nodiscard]] std::string_view operator[](std::size_t i) const {
    const auto start = static_cast<std::size_t>(offsets_[i]);
    return std::string_view(bytes_).substr(start, static_cast<std::size_t>(offsets_[i + 1]) - start);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  /// Where each text starts in `bytes`, then where the last ends.
  [[nodiscard]] const std::vector<std::int64_t>& offsets() const { return offsets_; }
  friend bool operator==(const PackedTexts&, const PackedTexts&) = default;

 private:
  std::string bytes_;
  std::vector<std::int64_t> offsets_ = {0};
};

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
  std::variant<Integers, Numbers, Booleans, Texts, TextLists, Times, PackedTexts> values;
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
  std::string revision = {};  ///< of the state that it shows; "": of none
};

}  // namespace apportion
