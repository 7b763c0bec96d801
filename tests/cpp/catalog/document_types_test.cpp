#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

constexpr std::string_view kWholeDisk = R"({
  'description': 'a disk',
  'dimensions': {'gb': {'unit': 'GB', 'step': 0.001}, 'third': {'step': '1/3', 'description': 'odd'}, 'plain': {}},
  'fields': {
    'name': {'kind': 'string', 'max_length': 32, 'required': true, 'default': 'x', 'pattern': '[a-z]+',
             'description': 'd'},
    'slots': {'kind': 'integer', 'min': 0, 'max': 10},
    'speed': {'kind': 'number', 'min': 0.5},
    'guid': {'kind': 'guid', 'default': '123E4567-E89B-12D3-A456-426614174000'},
    'tier': {'kind': 'enum', 'values': ['hot', 'cold'], 'default': 'cold'},
    'tags': {'kind': 'list', 'max_length': 4, 'default': ['a']},
    'born': {'kind': 'timestamp', 'default': '2024-01-01T00:00:00Z'},
    'fast': {'kind': 'boolean', 'default': false}},
  'state': {
    'health': {'kind': 'enum', 'values': ['ok', 'worn'], 'default': 'worn', 'allow': ['ok']},
    'locked': {'kind': 'boolean', 'allow': [false]},
    'mood': {'kind': 'enum', 'values': ['good', 'bad']}},
  'policy': 'closest_capacity',
  'max_consumers': 500})";

TEST(TypeReads, EveryPart) {
  const TypeDefinition disk = disk_type(tree(kWholeDisk));
  EXPECT_EQ(disk.name, "disk");
  EXPECT_EQ(disk.description, "a disk");
  EXPECT_EQ(disk.policy, "closest_capacity");
  EXPECT_EQ(disk.max_consumers, 500U);
  ASSERT_EQ(disk.dimensions.size(), 3U);
  EXPECT_EQ(disk.dimensions[0].unit, "GB");
  EXPECT_EQ(disk.dimensions[0].step, (Step{1, 1000}));
  EXPECT_EQ(disk.dimensions[1].step, (Step{1, 3}));
  EXPECT_EQ(disk.dimensions[2].step, (Step{1, 1}));
  ASSERT_EQ(disk.fields.size(), 8U);
  EXPECT_TRUE(disk.fields[0].required);
  EXPECT_EQ(disk.fields[0].max_length, 32U);
  EXPECT_EQ(disk.fields[1].maximum, Decimal(10));
  EXPECT_EQ(disk.fields[3].default_value, Node("123e4567-e89b-12d3-a456-426614174000")) << "in normal form";
  EXPECT_EQ(disk.fields[6].default_value, Node(std::int64_t{1704067200}));
}

TEST(TypeReads, AnEmptyTableIsAType) {
  const TypeDefinition outcome = disk_type(Node::Map{});
  EXPECT_EQ(outcome.policy, "first");
  EXPECT_EQ(outcome.max_consumers, std::nullopt);
  EXPECT_EQ(outcome.states, predefined_states());
}

// Law: read(to_node(x)) is x.
TEST(RoundTrip, Types) {
  const TypeDefinition disk = disk_type(tree(kWholeDisk));
  EXPECT_EQ(disk_type(to_node(disk)), disk);
  EXPECT_EQ(disk_type(to_node(disk_type(Node::Map{}))), disk_type(Node::Map{}));
  EXPECT_EQ(to_json(to_node(disk_type(Node::Map{}))), R"({"policy": "first"})") << "predefined states are left out";
}

TEST(TypeReads, ReportsWhatIsWrong) {
  expect_refused(
      {Bad{with_type("'polcy': 'first'"), "types.disk.polcy", "did you mean 'policy'"},
       Bad{with_type("'policy': 'a b'"), "types.disk.policy", "cannot name a policy"},
       Bad{with_type("'max_consumers': 0"), "types.disk.max_consumers", "whole number from 1 to 4294967295, found 0"},
       Bad{with_type("'max_consumers': 1.5"), "types.disk.max_consumers", "found 1.5"},
       Bad{with_type("'dimensions': {'count': {}}"), "types.disk.dimensions.count", "'count' is reserved"},
       Bad{with_type("'dimensions': {'limit': {}}"), "types.disk.dimensions.limit", "'limit' is reserved"},
       Bad{with_type("'dimensions': {'gb': {'step': 0}}"), "types.disk.dimensions.gb.step", "above 0"},
       Bad{with_type("'dimensions': {'gb': {'step': '1/0'}}"), "types.disk.dimensions.gb.step", "fraction"},
       Bad{with_type("'dimensions': {'gb': {'step': true}}"), "types.disk.dimensions.gb.step",
           "expected a number, or a fraction"},
       Bad{with_type("'dimensions': {'gb': {'unit': '" + std::string(33, 'x') + "'}}"), "types.disk.dimensions.gb.unit",
           "33 bytes"},
       Bad{with_type("'dimensions': "
                     "{'a':{},'b':{},'c':{},'d':{},'e':{},'f':{},'g':{},'h':{},'i':{},'j':{},'k':{},'l':{},'m':{},"
                     "'n':{},'o':{},'p':{},'q':{}}"),
           "types.disk.dimensions", "17 dimensions; a type may have at most 16"},
       Bad{with_type("'fields': {'address': {'kind': 'string'}}"), "types.disk.fields.address", "reserved"},
       Bad{with_type("'fields': {'status': {'kind': 'string'}}"), "types.disk.fields.status",
           "state field of this type too"}});
}

struct Edit {
  const char* what;
  bool same;
  void (*apply)(TypeDefinition&);
};

TEST(SameLayout, IsBrokenByColumnsOnly) {
  const Edit table[] = {
      {"description", true, [](TypeDefinition& t) { t.description = "other"; }},
      {"policy", true, [](TypeDefinition& t) { t.policy = "last"; }},
      {"max_consumers", true, [](TypeDefinition& t) { t.max_consumers = 1; }},
      {"a field's description", true, [](TypeDefinition& t) { t.fields[0].description = "other"; }},
      {"a dimension's description", true, [](TypeDefinition& t) { t.dimensions[0].description = "other"; }},
      {"a step", false, [](TypeDefinition& t) { t.dimensions[0].step = Step{1, 10}; }},
      {"a unit", false, [](TypeDefinition& t) { t.dimensions[0].unit = "TB"; }},
      {"a dimension more", false, [](TypeDefinition& t) { t.dimensions.push_back({}); }},
      {"a field less", false, [](TypeDefinition& t) { t.fields.pop_back(); }},
      {"a field's range", false, [](TypeDefinition& t) { t.fields[1].maximum = Decimal(11); }},
      {"a state's allowed values", false, [](TypeDefinition& t) { t.states[2].allow = {"ok", "worn"}; }},
  };
  const TypeDefinition disk = disk_type(tree(kWholeDisk));
  for (const Edit& edit : table) {
    TypeDefinition edited = disk;
    edit.apply(edited);
    EXPECT_EQ(disk.same_layout(edited), edit.same) << edit.what;
  }
}

}  // namespace
}  // namespace apportion
