#include <gtest/gtest.h>

#include "apportion/catalog/document.hpp"

namespace apportion {
namespace {

TEST(Names, HaveOneForm) {
  EXPECT_TRUE(is_name("a"));
  EXPECT_TRUE(is_name("disk_2"));
  EXPECT_TRUE(is_name(std::string(64, 'x')));
  for (const char* text : {"", "2disk", "_a", "Disk", "a-b", "a.b", "\xc3\xa4"}) EXPECT_FALSE(is_name(text)) << text;
  EXPECT_FALSE(is_name(std::string(65, 'x')));
}

TEST(CleanText, IsUtf8WithoutControls) {
  for (const char* text : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_clean_text(text)) << text;
  }
  for (const char* text : {"a\nb", "\x1b[0m", "\x7f", "\xc2\x85", "\xff", "\x80", "\xc0\xaf", "\xe0\x80\xaf",
                           "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x80\x80\x80", "\xc3"}) {
    EXPECT_FALSE(is_clean_text(text)) << text;
  }
  EXPECT_FALSE(is_clean_text(std::string_view("a\0b", 3)));
}

struct Suggestion {
  const char* word;
  const char* expected;
};

TEST(DidYouMean, FindsTheClosestWord) {
  const std::vector<std::string> words = {"limit", "policy", "dimensions", "id"};
  const Suggestion table[] = {
      {"limti", "did you mean 'limit'?"},           // one swap
      {"polcy", "did you mean 'policy'?"},          // one missing
      {"Policy", "did you mean 'policy'?"},         // case
      {"dimension", "did you mean 'dimensions'?"},  // one missing
      {"ID", "did you mean 'id'?"},                 //
      {"quota", ""},                                // another word
      {"", ""},
  };
  for (const Suggestion& row : table) EXPECT_EQ(did_you_mean(row.word, words), row.expected) << row.word;
}

TEST(DidYouMean, IsBounded) {
  const std::vector<std::string> many(2000, "limit");
  EXPECT_EQ(did_you_mean("limti", many), "");
  EXPECT_EQ(did_you_mean(std::string(1'000'000, 'x'), {"limit"}), "");
}

}  // namespace
}  // namespace apportion
