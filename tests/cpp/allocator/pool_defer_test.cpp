// What is granted just in time: the decision, the deadline, and everything that may happen to a pending claim.
#include <gtest/gtest.h>

#include "waiting_pool.hpp"

namespace apportion {
namespace {

// The page docs/design/05-deferred-slot.md.
TEST(Defer, AShortSlotDoesNotSinkTheRequest) {
  const auto pool = make_pool(kUpload);
  const Grant bob = grant(*pool, ask_line("bob"));
  const Grant ada = grant(*pool, ask_upload("ada"));
  ASSERT_EQ(ada.claims.size(), 2U);
  EXPECT_EQ(holds(*pool, ada), "d1 -");
  ASSERT_TRUE(ada.claims[1].pending);
  EXPECT_EQ(ada.claims[1].pending->deadline, ms(2000));
  EXPECT_EQ(ada.claims[1].pending->expected, ms(800)) << "100 of 100 held, 0.8 s each";
  EXPECT_EQ(values<TableColumn::Texts>(pool->claims(), "state"),
            (std::vector<std::string>{"claim", "claim", "pending"}));
  EXPECT_TRUE(pool->tick(ms(700)).has_value());
  ASSERT_TRUE(pool->release(ids_of(bob)).has_value());
  EXPECT_EQ(holds(*pool, ada), "d1 ch1");
  const std::string journal = journal_text(*pool);
  EXPECT_NE(journal.find("\"activate\""), std::string::npos) << journal;
  EXPECT_EQ(restored(*pool)->hash(), pool->hash());
}

TEST(Defer, ADeadlineThatPassesFollowsTheType) {
  const struct {
    const char* missed;
    const char* at_once;
    const char* later;
  } rows[] = {{"release_all", "gone", "gone"}, {"keep", "d1", "d1"}, {"extend", "d1 -", "d1 ch1"}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.missed);
    const auto pool = make_pool(kUpload);
    apply_document(*pool, std::string("{'types': {'channel': {'dimensions': {'mbit': {}}, 'fields': {'zone': {'kind': "
                                      "'string'}}, 'deferrable': {'patience_s': 2, 'held_s': 0.8, 'missed': '") +
                              row.missed + "'}}}}");
    const Grant bob = grant(*pool, ask_line("bob"));
    const Grant ada = grant(*pool, ask_upload("ada"));
    ASSERT_TRUE(pool->tick(ms(1999)).has_value());
    EXPECT_EQ(holds(*pool, ada), "d1 -");
    ASSERT_TRUE(pool->tick(ms(2000)).has_value());
    EXPECT_EQ(holds(*pool, ada), row.at_once);
    ASSERT_TRUE(pool->tick(ms(3000)).has_value());
    ASSERT_TRUE(pool->release(ids_of(bob)).has_value());
    EXPECT_EQ(holds(*pool, ada), row.later);
    EXPECT_EQ(restored(*pool)->hash(), pool->hash());
    EXPECT_EQ((*pool->at(pool->revision().number))->hash(), pool->hash());
  }
}

TEST(Defer, AnEndBeforeADeadlineServesThoseWhoWaitEvenWhenNobodyLookedInBetween) {
  const auto pool = make_pool(kUpload);
  Request brief = ask_line("bob");
  brief.ends = ms(1500);
  grant(*pool, brief);
  const Grant ada = grant(*pool, ask_upload("ada"));
  Request late = ask_line("eve");
  late.patience = ms(1000);
  const Denial eve = denial(*pool, late);
  EXPECT_NE(eve.message.find("expected in 1.6 s, patience 1 s"), std::string::npos) << eve.message;
  ASSERT_TRUE(pool->tick(ms(9000)).has_value());
  EXPECT_EQ(holds(*pool, ada), "d1 ch1");
}

TEST(Defer, IsDeniedWithItsNumbersWhereTheWaitIsTooLong) {
  const auto pool = make_pool(kUpload);
  for (int i = 0; i < 100; ++i) {
    const Grant bob = grant(*pool, ask_line("bob"));
    ASSERT_TRUE(pool->tick(pool->now() + 60 * kSecond).has_value());
    ASSERT_TRUE(pool->release(ids_of(bob)).has_value());
  }
  grant(*pool, ask_line("bob"));
  const Denial why = denial(*pool, ask_upload("ada"));
  EXPECT_EQ(why.denial_class, DenialClass::kNotNow);
  EXPECT_EQ(why.slot, "upload@1/line");
  ASSERT_TRUE(why.deferral);
  EXPECT_FALSE(why.deferral->deferred);
  EXPECT_EQ(why.deferral->ended, 100U);
  EXPECT_NEAR(static_cast<double>(why.deferral->held), 58.2e9, 1e8) << "(32 x 60 s + 0.8 s) / 33";
  EXPECT_NE(why.message.find("patience 2 s"), std::string::npos) << why.message;
  Request patient = ask_upload("ada");
  patient.patience = 60 * kSecond;
  EXPECT_EQ(holds(*pool, grant(*pool, patient)), "d1 -");
}

TEST(Defer, OnlyWhatWaitingHelps) {
  const auto pool = make_pool(kUpload);
  EXPECT_EQ(denial(*pool, ask_line("ada", 150)).denial_class, DenialClass::kNever) << "no line is so wide";
  const Grant bob = grant(*pool, ask_line("bob"));
  Request mark = ask_line("ada");
  mark.mark = true;
  EXPECT_EQ(denial(*pool, mark).deferral, nullptr);
  Request hurried = ask_line("ada");
  hurried.patience = 0;
  EXPECT_EQ(denial(*pool, hurried).deferral, nullptr);
  EXPECT_EQ(denial(*pool, ask_gb("ada", 501)).deferral, nullptr) << "disks are not deferrable";
  InstanceSpec off;
  off.id = "ch1";
  off.state = {{"status", Node("offline")}};
  ASSERT_TRUE(pool->change(off).has_value());
  EXPECT_EQ(denial(*pool, ask_line("ada")).deferral, nullptr) << "nobody knows when it comes back";
}

TEST(Defer, WaitsAreCountedBehindThoseWhoWaitAlready) {
  const auto pool = make_pool(kUpload);
  grant(*pool, ask_line("bob"));
  // 0.8 s for each that comes before, and for itself: 0.8, 1.6; then 2.4 s is more than 2 s.
  EXPECT_EQ(grant(*pool, ask_line("u1")).claims[0].pending->expected, ms(800));
  EXPECT_EQ(grant(*pool, ask_line("u2")).claims[0].pending->expected, ms(1600));
  EXPECT_EQ(denial(*pool, ask_line("u3")).deferral->expected, ms(2400));
  EXPECT_EQ(denial(*pool, ask_line("u3", 60)).deferral->expected, ms(2080)) << "200 + 60 of 100";
}

TEST(Defer, TwentyOfWhichOneIsShort) {
  std::string json = kUpload;
  const auto pool = make_pool(json);
  for (int i = 2; i <= 20; ++i)
    ASSERT_TRUE(pool->add(instance("ch" + std::to_string(i), "channel", {{"mbit", dec(100)}})).has_value());
  const Grant bob = grant(*pool, ask_line("bob", 1));
  const Grant twenty = grant(*pool, ask_line("ada", 100, 20));
  ASSERT_EQ(twenty.claims.size(), 20U);
  EXPECT_TRUE(twenty.claims[19].pending);
  EXPECT_EQ(holds(*pool, twenty.claims[19].claim).substr(0, 4), "- ch") << "the one that bob holds a part of";
  ASSERT_TRUE(pool->release(ids_of(bob)).has_value());
  EXPECT_EQ(holds(*pool, twenty.claims[19].claim).find('-'), std::string::npos);
}

TEST(Defer, APendingClaimCanBeReleasedAndNothingElse) {
  const auto pool = make_pool(kUpload);
  const Grant bob = grant(*pool, ask_line("bob"));
  const Hash128 before = pool->hash();
  const Grant ada = grant(*pool, ask_line("ada"));
  const ClaimId claim = ada.claims[0].claim;
  const std::string says = "is pending: it has no instance yet";
  EXPECT_NE(error_of(pool->commit({claim})).find(says), std::string::npos);
  EXPECT_NE(error_of(pool->resize(claim, {{"mbit", dec(1)}})).find(says), std::string::npos);
  EXPECT_NE(error_of(pool->transfer(claim, "eve")).find(says), std::string::npos);
  EXPECT_NE(error_of(pool->move(claim, "ch1")).find(says), std::string::npos);
  EXPECT_NE(error_of(pool->why(claim, 3)).find(says), std::string::npos);
  ASSERT_TRUE(pool->release({claim}).has_value());
  EXPECT_EQ(pool->hash(), before) << "and nothing of it stays";
  EXPECT_EQ(pool->consumers().rows, 1U);
}

TEST(Defer, SurvivesForksAndSnapshots) {
  const auto pool = make_pool(kUpload);
  const Grant bob = grant(*pool, ask_line("bob"));
  const Grant ada = grant(*pool, ask_upload("ada"));
  for (const auto& copy : {pool->fork(), restored(*pool), *pool->at(pool->revision().number)}) {
    ASSERT_TRUE(copy->release(ids_of(bob)).has_value());
    EXPECT_EQ(holds(*copy, ada), "d1 ch1");
    EXPECT_EQ(holds(*pool, ada), "d1 -");
  }
}

TEST(Defer, SeveralRequestsAtOnce) {
  const auto pool = make_pool(kUpload);
  const auto outcome = pool->allocate_all({ask_line("ada"), ask_line("bob"), ask_upload("eve")});
  ASSERT_TRUE(outcome) << error_of(outcome);
  const auto& grants = std::get<std::vector<Grant>>(*outcome);
  EXPECT_EQ(holds(*pool, grants[0]), "ch1");
  EXPECT_EQ(holds(*pool, grants[1]), "-");
  EXPECT_EQ(holds(*pool, grants[2]), "d1 -");
  ASSERT_TRUE(pool->release(ids_of(grants[0])).has_value());
  EXPECT_EQ(holds(*pool, grants[1]), "ch1");
}

TEST(Defer, ExplainSaysWhatWouldHappen) {
  const auto pool = make_pool(kUpload);
  grant(*pool, ask_line("bob"));
  const Node line = pool->explain(ask_line("ada"), 5).value();
  EXPECT_EQ(*line.find("granted"), Node(true));
  EXPECT_EQ(*line.find("deferral")->find("expected_s"), Node(Decimal::parse("0.8").value()));
  const Node upload = pool->explain(ask_upload("ada"), 5).value();
  SCOPED_TRACE(to_json(line) + to_json(upload));
  EXPECT_EQ(*upload.find("granted"), Node(true));
  EXPECT_EQ(*(*upload.find("slots")->list())[1].find("pending")->find("patience_s"), Node(Decimal(2)));
  Request hurried = ask_line("ada");
  hurried.patience = ms(100);
  const Node denied = pool->explain(hurried, 5).value();
  EXPECT_EQ(*denied.find("granted"), Node(false));
  EXPECT_EQ(*denied.find("denial")->find("deferral")->find("deferred"), Node(false));
}

TEST(Defer, APatienceThatIsNoneIsRefused) {
  const auto pool = make_pool(kUpload);
  Request request = ask_line("ada");
  for (const Time patience : {Time{-1}, 31 * 24 * 3600 * kSecond}) {
    request.patience = patience;
    EXPECT_NE(error_of(pool->allocate(request)).find("patience: patience is 0 to 2592000 seconds"), std::string::npos);
  }
}

}  // namespace
}  // namespace apportion
