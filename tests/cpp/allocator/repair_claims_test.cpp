#include <gtest/gtest.h>

#include <random>

#include "repair_checks.hpp"

namespace apportion {
namespace {

std::vector<std::string> released(Pool& pool, const Request& request) {
  std::vector<std::string> texts;
  for (const Repair& repair : of_kind(repairs_of(pool, request), RepairKind::kRelease))
    texts.push_back(repair.text.substr(std::string("release ").size()));
  return texts;
}

Request on(const char* id, Request request) {
  request.where = std::string("self.id == '") + id + "'";
  return request;
}

TEST(RepairClaims, OneClaimThatIsEnoughIsPreferred) {
  const auto pool = disks({20});
  for (const int gb : {3, 9, 4, 4}) grant(*pool, ask_gb("ada", gb));
  EXPECT_EQ(released(*pool, ask_gb("eve", 4)), std::vector<std::string>{"claim c0.2.0 of 'ada' (gb 4) on 'd1'"})
      << "the smallest of those";
  EXPECT_EQ(released(*pool, ask_gb("eve", 12)),
            std::vector<std::string>{"claim c0.1.0 of 'ada' (gb 9) on 'd1', claim c0.0.0 of 'ada' (gb 3) on 'd1'"})
      << "9 + 3 = 12, nothing is free";
}

TEST(RepairClaims, MarksAndWhatEndsAnywayGoFirst) {
  const auto pool = disks({12});
  grant(*pool, ask_gb("ada", 4));
  Request ending = ask_gb("bob", 4);
  ending.ends = 1000;
  grant(*pool, ending);
  EXPECT_EQ(released(*pool, ask_gb("eve", 6)), std::vector<std::string>{"claim c0.1.0 of 'bob' (gb 4) on 'd1'"});
  Request mark = ask_gb("zoe", 4);
  mark.mark = true;
  mark.expires = 2000;
  grant(*pool, mark);
  EXPECT_EQ(released(*pool, ask_gb("eve", 4)), std::vector<std::string>{"mark c0.2.0 of 'zoe' (gb 4) on 'd1'"});
}

TEST(RepairClaims, MakeRoomForAnotherConsumer) {
  const auto pool = disks({100}, "{'types': {'disk': {'dimensions': {'gb': {}}, 'max_consumers': 2}}}");
  for (const char* name : {"ada", "ada", "bob"}) grant(*pool, ask_gb(name, 10));
  EXPECT_EQ(released(*pool, ask_gb("eve", 10)), std::vector<std::string>{"claim c0.2.0 of 'bob' (gb 10) on 'd1'"})
      << "who holds least";
  EXPECT_EQ(released(*pool, ask_gb("eve", 90)),
            std::vector<std::string>{"claim c0.2.0 of 'bob' (gb 10) on 'd1', claim c0.0.0 of 'ada' (gb 10) on 'd1'"});
}

TEST(RepairClaims, AnInstanceThatIsOverGivesBackFirst) {
  const auto pool = disks({10}, "{'types': {'disk': {'dimensions': {'gb': {}, 'iops': {}}}}}");
  ASSERT_TRUE(pool->change(instance("d1", "", {{"iops", dec(10)}})));
  grant(*pool, ask("ada", {{"iops", dec(6)}}));
  grant(*pool, ask("bob", {{"gb", dec(1)}, {"iops", dec(4)}}));
  ASSERT_TRUE(pool->change(instance("d1", "", {{"iops", dec(7)}})));
  EXPECT_EQ(released(*pool, ask_gb("eve", 2)),
            std::vector<std::string>{"claim c0.1.0 of 'bob' (gb 1, iops 4) on 'd1'"});  // 10 - 4 <= 7
}

TEST(RepairClaims, ForSeveralInstancesRoomIsMadeOnAsMany) {
  const auto pool = disks({10, 10, 10});
  for (const char* id : {"d1", "d2", "d3"}) grant(*pool, on(id, ask_gb("ada", 8)));
  const Request request = ask_gb("eve", 5, 2);
  std::map<RepairKind, int> kinds;
  check_repairs(*pool, request, kinds);
  EXPECT_EQ(released(*pool, request),
            std::vector<std::string>{"claim c0.0.0 of 'ada' (gb 8) on 'd1', claim c0.1.0 of 'ada' (gb 8) on 'd2'"});
}

TEST(RepairClaims, ATreeIsReleasedWhole) {
  const auto pool = make_pool(R"({'types': {'disk': {'dimensions': {'gb': {}}},
      'pair': {'dimensions': {'gb': {}}, 'needs': [{'type': 'disk', 'as': 'a', 'gb': 'request.gb'},
                                                   {'type': 'disk', 'as': 'b', 'gb': '1'}]}},
      'instances': [{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 10}}]})");
  Request tree = ask_gb("ada", 7);
  tree.type = "pair";
  grant(*pool, tree);
  EXPECT_EQ(released(*pool, ask_gb("eve", 5)),
            std::vector<std::string>{"claim c0.0.0 of 'ada' (gb 7) on 'd1', claim c0.1.0 of 'ada' (gb 1) on 'd1'"});
  EXPECT_TRUE(of_kind(repairs_of(*pool, ask_gb("eve", 5)), RepairKind::kMove).empty());
}

