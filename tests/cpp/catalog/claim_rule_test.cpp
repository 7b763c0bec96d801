#include "apportion/catalog/claim_rule.hpp"

#include <gtest/gtest.h>

#include <random>

#include "apportion/catalog/document.hpp"
#include "json_tree.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

constexpr Step kTenth{1, 10};

struct ClaimCase {
  const char* rule;
  Steps asked;
  std::optional<Steps> taken;
};

ClaimSteps steps_of(const char* json, Step size) {
  std::vector<Problem> problems;
  const InstanceSpec spec =
      read_instance(Node::Map{{"id", "i"}, {"claim", Node::Map{{"gb", tree(json)}}}}, "", problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.place << ": " << problem.message;
  return in_steps(spec.claim.front().second, size).value();
}

TEST(ClaimRule, SaysWhatAClaimTakes) {
  const ClaimCase cases[] = {
      {"{}", 7, 7},
      {"{'min': 2}", 20, 20},                                                      // 2 units are 20 steps
      {"{'min': 2}", 19, std::nullopt},                                            // below
      {"{'min': 2, 'round_up': true}", 19, 20},                                    // becomes 2
      {"{'max': 2}", 21, std::nullopt},                                            // above
      {"{'max': 2, 'round_up': true}", 21, std::nullopt},                          // nothing to round up to
      {"{'step': 0.5}", 15, 15},                                                   // 3 x 0.5
      {"{'step': 0.5}", 16, std::nullopt},                                         // between
      {"{'step': 0.5, 'round_up': true}", 16, 20},                                 // the next multiple
      {"{'min': 0.3, 'step': 0.5, 'round_up': true}", 4, 8},                       // 0.3, 0.8, 1.3 ...
      {"{'min': 0.3, 'step': 0.5, 'max': 1, 'round_up': true}", 9, std::nullopt},  // 1.3 is above 1
      {"{'amounts': [1, 2, 4]}", 20, 20},
      {"{'amounts': [1, 2, 4]}", 30, std::nullopt},
      {"{'amounts': [1, 2, 4], 'round_up': true}", 21, 40},
      {"{'amounts': [1, 2, 4], 'round_up': true}", 41, std::nullopt},
      {"{'amounts': [1, 2, 4]}", 0, 0},  // who asks for nothing takes nothing
      {"{'min': 2, 'round_up': true}", 0, 0},
  };
  for (const ClaimCase& each : cases) EXPECT_EQ(steps_of(each.rule, kTenth).taken(each.asked), each.taken) << each.rule;
}

TEST(ClaimRule, SaysItInWords) {
  EXPECT_EQ(steps_of("{'min': 2, 'max': 8, 'step': 2, 'round_up': true}", {}).text({}),
            "at least 2, at most 8, in steps of 2, rounded up");
  EXPECT_EQ(steps_of("{'amounts': [0.5, 1]}", kTenth).text(kTenth), "one of 0.5, 1");
  EXPECT_EQ(ClaimSteps().text({}), "any amount");
}

// Against a walk over all amounts that are allowed.
TEST(ClaimRule, TakesTheNextAmountThatIsAllowed) {
  std::mt19937_64 random(5);
  for (int i = 0; i < tries(3000); ++i) {
    ClaimSteps rule;
    const auto below = [&](std::uint64_t n) { return static_cast<Steps>(random() % n); };
    if (below(2) == 0) rule.minimum = below(9);
    if (below(2) == 0) rule.step = 1 + below(5);
    if (below(2) == 0) rule.maximum = std::max<Steps>(rule.minimum, 1) + below(12);
    if (below(3) == 0) {
      rule = {};
      for (Steps at = 1 + below(4); at < 30; at += 1 + below(6)) rule.amounts.push_back(at);
    }
    rule.round_up = below(2) == 0;
    const auto allowed = [&](Steps amount) {
      if (!rule.amounts.empty()) return std::ranges::find(rule.amounts, amount) != rule.amounts.end();
      if (amount < rule.minimum || (rule.maximum > 0 && amount > rule.maximum)) return false;
      return rule.step == 0 || (amount - rule.minimum) % rule.step == 0;
    };
    const Steps asked = 1 + below(35);
    std::optional<Steps> expected;
    for (Steps amount = asked; amount < 100 && !expected; ++amount) {
      if (allowed(amount)) expected = amount;
      if (!rule.round_up) break;
    }
    ASSERT_EQ(rule.taken(asked), expected) << rule.text({}) << " asked " << asked;
  }
}

TEST(ClaimRule, GoesToUnitsAndBack) {
  const ClaimSteps rule = steps_of("{'min': 0.3, 'max': 5.3, 'step': 0.5, 'default': 0.8, 'round_up': true}", kTenth);
  EXPECT_EQ(in_steps(in_units(rule, kTenth), kTenth).value(), rule);
  const ClaimSteps list = steps_of("{'amounts': [0.1, 0.2], 'default': 0.2}", kTenth);
  EXPECT_EQ(in_steps(in_units(list, kTenth), kTenth).value(), list);
  EXPECT_EQ(list.standard, 2);
}

TEST(ClaimRule, RefusesWhatContradictsItself) {
  const std::pair<const char*, const char*> cases[] = {
      {"{'min': 5, 'max': 4}", "max: 4 is below what every claim has to take"},
      {"{'max': 0}", "max: 0 is below what every claim has to take"},
      {"{'step': 0}", "step: a step is above 0"},
      {"{'min': 0.5}", "min"},  // no whole number of steps
      {"{'amounts': [2, 1]}", "amounts: the amounts have to rise, from above 0"},
      {"{'amounts': [0, 1]}", "amounts: the amounts have to rise, from above 0"},
      {"{'amounts': [1], 'min': 1}", "amounts: a list of amounts stands instead of"},
      {"{'min': 3, 'default': 2}", "default: 2 is no amount that may be claimed: at least 3"},
  };
  for (const auto& [json, expected] : cases) {
    std::vector<Problem> problems;
    const InstanceSpec spec =
        read_instance(Node::Map{{"id", "i"}, {"claim", Node::Map{{"gb", tree(json)}}}}, "", problems);
    ASSERT_TRUE(problems.empty()) << json;
    const Result<ClaimSteps> steps = in_steps(spec.claim.front().second, {});
    ASSERT_FALSE(steps) << json;
    const std::string text = steps.error().place + ": " + steps.error().message;
    EXPECT_TRUE(text.starts_with(expected)) << text;
  }
}

TEST(ClaimRule, DocumentsSayWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"{'claim': {'gb': {'min': -1}}}", "claim.gb.min: -1 is negative; amounts start at 0"},
      {"{'claim': {'gb': {'amounts': []}}}", "claim.gb.amounts: no amount is listed"},
      {"{'claim': {'gb': {'amounts': ['x']}}}", "claim.gb.amounts[0]: expected an amount, found text 'x'"},
      {"{'claim': {'gb': {'most': 1}}}", "claim.gb.most: unknown key 'most'"},
      {"{'ratio': {'gb': {}}}", "ratio.gb: a ratio has 1 to 16 layers"},
      {"{'ratio': {'gb': {'a': 'x'}}}", "ratio.gb.a: expected a number"},
      {"{'ratio': {'gb': 'x'}}", "ratio.gb: expected a number or a table of factors, found text 'x'"},
  };
  for (const auto& [json, expected] : cases) {
    Node::Map map = *tree(json).map();
    map.emplace_back("id", "i");
    std::vector<Problem> problems;
    static_cast<void>(read_instance(map, "", problems));
    ASSERT_FALSE(problems.empty()) << json;
    const std::string text = problems.front().place + ": " + problems.front().message;
    EXPECT_TRUE(text.starts_with(expected)) << text;
  }
}

TEST(ClaimRule, LayersOfARatioAreMultiplied) {
  std::vector<Problem> problems;
  const InstanceSpec spec =
      read_instance(tree("{'id': 'i', 'ratio': {'cpu': {'threads': 2, 'overcommit': 1.5}, 'ram': 0.9}}"), "", problems);
  ASSERT_TRUE(problems.empty());
  ASSERT_EQ(spec.ratio.size(), 2U);
  EXPECT_EQ(spec.ratio[0].second.text(), "3");
  EXPECT_EQ(to_json(*to_node(spec).find("ratio")), R"({"cpu": {"threads": 2, "overcommit": 1.5}, "ram": 0.9})");
}

}  // namespace
}  // namespace apportion
