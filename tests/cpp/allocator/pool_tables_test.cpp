#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

using Booleans = TableColumn::Booleans;
using Integers = TableColumn::Integers;
using Numbers = TableColumn::Numbers;
using TextLists = TableColumn::TextLists;
using Flags = std::vector<std::uint8_t>;

std::vector<std::string> names(const Table& table) {
  std::vector<std::string> found;
  for (const TableColumn& held : table.columns) found.push_back(held.name);
  return found;
}

void expect_even(const Table& table) {
  for (const TableColumn& held : table.columns) {
    EXPECT_EQ(held.size(), table.rows) << held.name;
    EXPECT_TRUE(held.valid.empty() || held.valid.size() == table.rows) << held.name;
  }
}

TEST(PoolTables, InstancesByOrdinalWithMissingValues) {
  const auto pool = make_pool(
      "{'types': {'disk': {'dimensions': {'gb': {'step': 0.1}}, 'fields': {'tags': {'kind': 'list'}, 'fast': {'kind': "
      "'boolean'}}}, 'node': {'dimensions': {'cpu': {}}, 'fields': {'slots': {'kind': 'integer'}}}}, 'instances': "
      "[{'id': "
      "'n1', 'type': 'node', 'labels': {'b': '2', 'a': '1'}, 'groups': ['g'], 'fields': {'slots': 7}, 'usage': {'cpu': "
      "2}}, {'id': 'd1', 'type': 'disk', 'capacity': {'gb': 2.5}, 'reserved': {'gb': 0.5}, 'fields': {'tags': "
      "['x']}}]}");
  grant(*pool, ask("alice", {{"gb", dec("0.3")}}));
  const Table table = pool->instances();
  expect_even(table);
  EXPECT_EQ(values<TableColumn::Texts>(table, "id"), (TableColumn::Texts{"n1", "d1"}));
  EXPECT_EQ(values<TableColumn::Texts>(table, "labels")[0], "a=1,b=2");
  EXPECT_EQ(values<TextLists>(table, "groups")[0], std::vector<std::string>{"g"});
  EXPECT_EQ(values<TextLists>(table, "fields.tags")[1], std::vector<std::string>{"x"});
  EXPECT_EQ(values<Numbers>(table, "fields.slots")[0], 7);
  EXPECT_EQ(column(table, "fields.slots")->valid, (Flags{1, 0}));
  EXPECT_EQ(column(table, "fields.fast")->valid, (Flags{0, 0}));
  EXPECT_EQ(values<TableColumn::Texts>(table, "status")[1], "online");
  EXPECT_EQ(values<Numbers>(table, "free.gb")[1], 1.7);  // 2.5 - 0.5 - 0.3
  EXPECT_EQ(column(table, "used.gb")->valid, (Flags{0, 1}));
  EXPECT_EQ(values<Numbers>(table, "usage.cpu")[0], 2);
  EXPECT_EQ(values<Integers>(table, "claims"), (Integers{0, 1}));
  EXPECT_EQ(values<Integers>(table, "granted"), (Integers{0, 1}));
}

TEST(PoolTables, InstancesShowWhatTheirLimitIsMadeOf) {
  const auto pool = make_pool(
      "{'types': {'disk': {'dimensions': {'gb': {'step': 0.1}}}}, 'instances': [{'id': 'd1', 'type': 'disk', "
      "'capacity': "
      "{'gb': 2.5}, 'reserved': {'gb': 0.5}, 'ratio': {'gb': 1.5}, 'policy': 'last'}, {'id': 'd2', 'type': 'disk'}]}");
  const Table table = pool->instances();
  EXPECT_EQ(values<Numbers>(table, "reserved.gb"), (Numbers{0.5, 0}));
  EXPECT_EQ(values<Numbers>(table, "ratio.gb"), (Numbers{1.5, 1}));
  EXPECT_EQ(values<Numbers>(table, "limit.gb"), (Numbers{3, 0}));  // (2.5 - 0.5) x 1.5
  EXPECT_EQ(values<TableColumn::Texts>(table, "policy"), (TableColumn::Texts{"last", ""}));
  apply_document(*pool,
                 "{'types': {'tape': {'state': {'policy': {'kind': 'enum', 'values': ['x'], 'default': 'x'}}}}}");
  EXPECT_EQ(values<TableColumn::Texts>(pool->instances(), "policy.own"), (TableColumn::Texts{"last", ""}));
}

