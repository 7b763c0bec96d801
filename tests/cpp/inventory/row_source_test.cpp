#include "apportion/inventory/row_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "support/world.hpp"

namespace apportion {
namespace {

constexpr const char* kReadDisk =
    "{'dimensions': {'gb': {'step': 0.001}, 'iops': {}}, 'fields': {'name': {'kind': 'string'}, 'slots': {'kind': "
    "'integer'}, 'tags': {'kind': 'list'}, 'fast': {'kind': 'boolean'}}, 'state': {'health': {'kind': 'enum', "
    "'values': "
    "['ok', 'worn'], 'default': 'ok', 'allow': ['ok']}}}";

class RowSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", kReadDisk).has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "tape", "{'dimensions': {'gb': {'step': 0.5}}}").has_value());
    ASSERT_TRUE(world_
                    .define(Catalog::kDefineConsumerKind, "user",
                            "{'attributes': {'speed': {'kind': 'number'}, 'team': {'kind': 'string'}}}")
                    .has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineRelationship, "twin", "{'from': 'disk', 'to': 'disk'}").has_value());
    d1_ = world_.put_tree(
        "{'id': 'd1', 'type': 'disk', 'address': 'host', 'location': 'zone', 'labels': {'tier': 'a', 'x': ''}, "
        "'groups': "
        "['g', 'h'], 'state': {'health': 'worn'}, 'fields': {'name': 'n', 'slots': 7, 'tags': ['t'], 'fast': true}, "
        "'capacity': {'gb': 1, 'iops': 100}, 'reserved': {'gb': 0.2}, 'ratio': {'gb': 1.5}, 'usage': {'gb': 0.25}}");
    d2_ = world_.put_tree(
        "{'id': 'd2', 'type': 'disk', 'parent': 'd1', 'groups': ['g'], 'capacity': {'gb': 2}, "
        "'relationships': {'twin': 'd1'}}");
    world_.put_tree("{'id': 't1', 'type': 'tape', 'groups': ['g'], 'capacity': {'gb': 4}}");
    world_.claim("alice", d1_, {300, 10});
    world_.claim("alice", d1_, {100, 0});
    world_.claim("bob", d1_, {50, 0});
    request_.amounts = {500, 25};
    request_.count = 3;
    request_.consumer = "carol";
    request_.consumer_kind = "user";
    request_.now = 1'500'000'000;
  }

  double value(std::string_view text, InstanceRef ref, ValueType wanted = ValueType::kNumber,
               View view = View::kPresent) {
    const TypeScope scope(world_.catalog(), world_.catalog().version(ref.version).definition);
    const Result<Program> program = compile(text, wanted, scope);
    if (!program) {
      ADD_FAILURE() << program.error().text();
      return -1;
    }
    RowSource source(world_.inventory(), world_.symbols(), world_.catalog(), *world_.inventory().table(ref.version),
                     request_, view);
    source.use(scope.bindings());
    source.set(std::span(&ref.row, 1));
    Scratch scratch;
    return program->evaluate_one(source, scratch);
  }
  // The value of every row of the table at once, rows in the given order; `run` reads them as successive ones.
  std::vector<double> values(std::string_view text, const std::vector<std::uint32_t>& rows, View view, bool run) {
    const TypeScope scope(world_.catalog(), world_.catalog().version(d1_.version).definition);
    const Program program = compile(text, ValueType::kNumber, scope).value();
    RowSource source(world_.inventory(), world_.symbols(), world_.catalog(), *world_.inventory().table(d1_.version),
                     request_, view);
    source.use(scope.bindings());
    Scratch scratch;
    program.begin(source, scratch);
    std::vector<double> out(rows.size());
    for (std::size_t at = 0; at < rows.size(); at += kBlockLanes) {
      const auto block = std::span(rows).subspan(at, std::min<std::size_t>(kBlockLanes, rows.size() - at));
      run ? source.set_run(block[0]) : source.set(block);
      program.evaluate(source, static_cast<std::uint32_t>(block.size()), out.data() + at, scratch);
    }
    return out;
  }
  double holds(std::string_view text, InstanceRef ref, View view = View::kPresent) {
    return value(text, ref, ValueType::kBoolean, view);
  }

  World world_;
  InstanceRef d1_;
  InstanceRef d2_;
  RequestValues request_;
};

