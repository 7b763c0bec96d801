// At every CPU level against the plain loop.
#include "apportion/base/prefilter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "support/cpu_levels.hpp"

namespace apportion {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::uint32_t kUntouched = 0xABCDABCD;

using Columns = std::vector<std::vector<float>>;

// Small numbers, so that many are equal to a bound, and odd ones.
float cell(std::mt19937_64& random) {
  constexpr float kOdd[] = {kNan, kInfinity, -kInfinity, 0.0F, -0.0F, std::numeric_limits<float>::denorm_min(), 1e38F};
  if (random() % 8 == 0) return kOdd[random() % std::size(kOdd)];
  return static_cast<float>(random() % 9) - 4;
}

std::vector<const float*> pointers(const Columns& columns, std::size_t skipped) {
  std::vector<const float*> found;
  for (const auto& column : columns) found.push_back(column.data() + skipped);
  return found;
}

bool passes(const Columns& columns, const std::vector<float>& least, std::size_t row) {
  for (std::size_t k = 0; k < columns.size(); ++k) {
    if (!(columns[k][row] >= least[k])) return false;
  }
  return true;
}

std::vector<std::uint32_t> by_hand(const Columns& columns, const std::vector<float>& least, std::size_t skipped,
                                   std::size_t n, std::uint32_t first) {
  std::vector<std::uint32_t> rows;
  for (std::size_t i = 0; i < n; ++i) {
    if (passes(columns, least, skipped + i)) rows.push_back(first + static_cast<std::uint32_t>(i));
  }
  return rows;
}

void compare_one(std::mt19937_64& random) {
  const std::size_t n = random() % 300, skipped = random() % 5, count = random() % 6;
  Columns columns(count, std::vector<float>(skipped + n));
  std::vector<float> least(count);
  for (auto& column : columns) std::ranges::generate(column, [&] { return cell(random); });
  // Low bounds let nearly everything pass, high ones hardly anything.
  for (float& bound : least) bound = random() % 20 == 0 ? cell(random) : static_cast<float>(random() % 9) - 5;
  const auto first = static_cast<std::uint32_t>(random() % 1000);
  std::vector<std::uint32_t> out(n + 1, kUntouched);
  const std::size_t found = prefilter(pointers(columns, skipped), least, n, kPrefilterLanes, first, out.data());
  ASSERT_LE(found, n);
  EXPECT_EQ(out[n], kUntouched) << "nothing is written beyond the rows";
  out.resize(found);
  EXPECT_EQ(out, by_hand(columns, least, skipped, n, first)) << n << " rows, " << count << " columns";
  // The same cells with all columns of a block together.
  const std::size_t stride = (count + 1) * kPrefilterLanes;
  std::vector<float> blocks((n / kPrefilterLanes + 1) * stride, kNan);
  std::vector<const float*> starts;
  for (std::size_t k = 0; k < count; ++k) {
    starts.push_back(blocks.data() + k * kPrefilterLanes);
    for (std::size_t i = 0; i < n; ++i)
      blocks[i / kPrefilterLanes * stride + k * kPrefilterLanes + i % kPrefilterLanes] = columns[k][skipped + i];
  }
  std::vector<std::uint32_t> again(n);
  again.resize(prefilter(starts, least, n, stride, first, again.data()));
  EXPECT_EQ(again, out) << n << " rows, " << count << " columns in blocks";
}

TEST(Prefilter, EqualsThePlainLoop) {
  at_every_cpu_level([] {
    std::mt19937_64 random(3);
    for (int round = 0; round < 4000; ++round) compare_one(random);
  });
}

TEST(Prefilter, WritesEveryRowOfAWholeBlock) {
  at_every_cpu_level([] {
    const Columns columns(2, std::vector<float>(96, 1.0F));
    std::vector<std::uint32_t> out(96);
    EXPECT_EQ(prefilter(pointers(columns, 0), std::vector{1.0F, 0.5F}, 96, kPrefilterLanes, 7, out.data()), 96U);
    for (std::uint32_t i = 0; i < 96; ++i) EXPECT_EQ(out[i], 7 + i);
    EXPECT_EQ(prefilter({}, {}, 33, kPrefilterLanes, 0, out.data()), 33U) << "without a column all pass";
  });
}

TEST(Prefilter, AMaskIsThe32RowsOfOnePlace) {
  at_every_cpu_level([] {
    std::mt19937_64 random(4);
    for (int round = 0; round < 2000; ++round) {
      Columns columns(1 + random() % 4, std::vector<float>(100));
      std::vector<float> least(columns.size());
      for (auto& column : columns) std::ranges::generate(column, [&] { return cell(random); });
      std::ranges::generate(least, [&] { return cell(random) - 2; });
      const std::size_t at = random() % 69;
      const std::uint32_t mask = prefilter_mask(pointers(columns, 0), least, at);
      for (std::size_t i = 0; i < kPrefilterLanes; ++i)
        ASSERT_EQ((mask >> i & 1U) != 0, passes(columns, least, at + i)) << "row " << at + i;
    }
  });
}

}  // namespace
}  // namespace apportion