TEST(PoolTables, ANameWithTwoMeaningsHasAColumnForEach) {
  const auto pool = make_pool(
      "{'types': {'disk': {'fields': {'size': {'kind': 'number'}}, 'state': {'version': {'kind': 'enum', 'values': "
      "['x'], "
      "'default': 'x'}}}, 'book': {'fields': {'size': {'kind': 'string'}}, 'dimensions': {'state': {}, 'claim': {}}}}, "
      "'instances': [{'id': 'd', 'type': 'disk', 'fields': {'size': 3}}, {'id': 'b', 'type': 'book', 'fields': "
      "{'size': "
      "'A5'}, 'capacity': {'state': 9, 'claim': 9}}], 'consumer_kinds': {'one': {'attributes': {'a': {'kind': "
      "'number'}}}, "
      "'two': {'attributes': {'a': {'kind': 'string'}}}}, 'consumers': [{'id': 'c1', 'kind': 'one', 'attributes': "
      "{'a': "
      "5}}, {'id': 'c2', 'kind': 'two', 'attributes': {'a': 'x'}}]}");
  const Table instances = pool->instances();
  expect_even(instances);
  EXPECT_EQ(values<Numbers>(instances, "fields.size")[0], 3);
  EXPECT_EQ(values<TableColumn::Texts>(instances, "fields.size.text")[1], "A5");
  EXPECT_EQ(values<Integers>(instances, "version"), (Integers{1, 1}));
  EXPECT_EQ(values<TableColumn::Texts>(instances, "version.text")[0], "x");
  Request request = ask("c1", {{"state", dec(2)}, {"claim", dec(3)}});
  request.type = "book";
  grant(*pool, request);
  const Table claims = pool->claims();
  expect_even(claims);
  EXPECT_EQ(values<TableColumn::Texts>(claims, "state")[0], "claim");
  EXPECT_EQ(values<Numbers>(claims, "state.number")[0], 2);
  EXPECT_EQ(values<Numbers>(claims, "claim.number")[0], 3);
  const Table consumers = pool->consumers();
  expect_even(consumers);
  EXPECT_EQ(values<Numbers>(consumers, "attributes.a")[0], 5);
  EXPECT_EQ(values<TableColumn::Texts>(consumers, "attributes.a.text")[1], "x");
}

TEST(PoolTables, ClaimsWithTheirGrantAndTimes) {
  const auto pool = disks({10, 10});
  ASSERT_TRUE(pool->tick(5));
  Request request = ask_gb("alice", 2, 2);
  request.mark = true;
  request.expires = 99;
  grant(*pool, request);
  grant(*pool, ask_gb("bob", 1));
  const Table table = pool->claims();
  expect_even(table);
  EXPECT_EQ(values<TableColumn::Texts>(table, "claim"), (TableColumn::Texts{"c0.0.0", "c0.1.0", "c0.2.0"}));
  EXPECT_EQ(values<TableColumn::Texts>(table, "grant"), (TableColumn::Texts{"c0.0.0", "c0.0.0", "c0.2.0"}));
  EXPECT_EQ(values<TableColumn::Texts>(table, "state"), (TableColumn::Texts{"mark", "mark", "claim"}));
  EXPECT_EQ(values<TableColumn::Texts>(table, "instance"), (TableColumn::Texts{"d1", "d2", "d1"}));
  EXPECT_EQ(values<Numbers>(table, "gb"), (Numbers{2, 2, 1}));
  EXPECT_EQ(values<TableColumn::Times>(table, "starts").values[0], 5);
  EXPECT_EQ(column(table, "ends")->valid, (Flags{0, 0, 0})) << "open ends are missing values";
  EXPECT_EQ(column(table, "expires")->valid, (Flags{1, 1, 0}));
  EXPECT_EQ(values<Integers>(table, "revision")[2], static_cast<std::int64_t>(pool->revision().number));
}

