#include <gtest/gtest.h>

#include <regex>

#include "apportion/catalog/document.hpp"
#include "json_tree.hpp"

namespace apportion {
namespace {

// A field from its tree; the test fails when the tree is bad.
FieldDefinition field(std::string_view text) {
  std::vector<Problem> problems;
  const Node kind = Node::Map{{"attributes", Node::Map{{"x", tree(text)}}}};
  const ConsumerKindDefinition read = read_consumer_kind("k", kind, "", problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.place << ": " << problem.message;
  return read.attributes.at(0);
}

struct Accepted {
  const char* field;
  const char* value;
  const char* normal;  // as JSON
};

class Accepts : public testing::TestWithParam<Accepted> {};

TEST_P(Accepts, AndGivesTheNormalForm) {
  const auto result = check_value(field(GetParam().field), tree(GetParam().value));
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(to_json(*result), GetParam().normal);
  EXPECT_EQ(check_value(field(GetParam().field), *result).value(), *result) << "the normal form is accepted as it is";
}

INSTANTIATE_TEST_SUITE_P(
    Table, Accepts,
    testing::Values(Accepted{"{'kind': 'string', 'max_length': 3}", "'abc'", "\"abc\""},
                    Accepted{"{'kind': 'string', 'pattern': '[a-z]+'}", "'abc'", "\"abc\""},
                    Accepted{"{'kind': 'integer', 'min': 0, 'max': 10}", "10", "10"},
                    Accepted{"{'kind': 'integer'}", "-9223372036854775808", "-9223372036854775808"},
                    Accepted{"{'kind': 'number', 'min': -0.5}", "-0.5", "-0.5"},  //
                    Accepted{"{'kind': 'boolean'}", "true", "true"},
                    Accepted{"{'kind': 'guid'}", "'123E4567-E89B-12D3-A456-426614174000'",
                             "\"123e4567-e89b-12d3-a456-426614174000\""},
                    Accepted{"{'kind': 'guid'}", "'{123e4567e89b12d3a456426614174000}'",
                             "\"123e4567-e89b-12d3-a456-426614174000\""},
                    Accepted{"{'kind': 'enum', 'values': ['a', 'b']}", "'b'", "\"b\""},
                    Accepted{"{'kind': 'list', 'max_length': 2}", "['a', 'a']", "[\"a\", \"a\"]"},
                    Accepted{"{'kind': 'timestamp'}", "1700000000.5", "1700000000.5"},
                    Accepted{"{'kind': 'timestamp'}", "'1970-01-01T00:00:00Z'", "0"},
                    Accepted{"{'kind': 'timestamp'}", "'1970-01-02T00:00:00.250+01:00'",
                             "82800.25"},  // 86400 - 3600 + 0.25
                    Accepted{"{'kind': 'timestamp'}", "'1969-12-31T23:59:59.5z'", "-0.5"},
                    Accepted{"{'kind': 'timestamp'}", "'2024-02-29 12:30:00-00:30'", "1709211600"},  // 13:00:00 UTC
                    Accepted{"{'kind': 'timestamp'}", "'9999-12-31T23:59:59.999999999999999999Z'",
                             "253402300799.999999999999999999"}));

struct Refused {
  const char* field;
  const char* value;
  const char* message;  // a regular expression
};

class Refuses : public testing::TestWithParam<Refused> {};

TEST_P(Refuses, AndSaysWhatWasExpected) {
  const auto result = check_value(field(GetParam().field), tree(GetParam().value));
  ASSERT_TRUE(result.has_error());
  EXPECT_TRUE(std::regex_search(result.error().text(), std::regex(GetParam().message))) << result.error().text();
}

INSTANTIATE_TEST_SUITE_P(
    Table, Refuses,
    testing::Values(Refused{"{'kind': 'string'}", "5", "expected text, found the number 5"},
                    Refused{"{'kind': 'string'}", "null", "expected text, found null"},
                    Refused{"{'kind': 'string', 'max_length': 3}", "'abcd'", "'abcd' has 4 bytes; at most 3"},
                    Refused{"{'kind': 'string'}", "'a\x01'", "control character"},
                    Refused{"{'kind': 'string'}", "'a\xff'", "'a\\?' holds .* not valid UTF-8"},
                    Refused{"{'kind': 'string', 'pattern': '[a-z]+'}", "'abc1'",
                            "does not match the pattern '\\[a-z\\]\\+'"},
                    Refused{"{'kind': 'integer'}", "1.5", "expected a whole number of 64 bits, found the number 1.5"},
                    Refused{"{'kind': 'integer'}", "9223372036854775808", "whole number of 64 bits"},
                    Refused{"{'kind': 'integer', 'min': 0}", "-1", "-1 is below the smallest allowed value, 0"},
                    Refused{"{'kind': 'integer', 'max': 10}", "11", "11 is above the largest allowed value, 10"},
                    Refused{"{'kind': 'number'}", "'abc'", "expected a number, found text 'abc'"},
                    Refused{"{'kind': 'number'}", "1e400", "beyond the range"},
                    Refused{"{'kind': 'boolean'}", "0", "expected true or false, found the number 0"},
                    Refused{"{'kind': 'guid'}", "'123'", "expected a GUID .* found text '123'"},
                    Refused{"{'kind': 'guid'}", "'123e4567-e89b-12d3-a456-4266141740000'", "expected a GUID"},
                    Refused{"{'kind': 'guid'}", "''", "expected a GUID"},
                    Refused{"{'kind': 'enum', 'values': ['online', 'offline']}", "'onlin'",
                            "expected online or offline, found text 'onlin'; did you mean 'online'"},
                    Refused{"{'kind': 'enum', 'values': ['a']}", "true", "expected a, found true"},
                    Refused{"{'kind': 'list'}", "'a'", "expected a list of texts, found text 'a'"},
                    Refused{"{'kind': 'list'}", "['a', 5]", "\\[1\\]: expected text, found the number 5"},
                    Refused{"{'kind': 'list', 'max_length': 1}", "['a', 'b']", "2 items; at most 1"},
                    Refused{"{'kind': 'timestamp'}", "true", "expected a time"}));

TEST(PredefinedStates, AreStatusAndSecurityStatus) {
  const auto& states = predefined_states();
  ASSERT_EQ(states.size(), 2U);
  EXPECT_EQ(states[0].name, "status");
  EXPECT_EQ(states[0].values, (std::vector<std::string>{"online", "offline", "draining"}));
  EXPECT_EQ(states[0].allow, std::vector<std::string>{"online"});
  EXPECT_EQ(states[1].name, "security_status");
  EXPECT_EQ(states[1].default_value, Node("clear"));
}

}  // namespace
}  // namespace apportion
