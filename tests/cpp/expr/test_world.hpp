// Names and random data for the tests of expr: three dimensions, a few columns of every type, two host functions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/expr/program.hpp"

namespace apportion::testing {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr std::uint32_t kDimensions = 3;

struct Column {
  std::string path;
  Ref ref;
};

/// Columns: number of the Ref is the place in this table, except that components of vectors follow their vector.
inline const std::vector<Column>& columns() {
  using enum ValueType;
  static const std::vector<Column> all = [] {
    std::vector<Column> made;
    std::uint32_t id = 0;
    const auto add = [&](std::string path, Read read, ValueType type, bool uniform) {
      made.push_back({std::move(path), {read, type, id, uniform}});
      id += type == kVector ? kDimensions : 1;
    };
    for (const char* name : {"used", "limit", "free"}) {
      add(name, Read::kRow, kVector, false);
      std::uint32_t component = made.back().ref.id;
      for (const char* dimension : {".gb", ".cpu", ".net"}) {
        made.push_back({std::string(name) + dimension, {Read::kRow, kNumber, component++, false}});
      }
    }
    add("request", Read::kRequest, kVector, true);
    made.push_back({"request.gb", {Read::kRequest, kNumber, made.back().ref.id, true}});
    for (const char* name : {"self.a", "self.b", "self.c"}) add(name, Read::kRow, kNumber, false);
    for (const char* name : {"self.p", "self.q"}) add(name, Read::kRow, kBoolean, false);
    for (const char* name : {"self.s", "self.t", "self.labels.tier", "self.labels.a-b"})
      add(name, Read::kRow, kString, false);
    add("self.tags", Read::kRow, kList, false);
    add("now", Read::kTime, kNumber, true);
    add("consumer.speed", Read::kConsumer, kNumber, true);
    add("consumer.vip", Read::kConsumer, kBoolean, true);
    add("consumer.id", Read::kConsumer, kString, true);
    add("consumer.tags", Read::kConsumer, kList, true);
    add("primary.a", Read::kSlot, kNumber, false);
    return made;
  }();
  return all;
}

inline constexpr std::uint32_t kGroupLoad = 1000, kGroupUsed = 1001, kDistance = 1010;

class TestScope : public Scope {
 public:
  std::optional<Ref> resolve(std::string_view path) const override {
    const auto found = std::ranges::find(columns(), path, &Column::path);
    return found == columns().end() ? std::nullopt : std::optional(found->ref);
  }
  std::optional<HostFunction> resolve_function(std::string_view root, std::string_view path) const override {
    using enum ValueType;
    if (root == "group" && path == "load") return HostFunction{{Read::kGroup, kNumber, kGroupLoad, true}, {kString}};
    if (root == "group" && path == "used") return HostFunction{{Read::kGroup, kVector, kGroupUsed, true}, {kString}};
    if (root == "distance" && path.empty())
      return HostFunction{{Read::kRow, kNumber, kDistance, false}, {kNumber, kString}};
    return std::nullopt;
  }
  std::uint32_t dimensions() const override { return kDimensions; }
  std::vector<std::string> names() const override {
    std::vector<std::string> found{"group().load", "group().used", "distance()"};
    for (const Column& column : columns()) found.push_back(column.path);
    return found;
  }
};

/// Strings are numbered in order of `kWords`; the last one is a literal that nobody interned.
inline constexpr std::array<std::string_view, 7> kWords{"",
                                                        "a",
                                                        "b",
                                                        "ab",
                                                        "online",
                                                        "\xC3\xA4"
                                                        "b",
                                                        "zone-a"};
inline constexpr std::string_view kForeign = "nowhere";

/// The pure part of the host functions, shared with the reference evaluator; `word` is nothing for no value.
inline double group_value(std::uint32_t id, std::optional<std::string_view> word) {
  if (!word || *word == kForeign) return kNan;
  return static_cast<double>(word->size()) * 1.5 + (id - kGroupLoad);
}
inline double distance_value(double x, std::optional<std::string_view> word, double row) {
  return word ? x - row + static_cast<double>(word->size()) : kNan;
}

class TestSource : public Source {
 public:
  TestSource(std::uint64_t seed, std::uint32_t rows) : random_(seed), rows_(rows) {
    for (const Column& column : columns()) {
      const std::size_t parts = column.ref.type == ValueType::kVector ? kDimensions : 1;
      for (std::size_t k = 0; k < parts; ++k) fill(column.ref.id + static_cast<std::uint32_t>(k), column.ref);
    }
  }

