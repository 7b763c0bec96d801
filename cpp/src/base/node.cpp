#include "apportion/base/node.hpp"

#include <algorithm>
#include <array>

// The encoding. One tag byte, then for
//   numbers  the exponent (zigzag varint) and the magnitude of the digits (varint; the sign is in the tag),
//   text     its length (varint) and bytes,
//   lists    their length and the items,
//   maps     their length and for each member the key (as a text without tag) and the value.
// Varints are little-endian in groups of 7 bits and never longer than needed, so that every tree has one encoding
// and every accepted encoding is the one of its tree.

namespace apportion {
namespace {

__extension__ typedef unsigned __int128 Uint128;

enum class Tag : unsigned char { kNull, kFalse, kTrue, kNumber, kNegative, kText, kList, kMap };

constexpr int kMaxLevels = 100;

class Encoder {
 public:
  void put(const Node& node) {
    if (const bool* truth = node.boolean()) return put(*truth ? Tag::kTrue : Tag::kFalse);
    if (const Decimal* number = node.number()) return put(*number);
    if (const std::string* text = node.text()) {
      put(Tag::kText);
      return put(*text);
    }
    if (const Node::List* list = node.list()) return put(*list);
    if (const Node::Map* map = node.map()) return put(*map);
    put(Tag::kNull);
  }
  std::string take() { return std::move(bytes_); }

 private:
  void put(Tag tag) { bytes_ += static_cast<char>(tag); }
  void put_varint(Uint128 value) {
    for (; value >= 128; value >>= 7) bytes_ += static_cast<char>(static_cast<unsigned char>(value) | 128U);
    bytes_ += static_cast<char>(value);
  }
  void put(const std::string& text) {
    put_varint(text.size());
    bytes_ += text;
  }
  void put(const Decimal& number) {
    put(number.negative() ? Tag::kNegative : Tag::kNumber);
    const int exponent = number.exponent();
    put_varint(static_cast<Uint128>(exponent < 0 ? -2 * exponent - 1 : 2 * exponent));
    put_varint(static_cast<Uint128>(number.negative() ? -number.digits() : number.digits()));
  }
  void put(const Node::List& list) {
    put(Tag::kList);
    put_varint(list.size());
    for (const Node& item : list) put(item);
  }
  void put(const Node::Map& map) {
    put(Tag::kMap);
    put_varint(map.size());
    for (const auto& [key, value] : map) {
      put(key);
      put(value);
    }
  }

  std::string bytes_;
};

// Reads forward; after the first fault everything else reads as nothing and the fault stands.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : left_(bytes) {}

  Node node(int level) {
    switch (static_cast<Tag>(byte())) {
      case Tag::kNull:
        return {};
      case Tag::kFalse:
        return false;
      case Tag::kTrue:
        return true;
      case Tag::kNumber:
        return number(1);
      case Tag::kNegative:
        return number(-1);
      case Tag::kText:
        return text();
      case Tag::kList:
        return list(level + 1);
      case Tag::kMap:
        return map(level + 1);
    }
    return fail("an unknown kind of value");
  }
  Node fail(std::string_view fault) {
    if (fault_.empty()) fault_ = fault;
    left_ = {};
    return {};
  }
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  unsigned char byte() {
    if (left_.empty()) {
      fail("too few bytes");
      return 0;
    }
    const auto value = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    return value;
  }
  Uint128 varint(int bits) {
    Uint128 value = 0;
    for (int shift = 0; shift < bits; shift += 7) {
      const unsigned char part = byte();
      value |= Uint128{part & 127U} << shift;
      if (part < 128) {
        if (part == 0 && shift > 0) fail("a number longer than needed");
        return value;
      }
    }
    fail("a number that is too long");
    return 0;
  }
  // Every item needs a byte, so a count beyond what is left is damage; nothing is reserved on its word.
  std::size_t count() {
    const Uint128 value = varint(64);
    if (value > left_.size()) {
      fail("too few bytes");
      return 0;
    }
    return static_cast<std::size_t>(value);
  }
  std::string text() {
    const std::size_t size = count();
    std::string value(left_.substr(0, size));
    left_.remove_prefix(value.size());
    return value;
  }
  Node number(int sign) {
    const auto zigzag = static_cast<std::int64_t>(varint(14));
    const Uint128 magnitude = varint(119);
    const auto exponent = static_cast<int>(zigzag % 2 == 0 ? zigzag / 2 : -(zigzag + 1) / 2);
    const Int128 digits = static_cast<Int128>(magnitude) * sign;
    const Result<Decimal> value = Decimal::from_parts(digits, exponent);
    const bool normal =
        value && value->digits() == digits && value->exponent() == exponent && value->negative() == (sign < 0);
    return normal ? Node(*value) : fail("a number out of form");
  }
  Node list(int level) {
    if (level > kMaxLevels) return fail("more than 100 levels");
    Node::List items;
    for (std::size_t left = count(); left > 0 && fault_.empty(); --left) items.push_back(node(level));
    return items;
  }
  Node map(int level) {
    if (level > kMaxLevels) return fail("more than 100 levels");
    Node::Map members;
    for (std::size_t left = count(); left > 0 && fault_.empty(); --left) {
      std::string key = text();
      members.emplace_back(std::move(key), node(level));
    }
    return has_duplicate(members) ? fail("a key that stands twice") : Node(std::move(members));
  }
  static bool has_duplicate(const Node::Map& members) {
    std::vector<std::string_view> keys;
    for (const auto& member : members) keys.emplace_back(member.first);
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
  }

  std::string_view left_;
  std::string fault_;
};

void write_text(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (value < 0x20 || value == 0x7f) {
      ((out += "\\u00") += kHex[value >> 4]) += kHex[value & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void write_json(const Node& node, std::string& out);

void write_list(const Node::List& list, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ", ";
    write_json(list[i], out);
  }
  out += ']';
}

void write_map(const Node::Map& map, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (i > 0) out += ", ";
    write_text(map[i].first, out);
    out += ": ";
    write_json(map[i].second, out);
  }
  out += '}';
}

void write_json(const Node& node, std::string& out) {
  if (const bool* truth = node.boolean()) {
    out += *truth ? "true" : "false";
  } else if (const Decimal* number = node.number()) {
    out += number->text();
  } else if (const std::string* text = node.text()) {
    write_text(*text, out);
  } else if (const Node::List* list = node.list()) {
    write_list(*list, out);
  } else if (const Node::Map* map = node.map()) {
    write_map(*map, out);
  } else {
    out += "null";
  }
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const Map* members = map();
  if (members == nullptr) return nullptr;
  const auto found =
      std::find_if(members->begin(), members->end(), [&](const Member& member) { return member.first == key; });
  return found == members->end() ? nullptr : &found->second;
}

std::string_view Node::kind_name() const {
  constexpr std::array<std::string_view, 6> kNames = {"null", "a boolean", "a number", "text", "a list", "a table"};
  return kNames[value_.index()];
}

std::string encode_node(const Node& node) {
  Encoder encoder;
  encoder.put(node);
  return encoder.take();
}

Result<Node> decode_node(std::string_view bytes) {
  Decoder decoder(bytes);
  Node node = decoder.node(0);
  if (decoder.fault().empty() && !decoder.at_end()) decoder.fail("bytes after the end");
  if (!decoder.fault().empty()) return corrupt("a damaged tree: " + decoder.fault());
  return node;
}

std::string to_json(const Node& node) {
  std::string out;
  write_json(node, out);
  return out;
}

}  // namespace apportion
