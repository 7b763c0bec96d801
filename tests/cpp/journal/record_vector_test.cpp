#include "apportion/journal/record_vector.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace apportion {
namespace {

struct Plain {
  std::int64_t whole = 0;
  std::uint32_t half = 0;
  std::uint32_t other = 0;
  friend bool operator==(const Plain&, const Plain&) = default;
};

constexpr std::size_t kRecordBytes = 40;  // the last 24 of them are nobody's

// Records and columns through edits, resizes, forks and rollbacks, against a vector that is copied whole.
TEST(RecordVector, EqualsAVectorThroughForksAndRollbacks) {
  std::mt19937_64 random(1);
  RecordVector records(kRecordBytes);
  RecordColumn<std::int64_t> whole(records, 0);
  RecordColumn<std::uint32_t> half(records, 8);
  const RecordColumn<std::uint32_t> other(records, 12);
  std::vector<Plain> plain;
  const auto read = [&](const RecordVector& from, std::size_t row) {
    return Plain{whole.in(from[row]), half.in(from[row]), other.in(from[row])};
  };
  for (int round = 0; round < 2000; ++round) {
    Transaction log;
    const RecordVector fork = records;
    const std::vector<Plain> before = plain;
    for (std::uint64_t i = random() % 12; i > 0; --i) {
      if (plain.empty() || random() % 10 == 0) {
        plain.resize(random() % 400);
        records.resize(log, plain.size());
        continue;
      }
      const std::size_t row = random() % plain.size();
      Plain& to = plain[row];
      to.whole = static_cast<std::int64_t>(random() % 3);
      whole.set(log, row, to.whole);
      to.half = half.edit(log, row) = static_cast<std::uint32_t>(random());
      if (random() % 2 == 0) continue;
      std::byte* const record = records.edit(log, row);
      to.other = ++other.in(record);
      to.whole = --whole.in(record);
    }
    if (random() % 3 == 0) log.rollback(), plain = before;
    ASSERT_EQ(records.size(), plain.size());
    ASSERT_EQ(fork.size(), before.size());
    if (round % 20 != 0) continue;
    for (std::size_t row = 0; row < plain.size(); ++row) {
      ASSERT_EQ(read(records, row), plain[row]) << row;
      ASSERT_EQ(whole[row], plain[row].whole);
      ASSERT_EQ(half[row], plain[row].half);
    }
    for (std::size_t row = 0; row < before.size(); ++row) ASSERT_EQ(read(fork, row), before[row]) << row;
  }
}

}  // namespace
}  // namespace apportion
