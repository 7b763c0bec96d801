#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

constexpr std::string_view kMailbox = R"({'dimensions': {'gb': {}}, 'needs': [
    {'type': 'disk', 'as': 'primary', 'gb': 'request.gb'},
    {'type': 'disk', 'as': 'backup', 'gb': 'request.gb * 2', 'require': 'self.location != primary.location',
     'optional': true, 'count': 2},
    {'as': 'line', 'any_of': [{'type': 'fibre', 'mbit': 1}, {'type': 'copper', 'mbit': 0.5, 'policy': 'last'}]}]})";

TEST(Needs, AreRead) {
  const TypeDefinition mailbox = disk_type(tree(kMailbox));
  EXPECT_TRUE(mailbox.outcome) << "it has needs";
  ASSERT_EQ(mailbox.needs.size(), 3U);
  const NeedDefinition& backup = mailbox.needs[1];
  EXPECT_EQ(backup.role, "backup");
  EXPECT_EQ(backup.type, "disk");
  EXPECT_EQ(backup.amounts, (NamedText{{"gb", "request.gb * 2"}}));
  EXPECT_EQ(backup.count, "2");
  EXPECT_EQ(backup.require, "self.location != primary.location");
  EXPECT_TRUE(backup.optional);
  const NeedDefinition& line = mailbox.needs[2];
  ASSERT_EQ(line.any_of.size(), 2U);
  EXPECT_EQ(line.any_of[1].amounts, (NamedText{{"mbit", "0.5"}}));
  EXPECT_EQ(line.any_of[1].policy, "last");
  EXPECT_EQ(disk_type(to_node(mailbox)), mailbox) << "and written";
}

TEST(Needs, SayWhereTheirSlotsLie) {
  const TypeDefinition job =
      disk_type(tree("{'needs': [{'type': 'node', 'different': 'rack'}, {'type': 'gpu', 'on': 'node', 'same': "
                     "['model', 'labels.pool']},"
                     " {'as': 'net', 'any_of': [{'type': 'nic', 'on': 'store.node', 'policy': 'together'}]}]}"));
  EXPECT_EQ(job.needs[0].different, std::vector<std::string>{"rack"});
  EXPECT_EQ(job.needs[1].on, "node");
  EXPECT_EQ(job.needs[1].same, (std::vector<std::string>{"model", "labels.pool"}));
  EXPECT_EQ(job.needs[2].any_of[0].on, "store.node");
  EXPECT_EQ(disk_type(to_node(job)), job) << "and written";
}

TEST(Needs, ARoleIsTheTypeUnlessSaid) {
  EXPECT_EQ(disk_type(tree("{'needs': [{'type': 'node'}]}")).needs[0].role, "node");
}

TEST(Needs, ATypeWithInstancesMayHaveThem) {
  const TypeDefinition node = disk_type(tree("{'outcome': false, 'needs': [{'type': 'licence'}]}"));
  EXPECT_FALSE(node.outcome);
  EXPECT_EQ(disk_type(to_node(node)), node);
}

TEST(Needs, AnotherTreeIsAnotherLayout) {
  const TypeDefinition one = disk_type(tree("{'needs': [{'type': 'node'}]}"));
  EXPECT_FALSE(one.same_layout(disk_type(tree("{'needs': [{'type': 'node', 'count': 2}]}"))));
}

std::string with_needs(const std::string& needs) {
  return "{'types': {'disk': {'dimensions': {'gb': {}}}, 'x': {'dimensions': {'gb': {}}, 'needs': [" + needs + "]}}}";
}

TEST(Needs, WrittenWrongly) {
  expect_refused(
      {Bad{with_needs("{'as': 'a'}"), "types.x.needs[0]", "the key 'type' is missing"},
       Bad{with_needs("{'type': 'disc'}"), "types.x.needs[0].type", "there is no type 'disc'.*did you mean 'disk'"},
       Bad{with_needs("{'type': 'disk', 'gbb': 1}"), "types.x.needs[0].gbb",
           "no dimension 'gbb', and needs have no such key; did you mean 'gb'"},
       Bad{with_needs("{'type': 'disk', 'on': 'a..b'}"), "types.x.needs[0].on", "a role"},
       Bad{with_needs("{'type': 'disk', 'same': 3}"), "types.x.needs[0].same", "expected"},
       Bad{with_needs("{'type': 'disk', 'different': ['a', 'a']}"), "types.x.needs[0].different[1]", "twice"},
       Bad{with_needs("{'as': 'a', 'same': 'zone', 'any_of': [{'type': 'disk'}]}"), "types.x.needs[0].same",
           "belongs into each alternative"},
       Bad{with_needs("{'type': 'disk', 'optionl': 1}"), "types.x.needs[0].optionl", "did you mean 'optional'"},
       Bad{with_needs("{'type': 'disk'}, {'type': 'disk'}"), "types.x.needs[1]", "the role 'disk' stands twice"},
       Bad{with_needs("{'type': 'disk', 'as': 'self'}"), "types.x.needs[0]", "'self' means something else"},
       Bad{with_needs("{'type': 'disk', 'gb': '1 +'}"), "types.x.needs[0].gb", "expected"},
       Bad{with_needs("{'type': 'disk', 'require': ')'}"), "types.x.needs[0].require", "expected"},
       Bad{with_needs("{'type': 'disk', 'policy': 'frist'}"), "types.x.needs[0].policy", "there is no policy 'frist'"},
       Bad{with_needs("{'any_of': [{'type': 'disk'}]}"), "types.x.needs[0]", "the key 'as' is missing"},
       Bad{with_needs("{'as': 'a', 'type': 'disk', 'any_of': [{'type': 'disk'}]}"), "types.x.needs[0]",
           "'type' and 'any_of' stand together"},
       Bad{with_needs("{'as': 'a', 'any_of': []}"), "types.x.needs[0].any_of", "no alternative"},
       Bad{with_needs("{'as': 'a', 'gb': 1, 'any_of': [{'type': 'disk'}]}"), "types.x.needs[0].gb",
           "amounts belong into each alternative"},
       Bad{"{'types': {'x': {'outcome': true}}}", "types.x.outcome", "an outcome is made of its needs"},
       Bad{"{'types': {'x': {'dimensions': {'optional': {}}}}}", "types.x.dimensions.optional", "optional"}});
}

TEST(Needs, MayNotLeadBack) {
  expect_refused(
      {Bad{"{'types': {'a': {'needs': [{'type': 'a'}]}}}", "types.a.needs", "a type cannot need itself: 'a' -> 'a'"},
       Bad{"{'types': {'a': {'needs': [{'type': 'b'}]}, 'b': {'needs': [{'as': 'c', 'any_of': [{'type': 'd'}, "
           "{'type': 'a'}]}]}, 'd': {}}}",
           "types.a.needs", "'a' -> 'b' -> 'a'"}});
}

TEST(Needs, AnOutcomeHasNoInstances) {
  expect_refused(
      {Bad{"{'types': {'disk': {}, 'x': {'needs': [{'type': 'disk'}]}}, 'instances': [{'id': 'x1', 'type': 'x'}]}",
           "instances[0]", "the type 'x' is an outcome"}});
}

}  // namespace
}  // namespace apportion