TEST_F(RowSourceTest, ReadsNumbersInUnits) {
  struct Row {
    const char* text;
    double value;
    double when_empty;
  };
  const Row rows[] = {
      {"used.gb", 0.45, 0},    // 0.3 + 0.1 + 0.05
      {"limit.gb", 1.2, 1.2},  // (1 - 0.2) x 1.5
      {"free.gb", 0.75, 1.2},  // 1.2 - 0.45
      {"capacity.gb", 1, 1},
      {"reserved.gb", 0.2, 0.2},
      {"ratio.gb", 1.5, 1.5},
      {"usage.gb", 0.25, 0.25},
      {"used.iops", 10, 0},
      {"self.slots", 7, 7},
      {"self.consumers", 2, 0},  // alice and bob
      {"self.claims", 3, 0},
      {"self.ordinal", 1, 1},
      {"self.granted", 3, 3},  // how often it was chosen does not go with the claims
      {"request.gb", 0.5, 0.5},
      {"request.count", 3, 3},
      {"now", 1.5, 1.5},
      {"sum(used)", 460, 0},  // 450 steps of 0.001 and 10 of 1
      {"max(capacity)", 1000, 1000},
      {"sum(request)", 525, 525},  // 500 + 25
      {"max(scale)", 2000, 2000},  // d2's 2 GB
      {"sum(usage)", 250, 250},    // 0.25 / 0.001; iops has no value
      {"mean(used / limit)", (450.0 / 1200.0 + 10.0 / 100.0) / 2.0, 0},
  };
  for (const Row& row : rows) {
    EXPECT_DOUBLE_EQ(value(row.text, d1_), row.value) << row.text;
    EXPECT_DOUBLE_EQ(value(row.text, d1_, ValueType::kNumber, View::kEmpty), row.when_empty)
        << row.text << " when empty";
  }
  EXPECT_TRUE(std::isnan(value("predicted.gb", d1_)));
  EXPECT_TRUE(std::isnan(value("self.slots", d2_)));
  EXPECT_EQ(value("used.gb", d1_), 0.45) << "exactly";
}

TEST_F(RowSourceTest, ReadsTextsListsAndBooleans) {
  for (const char* text :
       {"self.id == 'd1'", "self.type == 'disk'", "self.address == 'host'", "self.location == 'zone'",
        "self.labels.tier == 'a'", "self.name == 'n'", "self.fast", "self.status == 'online'", "self.health == 'worn'",
        "'g' in self.groups", "!('x' in self.groups)", "'t' in self.tags", "consumer.id == 'carol'",
        "consumer.id != 'alice'", "consumer.kind == 'user'", "self.id in ['d1', 'd3']", "size(self.groups) == 2"}) {
    EXPECT_EQ(holds(text, d1_), 1.0) << text;
  }
  for (const char* text : {"self.parent == 'd1'", "'d1' in self.twin", "size(self.tags) == 0"})
    EXPECT_EQ(holds(text, d2_), 1.0) << text;
  for (const char* text :
       {"self.labels.none == 'a'", "self.labels.x == ''", "self.parent == 'd1'", "consumer.team == 'x'"}) {
    EXPECT_TRUE(std::isnan(holds(text, d1_))) << text << ": no value";
  }
}

TEST_F(RowSourceTest, AnEmptyPoolPermitsEveryState) {
  EXPECT_EQ(holds("self.health == 'ok'", d1_, View::kEmpty), 1.0);
  EXPECT_EQ(holds("self.health == 'ok'", d1_), 0.0);
  EXPECT_EQ(holds("self.status == 'online'", d1_, View::kEmpty), 1.0) << "what is permitted stays";
}

