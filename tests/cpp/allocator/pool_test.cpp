#include "apportion/allocator/pool.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "builders.hpp"

namespace apportion {
namespace {

InstanceSpec change_of(const char* id) {
  InstanceSpec spec;
  spec.id = id;
  return spec;
}

TEST(Pool, TakesADocumentWholeOrNotAtAll) {
  const auto pool = make_pool(kDiskType);
  EXPECT_EQ(problems_of(*pool, "{'instances': [{'id': 'a', 'type': 'disk'}, {'id': 'b', 'type': 'disc'}]}").size(), 1U);
  EXPECT_EQ(problems_of(*pool, "{'instances': [{'id': 'a', 'type': 'disk', 'capacity': {'gb': -1}}]}"),
            std::vector<std::string>{"instances[0].capacity.gb: -1 is negative; amounts start at 0"});
  EXPECT_EQ(problems_of(*pool, "{'types': {'t': {'policy': 'p'}}, 'policies': {'p': {'score': 'used.tb'}}}").size(),
            1U);
  EXPECT_EQ(pool->instances().rows, 0U);
}

TEST(Pool, TheSameDocumentTwiceIsNoChange) {
  const char* document = "{'types': {'disk': {'dimensions': {'gb': {}}}}, 'policies': {'p': {'score': '1'}}}";
  const auto pool = make_pool(document);
  const Revision revision = pool->revision();
  apply_document(*pool, document);
  EXPECT_EQ(pool->revision(), revision);
}

TEST(Pool, InstancesOfOneDocumentMayReferToLaterOnes) {
  const auto pool = make_pool(
      "{'types': {'disk': {'dimensions': {'gb': {}}}}, 'relationships': {'twin': {'from': 'disk', 'to': 'disk'}}, "
      "'instances': [{'id': 'a', 'type': 'disk', 'parent': 'b', 'relationships': {'twin': 'c'}}, {'id': 'b', 'type': "
      "'disk'}, {'id': 'c', 'type': 'disk', 'relationships': {'twin': 'c'}}]}");
  EXPECT_NE(to_json(*pool->instance("a")).find(R"("parent": "b")"), std::string::npos);
  EXPECT_NE(to_json(*pool->instance("a")).find(R"("twin": ["c"])"), std::string::npos);
  EXPECT_EQ(
      problems_of(
          *pool,
          "{'instances': [{'id': 'c', 'type': 'disk', 'parent': 'a'}, {'id': 'b', 'type': 'disk', 'parent': 'c'}]}")
          .size(),
      1U)
      << "b, c, a and b again would be a circle";
}

TEST(Pool, ADocumentChangesWhatIsThere) {
  const auto pool = disks({10});
  grant(*pool, ask_gb("alice", 4));
  apply_document(*pool, "{'instances': [{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 6}, 'location': 'x'}]}");
  EXPECT_EQ(values<TableColumn::Numbers>(pool->instances(), "free.gb")[0], 2);  // 6 - 4
  EXPECT_EQ(values<TableColumn::Texts>(pool->instances(), "location")[0], "x");
}

TEST(Pool, AnInstanceKeepsItsTypeAndVersion) {
  const auto pool = disks({10}, "{'types': {'disk': {'dimensions': {'gb': {}}}, 'tape': {'dimensions': {'gb': {}}}}}");
  InstanceSpec other = change_of("d1");
  other.type = "tape";
  EXPECT_EQ(error_of(pool->change(other)), "type: 'd1' is of type 'disk' version 1 and stays so; remove it first");
  other.type = "disk";
  other.version = 2;
  EXPECT_EQ(error_of(pool->change(other)), "version: 'd1' is of type 'disk' version 1 and stays so; migrate it");
  EXPECT_EQ(problems_of(*pool, "{'instances': [{'id': 'd1', 'type': 'tape'}]}").size(), 1U);
  apply_document(*pool, "{'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}}}}");
  apply_document(*pool, "{'instances': [{'id': 'd1', 'type': 'disk', 'location': 'x'}]}");
  EXPECT_EQ(values<TableColumn::Integers>(pool->instances(), "version")[0], 1) << "no version named: its own";
}

TEST(Pool, AddsManyOrNone) {
  const auto pool = make_pool(kDiskType);
  const Hash128 hash = pool->hash();
  std::vector<InstanceSpec> specs{instance("a", "disk", {}), instance("b", "disk", {}), instance("a", "disk", {})};
  EXPECT_EQ(error_of(pool->add_many(specs)), "instances[2].id: there is an instance 'a' already");
  EXPECT_EQ(pool->hash(), hash);
  specs[2].id = "c";
  specs[2].capacity = {{"tb", dec(1)}};
  EXPECT_EQ(error_of(pool->add_many(specs)), "instances[2].capacity: there is no dimension 'tb'; did you mean 'gb'?");
  EXPECT_EQ(error_of(pool->add(specs[2])), "capacity: there is no dimension 'tb'; did you mean 'gb'?");
  EXPECT_EQ(pool->hash(), hash);
  specs.pop_back();
  EXPECT_EQ(error_of(pool->add_many(specs)), "");
  EXPECT_EQ(error_of(pool->add(specs[0])), "id: there is an instance 'a' already");
}

TEST(Pool, ChangesAndRemovesManyOrNone) {
  const auto pool = disks({10, 10});
  const Hash128 hash = pool->hash();
  InstanceSpec first = change_of("d1");
  first.location = "x";
  EXPECT_EQ(error_of(pool->change(std::vector{first, change_of("d9")})), "instances[1].id: there is no instance 'd9'");
  EXPECT_EQ(error_of(pool->remove(std::vector<std::string>{"d1", "d1"})), "instances[1].id: there is no instance 'd1'");
  EXPECT_EQ(error_of(pool->remove("d9")), "id: there is no instance 'd9'");
  EXPECT_EQ(pool->hash(), hash);
  const Grant held = grant(*pool, ask_gb("alice", 1));
  EXPECT_EQ(error_of(pool->remove("d1")), "'d1' has 1 claims: release or move them first");
  ASSERT_EQ(error_of(pool->release({held.claims[0].claim})), "");
  EXPECT_EQ(error_of(pool->remove(std::vector<std::string>{"d1", "d2"})), "");
  EXPECT_EQ(pool->instances().rows, 0U);
}

TEST(Pool, AnInstancesPolicyMustFitItsType) {
  const auto pool =
      disks({1}, "{'types': {'disk': {'dimensions': {'gb': {}}}}, 'policies': {'odd': {'score': 'used.tb'}}}");
  InstanceSpec spec = change_of("d1");
  spec.policy = "odd";
  EXPECT_TRUE(error_of(pool->change(spec)).starts_with("policy.policies.odd.score: line 1"))
      << error_of(pool->change(spec));
  spec.policy = "od";
  EXPECT_EQ(error_of(pool->change(spec)), "policy: there is no policy 'od'; did you mean 'odd'?");
}

TEST(Pool, KnowsConsumers) {
  const auto pool = disks({10},
                          "{'types': {'disk': {'dimensions': {'gb': {}}}}, 'consumer_kinds': {'user': {'attributes': "
                          "{'speed': {'kind': 'number', 'min': 1}, 'name': {'kind': 'string', 'required': true}, "
                          "'tags': {'kind': 'list'}}}}}");
  const Hash128 hash = pool->hash();
  const std::pair<ConsumerSpec, const char*> rows[] = {
      {{"", "", {}}, "id: a consumer's id has 1 to 200 bytes of UTF-8 without control characters"},
      {{std::string(201, 'x'), "", {}}, "id: a consumer's id has 1 to 200 bytes of UTF-8 without control characters"},
      {{"a", "uzer", {}}, "kind: there is no consumer kind 'uzer'"},
      {{"a", "user", {}}, "attributes: the required attribute 'name' has no value"},
      {{"a", "user", {{"sped", Node("x")}}}, "attributes: there is no attribute 'sped'; did you mean 'speed'?"},
      {{"a", "", {{"speed", Node("x")}}}, "attributes: there is no attribute 'speed'"},
      {{"a", "user", {{"name", Node("x")}, {"speed", Node(dec("0.5"))}}},
       "attributes.speed: 0.5 is below the smallest allowed value, 1"},
      {{"a", "user", {{"name", Node("x")}, {"tags", Node(Node::List{Node("t")})}}},
       "attributes.tags: lists are not kept for consumers"},
  };
  for (const auto& [spec, error] : rows) EXPECT_EQ(error_of(pool->add_consumer(spec)), error);
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_EQ(error_of(pool->add_consumer({"a", "user", {{"name", Node("x")}, {"speed", Node(dec(2))}}})), "");
  Request request = ask_gb("a", 1);
  request.where = "consumer.kind == 'user' && consumer.name == 'x' && consumer.speed > 1";
  EXPECT_EQ(chosen(*pool, request), "d1");
  EXPECT_EQ(error_of(pool->remove_consumer("a")), "consumer 'a' has 1 claims: release them first");
  EXPECT_EQ(error_of(pool->remove_consumer("b")), "there is no consumer 'b'");
}

TEST(Pool, RefreshesUsageInOneChange) {
  const auto pool = disks({10, 10});
  const std::uint64_t number = pool->revision().number;
  ASSERT_EQ(error_of(pool->update_usage({{"d1", "gb", false, 3}, {"d2", "gb", false, 1}, {"d2", "gb", true, 2}})), "");
  EXPECT_EQ(pool->revision().number, number + 1);
  Request coolest = ask_gb("a", 1);
  coolest.own_policy = PolicyDefinition{"coolest", "", "", "usage.gb", Order::kMin, 0, Ties::kLowestId, 0, {}};
  EXPECT_EQ(chosen(*pool, coolest), "d2");
  ASSERT_EQ(error_of(pool->update_usage({{"d2", "gb", false, std::nan("")}})), "");
  EXPECT_EQ(chosen(*pool, coolest), "d1") << "d2 has no value";
  EXPECT_EQ(error_of(pool->update_usage({{"d9", "gb", false, 3}})), "readings[0]: there is no instance 'd9'");
  EXPECT_EQ(error_of(pool->update_usage({{"d1", "tb", false, 3}})), "readings[0]: 'd1' has no dimension 'tb'");
  EXPECT_TRUE(
      error_of(pool->update_usage({{"d1", "gb", false, -3}})).starts_with("readings[0]: usage is a number >= 0"));
  EXPECT_TRUE(error_of(pool->update_usage({{"d1", "gb", false, INFINITY}})).starts_with("readings[0]"));
}

TEST(Pool, ItsClockStandsUntilTick) {
  const auto pool = disks({10});
  Request mark = ask_gb("a", 4);
  mark.mark = true;
  mark.expires = 100;
  grant(*pool, mark);
  Request until = ask_gb("b", 1);
  until.ends = 150;
  grant(*pool, until);
  EXPECT_EQ(*pool->tick(99), 0U);
  EXPECT_EQ(*pool->tick(100), 1U);
  EXPECT_EQ(pool->now(), 100);
  EXPECT_EQ(error_of(pool->tick(99)), "now: time cannot go back");
  EXPECT_EQ(*pool->tick(1000), 1U);
  EXPECT_EQ(pool->claims().rows, 0U);
  Pool live;
  EXPECT_TRUE(error_of(live.tick(5)).starts_with("now: this pool follows the machine's clock"));
  EXPECT_EQ(*live.tick(std::nullopt), 0U);
  EXPECT_GT(live.now(), 1'600'000'000 * kSecond);
}

TEST(Pool, ForksAndFormerStatesAreIndependent) {
  const auto pool = disks({10, 10});
  const std::uint64_t number = pool->revision().number;
  const Hash128 before = pool->hash();
  grant(*pool, ask_gb("a", 4));
  const auto fork = pool->fork();
  EXPECT_EQ(fork->hash(), pool->hash());
  const auto then = pool->at(number);
  ASSERT_TRUE(then);
  EXPECT_EQ((*then)->hash(), before);
  grant(**then, ask_gb("b", 1));
  grant(*fork, ask_gb("c", 1));
  EXPECT_EQ(pool->claims().rows, 1U);
  EXPECT_EQ(error_of(pool->at(9999)).find("revision 9999 is not kept"), 0U);
}

TEST(Pool, TheJournalSaysWhatHappened) {
  const auto pool = disks({10});
  grant(*pool, ask_gb("a", 4));
  static_cast<void>(denial(*pool, ask_gb("a", 40)));
  const auto [first, last] = pool->journal_range();
  EXPECT_EQ(first, 1U);
  EXPECT_EQ(last, pool->revision().number);
  std::string all;
  for (std::uint64_t number = first; number <= last; ++number) all += to_json(*pool->journal_entry(number)) + "\n";
  EXPECT_NE(all.find(R"("area": "catalog", "define": "type", "name": "disk")"), std::string::npos);
  EXPECT_NE(all.find(R"("put": "d1", "type": "disk", "capacity": {"gb": 10})"), std::string::npos);
  EXPECT_NE(all.find(R"("claims": [{"claim": "0.0", "instance": "d1"}])"), std::string::npos);
  EXPECT_NE(all.find(R"("class": "never")"), std::string::npos);
  EXPECT_TRUE(pool->journal_entry(last + 1).has_error());
  EXPECT_EQ(pool->number_at(0), last);
}

TEST(Pool, RestoresWithTheTimeOfItsLastChange) {
  const auto pool = disks({10});
  ASSERT_TRUE(pool->tick(500));
  grant(*pool, ask_gb("a", 4));
  const auto copy = Pool::restore(pool->snapshot(), {0, 1 << 20, Time{0}});
  ASSERT_TRUE(copy);
  EXPECT_EQ((*copy)->hash(), pool->hash());
  EXPECT_EQ((*copy)->now(), 500);
  grant(**copy, ask_gb("b", 1));
  const Result<std::shared_ptr<Pool>> bad = Pool::restore("nonsense");
  ASSERT_TRUE(bad.has_error());
  EXPECT_EQ(bad.error().code, ErrorCode::kCorrupt);
}

TEST(Pool, APolicyThatNoTypeUsesIsCheckedForWhatNoTypeCanCure) {
  const auto pool = make_pool();
  const std::vector<std::string> found = problems_of(
      *pool,
      "{'policies': {'a': {'score': 'nope(used.gb)'}, 'b': {'where': 'self.heat'}, 'c': {'score': '-self.heat'}}}");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].starts_with("policies.a.score: line 1, column 1: found the unknown function 'nope()'"))
      << found[0];
}

}  // namespace
}  // namespace apportion
