#include <gtest/gtest.h>

#include "builders.hpp"
#include "random_pool.hpp"

namespace apportion {
namespace {

const Node& inside(const Node& node, std::initializer_list<std::string_view> path) {
  const Node* at = &node;
  for (const std::string_view key : path) {
    at = at->find(key);
    if (at == nullptr) throw std::runtime_error("no " + std::string(key));
  }
  return *at;
}
std::int64_t rank_of(const Node& why) { return inside(why, {"chosen", "rank"}).number()->to_int64().value(); }

TEST(Why, TellsWhatTheRequestMet) {
  const auto pool = disks({10, 20}, "{'types': {'disk': {'dimensions': {'gb': {}}, 'policy': 'least_utilised'}}}");
  grant(*pool, ask_gb("ada", 4));                       // d1: 0.4
  const Grant second = grant(*pool, ask_gb("bob", 4));  // d2
  const Revision made = second.revision;
  grant(*pool, ask_gb("eve", 9));  // d2 again: 13 of 20
  ASSERT_EQ(error_of(pool->remove_consumer("nobody")), "there is no consumer 'nobody'");
  const Node why = *pool->why(second.claims[0].claim, 10);
  EXPECT_EQ(rank_of(why), 1);
  EXPECT_EQ(*inside(why, {"chosen", "instance"}).text(), "d2");
  EXPECT_EQ(*inside(why, {"chosen", "revision"}).text(), made.text());
  const Node::List& ranking = *inside(why, {"ranking"}).list();
  ASSERT_EQ(ranking.size(), 2U);
  EXPECT_EQ(to_json(inside(ranking[0], {"score"})), "0") << "nothing was used of d2 then";
  EXPECT_EQ(to_json(inside(ranking[1], {"score"})), "0.4");
  EXPECT_EQ(inside(ranking[1], {"parts"}).list()->size(), 1U);
}

TEST(Why, KnowsWhereTheClaimIsNow) {
  const auto pool = disks({10, 20});
  const ClaimId claim = grant(*pool, ask_gb("ada", 4)).claims[0].claim;
  ASSERT_TRUE(pool->move(claim, "d2"));
  ASSERT_TRUE(pool->transfer(claim, "bob"));
  const Node why = *pool->why(claim, 10);
  EXPECT_EQ(*inside(why, {"chosen", "instance"}).text(), "d1");
  EXPECT_EQ(*inside(why, {"now", "instance"}).text(), "d2");
  EXPECT_EQ(*inside(why, {"consumer"}).text(), "ada");
  EXPECT_EQ(*inside(why, {"now", "consumer"}).text(), "bob");
}

TEST(Why, SaysWhenItCannotKnow) {
  const auto pool = disks({10});
  const ClaimId claim = grant(*pool, ask_gb("ada", 4)).claims[0].claim;
  const Result<Node> fork = pool->fork()->why(claim, 10);
  ASSERT_TRUE(fork.has_error());
  EXPECT_EQ(fork.error().code, ErrorCode::kUnknown);
  EXPECT_TRUE(error_of(fork).starts_with("claim 0.0 was decided by change ")) << error_of(fork);
  EXPECT_NE(error_of(fork).find("and this pool's journal begins after change"), std::string::npos);
  ASSERT_TRUE(pool->release({claim}));
  EXPECT_EQ(pool->why(claim, 10).error().code, ErrorCode::kStale);
}

// A claim of each kind of request; the choice is the first of what its request met, always.
TEST(Why, TheChoiceIsTheFirstOfTheRanking) {
  Client client(make_pool(kEverything), 21);
  std::map<ClaimState, int> seen;
  int checked = 0;
  for (int i = 0; i < tries(1500); ++i) {
    const std::string line = client.step();
    if (!line.starts_with("granted")) continue;
    const Table claims = client.pool().claims();
    const auto& ids = values<TableColumn::Texts>(claims, "claim");
    if (ids.empty()) continue;
    for (const std::string& id : {ids.back(), ids[static_cast<std::size_t>(i) % ids.size()]}) {
      unsigned slot = 0, generation = 0;
      ASSERT_EQ(std::sscanf(id.c_str(), "c0.%u.%u", &slot, &generation), 2);
      const Result<Node> why = client.pool().why({slot, generation}, 3);
      const bool later = error_of(why).find("just in time") != std::string::npos;
      if (later || error_of(why).find("is pending") != std::string::npos) continue;
      ASSERT_TRUE(why) << error_of(why);
      // Cards that stand above may need what was not there.
      const std::string& type = *why->find("type")->text();
      if (type == "card" || type.empty()) continue;
      ASSERT_EQ(rank_of(*why), 1) << line << " " << to_json(*why);
      ++checked;
    }
  }
  EXPECT_GT(checked, tries(200));
}

constexpr const char* kTwoBackups = R"({
  'types': {
    'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}}},
    'line': {'dimensions': {'mbit': {}}},
    'mailbox': {'dimensions': {'gb': {}},
      'needs': [{'type': 'disk', 'as': 'primary', 'gb': 'request.gb'},
                {'type': 'disk', 'as': 'backup', 'gb': 'request.gb', 'count': 2, 'require': 'self.zone != primary.zone'},
                {'type': 'line', 'mbit': 1}]}},
  'instances': [
    {'id': 'd0', 'type': 'disk', 'fields': {'zone': 'b'}, 'capacity': {'gb': 4}},
    {'id': 'd1', 'type': 'disk', 'fields': {'zone': 'a'}, 'capacity': {'gb': 10}},
    {'id': 'd2', 'type': 'disk', 'fields': {'zone': 'b'}, 'capacity': {'gb': 10}},
    {'id': 'd3', 'type': 'disk', 'fields': {'zone': 'b'}, 'capacity': {'gb': 10}},
    {'id': 'l1', 'type': 'line', 'capacity': {'mbit': 5}}]})";

