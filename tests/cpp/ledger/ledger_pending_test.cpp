#include <gtest/gtest.h>

#include "support/world.hpp"

namespace apportion {
namespace {

class PendingTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        world_.define(Catalog::kDefineType, "line", "{'dimensions': {'mbit': {}}, 'deferrable': {'patience_s': 2}}")
            .has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}, 'iops': {}}}").has_value());
    l1_ = world_.put_tree("{'id': 'l1', 'type': 'line', 'capacity': {'mbit': 10}}");
    d1_ = world_.put_tree("{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 10}}");
  }
  // Whatever a test did: a snapshot gives it back.
  void TearDown() override { world_.restored(); }

  /// A grant of a line that is held and one that is not.
  [[nodiscard]] GrantRecord waiting(const std::string& consumer, Steps mbit = 4) const {
    GrantRecord record = world_.grant(consumer, {l1_, InstanceRef{}}, {mbit});
    record.claims[1].pending = 0;
    PendingRecord pending;
    pending.patience = 100, pending.expected = 50, pending.beside = {0};
    record.pending = {pending};
    return record;
  }
  Status try_grant(const GrantRecord& record) {
    return world_.try_write(Ledger::kGrant, Ledger::payload(std::span(&record, 1)));
  }
  [[nodiscard]] const Ledger& ledger() const { return world_.ledger(); }
  [[nodiscard]] const InstanceTable& lines() const { return *world_.inventory().table(0); }

  World world_;
  InstanceRef l1_;
  InstanceRef d1_;
};

TEST_F(PendingTest, TakesNothingUntilItIsActivated) {
  const Hash128 before = world_.hash();
  const GrantRecord record = waiting("ada");
  ASSERT_EQ(message_of(world_.write(record)), "");
  const ClaimId held = record.claims[0].claim;
  const ClaimId waits = record.claims[1].claim;
  EXPECT_EQ(lines().dimensions[0].used[l1_.row], 4);
  EXPECT_EQ(lines().claims[l1_.row], 1U);
  EXPECT_EQ(ledger().claim_count(), 2U);
  EXPECT_EQ(ledger().waiting().count(), 1U);
  EXPECT_EQ(ledger().claims_on(l1_), std::vector{held});
  EXPECT_EQ(ledger().claims_of_consumer(ledger().consumers().find("ada")).size(), 2U);
  const Ledger::ClaimRow& row = *ledger().find(waits);
  EXPECT_TRUE(ledger().is_pending(row));
  EXPECT_EQ(ledger().version_of(row), 0U);
  EXPECT_EQ(ledger().pending(row).expected, 50);
  EXPECT_EQ(ledger().waiting().beside(ledger().pending(row)), std::vector{held});
  EXPECT_EQ(ledger().terms(row).expires, 100);
  EXPECT_EQ(ledger().due(100), std::vector{waits});
  world_.restored();
  world_.now = 30;
  const Steps steps[] = {4};
  ASSERT_EQ(message_of(world_.write(Ledger::kActivate, Ledger::activate_payload(waits, l1_, steps))), "");
  EXPECT_EQ(lines().dimensions[0].used[l1_.row], 8);
  EXPECT_EQ(ledger().find(waits)->starts, 30);
  EXPECT_EQ(ledger().waiting().count(), 0U);
  EXPECT_TRUE(ledger().due(1000).empty());
  ASSERT_TRUE(world_.release({held, waits}).has_value());
  EXPECT_EQ(ledger().turnover(0), (Waiting::Turnover{2, 15})) << "one lasted 30 ns, one 0";
  EXPECT_EQ(ledger().turnover(1), Waiting::Turnover{}) << "disks are not deferrable";
  EXPECT_NE(world_.hash(), before);
}

TEST_F(PendingTest, ARecordThatDoesNotFitIsRefused) {
  const std::pair<const char*, std::function<void(GrantRecord&)>> faults[] = {
      {"an instance", [&](GrantRecord& r) { r.claims[1].instance = l1_; }},
      {"a version that there is not", [](GrantRecord& r) { r.pending[0].version = 7; }},
      {"amounts of another type", [](GrantRecord& r) { r.pending[0].version = 1; }},
      {"less than nothing", [](GrantRecord& r) { r.claims[1].amounts[0] = -1; }},
      {"a mark", [](GrantRecord& r) { r.request.mark = true; }},
      {"a text that there is not", [](GrantRecord& r) { r.pending[0].where = 999; }},
      {"a policy that there is not", [](GrantRecord& r) { r.pending[0].policy = 999; }},
      {"a role that there is not", [](GrantRecord& r) { r.claims[1].role = 999; }},
      {"a need that there is not", [](GrantRecord& r) { r.pending[0].need = {1, 0, 0}; }},
      {"no patience", [](GrantRecord& r) { r.pending[0].patience = 0; }},
      {"endless patience", [](GrantRecord& r) { r.pending[0].patience = kForever; }},
      {"a wait below nothing", [](GrantRecord& r) { r.pending[0].expected = -1; }},
      {"a parent that there is not", [](GrantRecord& r) { r.pending[0].parent = 2; }},
      {"a neighbour that there is not", [](GrantRecord& r) { r.pending[0].beside = {0, 2}; }},
      {"too many neighbours", [](GrantRecord& r) { r.pending[0].beside.resize(PendingRecord::kMaxBeside + 1); }},
      {"another slot", [](GrantRecord& r) { ++r.claims[1].claim.slot; }},
  };
  EXPECT_EQ(message_of(try_grant(waiting("ada"))), "");
  for (const auto& [fault, make] : faults) {
    GrantRecord record = waiting("ada");
    make(record);
    EXPECT_TRUE(try_grant(record).has_error()) << fault;
  }
}

