// Amounts and counts of needs that read the request and its consumer.
#include <gtest/gtest.h>

#include "waiting_pool.hpp"

namespace apportion {
namespace {

TEST(NeedQuantities, ReadTheRequestAndItsConsumer) {
  const auto pool = make_pool(R"({'types': {
    'disk': {'dimensions': {'gb': {}}},
    'box': {'dimensions': {'gb': {'step': 0.5}}, 'needs': [
      {'type': 'disk', 'as': 'disk', 'gb': 'request.gb * 2 + request.count'},
      {'type': 'disk', 'as': 'more', 'gb': 1, 'count': 'consumer.fast ? 2 : 1'}]}},
    'consumer_kinds': {'user': {'attributes': {'fast': {'kind': 'boolean'}}}},
    'consumers': [{'id': 'ada', 'kind': 'user', 'attributes': {'fast': true}},
                  {'id': 'bob', 'kind': 'user', 'attributes': {'fast': false}}],
    'instances': [{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 99}}, {'id': 'd2', 'type': 'disk', 'capacity': {'gb': 99}}]})");
  const auto steps = [&](const char* consumer) {
    Request request = ask(consumer, {{"gb", dec("1.5")}});
    request.type = "box";
    std::vector<Steps> all;
    for (const GrantedClaim& claim : grant(*pool, request).claims) all.push_back(claim.steps[0]);
    return all;
  };
  EXPECT_EQ(steps("ada"), (std::vector<Steps>{4, 1, 1}));
  EXPECT_EQ(steps("bob"), (std::vector<Steps>{4, 1}));
}

}  // namespace
}  // namespace apportion
