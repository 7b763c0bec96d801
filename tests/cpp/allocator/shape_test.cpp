#include "apportion/allocator/shape.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <random>

#include "sandbox.hpp"

namespace apportion {
namespace {

struct Case {
  const char* score;
  const char* where;
  double quantum;
  Ties ties;

  friend void PrintTo(const Case& each, std::ostream* out) { *out << each.score << " " << each.where; }
};

// The first of the best by a loop over all rows: nothing is kept.
std::optional<Shape::Choice> best_of_all(Sandbox& box, Scorer& scorer, const Roster& roster, const VersionPlan& plan,
                                         const TieRule& rule, const std::vector<std::uint32_t>& hidden) {
  std::optional<Shape::Choice> best;
  std::uint64_t rank = 0;
  const InstanceTable& table = box.table();
  for (std::uint32_t row = 0; row < table.rows(); ++row) {
    const bool in = table.exists(row) && plan.rules.permits(table, row) && table.consumers[row] < 2 &&
                    table.fits(row, plan.values.amounts) &&
                    std::ranges::find(hidden, roster.position(row)) == hidden.end();
    double key = 0;
    scorer.keys(std::span(&row, 1), &key);
    if (!in || std::isnan(key)) continue;
    const std::uint64_t its = rule.rank(table.ordinal[row]);
    if (best && (key > best->key || (key == best->key && its >= rank))) continue;
    best = Shape::Choice{roster.position(row), key};
    rank = its;
  }
  return best;
}

// With numbers that are so many times smaller: floats hold them, or not.
class Everything : public ::testing::TestWithParam<Case> {
 protected:
  void check_all(std::int64_t less);
};

TEST_P(Everything, BestIsTheBestOfAll) { check_all(1); }
TEST_P(Everything, AlsoWhereFloatsAreExact) { check_all(100'000); }

void Everything::check_all(std::int64_t less) {
  Sandbox box(less);
  std::mt19937_64 random(5);
  Request request = ask("a", {{"gb", dec(1)}, {"iops", dec(20'000'000'001LL / less)}});
  request.own_policy = PolicyDefinition{
      "own_one", "", GetParam().where, GetParam().score, Order::kMin, GetParam().quantum, GetParam().ties, 3, {}};
  const Plan plan = box.plan(request);
  Roster roster(box.table(), box.type());
  roster.catch_up(box.sections->symbols);
  Workspace work;
  GroupMembers groups(box.sections->inventory, box.sections->symbols, box.sections->catalog);
  groups.catch_up();
  ASSERT_TRUE(Shape::indexable(plan.versions[0]));
  Shape shape(*box.sections, box.expressions, plan.versions[0], roster, groups, work);
  Workspace apart;
  Scorer scorer(*box.sections, box.expressions, plan.versions[0], apart);
  const auto check = [&](const std::vector<std::uint32_t>& hidden) {
    roster.catch_up(box.sections->symbols);
    groups.catch_up();
    ASSERT_TRUE(shape.catch_up());
    const TieRule rule = TieRule::of(plan.versions[0].policy->definition, random() % 130, random());
    scorer.begin();
    const auto expected = best_of_all(box, scorer, roster, plan.versions[0], rule, hidden);
    for (const auto& found : {shape.best(rule), shape.scan(rule), shape.best(rule)}) {
      ASSERT_EQ(found.has_value(), expected.has_value());
      if (!expected) continue;
      ASSERT_EQ(found->position, expected->position);
      ASSERT_EQ(found->key, expected->key);
    }
  };
  for (int round = 0; round < 300; ++round) {
    Transaction log;
    // Sometimes so many rows that the whole shape is built anew.
    for (std::uint64_t writes = round % 50 == 49 ? 6000 : random() % 9; writes > 0; --writes)
      box.disturb(log, static_cast<std::uint32_t>(random() % box.table().rows()), random());
    check({});
    if (random() % 3 == 0) {
      std::vector<std::uint32_t> hidden;
      while (const auto next = shape.best(TieRule{})) {
        if (hidden.size() == 4) break;
        hidden.push_back(next->position);
        shape.hide(next->position);
        if (random() % 2 == 0) box.disturb(log, roster.row(next->position), random());
        check(hidden);
      }
      shape.unhide();
    }
    check({});
    if (random() % 2 == 0) log.rollback();
    check({});
  }
  EXPECT_GE(shape.counts().builds, 2U);
  EXPECT_LT(shape.counts().builds, 40U);
}

INSTANTIATE_TEST_SUITE_P(Policies, Everything,
                         ::testing::Values(Case{"0", "", 0, Ties::kLowestId}, Case{"0", "", 0, Ties::kHighestId},
                                           Case{"0", "", 0, Ties::kRotating}, Case{"0", "", 0, Ties::kSeeded},
                                           Case{"used.gb", "", 0, Ties::kLowestId},
                                           Case{"used.gb", "", 2, Ties::kHighestId},
                                           Case{"self.claims", "", 0, Ties::kRotating},
                                           Case{"self.claims", "", 2, Ties::kSeeded},
                                           Case{"mean(used / limit)", "self.claims < 4", 0, Ties::kLowestId},
                                           Case{"-self.ordinal % 10", "self.location != 'z1'", 0, Ties::kHighestId},
                                           Case{"sum((free - request) / scale)", "", 0, Ties::kRotating},
                                           Case{"group(self.location).claims + used.gb", "", 0, Ties::kLowestId},
                                           Case{"used.gb", "group(self.location).load < 0.7", 1, Ties::kRotating}));

TEST(Shape, AConstantKeyIsNotEvaluated) {
  Sandbox box;
  Request request = ask_gb("a", 1);
  request.policy = "last";
  const Plan plan = box.plan(request);
  Roster roster(box.table(), box.type());
  roster.catch_up(box.sections->symbols);
  Workspace work;
  const GroupMembers groups(box.sections->inventory, box.sections->symbols, box.sections->catalog);
  Shape shape(*box.sections, box.expressions, plan.versions[0], roster, groups, work);
  ASSERT_TRUE(shape.catch_up());
  EXPECT_EQ(shape.best({Ties::kHighestId, 0, 0})->position, 99U);
  EXPECT_EQ(shape.best({Ties::kHighestId, 0, 0})->key, 0.0);
}

}  // namespace
}  // namespace apportion
