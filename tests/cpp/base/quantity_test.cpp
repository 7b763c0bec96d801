#include "apportion/base/quantity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <optional>
#include <random>

#include "base/decimals.hpp"

namespace apportion {
namespace {

Step step(std::string_view text) { return Step::parse(text).value(); }

struct StepsCase {
  const char* value;
  const char* step;
  Steps down;
  Steps up;
};

class ToSteps : public testing::TestWithParam<StepsCase> {};

TEST_P(ToSteps, RoundsAsAsked) {
  const auto& [value, size, down, up] = GetParam();
  EXPECT_EQ(to_steps(dec(value), step(size), Rounding::kDown).value(), down);
  EXPECT_EQ(to_steps(dec(value), step(size), Rounding::kUp).value(), up);
  const auto exact = to_steps(dec(value), step(size), Rounding::kExact);
  EXPECT_EQ(exact.has_value(), down == up);
  EXPECT_EQ(exact.has_value() ? *exact : down, down);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ToSteps,
    testing::Values(StepsCase{"0.3", "0.001", 300, 300},                  // 0.3 / 0.001
                    StepsCase{"0.30000000000000004", "0.001", 300, 301},  // a sum of doubles is what it is
                    StepsCase{"0", "1", 0, 0},                            //
                    StepsCase{"1", "1/3", 3, 3},                          // 1 x 3
                    StepsCase{"0.5", "1/3", 1, 2},                        // 1.5
                    StepsCase{"10", "3", 3, 4},                           // 3.33
                    StepsCase{"1e-400", "1", 0, 1},                       // the smallest value is one step, upwards
                    StepsCase{"1e-400", "1000000000000", 0, 1},           //
                    StepsCase{"1e-40", "1/1000000000000", 0, 1},          //
                    StepsCase{"9007199254740991", "1", kMaxSteps, kMaxSteps},
                    StepsCase{"9.007199254740991e27", "1000000000000", kMaxSteps, kMaxSteps},
                    StepsCase{"3333333333333333.333333333333333333", "1", 3333333333333333, 3333333333333334},
                    StepsCase{"1e15", "999999999999/1000000000000", 1000000000001000, 1000000000001001},
                    // digits x denominator is beyond 128 bits: 1234567890.123456789012345678901234 x 10^6
                    StepsCase{"1234567890.123456789012345678901234", "1/1000000", 1234567890123456, 1234567890123457}));

struct OverflowCase {
  const char* value;
  const char* step;
};

class StepsOverflow : public testing::TestWithParam<OverflowCase> {};

TEST_P(StepsOverflow, IsAnErrorForEveryRounding) {
  for (const Rounding rounding : {Rounding::kDown, Rounding::kUp, Rounding::kExact}) {
    const auto result = to_steps(dec(GetParam().value), step(GetParam().step), rounding);
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().code, ErrorCode::kOverflow);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, StepsOverflow,
                         testing::Values(OverflowCase{"9007199254740992", "1"}, OverflowCase{"1e400", "1000000000000"},
                                         OverflowCase{"9999999999999999999999999999999999", "1/1000000000000"},
                                         OverflowCase{"9007199254741", "0.000000000001"},
                                         OverflowCase{"1e28", "1000000000000"}));

TEST(ToStepsBounds, RoundingUpPastTheLargestCountIsAnError) {
  EXPECT_EQ(to_steps(dec("9007199254740991.5"), Step{}, Rounding::kDown).value(), kMaxSteps);
  EXPECT_EQ(to_steps(dec("9007199254740991.5"), Step{}, Rounding::kUp).error().code, ErrorCode::kOverflow);
}

TEST(ToStepsBounds, NegativeValuesAreRefused) {
  EXPECT_EQ(to_steps(dec("-0.001"), Step{}, Rounding::kDown).error().code, ErrorCode::kInvalid);
}

struct Drawn {
  Decimal value;
  Step size;
};

// Values over the whole range of digits and exponents; steps with small, round and large parts.
Drawn draw(std::mt19937_64& random) {
  const auto part = [&] {
    const std::int64_t wide = 1 + static_cast<std::int64_t>(random() % 1'000'000'000'000);
    return random() % 3 == 0 ? static_cast<std::int64_t>(std::pow(10, random() % 13))
                             : 1 + wide / (std::int64_t{1} << random() % 40);
  };
  const std::int64_t numerator = part();
  const std::int64_t denominator = part();
  const std::int64_t common = std::gcd(numerator, denominator);
  Int128 digits = static_cast<Int128>(random()) * static_cast<Int128>(random() >> 16);  // < 2^112 < 10^34
  for (std::uint64_t cut = random() % 34; cut > 0; --cut) digits /= 10;
  const int exponent =
      random() % 10 == 0 ? static_cast<int>(random() % 761) - 380 : static_cast<int>(random() % 50) - 40;
  return {Decimal::from_parts(digits, exponent).value(), Step{numerator / common, denominator / common}};
}

// floor or ceiling of value / step in big integers; none beyond the bound.
std::optional<Steps> reference_steps(const Drawn& drawn, bool up) {
  const int exponent = drawn.value.exponent();
  const cpp_int scale = pow(cpp_int(10), static_cast<unsigned>(std::abs(exponent)));
  const cpp_int top = big(drawn.value.digits()) * drawn.size.denominator * (exponent > 0 ? scale : cpp_int(1));
  const cpp_int bottom = cpp_int(drawn.size.numerator) * (exponent < 0 ? scale : cpp_int(1));
  const cpp_int steps = (top + (up ? cpp_int(bottom - 1) : cpp_int(0))) / bottom;
  if (steps > kMaxSteps) return std::nullopt;
  return static_cast<Steps>(steps);
}

// Law: exactly what big integers give, for every value and step.
TEST(QuantityLaws, ToStepsAgreesWithBigIntegers) {
  std::mt19937_64 random(3);
  int fitting = 0;
  for (int i = 0; i < 50'000; ++i) {
    const Drawn drawn = draw(random);
    for (const bool up : {false, true}) {
      const auto expected = reference_steps(drawn, up);
      const auto found = to_steps(drawn.value, drawn.size, up ? Rounding::kUp : Rounding::kDown);
      ASSERT_EQ(found.has_value(), expected.has_value()) << drawn.value.text() << " in " << drawn.size.text();
      if (!expected) continue;
      ASSERT_EQ(*found, *expected) << drawn.value.text() << " in " << drawn.size.text();
      fitting += *expected > 1;
    }
  }
  EXPECT_GT(fitting, 10'000) << "the generator reaches the interesting range";
}

struct RescaleCase {
  Steps steps;
  const char* from;
  const char* to;
  Steps down;
  Steps up;
};

class Rescale : public testing::TestWithParam<RescaleCase> {};

TEST_P(Rescale, RoundsAsAsked) {
  const auto& [steps, from, to, down, up] = GetParam();
  EXPECT_EQ(rescale(steps, step(from), step(to), Rounding::kDown).value(), down);
  EXPECT_EQ(rescale(steps, step(from), step(to), Rounding::kUp).value(), up);
  EXPECT_EQ(rescale(steps, step(from), step(to), Rounding::kExact).has_value(), down == up);
}

INSTANTIATE_TEST_SUITE_P(Table, Rescale,
                         testing::Values(RescaleCase{10, "1", "0.001", 10'000, 10'000},  //
                                         RescaleCase{10'500, "0.001", "1", 10, 11},      // 10.5
                                         RescaleCase{1, "1/3", "0.5", 0, 1},             // 2/3
                                         RescaleCase{3, "1/3", "0.5", 2, 2},             // 1 / 0.5
                                         RescaleCase{0, "1/3", "7", 0, 0},               //
                                         RescaleCase{kMaxSteps, "1/3", "1/3", kMaxSteps, kMaxSteps},
                                         RescaleCase{kMaxSteps, "1", "2", kMaxSteps / 2, kMaxSteps / 2 + 1},
                                         // steps x numerator x denominator is beyond 128 bits
                                         RescaleCase{kMaxSteps, "999999999989/999999999988",
                                                     "1000000000000/999999999989", 9007199254650919,
                                                     9007199254650920}));

// Law: exactly what big integers give.
TEST(QuantityLaws, RescaleAgreesWithBigIntegers) {
  std::mt19937_64 random(6);
  int fitting = 0;
  for (int i = 0; i < 30'000; ++i) {
    const Step from = draw(random).size;
    const Step to = draw(random).size;
    const auto steps = static_cast<Steps>((random() >> 11) >> random() % 53);
    const cpp_int top = cpp_int(steps) * from.numerator * to.denominator;
    const cpp_int bottom = cpp_int(from.denominator) * to.numerator;
    for (const bool up : {false, true}) {
      const cpp_int expected = (top + (up ? cpp_int(bottom - 1) : cpp_int(0))) / bottom;
      const auto found = rescale(steps, from, to, up ? Rounding::kUp : Rounding::kDown);
      ASSERT_EQ(found.has_value(), expected <= kMaxSteps) << steps << " x " << from.text() << " in " << to.text();
      if (!found) {
        ASSERT_EQ(found.error().code, ErrorCode::kOverflow);
        continue;
      }
      ASSERT_EQ(*found, expected) << steps << " x " << from.text() << " in " << to.text();
      fitting += *found > 1;
    }
  }
  EXPECT_GT(fitting, 10'000);
}

// The double nearest to top/bottom, ties to even, from 53 bits of an exact quotient.
double reference_units(Steps steps, Step size) {
  const cpp_int top = cpp_int(steps) * size.numerator;
  if (top == 0) return 0;
  const int shift = 54 + static_cast<int>(msb(cpp_int(size.denominator))) - static_cast<int>(msb(top));
  const cpp_int scaled = shift > 0 ? cpp_int(top << shift) : top;
  const cpp_int divisor = shift > 0 ? cpp_int(size.denominator) : cpp_int(cpp_int(size.denominator) << -shift);
  cpp_int quotient = scaled / divisor;  // 54 or 55 bits
  bool cut = scaled % divisor != 0;
  int power = -shift;
  while (msb(quotient) > 53) {
    cut |= bit_test(quotient, 0);
    quotient >>= 1;
    ++power;
  }
  const bool half = bit_test(quotient, 0);  // the bit below the 53 that stay
  quotient >>= 1;
  if (half && (cut || bit_test(quotient, 0))) ++quotient;
  return std::ldexp(static_cast<double>(static_cast<std::uint64_t>(quotient)), power + 1);
}

TEST(QuantityLaws, ToUnitsIsCorrectlyRounded) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 50'000; ++i) {
    const Step size = draw(random).size;
    const auto steps = static_cast<Steps>((random() >> 11) >> random() % 53);
    ASSERT_EQ(to_units(steps, size), reference_units(steps, size)) << steps << " x " << size.text();
    ASSERT_EQ(to_units(-steps, size), -to_units(steps, size));
  }
  EXPECT_EQ(to_units(300, step("0.001")), 0.3);
  EXPECT_EQ(to_units(1, step("1/3")), 1.0 / 3.0);
}

// Law: text of a finite decimal reads back to the same steps.
TEST(QuantityLaws, UnitsTextReadsBack) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20'000; ++i) {
    const Step size{static_cast<std::int64_t>(1 + random() % 1000),
                    static_cast<std::int64_t>(std::pow(10, random() % 7))};
    const auto common = std::gcd(size.numerator, size.denominator);
    const Step reduced{size.numerator / common, size.denominator / common};
    const auto steps = static_cast<Steps>((random() >> 11) >> random() % 53);
    ASSERT_EQ(to_steps(dec(units_text(steps, reduced)), reduced, Rounding::kExact).value(), steps);
    ASSERT_EQ(Step::parse(reduced.text()).value(), reduced);
  }
}

TEST(Quantity, UnitsText) {
  EXPECT_EQ(units_text(300, step("0.001")), "0.3");
  EXPECT_EQ(units_text(-1500, step("0.001")), "-1.5");
  EXPECT_EQ(units_text(0, step("1/3")), "0");
  EXPECT_EQ(units_text(3, step("1/3")), "1");
  EXPECT_EQ(units_text(1, step("1/3")), "0.33333333333333331");
  EXPECT_EQ(units_text(kMaxSteps, step("1000000000000")), "9007199254740991000000000000");
  EXPECT_EQ(units_text(1, step("1/8")), "0.125");
}

TEST(StepReads, DecimalsAndFractions) {
  EXPECT_EQ(step("0.001"), (Step{1, 1000}));
  EXPECT_EQ(step("2/6"), (Step{1, 3}));
  EXPECT_EQ(step("2.5"), (Step{5, 2}));
  EXPECT_EQ(step("1e12"), (Step{1'000'000'000'000, 1}));
  EXPECT_EQ(step("0.000000000001"), (Step{1, 1'000'000'000'000}));
  EXPECT_EQ(step("1.818989403545856475830078125e-12"), (Step{1, 549'755'813'888})) << "2^-39";
  EXPECT_EQ(Step::parse((Step{999'999'999'999, 549'755'813'888}).text()).value(),
            (Step{999'999'999'999, 549'755'813'888}));
}

TEST(StepReads, RefusesTheRest) {
  for (const char* text : {"0", "-1", "0/1", "1/0", "1/-3", "-1/3", "1/", "/3", "1/3/4", "1e13", "1e-13",
                           "1/1000000000001", "x", "1.5/2", "", "1e-400", "1e400", "0.3333333333333333333", " 1/3"}) {
    const auto result = Step::parse(text);
    ASSERT_TRUE(result.has_error()) << text;
    EXPECT_NE(result.error().message.find("a step must be"), std::string::npos);
  }
}

TEST(Ratio, PartsPerMillionRoundedDown) {
  EXPECT_EQ(to_ppm(dec("1.5")).value(), 1'500'000U);
  EXPECT_EQ(to_ppm(dec("0.9999999")).value(), 999'999U);
  EXPECT_EQ(to_ppm(dec("4000")).value(), kMaxRatio);
  EXPECT_EQ(to_ppm(dec("4000.000001")).error().code, ErrorCode::kOverflow);
  EXPECT_EQ(to_ppm(dec("1e300")).error().code, ErrorCode::kOverflow);
  EXPECT_EQ(to_ppm(dec("-1")).error().code, ErrorCode::kInvalid);
}

TEST(Limit, FloorOfWhatIsLeftTimesTheRatio) {
  EXPECT_EQ(limit_of(100, 10, kOne), 90);       // (100 - 10) x 1
  EXPECT_EQ(limit_of(101, 0, 1'500'000), 151);  // 151.5
  EXPECT_EQ(limit_of(3, 0, 333'333), 0);        // 0.999999
  EXPECT_EQ(limit_of(10, 20, kOne), 0);         // more reserved than there is
  EXPECT_EQ(limit_of(kMaxSteps, 0, kMaxRatio), kMaxSteps);
  EXPECT_EQ(limit_of(kMaxSteps, 0, 999'999), 9007190247541736);  // 9007199254740991 x 0.999999 = 9007190247541736.25...
}

}  // namespace
}  // namespace apportion
