#include "apportion/ledger/ledger.hpp"

#include <gtest/gtest.h>

#include "support/world.hpp"

namespace apportion {
namespace {

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}, 'iops': {}}}").has_value());
    ASSERT_TRUE(world_.define(Catalog::kDefineConsumerKind, "user", "{}").has_value());
    d1_ = world_.put_tree("{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 10, 'iops': 5}}");
    d2_ = world_.put_tree("{'id': 'd2', 'type': 'disk', 'capacity': {'gb': 10, 'iops': 5}}");
  }
  // Whatever a test did: what is kept beside the claims is what the claims alone rebuild.
  void TearDown() override { world_.restored(); }

  [[nodiscard]] const InstanceTable& table() const { return *world_.inventory().table(0); }
  [[nodiscard]] Steps used(InstanceRef ref, std::size_t d = 0) const { return table().dimensions[d].used[ref.row]; }
  [[nodiscard]] const Ledger& ledger() const { return world_.ledger(); }
  Status resize(ClaimId claim, std::vector<Steps> amounts) {
    return world_.write(Ledger::kResize, Ledger::resize_payload(claim, amounts));
  }
  Status transfer(ClaimId claim, std::string_view consumer) {
    return world_.write(Ledger::kTransfer, Ledger::transfer_payload(claim, consumer));
  }
  Status move(ClaimId claim, std::string_view instance) {
    return world_.write(Ledger::kMove, Ledger::move_payload(claim, world_.symbols().find(instance)));
  }
  Status commit(const std::vector<ClaimId>& marks) { return world_.write(Ledger::kCommit, Ledger::payload(marks)); }
  Status consumer(std::string_view name, Symbol kind = 0) {
    return world_.write(Ledger::kConsumer, Ledger::consumer_payload(name, kind, 0, {}));
  }
  Status consumer_gone(std::string_view name) {
    Writer writer;
    writer.put_text(name);
    return world_.write(Ledger::kConsumerGone, writer.bytes());
  }

  World world_;
  InstanceRef d1_;
  InstanceRef d2_;
};

TEST_F(LedgerTest, AGrantFillsEverythingAndAReleaseEmptiesIt) {
  const Hash128 empty = world_.hash();
  const GrantRecord record = world_.grant("alice", {d1_, d2_}, {4, 1});
  ASSERT_EQ(message_of(world_.write(record)), "");
  EXPECT_EQ(used(d1_), 4);
  EXPECT_EQ(used(d2_, 1), 1);
  EXPECT_EQ(table().consumers[d1_.row], 1U);
  EXPECT_EQ(table().claims[d1_.row], 1U);
  EXPECT_EQ(table().granted[d1_.row], 1U);
  EXPECT_EQ(ledger().claim_count(), 2U);
  EXPECT_EQ(ledger().consumers().count(), 1U);
  const std::uint32_t alice = ledger().consumers().find("alice");
  EXPECT_EQ(ledger().holdings(d1_, alice), 1U);
  ASSERT_TRUE(world_.release({record.claims[1].claim, record.claims[0].claim}).has_value());
  EXPECT_EQ(used(d1_), 0);
  EXPECT_EQ(table().consumers[d1_.row], 0U);
  EXPECT_EQ(ledger().consumers().count(), 0U) << "an implicit consumer goes with its last claim";
  EXPECT_NE(world_.hash(), empty) << "how often an instance was chosen stays";
}

TEST_F(LedgerTest, CountsDistinctConsumers) {
  const ClaimId a1 = world_.claim("alice", d1_, {1, 0});
  const ClaimId a2 = world_.claim("alice", d1_, {1, 0});
  const ClaimId b = world_.claim("bob", d1_, {1, 0});
  EXPECT_EQ(table().consumers[d1_.row], 2U);
  EXPECT_EQ(table().claims[d1_.row], 3U);
  ASSERT_TRUE(world_.release({a1}).has_value());
  EXPECT_EQ(table().consumers[d1_.row], 2U) << "alice still holds one";
  ASSERT_TRUE(world_.release({a2}).has_value());
  EXPECT_EQ(table().consumers[d1_.row], 1U);
  ASSERT_TRUE(world_.release({b}).has_value());
  EXPECT_EQ(table().consumers[d1_.row], 0U);
}

