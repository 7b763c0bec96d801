// Trees for tests, written as JSON with single quotes: tree("{'types': {}}"). Only what tests need; no escapes.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "apportion/base/node.hpp"

namespace apportion {

class JsonTree {
 public:
  explicit JsonTree(std::string_view text) : left_(text) {}

  Node read_all() {
    Node node = read();
    if (peek() != '\0') fail();
    return node;
  }

 private:
  [[noreturn]] void fail() const { throw std::runtime_error("bad test tree at: " + std::string(left_.substr(0, 40))); }

  char peek() {
    while (!left_.empty() && (left_[0] == ' ' || left_[0] == '\n')) left_.remove_prefix(1);
    return left_.empty() ? '\0' : left_[0];
  }
  bool take(char c) {
    if (peek() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  bool take_word(std::string_view word) {
    if (!left_.starts_with(word)) return false;
    left_.remove_prefix(word.size());
    return true;
  }
  std::string text() {
    expect('\'');
    const std::size_t end = left_.find('\'');
    if (end == std::string_view::npos) fail();
    std::string value(left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return value;
  }

  Node read() {
    const char next = peek();
    if (next == '{') return map();
    if (next == '[') return list();
    if (next == '\'') return text();
    if (take_word("true")) return true;
    if (take_word("false")) return false;
    if (take_word("null")) return {};
    const std::size_t size = std::min(left_.find_first_not_of("-+.eE0123456789"), left_.size());
    const Decimal number = Decimal::parse(left_.substr(0, size)).value();
    left_.remove_prefix(size);
    return number;
  }
  Node list() {
    Node::List items;
    expect('[');
    while (!take(']')) {
      items.push_back(read());
      if (peek() != ']') expect(',');
    }
    return items;
  }
  Node map() {
    Node::Map members;
    expect('{');
    while (!take('}')) {
      std::string key = text();
      expect(':');
      members.emplace_back(std::move(key), read());
      if (peek() != '}') expect(',');
    }
    return members;
  }

  std::string_view left_;
};

inline Node tree(std::string_view text) { return JsonTree(text).read_all(); }

}  // namespace apportion
