#include <gtest/gtest.h>

#include <random>

#include "apportion/inventory/inventory.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

World sample() {
  World world;
  EXPECT_TRUE(
      world.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}}, 'fields': {'t': {'kind': 'list'}}}")
          .has_value());
  EXPECT_TRUE(world.define(Catalog::kDefineRelationship, "twin", "{'from': 'disk', 'to': 'disk'}").has_value());
  for (int i = 0; i < 20; ++i) {
    const std::string id = std::to_string(i);
    world.put_tree("{'id': 'd" + id + "', 'type': 'disk', 'capacity': {'gb': " + id + "}, 'labels': {'n': '" + id +
                   "'}, 'fields': {'t': ['x', '" + id + "']}" + (i > 9 ? ", 'relationships': {'twin': 'd0'}" : "") +
                   "}");
  }
  // A child whose row lies before its parent's, and free rows in another order than that of their numbers.
  for (const char* id : {"d3", "d7", "d5"}) EXPECT_TRUE(world.remove(id).has_value());
  world.put_tree("{'id': 'child', 'type': 'disk', 'parent': 'd19'}");
  EXPECT_TRUE(world.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {'step': 0.1}}}").has_value());
  world.put_tree("{'id': 'e1', 'type': 'disk', 'capacity': {'gb': 0.7}, 'usage': {'gb': 0.25}}");
  return world;
}

TEST(InventorySnapshot, RestoresRowsOrdinalsAndFreeRows) {
  World world = sample();
  World copy = world.restored();
  EXPECT_EQ(copy.inventory().count(), world.inventory().count());
  EXPECT_EQ(copy.inventory().next_ordinal(), world.inventory().next_ordinal());
  for (const char* id : {"n1", "n2", "n3"}) {
    const std::string json = "{'id': '" + std::string(id) + "', 'type': 'disk', 'version': 1}";
    EXPECT_EQ(world.put_tree(json), copy.put_tree(json)) << "the free rows come in the same order";
  }
  EXPECT_EQ(copy.hash(), world.hash());
  EXPECT_EQ(copy.inventory().scale(0, 0), world.inventory().scale(0, 0));
  EXPECT_TRUE(copy.remove("d19").has_error()) << "it is a parent";
  EXPECT_EQ(copy.inventory().spec_of(copy.inventory().find("d12")),
            world.inventory().spec_of(world.inventory().find("d12")));
}

/// A snapshot taken apart into its records and put together again with a right header.
struct Records {
  explicit Records(const World& world) : expected(world.hash()) {
    for (const std::uint8_t area : {kSymbolsArea, kCatalogArea, kInventoryArea, kLedgerArea}) {
      world.state().section<Section>(area).snapshot(
          [&](Kind kind, std::string_view payload) { all.emplace_back(kind, payload); });
    }
  }
  [[nodiscard]] Status restore() const {
    std::string bytes;
    std::uint64_t number = 0;
    for (const auto& [kind, payload] : all) encode_change({kind, 1, {0, 0, ++number}, 0, payload}, bytes);
    Writer header;
    header.put(std::uint32_t{0}).put(std::uint32_t{0}).put(std::uint64_t{50}).put(std::int64_t{0});
    header.put(expected.high).put(expected.low).put(number).put(std::uint64_t{bytes.size()});
    header.put(hash_bytes(header.bytes()));
    World copy;
    return copy.state().restore(std::string("apportion snapshot 1\n").append(header.bytes()) + bytes);
  }
  std::string& payload(Kind kind, std::size_t nth = 0) {
    for (auto& [held, bytes] : all) {
      if (held == kind && nth-- == 0) return bytes;
    }
    throw std::runtime_error("no such record");
  }

  std::vector<std::pair<Kind, std::string>> all;
  Hash128 expected;
};

template <class T>
void poke(std::string& bytes, std::size_t at, T value) {
  Writer writer;
  writer.put(value);
  bytes.replace(at, sizeof(T), writer.bytes());
}

