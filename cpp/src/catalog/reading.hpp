// How the readers of documents look at a table: every look-up checks the kind, every fault becomes a Problem with its
// place, and what was never asked for is an unknown key. Not thread-safe; private to the area.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/catalog/document.hpp"

namespace apportion {

/// Bounds of a text, in bytes. `lines` permits line breaks and tabs.
struct TextRule {
  std::size_t shortest = 0;
  std::size_t longest = 0;
  bool lines = false;
};

inline constexpr TextRule kDescriptionRule{0, 4096, true};
inline constexpr TextRule kExpressionRule{1, 65'536, true};
inline constexpr TextRule kIdRule{1, kMaxIdBytes, false};
inline constexpr TextRule kLabelRule{0, 200, false};
inline constexpr std::size_t kMaxTextBytes = 65'536;

/// `place.key`, the key quoted unless it is bare, and cut when it is very long.
std::string join_place(const std::string& place, std::string_view key);
/// `place[index]`
std::string join_place(const std::string& place, std::size_t index);

/// Text in quotes for a message: cut to 80 bytes, with '?' for what cannot be shown.
std::string quoted(std::string_view text);
/// "text 'abc'", "the number 5", "a list": what a message says was found.
std::string shown(const Node& node);
/// The names of definitions, in their order.
template <class Definition>
std::vector<std::string> names_of(const std::vector<Definition>& definitions) {
  std::vector<std::string> names;
  for (const Definition& definition : definitions) names.push_back(definition.name);
  return names;
}
inline Node texts_to_node(const std::vector<std::string>& texts) { return Node::List(texts.begin(), texts.end()); }
/// "a, b or c"
std::string listed(std::span<const std::string_view> words);
std::string listed(const std::vector<std::string>& words);
/// "; did you mean 'x'?" or "".
std::string hint(std::string_view word, const std::vector<std::string>& candidates);
/// The same for the next of many problems; after a thousand nobody reads on, and `names()` is not asked for any more.
template <class Names>
std::string hint(std::string_view word, const std::vector<Problem>& problems, const Names& names) {
  constexpr std::size_t kMostHints = 1000;
  return problems.size() < kMostHints ? hint(word, names()) : std::string();
}

/// What is wrong with the text, or "".
std::string text_fault(std::string_view text, const TextRule& rule);
/// Reports a name that has not the form of names, or is a word that expressions use otherwise.
void check_name(std::string_view name, std::string_view what, const std::string& place, std::vector<Problem>& problems);

/// What is wrong with a label, or "".
std::string label_fault(std::string_view key, const Node& value);

/// Looks at one table. Look-ups of absent keys give nothing; of wrong ones too, after a Problem.
/// `node`, `problems` and the keys must outlive the reader.
class TableReader {
 public:
  /// Reports when `node` is no table; it then reads as an empty one.
  TableReader(const Node& node, std::string place, std::vector<Problem>& problems);

  const Node* any(std::string_view key);
  std::optional<std::string> text(std::string_view key, const TextRule& rule);
  /// A text that has the form of names; `what` says of what: "a type".
  std::optional<std::string> name(std::string_view key, std::string_view what);
  bool flag(std::string_view key);
  const Decimal* number(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t lowest, std::int64_t highest);
  /// The index of the text in `words`.
  std::optional<std::size_t> choice(std::string_view key, std::span<const std::string_view> words);
  const Node::List* list(std::string_view key);
  /// Distinct texts.
  std::optional<std::vector<std::string>> texts(std::string_view key, const TextRule& rule);
  /// The members of a table; empty when there is none.
  const Node::Map& table(std::string_view key);

  [[nodiscard]] bool has(std::string_view key) const { return node_.find(key) != nullptr; }
  [[nodiscard]] std::string place(std::string_view key) const { return join_place(place_, key); }
  [[nodiscard]] std::vector<Problem>& problems() const { return problems_; }
  void report(std::string_view key, std::string message) { problems_.push_back({place(key), std::move(message)}); }
  /// Reports that `key` is missing, unless it is there.
  void require(std::string_view key);
  /// Reports every key that nobody asked for.
  void finish();

 private:
  void report_kind(std::string_view key, std::string_view expected, const Node& found);

  const Node& node_;
  std::string place_;
  std::vector<Problem>& problems_;
  std::vector<std::string> asked_;
};

/// A table of labels, sorted by key.
NamedText read_labels(TableReader& table, std::string_view key);
Node labels_to_node(const NamedText& labels);

}  // namespace apportion
