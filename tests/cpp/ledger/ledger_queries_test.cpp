#include <gtest/gtest.h>

#include "apportion/ledger/ledger.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

class LedgerQueriesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {'step': 0.1}}}").has_value());
    d1_ = world_.put_tree("{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 10}}");
    d2_ = world_.put_tree("{'id': 'd2', 'type': 'disk', 'capacity': {'gb': 10}}");
  }
  [[nodiscard]] const Ledger& ledger() const { return world_.ledger(); }
  std::string describe(Kind kind, std::string_view payload) {
    return to_json(ledger().describe(world_.change(kind, payload)));
  }

  World world_;
  InstanceRef d1_;
  InstanceRef d2_;
};

TEST_F(LedgerQueriesTest, TheClaimsOfAGrantAConsumerAndAnInstance) {
  const GrantRecord grant = world_.grant("alice", {d1_, d2_, d1_}, {1});
  ASSERT_TRUE(world_.write(grant).has_value());
  const ClaimId other = world_.claim("alice", d1_, {2});
  const ClaimId bobs = world_.claim("bob", d2_, {2});
  const ClaimId a = grant.claims[0].claim;
  const ClaimId b = grant.claims[1].claim;
  const ClaimId c = grant.claims[2].claim;
  EXPECT_EQ(ledger().grant_of(b), (std::vector{b, c, a}));
  EXPECT_EQ(ledger().grant_of(other), (std::vector{other}));
  EXPECT_EQ(ledger().claims_of_consumer(ledger().consumers().find("alice")), (std::vector{a, b, c, other}));
  EXPECT_EQ(ledger().claims_on(d1_), (std::vector{a, c, other}));
  EXPECT_EQ(ledger().claims_on(d2_), (std::vector{b, bobs}));
  ASSERT_TRUE(world_.release({b}).has_value());
  EXPECT_EQ(ledger().grant_of(a), (std::vector{a, c}));
  EXPECT_TRUE(ledger().grant_of(b).empty());
  ASSERT_TRUE(world_.release({a}).has_value());
  EXPECT_EQ(ledger().grant_of(c), (std::vector{c}));
}

TEST_F(LedgerQueriesTest, ForetellsTheNextClaims) {
  const ClaimId a = world_.claim("alice", d1_, {1});
  const ClaimId b = world_.claim("alice", d1_, {1});
  ASSERT_TRUE(world_.release({a, b}).has_value());
  // Freed slots, last freed first, in their next generation; then new ones.
  EXPECT_EQ(next_claims(ledger(), 4), (std::vector<ClaimId>{{1, 1}, {0, 1}, {2, 0}, {3, 0}}));
  EXPECT_TRUE(next_claims(ledger(), 0).empty());
}

TEST_F(LedgerQueriesTest, DueClaimsComeOnceAndInOrder) {
  const auto mark = [&](Time expires, Time ends) {
    GrantRecord record = world_.grant("alice", {d1_}, {1});
    record.request.mark = true;
    record.request.expires = expires;
    record.request.ends = ends;
    EXPECT_TRUE(world_.write(record).has_value());
    return record.claims[0].claim;
  };
  const ClaimId late = mark(50, kForever);
  const ClaimId early = mark(90, 40);  // its end comes before its expiry
  const ClaimId never = world_.claim("alice", d1_, {1});
  EXPECT_EQ(ledger().due(49), (std::vector{early}));
  EXPECT_EQ(ledger().due(50), (std::vector{early, late}));
  ASSERT_TRUE(world_.write(Ledger::kCommit, Ledger::payload(std::vector{early})).has_value());
  EXPECT_EQ(ledger().due(1000), (std::vector{early, late})) << "committed: queued twice for the same time, due once";
  ASSERT_TRUE(world_.write(Ledger::kCommit, Ledger::payload(std::vector{late})).has_value());
  EXPECT_EQ(ledger().due(1000), (std::vector{early}));
  EXPECT_NE(ledger().find(never), nullptr);
}

TEST_F(LedgerQueriesTest, DescribesItsChanges) {
  const ClaimId claim = world_.claim("alice", d1_, {1});
  GrantRecord grant = world_.grant("bob", {d2_}, {15});
  grant.request.where = "true";
  grant.request.mark = true;
  grant.request.policy = "last";
  EXPECT_EQ(describe(Ledger::kGrant, Ledger::payload(std::span(&grant, 1))),
            R"({"grants": [{"request": {"type": "disk", "amounts": {"gb": 1.5}, "consumer": "bob", "where": "true", )"
            R"("policy": "last", "mark": true}, "claims": [{"claim": "1.0", "instance": "d2"}]}]})");
  Writer denial;
  encode(denial, DenialRecord{grant.request, DenialClass::kFragmented});
  EXPECT_NE(describe(Ledger::kDenied, denial.bytes()).find(R"("class": "fragmented")"), std::string::npos);
  const std::vector<ClaimId> claims{claim};
  EXPECT_EQ(describe(Ledger::kCommit, Ledger::payload(claims)), R"({"commit": ["0.0"]})");
  EXPECT_EQ(describe(Ledger::kRelease, Ledger::payload(claims)), R"({"release": ["0.0"]})");
  EXPECT_EQ(describe(Ledger::kExpire, Ledger::payload(claims)), R"({"expire": ["0.0"]})");
  EXPECT_EQ(describe(Ledger::kResize, Ledger::resize_payload(claim, {})), R"({"resize": "0.0"})");
  EXPECT_EQ(describe(Ledger::kMove, Ledger::move_payload(claim, world_.symbols().find("d1"))),
            R"({"move": "0.0", "instance": "d1"})");
  EXPECT_EQ(describe(Ledger::kTransfer, Ledger::transfer_payload(claim, "bob")),
            R"({"transfer": "0.0", "consumer": "bob"})");
  EXPECT_EQ(describe(Ledger::kConsumer, Ledger::consumer_payload("bob", 0, 0, {})), R"({"consumer": "bob"})");
}

TEST_F(LedgerQueriesTest, DescribesHostileAmountsToo) {
  RequestRecord request;
  request.consumer = "x";
  for (const Steps steps : {std::numeric_limits<Steps>::min(), std::numeric_limits<Steps>::max(), Steps{-1}}) {
    request.amounts = {steps};
    Writer denial;
    encode(denial, DenialRecord{request, static_cast<DenialClass>(200)});
    EXPECT_NE(describe(Ledger::kDenied, denial.bytes()).find(R"("class": "")"), std::string::npos);
  }
}

}  // namespace
}  // namespace apportion
