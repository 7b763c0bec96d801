// Types, names and their messages, through compile(): each error with its line and column.
#include <gtest/gtest.h>

#include <string>

#include "apportion/expr/functions.hpp"
#include "test_world.hpp"

namespace apportion::testing {
namespace {

using enum ValueType;

struct Refused {
  std::string_view text;
  ValueType wanted;
  std::string_view message;
};

void expect_refused(const Refused& refused) {
  const Result<Program> program = compile(refused.text, refused.wanted, TestScope());
  ASSERT_TRUE(program.has_error()) << refused.text;
  EXPECT_EQ(program.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(program.error().message, refused.message) << refused.text;
}

TEST(Checker, SaysBothTypesAndThePosition) {
  const Refused cases[] = {
      {"self.a + self.s", kNumber,
       "line 1, column 8: found number + string, expected numbers or vectors on both sides of '+'"},
      {"self.p * 2", kNumber,
       "line 1, column 8: found boolean * number, expected numbers or vectors on both sides of '*'"},
      {"self.a ==\n'x'", kBoolean,
       "line 1, column 8: found number == string, expected two numbers, two strings or two booleans around '=='"},
      {"self.p < self.q", kBoolean,
       "line 1, column 8: found boolean < boolean, expected two numbers or two strings around '<'"},
      {"used < limit", kBoolean,
       "line 1, column 6: found vector < vector, expected two numbers or two strings around '<'; make the vector one "
       "number with "
       "sum, mean, min or max, or name a dimension"},
      {"self.tags == 'a'", kBoolean,
       "line 1, column 11: found list == string, expected two numbers, two strings or two booleans around '=='; a list "
       "can only be "
       "used with 'in', size() and has()"},
      {"self.a && self.p", kBoolean,
       "line 1, column 8: found number && boolean, expected booleans on both sides of '&&'"},
      {"self.p\n  || 'x'", kBoolean,
       "line 2, column 3: found boolean || string, expected booleans on both sides of '||'"},
      {"!self.a", kBoolean,
       "line 1, column 1: found !number (self.a), expected a boolean after '!'; compare it with something"},
      {"-self.s", kNumber, "line 1, column 1: found -string (self.s), expected a number or a vector after '-'"},
      {"self.a in self.tags", kBoolean,
       "line 1, column 8: found number in list, expected a string on the left of 'in' and a list on its right"},
      {"self.s in self.t", kBoolean,
       "line 1, column 8: found string in string, expected a string on the left of 'in' and a list on its right"},
      {"self.s in ['a', 1]", kBoolean,
       "line 1, column 17: found a number (1) in the list, expected a string as on the left of 'in'"},
      {"used in [1]", kBoolean,
       "line 1, column 6: found vector in list, expected a number, a string or a boolean on the left of 'in'"},
      {"self.a ? 1 : 2", kNumber,
       "line 1, column 8: found a number (self.a) before '?', expected a boolean; compare it with something"},
      {"self.p ? 1 : 'x'", kNumber,
       "line 1, column 8: found number : string, expected two numbers, two strings or two booleans around ':'"},
      {"sum(self.p ? used : free)", kNumber,
       "line 1, column 12: found vector : vector, expected two numbers, two strings or two booleans around ':'"},
  };
  for (const Refused& refused : cases) expect_refused(refused);
}

TEST(Checker, ChecksTheArgumentsOfFunctions) {
  const Refused cases[] = {
      {"exp(self.s)", kNumber, "line 1, column 5: found a string (self.s), expected exp(number)"},
      {"floor(used)", kNumber, "line 1, column 7: found a vector (used), expected floor(number)"},
      {"clamp(1, 2)", kNumber,
       "line 1, column 1: found 2 arguments, expected clamp(number, lowest number, highest number)"},
      {"sqrt()", kNumber, "line 1, column 1: found 0 arguments, expected sqrt(number or vector)"},
      {"max(self.a)", kNumber,
       "line 1, column 5: found a number (self.a), expected max(vector) or max(number, number, ...)"},
      {"sum(self.a)", kNumber, "line 1, column 5: found a number (self.a), expected sum(vector)"},
      {"starts_with(self.s, 1)", kBoolean,
       "line 1, column 21: found a number (1), expected starts_with(string, string)"},
      {"has(used)", kBoolean, "line 1, column 5: found a vector (used), expected has(number, boolean, string or list)"},
      {"coalesce(self.a, self.s)", kNumber,
       "line 1, column 18: found a string (self.s), expected a number like the first argument of coalesce"},
      {"number(self.a)", kNumber, "line 1, column 8: found a number (self.a), expected number(boolean)"},
      {"size(self.a)", kNumber, "line 1, column 6: found a number (self.a), expected size(string or list)"},
      {"group(self.a).load", kNumber, "line 1, column 7: found a number (self.a), expected group(string)"},
      {"distance(1)", kNumber, "line 1, column 1: found 1 argument, expected distance(number, string)"},
  };
  for (const Refused& refused : cases) expect_refused(refused);
}

TEST(Checker, OffersCloseNames) {
  const Refused cases[] = {
      {"used.bg", kNumber,
       "line 1, column 1: found the unknown name 'used.bg', expected a path; did you mean 'used.gb'?"},
      {"1 + tags", kNumber,
       "line 1, column 5: found the unknown name 'tags', expected a path; did you mean 'self.tags'?"},
      {"1 + temperature", kNumber, "line 1, column 5: found the unknown name 'temperature', expected a path"},
      {"abs", kNumber,
       "line 1, column 1: found the unknown name 'abs', expected a path; 'abs' is a function and needs '(...)'"},
      {"self.a == null", kBoolean,
       "line 1, column 11: found the unknown name 'null', expected a path; no value is tested with has(...)"},
      {"sqr(2)", kNumber,
       "line 1, column 1: found the unknown function 'sqr()', expected one of the language or of its host; did you "
       "mean 'sqrt()'?"},
      {"group('a').laod", kNumber,
       "line 1, column 1: found the unknown function 'group().laod', expected one of the language or of its host; did "
       "you mean "
       "'group().load'?"},
      {"frobnicate(2)", kNumber,
       "line 1, column 1: found the unknown function 'frobnicate()', expected one of the language or of its host"},
  };
  for (const Refused& refused : cases) expect_refused(refused);
}

TEST(Checker, WantsTheRightTypeAtTheEnd) {
  const Refused cases[] = {
      {"self.a < 1", kNumber,
       "line 1, column 1: found a boolean (self.a < 1), expected a number; number(...) makes one of it"},
      {"self.a", kBoolean, "line 1, column 1: found a number (self.a), expected a boolean; compare it with something"},
      {"used / limit", kNumber,
       "line 1, column 1: found a vector (used / limit), expected a number; make it one number with sum, mean, min or "
       "max, or name "
       "a dimension"},
      {"self.tags", kString,
       "line 1, column 1: found a list (self.tags), expected a string; a list can only be used with 'in', size() and "
       "has()"},
      {"self.s", kNumber, "line 1, column 1: found a string (self.s), expected a number"},
  };
  for (const Refused& refused : cases) expect_refused(refused);
}

TEST(Checker, GivesThePositionForACaret) {
  TextPosition place;
  ASSERT_TRUE(compile("self.a +\n  self.s", kNumber, TestScope(), &place).has_error());
  EXPECT_EQ(place, (TextPosition{1, 8}));
  ASSERT_TRUE(compile("1 +\n  nothing", kNumber, TestScope(), &place).has_error());
  EXPECT_EQ(place, (TextPosition{2, 3}));
}

TEST(Functions, AreSortedByName) {
  const auto all = expression_functions();
  for (std::size_t k = 0; k < all.size(); ++k) {
    EXPECT_EQ(static_cast<std::size_t>(all[k].function), k);
    EXPECT_EQ(find_expression_function(all[k].name), &all[k]);
    EXPECT_TRUE(k == 0 || all[k - 1].name < all[k].name);
  }
  EXPECT_EQ(find_expression_function("acos"), nullptr);
}

TEST(Functions, TypesAndReadsHaveNames) {
  EXPECT_EQ(type_name(kVector), "vector");
  EXPECT_EQ(read_name(Read::kTime), "time");
}

}  // namespace
}  // namespace apportion::testing