// The rows are 0 to 19: 3 and 7 are free, 5 is the child's. Symbol 2 is the label's key.
// Offsets of kPut: version 0, row 4, ordinal 8, granted 16, children 24, id 28, address 32, location 36, parent 40.
TEST(InventorySnapshot, RefusesRecordsThatMakeNoWhole) {
  const World world = sample();
  ASSERT_EQ(message_of(Records(world).restore()), "");
  struct Row {
    const char* what;
    std::function<void(Records&)> damage;
    const char* message;
  };
  const Row rows[] = {
      {"a row that is free and taken", [](Records& r) { poke<std::uint32_t>(r.payload(Inventory::kPut, 4), 4, 4); },
       "free and taken"},
      {"a row twice", [](Records& r) { poke<std::uint32_t>(r.payload(Inventory::kPut, 1), 4, 1); }, "taken or missing"},
      {"a row beyond", [](Records& r) { poke<std::uint32_t>(r.payload(Inventory::kPut, 1), 4, 99); },
       "taken or missing"},
      {"a row of no one", [](Records& r) { poke<std::uint32_t>(r.payload(Inventory::kTable), 4, 21); },
       "neither free nor taken"},
      {"an ordinal twice", [](Records& r) { poke<std::uint64_t>(r.payload(Inventory::kPut, 1), 8, 1); }, "ordinals"},
      {"an ordinal to come", [](Records& r) { poke<std::uint64_t>(r.payload(Inventory::kPut, 1), 8, 99); }, "ordinals"},
      {"no ordinal", [](Records& r) { poke<std::uint64_t>(r.payload(Inventory::kPut, 1), 8, 0); }, "out of place"},
      {"no next ordinal", [](Records& r) { poke<std::uint64_t>(r.payload(Inventory::kNext), 0, 0); },
       "a damaged ordinal"},
      {"the last ordinal", [](Records& r) { poke<std::uint64_t>(r.payload(Inventory::kNext), 0, ~std::uint64_t{0}); },
       "a damaged ordinal"},
      {"a live record", [](Records& r) { poke<std::uint32_t>(r.payload(Inventory::kPut, 1), 4, 0); }, "out of place"},
      {"too many children", [](Records& r) { poke<std::uint32_t>(r.payload(Inventory::kPut, 1), 24, 1); }, "children"},
      {"an unknown parent", [](Records& r) { poke<std::uint32_t>(r.payload(Inventory::kPut, 1), 40, 2); }, "parent"},
      {"its own parent",
       [](Records& r) {
         std::string& put = r.payload(Inventory::kPut, 1);
         put.replace(40, 4, put.substr(28, 4));
       },
       "parent"},
      {"an id twice",
       [](Records& r) { r.payload(Inventory::kPut, 1).replace(28, 4, r.payload(Inventory::kPut, 0).substr(28, 4)); },
       "out of place"},
      {"the table twice", [](Records& r) { r.all.emplace_back(Inventory::kTable, r.payload(Inventory::kTable)); },
       "a table record is damaged"},
      {"no next ordinal",
       [](Records& r) { std::erase_if(r.all, [](const auto& pair) { return pair.first == Inventory::kNext; }); },
       "ordinals"},
      {"a removal",
       [](Records& r) { r.all.emplace_back(Inventory::kRemove, r.payload(Inventory::kPut).substr(28, 4)); },
       "no such inventory change"},
      {"one instance fewer",
       [](Records& r) { std::erase(r.all, std::pair(Kind{Inventory::kPut}, r.payload(Inventory::kPut, 1))); },
       "neither free nor taken"},
  };
  for (const Row& row : rows) {
    Records records(world);
    row.damage(records);
    const Status status = records.restore();
    ASSERT_TRUE(status.has_error()) << row.what;
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt) << row.what;
    EXPECT_NE(status.error().message.find(row.message), std::string::npos)
        << row.what << ": " << status.error().message;
  }
}

TEST(InventorySnapshot, ItsRecordsAreNoLiveChanges) {
  World world = sample();
  const Records records(world);
  for (const auto& [kind, payload] : records.all) {
    if (area_of(kind) == kInventoryArea) {
      EXPECT_TRUE(world.try_write(kind, payload).has_error()) << kind;
    }
  }
}

TEST(InventorySnapshot, DescribesItsChanges) {
  World world = sample();
  const std::string put = world.encode(world.inventory().spec_of(world.inventory().find("e1"))).value();
  EXPECT_EQ(to_json(world.inventory().describe(world.change(Inventory::kPut, put))),
            R"({"put": "e1", "type": "disk", "capacity": {"gb": 0.7}})");
  Writer writer;
  writer.put(world.symbols().find("e1"));
  EXPECT_EQ(to_json(world.inventory().describe(world.change(Inventory::kRemove, writer.bytes()))),
            R"({"remove": "e1"})");
  const Inventory::Reading reading{world.inventory().find("e1"), 0, false, 1};
  const std::string usage = Inventory::encode_usage(std::span(&reading, 1));
  EXPECT_EQ(to_json(world.inventory().describe(world.change(Inventory::kUsage, usage))), R"({"readings": 1})");
}

}  // namespace
}  // namespace apportion
