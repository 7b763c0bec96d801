#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

constexpr const char* kFine = R"({'types': {'disk': {'dimensions': {'gb': {'step': 0.001}},
  'fields': {'media': {'kind': 'string', 'required': true}}}}})";

Migration of_disks() {
  Migration migration;
  migration.type = "disk";
  migration.values.fields = {{"media", Node("hdd")}};
  return migration;
}

/// Two disks with claims, and a second version of their type.
std::shared_ptr<Pool> two_versions() {
  auto pool = disks({10, 20});
  grant(*pool, ask_gb("ada", 4));
  grant(*pool, ask_gb("bob", 15));
  apply_document(*pool, kFine);
  return pool;
}

std::int64_t version_of(const Pool& pool, std::string_view id) {
  const Node tree = pool.instance(id).value();
  for (const auto& [name, value] : *tree.map()) {
    if (name == "version") return value.number()->to_int64().value();
  }
  return 0;
}

TEST(PoolMigrate, MovesTheOlderVersionsToTheNewest) {
  const auto pool = two_versions();
  const std::uint64_t before = pool->revision().number;
  const auto moved = pool->migrate(of_disks());
  ASSERT_TRUE(moved) << error_of(moved);
  EXPECT_EQ(moved->version, 2U);
  EXPECT_EQ(moved->instances, 2U);
  EXPECT_EQ(moved->claims, 2U);
  EXPECT_EQ(moved->dropped, Dropped{});
  EXPECT_EQ(version_of(*pool, "d1"), 2);
  // 'hdd' is a new text; the rest is one change.
  EXPECT_EQ(pool->revision().number, before + 2);
  EXPECT_EQ(to_json(pool->journal_entry(before + 2).value()),
            R"({"revision": ")" + pool->revision().text() + R"(", "time": 0, "area": "ledger", "migrate": "disk", )" +
                R"("version": 2, "instances": ["d1", "d2"], "claims": 2})");
  EXPECT_EQ(chosen(*pool, ask("eve", {{"gb", dec("4.999")}})), "d1");
  EXPECT_EQ(denial(*pool, ask("eve", {{"gb", dec("5.001")}})).denial_class, DenialClass::kFragmented);
  EXPECT_EQ(restored(*pool)->hash(), pool->hash());
}

TEST(PoolMigrate, NothingToMoveIsNoChange) {
  const auto pool = two_versions();
  ASSERT_TRUE(pool->migrate(of_disks()));
  const Revision revision = pool->revision();
  const auto again = pool->migrate(of_disks());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->instances, 0U);
  EXPECT_EQ(again->version, 2U);
  EXPECT_EQ(pool->revision(), revision);
}

TEST(PoolMigrate, ChosenInstancesAndVersions) {
  const auto pool = two_versions();
  Migration migration = of_disks();
  migration.instances = std::vector<std::string>{"d2", "d2"};
  EXPECT_EQ(pool->migrate(migration)->instances, 1U);
  EXPECT_EQ(version_of(*pool, "d1"), 1);
  EXPECT_EQ(version_of(*pool, "d2"), 2);
  // Back to where it was: everything of another version goes there.
  Migration back;
  back.type = "disk";
  back.to = 1;
  const auto moved = pool->migrate(back);
  ASSERT_TRUE(moved) << error_of(moved);
  EXPECT_EQ(moved->instances, 1U);
  EXPECT_EQ(moved->dropped, (Dropped{{"fields.media", 1}}));
  EXPECT_EQ(version_of(*pool, "d2"), 1);
}

TEST(PoolMigrate, RowsComeInOrderOfArrival) {
  const auto pool = two_versions();
  Migration migration = of_disks();
  migration.instances = std::vector<std::string>{"d2", "d1"};
  ASSERT_TRUE(pool->migrate(migration));
  EXPECT_EQ(values<TableColumn::Texts>(pool->instances(), "id"), (std::vector<std::string>{"d1", "d2"}));
}

TEST(PoolMigrate, ADryRunLeavesNoTrace) {
  const auto pool = two_versions();
  const Hash128 hash = pool->hash();
  const Revision revision = pool->revision();
  Migration migration = of_disks();
  migration.dry_run = true;
  const auto moved = pool->migrate(migration);
  ASSERT_TRUE(moved) << error_of(moved);
  EXPECT_EQ(moved->instances, 2U);
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_EQ(pool->revision(), revision);
  EXPECT_EQ(version_of(*pool, "d1"), 1);
  migration.dry_run = false;
  EXPECT_EQ(pool->migrate(migration)->claims, moved->claims);
}

TEST(PoolMigrate, EveryRevisionComesBack) {
  const auto pool = two_versions();
  const std::uint64_t number = pool->revision().number;
  const Hash128 before = pool->hash();
  const auto fork = pool->fork();
  ASSERT_TRUE(pool->migrate(of_disks()));
  const auto then = pool->at(number);
  ASSERT_TRUE(then);
  EXPECT_EQ((*then)->hash(), before);
  EXPECT_EQ(version_of(**then, "d1"), 1);
  EXPECT_EQ((*pool->at(pool->revision().number))->hash(), pool->hash());
  EXPECT_EQ(fork->hash(), before) << "a fork never sees it";
}

