#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

TEST(Instances, WrittenWrongly) {
  expect_refused(
      {Bad{with_instances("{'type': 'disk'}"), "instances[0]", "'id' is missing"},
       Bad{with_instances("{'id': 'a'}"), "instances[0]", "'type' is missing"},
       Bad{with_instances("{'id': '', 'type': 'disk'}"), "instances[0].id", "must not be empty"},
       Bad{with_instances("{'id': '" + std::string(201, 'x') + "', 'type': 'disk'}"), "instances[0].id",
           "201 bytes; at most 200"},
       Bad{with_instances("{'id': 'a\n', 'type': 'disk'}"), "instances[0].id", "control character"},
       Bad{with_instance("'version': 0"), "instances[0].version", "from 1"},
       Bad{with_instance("'capacity': {'gb': -1}"), "instances[0].capacity.gb", "-1 is negative"},
       Bad{with_instance("'capacity': {'gb': 'abc'}"), "instances[0].capacity.gb",
           "expected a number, found text 'abc'"},
       Bad{with_instance("'labels': {'A': 'x'}"), "instances[0].labels.A", "cannot be a label"},
       Bad{with_instance("'labels': {'a.b/c': 5}"), "instances[0].labels.\"a.b/c\"", "expected text"},
       Bad{with_instance("'groups': ['g', 'g']"), "instances[0].groups[1]", "stands twice"},
       Bad{with_instance("'groups': [5]"), "instances[0].groups[0]", "expected text"},
       Bad{with_instance("'address': '" + std::string(1001, 'x') + "'"), "instances[0].address", "1001 bytes"}});
}

TEST(Instances, RoundTrip) {
  const auto instance = [&](const Node& node) {
    return read_clean([&](auto& problems) { return read_instance(node, "", problems); });
  };
  const InstanceSpec whole = instance(tree(R"({
    'id': 'd1', 'type': 'disk', 'version': 2, 'address': 'host:1', 'location': 'zone-a', 'parent': '', 'policy': '',
    'labels': {'tier': 'a', 'app.kubernetes.io/name': 'x'}, 'groups': ['g1'], 'state': {'status': 'online'},
    'fields': {'name': 'x'}, 'relationships': {'replica_of': ['d2', 'd3']}, 'capacity': {'gb': 10.5},
    'reserved': {'gb': 1}, 'ratio': {'gb': 1.5}, 'usage': {'gb': 0.5}})"));
  EXPECT_EQ(instance(to_node(whole)), whole);
  EXPECT_EQ(whole.policy, "") << "the type's";
  EXPECT_EQ(whole.parent, "");
  const InstanceSpec change = instance(tree("{'id': 'd1', 'relationships': {'replica_of': 'd2'}}"));
  EXPECT_EQ(change.policy, std::nullopt);
  EXPECT_EQ(change.relationships.at(0).second, std::vector<std::string>{"d2"}) << "one id as text";
  EXPECT_EQ(instance(to_node(change)), change);
  const auto consumer = [&](const Node& node) {
    return read_clean([&](auto& problems) { return read_consumer(node, "", problems); });
  };
  const ConsumerSpec alice = consumer(tree("{'id': 'alice', 'kind': 'user', 'attributes': {'speed': 3}}"));
  EXPECT_EQ(consumer(to_node(alice)), alice);
}

}  // namespace
}  // namespace apportion
