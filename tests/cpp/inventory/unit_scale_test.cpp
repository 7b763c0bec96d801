// Against to_units(), bit for bit.
#include "apportion/inventory/unit_scale.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

namespace apportion {
namespace {

TEST(UnitScale, HasTheBitsOfToUnits) {
  std::mt19937_64 random(6);
  const char* steps[] = {
      "1",           "0.001",          "0.5",           "10", "2/3", "0.3", "1/3", "7/9", "1000000000000",
      "3/999999999", "999999999999/7", "0.000000000001"};
  for (const char* text : steps) {
    const Step step = Step::parse(text).value();
    std::vector<double> values{0, 1, -1, static_cast<double>(kMaxSteps), -static_cast<double>(kMaxSteps)};
    // Around where the product stops being exact, and numbers of every size.
    const Steps edge = kMaxSteps / step.numerator;
    for (const Steps near : {edge - 1, edge, edge + 1})
      if (near <= kMaxSteps) values.push_back(static_cast<double>(near)), values.push_back(-static_cast<double>(near));
    for (int i = 0; i < 3000; ++i) {
      const auto whole = static_cast<Steps>(random() >> (11 + random() % 53));
      values.push_back(static_cast<double>(random() % 4 == 0 ? -whole : whole));
    }
    std::vector<double> units = values;
    UnitScale(step).apply(units.data(), units.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(units[i]),
                std::bit_cast<std::uint64_t>(to_units(static_cast<Steps>(values[i]), step)))
          << values[i] << " steps of " << text;
    }
  }
}

}  // namespace
}  // namespace apportion