TEST_F(PendingTest, ChangesOfWhatIsNotPendingAreRefused) {
  const GrantRecord record = waiting("ada");
  ASSERT_TRUE(world_.write(record).has_value());
  const ClaimId held = record.claims[0].claim;
  const ClaimId waits = record.claims[1].claim;
  const Steps fits[] = {6};
  const Steps large[] = {7};
  const Steps two[] = {1, 1};
  const auto activate = [&](ClaimId claim, InstanceRef to, std::span<const Steps> steps) {
    return message_of(world_.try_write(Ledger::kActivate, Ledger::activate_payload(claim, to, steps)));
  };
  EXPECT_EQ(activate(waits, l1_, fits), "");
  EXPECT_EQ(activate(held, l1_, fits), "claim 0.0 is not pending");
  EXPECT_EQ(activate({5, 0}, l1_, fits), "claim 5.0 is gone");
  EXPECT_EQ(activate(waits, {0, 9}, fits), "an activation names an instance that does not exist");
  EXPECT_EQ(activate(waits, d1_, two), "an activation's amounts do not fit its type");
  EXPECT_EQ(activate(waits, l1_, two), "an activation's amounts do not fit its type");
  EXPECT_EQ(activate(waits, l1_, large), "an activation would take more than its instance has free");
  const auto extend = [&](ClaimId claim, Time deadline) {
    return message_of(world_.try_write(Ledger::kExtend, Ledger::extend_payload(claim, deadline)));
  };
  world_.now = 60;
  EXPECT_EQ(extend(waits, 61), "");
  EXPECT_EQ(extend(waits, 60), "an extension's record is damaged");
  EXPECT_EQ(extend(held, 70), "claim 0.0 is not pending");
  const auto miss = [&](std::vector<ClaimId> missed, std::vector<ClaimId> others) {
    return message_of(world_.try_write(Ledger::kMiss, Ledger::miss_payload(missed, others)));
  };
  EXPECT_EQ(miss({waits}, {held}), "");
  EXPECT_EQ(miss({held}, {}), "claim 0.0 is not pending");
  EXPECT_EQ(miss({}, {held}), "a miss's record is damaged");
  EXPECT_TRUE(miss({waits}, {waits}).ends_with("or never made"));
  const auto withdraw = [&](std::string_view reason, std::vector<ClaimId> marks) {
    return message_of(world_.try_write(Ledger::kWithdraw, Ledger::withdraw_payload(reason, marks)));
  };
  EXPECT_EQ(withdraw("offline", {held}), "only marks are withdrawn");
  EXPECT_EQ(withdraw("", {held}), "a withdrawal's record is damaged");
  GrantRecord mark = world_.grant("eve", {l1_}, {1});
  mark.request.mark = true;
  ASSERT_TRUE(world_.write(mark).has_value());
  EXPECT_EQ(withdraw("'l1' went offline", {mark.claims[0].claim}), "");
}

TEST_F(PendingTest, AnExtensionMovesTheDeadlineAndKeepsThePlace) {
  ASSERT_TRUE(world_.write(waiting("ada", 1)).has_value());
  const GrantRecord second = waiting("bob", 1);
  ASSERT_TRUE(world_.write(second).has_value());
  const ClaimId first{1, 0};
  ASSERT_TRUE(world_.write(Ledger::kExtend, Ledger::extend_payload(first, 500)).has_value());
  EXPECT_EQ(ledger().due(100), std::vector{second.claims[1].claim});
  EXPECT_EQ(ledger().due(500).size(), 2U);
  const WaitingQueue& queue = *ledger().waiting().queue(0);
  EXPECT_EQ(ledger().waiting().row(queue.first(0, {})->row).claim, first.slot);
  ASSERT_TRUE(
      world_.write(Ledger::kMiss, Ledger::miss_payload(std::vector{first}, std::vector<ClaimId>{})).has_value());
  EXPECT_EQ(ledger().waiting().row(queue.first(0, {})->row).claim, second.claims[1].claim.slot);
}

TEST_F(PendingTest, APromiseOutlivesTheWordOfItsType) {
  ASSERT_TRUE(world_.write(waiting("ada")).has_value());
  ASSERT_TRUE(world_.define(Catalog::kDefineType, "line", "{'dimensions': {'mbit': {}}}").has_value());
  EXPECT_EQ(ledger().turnover(0), Waiting::Turnover{});
  const Steps steps[] = {4};
  EXPECT_TRUE(world_.write(Ledger::kActivate, Ledger::activate_payload({1, 0}, l1_, steps)).has_value());
  ASSERT_TRUE(world_.release({{1, 0}}).has_value());
  EXPECT_EQ(ledger().turnover(0), Waiting::Turnover{}) << "and nobody counts any more";
}

}  // namespace
}  // namespace apportion
