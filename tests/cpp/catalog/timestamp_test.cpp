#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "apportion/catalog/document.hpp"

namespace apportion {
namespace {

FieldDefinition timestamp() {
  FieldDefinition field;
  field.kind = FieldKind::kTimestamp;
  return field;
}

TEST(Timestamps, RefusesWhatIsNoTime) {
  const FieldDefinition time = timestamp();
  for (const char* text : {"",
                           "now",
                           "2024-02-29",
                           "2024-02-29T12:30:00",
                           "2023-02-29T00:00:00Z",
                           "2024-13-01T00:00:00Z",
                           "2024-00-01T00:00:00Z",
                           "2024-01-00T00:00:00Z",
                           "2024-04-31T00:00:00Z",
                           "2024-01-01T24:00:00Z",
                           "2024-01-01T00:60:00Z",
                           "2024-01-01T00:00:60Z",
                           "2024-01-01T00:00:00.Z",
                           "2024-01-01T00:00:00.1234567890123456789Z",
                           "2024-01-01T00:00:00+24:00",
                           "2024-01-01T00:00:00+0100",
                           "2024-01-01T00:00:00Zx",
                           "24-01-01T00:00:00Z",
                           "2024-1-01T00:00:00Z",
                           "-024-01-01T00:00:00Z",
                           "2024-01-01X00:00:00Z"}) {
    const auto result = check_value(time, Node(text));
    ASSERT_TRUE(result.has_error()) << text;
    EXPECT_NE(result.error().message.find("expected a time such as"), std::string::npos);
  }
}

// Days since 1970 by counting years and months one after the other.
std::int64_t counted_days(int year, int month, int day) {
  const auto leap = [](int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
  std::int64_t days = day - 1;
  for (int y = 1970; y < year; ++y) days += leap(y) ? 366 : 365;
  for (int y = year; y < 1970; ++y) days -= leap(y) ? 366 : 365;
  constexpr int kLengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int m = 1; m < month; ++m) days += kLengths[m - 1] + (m == 2 && leap(year));
  return days;
}

// Law: the seconds are those of counting.
TEST(Timestamps, AgreeWithCounting) {
  const FieldDefinition time = timestamp();
  std::mt19937_64 random(7);
  for (int i = 0; i < 3000; ++i) {
    const auto upto = [&](unsigned bound) { return static_cast<int>(random() % bound); };
    const int parts[] = {upto(10'000), 1 + upto(12), 1 + upto(28), upto(24), upto(60), upto(60)};
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts[0], parts[1], parts[2], parts[3], parts[4],
                  parts[5]);
    const std::int64_t expected =
        counted_days(parts[0], parts[1], parts[2]) * 86'400 + parts[3] * 3600 + parts[4] * 60 + parts[5];
    ASSERT_EQ(check_value(time, Node(text)).value(), Node(expected)) << text;
  }
}

}  // namespace
}  // namespace apportion
