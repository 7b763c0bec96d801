#include "apportion/catalog/scope.hpp"

#include <gtest/gtest.h>

#include "support/world.hpp"

namespace apportion {
namespace {

constexpr const char* kScopedDisk =
    "{'dimensions': {'gb': {'step': 0.001}, 'iops': {}}, 'fields': {'name': {'kind': 'string'}, 'slots': {'kind': "
    "'integer'}, 'fast': {'kind': 'boolean'}, 'tags': {'kind': 'list'}, 'made': {'kind': 'timestamp'}, 'uid': {'kind': "
    "'guid'}}, 'state': {'health': {'kind': 'enum', 'values': ['ok', 'worn'], 'default': 'ok'}}}";

class TypeScopeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", kScopedDisk).has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "rack", "{'dimensions': {'u': {}}}").has_value());
    ASSERT_TRUE(
        world_
            .define(Catalog::kDefineConsumerKind, "user",
                    "{'attributes': {'speed': {'kind': 'number'}, 'team': {'kind': 'string'}, 'mixed': {'kind': "
                    "'string'}, 'many': {'kind': 'list'}}}")
            .has_value());
    ASSERT_TRUE(world_
                    .define(Catalog::kDefineConsumerKind, "robot",
                            "{'attributes': {'speed': {'kind': 'integer'}, 'mixed': {'kind': 'number'}}}")
                    .has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineRelationship, "in_rack", "{'from': 'disk', 'to': 'rack'}").has_value());
  }
  [[nodiscard]] const TypeDefinition& disk() const { return world_.catalog().find_type("disk")->definition; }

  World world_;
};

TEST_F(TypeScopeTest, ResolvesThePathsOfTheReference) {
  struct Row {
    const char* path;
    Read read;
    ValueType type;
    Column column;
    std::uint32_t index = 0;
    const char* name = "";
  };
  const Row rows[] = {
      {"self.id", Read::kRow, ValueType::kString, Column::kId},
      {"self.type", Read::kRow, ValueType::kString, Column::kType},
      {"self.address", Read::kRow, ValueType::kString, Column::kAddress},
      {"self.location", Read::kRow, ValueType::kString, Column::kLocation},
      {"self.parent", Read::kRow, ValueType::kString, Column::kParent},
      {"self.groups", Read::kRow, ValueType::kList, Column::kGroups},
      {"self.consumers", Read::kRow, ValueType::kNumber, Column::kConsumers},
      {"self.claims", Read::kRow, ValueType::kNumber, Column::kClaims},
      {"self.ordinal", Read::kRow, ValueType::kNumber, Column::kOrdinal},
      {"self.granted", Read::kRow, ValueType::kNumber, Column::kGranted},
      {"self.labels.tier", Read::kRow, ValueType::kString, Column::kLabel, 0, "tier"},
      {"self.name", Read::kRow, ValueType::kString, Column::kField, 0},
      {"self.slots", Read::kRow, ValueType::kNumber, Column::kField, 1},
      {"self.fast", Read::kRow, ValueType::kBoolean, Column::kField, 2},
      {"self.tags", Read::kRow, ValueType::kList, Column::kField, 3},
      {"self.made", Read::kRow, ValueType::kNumber, Column::kField, 4},
      {"self.uid", Read::kRow, ValueType::kString, Column::kField, 5},
      {"self.status", Read::kRow, ValueType::kString, Column::kState, 0},
      {"self.health", Read::kRow, ValueType::kString, Column::kState, 2},
      {"self.in_rack", Read::kRow, ValueType::kList, Column::kRelationship, 0, "in_rack"},
      {"used.gb", Read::kRow, ValueType::kNumber, Column::kUsed, 0},
      {"free.iops", Read::kRow, ValueType::kNumber, Column::kFree, 1},
      {"ratio.gb", Read::kRow, ValueType::kNumber, Column::kRatio, 0},
      {"predicted.iops", Read::kRow, ValueType::kNumber, Column::kPredicted, 1},
      {"request.gb", Read::kRequest, ValueType::kNumber, Column::kRequest, 0},
      {"request.count", Read::kRequest, ValueType::kNumber, Column::kRequestCount},
      {"consumer.id", Read::kConsumer, ValueType::kString, Column::kConsumerId},
      {"consumer.kind", Read::kConsumer, ValueType::kString, Column::kConsumerKind},
      {"consumer.speed", Read::kConsumer, ValueType::kNumber, Column::kConsumerAttribute, 0, "speed"},
      {"consumer.team", Read::kConsumer, ValueType::kString, Column::kConsumerAttribute, 0, "team"},
      {"now", Read::kTime, ValueType::kNumber, Column::kNow},
  };
  const TypeScope scope(world_.catalog(), disk());
  for (const Row& row : rows) {
    SCOPED_TRACE(row.path);
    const std::optional<Ref> ref = scope.resolve(row.path);
    ASSERT_TRUE(ref);
    EXPECT_EQ(ref->read, row.read);
    EXPECT_EQ(ref->type, row.type);
    const Binding& binding = scope.bindings()[ref->id];
    EXPECT_EQ(binding.column, row.column);
    EXPECT_EQ(binding.index, row.index);
    EXPECT_EQ(binding.name, row.name);
    EXPECT_EQ(ref->uniform, row.read != Read::kRow);
    EXPECT_EQ(scope.resolve(row.path), ref) << "asked twice, bound once";
  }
}