TEST(PoolMigrate, HandlesAndKeysStayGood) {
  const auto pool = disks({10});
  Request request = ask_gb("ada", 4);
  request.key = "k";
  const Grant first = grant(*pool, request);
  request.mark = true;
  request.key = "m";
  request.expires = 50;
  const Grant mark = grant(*pool, request);
  apply_document(*pool, kFine);
  ASSERT_TRUE(pool->migrate(of_disks()));
  request.mark = false;
  request.key = "k";
  request.expires = kForever;
  const Grant again = grant(*pool, request);
  EXPECT_EQ(again.claims[0].claim, first.claims[0].claim);
  EXPECT_EQ(again.claims[0].version->number, 2U);
  EXPECT_EQ(again.claims[0].amounts(), first.claims[0].amounts());
  ASSERT_TRUE(pool->commit({mark.claims[0].claim}).has_value());
  ASSERT_TRUE(pool->release({first.claims[0].claim, mark.claims[0].claim}).has_value());
  // The journal still knows where they were.
  const std::string entry = to_json(pool->journal_entry(first.revision.number).value());
  EXPECT_NE(entry.find("\"claims\""), std::string::npos) << entry;
}

TEST(PoolMigrate, AnEarlierGrantStillNamesItsInstance) {
  const auto pool = disks({10});
  const std::uint64_t number = grant(*pool, ask_gb("ada", 4)).revision.number;
  apply_document(*pool, kFine);
  const auto entry = [&] { return to_json(pool->journal_entry(number).value()); };
  const std::string before = entry();
  EXPECT_NE(before.find("\"instance\": \"d1\""), std::string::npos) << before;
  ASSERT_TRUE(pool->migrate(of_disks()));
  EXPECT_NE(entry().find("\"instance\": \"d1\""), std::string::npos) << entry();
}

TEST(PoolMigrate, WhatIsDueEndsFirst) {
  const auto pool = disks({10});
  Request request = ask_gb("ada", 4);
  request.mark = true;
  request.expires = 50;
  grant(*pool, request);
  apply_document(*pool, kFine);
  ASSERT_TRUE(pool->tick(49));
  EXPECT_EQ(pool->fork()->migrate(of_disks())->claims, 1U);
  ASSERT_TRUE(pool->tick(50));
  EXPECT_EQ(pool->migrate(of_disks())->claims, 0U);
}

TEST(PoolMigrate, MoreConsumersThanTheNewVersionSharesAmongStay) {
  const auto pool = disks({10});
  for (const char* name : {"ada", "bob", "eve"}) grant(*pool, ask_gb(name, 1));
  apply_document(*pool, R"({'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}, 'max_consumers': 2}}})");
  Migration migration;
  migration.type = "disk";
  EXPECT_EQ(pool->migrate(migration)->claims, 3U);
  EXPECT_EQ(chosen(*pool, ask_gb("dan", 1)), "") << "nobody new";
  EXPECT_EQ(chosen(*pool, ask_gb("eve", 1)), "d1");
}

TEST(PoolMigrate, MisuseIsRefusedWhole) {
  const auto pool = two_versions();
  apply_document(*pool, R"({'types': {'rack': {}}, 'instances': [{'id': 'r', 'type': 'rack'}]})");
  const auto with = [](auto change) {
    Migration migration = of_disks();
    change(migration);
    return migration;
  };
  const std::pair<Migration, const char*> rows[] = {
      {with([](Migration& m) { m.type = "dsk"; }), "type: there is no type 'dsk'; did you mean 'disk'?"},
      {with([](Migration& m) { m.to = 7; }), "to: type 'disk' has no version 7; the newest is 2"},
      {with([](Migration& m) { m.to = 0; }), "to: type 'disk' has no version 0; the newest is 2"},
      {with([](Migration& m) { m.instances = {{"d1", "d9"}}; }), "instances[1]: there is no instance 'd9'"},
      {with([](Migration& m) { m.instances = {{"r"}}; }), "instances[0]: 'r' is of type 'rack'"},
      {with([](Migration& m) { m.values.fields.clear(); }), "fields: 'd1': the required field 'media' has no value"},
      {with([](Migration& m) { m.values.fields = {{"media", Node(Decimal(1))}}; }),
       "fields.media: expected text, found the number 1"},
      {with([](Migration& m) { m.values.capacity = {{"tb", dec(1)}}; }), "capacity: there is no dimension 'tb'"},
  };
  const Hash128 hash = pool->hash();
  const Revision revision = pool->revision();
  for (const auto& [migration, message] : rows) {
    EXPECT_TRUE(error_of(pool->migrate(migration)).starts_with(message)) << error_of(pool->migrate(migration));
    EXPECT_EQ(pool->hash(), hash);
    EXPECT_EQ(pool->revision(), revision);
  }
}

TEST(PoolMigrate, AnOwnPolicyMustMakeSenseThere) {
  const auto pool = disks({10}, R"({'types': {'disk': {'dimensions': {'gb': {}},
    'fields': {'rack': {'kind': 'number', 'default': 1}}}}, 'policies': {'racks': {'score': 'self.rack'}}})");
  InstanceSpec spec;
  spec.id = "d1";
  spec.policy = "racks";
  ASSERT_TRUE(pool->change(spec).has_value());
  apply_document(*pool, kFine);
  const std::string refused = error_of(pool->migrate(of_disks()));
  EXPECT_NE(refused.find("'d1' has a policy of its own that the new version cannot use: "), std::string::npos)
      << refused;
  spec.policy = "";
  ASSERT_TRUE(pool->change(spec).has_value());
  EXPECT_EQ(error_of(pool->migrate(of_disks())), "");
}

}  // namespace
}  // namespace apportion
