#include <gtest/gtest.h>

#include <functional>

#include "apportion/ledger/ledger.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

World sample() {
  World world;
  EXPECT_TRUE(world.define(Catalog::kDefineType, "disk", "{'dimensions': {'gb': {}}}").has_value());
  const InstanceRef d1 = world.put_tree("{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 100}}");
  const InstanceRef d2 = world.put_tree("{'id': 'd2', 'type': 'disk', 'capacity': {'gb': 100}}");
  world.now = 50;
  EXPECT_TRUE(world.write(Ledger::kConsumer, Ledger::consumer_payload("idle", 0, 0, {})).has_value());
  std::vector<ClaimId> claims;
  for (int i = 0; i < 12; ++i) claims.push_back(world.claim("c" + std::to_string(i % 4), i % 2 == 0 ? d1 : d2, {i}));
  EXPECT_TRUE(world.release({claims[3], claims[8], claims[1]}).has_value());
  GrantRecord grant = world.grant("alice", {d1, d2, d1}, {1});
  grant.cursor = 7;
  grant.request.key = {{1, 2}, 3};
  grant.request.mark = true;
  grant.request.expires = 99;
  EXPECT_TRUE(world.write(grant).has_value());
  EXPECT_TRUE(world.release({grant.claims[1].claim}).has_value());
  return world;
}

TEST(LedgerSnapshot, RestoresClaimsAndWhatFollows) {
  World world = sample();
  World copy = world.restored();
  const Ledger& a = world.ledger();
  const Ledger& b = copy.ledger();
  EXPECT_EQ(b.claim_count(), a.claim_count());
  EXPECT_EQ(b.cursor(7), a.cursor(7));
  EXPECT_EQ(b.keys().find({1, 2})->digest, 3U);
  EXPECT_EQ(b.due(99), a.due(99));
  EXPECT_EQ(next_claims(b, 6), next_claims(a, 6));
  for (std::uint32_t slot = 0; slot < a.slots(); ++slot)
    EXPECT_EQ(b.grant_of(b.id_of(slot)), a.grant_of(a.id_of(slot)));
  for (World* each : {&world, &copy}) {
    each->claim("new", each->inventory().find("d1"), {3});
    ASSERT_TRUE(each->write(Ledger::kExpire, Ledger::payload(each->ledger().due(99))).has_value());
  }
  EXPECT_EQ(copy.hash(), world.hash());
}

TEST(LedgerSnapshot, OfTypesWithoutDimensions) {
  World world;
  ASSERT_TRUE(world.define(Catalog::kDefineType, "seat", "{}").has_value());
  const InstanceRef seat = world.put_tree("{'id': 's', 'type': 'seat'}");
  for (int i = 0; i < 20; ++i) world.claim("c", seat, {});
  EXPECT_EQ(world.restored().ledger().claim_count(), 20U);
}

TEST(LedgerSnapshot, IsRefusedAtEveryLengthAndWithAnyBitFlipped) {
  const World world = sample();
  std::string bytes = world.state().snapshot();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    World copy;
    ASSERT_TRUE(copy.state().restore(std::string_view(bytes).substr(0, size)).has_error()) << size;
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const char kept = bytes[bit / 8];
    bytes[bit / 8] = static_cast<char>(kept ^ (1 << (bit % 8)));
    World copy;
    ASSERT_TRUE(copy.state().restore(bytes).has_error()) << "bit " << bit;
    bytes[bit / 8] = kept;
  }
}

// One record changed, applied to a state that has everything before it.
Status apply_changed(const World& world, Kind kind, const std::function<void(std::string&)>& damage) {
  World copy;
  Status answer;
  for (const std::uint8_t area : {kSymbolsArea, kCatalogArea, kInventoryArea, kLedgerArea}) {
    auto& section = copy.state().section<Section>(area);
    world.state().section<Section>(area).snapshot([&](Kind held, std::string_view payload) {
      std::string bytes(payload);
      if (held == kind) damage(bytes);
      Change change{held, 1, {0, 0, 1}, world.state().time(), bytes};
      change.restored = true;
      Transaction log;
      const Status status = section.apply(change, log);
      if (status.has_error() && !answer.has_error()) answer = status;
    });
    if (const Status whole = section.check_whole(); whole.has_error() && !answer.has_error()) answer = whole;
  }
  return answer;
}

