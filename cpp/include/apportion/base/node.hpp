// The plain tree a document is parsed to, before anybody knows what it means; also the JSON view of a change.
// Values; thread-compatible. Maps keep the order of the text and may hold a key once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "apportion/base/decimal.hpp"
#include "apportion/base/status.hpp"

namespace apportion {

/// null, boolean, decimal, text, list or map.
class Node {
 public:
  using List = std::vector<Node>;
  using Member = std::pair<std::string, Node>;
  using Map = std::vector<Member>;

  Node() = default;
  Node(bool value) : value_(value) {}
  Node(Decimal value) : value_(value) {}
  Node(std::int64_t value) : value_(Decimal(value)) {}
  Node(std::string value) : value_(std::move(value)) {}
  Node(std::string_view value) : value_(std::string(value)) {}
  Node(const char* value) : value_(std::string(value)) {}
  Node(List value) : value_(std::move(value)) {}
  Node(Map value) : value_(std::move(value)) {}

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] const bool* boolean() const { return std::get_if<bool>(&value_); }
  [[nodiscard]] const Decimal* number() const { return std::get_if<Decimal>(&value_); }
  [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&value_); }
  [[nodiscard]] const List* list() const { return std::get_if<List>(&value_); }
  [[nodiscard]] const Map* map() const { return std::get_if<Map>(&value_); }
  [[nodiscard]] List* list() { return std::get_if<List>(&value_); }
  [[nodiscard]] Map* map() { return std::get_if<Map>(&value_); }
  /// The member of a map, or nullptr; also for anything that is no map.
  [[nodiscard]] const Node* find(std::string_view key) const;
  /// "null", "a boolean", "a number", "text", "a list" or "a table": for messages.
  [[nodiscard]] std::string_view kind_name() const;

  friend bool operator==(const Node&, const Node&) = default;

 private:
  std::variant<std::monostate, bool, Decimal, std::string, List, Map> value_;
};

/// Compact bytes of a tree, the form in which definitions stand in the journal. Deterministic.
std::string encode_node(const Node& node);
/// Fails on damage, on more than 100 levels and on trailing bytes; never reads outside `bytes`.
Result<Node> decode_node(std::string_view bytes);
/// JSON text with sorted order left as it is; numbers as decimals.
std::string to_json(const Node& node);

}  // namespace apportion