TEST_F(LedgerTest, KeepsTheLawOfConservation) {
  world_.claim("alice", d1_, {8, 0});
  const struct {
    std::vector<Steps> asked;
    bool granted;
  } rows[] = {
      {{2, 5}, true},    // 8 + 2 = 10, 0 + 5 = 5
      {{3, 0}, false},   // 8 + 3 > 10
      {{0, 6}, false},   // 6 > 5
      {{-1, 0}, false},  // no negative amounts
      {{kMaxSteps + 1, 0}, false},
      {{2}, false},        // one dimension short
      {{2, 0, 0}, false},  // one too many
  };
  for (const auto& row : rows) {
    const GrantRecord record = world_.grant("bob", {d1_}, row.asked);
    const Status status = world_.try_write(Ledger::kGrant, Ledger::payload(std::span(&record, 1)));
    EXPECT_EQ(status.has_value(), row.granted) << message_of(status);
  }
  // Two claims of one grant on the same instance: 8 + 1 + 1 = 10 fits, 8 + 2 + 2 does not.
  for (const auto& [steps, granted] : {std::pair(Steps{1}, true), std::pair(Steps{2}, false)}) {
    const GrantRecord record = world_.grant("bob", {d1_, d1_}, {steps, 0});
    EXPECT_EQ(world_.try_write(Ledger::kGrant, Ledger::payload(std::span(&record, 1))).has_value(), granted);
  }
}

TEST_F(LedgerTest, AnInstanceWhoseLimitSankTakesNothing) {
  const ClaimId claim = world_.claim("alice", d1_, {8, 0});
  InstanceSpec spec;
  spec.capacity = {{"gb", dec("5")}};
  ASSERT_TRUE(world_.put(world_.inventory().merged(d1_, spec)).has_value());
  EXPECT_TRUE(table().over(d1_.row));
  EXPECT_EQ(used(d1_), 8);
  const GrantRecord record = world_.grant("bob", {d1_}, {0, 1});
  EXPECT_TRUE(world_.write(record).has_error()) << "nor of a dimension that has room";
  EXPECT_TRUE(resize(claim, {8, 1}).has_error());
  EXPECT_TRUE(resize(claim, {6, 0}).has_value()) << "it may shrink, though it is over still";
  EXPECT_TRUE(resize(claim, {5, 0}).has_value());
  EXPECT_FALSE(table().over(d1_.row));
  EXPECT_TRUE(resize(claim, {5, 5}).has_value());
}

TEST_F(LedgerTest, RefusesGrantsThatDoNotBelongHere) {
  const ClaimId taken = world_.claim("alice", d1_, {1, 0});
  const auto refused = [&](const std::function<void(GrantRecord&)>& damage) {
    GrantRecord record = world_.grant("bob", {d1_}, {1, 0});
    damage(record);
    const Status status = world_.try_write(Ledger::kGrant, Ledger::payload(std::span(&record, 1)));
    return message_of(status);
  };
  EXPECT_EQ(refused([](GrantRecord&) {}), "");
  EXPECT_NE(refused([&](GrantRecord& r) { r.claims[0].claim = taken; }).find("is not the next one here, 1.0"),
            std::string::npos);
  EXPECT_NE(refused([](GrantRecord& r) { r.claims[0].claim.generation = 1; }).find("not the next one"),
            std::string::npos);
  EXPECT_NE(refused([](GrantRecord& r) { r.claims[0].instance.row = 9; }).find("does not exist"), std::string::npos);
  EXPECT_NE(refused([](GrantRecord& r) { r.claims[0].instance.version = 9; }).find("does not exist"),
            std::string::npos);
  for (const auto& damage : std::initializer_list<std::function<void(GrantRecord&)>>{
           [](GrantRecord& r) { r.claims.clear(); }, [](GrantRecord& r) { r.request.consumer = ""; },
           [](GrantRecord& r) { r.request.consumer = std::string(201, 'x'); },
           [](GrantRecord& r) { r.request.consumer = "\n"; }, [](GrantRecord& r) { r.request.version = 1; }}) {
    EXPECT_EQ(refused(damage), "a grant's record is damaged");
  }
}

TEST_F(LedgerTest, AKeyIsUsedOnce) {
  GrantRecord record = world_.grant("alice", {d1_}, {1, 0});
  record.request.key = {{1, 2}, 3};
  ASSERT_TRUE(world_.write(record).has_value());
  ASSERT_NE(ledger().keys().find({1, 2}), nullptr);
  EXPECT_EQ(ledger().keys().find({1, 2})->first, record.claims[0].claim);
  GrantRecord again = world_.grant("alice", {d1_}, {1, 0});
  again.request.key = record.request.key;
  EXPECT_EQ(message_of(world_.write(again)), "a grant's idempotency key is in use");
}

