#include "apportion/inventory/migration.hpp"

#include <gtest/gtest.h>

#include "migration_twin.hpp"
#include "support/random_steps.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

class LedgerMigration : public testing::Test {
 protected:
  void SetUp() override {
    define("{'dimensions': {'gb': {}, 'iops': {}}}");
    d1_ = world_.put_tree("{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 10, 'iops': 5}}");
    d2_ = world_.put_tree("{'id': 'd2', 'type': 'disk', 'capacity': {'gb': 10, 'iops': 5}}");
  }
  void TearDown() override { world_.restored(); }

  VersionId define(std::string_view json) {
    const Status status = world_.define(Catalog::kDefineType, "disk", json);
    if (status.has_error()) ADD_FAILURE() << status.error().text();
    return static_cast<VersionId>(world_.catalog().version_count() - 1);
  }
  std::string payload(const std::vector<InstanceRef>& instances, VersionId to) {
    Dropped dropped;
    return world_.ledger().migration_payload(instances, to, {}, world_.interner(), dropped).value();
  }
  Status migrate(const std::vector<InstanceRef>& instances, VersionId to) {
    const std::string bytes = payload(instances, to);
    const Status tried = world_.try_write(Ledger::kMigrate, bytes);
    const Status written = world_.write(Ledger::kMigrate, bytes);
    EXPECT_EQ(message_of(tried), message_of(written));
    return written;
  }
  [[nodiscard]] Steps used(std::string_view id, std::size_t d = 0) const {
    const InstanceRef ref = world_.inventory().find(id);
    return world_.inventory().table(ref.version)->dimensions[d].used[ref.row];
  }
  [[nodiscard]] std::vector<Steps> amounts(ClaimId claim) const {
    const auto found = world_.ledger().amounts(*world_.ledger().find(claim));
    return {found.begin(), found.end()};
  }

  World world_;
  InstanceRef d1_;
  InstanceRef d2_;
};

TEST_F(LedgerMigration, ClaimsMoveWithTheirInstance) {
  GrantRecord record = world_.grant("ada", {d1_, d2_}, {3, 1});
  record.request.mark = true;
  record.request.expires = 50;
  record.request.key = {{1, 2}, 3};
  ASSERT_EQ(message_of(world_.write(record)), "");
  const ClaimId b = world_.claim("bob", d1_, {2, 0});
  const VersionId to = define("{'dimensions': {'iops': {'step': 0.5}, 'gb': {'step': 0.001}}}");
  ASSERT_EQ(message_of(migrate({d1_}, to)), "");
  const Ledger& ledger = world_.ledger();
  const ClaimId a = record.claims[0].claim;
  EXPECT_EQ(ledger.find(a)->instance, world_.inventory().find("d1"));
  EXPECT_EQ(ledger.find(a)->state, ClaimState::kMark);
  EXPECT_EQ(ledger.terms(*ledger.find(a)).expires, 50);
  EXPECT_EQ(amounts(a), (std::vector<Steps>{2, 3000}));
  EXPECT_EQ(amounts(b), (std::vector<Steps>{0, 2000}));
  EXPECT_EQ(used("d1", 1), 5000);
  EXPECT_EQ(ledger.grant_of(a), (std::vector<ClaimId>{a, record.claims[1].claim})) << "the ring goes on";
  EXPECT_EQ(ledger.claims_on(world_.inventory().find("d1")), (std::vector<ClaimId>{a, b}));
  EXPECT_EQ(ledger.due(50).size(), 2U);
  EXPECT_NE(ledger.keys().find({1, 2}), nullptr);
  const std::uint32_t ada = ledger.consumers().find("ada");
  EXPECT_EQ(ledger.holdings(world_.inventory().find("d1"), ada), 1U);
  EXPECT_EQ(ledger.holdings(d1_, ada), 0U);
  ASSERT_EQ(message_of(world_.release({a, record.claims[1].claim, b})), "");
  EXPECT_EQ(used("d1", 1), 0);
}

TEST_F(LedgerMigration, IsRefusedWholeWhenAClaimNoLongerFits) {
  world_.claim("ada", d1_, {4, 0});
  world_.claim("bob", d1_, {5, 0});
  world_.claim("eve", d2_, {9, 0});
  // 4 and 5 are 2 + 2 steps of 3, 10 are 3; 9 and 10 on d2 are 3 and 3.
  const VersionId to = define("{'dimensions': {'gb': {'step': 3}, 'iops': {}}}");
  const Hash128 hash = world_.hash();
  EXPECT_EQ(
      message_of(migrate({d2_, d1_}, to)),
      "'d1' would be over in 'gb': 12 of 9 in steps of 3 (claims rounded up, capacity down), 9 of 10 in steps of 1 "
      "before; release claims, raise the capacity, or choose a finer step");
  EXPECT_EQ(world_.hash(), hash);
  EXPECT_EQ(world_.inventory().find("d2"), d2_);
  EXPECT_EQ(message_of(migrate({d2_}, to)), "");
}

