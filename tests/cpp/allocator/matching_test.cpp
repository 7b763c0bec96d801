// Ranges, all that match, and slots that are the same: how many there are, and which.
#include "apportion/allocator/matching.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

std::shared_ptr<Pool> with_needs(const std::string& needs, const std::vector<int>& capacities = {5, 5, 2, 5}) {
  return disks(capacities,
               "{'types': {'disk': {'dimensions': {'gb': {}}, 'fields': {'tier': {'kind': 'string'}}},"
               " 'set': {'dimensions': {'n': {}}, 'needs': [" +
                   needs + "]}}}");
}

Request set_of(int n = 0) {
  Request request;
  request.type = "set";
  request.consumer = "a";
  if (n > 0) request.amounts = {{"n", dec(n)}};
  return request;
}

using Ids = std::vector<std::string>;

TEST(Matching, ARangeTakesAsManyAsThereAre) {
  const auto pool = with_needs("{'type': 'disk', 'gb': 3, 'count': {'min': 2, 'max': 'request.n'}}");
  EXPECT_EQ(instances_of(*pool, grant(*pool, set_of(9))), (Ids{"d1", "d2", "d4"}));
  const Denial few = denial(*pool, set_of(9));
  EXPECT_EQ(few.stage, "count");
  EXPECT_EQ(few.denial_class, DenialClass::kFragmented);  // 2 GB on each
  EXPECT_NE(few.message.find("at least 2, 0 can be had"), std::string::npos) << few.message;
  EXPECT_EQ(denial(*with_needs("{'type': 'disk', 'gb': 3, 'count': {'min': 4, 'max': 5}}"), set_of()).denial_class,
            DenialClass::kNever);
}

TEST(Matching, ARangeHasSteps) {
  EXPECT_EQ(
      grant(*with_needs("{'type': 'disk', 'gb': 1, 'count': {'min': 1, 'max': 9, 'step': 2}}"), set_of()).claims.size(),
      3U);  // 1, 3, 5 ... of four
  EXPECT_EQ(grant(*with_needs("{'type': 'disk', 'gb': 1, 'count': {'max': 2}}"), set_of()).claims.size(), 2U);
}

// What comes after the range may leave it less.
TEST(Matching, ARangeLeavesWhatLaterNeedsMustHave) {
  const auto pool = with_needs(
      "{'type': 'disk', 'as': 'many', 'gb': 3, 'count': {'max': 9}}, {'type': 'disk', 'as': 'one', 'gb': 3}");
  const Grant given = grant(*pool, set_of());
  EXPECT_EQ(given.claims.size(), 3U);
}

TEST(Matching, AllThatMatchOrNone) {
  const auto all = with_needs("{'type': 'disk', 'gb': 2, 'count': 'all'}");
  EXPECT_EQ(instances_of(*all, grant(*all, set_of())), (Ids{"d1", "d2", "d3", "d4"}));
  const Denial busy = denial(*all, set_of());  // d3 is full
  EXPECT_EQ(busy.stage, "count");
  EXPECT_EQ(busy.denial_class, DenialClass::kNotNow);
  EXPECT_NE(busy.message.find("all 4 that match, 3 can be had"), std::string::npos) << busy.message;
  const auto capped = with_needs("{'type': 'disk', 'gb': 1, 'count': {'all': true, 'max': 3}}");
  EXPECT_NE(denial(*capped, set_of()).message.find("all 4 that match, at most 3 may match"), std::string::npos);
  const auto some = with_needs("{'type': 'disk', 'gb': 4, 'count': 'all', 'require': 'capacity.gb > 3'}");
  EXPECT_EQ(instances_of(*some, grant(*some, set_of())), (Ids{"d1", "d2", "d4"}));
  const auto none = with_needs("{'type': 'disk', 'gb': 1, 'count': 'all'}", {});
  EXPECT_EQ(denial(*none, set_of()).denial_class, DenialClass::kNever);
}

TEST(Matching, TheVerySlot) {
  const auto pool = with_needs(
      "{'type': 'disk', 'as': 'data', 'gb': 3, 'policy': 'last'}, {'type': 'disk', 'as': 'log', 'gb': 2, 'same_as': "
      "'data'}");
  EXPECT_EQ(instances_of(*pool, grant(*pool, set_of())), (Ids{"d4", "d4"}));
  EXPECT_EQ(instances_of(*pool, grant(*pool, set_of())), (Ids{"d2", "d2"}));  // 3 and 2 are 5
}

