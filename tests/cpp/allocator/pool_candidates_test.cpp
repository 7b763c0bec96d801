#include <gtest/gtest.h>

#include <random>
#include <set>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

using Ways = std::vector<std::vector<std::string>>;

Ways ways(Pool& pool, const Request& request, std::size_t limit = 1000) {
  const Hash128 hash = pool.hash();
  const Revision revision = pool.revision();
  const Result<Node> found = pool.candidates(request, limit);
  EXPECT_EQ(error_of(found), "");
  EXPECT_EQ(pool.hash(), hash);
  EXPECT_EQ(pool.revision(), revision);
  Ways ids;
  if (!found) return ids;
  for (const Node& way : *found->list()) {
    ids.emplace_back();
    for (const Node& slot : *way.list()) ids.back().push_back(*slot.find("instance")->text());
  }
  return ids;
}

TEST(PoolCandidates, EveryWayOfAPlainRequest) {
  const auto pool = disks({5, 2, 5});
  EXPECT_EQ(ways(*pool, ask_gb("a", 3)), (Ways{{"d1"}, {"d3"}}));
  EXPECT_EQ(ways(*pool, ask_gb("a", 2, 2)), (Ways{{"d1", "d2"}, {"d1", "d3"}, {"d2", "d3"}}));
  EXPECT_EQ(ways(*pool, ask_gb("a", 2, 2), 2), (Ways{{"d1", "d2"}, {"d1", "d3"}}));
  EXPECT_EQ(ways(*pool, ask_gb("a", 6)), Ways{});
  EXPECT_TRUE(pool->candidates(ask_gb("a", 6), 0).has_error());
  EXPECT_TRUE(pool->candidates(ask_gb("", 6), 1).has_error());
}

// What may be missing is not missing where it can be had; alternatives come one after the other.
TEST(PoolCandidates, OptionalSlotsAndAlternatives) {
  const auto pool = disks({5}, R"({'types': {'disk': {'dimensions': {'gb': {}}}, 'tape': {'dimensions': {'gb': {}}},
    'set': {'needs': [{'as': 'store', 'any_of': [{'type': 'disk', 'gb': 3}, {'type': 'tape', 'gb': 3}]},
                      {'type': 'tape', 'as': 'copy', 'gb': 2, 'optional': true}]}}})");
  Request request;
  request.type = "set";
  request.consumer = "a";
  EXPECT_EQ(ways(*pool, request), (Ways{{"d1"}}));
  ASSERT_EQ(error_of(pool->add(instance("t1", "tape", {{"gb", dec(4)}}))), "");
  EXPECT_EQ(ways(*pool, request), (Ways{{"d1", "t1"}, {"t1"}}));
}

// Every assignment, and no other, each once.
TEST(PoolCandidates, AgreeWithBruteForce) {
  std::mt19937_64 random(8);
  const auto below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
  std::size_t most = 0;
  for (int round = 0; round < tries(200); ++round) {
    std::vector<int> capacities(static_cast<std::size_t>(1 + below(5)));
    for (int& capacity : capacities) capacity = below(7);
    const int first = 1 + below(3), second = 1 + below(3);
    const bool apart = below(2) == 0;
    const std::string word = apart ? ", 'different': 'id'" : "";
    const auto pool = disks(capacities,
                            "{'types': {'disk': {'dimensions': {'gb': {}}}, 'set': {'needs': [{'type': 'disk',"
                            "'as': 'x', 'gb': " +
                                std::to_string(first) + word + "}, {'type': 'disk', 'as': 'y', 'count': 2, 'gb': " +
                                std::to_string(second) + word + "}]}}}");
    std::set<std::vector<std::string>> expected;
    const int n = static_cast<int>(capacities.size());
    for (int x = 0; x < n; ++x) {
      for (int y = 0; y < n; ++y) {
        for (int z = y + 1; z < n; ++z) {
          std::vector<int> left = capacities;
          left[static_cast<std::size_t>(x)] -= first;
          left[static_cast<std::size_t>(y)] -= second;
          left[static_cast<std::size_t>(z)] -= second;
          if (std::ranges::min(left) < 0 || (apart && (x == y || x == z))) continue;
          const auto id = [](int i) { return "d" + std::to_string(i + 1); };
          expected.insert({id(x), id(y), id(z)});
        }
      }
    }
    Request request;
    request.type = "set";
    request.consumer = "a";
    const Ways found = ways(*pool, request);
    most = std::max(most, found.size());
    ASSERT_EQ(std::set(found.begin(), found.end()), expected) << round;
    ASSERT_EQ(found.size(), expected.size()) << "each once";
    const Result<Outcome> outcome = pool->allocate(request);
    ASSERT_TRUE(outcome);
    const Grant* const given = std::get_if<Grant>(&*outcome);
    ASSERT_EQ(given != nullptr, !found.empty());
    if (given != nullptr) {
      ASSERT_EQ(instances_of(*pool, *given), found.front());
    }
  }
  EXPECT_GT(most, 10U);
}

}  // namespace
}  // namespace apportion