template <class T>
void poke(std::string& bytes, std::size_t at, T value) {
  Writer writer;
  writer.put(value);
  bytes.replace(at, sizeof(T), writer.bytes());
}

TEST(LedgerSnapshot, CursorsStandInOneOrderWhateverTheTableDoes) {
  World world = sample();
  for (const std::uint64_t key : {std::uint64_t{15}, std::uint64_t{31}}) {  // the second has no room but at the front
    GrantRecord grant = world.grant("alice", {world.inventory().find("d1")}, {0});
    grant.cursor = key;
    ASSERT_TRUE(world.write(grant).has_value());
  }
  EXPECT_EQ(world.restored().state().snapshot(), world.state().snapshot());
}

TEST(LedgerSnapshot, RefusesRecordsThatMakeNoWhole) {
  const World world = sample();
  const std::uint32_t free = 1;  // slot 8, the member that was released
  const std::size_t row = 8 + std::size_t{free} * 8;
  ASSERT_EQ(message_of(apply_changed(world, Ledger::kClaims,
                                     [&](std::string& b) {
                                       Reader reader(std::string_view(b).substr(4));
                                       ASSERT_EQ(reader.get<std::uint32_t>(), free);
                                     })),
            "");
  // A claim: slot 0, generation 4, state 8, filtered 9, labels 10, version 14, row 18, consumer 22, role 26, next 30,
  // starts 34
  // ...
  struct Row {
    const char* what;
    Kind kind;
    std::function<void(std::string&)> damage;
  };
  const Row rows[] = {
      {"a slot twice", Ledger::kClaims, [&](std::string& b) { poke<std::uint32_t>(b, row, 2); }},
      {"a free slot", Ledger::kClaims, [&](std::string& b) { b.replace(row, 4, b.substr(8, 4)); }},
      {"an unknown state", Ledger::kClaims, [&](std::string& b) { poke<std::uint8_t>(b, row + 8, 3); }},
      {"a free state", Ledger::kClaims, [&](std::string& b) { poke<std::uint8_t>(b, row + 8, 0); }},
      {"a filter that is neither there nor not", Ledger::kClaims,
       [&](std::string& b) { poke<std::uint8_t>(b, row + 9, 2); }},
      {"unknown labels", Ledger::kClaims, [&](std::string& b) { poke<std::uint32_t>(b, row + 10, 777); }},
      {"no such instance", Ledger::kClaims, [&](std::string& b) { poke<std::uint32_t>(b, row + 18, 77); }},
      {"no such consumer", Ledger::kClaims, [&](std::string& b) { poke<std::uint32_t>(b, row + 22, 77); }},
      {"an unknown role", Ledger::kClaims, [&](std::string& b) { poke<std::uint32_t>(b, row + 26, 777); }},
      {"a ring into another grant", Ledger::kClaims, [&](std::string& b) { poke<std::uint32_t>(b, row + 30, 2); }},
      {"a ring into nothing", Ledger::kClaims, [&](std::string& b) { poke<std::uint32_t>(b, row + 30, 777); }},
      {"a negative amount", Ledger::kClaims, [&](std::string& b) { poke<std::int64_t>(b, row + 66, -1); }},
      {"a huge amount", Ledger::kClaims, [&](std::string& b) { poke<std::int64_t>(b, row + 66, kMaxSteps + 1); }},
      {"too many slots", Ledger::kClaims, [&](std::string& b) { poke<std::uint32_t>(b, 0, 0xffffffff); }},
      {"a consumer without claims", Ledger::kConsumers,
       [&](std::string& b) {
         const std::size_t idle = b.find("idle");
         poke<std::uint32_t>(b, idle + 4, 0);
       }},
      {"a cursor without a key", Ledger::kCursors, [&](std::string& b) { poke<std::uint64_t>(b, 4, 0); }},
      {"a key of tomorrow", Ledger::kKeys, [&](std::string& b) { poke<std::int64_t>(b, 4 + 24, 51); }},
  };
  for (const Row& each : rows) {
    const Status status = apply_changed(world, each.kind, each.damage);
    ASSERT_TRUE(status.has_error()) << each.what;
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt) << each.what << ": " << status.error().message;
  }
}

}  // namespace
}  // namespace apportion
