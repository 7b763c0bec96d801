#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

std::string with_pairs(const std::string& name, const std::string& table) {
  return "{'pair_tables': {'" + name + "': {" + table + "}}}";
}

TEST(PairTableDocuments, WrittenWrongly) {
  expect_refused(
      {Bad{with_pairs("cost", ""), "pair_tables.cost", "'pairs' is missing"},
       Bad{with_pairs("min", "'pairs': []"), "pair_tables.min", "function of expressions already"},
       Bad{with_pairs("cost", "'pairs': [['a', 'b']]"), "pair_tables.cost.pairs[0]", "two texts and a number"},
       Bad{with_pairs("cost", "'pairs': [['a', '', 1]]"), "pair_tables.cost.pairs[0][1]", "empty"},
       Bad{with_pairs("cost", "'pairs': [['a', 'b', 1], ['b', 'a', 2]]"), "pair_tables.cost.pairs[1]",
           "stands twice"}});
}

PairTableDefinition table(const char* text) {
  return read_clean([&](auto& problems) { return read_pair_table("cost", tree(text), "", problems); });
}

TEST(PairTableDocuments, RoundTrip) {
  for (const char* text :
       {"{'pairs': []}", "{'symmetric': false, 'otherwise': 10, 'pairs': [['b', 'a', 1.5], ['a', 'b', 2]]}"}) {
    const PairTableDefinition pairs = table(text);
    EXPECT_EQ(read_clean([&](auto& problems) { return read_pair_table("cost", to_node(pairs), "", problems); }), pairs);
  }
}

TEST(PairTableDocuments, GiveTheNumberOfAPair) {
  const PairTableDefinition both = table("{'pairs': [['b', 'a', 1], ['a', 'c', 2]]}");
  EXPECT_EQ(value_of(both, "a", "b"), 1.0);
  EXPECT_EQ(value_of(both, "b", "a"), 1.0);
  EXPECT_EQ(value_of(both, "c", "a"), 2.0);
  EXPECT_EQ(value_of(both, "b", "c"), std::nullopt);
  const PairTableDefinition one = table("{'symmetric': false, 'otherwise': 9, 'pairs': [['b', 'a', 1]]}");
  EXPECT_EQ(value_of(one, "b", "a"), 1.0);
  EXPECT_EQ(value_of(one, "a", "b"), 9.0);
}

}  // namespace
}  // namespace apportion
