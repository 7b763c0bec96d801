#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

// r2 is a rack; d1 is of the given type and linked to the given targets.
std::string with_link(const std::string& type, const std::string& targets) {
  return with_instances("{'id': 'r2', 'type': 'rack'}, {'id': 'd1', 'type': '" + type +
                        "', 'relationships': {'in_rack': " + targets + "}}");
}

TEST(References, NamesMustExist) {
  expect_refused(
      {Bad{"{'policies': {'first': {}}}", "policies.first", "is a named policy"},
       Bad{"{'relationships': {'r': {'from': 'rack', 'to': 'rak'}}}", "relationships.r.to",
           "no type 'rak'; did you mean 'rack'"},
       Bad{"{'relationships': {'status': {'from': 'rack', 'to': 'rack'}}}", "relationships.status",
           "has a field 'status' too"},
       Bad{with_type("'policy': 'frist'"), "types.disk.policy", "no policy 'frist'; did you mean 'first'"},
       Bad{with_instances("{'id': 'a', 'type': 'disc'}"), "instances[0].type", "no type 'disc'; did you mean 'disk'"},
       Bad{with_instance("'policy': 'nope'"), "instances[0].policy", "no policy 'nope'"},
       Bad{with_instance("'relationships': {'r': ['d1']}"), "instances[0].relationships.r", "no relationship 'r'"},
       Bad{with_consumers("{'id': 'a', 'kind': 'usr'}"), "consumers[0].kind",
           "no consumer kind 'usr'; did you mean 'user'"}});
}

TEST(References, IdsAreUnique) {
  expect_refused(
      {Bad{with_instances("{'id': 'a', 'type': 'disk'}, {'id': 'a', 'type': 'disk'}"), "instances[1].id",
           "'a' stands twice, first at instances\\[0\\]"},
       Bad{with_consumers("{'id': 'a'}, {'id': 'a'}"), "consumers[1].id", "stands twice, first at consumers\\[0\\]"}});
}

// What the pool has is changed: it needs no required field again, and is held against the version it is pinned to.
TEST(References, KnownInstancesAreChanged) {
  EXPECT_TRUE(problems_of("{'instances': [{'id': 'r1', 'type': 'rack', 'capacity': {'units': 4}}]}").empty());
  expect_refused({Bad{"{'instances': [{'id': 'r1', 'type': 'rack', 'capacity': {'unit': 4}}]}",
                      "instances[0].capacity.unit", "no dimension 'unit'; did you mean 'units'"}});
}

TEST(References, VersionsAreKnownOrTheNextOne) {
  expect_refused({Bad{with_instances("{'id': 'a', 'type': 'rack', 'version': 3}"), "instances[0].version",
                      "'rack' has no version 3"},
                  Bad{with_instance("'version': 2"), "instances[0].version", "'disk' has no version 2"}});
}

TEST(References, ParentsExistAndFormNoCircle) {
  expect_refused(
      {Bad{with_instance("'parent': 'd9'"), "instances[0].parent", "no instance 'd9' in this document or in the pool"},
       Bad{with_instance("'parent': 'd1'"), "instances[0].parent", "its own parent"},
       Bad{with_instances("{'id': 'a', 'type': 'disk', 'parent': 'b'}, {'id': 'b', 'type': 'disk', 'parent': 'a'}"),
           "instances[0].parent", "its own parent"}});
}

TEST(References, LinksFitTheirRelationship) {
  expect_refused({Bad{with_link("rack", "['r1']"), "instances[1].relationships.in_rack",
                      "leads from the type 'disk', not from 'rack'"},
                  Bad{with_link("disk", "['r1', 'r2']"), "instances[1].relationships.in_rack",
                      "2 targets, but 'in_rack' leads to one"},
                  Bad{with_link("disk", "['d1']"), "instances[1].relationships.in_rack",
                      "to the type 'rack', but 'd1' is of the type 'disk'"},
                  Bad{with_link("disk", "['r9']"), "instances[1].relationships.in_rack", "no instance 'r9'"},
                  Bad{with_link("disk", "['']"), "instances[1].relationships.in_rack[0]", "must not be empty"},
                  Bad{with_link("disk", "5"), "instances[1].relationships.in_rack", "expected a list"}});
}

// Law: a long chain of parents is checked in one pass, and only its end is at fault.
TEST(References, LongChainsOfParentsAreFine) {
  Node::List instances;
  for (int i = 0; i < 20'000; ++i) {
    Node::Map row = {{"id", std::to_string(i)}, {"type", "rack"}};
    if (i < 19'999) row.emplace_back("parent", std::to_string(i + 1));
    instances.emplace_back(std::move(row));
  }
  std::vector<Problem> problems;
  read_document(Node::Map{{"instances", instances}}, known_names(), problems);
  EXPECT_TRUE(problems.empty());
  instances.back().map()->emplace_back("parent", "0");
  read_document(Node::Map{{"instances", instances}}, known_names(), problems);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].place, "instances[0].parent");
}

}  // namespace
}  // namespace apportion
