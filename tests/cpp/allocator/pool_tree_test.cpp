#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

constexpr const char* kMail = R"({'types': {
    'disk': {'dimensions': {'gb': {'step': 0.5}}, 'fields': {'zone': {'kind': 'string'}}, 'policy': 'most_utilised'},
    'channel': {'dimensions': {'mbit': {}}},
    'mailbox': {'dimensions': {'gb': {}}, 'needs': [
        {'type': 'disk', 'as': 'primary', 'gb': 'request.gb'},
        {'type': 'disk', 'as': 'backup', 'gb': 'request.gb * 1.5', 'require': 'self.zone != primary.zone'},
        {'type': 'channel', 'as': 'line', 'mbit': 1}]}}})";

std::shared_ptr<Pool> mail_service() {
  auto pool = make_pool(kMail);
  const auto add = [&](const char* id, const char* zone, int gb) {
    InstanceSpec spec = instance(id, "disk", {{"gb", dec(gb)}});
    spec.fields.emplace_back("zone", zone);
    EXPECT_EQ(error_of(pool->add(spec)), "");
  };
  add("d1", "a", 100);
  add("d2", "a", 100);
  add("d3", "b", 60);
  EXPECT_EQ(error_of(pool->add(instance("c1", "channel", {{"mbit", dec(3)}}))), "");
  return pool;
}

Request mailbox(int gb, const char* consumer = "ada") {
  Request request;
  request.type = "mailbox";
  request.consumer = consumer;
  request.amounts = {{"gb", dec(gb)}};
  return request;
}

std::vector<std::string> lines(const Pool& pool, const Grant& grant) {
  std::vector<std::string> lines;
  const std::vector<Place> places = pool.places_of(grant);
  for (std::size_t i = 0; i < places.size(); ++i)
    lines.push_back(places[i].role + " " + places[i].instance + " " +
                    dec(static_cast<std::int64_t>(grant.claims[i].steps[0])).text());
  return lines;
}

TEST(PoolTree, GivesTheWholeTreeInOneChange) {
  const auto pool = mail_service();
  const std::uint64_t before = pool->revision().number;
  const Grant given = grant(*pool, mailbox(10));
  EXPECT_EQ(lines(*pool, given),
            (std::vector<std::string>{"mailbox@1/primary d1 20", "mailbox@1/backup d3 30", "mailbox@1/line c1 1"}));
  EXPECT_EQ(pool->revision().number, before + 4) << "three new texts, one grant";
  EXPECT_EQ(lines(*pool, grant(*pool, mailbox(10, "bob")))[0], "mailbox@1/primary d3 20") << "the fullest by now";
  EXPECT_EQ(pool->revision().number, before + 5);
  EXPECT_EQ(values<TableColumn::Texts>(pool->claims(), "role")[1], "mailbox@1/backup");
  EXPECT_EQ(pool->at(pool->revision().number).value()->hash(), pool->hash()) << "a replay runs no search";
  const auto again = restored(*pool);
  EXPECT_EQ(again->hash(), pool->hash());
  EXPECT_EQ(lines(*again, again->find_grant(given.claims[1].claim).value())[0], "mailbox@1/backup d3 30");
  EXPECT_EQ(error_of(pool->release_grants(std::array{given.claims[2].claim})), "");
  EXPECT_EQ(pool->find_grant(given.claims[0].claim).error().code, ErrorCode::kStale) << "the whole grant went";
}

TEST(PoolTree, ADenialNamesTheSlotAndLeavesNothing) {
  const auto pool = mail_service();
  const Denial small = denial(*pool, mailbox(70));
  EXPECT_EQ(small.slot, "mailbox@1/backup");
  EXPECT_EQ(small.denial_class, DenialClass::kNever) << "no disk has 105 gb";
  EXPECT_NE(small.message.find("slot 'mailbox@1/backup' of 'mailbox' cannot be filled"), std::string::npos);
  EXPECT_EQ(small.stages.back().after, 0U);
  grant(*pool, mailbox(30));
  const std::uint64_t before = pool->revision().number;
  const Denial full = denial(*pool, mailbox(30));
  EXPECT_EQ(full.denial_class, DenialClass::kNotNow);
  EXPECT_EQ(full.revision.number, before + 1) << "recorded";
}

