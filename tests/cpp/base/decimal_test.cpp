#include "apportion/base/decimal.hpp"

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>

#include "base/decimals.hpp"

namespace apportion {
namespace {

struct ReadCase {
  const char* text;
  const char* normal;  // as written by text()
};

class DecimalReads : public testing::TestWithParam<ReadCase> {};

TEST_P(DecimalReads, AndWritesTheNormalForm) {
  EXPECT_EQ(dec(GetParam().text).text(), GetParam().normal);
  EXPECT_EQ(dec(GetParam().normal), dec(GetParam().text)) << "the normal form reads back";
}

INSTANTIATE_TEST_SUITE_P(
    Table, DecimalReads,
    testing::Values(ReadCase{"0", "0"}, ReadCase{"-0", "0"}, ReadCase{"0.000", "0"}, ReadCase{"0e999", "0"},
                    ReadCase{"0E-9999999999999999999999", "0"}, ReadCase{"12", "12"}, ReadCase{"-0.3", "-0.3"},
                    ReadCase{"1.5e3", "1500"}, ReadCase{"1.5E+3", "1500"}, ReadCase{"007", "7"},
                    ReadCase{"1.50", "1.5"}, ReadCase{"150e-2", "1.5"}, ReadCase{"0.000001", "0.000001"},
                    ReadCase{"0.0000001", "1e-7"}, ReadCase{"0.00000012", "1.2e-7"},
                    ReadCase{"123456.789", "123456.789"}, ReadCase{"1e20", "100000000000000000000"},
                    ReadCase{"1e21", "1e+21"}, ReadCase{"1.5e30", "1.5e+30"},
                    ReadCase{"-9999999999999999999999999999999999", "-9.999999999999999999999999999999999e+33"},
                    ReadCase{"1e400", "1e+400"}, ReadCase{"1e-400", "1e-400"}, ReadCase{"0.1e-399", "1e-400"},
                    ReadCase{"100000000000000000000000000000000000000000", "1e+41"}));

class DecimalRefuses : public testing::TestWithParam<const char*> {};

TEST_P(DecimalRefuses, WhatIsNoNumber) {
  const auto result = Decimal::parse(GetParam());
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_NE(result.error().message.find("is not a number"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Table, DecimalRefuses,
                         testing::Values("", "-", "+1", ".5", "5.", "1e", "1e+", "1 ", " 1", "1.2.3", "0x10", "1_000",
                                         "nan", "inf", "--1", "1e5x", "1,5"));

class DecimalOverflows : public testing::TestWithParam<const char*> {};

TEST_P(DecimalOverflows, BeyondItsBounds) {
  const auto result = Decimal::parse(GetParam());
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::kOverflow);
}

INSTANTIATE_TEST_SUITE_P(Table, DecimalOverflows,
                         testing::Values("12345678901234567890123456789012345",    // 35 digits
                                         "0.10000000000000000000000000000000001",  // 35 digits after the zeros
                                         "1e401", "1e-401", "10e400", "0.1e-400", "1e99999999999999999999"));

TEST(Decimal, FromDoubleIsTheShortestDecimal) {
  EXPECT_EQ(Decimal::from_double(0.3).value(), dec("0.3"));
  EXPECT_EQ(Decimal::from_double(0.1 + 0.2).value(), dec("0.30000000000000004"));
  EXPECT_EQ(Decimal::from_double(-0.0).value(), Decimal());
  EXPECT_EQ(Decimal::from_double(5e-324).value(), dec("5e-324"));
  EXPECT_EQ(Decimal::from_double(1e15).value(), Decimal(1'000'000'000'000'000));
  EXPECT_TRUE(Decimal::from_double(std::nan("")).has_error());
  EXPECT_TRUE(Decimal::from_double(-std::numeric_limits<double>::infinity()).has_error());
}

TEST(Decimal, DoublesReadBackUnchanged) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const Decimal decimal = Decimal::from_double(value).value();
    EXPECT_EQ(decimal.to_double(), value);
    EXPECT_EQ(dec(decimal.text()), decimal);
  }
}

TEST(Decimal, FromDoubleIsTheShortestForEveryCountOfDigits) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) {
    // Around the 15 digits that every double keeps, and the thousandths that are read without text.
    const auto digits = static_cast<double>(random() >> (random() % 63));
    const double value = (random() % 2 == 0 ? digits : -digits) / std::pow(10.0, static_cast<double>(random() % 6));
    std::array<char, 40> buffer;
    const auto shortest =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
    ASSERT_EQ(Decimal::from_double(value).value(), dec({buffer.data(), shortest.ptr})) << value;
  }
}

TEST(Decimal, ToDoubleBeyondTheRange) {
  EXPECT_EQ(dec("1e400").to_double(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(dec("-1e400").to_double(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(dec("1e-400").to_double(), 0.0);
  EXPECT_EQ(dec("9007199254740993").to_double(), 9007199254740992.0) << "2^53 + 1: the tie goes to even";
}

TEST(Decimal, ToInt64) {
  EXPECT_EQ(dec("9223372036854775807").to_int64().value(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(dec("-9223372036854775808").to_int64().value(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(Decimal(std::numeric_limits<std::int64_t>::min()).to_int64().value(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(dec("12e3").to_int64().value(), 12'000);
  EXPECT_EQ(dec("1.5").to_int64().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(dec("9223372036854775808").to_int64().error().code, ErrorCode::kOverflow);
  EXPECT_EQ(dec("1e400").to_int64().error().code, ErrorCode::kOverflow);
  EXPECT_EQ(dec("1234567890123456789012e0").to_int64().error().code, ErrorCode::kOverflow);
}

TEST(Decimal, FromPartsNormalises) {
  EXPECT_EQ(Decimal::from_parts(1500, -2).value(), dec("15"));
  EXPECT_EQ(Decimal::from_parts(0, 1'000'000).value(), Decimal());
  EXPECT_EQ(Decimal::from_parts(1000, 398).error().code, ErrorCode::kOverflow);  // 10^401
  EXPECT_EQ(Decimal::from_parts(~Int128{0} ^ (Int128{1} << 126), 0).error().code, ErrorCode::kOverflow);
}

// Law: the order is the order of the exact values.
TEST(Decimal, OrderAgreesWithBigIntegers) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) {
    const auto draw = [&] {
      const auto digits = static_cast<std::int64_t>(random() >> (random() % 64)) * (random() % 2 == 0 ? 1 : -1);
      return Decimal::from_parts(digits, static_cast<int>(random() % 7) - 3).value();
    };
    const auto exact = [](const Decimal& value) {  // times 10^3
      return cpp_int(big(value.digits()) * pow(cpp_int(10), static_cast<unsigned>(value.exponent() + 3)));
    };
    const Decimal left = draw();
    const Decimal right = draw();
    EXPECT_EQ(left < right, exact(left) < exact(right)) << left.text() << " " << right.text();
    EXPECT_EQ(left > right, exact(left) > exact(right)) << left.text() << " " << right.text();
    EXPECT_EQ(left == right, exact(left) == exact(right));
  }
  EXPECT_LT(dec("-1e400"), dec("-1e-400"));
  EXPECT_LT(dec("-1"), Decimal());
  EXPECT_LT(dec("9.999999999999999999999999999999999e32"), dec("1e33"));
}

}  // namespace
}  // namespace apportion
