#include "apportion/base/json.hpp"

#include <gtest/gtest.h>

namespace apportion {
namespace {

TEST(Json, ReadsWhatIsWritten) {
  const Node tree(Node::Map{{"text", "a \"b\"\n\t\x7f"},
                            {"list", Node::List{true, false, Node(), std::int64_t{-3}}},
                            {"number", Decimal::parse("0.1").value()},
                            {"map", Node::Map{{"b", std::int64_t{1}}, {"a", std::int64_t{2}}}}});
  const Result<Node> read = from_json(to_json(tree));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, tree) << "in the order of the text";
}

TEST(Json, RefusesWhatIsNone) {
  const std::string deep = std::string(101, '[') + std::string(101, ']');
  for (const std::string& text : {std::string(), std::string("{"), std::string("{} x"), std::string("nul"), deep,
                                  std::string("18446744073709551615")})
    EXPECT_TRUE(from_json(text).has_error()) << text;
}

}  // namespace
}  // namespace apportion