TEST(PoolTree, GoesBackToAnEarlierSlot) {
  const auto pool = mail_service();
  apply_document(*pool,
                 R"({'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}, 'fields': {'zone': {'kind': 'string'}},
                                               'policy': 'last'}}})");
  for (const char* id : {"d1", "d2"})
    ASSERT_TRUE(std::holds_alternative<Grant>(pool->place(id, ask_gb("x", 84)).value()));
  // The last disk would be the best primary, and its zone's neighbours have no room for the backup.
  EXPECT_EQ(lines(*pool, grant(*pool, mailbox(12))),
            (std::vector<std::string>{"mailbox@1/primary d2 24", "mailbox@1/backup d3 36", "mailbox@1/line c1 1"}));
}

TEST(PoolTree, KeysMarksAndSeveralAtOnce) {
  const auto pool = mail_service();
  Request keyed = mailbox(5);
  keyed.key = "k";
  const Grant first = grant(*pool, keyed);
  EXPECT_EQ(ids_of(grant(*pool, keyed)), ids_of(first));
  Request mark = mailbox(5, "bob");
  mark.mark = true;
  mark.expires = 10 * kSecond;
  EXPECT_TRUE(grant(*pool, mark).mark);
  EXPECT_EQ(pool->tick(Time{10 * kSecond}).value(), 3U) << "all of its claims";
  // Three channels of 1 mbit: one is taken, two are left.
  const auto none = pool->allocate_all({mailbox(1), mailbox(1), mailbox(1)});
  ASSERT_TRUE(none.has_value()) << error_of(none);
  const Denial& why = std::get<Denial>(*none);
  EXPECT_EQ(why.member, 2U);
  EXPECT_EQ(why.slot, "mailbox@1/line");
  EXPECT_EQ(why.denial_class, DenialClass::kConflict);
  EXPECT_TRUE(std::holds_alternative<std::vector<Grant>>(pool->allocate_all({mailbox(1), mailbox(1)}).value()));
}

TEST(PoolTree, OldTreesLiveOnWhenTheTreeChanges) {
  const auto pool = mail_service();
  const Grant old = grant(*pool, mailbox(4));
  apply_document(*pool, R"({'types': {'licence': {'dimensions': {'seats': {}}},
      'mailbox': {'dimensions': {'gb': {}}, 'needs': [{'type': 'disk', 'as': 'only', 'gb': 'request.gb'}, {'type': 'licence', 'seats': 1}]}}})");
  ASSERT_EQ(error_of(pool->add(instance("l1", "licence", {{"seats", dec(1)}}))), "");
  EXPECT_EQ(lines(*pool, grant(*pool, mailbox(4, "bob"))),
            (std::vector<std::string>{"mailbox@2/only d3 8", "mailbox@2/licence l1 1"}));
  EXPECT_EQ(lines(*pool, pool->find_grant(old.claims[0].claim).value()).size(), 3U);
  EXPECT_EQ(denial(*pool, mailbox(1)).slot, "mailbox@2/licence");
}

TEST(PoolTree, InstancesMayHaveNeedsAndTellThem) {
  const auto pool = make_pool(
      R"({'types': {'gpu': {'dimensions': {'share': {}}}, 'node': {'outcome': false, 'dimensions': {'cores': {}},
      'needs': [{'type': 'gpu', 'share': 1, 'count': 'request.cores / 4', 'require': 'self.parent == parent.id'}]}}})");
  for (const char* node : {"n1", "n2"}) {
    ASSERT_EQ(error_of(pool->add(instance(node, "node", {{"cores", dec(16)}}))), "");
    for (int i = 0; i < (node[1] == '1' ? 1 : 3); ++i) {
      InstanceSpec gpu = instance(std::string(node) + "-g" + std::to_string(i), "gpu", {{"share", dec(1)}});
      gpu.parent = node;
      ASSERT_EQ(error_of(pool->add(gpu)), "");
    }
  }
  Request request;
  request.type = "node";
  request.consumer = "job";
  request.amounts = {{"cores", dec(8)}};
  EXPECT_EQ(lines(*pool, grant(*pool, request)),
            (std::vector<std::string>{"node@1 n2 8", "node@1/gpu n2-g0 1", "node@1/gpu n2-g1 1"}));
  request.amounts = {{"cores", dec(6)}};
  const Denial odd = denial(*pool, request);
  EXPECT_EQ(odd.slot, "node@1/gpu");
  EXPECT_NE(odd.message.find("'request.cores / 4' is no whole number"), std::string::npos) << odd.message;
}

