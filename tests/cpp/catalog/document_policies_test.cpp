#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

std::string with_fragments(const std::string& policy) {
  return "{'types': {'a': {'dimensions': {'d': {}}}}, 'policies': {'p': {" + policy + "}}}";
}

TEST(Policies, WrittenWrongly) {
  expect_refused({Bad{with_policy("'order': 'mni'"), "policies.p.order", "expected min or max.* did you mean 'min'"},
                  Bad{with_policy("'quantum': 0"), "policies.p.quantum", "above 0"},
                  Bad{with_policy("'quantum': 1e-400"), "policies.p.quantum", "above 0"},
                  Bad{with_policy("'seed': 5"), "policies.p.seed", "ties = \"seeded\""},
                  Bad{with_policy("'ties': 'seeded', 'seed': -1"), "policies.p.seed", "found -1"},
                  Bad{with_policy("'score': ''"), "policies.p.score", "must not be empty"},
                  Bad{with_fragments("'fragmentation': {'parts': 'a', 'profile': [{}]}"), "policies.p.fragmentation",
                      "'dimension' is missing"},
                  Bad{with_fragments("'fragmentation': {'parts': 'a', 'dimension': 'd', 'profile': []}"),
                      "policies.p.fragmentation.profile", "nothing is asked for"},
                  Bad{with_fragments("'fragmentation': {'parts': 'a', 'dimension': 'd', 'profile': [{'weight': 0}]}"),
                      "policies.p.fragmentation.profile[0].weight", "expected"},
                  Bad{with_fragments("'fragmentation': {'parts': 'a', 'dimension': 'd', 'profile': [{'gb': 'x'}]}"),
                      "policies.p.fragmentation.profile[0].gb", "number"},
                  Bad{with_policy("'fragmentation': {'parts': 'nodisk', 'dimension': 'd', 'profile': [{}]}"),
                      "policies.p.fragmentation.parts", "there is no type 'nodisk'"},
                  Bad{"{'policies': {'together': {}}}", "policies.together", "named policy"},
                  Bad{"{'consumer_kinds': {'user': {'attributes': {'kind': {'kind': 'string'}}}}}",
                      "consumer_kinds.user.attributes.kind", "reserved"},
                  Bad{"{'relationships': {'r': {'to': 'rack'}}}", "relationships.r", "'from' is missing"}});
}

TEST(Policies, RoundTrip) {
  for (const char* text :
       {"{}", "{'score': '1', 'where': 'self.a > 1', 'order': 'max', 'quantum': 0.01, 'ties': 'rotating'}",
        "{'score': '0 - fragmentation.rise', 'fragmentation': {'parts': 'gpu', 'dimension': 'milli', 'profile': ["
        "{'weight': 3, 'cores': 2.5, 'gb': 1, 'part': 500, 'count': 2, 'where': 'self.old'}, {'cores': 1}]}}",
        "{'description': 'two\nlines', 'ties': 'seeded', 'seed': 9223372036854775807}"}) {
    const auto read = [&](const Node& node) {
      return read_clean([&](auto& problems) { return read_policy("p", node, "", problems); });
    };
    const PolicyDefinition policy = read(tree(text));
    EXPECT_EQ(read(to_node(policy)), policy);
  }
}

TEST(Policies, ConsumerKindsAndRelationships) {
  const auto kind = [&](const Node& node) {
    return read_clean([&](auto& problems) { return read_consumer_kind("user", node, "", problems); });
  };
  const ConsumerKindDefinition user = kind(tree("{'description': 'd', 'attributes': {'speed': {'kind': 'number'}}}"));
  EXPECT_EQ(kind(to_node(user)), user);
  const auto link = [&](const Node& node) {
    return read_clean([&](auto& problems) { return read_relationship("replica_of", node, "", problems); });
  };
  const RelationshipDefinition replica = link(tree("{'from': 'disk', 'to': 'disk', 'many': true, 'description': 'd'}"));
  EXPECT_EQ(link(to_node(replica)), replica);
}

}  // namespace
}  // namespace apportion