TEST(Matching, BranchesShareAnInstance) {
  const auto pool = disks({5, 5}, R"({'types': {'disk': {'dimensions': {'gb': {}}},
    'front': {'needs': [{'type': 'disk', 'as': 'home', 'gb': 2, 'policy': 'last'}]},
    'back': {'needs': [{'type': 'disk', 'as': 'home', 'gb': 3}]},
    'set': {'dimensions': {'n': {}}, 'needs': [{'type': 'front'}, {'type': 'back', 'same_as': {'home': 'front.home'}}]}}})");
  EXPECT_EQ(instances_of(*pool, grant(*pool, set_of())), (Ids{"d2", "d2"}));
}

TEST(Matching, MistakesAreFoundWhenTheDocumentIsRead) {
  const std::pair<const char*, const char*> cases[] = {
      {"{'type': 'disk', 'count': {'min': 2}}", "types.set.needs[0].count.max: a range says how many"},
      {"{'type': 'disk', 'count': {'all': true, 'min': 1}}", "types.set.needs[0].count.all: 'all' stands with 'max'"},
      {"{'type': 'disk', 'count': {'max': 'request.x'}}", "types.set.needs[0].count.max: "},
      {"{'type': 'disk', 'same_as': 'nobody'}", "types.set.needs[0].same_as: no earlier need of 'set'"},
      {"{'type': 'disk', 'as': 'a'}, {'type': 'disk', 'as': 'b', 'same_as': 'a', 'count': 2}",
       "types.set.needs[1].same_as: one slot is meant"},
      {"{'type': 'disk', 'as': 'a'}, {'type': 'disk', 'as': 'b', 'same_as': {'x': 'a'}}",
       "types.set.needs[1].same_as.x: 'disk' has no need called 'x'"},
  };
  for (const auto& [needs, expected] : cases) {
    const auto pool = make_pool();
    const auto problems = problems_of(
        *pool,
        std::string("{'types': {'disk': {'dimensions': {'gb': {}}}, 'set': {'dimensions': {'n': {}}, 'needs': [") +
            needs + "]}}}");
    ASSERT_FALSE(problems.empty()) << needs;
    EXPECT_TRUE(problems.front().starts_with(expected)) << problems.front();
  }
}

// The largest size of a range for which any choice of instances does, and the first choice of that size.
TEST(Matching, RangesAgreeWithBruteForce) {
  std::mt19937_64 random(4);
  const auto below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
  int granted = 0, denied = 0;
  for (int round = 0; round < tries(300); ++round) {
    std::vector<int> capacities(static_cast<std::size_t>(below(6)));
    for (int& capacity : capacities) capacity = below(6);
    const int each = 1 + below(3), one = below(4), fewest = 1 + below(3), most = fewest + below(4), by = 1 + below(2);
    const auto pool = with_needs("{'type': 'disk', 'as': 'many', 'gb': " + std::to_string(each) +
                                     ", 'count': {'min': " + std::to_string(fewest) +
                                     ", 'max': " + std::to_string(most) + ", 'step': " + std::to_string(by) +
                                     "}}, {'type': 'disk', 'as': 'one', 'gb': " + std::to_string(one) + "}",
                                 capacities);
    Ids expected;
    for (int count = most - (most - fewest) % by; count >= fewest && expected.empty(); count -= by) {
      // Subsets in the order of their first members: as digits, the earliest first.
      std::vector<int> pick(capacities.size());
      std::fill(pick.begin(), pick.begin() + std::min<std::ptrdiff_t>(count, std::ssize(pick)), 1);
      if (count > std::ssize(pick)) continue;
      do {
        std::vector<int> left = capacities;
        bool fits = true;
        Ids ids;
        for (std::size_t i = 0; i < pick.size(); ++i) {
          if (pick[i] == 0) continue;
          left[i] -= each;
          fits = fits && left[i] >= 0;
          ids.push_back("d" + std::to_string(i + 1));
        }
        const auto last = std::ranges::find_if(left, [&](int free) { return free >= one; });
        if (!fits || last == left.end()) continue;
        ids.push_back("d" + std::to_string(last - left.begin() + 1));
        expected = ids;
        break;
      } while (std::ranges::prev_permutation(pick).found);
    }
    const Result<Outcome> outcome = pool->allocate(set_of());
    ASSERT_TRUE(outcome) << error_of(outcome);
    const Grant* const given = std::get_if<Grant>(&*outcome);
    ASSERT_EQ(given != nullptr, !expected.empty()) << round;
    if (given != nullptr) {
      ASSERT_EQ(instances_of(*pool, *given), expected) << round;
    }
    ++(given != nullptr ? granted : denied);
  }
  EXPECT_GT(granted, tries(60));
  EXPECT_GT(denied, tries(60));
}

}  // namespace
}  // namespace apportion