TEST(Why, OfATreeTellsOfTheSlot) {
  const auto pool = make_pool(kTwoBackups);
  Request request = ask_gb("ada", 4);
  request.type = "mailbox";
  const Grant held = grant(*pool, request);
  ASSERT_EQ(instances_of(*pool, held), (std::vector<std::string>{"d1", "d0", "d2", "l1"}));
  const struct {
    std::size_t claim;
    const char* role;
    int rank;
    const char* ranking;
  } rows[] = {{0, "mailbox@1/primary", 2, "d0 d1 d2 d3 "},  // with d0 there are no two disks in another zone
              {1, "mailbox@1/backup", 1, "d0 d2 d3 "},
              {2, "mailbox@1/backup", 1, "d2 d3 "},
              {3, "mailbox@1/line", 1, "l1 "}};
  for (const auto& row : rows) {
    const Node why = *pool->why(held.claims[row.claim].claim, 10);
    EXPECT_EQ(*inside(why, {"chosen", "role"}).text(), row.role);
    std::string order;
    for (const Node& each : *inside(why, {"ranking"}).list()) order += *inside(each, {"instance"}).text() + " ";
    EXPECT_EQ(order, row.ranking) << row.role;
    EXPECT_EQ(rank_of(why), row.rank) << row.role;
  }
}

TEST(Why, ReadsPoliciesThatCameWithTheRequest) {
  const auto pool = disks({10, 10});
  Request request = ask_by("self.ordinal % 2");
  request.own_policy->where = "self.ordinal < 99";
  request.own_policy->quantum = 0.25;
  const ClaimId claim = grant(*pool, request).claims[0].claim;
  const Node why = *pool->why(claim, 10);
  EXPECT_EQ(*inside(why, {"policy", "score"}).text(), "self.ordinal % 2");
  EXPECT_EQ(rank_of(why), 1);
}

}  // namespace
}  // namespace apportion