TEST(PoolTree, AbsurdTreesAreRefused) {
  const auto pool = make_pool(R"({'types': {'disk': {'dimensions': {'gb': {}}},
      'ten': {'dimensions': {'gb': {}}, 'needs': [{'type': 'disk', 'gb': 'request.gb', 'count': 10}]},
      'more': {'dimensions': {'gb': {}}, 'needs': [{'type': 'ten', 'gb': 'request.gb - 1', 'count': 'request.gb'}]}}})");
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(error_of(pool->add(instance("d" + std::to_string(i), "disk", {{"gb", dec(1'000'000)}}))), "");
  Request request;
  request.type = "more";
  request.consumer = "a";
  const auto answer = [&](int gb) {
    request.amounts = {{"gb", dec(gb)}};
    const Denial why = denial(*pool, request);
    return std::string(class_name(why.denial_class)) + " " + why.slot + " " + why.message;
  };
  EXPECT_NE(answer(1000).find("more than 1000 slots"), std::string::npos);
  EXPECT_TRUE(answer(1001).starts_with("never more@1/ten slot 'more@1/ten.count' of 'more' cannot be asked for: "))
      << answer(1001);
  EXPECT_EQ(answer(0), "never  every need of 'more' came to none; an empty pool could not serve it either");
  Request placed = mailbox(1);
  placed.type = "ten";
  EXPECT_NE(error_of(pool->place("d1", placed)).find("cannot have needs"), std::string::npos);
}

TEST(PoolTree, WhatMayBeMissingIsNotToBlame) {
  const auto pool =
      make_pool(R"({'types': {'disk': {'dimensions': {'gb': {}}}, 'licence': {'dimensions': {'seats': {}}},
      'x': {'dimensions': {'gb': {}}, 'needs': [{'type': 'licence', 'seats': 1, 'optional': true}, {'type': 'disk', 'gb': 'request.gb'}]},
      'maybe': {'needs': [{'type': 'licence', 'seats': 1, 'optional': true}]}}})");
  ASSERT_EQ(error_of(pool->add(instance("d1", "disk", {{"gb", dec(5)}}))), "");
  Request request;
  request.type = "x";
  request.consumer = "a";
  request.amounts = {{"gb", dec(6)}};
  EXPECT_EQ(denial(*pool, request).slot, "x@1/disk");
  request.type = "maybe";
  request.amounts = {};
  EXPECT_EQ(denial(*pool, request).denial_class, DenialClass::kNever);
  ASSERT_EQ(error_of(pool->add(instance("l1", "licence", {{"seats", dec(1)}}))), "");
  const Grant held = grant(*pool, request);
  EXPECT_EQ(denial(*pool, request).denial_class, DenialClass::kNotNow);
}

// Nothing in the pool knows the roles before: a trial that is taken back must leave none of them behind.
TEST(PoolTree, SeveralAtOnceInAFreshPool) {
  const auto pool = mail_service();
  const auto all = pool->allocate_all({mailbox(1), mailbox(2, "bob")});
  ASSERT_EQ(error_of(all), "");
  const auto& grants = std::get<std::vector<Grant>>(*all);
  EXPECT_EQ(lines(*pool, grants[1])[1].substr(0, 18), "mailbox@1/backup d");
  EXPECT_EQ(pool->at(pool->revision().number).value()->hash(), pool->hash());
  const Hash128 hash = pool->hash();
  EXPECT_TRUE(std::holds_alternative<Denial>(pool->allocate_all({mailbox(1), mailbox(1)}).value()));
  EXPECT_EQ(pool->hash(), hash);
}