TEST_F(TypeScopeTest, AVectorIsARunOfBindings) {
  const TypeScope scope(world_.catalog(), disk());
  const std::pair<const char*, Column> rows[] = {
      {"used", Column::kUsedSteps},         {"free", Column::kFreeSteps},   {"limit", Column::kLimitSteps},
      {"capacity", Column::kCapacitySteps}, {"usage", Column::kUsageSteps}, {"reserved", Column::kReservedSteps},
      {"request", Column::kRequestSteps},   {"scale", Column::kScaleSteps}, {"predicted", Column::kPredictedSteps}};
  for (const auto& [path, column] : rows) {
    const std::optional<Ref> ref = scope.resolve(path);
    ASSERT_TRUE(ref) << path;
    EXPECT_EQ(ref->type, ValueType::kVector);
    for (std::uint32_t d = 0; d < 2; ++d) {
      EXPECT_EQ(scope.bindings()[ref->id + d].column, column);
      EXPECT_EQ(scope.bindings()[ref->id + d].index, d);
    }
  }
}

TEST_F(TypeScopeTest, KnowsNothingElse) {
  const TypeScope scope(world_.catalog(), disk());
  for (const char* path :
       {"", "self", "self.", "name", "self.nothing", "self.labels", "self.labels.", "used.tb", "scale.gb", "ratio",
        "request.tb", "consumer", "consumer.mixed", "consumer.many", "group", "now.x", "used.gb.x", "gb"}) {
    EXPECT_FALSE(scope.resolve(path)) << path;
  }
  const TypeScope rack(world_.catalog(), world_.catalog().find_type("rack")->definition);
  EXPECT_FALSE(rack.resolve("self.in_rack")) << "the relationship starts at disks";
  EXPECT_FALSE(rack.resolve("used.gb"));
}

TEST_F(TypeScopeTest, OffersGroups) {
  const TypeScope scope(world_.catalog(), disk());
  const std::pair<const char*, Column> rows[] = {
      {"members", Column::kGroupMembers},     {"claims", Column::kGroupClaims},  {"load", Column::kGroupLoad},
      {"used.gb", Column::kGroupUsed},        {"free.iops", Column::kGroupFree}, {"limit.gb", Column::kGroupLimit},
      {"capacity.gb", Column::kGroupCapacity}};
  for (const auto& [path, column] : rows) {
    const auto function = scope.resolve_function("group", path);
    ASSERT_TRUE(function) << path;
    EXPECT_EQ(function->parameters, std::vector{ValueType::kString});
    EXPECT_EQ(scope.bindings()[function->result.id].column, column);
    EXPECT_EQ(function->result.read, Read::kGroup);
  }
  for (const char* path : {"", "used", "used.tb", "nothing", "load.gb"}) {
    EXPECT_FALSE(scope.resolve_function("group", path)) << path;
  }
  EXPECT_FALSE(scope.resolve_function("room", "load"));
}

TEST_F(TypeScopeTest, NamesWhatItResolves) {
  const TypeScope scope(world_.catalog(), disk());
  for (const std::string& name : scope.names()) {
    // What two kinds disagree about and lists of consumers are named and yet without meaning; groups are functions.
    if (name.starts_with("group()") || name == "consumer.mixed" || name == "consumer.many") continue;
    EXPECT_TRUE(scope.resolve(name)) << name;
  }
}

TEST_F(TypeScopeTest, ChecksPoliciesForAType) {
  PolicyDefinition policy;
  policy.name = "mine";
  policy.score = "used.gb";
  EXPECT_TRUE(check_policy(world_.catalog(), disk(), policy).has_value());
  policy.where = "self.slots";
  const Status where = check_policy(world_.catalog(), disk(), policy);
  ASSERT_TRUE(where.has_error());
  EXPECT_EQ(where.error().place, "policies.mine.where");
  EXPECT_NE(where.error().message.find("(for type 'disk')"), std::string::npos);
  policy.where = "";
  const Status score = check_policy(world_.catalog(), world_.catalog().find_type("rack")->definition, policy);
  ASSERT_TRUE(score.has_error());
  EXPECT_EQ(score.error().place, "policies.mine.score");
}

TEST(ValueTypes, OfFields) {
  EXPECT_EQ(value_type(FieldKind::kString), ValueType::kString);
  EXPECT_EQ(value_type(FieldKind::kEnum), ValueType::kString);
  EXPECT_EQ(value_type(FieldKind::kGuid), ValueType::kString);
  EXPECT_EQ(value_type(FieldKind::kInteger), ValueType::kNumber);
  EXPECT_EQ(value_type(FieldKind::kTimestamp), ValueType::kNumber);
  EXPECT_EQ(value_type(FieldKind::kBoolean), ValueType::kBoolean);
  EXPECT_EQ(value_type(FieldKind::kList), ValueType::kList);
}

}  // namespace
}  // namespace apportion
