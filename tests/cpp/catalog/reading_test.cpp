#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

TEST(Reading, StructureIsChecked) {
  expect_refused(
      {Bad{"[]", "", "expected a table, found a list"},
       Bad{"{'polices': {}}", "polices", "unknown key 'polices'; did you mean 'policies'"},
       Bad{"{'xyz': 1}", "xyz", "unknown key 'xyz'; expected description, types, "},
       Bad{"{'a b\x01': 1}", "\"a b?\"", "unknown key 'a b\\?'"},
       Bad{"{'types': []}", "types", "expected a table, found a list"},
       Bad{"{'types': {'disk': 5}}", "types.disk", "expected a table, found the number 5"},
       Bad{"{'types': {'Disk': {}}}", "types.Disk", "'Disk' cannot name a type: names are lower-case"},
       Bad{"{'types': {'in': {}}}", "types.in", "word of expressions"},
       Bad{"{'types': {'" + std::string(65, 'x') + "': {}}}", "types." + std::string(65, 'x'), "at most 64"},
       Bad{"{'instances': {}}", "instances", "expected a list, found a table"},
       Bad{"{'instances': [5]}", "instances[0]", "expected a table, found the number 5"},
       Bad{"{'description': 5}", "description", "expected text, found the number 5"},
       Bad{"{'description': '" + std::string(4097, 'x') + "'}", "description", "has 4097 bytes; at most 4096"}});
}

TEST(Reading, LongKeysKeepPlacesShort) {
  const std::string key(100'000, 'k');
  const auto problems = problems_of("{'types': {'" + key + "': {'dimensions': {'gb': 1}}}}");
  ASSERT_EQ(problems.size(), 2U);
  for (const Problem& problem : problems) EXPECT_LT(problem.place.size() + problem.message.size(), 600U);
}

// Law: whatever bytes a name holds, what is reported about it is clean text.
TEST(Reading, ProblemsAreCleanText) {
  const Node bad_name =
      Node::Map{{"dis\x91k", tree("{'policy': 'disk', 'fields': {'a': {'kind': 'guid', 'required': true}}}")}};
  const Node document = Node::Map{{"types", bad_name},
                                  {"policies", Node::Map{{"dis\x91k", Node::Map{}}}},
                                  {"instances", tree("[{'id': 'a', 'type': 'disk'}]")}};
  std::vector<Problem> problems;
  read_document(document, KnownNames{}, problems);
  EXPECT_GE(problems.size(), 4U);
  for (const Problem& problem : problems) {
    EXPECT_TRUE(is_clean_text(problem.place) && is_clean_text(problem.message))
        << problem.place << ": " << problem.message;
  }
}

}  // namespace
}  // namespace apportion
