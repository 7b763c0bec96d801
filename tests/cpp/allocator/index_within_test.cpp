// Choices under bounds, as a scan of every instance makes them.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "apportion/allocator/index.hpp"
#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

class IndexWithinTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto pool = make_pool(
        R"({'types': {'rack': {}, 'disk': {'dimensions': {'gb': {}}, 'policy': 'most_utilised', 'fields': {
            'tier': {'kind': 'integer'}}}, 'tree': {'needs': [{'type': 'disk', 'gb': 1}]}}})");
    for (int rack = 0; rack < 4; ++rack)
      ASSERT_EQ(error_of(pool->add(instance("r" + std::to_string(rack), "rack", {}))), "");
    std::mt19937_64 random(7);
    for (int i = 0; i < 60; ++i) {
      InstanceSpec spec = instance("d" + std::to_string(i), "disk", {{"gb", dec(static_cast<int>(random() % 9))}});
      if (random() % 6 != 0) spec.parent = "r" + std::to_string(random() % 4);
      if (random() % 4 != 0) spec.fields.emplace_back("tier", Node(static_cast<std::int64_t>(random() % 3)));
      if (random() % 8 == 0) spec.state.emplace_back("status", "offline");
      ASSERT_EQ(error_of(pool->add(spec)), "");
    }
    ASSERT_EQ(error_of(state_->restore(pool->snapshot())), "");
  }

  [[nodiscard]] Sections sections() const { return Sections::of(*state_); }
  [[nodiscard]] double id(const std::string& text) const { return sections().symbols.find(text); }

  std::unique_ptr<State> state_ = four_sections();
  Expressions expressions_;
};

TEST_F(IndexWithinTest, ChoosesWhatTheScanChooses) {
  Index index(sections(), expressions_, kEnoughIndex, 2);
  Index scans(sections(), expressions_, 0, 2);
  const Selector selector(sections(), expressions_);
  std::mt19937_64 random(11);
  Transaction log;
  int found = 0;
  for (int i = 0; i < tries(3000); ++i) {
    SlotContext context;
    context.need = {sections().catalog.find_type("tree")->id, 0, 0};
    if (random() % 2 == 0)
      context.bounds.push_back(
          {SlotBound::Kind::kOn, std::string(kInside), {id("r" + std::to_string(random() % 4))}, false});
    if (random() % 2 == 0)
      context.bounds.push_back({SlotBound::Kind::kDifferent, "tier", {static_cast<double>(random() % 3)}, false});
    if (random() % 3 == 0) context.bounds.push_back({SlotBound::Kind::kSame, "tier", {0, 1}, random() % 2 == 0});
    if (context.bounds.size() > 0 && context.bounds.back().open) context.bounds.back().values.clear();
    if (random() % 3 == 0)
      context.promising = [odd = random() % 2](InstanceRef instance) { return instance.row % 2 == odd; };
    Request request;
    request.type = "disk";
    request.amounts = {{"gb", dec(static_cast<int>(random() % 5))}};
    request.consumer = "ada";
    request.slot = &context;
    std::vector<InstanceRef> excluded;
    for (std::uint64_t k = 0; k < random() % 4; ++k)
      excluded.push_back(sections().inventory.find("d" + std::to_string(random() % 60)));
    Index::Prepared& plan = **index.plan(request, 0);
    const std::vector<InstanceRef> expected = selector.choose(plan, log, excluded);
    EXPECT_EQ(index.choose(plan, log, excluded), expected);
    EXPECT_EQ(scans.choose(**scans.plan(request, 0), log, excluded), expected);
    found += expected.empty() ? 0 : 1;
    if (expected.empty()) continue;
    // What was chosen fills up.
    InstanceTable& table = *sections().inventory.table(expected.front().version);
    if (random() % 4 == 0) claim_provisionally(table, expected.front().row, std::vector<Steps>{1}, log);
    if (random() % 50 == 0) log.rollback();
  }
  EXPECT_GT(found, tries(3000) / 4);
  log.rollback();
}

TEST_F(IndexWithinTest, CountsTheRoomThatThereIs) {
  Index index(sections(), expressions_, kEnoughIndex, 2);
  Request request;
  request.type = "disk";
  request.amounts = {{"gb", dec(5)}};
  request.consumer = "ada";
  const InstanceTable& table = *sections().inventory.table(sections().inventory.find("d0").version);
  const Index::Prepared& plan = **index.plan(request, 0);
  std::set<double> tiers;
  for (int rack = 0; rack < 4; ++rack) {
    const double value = id("r" + std::to_string(rack));
    std::uint32_t able = 0;
    for (std::uint32_t row = 0; row < table.rows(); ++row) {
      const bool fits = table.fits(row, std::vector<Steps>{5}) && table.states[0].lane(row) == id("online");
      if (!fits) continue;
      if (table.parent[row] == static_cast<Symbol>(value)) ++able;
      if (!std::isnan(table.fields[0].lane(row))) tiers.insert(table.fields[0].lane(row));
    }
    EXPECT_EQ(index.room(plan, kInside, std::span(&value, 1), able + 1), able);
    EXPECT_EQ(index.room(plan, kInside, std::span(&value, 1), able / 2), able / 2);
  }
  const auto count = static_cast<std::uint32_t>(tiers.size());
  EXPECT_TRUE(index.has_values(plan, "tier", {}, count));
  EXPECT_FALSE(index.has_values(plan, "tier", {}, count + 1));
  const double taken = *tiers.begin();
  EXPECT_TRUE(index.has_values(plan, "tier", std::span(&taken, 1), count - 1));
  EXPECT_FALSE(index.has_values(plan, "tier", std::span(&taken, 1), count));
}

}  // namespace
}  // namespace apportion
