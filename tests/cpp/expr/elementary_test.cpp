// Against the long double library of the machine (64 bits of mantissa), and golden bits that every machine must
// reproduce.
#include "apportion/expr/elementary.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace apportion {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// |found - exact| in units of the last place of the exact value, as far as a long double knows it.
double ulps(double found, long double exact) {
  if (found == static_cast<double>(exact)) return 0;
  const int exponent = std::max(std::ilogb(exact), -1022) - 52;
  return static_cast<double>(std::fabs(static_cast<long double>(found) - exact) / std::ldexp(1.0L, exponent));
}

double random_of_any_size(std::mt19937_64& random) {
  double x = kNan;
  while (!std::isfinite(x) || x == 0) x = std::bit_cast<double>(static_cast<std::uint64_t>(random()));
  return std::fabs(x);
}

double uniform(std::mt19937_64& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

TEST(Elementary, ExpIsWithinOneUnit) {
  std::mt19937_64 random(1);
  double worst = 0, worst_subnormal = 0;
  for (int k = 0; k < 300000; ++k) {
    const double x = k % 2 == 0 ? uniform(random, -745, 709.7) : uniform(random, -2, 2);
    double& entry = x < -708 ? worst_subnormal : worst;
    entry = std::max(entry, ulps(elementary_exp(x), std::exp(static_cast<long double>(x))));
  }
  RecordProperty("worst", std::to_string(worst));
  EXPECT_LT(worst, 0.6);
  EXPECT_LE(worst_subnormal, 1.0);
}

TEST(Elementary, LogarithmsAreWithinOneUnit) {
  std::mt19937_64 random(2);
  double worst = 0;
  for (int k = 0; k < 200000; ++k) {
    const double x = k % 3 == 0   ? random_of_any_size(random)
                     : k % 3 == 1 ? uniform(random, 0.5, 2)
                                  : 1 + uniform(random, -1e-6, 1e-6);
    const auto wide = static_cast<long double>(x);
    worst = std::max({worst, ulps(elementary_log(x), std::log(wide)), ulps(elementary_log2(x), std::log2(wide)),
                      ulps(elementary_log10(x), std::log10(wide))});
  }
  RecordProperty("worst", std::to_string(worst));
  EXPECT_LT(worst, 0.6);
}

TEST(Elementary, PowIsWithinOneUnit) {
  std::mt19937_64 random(3);
  double worst = 0;
  for (int k = 0; k < 200000; ++k) {
    const double x = k % 2 == 0 ? uniform(random, 0.001, 100) : uniform(random, 0.99, 1.01);
    const double y = k % 2 == 0 ? uniform(random, -60, 60) : uniform(random, -50000, 50000);
    const long double exact = std::pow(static_cast<long double>(x), static_cast<long double>(y));
    if (exact < 1e-300L || exact > 1e300L) continue;
    worst = std::max(worst, ulps(elementary_pow(x, y), exact));
  }
  RecordProperty("worst", std::to_string(worst));
  EXPECT_LT(worst, 0.6);
}

TEST(Elementary, SigmoidIsWithinTwoUnits) {
  std::mt19937_64 random(4);
  double worst = 0;
  for (int k = 0; k < 100000; ++k) {
    const double x = uniform(random, -700, 50);
    worst = std::max(worst, ulps(elementary_sigmoid(x), 1 / (1 + std::exp(-static_cast<long double>(x)))));
  }
  RecordProperty("worst", std::to_string(worst));
  EXPECT_LT(worst, 2.0);
  EXPECT_EQ(elementary_sigmoid(0), 0.5);
  EXPECT_EQ(elementary_sigmoid(kInf), 1);
  EXPECT_EQ(elementary_sigmoid(-kInf), 0);
}

TEST(Elementary, IsExactWhereTheResultIs) {
  for (int k = -1074; k <= 1023; ++k) EXPECT_EQ(elementary_log2(std::ldexp(1.0, k)), k);
  double power = 1;
  for (int k = 0; k <= 22; ++k, power *= 10) {  // 10^22 is the last exact power of ten
    EXPECT_EQ(elementary_log10(power), k);
    EXPECT_EQ(elementary_pow(10, k), power);
  }
  for (int base = 1; base < 200; ++base) {
    EXPECT_EQ(elementary_pow(base, 2), base * base);
    EXPECT_EQ(elementary_pow(-base, 3), -base * base * base);
    EXPECT_EQ(elementary_pow(base * base, 0.5), base);
  }
  EXPECT_EQ(elementary_exp(0), 1);
  EXPECT_EQ(elementary_log(1), 0);
}

TEST(Elementary, KnowsTheEdges) {
  EXPECT_EQ(elementary_exp(710), kInf);
  EXPECT_EQ(elementary_exp(kInf), kInf);
  EXPECT_EQ(elementary_exp(-746), 0);
  EXPECT_EQ(elementary_exp(-kInf), 0);
  EXPECT_EQ(elementary_log(kInf), kInf);
  EXPECT_EQ(elementary_pow(0, 3), 0);
  EXPECT_EQ(elementary_pow(-2, 1024), kInf);
  EXPECT_EQ(elementary_pow(-2, 1025), -kInf);
  EXPECT_EQ(elementary_pow(2, -1e300), 0);
  EXPECT_EQ(elementary_pow(0.5, -kInf), kInf);
  EXPECT_EQ(elementary_pow(-0.5, kInf), 0);
  EXPECT_EQ(elementary_pow(-kInf, 3), -kInf);
  EXPECT_EQ(elementary_pow(kInf, -1), 0);
  EXPECT_EQ(elementary_pow(1, kInf), 1);
  EXPECT_EQ(elementary_pow(7, 0), 1);
}

TEST(Elementary, HasNoValueOutsideItsDomain) {
  for (const double x : {0.0, -0.0, -1.0, -kInf, kNan}) {
    EXPECT_TRUE(std::isnan(elementary_log(x)) && std::isnan(elementary_log2(x)) && std::isnan(elementary_log10(x)))
        << x;
  }
  EXPECT_TRUE(std::isnan(elementary_exp(kNan)));
  EXPECT_TRUE(std::isnan(elementary_sigmoid(kNan)));
  EXPECT_TRUE(std::isnan(elementary_pow(-2, 0.5)));
  EXPECT_TRUE(std::isnan(elementary_pow(0, -1)));
  EXPECT_TRUE(std::isnan(elementary_pow(kNan, 0)));
  EXPECT_TRUE(std::isnan(elementary_pow(1, kNan)));
}

TEST(Elementary, GivesTheSameBitsEverywhere) {
  struct Golden {
    double found;
    std::uint64_t bits;
  };
  // One rounding of the exact value each, except sigmoid: exp(1) = e, log(10), 10^0.3, ...
  const Golden cases[] = {
      {elementary_exp(1), 0x4005BF0A8B145769},
      {elementary_exp(-0.1), 0x3FECF46D99D52B3A},
      {elementary_exp(700.5), 0x7F18625C7D4F56C2},
      {elementary_exp(-740.25), 0x0000000000000042},
      {elementary_log(10), 0x40026BB1BBB55516},
      {elementary_log(0.9999), 0xBF1A3738D2CF1CC2},
      {elementary_log(5e-324), 0xC0874385446D71C3},
      {elementary_log2(10), 0x400A934F0979A371},
      {elementary_log10(2), 0x3FD34413509F79FF},
      {elementary_pow(10, 0.3), 0x3FFFEC982D5BB8AF},
      {elementary_pow(1.0001, 54321), 0x406C92230BCD8DD4},
      {elementary_pow(-7, 13), 0xC2368F08F8E70000},
      {elementary_sigmoid(0.7), 0x3FE561CB52A19476},
      {elementary_sigmoid(-12.5), 0x3ECF42E59CDCDAD4},
  };
  for (const Golden& golden : cases) EXPECT_EQ(std::bit_cast<std::uint64_t>(golden.found), golden.bits) << golden.found;
}

}  // namespace
}  // namespace apportion
