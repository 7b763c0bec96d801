#include "apportion/expr/diagnostic.hpp"

#include <gtest/gtest.h>

namespace apportion {
namespace {

TEST(Diagnostic, CountsLinesAndCharactersFromOne) {
  EXPECT_EQ(position_at("abc", 0), (TextPosition{1, 1}));
  EXPECT_EQ(position_at("abc", 2), (TextPosition{1, 3}));
  EXPECT_EQ(position_at("abc", 99), (TextPosition{1, 4}));
  EXPECT_EQ(position_at("a\nbc", 3), (TextPosition{2, 2}));
  EXPECT_EQ(position_at("\xC3\xA4\xC3\xB6x", 4), (TextPosition{1, 3}));  // two characters of two bytes before it
}

TEST(Diagnostic, PutsTheCaretBelowTheCharacter) {
  EXPECT_EQ(caret("used.gb + * 2", 1, 11), "used.gb + * 2\n          ^");
  EXPECT_EQ(caret("a\n\tb c\r\nd", 2, 4), "\tb c\n\t  ^");
  EXPECT_EQ(caret("'\xC3\xA4' x", 1, 5), "'\xC3\xA4' x\n    ^");
  EXPECT_EQ(caret("a", 1, 2), "a\n ^");
  EXPECT_EQ(caret("a", 7, 1), "\n^");
}

TEST(Diagnostic, CutsLongLinesAroundTheCaret) {
  const std::string text = std::string(1000, 'a') + "b" + std::string(1000, 'c');
  const std::string shown = caret(text, 1, 1001);
  EXPECT_EQ(shown.find('\n'), 160U);
  EXPECT_EQ(shown[shown.size() - 1 - 161], 'b');  // the caret stands 161 characters (a line and its end) further
}

TEST(Diagnostic, MakesAnErrorWithThePosition) {
  const Error error = expression_error("a\nb", {2, "found b"});
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_EQ(error.message, "line 2, column 1: found b");
}

TEST(Diagnostic, SuggestsCloseNamesOnly) {
  const std::vector<std::string> names{"used.gb", "limit.gb", "self.rack", "now"};
  EXPECT_EQ(name_hint("used.bg", names), "; did you mean 'used.gb'?");     // one swap
  EXPECT_EQ(name_hint("limits.gb", names), "; did you mean 'limit.gb'?");  // one letter too many
  EXPECT_EQ(name_hint("noww", names), "; did you mean 'now'?");
  EXPECT_EQ(name_hint("NOW", names), "; did you mean 'now'?");
  EXPECT_EQ(name_hint("temperature", names), "");
  EXPECT_EQ(name_hint("", names), "");
  EXPECT_EQ(name_hint(std::string(5000, 'a'), names), "");
}

}  // namespace
}  // namespace apportion
