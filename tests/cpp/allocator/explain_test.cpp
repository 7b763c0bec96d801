#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

const Node& at(const Node& node, std::string_view key) {
  const Node* found = node.find(key);
  if (found == nullptr) throw std::runtime_error("no " + std::string(key));
  return *found;
}
std::string json(const Node& node, std::string_view key) { return to_json(at(node, key)); }

TEST(Explain, GivesTheRankingWithScoresAndParts) {
  const auto pool = make_pool(
      "{'types': {'disk': {'dimensions': {'gb': {}, 'iops': {}}, 'policy': 'balance'}}, 'instances': "
      "[{'id': 'd1', 'type': 'disk', 'location': 'z', 'capacity': {'gb': 4, 'iops': 2}}, {'id': 'd2', "
      "'type': 'disk', 'capacity': {'gb': 2}}, {'id': 'd3', 'type': 'disk'}]}");
  const Hash128 hash = pool->hash();
  const Revision revision = pool->revision();
  const Node why = *pool->explain(ask_gb("a", 2), 10);
  EXPECT_EQ(json(why, "granted"), "true");
  EXPECT_EQ(json(why, "candidates"), "2") << "d3 has no room";
  const Node::List& ranking = *at(why, "ranking").list();
  ASSERT_EQ(ranking.size(), 2U);
  EXPECT_EQ(json(ranking[0], "instance"), R"("d1")");
  EXPECT_EQ(json(ranking[0], "location"), R"("z")");
  EXPECT_EQ(json(ranking[0], "score"), "0.25");  // ((0 + 2) / 4)^2 - 0 + (0 / 2)^2 - 0
  EXPECT_EQ(json(ranking[1], "score"), "1");     // (2 / 2)^2
  const Node& part = at(ranking[0], "parts").list()->front();
  EXPECT_EQ(json(part, "dimensions"), R"({"gb": 0.25, "iops": 0})");
  EXPECT_EQ(to_json(at(at(ranking[1], "parts").list()->front(), "dimensions")), R"({"gb": 1, "iops": null})");
  EXPECT_EQ(json(at(why, "policy"), "description").empty(), false);
  EXPECT_EQ(json(why, "denial"), "null");
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_EQ(pool->revision(), revision) << "nothing is recorded";
  EXPECT_EQ(at(*pool->explain(ask_gb("a", 2), 1), "ranking").list()->size(), 1U);
}

TEST(Explain, TheFirstOfTheRankingIsWhatAllocateGives) {
  const auto pool = disks({10, 10, 10, 10},
                          "{'types': {'disk': {'dimensions': {'gb': {}}}}, 'policies': {'dice': {'ties': "
                          "'seeded', 'seed': 3}, 'round': {'ties': 'rotating'}}}");
  for (const char* policy : {"first", "last", "least_utilised", "most_utilised", "balance", "dice", "round"}) {
    for (int i = 0; i < 4; ++i) {
      Request request = ask_gb("a", 1);
      request.policy = policy;
      const Node why = *pool->explain(request, 1);
      const std::string expected = *at(at(why, "ranking").list()->front(), "instance").text();
      EXPECT_EQ(chosen(*pool, request), expected) << policy;
    }
  }
}

TEST(Explain, GivesTheDenialThatAllocateWouldGive) {
  const auto pool = disks({10, 4});
  grant(*pool, ask_gb("x", 5));
  for (const Request& request : {ask_gb("a", 6), ask_gb("a", 11), ask_gb("a", 5, 2), ask_gb("a", 9)}) {
    const Node why = *pool->explain(request, 5);
    EXPECT_EQ(json(why, "granted"), "false");
    const Denial real = denial(*pool, request);
    EXPECT_EQ(json(at(why, "denial"), "class"), '"' + std::string(class_name(real.denial_class)) + '"');
    EXPECT_EQ(json(at(why, "denial"), "message"), '"' + real.message + '"');
    EXPECT_EQ(at(why, "stages").list()->size(), real.stages.size());
  }
}

TEST(Explain, SeveralInstancesMayBeFewerThanTheRanking) {
  const auto pool = disks({});
  for (const char* id : {"a1", "a2"}) {
    InstanceSpec spec = instance(id, "disk", {{"gb", dec(10)}});
    spec.groups = std::vector<std::string>{"a"};
    ASSERT_EQ(error_of(pool->add(spec)), "");
  }
  Request apart = ask_gb("x", 1, 2);
  apart.where = "group('a').claims < 1";
  const Node why = *pool->explain(apart, 5);
  EXPECT_EQ(json(why, "candidates"), "2");
  EXPECT_EQ(json(why, "granted"), "false");
  static_cast<void>(denial(*pool, apart));
}

TEST(Explain, ShowsScoresThatAreNoNumbers) {
  const auto pool = disks({10});
  Request request = ask_gb("a", 1);
  request.own_policy =
      PolicyDefinition{"own", "", "", "1e308 * 1e10 + used.gb", Order::kMin, 0, Ties::kLowestId, 0, {}};
  const Result<Node> why = pool->explain(request, 5);
  ASSERT_TRUE(why) << error_of(why);
  EXPECT_TRUE(pool->explain(ask_gb("", 1), 5).has_error());
}

TEST(Explain, ADenialIsOfTheStateThatWasAsked) {
  const auto pool = disks({10});
  const Node why = *pool->explain(ask_gb("a", 11), 10);
  EXPECT_EQ(json(at(why, "denial"), "revision"), '"' + pool->revision().text() + '"');
}

}  // namespace
}  // namespace apportion
