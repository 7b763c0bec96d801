#include "reading.hpp"

#include <algorithm>
#include <set>

#include "words.hpp"

namespace apportion {
namespace {

constexpr std::size_t kMaxShownBytes = 80;
constexpr std::size_t kMaxListed = 20;
constexpr std::size_t kMaxPlaceKeyBytes = 200;  // keeps places short where somebody nests below an endless key

bool is_bare(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

template <class Words>
std::string joined(const Words& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i == kMaxListed) return text + ", ...";
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

const Node::Map& empty_map() {
  static const Node::Map empty;
  return empty;
}

}  // namespace

std::string join_place(const std::string& place, std::string_view key) {
  std::string part = printable(key, kMaxPlaceKeyBytes);
  if (!is_bare(part)) part = to_json(Node(part));
  return place.empty() ? part : place + "." + part;
}

std::string join_place(const std::string& place, std::size_t index) {
  return place + "[" + std::to_string(index) + "]";
}

std::string quoted(std::string_view text) { return "'" + printable(text, kMaxShownBytes) + "'"; }

std::string shown(const Node& node) {
  if (const std::string* text = node.text()) return "text " + quoted(*text);
  if (const Decimal* number = node.number()) return "the number " + number->text();
  if (const bool* truth = node.boolean()) return *truth ? "true" : "false";
  return std::string(node.kind_name());
}

std::string listed(std::span<const std::string_view> words) { return joined(words); }
std::string listed(const std::vector<std::string>& words) { return joined(words); }

std::string hint(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string found = did_you_mean(word, candidates);
  return found.empty() ? found : "; " + found;
}

std::string text_fault(std::string_view text, const TextRule& rule) {
  if (text.size() < rule.shortest) return "must not be empty";
  if (text.size() > rule.longest) {
    return quoted(text) + " has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(rule.longest) +
           " are allowed";
  }
  if (!is_clean(text, rule.lines)) return quoted(text) + " holds a control character or is not valid UTF-8";
  return {};
}

void check_name(std::string_view name, std::string_view what, const std::string& place,
                std::vector<Problem>& problems) {
  if (!is_name(name)) {
    problems.push_back({place, quoted(name) + " cannot name " + std::string(what) +
                                   ": names are lower-case letters, digits and '_', start with a letter and have at "
                                   "most 64 characters"});
  } else if (name == "true" || name == "false" || name == "in") {
    problems.push_back({place, quoted(name) + " cannot name " + std::string(what) + ": it is a word of expressions"});
  }
}

std::string label_fault(std::string_view key, const Node& value) {
  constexpr std::size_t kMaxKeyBytes = 128;
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || std::string_view("_.-/").find(c) != std::string_view::npos;
  };
  if (key.empty() || key.size() > kMaxKeyBytes || !letter(key[0]) || !std::all_of(key.begin(), key.end(), inner)) {
    return quoted(key) +
           " cannot be a label: keys are lower-case letters, digits, '_', '.', '-' and '/', start with a "
           "letter and have at most 128 characters";
  }
  return value.text() == nullptr ? "expected text, found " + shown(value) : text_fault(*value.text(), kLabelRule);
}

NamedText read_labels(TableReader& table, std::string_view key) {
  NamedText labels;
  for (const auto& [name, value] : table.table(key)) {
    const std::string fault = label_fault(name, value);
    if (fault.empty()) {
      labels.emplace_back(name, *value.text());
    } else {
      table.problems().push_back({join_place(table.place(key), name), fault});
    }
  }
  return labels;
}

Node labels_to_node(const NamedText& labels) {
  Node::Map map;
  for (const auto& [key, value] : labels) map.emplace_back(key, value);
  return map;
}

Status check_labels(const NamedText& labels) {
  if (labels.size() > kMaxLabels)
    return invalid(std::to_string(labels.size()) + " labels; there may be " + std::to_string(kMaxLabels), "labels");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string place = join_place("labels", labels[i].first);
    if (std::string fault = label_fault(labels[i].first, Node(labels[i].second)); !fault.empty())
      return invalid(std::move(fault), place);
    if (labels[i].second.empty()) return invalid("a label of a request must not be empty", place);
    if (i > 0 && labels[i].first <= labels[i - 1].first) return invalid("labels stand sorted by key, each once", place);
  }
  return {};
}