TEST_F(LedgerMigration, WhatWasOverMayStayOver) {
  world_.claim("ada", d1_, {8, 4});
  InstanceSpec spec;
  spec.capacity = {{"gb", dec("5")}};
  ASSERT_TRUE(world_.put(world_.inventory().merged(d1_, spec)).has_value());
  EXPECT_EQ(message_of(migrate({d1_}, define("{'dimensions': {'gb': {'step': 3}, 'iops': {}}}"))), "");
  EXPECT_EQ(used("d1"), 3);  // 8 of 5 was over, and so are 9 of 3
  const InstanceRef now = world_.inventory().find("d1");
  EXPECT_TRUE(world_.inventory().table(now.version)->over(now.row));
  // 4 of 5 iops would be 7 of 0: over in one dimension is no licence in another.
  const std::string refused = message_of(migrate({now}, define("{'dimensions': {'gb': {}, 'iops': {'step': 7}}}")));
  EXPECT_NE(refused.find("over in 'iops': 7 of 0"), std::string::npos) << refused;
}

TEST_F(LedgerMigration, ADimensionGoesOnlyWhenItCountsNothing) {
  const VersionId to = define("{'dimensions': {'gb': {}}}");
  const ClaimId claim = world_.claim("ada", d1_, {1, 2});
  EXPECT_EQ(
      message_of(migrate({d1_}, to)),
      "'d1' has a capacity of 5 in 'iops', of which 2 are used, and the new version has no such dimension: release "
      "the claims and set the capacity to 0 first");
  InstanceSpec spec;
  spec.capacity = {{"iops", dec("0")}};
  ASSERT_TRUE(world_.put(world_.inventory().merged(d1_, spec)).has_value());
  EXPECT_NE(message_of(migrate({d1_}, to)), "");
  ASSERT_TRUE(world_.write(Ledger::kResize, Ledger::resize_payload(claim, std::vector<Steps>{1, 0})).has_value());
  EXPECT_EQ(message_of(migrate({d1_}, to)), "");
  EXPECT_EQ(amounts(claim), (std::vector<Steps>{1}));
}

TEST_F(LedgerMigration, ClaimsOfNothingMoveToo) {
  const VersionId empty = define("{}");
  const InstanceRef seat = world_.put_tree("{'id': 'seat', 'type': 'disk'}");
  const ClaimId claim = world_.claim("ada", seat, {});
  ASSERT_EQ(message_of(migrate({seat}, 0)), "");
  EXPECT_EQ(amounts(claim), (std::vector<Steps>{0, 0}));
  ASSERT_EQ(message_of(migrate({world_.inventory().find("seat")}, empty)), "");
  EXPECT_EQ(amounts(claim), (std::vector<Steps>{}));
}

TEST_F(LedgerMigration, RefusesQuantitiesThatAreTooManySteps) {
  const VersionId to = define("{'dimensions': {'gb': {'step': '1/1000000000000'}, 'iops': {}}}");
  InstanceSpec spec;
  spec.capacity = {{"gb", dec("20000")}};
  ASSERT_TRUE(world_.put(world_.inventory().merged(d1_, spec)).has_value());
  const ClaimId claims[] = {world_.claim("ada", d1_, {9008, 0}), world_.claim("bob", d1_, {9000, 0})};
  spec.capacity = {{"gb", dec("5")}};
  ASSERT_TRUE(world_.put(world_.inventory().merged(d1_, spec)).has_value());
  Dropped dropped;
  const InstanceRef moving[] = {d1_};
  const auto single = world_.ledger().migration_payload(moving, to, {}, world_.interner(), dropped);
  ASSERT_TRUE(single.has_error());
  EXPECT_EQ(single.error().code, ErrorCode::kOverflow);
  EXPECT_EQ(single.error().place, "claims.gb");
  EXPECT_TRUE(single.error().message.starts_with("'d1': ")) << single.error().message;
  // Each for itself fits; the sum does not.
  ASSERT_TRUE(world_.write(Ledger::kResize, Ledger::resize_payload(claims[0], std::vector<Steps>{9, 0})).has_value());
  spec.capacity = {{"gb", dec("20000")}};
  ASSERT_TRUE(world_.put(world_.inventory().merged(d1_, spec)).has_value());
  ASSERT_TRUE(
      world_.write(Ledger::kResize, Ledger::resize_payload(claims[0], std::vector<Steps>{9000, 0})).has_value());
  spec.capacity = {{"gb", dec("5")}};
  ASSERT_TRUE(world_.put(world_.inventory().merged(d1_, spec)).has_value());
  const Status sum = migrate({d1_}, to);
  ASSERT_TRUE(sum.has_error());
  EXPECT_EQ(sum.error().code, ErrorCode::kOverflow);
}

