#include "apportion/allocator/fragmentation.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

using Typical = FragmentationDefinition::Typical;

class FragmentationTest : public testing::Test {
 protected:
  FragmentationTest() {
    pool_ = make_pool(
        R"({'types': {'node': {'dimensions': {'cores': {}, 'gb': {}}, 'fields': {'model': {'kind': 'string'}}},
                                    'gpu': {'dimensions': {'milli': {'step': 0.5}}}}})");
    EXPECT_EQ(error_of(state_->restore(pool_->snapshot())), "");
    catalog_ = &Sections::of(*state_).catalog;
    node_ = catalog_->find_type("node")->id;
  }

  static Typical typical(std::uint32_t weight, int cores, int part, std::uint32_t count, const char* where = "") {
    return {weight, {{"cores", dec(cores)}}, dec(part), count, where};
  }
  [[nodiscard]] Result<std::shared_ptr<const Fragmentation>> compile(const FragmentationDefinition& definition) const {
    return Fragmentation::compile(*catalog_, node_, definition);
  }

  static Int128 sum(const Fragmentation& of, std::vector<Steps> free, const std::vector<Steps>& parts,
                    std::uint64_t admitted) {
    Fragmentation::Counts counts;
    std::vector<std::int64_t> fitting;
    of.count(parts, counts);
    of.fit(free, admitted, fitting);
    return of.sum(counts, fitting);
  }

  std::shared_ptr<Pool> pool_;
  std::unique_ptr<State> state_ = four_sections();
  const Catalog* catalog_ = nullptr;
  VersionId node_ = 0;
};

TEST_F(FragmentationTest, CountsWhatTypicalRequestsCannotUse) {
  const auto of = *compile({"gpu", "milli", {typical(1, 4, 500, 1), typical(3, 8, 1000, 2, "self.model == 'a'")}});
  EXPECT_EQ(of->dimensions().size(), 1U);
  ASSERT_EQ(of->filters().size(), 1U);
  const auto units = [&](Steps cores, std::vector<Steps> parts, std::uint64_t admitted) {
    return of->units(sum(*of, {cores}, parts, admitted));
  };
  // Parts in steps of 0.5: 2000 is a whole one.
  EXPECT_EQ(units(8, {2000, 2000}, 1), 0) << "everybody can use everything";
  EXPECT_EQ(units(8, {2000, 2000}, 0), 0.75 * 2000) << "three of four may not have it";
  EXPECT_EQ(units(4, {2000, 2000}, 1), 0.75 * 2000) << "too few cores for them";
  EXPECT_EQ(units(8, {2000, 800}, 1), 0.25 * 400 + 0.75 * 1400) << "one part is too small for one, two for the others";
  EXPECT_EQ(units(0, {2000}, 1), 1000);
  EXPECT_EQ(units(8, {}, 1), 0);
}

TEST_F(FragmentationTest, WhoAsksForNoPartsHasUseForNone) {
  const auto of = *compile({"gpu", "milli", {typical(1, 4, 0, 0), typical(1, 0, 1, 1)}});
  EXPECT_EQ(of->units(sum(*of, {9}, {2000}, 0)), 500);
}

TEST_F(FragmentationTest, AsAddedUpOneByOne) {
  std::mt19937_64 random(3);
  for (int i = 0; i < tries(300); ++i) {
    FragmentationDefinition definition{"gpu", "milli", {}};
    for (std::uint64_t k = 0; k < 1 + random() % 6; ++k)
      definition.profile.push_back(typical(static_cast<std::uint32_t>(1 + random() % 5), static_cast<int>(random() % 4),
                                           static_cast<int>(random() % 4), static_cast<std::uint32_t>(random() % 3),
                                           random() % 2 == 0 ? "" : "self.model == 'a'"));
    const auto of = *compile(definition);
    const std::vector<Steps> free{static_cast<Steps>(random() % 4)};
    std::vector<Steps> parts;
    for (std::uint64_t k = 0; k < random() % 5; ++k) parts.push_back(static_cast<Steps>(random() % 8));
    const bool admitted = random() % 2 == 0;
    std::int64_t expected = 0;
    for (const Typical& each : definition.profile) {
      const Steps part = *to_steps(each.part, catalog_->find_type("gpu")->definition.dimensions[0].step, Rounding::kUp);
      const auto large = std::ranges::count_if(parts, [&](Steps steps) { return steps >= part; });
      const bool fits = each.count > 0 && (each.where.empty() || admitted) &&
                        *to_steps(each.amounts[0].second, Step{}, Rounding::kUp) <= free[0] &&
                        large >= static_cast<std::int64_t>(each.count);
      for (const Steps steps : parts) expected += !fits || steps < part ? each.weight * steps : 0;
    }
    ASSERT_EQ(static_cast<std::int64_t>(sum(*of, free, parts, admitted ? ~0ULL : 0)), expected);
    // The same by way of parts that were larger.
    std::vector<Steps> before = parts;
    for (Steps& part : before) part += static_cast<Steps>(random() % 4);
    Fragmentation::Counts counts;
    of->count(before, counts);
    for (std::size_t k = 0; k < parts.size(); ++k) of->change(before[k], parts[k], counts);
    std::vector<std::int64_t> fitting;
    of->fit(free, admitted ? ~0ULL : 0, fitting);
    ASSERT_EQ(static_cast<std::int64_t>(of->sum(counts, fitting)), expected);
  }
}

TEST_F(FragmentationTest, SaysWhatIsWrong) {
  EXPECT_EQ(compile({"gpus", "milli", {}}).error().place, "parts");
  EXPECT_EQ(compile({"gpu", "mill", {}}).error().place, "dimension");
  EXPECT_NE(
      compile({"gpu", "milli", {{1, {{"core", dec(1)}}, dec(1), 1, ""}}}).error().message.find("no dimension 'core'"),
      std::string::npos);
  EXPECT_NE(compile({"gpu", "milli", {typical(1, 1, 1, 1, "self.modell == 'a'")}}).error().message.find("self.model"),
            std::string::npos);
  EXPECT_NE(compile({"gpu", "milli", {typical(1, 1, 1, 1, "free.cores > 1")}}).error().message.find("what is said"),
            std::string::npos);
  FragmentationDefinition many{"gpu", "milli", {}};
  for (int i = 0; i < 65; ++i) {
    const std::string where = "self.ordinal != " + std::to_string(i);
    many.profile.push_back(typical(1, 1, 1, 1, where.c_str()));
  }
  EXPECT_NE(compile(many).error().message.find("64"), std::string::npos);
}

}  // namespace
}  // namespace apportion