std::vector<std::string> moves(Pool& pool, const Request& request) {
  std::vector<std::string> texts;
  for (const Repair& repair : of_kind(repairs_of(pool, request), RepairKind::kMove)) texts.push_back(repair.text);
  return texts;
}

TEST(RepairClaims, AMoveHonoursWhatTheMoverAskedFor) {
  const auto pool = disks({10, 4, 6});
  Request picky = ask_gb("ada", 4);
  picky.where = "self.id != 'd2'";
  grant(*pool, picky);                       // on d1
  grant(*pool, on("d1", ask_gb("bob", 4)));  // its filter ties it to d1
  grant(*pool, on("d3", ask_gb("zoe", 1)));
  EXPECT_EQ(moves(*pool, ask_gb("eve", 6)),
            std::vector<std::string>{"move claim c0.0.0 of 'ada' (gb 4) from 'd1' to 'd3'"});
  EXPECT_TRUE(moves(*pool->fork(), ask_gb("eve", 6)).empty()) << "a fork does not know the filter any more";
}

TEST(RepairClaims, MembersOfAGrantStayApart) {
  const auto pool = disks({10, 10, 1});
  grant(*pool, ask_gb("ada", 6, 2));  // on d1 and d2
  EXPECT_TRUE(moves(*pool, ask_gb("eve", 5)).empty()) << "d3 is too small, and the other has its sibling";
  ASSERT_TRUE(pool->change(instance("d3", "", {{"gb", dec(6)}})));
  grant(*pool, on("d3", ask_gb("bob", 2)));
  EXPECT_TRUE(moves(*pool, ask_gb("eve", 7)).empty());
  ASSERT_TRUE(pool->change(instance("d3", "", {{"gb", dec(9)}})));
  EXPECT_EQ(moves(*pool, ask_gb("eve", 8)).size(), 2U);
}

TEST(RepairClaims, SeveralMoveWhereOneIsNotEnough) {
  const auto pool = disks({10, 5, 5, 5});
  for (int i = 0; i < 3; ++i) grant(*pool, ask_gb("ada", 3));  // all on d1
  for (const char* id : {"d2", "d3", "d4"}) grant(*pool, on(id, ask_gb("bob", 2)));
  EXPECT_EQ(
      moves(*pool, ask_gb("eve", 7)),
      std::vector<std::string>{"move claim c0.0.0 of 'ada' (gb 3) from 'd1' to 'd2', claim c0.1.0 of 'ada' (gb 3) "
                               "from 'd1' to 'd3'"});
  std::map<RepairKind, int> kinds;
  check_repairs(*pool, ask_gb("eve", 10), kinds);
  EXPECT_EQ(kinds[RepairKind::kMove], 1) << "three at most";
}

TEST(RepairClaims, ConsumersMakePlaceByMoving) {
  const auto pool = disks({10, 10}, "{'types': {'disk': {'dimensions': {'gb': {}}, 'max_consumers': 1}}}");
  grant(*pool, on("d1", ask_gb("ada", 1)));
  InstanceSpec closed = instance("d2", "", {{"gb", dec(2)}});
  ASSERT_TRUE(pool->change(closed));
  grant(*pool, ask_gb("bob", 1));
  EXPECT_TRUE(moves(*pool, ask_gb("eve", 5)).empty()) << "there is nobody's place";
  ASSERT_TRUE(pool->add(instance("d3", "disk", {{"gb", dec(2)}})));
  EXPECT_TRUE(moves(*pool, ask_gb("eve", 5)).empty()) << "ada said d1";
}

