#include "apportion/expr/lexer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apportion/expr/diagnostic.hpp"

namespace apportion {
namespace {

std::vector<std::string> slices(std::string_view text) {
  ExprLexer lexer(text);
  std::vector<std::string> found;
  for (ExprToken token = lexer.next(); token.kind != ExprTokenKind::kEnd; token = lexer.next())
    found.emplace_back(token.slice);
  return found;
}

ExprToken first(std::string_view text) { return ExprLexer(text).next(); }

TEST(Lexer, SplitsTextIntoTokens) {
  EXPECT_EQ(slices("used.gb<=2&&!x"), (std::vector<std::string>{"used", ".", "gb", "<=", "2", "&&", "!", "x"}));
  EXPECT_EQ(slices(" a\t?\n'b' : \"c\"\r\n"), (std::vector<std::string>{"a", "?", "'b'", ":", "\"c\""}));
  EXPECT_TRUE(slices("  ").empty());
}

TEST(Lexer, ReadsNumbersToTheNearestDouble) {
  EXPECT_EQ(first("12").number, 12);
  EXPECT_EQ(first("0.3").number, 0.3);
  EXPECT_EQ(first("1.5e3").number, 1500);
  EXPECT_EQ(first("2E-2").number, 0.02);
  EXPECT_EQ(first("9007199254740993").number, 9007199254740992.0);  // 2^53 + 1: a tie, to even
}

TEST(Lexer, ReadsStringsWithEscapes) {
  EXPECT_EQ(first(R"("a\"b")").text, "a\"b");
  EXPECT_EQ(first(R"('a\'b\\\n\t\r')").text, "a'b\\\n\t\r");
  EXPECT_EQ(first("'\xC3\xA4\"'").text, "\xC3\xA4\"");
}

struct Broken {
  std::string_view text;
  std::size_t offset;
  std::string_view message;
};

TEST(Lexer, NamesWhatItCannotRead) {
  const Broken cases[] = {
      {"1.", 1, "found '.' in a number, expected digits such as 12, 0.5 or 1.5e3"},
      {"12abc", 2, "found 'a' in a number, expected digits such as 12, 0.5 or 1.5e3"},
      {"1e999", 0, "found the number 1e999, expected one between 1e-307 and 1e308"},
      {"= 1", 0, "found '=', expected an operator; equality is written '=='"},
      {"& 1", 0, "found '&', expected an operator; 'and' is written '&&'"},
      {"#", 0, "found '#', expected a value or an operator"},
      {"\xC3\xA4", 0, "found '\xC3\xA4', expected a value or an operator"},
      {"\x01", 0, "found the control character 0x01, expected a value or an operator"},
      {"'abc", 0, "found a string without its end, expected a closing ' on the same line"},
      {"'ab\nc'", 0, "found a string without its end, expected a closing ' on the same line"},
      {"'a\x02'", 2, "found the control character 0x02 in a string, expected text"},
      {R"('a\q')", 2, R"(found an unknown escape in a string, expected \\ \" \' \n \t or \r)"},
      {"'a\\", 2, R"(found an unknown escape in a string, expected \\ \" \' \n \t or \r)"},
  };
  for (const Broken& broken : cases) {
    try {
      first(broken.text);
      ADD_FAILURE() << broken.text;
    } catch (const ExpressionFailure& failure) {
      EXPECT_EQ(failure.offset, broken.offset) << broken.text;
      EXPECT_EQ(failure.message, broken.message);
    }
  }
}

TEST(Lexer, WantsUtf8) {
  EXPECT_NO_THROW(require_utf8("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"));
  // Overlong, surrogate, beyond U+10FFFF, cut off, stray tail.
  for (const std::string_view bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xE0\x80\x80", "\xFF"}) {
    EXPECT_THROW(require_utf8(bad), ExpressionFailure);
  }
}

}  // namespace
}  // namespace apportion
