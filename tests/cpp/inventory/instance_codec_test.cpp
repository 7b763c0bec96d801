#include <gtest/gtest.h>

#include "apportion/inventory/inventory.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

constexpr const char* kDisk =
    "{'dimensions': {'gb': {'step': '1/3'}, 'iops': {'step': 0.001}}, 'fields': {'name': {'kind': 'string', "
    "'max_length': "
    "5}, 'slots': {'kind': 'integer', 'min': 0}, 'tags': {'kind': 'list'}, 'fast': {'kind': 'boolean'}, 'must': "
    "{'kind': "
    "'enum', 'values': ['p', 'q'], 'default': 'p'}}, 'state': {'health': {'kind': 'boolean', 'default': true}}}";

class InstanceCodecTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", kDisk).has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "rack", "{'dimensions': {'u': {}}}").has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineRelationship, "twin", "{'from': 'disk', 'to': 'disk', 'many': true}")
                    .has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineRelationship, "home", "{'from': 'disk', 'to': 'rack'}").has_value());
    world_.put_tree("{'id': 'r1', 'type': 'rack'}");
    world_.put_tree("{'id': 'd0', 'type': 'disk'}");
  }

  static InstanceSpec spec(const std::string& more) {
    std::vector<Problem> problems;
    InstanceSpec read = read_instance(tree("{'id': 'd1'" + more + "}"), "", problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.place << ": " << problem.message;
    return read;
  }

  World world_;
};

TEST_F(InstanceCodecTest, GivesBackWhatWasSaid) {
  const std::string said =
      ", 'type': 'disk', 'version': 1, 'address': 'host:1', 'location': 'zone-a', 'parent': 'r1', 'labels': {'a': '1', "
      "'b': '2'}, 'groups': ['g', 'h'], 'policy': 'last', 'state': {'status': 'draining', 'security_status': "
      "'suspect', "
      "'health': false}, 'fields': {'name': 'abc', 'slots': 7, 'tags': ['x', 'y'], 'fast': true, 'must': 'q'}, "
      "'relationships': {'twin': ['d0', 'd1'], 'home': ['r1']}, 'capacity': {'gb': 3, 'iops': 0.3}, 'reserved': {'gb': "
      "1, "
      "'iops': 0.001}, 'ratio': {'gb': 1.5, 'iops': 1}, 'usage': {'gb': 0.5}";
  const InstanceSpec given = spec(said);
  ASSERT_EQ(message_of(world_.put(spec(", 'type': 'disk'"))), "");
  ASSERT_EQ(message_of(world_.put(given)), "");
  InstanceSpec known = world_.inventory().spec_of(world_.inventory().find("d1"));
  std::ranges::sort(known.relationships, {}, [](const auto& pair) { return pair.first == "home"; });
  EXPECT_EQ(known, given);
}

TEST_F(InstanceCodecTest, RoundsCapacitiesDownAndReservedUp) {
  ASSERT_EQ(message_of(world_.put(spec(", 'type': 'disk', 'capacity': {'gb': 0.5, 'iops': 0.0019}, 'reserved': {'gb': "
                                       "0.5, 'iops': 0.0011}"))),
            "");
  const InstanceTable& table = *world_.inventory().table(0);
  const std::uint32_t row = world_.inventory().find("d1").row;
  EXPECT_EQ(table.dimensions[0].capacity[row], 1);  // 0.5 / (1/3) = 1.5, down
  EXPECT_EQ(table.dimensions[0].reserved[row], 2);  // 1.5, up
  EXPECT_EQ(table.dimensions[1].capacity[row], 1);  // 1.9, down
  EXPECT_EQ(table.dimensions[1].reserved[row], 2);  // 1.1, up
  EXPECT_EQ(table.dimensions[0].limit[row], 0);     // (1 - 2) x 1 is nothing
}