TableReader::TableReader(const Node& node, std::string place, std::vector<Problem>& problems)
    : node_(node), place_(std::move(place)), problems_(problems) {
  if (node.map() == nullptr) problems_.push_back({place_, "expected a table, found " + shown(node)});
}

const Node* TableReader::any(std::string_view key) {
  asked_.emplace_back(key);
  return node_.find(key);
}

void TableReader::report_kind(std::string_view key, std::string_view expected, const Node& found) {
  report(key, "expected " + std::string(expected) + ", found " + shown(found));
}

std::optional<std::string> TableReader::text(std::string_view key, const TextRule& rule) {
  const Node* node = any(key);
  if (node == nullptr) return std::nullopt;
  const std::string* text = node->text();
  if (text == nullptr) {
    report_kind(key, "text", *node);
    return std::nullopt;
  }
  if (std::string fault = text_fault(*text, rule); !fault.empty()) {
    report(key, std::move(fault));
    return std::nullopt;
  }
  return *text;
}

std::optional<std::string> TableReader::name(std::string_view key, std::string_view what) {
  std::optional<std::string> found = text(key, {0, kMaxTextBytes, true});
  if (!found) return found;
  const std::size_t before = problems_.size();
  check_name(*found, what, place(key), problems_);
  return problems_.size() == before ? found : std::nullopt;
}

bool TableReader::flag(std::string_view key) {
  const Node* node = any(key);
  if (node == nullptr) return false;
  if (node->boolean() == nullptr) report_kind(key, "true or false", *node);
  return node->boolean() != nullptr && *node->boolean();
}

const Decimal* TableReader::number(std::string_view key) {
  const Node* node = any(key);
  if (node == nullptr) return nullptr;
  if (node->number() == nullptr) report_kind(key, "a number", *node);
  return node->number();
}

std::optional<std::int64_t> TableReader::integer(std::string_view key, std::int64_t lowest, std::int64_t highest) {
  const Decimal* value = number(key);
  if (value == nullptr) return std::nullopt;
  const Result<std::int64_t> whole = value->to_int64();
  if (whole && *whole >= lowest && *whole <= highest) return *whole;
  report(key, "expected a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest) + ", found " +
                  value->text());
  return std::nullopt;
}

std::optional<std::size_t> TableReader::choice(std::string_view key, std::span<const std::string_view> words) {
  const std::optional<std::string> word = text(key, {0, kMaxTextBytes, true});
  if (!word) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *word);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  report(key, "expected " + listed(words) + ", found text " + quoted(*word) +
                  hint(*word, problems_, [&] { return std::vector<std::string>(words.begin(), words.end()); }));
  return std::nullopt;
}

const Node::List* TableReader::list(std::string_view key) {
  const Node* node = any(key);
  if (node == nullptr) return nullptr;
  if (node->list() == nullptr) report_kind(key, "a list", *node);
  return node->list();
}

std::optional<std::vector<std::string>> TableReader::texts(std::string_view key, const TextRule& rule) {
  const Node::List* items = list(key);
  if (items == nullptr) return std::nullopt;
  std::vector<std::string> found;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const Node& item = (*items)[i];
    const std::string* text = item.text();
    std::string fault = text == nullptr ? "expected text, found " + shown(item) : text_fault(*text, rule);
    if (fault.empty() && !seen.insert(*text).second) fault = quoted(*text) + " stands twice";
    if (fault.empty()) {
      found.push_back(*text);
    } else {
      problems_.push_back({join_place(place(key), i), std::move(fault)});
    }
  }
  return found;
}

const Node::Map& TableReader::table(std::string_view key) {
  const Node* node = any(key);
  if (node == nullptr) return empty_map();
  if (node->map() == nullptr) report_kind(key, "a table", *node);
  return node->map() == nullptr ? empty_map() : *node->map();
}

void TableReader::require(std::string_view key) {
  if (node_.map() != nullptr && !has(key))
    problems_.push_back({place_, "the key '" + std::string(key) + "' is missing"});
}

void TableReader::finish() {
  if (node_.map() == nullptr) return;
  for (const Node::Member& member : *node_.map()) {
    if (std::find(asked_.begin(), asked_.end(), member.first) != asked_.end()) continue;
    std::string suggestion = hint(member.first, problems_, [&] { return asked_; });
    if (suggestion.empty()) suggestion = "; expected " + listed(asked_);
    report(member.first, "unknown key " + quoted(member.first) + suggestion);
  }
}

}  // namespace apportion