TEST_F(RowSourceTest, ABlockHasTheValuesOfItsRows) {
  std::mt19937_64 random(1);
  const auto number = [&](std::uint64_t limit) { return std::to_string(random() % limit); };
  for (int k = 0; k < 600; ++k) {
    const std::string own = random() % 3 == 0 ? ""
                                              : ", 'labels': {'tier': '" + number(3) +
                                                    "'}, 'groups': ['g'], "
                                                    "'fields': {'name': 'n" +
                                                    number(5) + "', 'slots': " + number(9) +
                                                    ", 'tags': ['t']}, 'usage': {'gb': " + number(4) + "}";
    const InstanceRef put =
        world_.put_tree("{'id': 'x" + std::to_string(k) + "', 'type': 'disk', 'state': {'health': '" +
                        (random() % 2 == 0 ? "worn" : "ok") + "'}, 'capacity': {'gb': " + number(50) +
                        ".5, 'iops': " + number(90) + "}" + own + "}");
    if (random() % 4 == 0) world_.claim("alice", put, {static_cast<Steps>(random() % 500), 0});
  }
  std::vector<std::uint32_t> rows(world_.inventory().table(d1_.version)->rows());
  std::iota(rows.begin(), rows.end(), 0U);
  std::vector<std::uint32_t> shuffled = rows;
  std::ranges::shuffle(shuffled, random);
  for (const View view : {View::kPresent, View::kEmpty}) {
    for (const char* text : {"used.gb",
                             "free.gb",
                             "limit.gb",
                             "capacity.gb",
                             "reserved.gb",
                             "ratio.gb",
                             "usage.gb",
                             "predicted.gb",
                             "sum(used)",
                             "sum(free)",
                             "sum(limit)",
                             "sum(capacity)",
                             "sum(reserved)",
                             "sum(usage)",
                             "self.slots",
                             "self.consumers",
                             "self.claims",
                             "self.ordinal",
                             "self.granted",
                             "size(self.tags)",
                             "size(self.groups)",
                             "size(self.twin)",
                             "size(self.id)",
                             "size(self.name)",
                             "size(self.address)",
                             "size(self.parent)",
                             "number(self.labels.tier == '1')",
                             "number(self.health == 'ok')",
                             "number('t' in self.tags)",
                             "number('d1' in self.twin)",
                             "number(self.type == 'disk')",
                             "number(self.fast)"}) {
      const std::vector<double> run = values(text, rows, view, true), picked = values(text, shuffled, view, false);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::uint32_t row = shuffled[i];
        const double alone = value(text, {d1_.version, row}, ValueType::kNumber, view);
        ASSERT_TRUE(run[row] == alone || (std::isnan(run[row]) && std::isnan(alone))) << text << ", row " << row;
        ASSERT_TRUE(picked[i] == alone || (std::isnan(picked[i]) && std::isnan(alone))) << text << ", row " << row;
      }
    }
  }
}

TEST_F(RowSourceTest, SumsGroupsOverTypes) {
  const std::pair<const char*, double> rows[] = {
      {"group('g').members", 3},  // d1, d2, t1
      {"group('h').members", 1},
      {"group('g').claims", 3},
      {"group('g').used.gb", 0.45},
      {"group('g').limit.gb", 7.2},  // 1.2 + 2 + 4
      {"group('g').free.gb", 6.75},  // 7.2 - 0.45
      {"group('g').capacity.gb", 7},
      {"group('g').used.iops", 10},
      {"group('g').load", (0.45 / 7.2 + 10.0 / 100.0) / 2.0},
  };
  for (const auto& [text, expected] : rows) EXPECT_DOUBLE_EQ(value(text, d1_), expected) << text;
  EXPECT_EQ(value("group('g').used.gb", d1_, ValueType::kNumber, View::kEmpty), 0);
  EXPECT_EQ(value("group('g').claims", d1_, ValueType::kNumber, View::kEmpty), 0);
  // A group that nothing is in, and no group.
  EXPECT_TRUE(std::isnan(value("group('nobody').members", d1_)) || value("group('nobody').members", d1_) == 0);
  EXPECT_TRUE(std::isnan(value("group(self.parent).members", d1_)));
}

TEST_F(RowSourceTest, KnowsTheConsumersAttributes) {
  request_.attributes = {{"speed", 2.5}, {"team", static_cast<double>(world_.text("red"))}};
  EXPECT_EQ(value("consumer.speed", d1_), 2.5);
  EXPECT_EQ(holds("consumer.team == 'red'", d1_), 1.0);
  EXPECT_EQ(holds("consumer.team == 'unheard of'", d1_), 0.0);
}

TEST_F(RowSourceTest, TextsOfTheRequestNeedNoSymbol) {
  ASSERT_EQ(world_.symbols().find("carol"), 0U);
  EXPECT_EQ(holds("consumer.id == self.name", d1_), 0.0);
  EXPECT_EQ(holds("consumer.id == 'carol' && self.id == 'd1'", d1_), 1.0);
  EXPECT_EQ(holds("consumer.id in ['alice', 'carol']", d1_), 1.0);
  request_.consumer = "n";  // the same text as a field's value: it is interned
  EXPECT_EQ(holds("consumer.id == self.name", d1_), 1.0);
}

TEST_F(RowSourceTest, RulesPermitTheValuesOfTheType) {
  const TypeDefinition& type = world_.catalog().version(d1_.version).definition;
  const StateRules rules(type, world_.symbols());
  const InstanceTable& table = *world_.inventory().table(d1_.version);
  EXPECT_FALSE(rules.permits(table, d1_.row)) << "worn";
  EXPECT_TRUE(rules.permits(table, d2_.row));
  EXPECT_TRUE(rules.permits(table, 0, d1_.row)) << "online";
  EXPECT_FALSE(rules.permits(table, 2, d1_.row));
}

}  // namespace
}  // namespace apportion
