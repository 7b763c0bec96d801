#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

std::string with_affinity(const std::string& affinity) {
  return "{'types': {'vm': {}}, 'affinities': {'a': {" + affinity + "}}}";
}

TEST(AffinityDocuments, WrittenWrongly) {
  expect_refused(
      {Bad{with_affinity("'at_most': 1"), "affinities.a", "'types' is missing"},
       Bad{with_affinity("'types': [], 'at_most': 1"), "affinities.a.types", "binds no type"},
       Bad{with_affinity("'types': ['vn'], 'at_most': 1"), "affinities.a.types[0]", "there is no type 'vn'"},
       Bad{with_affinity("'types': ['vm']"), "affinities.a", "one of at_most, at_least and skew, found 0"},
       Bad{with_affinity("'types': ['vm'], 'at_most': 1, 'skew': 1"), "affinities.a", "found 2 of them"},
       Bad{with_affinity("'types': ['vm'], 'skew': 0"), "affinities.a.skew", "from 1 to"},
       Bad{with_affinity("'types': ['vm'], 'at_most': -1"), "affinities.a.at_most", "from 0 to"},
       Bad{with_affinity("'types': ['vm'], 'at_most': 1, 'weight': 0"), "affinities.a.weight", "above 0"},
       Bad{with_affinity("'types': ['vm'], 'at_most': 1, 'alike': ['app']"), "affinities.a.alike[0]", "labels.<key>"},
       Bad{with_affinity("'types': ['vm'], 'at_most': 1, 'alike': ['consumer', 'labels.a', 'labels.b']"),
           "affinities.a.alike", "at most 2"},
       Bad{with_affinity("'types': ['vm'], 'at_most': 1, 'labels': {'A': 'x'}"), "affinities.a.labels.A",
           "cannot be a label"},
       Bad{with_affinity("'types': ['vm'], 'at_most': 1, 'counts': {'types': ['vx']}"), "affinities.a.counts.types[0]",
           "there is no type 'vx'"},
       Bad{with_affinity("'types': ['vm'], 'at_most': 1, 'counts': {'label': {}}"), "affinities.a.counts.label",
           "did you mean 'labels'"}});
}

TEST(AffinityDocuments, RoundTrip) {
  for (const char* text :
       {"{'types': ['vm'], 'at_most': 0}", "{'types': ['vm', 'db'], 'per': 'rack', 'skew': 3, 'weight': 0.5}",
        "{'types': ['vm'], 'labels': {'app': 'web'}, 'counts': {'labels': {}}, 'at_least': 2, 'enabled': false}",
        "{'types': ['vm'], 'counts': {'types': ['db'], 'labels': {'app': 'web'}}, 'alike': ['consumer', 'labels.x'], "
        "'at_least': 1, 'description': 'near'}"}) {
    const auto read = [&](const Node& node) {
      return read_clean([&](auto& problems) { return read_affinity("a", node, "", problems); });
    };
    const AffinityDefinition affinity = read(tree(text));
    EXPECT_EQ(read(to_node(affinity)), affinity) << text;
  }
}

}  // namespace
}  // namespace apportion