TEST(PoolTables, ConsumersAndTypes) {
  const auto pool = disks({10},
                          "{'types': {'disk': {'description': 'a disk', 'dimensions': {'gb': {}}, 'max_consumers': "
                          "3}}, 'consumers': [{'id': 'idle'}]}");
  grant(*pool, ask_gb("alice", 1));
  apply_document(*pool, "{'types': {'disk': {'dimensions': {'gb': {}, 'iops': {}}, 'policy': 'last'}}}");
  const Table consumers = pool->consumers();
  expect_even(consumers);
  EXPECT_EQ(values<TableColumn::Texts>(consumers, "id"), (TableColumn::Texts{"idle", "alice"}));
  EXPECT_EQ(values<Booleans>(consumers, "explicit"), (Booleans{1, 0}));
  EXPECT_EQ(values<Integers>(consumers, "claims"), (Integers{0, 1}));
  const Table types = pool->types();
  expect_even(types);
  EXPECT_EQ(values<Integers>(types, "version"), (Integers{1, 2}));
  EXPECT_EQ(values<Integers>(types, "instances"), (Integers{1, 0}));
  EXPECT_EQ(values<TableColumn::Texts>(types, "policy"), (TableColumn::Texts{"first", "last"}));
  EXPECT_EQ(column(types, "max_consumers")->valid, (Flags{1, 0}));
  EXPECT_EQ(values<TextLists>(types, "dimensions")[1], (std::vector<std::string>{"gb", "iops"}));
}

TEST(PoolTables, OfAnEmptyPool) {
  const auto pool = make_pool();
  for (const Table& table : {pool->instances(), pool->claims(), pool->consumers(), pool->types()}) {
    EXPECT_EQ(table.rows, 0U);
    EXPECT_FALSE(names(table).empty());
    expect_even(table);
  }
}

TEST(PoolTables, ASnapshotOfTheTableStaysAsItWas) {
  const auto pool = disks({10});
  const Table before = pool->instances();
  grant(*pool, ask_gb("a", 1));
  EXPECT_EQ(values<Numbers>(before, "used.gb")[0], 0);
  EXPECT_EQ(values<Numbers>(pool->instances(), "used.gb")[0], 1);
}

TEST(PoolTables, OneInstanceAsATree) {
  const auto pool = disks({10});
  grant(*pool, ask_gb("a", 4));
  const Node tree = *pool->instance("d1");
  EXPECT_EQ(to_json(*tree.find("capacity")), R"({"gb": 10})");
  EXPECT_EQ(to_json(*tree.find("used")), R"({"gb": 4})");
  EXPECT_EQ(to_json(*tree.find("limit")), R"({"gb": 10})");
  EXPECT_EQ(to_json(*tree.find("state")), R"({"status": "online", "security_status": "clear"})");
  EXPECT_EQ(to_json(*tree.find("over")), "false");
  EXPECT_EQ(error_of(pool->instance("d9")), "id: there is no instance 'd9'");
}

TEST(PoolTables, TheMetadataReadsBack) {
  const char* document =
      "{'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}, 'policy': 'mine'}}, 'policies': {'mine': {'score': "
      "'used.gb', 'quantum': 0.5, 'ties': 'seeded', 'seed': 3}}, 'consumer_kinds': {'user': {}}, 'relationships': "
      "{'twin': "
      "{'from': 'disk', 'to': 'disk'}}}";
  const auto pool = make_pool(document);
  Node metadata = pool->metadata();
  for (Node::Member& member : *metadata.map()) {
    // The named policies may not be defined anew.
    if (member.first == "policies") {
      std::erase_if(*member.second.map(), [](const Node::Member& policy) { return policy.first != "mine"; });
    }
  }
  Pool copy(PoolOptions{0, 1 << 20, Time{0}});
  std::vector<Problem> problems;
  ASSERT_EQ(error_of(copy.apply(metadata, problems)), "");
  EXPECT_EQ(copy.hash(), pool->hash());
}

}  // namespace
}  // namespace apportion