TEST_F(LedgerMigration, RefusesHostileRecords) {
  world_.claim("ada", d1_, {3, 1});
  world_.claim("bob", d1_, {2, 0});
  ASSERT_TRUE(world_.define(Catalog::kDefineType, "rack", "{'dimensions': {'gb': {}, 'iops': {}}}").has_value());
  const VersionId to = define("{'dimensions': {'gb': {}, 'iops': {}, 'u': {}}}");
  const std::string good = payload({d1_}, to);
  // to 0, count 4, id 8, row's length 12, row 16 (2 lanes, 3 x 37 bytes), claims' count 143, slot 147, generation 151,
  // amounts 155, 163, 171, the second claim 179.
  const auto poked = [&](std::size_t at, auto value) {
    Writer writer;
    writer.put(value);
    std::string bytes = good;
    return bytes.replace(at, sizeof value, writer.bytes());
  };
  ASSERT_EQ(good.size(), 211U);
  const std::pair<const char*, std::string> rows[] = {
      {"no bytes", ""},
      {"cut off", good.substr(0, good.size() - 1)},
      {"bytes behind", good + "x"},
      {"no such version", poked(0, std::uint32_t{77})},
      {"the version that it has", poked(0, std::uint32_t{0})},
      {"another type", poked(0, std::uint32_t{1})},
      {"nothing moves", poked(4, std::uint32_t{0})},
      {"more than there are", poked(4, std::uint32_t{2})},
      {"no such id", poked(8, std::uint32_t{9999})},
      {"no instance", poked(8, world_.text("x"))},
      {"one claim stays", good.substr(0, 143) + std::string("\1\0\0\0", 4) + good.substr(147, 32)},
      {"another claim", poked(147, std::uint32_t{5})},
      {"an older claim", poked(151, std::uint32_t{5})},
      {"the same claim twice", poked(179, std::uint32_t{0})},
      {"a negative amount", poked(155, Steps{-1})},
      {"an impossible amount", poked(155, kMaxSteps + 1)},
      {"impossible sums", poked(155, kMaxSteps)},
      {"more than the limit", poked(155, Steps{9})},
      {"what it did not have", poked(171, Steps{1})},
      {"another instance's row", payload({d1_, d2_}, to).substr(0, 8) + good.substr(8) + good.substr(8)},
  };
  for (const auto& [what, bytes] : rows) EXPECT_TRUE(world_.try_write(Ledger::kMigrate, bytes).has_error()) << what;
  EXPECT_EQ(message_of(world_.try_write(Ledger::kMigrate, good)), "");
}

TEST_F(LedgerMigration, SaysWhatItDid) {
  world_.claim("ada", d1_, {3, 1});
  const std::string bytes = payload({d1_, d2_}, define("{'dimensions': {'gb': {}, 'iops': {}, 'u': {}}}"));
  ASSERT_TRUE(world_.write(Ledger::kMigrate, bytes).has_value());
  EXPECT_EQ(to_json(world_.ledger().describe(world_.change(Ledger::kMigrate, bytes))),
            R"({"migrate": "disk", "version": 2, "instances": ["d1", "d2"], "claims": 1})");
}

// Law: what a migration makes of any pool is what exact arithmetic says of each instance and claim on its own, or it is
// refused and nothing changes. Replayed, rolled back and restored it gives the same state.
TEST(MigrationLaws, EveryInstanceAndClaimIsWhatItMustBe) {
  int moved = 0;
  int refused = 0;
  const int seeds = tries(30);
  for (int seed = 1; seed <= seeds; ++seed) {
    MigrationTwin twin(static_cast<std::uint64_t>(seed));
    for (int round = 0; round < 25 && !testing::Test::HasFatalFailure(); ++round) {
      twin.change_something();
      twin.migrate_something() ? ++moved : ++refused;
    }
    if (testing::Test::HasFatalFailure()) return;
    twin.release_everything();
  }
  EXPECT_GT(moved, 3 * seeds);
  EXPECT_GT(refused, 5 * seeds);
}

}  // namespace
}  // namespace apportion