TEST_F(LedgerTest, MarksBecomeClaims) {
  GrantRecord record = world_.grant("alice", {d1_, d2_}, {1, 0});
  record.request.mark = true;
  record.request.expires = 100;
  ASSERT_TRUE(world_.write(record).has_value());
  const ClaimId first = record.claims[0].claim;
  EXPECT_EQ(ledger().find(first)->state, ClaimState::kMark);
  EXPECT_EQ(ledger().due(99).size(), 0U);
  EXPECT_EQ(ledger().due(100).size(), 2U);
  const Hash128 before = world_.hash();
  ASSERT_TRUE(commit({first}).has_value());
  EXPECT_NE(world_.hash(), before);
  EXPECT_EQ(ledger().find(first)->state, ClaimState::kClaim);
  EXPECT_EQ(ledger().terms(*ledger().find(first)).expires, kForever);
  EXPECT_EQ(ledger().due(100).size(), 1U);
  EXPECT_EQ(message_of(commit({first})), "claim 0.0 is committed already");
  EXPECT_TRUE(commit({record.claims[1].claim, first}).has_error());
  EXPECT_EQ(ledger().find(record.claims[1].claim)->state, ClaimState::kMark) << "all or none";
  EXPECT_TRUE(commit({}).has_error());
}

// The writer's clock goes on between the look at what is due and the change that ends it.
TEST_F(LedgerTest, AnExpiryLeavesWhatIsDueALittleLaterInTheQueue) {
  for (const Time ends : {100, 101}) {
    GrantRecord record = world_.grant("alice", {d1_}, {1, 0});
    record.request.ends = ends;
    ASSERT_TRUE(world_.write(record).has_value());
  }
  const std::vector<ClaimId> ended = ledger().due(100);
  ASSERT_EQ(ended.size(), 1U);
  world_.now = 105;
  ASSERT_TRUE(world_.write(Ledger::kExpire, Ledger::payload(ended)).has_value());
  EXPECT_EQ(ledger().due(105).size(), 1U) << "the other one is not forgotten";
}