// Each of these needs can be met in two ways that come to the same.
// What is first looked at amid the search has to be seen as it is when that is taken back.
TEST(PoolTree, TheFirstRequestOfAFreshPoolTakesItsStepsBack) {
  const auto pool = make_pool(R"({
    'types': {'node': {'dimensions': {'gb': {}}}, 'card': {'dimensions': {'gb': {}}},
              'site': {'needs': [{'type': 'node', 'gb': 1}, {'type': 'card', 'as': 'small', 'gb': 1, 'on': 'node'},
                                 {'type': 'card', 'as': 'large', 'gb': 3}]}},
    'instances': [{'id': 'n1', 'type': 'node', 'capacity': {'gb': 4}},
                  {'id': 'c1', 'type': 'card', 'parent': 'n1', 'capacity': {'gb': 3}},
                  {'id': 'n2', 'type': 'node', 'capacity': {'gb': 4}},
                  {'id': 'c2', 'type': 'card', 'parent': 'n2', 'capacity': {'gb': 1}}]})");
  Request request;
  request.type = "site";
  request.consumer = "ada";
  EXPECT_EQ(instances_of(*pool, grant(*pool, request)), (std::vector<std::string>{"n2", "c2", "c1"}));
}

TEST(PoolTree, ManyWaysToNothingEnd) {
  std::string needs;
  for (int i = 0; i < 40; ++i)
    needs += "{'type': 'disk', 'as': 's" + std::to_string(i) + "', 'count': 0, 'optional': true}, ";
  const auto pool = disks(
      {5}, "{'types': {'disk': {'dimensions': {'gb': {}}}, 'x': {'needs': [" + needs + "{'type': 'disk', 'gb': 9}]}}}");
  Request request;
  request.type = "x";
  request.consumer = "a";
  EXPECT_EQ(denial(*pool, request).denial_class, DenialClass::kSearchBound);
}

TEST(PoolTree, ARequestWithoutATypeIsGivenNoTree) {
  const auto pool = mail_service();
  Request request = ask_gb("a", 1);
  request.type = "";
  request.where = "self.id == 'd1'";
  EXPECT_EQ(chosen(*pool, request), "d1");
  request.where = "self.id == 'mailbox'";
  EXPECT_EQ(denial(*pool, request).type, "");
}

TEST(PoolTree, OutcomesTakeNoFilterAndNoInstances) {
  const auto pool = mail_service();
  Request filtered = mailbox(1);
  filtered.where = "false";
  EXPECT_TRUE(error_of(pool->allocate(filtered)).starts_with("where: 'mailbox' is an outcome"))
      << error_of(pool->allocate(filtered));
  Request chosen = mailbox(1);
  chosen.policy = "last";
  EXPECT_TRUE(error_of(pool->allocate(chosen)).starts_with("policy: "));
  EXPECT_NE(error_of(pool->add(instance("m1", "mailbox", {{"gb", dec(1)}}))).find("is an outcome"), std::string::npos);
}

TEST(PoolTree, ExplainsWhatEachSlotWouldGet) {
  const auto pool = mail_service();
  const Hash128 hash = pool->hash();
  const Revision revision = pool->revision();
  const Node why = pool->explain(mailbox(10), 5).value();
  EXPECT_TRUE(*why.find("granted")->boolean());
  EXPECT_EQ(*(*why.find("slots")->list())[1].find("instance")->text(), "d3");
  const Node not_that = pool->explain(mailbox(70), 5).value();
  EXPECT_EQ(*not_that.find("denial")->find("slot")->text(), "mailbox@1/backup");
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_EQ(pool->revision(), revision);
}

TEST(PoolTree, DocumentsAreCheckedAgainstTheTypesThatAreThere) {
  const auto pool = mail_service();
  EXPECT_EQ(problems_of(*pool, "{'types': {'disk': {'dimensions': {'tb': {}}}}}").size(), 3U)
      << "what the mailbox needs of a disk would be gone";
  EXPECT_EQ(problems_of(*pool, "{'types': {'channel': {'needs': [{'type': 'mailbox'}]}}}").size(), 1U) << "a cycle";
}

}  // namespace
}  // namespace apportion
