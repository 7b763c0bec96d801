#include "apportion/base/node.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/decimals.hpp"

namespace apportion {
namespace {

Node nested(int levels) {
  Node node = true;
  for (; levels > 0; --levels) node = levels % 2 == 0 ? Node(Node::List{node}) : Node(Node::Map{{"k", node}});
  return node;
}

Node sample() {
  return Node::Map{{"null", Node()},
                   {"yes", true},
                   {"no", false},
                   {"gb", dec("-0.001")},
                   {"text", "a \"b\"\n\x01"},
                   {"list", Node::List{std::int64_t{1}, "two", Node::List{}}},
                   {"map", Node::Map{}}};
}

TEST(Node, FindsMembersOfMapsOnly) {
  const Node node = sample();
  ASSERT_NE(node.find("yes"), nullptr);
  EXPECT_TRUE(*node.find("yes")->boolean());
  EXPECT_EQ(node.find("absent"), nullptr);
  EXPECT_EQ(Node("text").find("yes"), nullptr);
}

TEST(Node, NamesItsKind) {
  EXPECT_EQ(Node().kind_name(), "null");
  EXPECT_EQ(Node(true).kind_name(), "a boolean");
  EXPECT_EQ(Node(std::int64_t{1}).kind_name(), "a number");
  EXPECT_EQ(Node("x").kind_name(), "text");
  EXPECT_EQ(Node(Node::List{}).kind_name(), "a list");
  EXPECT_EQ(Node(Node::Map{}).kind_name(), "a table");
}

TEST(Node, WritesJson) {
  EXPECT_EQ(to_json(sample()), R"({"null": null, "yes": true, "no": false, "gb": -0.001, "text": "a \"b\"\n\u0001", )"
                               R"("list": [1, "two", []], "map": {}})");
}

TEST(NodeCodec, ReadsWhatItWrote) {
  EXPECT_EQ(decode_node(encode_node(sample())).value(), sample());
  EXPECT_EQ(encode_node(Node()).size(), 1U);
  EXPECT_EQ(encode_node(std::int64_t{5}).size(), 3U) << "tag, exponent, digits";
}

TEST(NodeCodec, KeepsEveryDecimal) {
  for (const char* text : {"0", "1", "-1", "9999999999999999999999999999999999", "-9999999999999999999999999999999999",
                           "1e400", "-1e-400", "127", "128", "0.3", "1e64", "1e-64"}) {
    EXPECT_EQ(decode_node(encode_node(dec(text))).value(), Node(dec(text))) << text;
  }
}

TEST(NodeCodec, AllowsAHundredLevelsAndNoMore) {
  EXPECT_EQ(decode_node(encode_node(nested(100))).value(), nested(100));
  const auto result = decode_node(encode_node(nested(101)));
  ASSERT_TRUE(result.has_error());
  EXPECT_NE(result.error().message.find("100 levels"), std::string::npos);
}

TEST(NodeCodec, RefusesEveryTruncation) {
  const std::string bytes = encode_node(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto result = decode_node(std::string_view(bytes).substr(0, size));
    ASSERT_TRUE(result.has_error()) << size;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_TRUE(decode_node(bytes + '\0').has_error()) << "trailing bytes";
}

struct Damage {
  const char* name;
  std::string bytes;
};

TEST(NodeCodec, RefusesDamage) {
  using namespace std::string_literals;
  const Damage table[] = {
      {"unknown tag", "\x08"s},
      {"a huge count", "\x06\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s},
      {"a count beyond 64 bits", "\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s},
      {"a padded count", "\x06\x80\x00"s},
      {"digits that end in zero", "\x03\x00\x0a"s},
      {"zero with an exponent", "\x03\x02\x00"s},
      {"minus zero", "\x04\x00\x00"s},
      {"an exponent of 401", "\x03\xa2\x06\x01"s},
      {"a key that stands twice", "\x07\x02\x01k\x00\x01k\x00"s},
  };
  for (const Damage& damage : table) EXPECT_TRUE(decode_node(damage.bytes).has_error()) << damage.name;
}

// Law: whatever is accepted is the one encoding of its tree; nothing crashes.
TEST(NodeCodec, AcceptedBytesAreTheirOwnEncoding) {
  std::mt19937_64 random(6);
  const std::string original = encode_node(sample());
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes = original;
    for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto result = decode_node(bytes);
    if (!result) continue;
    ++accepted;
    ASSERT_EQ(encode_node(*result), bytes);
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace apportion