TEST_F(InstanceCodecTest, AChangeOfOneThingLeavesTheRestToTheStep) {
  // 1, 2 ... 10 thirds: their text in units is rounded, down or up.
  for (int thirds = 1; thirds <= 10; ++thirds) {
    InstanceSpec given = spec(", 'type': 'disk'");
    const std::string units = std::to_string(thirds / 3) + "." +
                              (thirds % 3 == 0   ? "0"
                               : thirds % 3 == 1 ? "34"
                                                 : "67");
    given.capacity = {{"gb", dec(units)}};  // n + 0.34 is one third above n, rounded down; 0.67 two
    given.reserved = {
        {"gb", dec(thirds % 3 == 0 ? units : std::to_string(thirds / 3) + (thirds % 3 == 1 ? ".33" : ".66"))}};
    ASSERT_EQ(message_of(world_.put(given)), "");
    const InstanceRef ref = world_.inventory().find("d1");
    const InstanceTable& table = *world_.inventory().table(0);
    ASSERT_EQ(table.dimensions[0].capacity[ref.row], thirds);
    ASSERT_EQ(table.dimensions[0].reserved[ref.row], thirds);
    ASSERT_EQ(message_of(world_.put(world_.inventory().merged(ref, spec(", 'location': 'moved'")))), "");
    EXPECT_EQ(table.dimensions[0].capacity[ref.row], thirds);
    EXPECT_EQ(table.dimensions[0].reserved[ref.row], thirds);
    ASSERT_TRUE(world_.remove("d1").has_value());
  }
}

TEST_F(InstanceCodecTest, StepsWithMoreDigitsThanADecimalAreShown) {
  // 2^53 - 1 steps of 2^-39 have 44 significant digits; the nearest double is shown.
  ASSERT_TRUE(
      world_.define(Catalog::kDefineType, "fine", "{'dimensions': {'x': {'step': '1/549755813888'}}}").has_value());
  InstanceSpec given = spec("");
  given.type = "fine";
  given.capacity = {{"x", dec("16383.99999")}};
  ASSERT_EQ(message_of(world_.put(given)), "");
  const InstanceRef ref = world_.inventory().find("d1");
  const Steps before = world_.inventory().table(ref.version)->dimensions[0].capacity[ref.row];
  EXPECT_NEAR(world_.inventory().spec_of(ref).capacity[0].second.to_double(), 16383.99999, 1e-9);
  ASSERT_EQ(message_of(world_.put(world_.inventory().merged(ref, spec(", 'location': 'moved'")))), "");
  EXPECT_EQ(world_.inventory().table(ref.version)->dimensions[0].capacity[ref.row], before);
}

TEST_F(InstanceCodecTest, ALinkToWhatWasRemovedDoesNotStandInTheWay) {
  ASSERT_EQ(message_of(world_.put(spec(", 'type': 'disk', 'relationships': {'twin': ['d0']}"))), "");
  ASSERT_TRUE(world_.remove("d0").has_value());
  const InstanceRef ref = world_.inventory().find("d1");
  EXPECT_EQ(message_of(world_.put(world_.inventory().merged(ref, spec(", 'state': {'status': 'offline'}")))), "");
  EXPECT_EQ(message_of(world_.put(world_.inventory().merged(ref, spec(", 'relationships': {'twin': []}")))), "");
  EXPECT_EQ(message_of(world_.put(world_.inventory().merged(ref, spec(", 'relationships': {'twin': ['d0']}")))),
            "there is no instance 'd0'")
      << "a new link to it does";
}

