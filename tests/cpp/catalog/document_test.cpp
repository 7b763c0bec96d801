#include <gtest/gtest.h>

#include <algorithm>

#include "bad_document.hpp"

namespace apportion {
namespace {

TEST(Document, ReadsEverything) {
  std::vector<Problem> problems;
  const Document document = read_document(tree(R"({
    'description': 'all', 'types': {'disk': {'dimensions': {'gb': {}}, 'policy': 'coolest'}},
    'policies': {'coolest': {'score': 'used.gb'}},
    'consumer_kinds': {'user': {'attributes': {'speed': {'kind': 'number'}}}},
    'relationships': {'replica_of': {'from': 'disk', 'to': 'disk'}},
    'instances': [{'id': 'd1', 'type': 'disk', 'version': 1, 'capacity': {'gb': 10}, 'parent': 'r1'},
                  {'id': 'd2', 'type': 'disk', 'parent': 'd1', 'relationships': {'replica_of': ['d1']}},
                  {'id': 'r2', 'type': 'rack', 'version': 2, 'capacity': {'units': 42}}],
    'consumers': [{'id': 'alice', 'kind': 'user', 'attributes': {'speed': 3}}, {'id': 'bob'}]})"),
                                          known_names(), problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.place << ": " << problem.message;
  EXPECT_EQ(document.description, "all");
  EXPECT_EQ(document.types.size(), 1U);
  EXPECT_EQ(document.policies.size(), 1U);
  EXPECT_EQ(document.consumer_kinds.size(), 1U);
  EXPECT_EQ(document.relationships.size(), 1U);
  EXPECT_EQ(document.instances.size(), 3U);
  EXPECT_EQ(document.consumers.size(), 2U);
}

TEST(Document, TheEmptyOneIsFine) { EXPECT_TRUE(problems_of("{}").empty()); }

TEST(Document, WorksWithoutKnownNames) {
  std::vector<Problem> problems;
  read_document(tree("{'instances': [{'id': 'a', 'type': 'disk'}]}"), KnownNames{}, problems);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].place, "instances[0].type");
}

TEST(Document, ReportsEverythingAtOnce) {
  const auto problems = problems_of(R"({
    'polices': {}, 'types': {'Disk': {'dimensions': {'gb': {'step': -1, 'unit': 5}}}, 'ok': {'policy': 'nope'}},
    'instances': [{'id': 'a', 'type': 'okk', 'parent': 'zz'}, {'id': 'a', 'type': 'ok', 'fields': {'x': 1}}]})");
  std::vector<std::string> places;
  for (const Problem& problem : problems) places.push_back(problem.place);
  std::sort(places.begin(), places.end());
  EXPECT_EQ(places,
            (std::vector<std::string>{"instances[0].parent", "instances[0].type", "instances[1].fields.x",
                                      "instances[1].id", "polices", "types.Disk", "types.Disk.dimensions.gb.step",
                                      "types.Disk.dimensions.gb.unit", "types.ok.policy"}));
}

}  // namespace
}  // namespace apportion