TEST_F(LedgerTest, WhatEndsEarlyLeavesNothingInTheQueue) {
  const std::size_t rounds = 5000;  // 16 bytes each, were they kept
  for (std::size_t i = 0; i < rounds; ++i) {
    GrantRecord record = world_.grant("alice", {d1_}, {1, 0});
    record.request.mark = true;
    record.request.expires = 1000 + static_cast<Time>(i);
    ASSERT_TRUE(world_.write(record).has_value());
    ASSERT_TRUE(commit({record.claims[0].claim}).has_value());
    ASSERT_TRUE(world_.release({record.claims[0].claim}).has_value());
  }
  EXPECT_TRUE(ledger().due(kForever - 1).empty());
  const World copy = world_.restored();
  EXPECT_LE(world_.ledger().claim_bytes(), copy.ledger().claim_bytes() + 16'384);
}

TEST_F(LedgerTest, ResizesInPlace) {
  const ClaimId claim = world_.claim("alice", d1_, {4, 1});
  world_.claim("bob", d1_, {3, 0});
  EXPECT_TRUE(resize(claim, {7, 5}).has_value());  // 7 + 3 = 10, 5
  EXPECT_EQ(used(d1_), 10);
  EXPECT_EQ(ledger().amounts(*ledger().find(claim))[0], 7);
  const Hash128 hash = world_.hash();
  EXPECT_EQ(message_of(resize(claim, {8, 5})), "the instance has not enough free for the larger claim");
  EXPECT_TRUE(resize(claim, {7}).has_error());
  EXPECT_TRUE(resize(claim, {-1, 0}).has_error());
  EXPECT_TRUE(resize(claim, {kMaxSteps + 1, 0}).has_error());
  EXPECT_EQ(resize({9, 9}, {1, 1}).error().code, ErrorCode::kStale);
  EXPECT_EQ(world_.hash(), hash);
  EXPECT_TRUE(resize(claim, {0, 0}).has_value());
  EXPECT_EQ(used(d1_), 3);
}

TEST_F(LedgerTest, TransfersToAnotherConsumer) {
  const ClaimId claim = world_.claim("alice", d1_, {1, 0});
  world_.claim("bob", d1_, {1, 0});
  ASSERT_TRUE(transfer(claim, "bob").has_value());
  EXPECT_EQ(table().consumers[d1_.row], 1U);
  EXPECT_EQ(ledger().consumers().find("alice"), Consumers::kNone);
  EXPECT_EQ(ledger().holdings(d1_, ledger().consumers().find("bob")), 2U);
  const Hash128 hash = world_.hash();
  ASSERT_TRUE(transfer(claim, "bob").has_value()) << "to itself";
  EXPECT_EQ(world_.hash(), hash);
  EXPECT_TRUE(transfer(claim, "").has_error());
  EXPECT_TRUE(transfer(claim, std::string(201, 'x')).has_error());
  EXPECT_EQ(transfer({1, 5}, "carol").error().code, ErrorCode::kStale);
  EXPECT_EQ(world_.hash(), hash);
}

TEST_F(LedgerTest, MovesToAnotherInstance) {
  const ClaimId claim = world_.claim("alice", d1_, {4, 1});
  world_.claim("alice", d1_, {2, 0});
  world_.claim("bob", d2_, {5, 0});
  const Hash128 before = world_.hash();
  Transaction none;
  world_.ledger().keep_lists(none);
  ASSERT_EQ(message_of(move(claim, "d2")), "");
  EXPECT_EQ(used(d1_), 2);
  EXPECT_EQ(used(d2_), 9);  // 5 + 4
  EXPECT_EQ(used(d2_, 1), 1);
  EXPECT_EQ(table().claims[d1_.row], 1U);
  EXPECT_EQ(table().claims[d2_.row], 2U);
  EXPECT_EQ(table().consumers[d1_.row], 1U) << "alice holds another claim there";
  EXPECT_EQ(table().consumers[d2_.row], 2U);
  EXPECT_EQ(table().granted[d2_.row], 2U) << "it was chosen once more";
  EXPECT_EQ(ledger().consumers().row(ledger().consumers().find("alice")).claims, 2U);
  EXPECT_EQ(ledger().claims_on(d2_).size(), 2U);
  EXPECT_EQ(ledger().find(claim)->instance, d2_);
  EXPECT_NE(world_.hash(), before);
  const Hash128 hash = world_.hash();
  ASSERT_EQ(message_of(move(claim, "d2")), "") << "to where it is";
  EXPECT_EQ(world_.hash(), hash);
  const ClaimId large = world_.claim("carol", d1_, {2, 0});
  EXPECT_EQ(message_of(move(large, "d2")), "the instance has not enough free for the claim");  // 9 + 2 > 10
  EXPECT_EQ(message_of(move(large, "alice")), "a move's record is damaged") << "no symbol";
  EXPECT_EQ(move({9, 9}, "d2").error().code, ErrorCode::kStale);
  world_.text("d3");
  EXPECT_EQ(move(large, "d3").error().code, ErrorCode::kUnknown);
}

TEST_F(LedgerTest, AMoveStaysWithinAVersion) {
  const ClaimId claim = world_.claim("alice", d1_, {1, 0});
  ASSERT_TRUE(world_.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {'step': 0.5}, 'iops': {}}}"));
  world_.put_tree("{'id': 'd3', 'type': 'disk', 'capacity': {'gb': 10, 'iops': 5}}");
  EXPECT_EQ(message_of(move(claim, "d3")), "a claim moves between instances of one version of a type: migrate first");
}

TEST_F(LedgerTest, RemembersWhoseRequestHadAFilter) {
  ASSERT_TRUE(world_.define(Catalog::kDefinePolicy, "plain", "{'score': '1'}").has_value());
  ASSERT_TRUE(world_.define(Catalog::kDefinePolicy, "picky", "{'where': 'true', 'score': '1'}").has_value());
  const struct {
    const char* where;
    const char* policy;
    int filtered;
  } rows[] = {{"", "", 0}, {"true", "", 1}, {"", "plain", 0}, {"", "picky", 1}, {"", "{\"score\": \"1\"}", 1}};
  for (const auto& row : rows) {
    GrantRecord record = world_.grant("alice", {d1_}, {0, 0});
    record.request.where = row.where;
    record.request.policy = row.policy;
    ASSERT_TRUE(world_.write(record).has_value());
    EXPECT_EQ(ledger().find(record.claims[0].claim)->filtered, row.filtered) << row.where << row.policy;
  }
  EXPECT_EQ(world_.restored().ledger().row(1).filtered, 1);
}