  void read(const Ref& ref, std::uint32_t n, double* out) override {
    ++reads;
    const Cells& cells = cells_.at(ref.id);
    for (std::uint32_t lane = 0; lane < n; ++lane) {
      const std::size_t row = ref.uniform ? 0 : begin + lane;
      out[lane] = ref.type == ValueType::kList
                      ? (cells.present[row] ? static_cast<double>(cells.lists[row].size()) : kNan)
                      : cells.values[row];
    }
  }
  void call(const Ref& function, std::span<const double* const> arguments, std::uint32_t n, double* out) override {
    for (std::uint32_t lane = 0; lane < n; ++lane) {
      const double symbol = arguments.back()[lane];
      std::optional<std::string_view> word;
      if (symbol >= 0) word = kWords[static_cast<std::size_t>(symbol)];
      if (symbol < 0) word = kForeign;
      out[lane] = function.id == kDistance ? distance_value(arguments[0][lane], word, static_cast<double>(begin + lane))
                                           : group_value(function.id, word);
    }
  }
  void contains(const Ref& list, const double* symbols, std::uint32_t n, double* out) override {
    const Cells& cells = cells_.at(list.id);
    for (std::uint32_t lane = 0; lane < n; ++lane) {
      const std::size_t row = list.uniform ? 0 : begin + lane;
      out[lane] = !cells.present[row] ? kNan : std::ranges::count(cells.lists[row], symbols[lane]) > 0 ? 1 : 0;
    }
  }
  double symbol(std::string_view text) override {
    const auto* found = std::ranges::find(kWords, text);
    return found == kWords.end() ? -1 : static_cast<double>(found - kWords.begin());
  }
  std::string_view text(double symbol) override { return kWords.at(static_cast<std::size_t>(symbol)); }

  /// For the reference evaluator: one cell, whatever its type.
  double cell(const Ref& ref, std::size_t row) const { return cells_.at(ref.id).values[ref.uniform ? 0 : row]; }
  const std::vector<double>* list(const Ref& ref, std::size_t row) const {
    const Cells& cells = cells_.at(ref.id);
    const std::size_t at = ref.uniform ? 0 : row;
    return cells.present[at] ? &cells.lists[at] : nullptr;
  }
  void set(std::string_view path, std::size_t row, double value) {
    cells_.at(std::ranges::find(columns(), path, &Column::path)->ref.id).values[row] = value;
  }

  void set_component(std::string_view path, std::uint32_t component, double value) {
    cells_.at(std::ranges::find(columns(), path, &Column::path)->ref.id + component).values[0] = value;
  }
  void set_list(std::string_view path, std::size_t row, const std::optional<std::vector<double>>& items) {
    Cells& cells = cells_.at(std::ranges::find(columns(), path, &Column::path)->ref.id);
    cells.present[row] = items.has_value();
    cells.lists[row] = items.value_or(std::vector<double>{});
  }

  std::size_t begin = 0;  ///< row of lane 0
  std::size_t reads = 0;

 private:
  struct Cells {
    std::vector<double> values;
    std::vector<std::vector<double>> lists;
    std::vector<bool> present;
  };

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  double number() {
    static constexpr std::array<double, 14> kSpecial{kNan,   kNan,   kInf, -kInf, 0.0, -0.0, 1e308,
                                                     -1e308, 5e-324, 0.5,  -0.5,  2.5, -1,   1e16};
    if (below(3) == 0) return kSpecial[below(kSpecial.size())];
    if (below(2) == 0) return static_cast<double>(below(9)) - 4;
    return (static_cast<double>(below(1U << 30U)) - 0x1p29) / 4096;
  }
  double word() { return below(5) == 0 ? kNan : static_cast<double>(below(kWords.size())); }

  void fill(std::uint32_t id, const Ref& ref) {
    if (cells_.contains(id)) return;  // a component has its own line as a number
    Cells& cells = cells_[id];
    for (std::uint32_t row = 0; row < rows_; ++row) {
      double value = number();
      if (ref.type == ValueType::kBoolean) value = below(4) == 0 ? kNan : static_cast<double>(below(2));
      if (ref.type == ValueType::kString) value = word();
      cells.values.push_back(value);
      cells.present.push_back(below(4) != 0);
      cells.lists.emplace_back();
      for (std::uint64_t k = below(4); k > 0; --k)
        cells.lists.back().push_back(static_cast<double>(below(kWords.size())));
    }
  }

  std::mt19937_64 random_;
  std::uint32_t rows_;
  std::map<std::uint32_t, Cells> cells_;
};

/// Compiles or throws with the message; the value of row 0.
inline double value_of(std::string_view text, ValueType wanted, TestSource& source) {
  Scratch scratch;
  return compile(text, wanted, TestScope()).value().evaluate_one(source, scratch);
}

}  // namespace apportion::testing
