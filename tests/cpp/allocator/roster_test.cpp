#include "apportion/allocator/roster.hpp"

#include <gtest/gtest.h>

#include <random>

#include "sandbox.hpp"

namespace apportion {
namespace {

// What fits, by the table alone.
std::vector<std::uint32_t> fitting_rows(Sandbox& box, const std::vector<Steps>& amounts) {
  InstanceTable& table = box.table();
  const StateRules rules(box.type(), box.sections->symbols);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < table.rows(); ++row) {
    if (table.exists(row) && rules.permits(table, row) && table.consumers[row] < 2 && table.fits(row, amounts))
      rows.push_back(row);
  }
  std::ranges::sort(rows, {}, [&](std::uint32_t row) { return table.ordinal[row]; });
  return rows;
}

void expect_same(Sandbox& box, const Roster& roster, const std::vector<Steps>& amounts) {
  const Roster::Needs needs = roster.needs(amounts);
  std::vector<std::uint32_t> positions;
  roster.fitting(0, roster.size(), needs, positions);
  std::vector<std::uint32_t> rows;
  std::uint32_t at = 0;
  for (const std::uint32_t position : positions) {
    rows.push_back(roster.row(position));
    EXPECT_TRUE(roster.fits(position, needs));
    EXPECT_EQ(roster.position(roster.row(position)), position);
  }
  EXPECT_EQ(rows, fitting_rows(box, amounts));
  for (std::uint32_t block = 0; block < roster.blocks(); ++block) {
    std::uint32_t expected = 0;
    for (; at < positions.size() && positions[at] / Roster::kBlock == block; ++at)
      expected |= 1U << positions[at] % Roster::kBlock;
    EXPECT_EQ(roster.fitting(block, needs), expected) << block;
  }
}

TEST(Roster, SeesWhatTheTableSays) {
  Sandbox box;
  std::mt19937_64 random(3);
  Roster roster(box.table(), box.type());
  const std::vector<std::vector<Steps>> requests{{0, 0},
                                                 {1, 0},
                                                 {6, 0},
                                                 {7, 0},
                                                 {0, 50'000'000'001},
                                                 {0, 50'000'000'000},
                                                 {3, 99'000'000'001},
                                                 {0, 99'000'000'002}};
  for (int round = 0; round < 60; ++round) {
    Transaction log;
    for (std::uint64_t writes = random() % 8; writes > 0; --writes) {
      box.disturb(log, static_cast<std::uint32_t>(random() % box.table().rows()), random());
    }
    if (round % 3 == 0) roster.catch_up(box.sections->symbols);
    if (round % 2 == 0) log.rollback();  // and the roster sees it
    roster.catch_up(box.sections->symbols);
    for (const auto& amounts : requests) expect_same(box, roster, amounts);
  }
}

// As when an older instance comes from another version: everything is read, and the next write is seen all the same.
TEST(Roster, MissesNothingAfterAnOlderInstanceCame) {
  Sandbox box;
  Roster roster(box.table(), box.type());
  roster.catch_up(box.sections->symbols);
  const std::uint64_t generation = roster.generation();
  Transaction log(Transaction::Keep::kForget);
  const auto newest = static_cast<std::uint32_t>(box.table().rows() - 1);
  box.table().ordinal.edit(log, newest) = 0;
  box.table().touched.add(log, newest);
  roster.catch_up(box.sections->symbols);
  ASSERT_GT(roster.generation(), generation);
  for (const std::uint32_t row : {0U, 1U}) {
    box.table().dimensions[0].used.edit(log, row) = box.table().dimensions[0].limit[row];
    box.table().touched.add_claimed(log, row);
    roster.catch_up(box.sections->symbols);
    expect_same(box, roster, {1, 0});
  }
}

TEST(Roster, ReadsEverythingWhenTheLogIsTooShort) {
  Sandbox box;
  Roster roster(box.table(), box.type());
  roster.catch_up(box.sections->symbols);
  const std::uint64_t generation = roster.generation();
  Transaction log;
  box.table().dimensions[0].used.edit(log, 5) = 5;
  for (std::size_t i = 0; i <= TouchLog::kKept; ++i) box.table().touched.add(log, i == 0 ? 5 : 0);
  roster.catch_up(box.sections->symbols);
  EXPECT_GT(roster.generation(), generation);
  expect_same(box, roster, {1, 0});
}

}  // namespace
}  // namespace apportion