TEST_F(InstanceCodecTest, RefusesWhatDoesNotFitTheType) {
  struct Row {
    std::function<void(InstanceSpec&)> edit;
    const char* place;
    const char* message;
  };
  const auto with = [](std::string_view json) { return tree(json); };
  const std::vector<Row> rows = {
      {[](auto& s) { s.type = "disc"; }, "type", "there is no type 'disc'; did you mean 'disk'?"},
      {[](auto& s) { s.type = ""; }, "type", "there is no type ''"},
      {[](auto& s) { s.version = 2; }, "version", "type 'disk' has no version 2"},
      {[](auto& s) { s.id = ""; }, "id", "1 to 200 bytes"},
      {[](auto& s) { s.id = std::string(201, 'x'); }, "id", "1 to 200 bytes"},
      {[](auto& s) { s.id = "a\x01"; }, "id", "without control characters"},
      {[](auto& s) { s.id = "\xff"; }, "id", "UTF-8"},
      {[](auto& s) { s.address = std::string(1001, 'x'); }, "address", "at most 1,000 bytes"},
      {[](auto& s) { s.location = "\n"; }, "location", "without control characters"},
      {[](auto& s) { s.labels = {{"k", std::string(2'000'000, 'x')}}; }, "labels", "at most 1,000 bytes"},
      {[](auto& s) { s.groups = {"\x7f"}; }, "groups", "without control characters"},
      {[](auto& s) { s.parent = "nobody"; }, "parent", "there is no instance 'nobody'"},
      {[](auto& s) { s.policy = "lasst"; }, "policy", "there is no policy 'lasst'; did you mean 'last'?"},
      {[&](auto& s) { s.state = {{"helth", Node(true)}}; }, "state",
       "there is no state field 'helth'; did you mean 'health'?"},
      {[&](auto& s) { s.state = {{"status", Node("asleep")}}; }, "state.status", "asleep"},
      {[&](auto& s) { s.fields = {{"nam", Node("x")}}; }, "fields", "did you mean 'name'?"},
      {[&](auto& s) { s.fields = {{"name", Node("longer")}}; }, "fields.name", "5"},
      {[&](auto& s) { s.fields = {{"slots", with("-1")}}; }, "fields.slots", "-1 is below"},
      {[&](auto& s) { s.fields = {{"slots", with("1.5")}}; }, "fields.slots", "1.5"},
      {[&](auto& s) { s.fields = {{"slots", with("9007199254740993")}}; }, "fields.slots", "up to 9007199254740991"},
      {[&](auto& s) { s.fields = {{"tags", Node("x")}}; }, "fields.tags", "a list of texts"},
      {[](auto& s) { s.capacity = {{"tb", dec("1")}}; }, "capacity", "there is no dimension 'tb'; did you mean 'gb'?"},
      {[](auto& s) { s.capacity = {{"gb", dec("-1")}}; }, "capacity.gb", "-1 is negative"},
      {[](auto& s) { s.capacity = {{"gb", dec("1e17")}}; }, "capacity.gb", "100000000000000000 in steps of 1/3"},
      {[](auto& s) { s.reserved = {{"gb", dec("1e300")}}; }, "reserved.gb", "1e+300"},
      {[](auto& s) { s.ratio = {{"gb", dec("4001")}}; }, "ratio.gb", "at most 4000, not 4001"},
      {[](auto& s) { s.ratio = {{"gb", dec("-1")}}; }, "ratio.gb", "0 or more, not -1"},
      {[](auto& s) { s.usage = {{"gb", dec("-1")}}; }, "usage.gb", "cannot be negative"},
      {[](auto& s) { s.relationships = {{"cousin", {"d0"}}}; }, "relationships", "has no relationship 'cousin'"},
      {[](auto& s) { s.relationships = {{"twin", {"d9"}}}; }, "relationships.twin", "there is no instance 'd9'"},
      {[](auto& s) { s.relationships = {{"twin", {"r1"}}}; }, "relationships.twin",
       "'r1' is of type 'rack', expected 'disk'"},
      {[](auto& s) { s.relationships = {{"home", {"r1", "r2"}}}; }, "relationships", "to one instance, 2 are given"},
  };
  const Hash128 hash = world_.hash();
  for (const Row& row : rows) {
    InstanceSpec given = spec(", 'type': 'disk'");
    row.edit(given);
    const Status status = world_.put(given);
    ASSERT_TRUE(status.has_error()) << row.message;
    EXPECT_EQ(status.error().place, row.place) << status.error().message;
    EXPECT_NE(status.error().message.find(row.message), std::string::npos) << status.error().message;
  }
  EXPECT_EQ(world_.hash(), hash);
  EXPECT_FALSE(world_.inventory().find("d1").valid());
}

TEST_F(InstanceCodecTest, AMissingRequiredFieldIsNamed) {
  ASSERT_TRUE(world_.define(Catalog::kDefineType, "box", "{'fields': {'name': {'kind': 'string', 'required': true}}}")
                  .has_value());
  InstanceSpec given = spec("");
  given.type = "box";
  const Status status = world_.put(given);
  EXPECT_EQ(message_of(status), "the required field 'name' has no value");
  given.fields = {{"name", Node("x")}};
  EXPECT_EQ(message_of(world_.put(given)), "");
}

TEST_F(InstanceCodecTest, AnInstanceStaysInItsTypeAndVersion) {
  ASSERT_EQ(message_of(world_.put(spec(", 'type': 'disk'"))), "");
  InstanceSpec other = spec("");
  other.type = "rack";
  EXPECT_EQ(message_of(world_.put(other)), "'d1' exists already, under another type or version");
}

}  // namespace
}  // namespace apportion
