#include "apportion/inventory/instance_table.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/world.hpp"

namespace apportion {
namespace {

TypeVersion type_of(const char* json) {
  std::vector<Problem> problems;
  TypeVersion version{0, 1, 1, read_type("disk", tree(json), "", problems)};
  EXPECT_TRUE(problems.empty());
  return version;
}

// One row with these limits and used amounts, in steps.
InstanceTable table_with(std::vector<Steps> limits, std::vector<Steps> used) {
  InstanceTable table(type_of("{'dimensions': {'a': {}, 'b': {}}}"));
  Transaction log(Transaction::Keep::kForget);
  table.resize(log, 1);
  for (std::size_t d = 0; d < limits.size(); ++d) {
    table.dimensions[d].limit.edit(log, 0) = limits[d];
    table.dimensions[d].used.edit(log, 0) = used[d];
  }
  return table;
}

TEST(InstanceTable, FitsWhatIsFreeInEveryDimensionAskedFor) {
  struct Row {
    std::vector<Steps> limits;
    std::vector<Steps> used;
    std::vector<Steps> asked;
    bool fits;
    bool over;
  };
  const Row rows[] = {
      {{10, 10}, {4, 0}, {6, 10}, true, false},   // 10 - 4 = 6, 10 - 0 = 10
      {{10, 10}, {4, 0}, {7, 0}, false, false},   // 7 > 6
      {{10, 10}, {4, 0}, {6, 11}, false, false},  // 11 > 10
      {{10, 0}, {4, 0}, {6, 0}, true, false},     // nothing is asked of b
      {{10, 0}, {10, 0}, {0, 0}, true, false},    // nothing is asked
      {{10, 3}, {4, 5}, {1, 0}, false, true},     // over in b: takes nothing, not even of a
      {{10, 3}, {4, 5}, {0, 0}, true, true},      // nothing is not taking
      {{10, 3}, {4, 5}, {-1, -1}, true, true},    // giving back is allowed
      {{10, 3}, {4, 5}, {1, -1}, false, true},    // giving b back while taking a is not: it is over when asked
      {{kMaxSteps, 0}, {0, 0}, {kMaxSteps, 0}, true, false},
      {{0, 0}, {0, 0}, {kMaxSteps, 0}, false, false},
  };
  for (const Row& row : rows) {
    const InstanceTable table = table_with(row.limits, row.used);
    EXPECT_EQ(table.fits(0, row.asked), row.fits);
    EXPECT_EQ(table.over(0), row.over);
  }
}

TEST(InstanceTable, AddsAndTakesBack) {
  InstanceTable table = table_with({10, 10}, {1, 2});
  Transaction log;
  const Steps steps[] = {3, 0};
  table.add_used(log, 0, steps, 1);
  EXPECT_EQ(table.dimensions[0].used[0], 4);  // 1 + 3
  table.add_used(log, 0, steps, -1);
  EXPECT_EQ(table.dimensions[0].used[0], 1);
  table.add_used(log, 0, steps, 1);
  log.rollback();
  EXPECT_EQ(table.dimensions[0].used[0], 1);
  EXPECT_EQ(table.dimensions[1].used[0], 2);
}

TEST(InstanceTable, NewRowsHoldDefaultsInEveryColumn) {
  InstanceTable table(type_of(
      "{'dimensions': {'gb': {}}, 'fields': {'name': {'kind': 'string'}, 'tags': {'kind': 'list'}, 'n': {'kind': "
      "'number'}, 'b': {'kind': 'boolean'}}}"));
  Transaction log;
  table.relationships.try_emplace(5);
  table.resize(log, 1000);
  EXPECT_EQ(table.rows(), 1000U);
  EXPECT_FALSE(table.exists(999));
  EXPECT_FALSE(table.exists(1000));
  EXPECT_TRUE(std::isnan(table.fields[0].lane(999)));
  EXPECT_EQ(table.fields[1].lane(999), 0) << "the empty list";
  EXPECT_TRUE(std::isnan(table.fields[2].lane(999)));
  EXPECT_TRUE(std::isnan(table.dimensions[0].usage[999].value));
  EXPECT_EQ(table.dimensions[0].ratio[999].ppm, kOne);
  EXPECT_EQ(table.relationships.at(5).size(), 1000U);
  log.rollback();
  EXPECT_EQ(table.rows(), 0U);
}

TEST(FieldColumn, KeepsNumbersAndSymbolsApart) {
  Transaction log;
  FieldColumn number{FieldKind::kNumber, {}, {}};
  FieldColumn text{FieldKind::kString, {}, {}};
  number.numbers.resize(log, 1);
  text.symbols.resize(log, 1);
  EXPECT_TRUE(number.numeric());
  EXPECT_FALSE(text.numeric());
  number.set_lane(log, 0, -2.5);
  text.set_lane(log, 0, 7);
  EXPECT_EQ(number.lane(0), -2.5);
  EXPECT_EQ(text.lane(0), 7);
  text.set_lane(log, 0, std::nan(""));
  EXPECT_TRUE(std::isnan(text.lane(0)));
  EXPECT_EQ(text.symbols[0], 0U);
}

}  // namespace
}  // namespace apportion