TEST_F(LedgerTest, ExplicitConsumersStay) {
  ASSERT_TRUE(consumer("alice").has_value());
  const ClaimId claim = world_.claim("alice", d1_, {1, 0});
  EXPECT_NE(message_of(consumer_gone("alice")).find("has 1 claims: release them first"), std::string::npos);
  ASSERT_TRUE(world_.release({claim}).has_value());
  EXPECT_EQ(ledger().consumers().count(), 1U);
  ASSERT_TRUE(consumer_gone("alice").has_value());
  EXPECT_EQ(consumer_gone("alice").error().code, ErrorCode::kUnknown);
  world_.claim("bob", d1_, {1, 0});
  ASSERT_TRUE(consumer("bob", world_.text("user")).has_value()) << "an implicit one becomes explicit";
  EXPECT_EQ(ledger().consumers().row(ledger().consumers().find("bob")).explicit_, 1U);
  EXPECT_TRUE(consumer("x", 99).has_error());
  EXPECT_TRUE(consumer("").has_error());
}

TEST_F(LedgerTest, AHandleToWhatIsGoneIsStale) {
  const ClaimId claim = world_.claim("alice", d1_, {1, 0});
  ASSERT_TRUE(world_.release({claim}).has_value());
  const Status again = world_.release({claim});
  ASSERT_TRUE(again.has_error());
  EXPECT_EQ(again.error().code, ErrorCode::kStale);
  EXPECT_EQ(again.error().message, "claim 0.0 is gone: it was released, expired, or never made");
  const ClaimId next = world_.claim("alice", d1_, {1, 0});
  EXPECT_EQ(next, (ClaimId{0, 1})) << "the slot again, another generation";
  EXPECT_TRUE(world_.release({claim}).has_error());
  EXPECT_TRUE(world_.release({next, next}).has_error()) << "twice in one call";
  EXPECT_NE(ledger().find(next), nullptr);
}

TEST_F(LedgerTest, CursorsAreKeptByTheirKey) {
  GrantRecord record = world_.grant("alice", {d2_}, {1, 0});
  record.cursor = 77;
  ASSERT_TRUE(world_.write(record).has_value());
  EXPECT_EQ(ledger().cursor(77), 2U) << "the ordinal of d2";
  EXPECT_EQ(ledger().cursor(78), 0U);
}

TEST_F(LedgerTest, EveryDamagedRecordIsRefused) {
  const ClaimId claim = world_.claim("alice", d1_, {1, 0});
  GrantRecord record = world_.grant("bob", {d2_}, {1, 0});
  record.request.key = {{1, 2}, 3};
  Writer denial;
  encode(denial, DenialRecord{record.request, DenialClass::kNever});
  const std::pair<Kind, std::string> rows[] = {
      {Ledger::kGrant, Ledger::payload(std::span(&record, 1))},
      {Ledger::kCommit, Ledger::payload(std::vector{claim})},
      {Ledger::kRelease, Ledger::payload(std::vector{claim})},
      {Ledger::kExpire, Ledger::payload(std::vector{claim})},
      {Ledger::kResize, Ledger::resize_payload(claim, std::vector<Steps>{1, 1})},
      {Ledger::kTransfer, Ledger::transfer_payload(claim, "bob")},
      {Ledger::kMove, Ledger::move_payload(claim, world_.symbols().find("d2"))},
      {Ledger::kDenied, std::string(denial.bytes())},
      {Ledger::kConsumer, Ledger::consumer_payload("carol", 0, 0, {})},
  };
  for (const auto& [kind, payload] : rows) {
    for (std::size_t size = 0; size < payload.size(); ++size) {
      ASSERT_TRUE(world_.try_write(kind, payload.substr(0, size)).has_error()) << kind << " " << size;
    }
    ASSERT_TRUE(world_.try_write(kind, payload + "x").has_error()) << kind;
  }
  for (const Kind kind : {Ledger::kConsumers, Ledger::kClaims, Ledger::kCursors, Ledger::kKeys, make_kind(4, 99)}) {
    EXPECT_TRUE(world_.try_write(kind, std::string(8, '\0')).has_error())
        << "records of a snapshot are no live changes";
  }
}

}  // namespace
}  // namespace apportion
