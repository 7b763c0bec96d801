#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

TEST(Fields, WrittenWrongly) {
  expect_refused(
      {Bad{with_field(""), "types.disk.fields.x", "the key 'kind' is missing"},
       Bad{with_field("'kind': 'strin'"), "types.disk.fields.x.kind",
           "expected string, integer.* did you mean 'string'"},
       Bad{with_field("'kind': 'string', 'min': 1"), "types.disk.fields.x.min", "belongs to integers and numbers only"},
       Bad{with_field("'kind': 'integer', 'pattern': 'x'"), "types.disk.fields.x.pattern", "belongs to strings only"},
       Bad{with_field("'kind': 'string', 'allow': ['x']"), "types.disk.fields.x.allow", "unknown key 'allow'"},
       Bad{with_field("'kind': 'string', 'pattern': '(', 'default': 'x'"), "types.disk.fields.x.pattern",
           "is not a regular expression"},  // and nothing about the default
       Bad{with_field("'kind': 'string', 'pattern': '('"), "types.disk.fields.x.pattern",
           "is not a regular expression"},
       Bad{with_field("'kind': 'string', 'max_length': 0"), "types.disk.fields.x.max_length", "from 1 to 65536"},
       Bad{with_field("'kind': 'integer', 'min': 0.5"), "types.disk.fields.x.min", "whole number"},
       Bad{with_field("'kind': 'number', 'min': 2, 'max': 1"), "types.disk.fields.x.max", "1 is below the smallest, 2"},
       Bad{with_field("'kind': 'enum'"), "types.disk.fields.x", "'values' is missing"},
       Bad{with_field("'kind': 'enum', 'values': []"), "types.disk.fields.x.values", "at least one"},
       Bad{with_field("'kind': 'enum', 'values': ['a', 'a']"), "types.disk.fields.x.values[1]", "'a' stands twice"},
       Bad{with_field("'kind': 'enum', 'values': ['a'], 'default': 'b'"), "types.disk.fields.x.default",
           "expected a, found text 'b'"},
       Bad{with_field("'kind': 'list', 'default': ['a', 5]"), "types.disk.fields.x.default[1]", "expected text"},
       Bad{with_field("'kind': 'string', 'required': 'yes'"), "types.disk.fields.x.required", "expected true or false"},
       Bad{with_type("'state': {'s': {'kind': 'string'}}"), "types.disk.state.s.kind", "expected enum or boolean"},
       Bad{with_type("'state': {'s': {'kind': 'boolean', 'allow': []}}"), "types.disk.state.s.allow", "at least one"},
       Bad{with_type("'state': {'s': {'kind': 'boolean', 'allow': ['yes']}}"), "types.disk.state.s.allow[0]",
           "true or false"},
       Bad{with_type("'state': {'status': {'values': ['online', 'offline']}}"), "types.disk.state.status.values",
           "'draining' of the predefined state 'status' must stay"}});
}

TEST(Fields, AtMost256) {
  Node::Map fields;
  for (int i = 0; i < 257; ++i) fields.emplace_back("f" + std::to_string(i), tree("{'kind': 'boolean'}"));
  std::vector<Problem> problems;
  read_type("disk", Node::Map{{"fields", fields}}, "types.disk", problems);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].place, "types.disk.fields");
  EXPECT_EQ(problems[0].message, "257 fields; at most 256 are allowed");
}

constexpr std::string_view kStates = R"({'state': {
    'health': {'kind': 'enum', 'values': ['ok', 'worn'], 'default': 'worn', 'allow': ['ok']},
    'locked': {'kind': 'boolean', 'allow': [false]},
    'mood': {'kind': 'enum', 'values': ['good', 'bad']}}})";

TEST(States, StartWithThePredefinedOnes) {
  const TypeDefinition disk = disk_type(tree(kStates));
  ASSERT_EQ(disk.states.size(), 5U);
  EXPECT_EQ(disk.states[0], predefined_states()[0]);
  EXPECT_EQ(disk.states[1], predefined_states()[1]);
  EXPECT_EQ(disk.states[2].allow, std::vector<std::string>{"ok"});
  EXPECT_EQ(disk.states[2].default_value, Node("worn"));
  EXPECT_EQ(disk.states[3].allow, std::vector<std::string>{"false"});
  EXPECT_EQ(disk.states[3].default_value, Node(false));
  EXPECT_EQ(disk.states[4].allow, (std::vector<std::string>{"good", "bad"})) << "every value, unless said";
  EXPECT_EQ(disk.states[4].default_value, Node("good")) << "the first, unless said";
}

TEST(States, PredefinedOnesCanBeWidened) {
  const Node node = tree(R"({'state': {'status': {'values': ['online', 'offline', 'draining', 'degraded'],
                                                  'allow': ['online', 'degraded'], 'default': 'offline'}}})");
  const TypeDefinition disk = disk_type(node);
  ASSERT_EQ(disk.states.size(), 2U);
  EXPECT_EQ(disk.states[0].values.size(), 4U);
  EXPECT_EQ(disk.states[0].allow, (std::vector<std::string>{"online", "degraded"}));
  EXPECT_EQ(disk.states[0].default_value, Node("offline"));
  EXPECT_EQ(disk.states[1], predefined_states()[1]);
  EXPECT_EQ(disk_type(to_node(disk)), disk);
}

}  // namespace
}  // namespace apportion
