#include <gtest/gtest.h>

#include "apportion/catalog/document.hpp"

namespace apportion {
namespace {

FieldDefinition text_like(std::string pattern) {
  FieldDefinition field;
  field.pattern = std::move(pattern);
  return field;
}

TEST(Patterns, MatchTheWholeText) {
  EXPECT_TRUE(check_value(text_like("[a-z]+[0-9]?"), Node("abc1")));
  EXPECT_FALSE(check_value(text_like("[a-z]+"), Node("abc1")));
  EXPECT_FALSE(check_value(text_like("b"), Node("abc")));
  EXPECT_TRUE(check_value(text_like("a|abc"), Node("abc"))) << "every branch is tried";
}

TEST(Patterns, BrokenOnesAreErrors) {
  for (const char* pattern : {"(", "[", "*", "(?<", "\\", "[z-a]"}) {
    const auto result = check_value(text_like(pattern), Node("x"));
    ASSERT_TRUE(result.has_error()) << pattern;
    EXPECT_NE(result.error().message.find("is not a regular expression"), std::string::npos) << result.error().message;
  }
}

// More patterns than are kept compiled, twice over.
TEST(Patterns, ManyOfThem) {
  for (int i = 0; i < 400; ++i) {
    const std::string word = std::to_string(i % 200);
    EXPECT_TRUE(check_value(text_like(word + "x*"), Node(word)));
    EXPECT_FALSE(check_value(text_like(word + "x*"), Node(word + "y")));
  }
}

TEST(Patterns, GiveUpOnSearchesThatExplode) {
  const FieldDefinition definition = text_like("(a*)*(a*)*(a*)*(a*)*b");
  const auto result = check_value(definition, Node(std::string(5000, 'a')));
  ASSERT_TRUE(result.has_error());
  EXPECT_NE(result.error().message.find("takes too long"), std::string::npos);
}

}  // namespace
}  // namespace apportion
