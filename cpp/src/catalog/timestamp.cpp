#include "timestamp.hpp"

#include <chrono>
#include <optional>

#include "reading.hpp"

namespace apportion {
namespace {

constexpr int kMaxFractionDigits = 18;

// Takes fixed parts off the front of a text; nothing fits any more after the first that does not.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : left_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (; count > 0; --count) value = value * 10 + digit();
    return value;
  }
  int digit() {
    if (left_.empty() || left_[0] < '0' || left_[0] > '9') return fail();
    const int value = left_[0] - '0';
    left_.remove_prefix(1);
    return value;
  }
  [[nodiscard]] bool at_digit() const { return !left_.empty() && left_[0] >= '0' && left_[0] <= '9'; }
  // One of `expected`, or 0.
  char one_of(std::string_view expected) {
    if (left_.empty() || expected.find(left_[0]) == std::string_view::npos) return static_cast<char>(fail());
    const char c = left_[0];
    left_.remove_prefix(1);
    return c;
  }
  [[nodiscard]] bool next_is(char c) const { return !left_.empty() && left_[0] == c; }
  [[nodiscard]] bool finished() const { return good_ && left_.empty(); }

 private:
  int fail() {
    good_ = false;
    left_ = {};
    return 0;
  }

  std::string_view left_;
  bool good_ = true;
};

struct Fraction {
  std::int64_t value = 0;
  std::int64_t scale = 1;
  int digits = 0;
};

std::optional<std::int64_t> scan_date(Scanner& scanner) {
  const int year = scanner.digits(4);
  scanner.one_of("-");
  const int month = scanner.digits(2);
  scanner.one_of("-");
  const int day = scanner.digits(2);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400;
}

std::optional<std::int64_t> scan_clock(Scanner& scanner, bool with_seconds) {
  const int hour = scanner.digits(2);
  scanner.one_of(":");
  const int minute = scanner.digits(2);
  if (with_seconds) scanner.one_of(":");
  const int second = with_seconds ? scanner.digits(2) : 0;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return hour * 3600 + minute * 60 + second;
}

std::optional<Fraction> scan_fraction(Scanner& scanner) {
  Fraction fraction;
  if (!scanner.next_is('.')) return fraction;
  scanner.one_of(".");
  do {
    fraction.value = fraction.value * 10 + scanner.digit();
    fraction.scale *= 10;
  } while (++fraction.digits < kMaxFractionDigits && scanner.at_digit());
  if (scanner.at_digit()) return std::nullopt;
  return fraction;
}

std::optional<std::int64_t> scan_offset(Scanner& scanner) {
  const char sign = scanner.one_of("Zz+-");
  if (sign != '+' && sign != '-') return 0;
  const auto offset = scan_clock(scanner, false);
  return offset && sign == '-' ? -*offset : offset;
}

}  // namespace

Result<Decimal> parse_timestamp(std::string_view text) {
  Scanner scanner(text);
  const auto date = scan_date(scanner);
  scanner.one_of("Tt ");
  const auto clock = scan_clock(scanner, true);
  const auto fraction = scan_fraction(scanner);
  const auto offset = scan_offset(scanner);
  if (!date || !clock || !fraction || !offset || !scanner.finished()) {
    return invalid("expected a time such as 2024-02-29T12:30:00Z, with Z or an offset such as +01:00, found text " +
                   quoted(text));
  }
  const std::int64_t seconds = *date + *clock - *offset;
  return Decimal::from_parts(Int128{seconds} * fraction->scale + fraction->value, -fraction->digits);
}

}  // namespace apportion