TEST(RepairClaims, AWaitIsTheShortest) {
  std::mt19937_64 random(9);
  int found = 0;
  for (int round = 0; round < 60; ++round) {
    const auto pool = disks({10, 10, 10});
    std::vector<Time> ends;
    for (int i = 0; i < 12; ++i) {
      Request request = ask_gb("c" + std::to_string(i), static_cast<int>(1 + random() % 6));
      if (random() % 4 != 0) request.ends = static_cast<Time>(1 + random() % 50);
      const bool mark = random() % 4 == 0;
      if (mark) request.mark = true, request.expires = static_cast<Time>(1 + random() % 50);
      if (granted(*pool, request)) ends.push_back(mark ? std::min(request.expires, request.ends) : request.ends);
    }
    const Request request = ask_gb("eve", 9);
    if (granted(*pool->fork(), request)) continue;
    std::ranges::sort(ends);
    Time first = kForever;
    for (const Time end : ends) {
      const auto later = pool->fork();
      if (end == kForever || !later->tick(end) || !granted(*later, request)) continue;
      first = end;
      break;
    }
    const std::vector<Repair> waits = of_kind(repairs_of(*pool, request), RepairKind::kWait);
    ASSERT_EQ(waits.empty(), first == kForever);
    if (waits.empty()) continue;
    ASSERT_EQ(waits[0].until, first);
    ++found;
  }
  EXPECT_GT(found, 20);
}

// Wherever the release of one claim would do, one is offered; and no claim of a release can be left out.
TEST(RepairClaims, AReleaseIsFoundAndHoldsNothingThatIsNotNeeded) {
  std::mt19937_64 random(11);
  int single = 0, several = 0;
  for (int round = 0; round < 150; ++round) {
    const auto pool =
        disks({12, 12, 12}, "{'types': {'disk': {'dimensions': {'gb': {}, 'iops': {}}, 'max_consumers': 4}}}");
    for (const char* id : {"d1", "d2", "d3"}) ASSERT_TRUE(pool->change(instance(id, "", {{"iops", dec(9)}})));
    std::vector<ClaimId> claims;
    for (int i = 0; i < 14; ++i) {
      const Request request = ask("c" + std::to_string(random() % 6), {{"gb", dec(static_cast<int>(random() % 6))},
                                                                       {"iops", dec(static_cast<int>(random() % 5))}});
      const Result<Outcome> outcome = pool->allocate(request);
      if (const Grant* held = std::get_if<Grant>(&*outcome)) claims.push_back(held->claims[0].claim);
    }
    const Request request = ask("eve", {{"gb", dec(8)}, {"iops", dec(static_cast<int>(2 + random() % 5))}});
    if (granted(*pool->fork(), request)) continue;
    const auto cures = [&](const std::vector<ClaimId>& ended) {
      const auto trial = pool->fork();
      return trial->release(ended).has_value() && granted(*trial, request);
    };
    const std::vector<Repair> releases = of_kind(repairs_of(*pool, request), RepairKind::kRelease);
    const bool one = std::ranges::any_of(claims, [&](ClaimId id) { return cures({id}); });
    ASSERT_FALSE(releases.empty());
    if (one) {
      ASSERT_EQ(releases[0].claims.size(), 1U) << releases[0].text;
    }
    for (const Repair& repair : releases) {
      for (std::size_t out = 0; out < repair.claims.size(); ++out) {
        std::vector<ClaimId> rest;
        for (std::size_t i = 0; i < repair.claims.size(); ++i) {
          if (i != out) rest.push_back(repair.claims[i].claim);
        }
        ASSERT_FALSE(cures(rest)) << repair.text;
      }
    }
    ++(one ? single : several);
  }
  EXPECT_GT(single, 15);
  EXPECT_GT(several, 15);
}

}  // namespace
}  // namespace apportion
