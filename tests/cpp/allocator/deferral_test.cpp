#include "apportion/allocator/deferral.hpp"

#include <gtest/gtest.h>

#include "waiting_pool.hpp"

namespace apportion {
namespace {

std::string line_type(const std::string& dimensions, const std::string& rest = "") {
  return "{'types': {'channel': {'dimensions': {" + dimensions + "}, 'deferrable': {'patience_s': 100, 'held_s': 8}" +
         rest + "}}}";
}

std::shared_ptr<Pool> lines(const std::vector<int>& mbit, const std::string& document = line_type("'mbit': {}")) {
  const auto pool = make_pool(document);
  for (std::size_t i = 0; i < mbit.size(); ++i) {
    EXPECT_EQ(error_of(pool->add(instance("l" + std::to_string(i + 1), "channel", {{"mbit", dec(mbit[i])}}))), "");
  }
  return pool;
}

// The wait in seconds that a request would be told.
double wait_of(const Pool& pool, const Request& request) {
  const auto copy = pool.fork();
  const Node answer = copy->explain(request, 0).value();
  const Node& wait = *answer.find("deferral");
  if (wait.is_null()) return -1;
  return wait.find("expected_s")->number()->to_double();
}

TEST(Deferral, IsTheMissingOverTheHeldTimesHowLongItIsHeld) {
  const auto pool = lines({100, 60});
  grant(*pool, ask_line("a", 70));  // on l1
  grant(*pool, ask_line("b", 50));  // on l2
  EXPECT_EQ(wait_of(*pool, ask_line("c", 30)), -1) << "it is there";
  EXPECT_EQ(wait_of(*pool, ask_line("c", 60)), 2) << "60 - 30 free = 30 of 120 held, 8 s each";
  EXPECT_EQ(wait_of(*pool, ask_line("c", 90)), 6.857142858) << "60 of the 70 of the one line that is large enough: up";
  EXPECT_EQ(wait_of(*pool, ask_line("c", 101)), -1) << "never";
  EXPECT_EQ(wait_of(*pool, ask_line("c", 60, 2)), 6) << "2 x 60 - 30 = 90 of 120";
  EXPECT_EQ(wait_of(*pool, ask_line("c", 61, 2)), -1) << "only one is so large";
  grant(*pool, ask_line("d", 40));
  EXPECT_EQ(wait_of(*pool, ask_line("c", 60)), 4.666666667) << "40 are waited for already: 70 of 120";
}

TEST(Deferral, TheDimensionThatTakesLongest) {
  const auto pool = lines({100}, line_type("'mbit': {}, 'slots': {'step': 0.5}"));
  InstanceSpec spec = instance("l1", "", {{"mbit", dec(100)}, {"slots", dec(4)}});
  ASSERT_TRUE(pool->change(spec).has_value());
  Request first = ask_line("a", 50);
  first.amounts.emplace_back("slots", dec(4));
  grant(*pool, first);
  Request second = ask_line("b", 60);
  second.amounts.emplace_back("slots", dec("0.5"));
  EXPECT_EQ(wait_of(*pool, second), 1.6) << "10 of 50 mbit; 0.5 of 4 slots would be 1 s";
  second.amounts[1].second = dec(2);
  EXPECT_EQ(wait_of(*pool, second), 4) << "2 of 4 slots";
}

TEST(Deferral, IsOneClaimLongWhereNoSingleDimensionIsShort) {
  const auto pool = lines({}, line_type("'mbit': {}, 'slots': {}"));
  for (int i = 1; i <= 2; ++i)
    ASSERT_TRUE(pool->add(instance("l" + std::to_string(i), "channel", {{"mbit", dec(10)}, {"slots", dec(10)}})));
  Request wide = ask_line("a", 10);
  grant(*pool, wide);
  Request deep = ask_line("b", 0);
  deep.amounts = {{"slots", dec(10)}};
  deep.where = "self.id == 'l2'";
  grant(*pool, deep);
  Request both = ask_line("c", 5);
  both.amounts.emplace_back("slots", dec(5));
  EXPECT_EQ(wait_of(*pool, both), 8);
}

TEST(Deferral, NobodyWaitsForWhatNobodyHolds) {
  const auto pool = lines({10});
  ASSERT_TRUE(pool->change(instance("l1", "", {{"mbit", dec(5)}})).has_value());
  InstanceSpec reserved = instance("l1", "", {});
  reserved.capacity = {{"mbit", dec(10)}};
  ASSERT_TRUE(pool->change(reserved).has_value());
  grant(*pool, ask_line("a", 10));
  const Denial unfit = denial(*pool, ask_line("c", 11));
  EXPECT_EQ(unfit.deferral, nullptr);
}

TEST(Deferral, CountsOldVersionsInTheStepsOfTheNewest) {
  const auto pool = lines({100});
  grant(*pool, ask_line("a", 100));
  apply_document(*pool, line_type("'mbit': {'step': 0.5}"));
  EXPECT_EQ(wait_of(*pool, ask_line("b", 25)), 2) << "25 of 100, whatever their steps";
  grant(*pool, ask_line("b", 25));
  apply_document(*pool, line_type("'mbit': {'step': 0.25}"));
  EXPECT_EQ(wait_of(*pool, ask_line("c", 25)), 4) << "behind the 25 of the version before";
}

TEST(Deferral, ShowsTheNumbersItWasDecidedBy) {
  const auto pool = lines({100});
  grant(*pool, ask_line("a", 100));
  Request request = ask_line("b", 50);
  request.patience = 3 * kSecond;
  const Denial why = denial(*pool, request);
  ASSERT_TRUE(why.deferral);
  EXPECT_EQ(
      why.deferral->message,
      "'channel' is deferrable: mbit 50 asked for, 0 waited for already, 0 free, 100 held; claims last 8 s (0 have "
      "ended); expected in 4 s, patience 3 s");
  EXPECT_TRUE(why.message.ends_with(why.deferral->message)) << why.message;
  EXPECT_EQ(to_json(to_node(*why.deferral)),
            "{\"deferred\": false, \"type\": \"channel\", \"dimension\": \"mbit\", \"requested\": \"50\", "
            "\"queued\": \"0\", \"largest_free\": \"0\", \"used\": \"100\", \"ended\": 0, \"held_s\": 8, "
            "\"expected_s\": 4, \"patience_s\": 3, \"message\": \"" +
                why.deferral->message + "\"}");
  EXPECT_EQ(seconds_text(kForever), "for ever");
}

}  // namespace
}  // namespace apportion
