#include "apportion/ledger/consumers.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "support/world.hpp"

namespace apportion {
namespace {

using Random = std::mt19937_64;

struct Described {
  std::uint32_t slot = 0;
  bool is_explicit = false;
  std::vector<Attribute> attributes;
};
using Plain = std::map<std::string, Described>;

// Names of one byte to 200, so that every size of block occurs.
std::string random_name(Random& random) {
  const std::uint64_t number = random() % 40;
  return std::string(1 + number * 5, 'n').substr(0, 196) + std::to_string(number);
}

void edit(Consumers& consumers, Plain& plain, const Symbols& symbols, Transaction& log, Random& random) {
  const std::string name = random_name(random);
  const auto known = plain.find(name);
  ASSERT_EQ(consumers.find(name) != Consumers::kNone, known != plain.end());
  if (known == plain.end()) {
    plain[name] = {consumers.add(log, name), false, {}};
  } else if (random() % 2 == 0) {
    std::vector<Attribute> attributes(random() % 5);
    for (Attribute& a : attributes) a = {static_cast<Symbol>(1 + random() % 3), random() % 2 == 0, 2};
    consumers.describe(log, known->second.slot, 1, attributes, 0, symbols);
    known->second.is_explicit = true;
    known->second.attributes = attributes;
  } else {
    consumers.remove(log, known->second.slot, symbols);
    plain.erase(known);
  }
}

void expect_equal(const Consumers& consumers, const Plain& plain) {
  ASSERT_EQ(consumers.count(), plain.size());
  for (const auto& [name, described] : plain) {
    ASSERT_EQ(consumers.find(name), described.slot);
    ASSERT_EQ(consumers.name(described.slot), name);
    ASSERT_EQ(consumers.attributes(described.slot), described.attributes);
    ASSERT_EQ(consumers.row(described.slot).explicit_ != 0, described.is_explicit);
  }
}

class ConsumersTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* text : {"a", "b", "c"}) world_.text(text);
  }
  [[nodiscard]] const Symbols& symbols() const { return world_.symbols(); }
  World world_;
};

TEST_F(ConsumersTest, EqualAMapThroughForksAndRollbacks) {
  Random random(1);
  Consumers consumers;
  Plain plain;
  for (int round = 0; round < 1500; ++round) {
    Transaction log;
    const Plain before = plain;
    const Hash128 hash = consumers.hash();
    const Consumers fork = consumers;
    for (std::size_t i = random() % 8; i > 0; --i) edit(consumers, plain, symbols(), log, random);
    if (round % 20 == 0) {
      expect_equal(fork, before);
      expect_equal(consumers, plain);
    }
    if (random() % 3 != 0) continue;
    log.rollback();
    plain = before;
    ASSERT_EQ(consumers.hash(), hash);
  }
}

TEST_F(ConsumersTest, TheHashIsThatOfTheExplicitOnes) {
  Random random(2);
  Transaction log(Transaction::Keep::kForget);
  Consumers consumers;
  Plain plain;
  for (int i = 0; i < 2000; ++i) edit(consumers, plain, symbols(), log, random);
  Consumers anew;
  for (const auto& [name, described] : plain) {
    if (described.is_explicit) anew.describe(log, anew.add(log, name), 1, described.attributes, 0, symbols());
  }
  EXPECT_EQ(anew.hash(), consumers.hash());
}

TEST_F(ConsumersTest, AreEncodedWithTheirSlotsAndFreeSlots) {
  Random random(3);
  Transaction log(Transaction::Keep::kForget);
  Consumers consumers;
  Plain plain;
  for (int i = 0; i < 1000; ++i) edit(consumers, plain, symbols(), log, random);
  Writer writer;
  consumers.encode(writer);
  Consumers copy;
  Reader reader(writer.bytes());
  ASSERT_EQ(message_of(copy.decode(reader, log, symbols())), "");
  EXPECT_TRUE(reader.complete());
  expect_equal(copy, plain);
  EXPECT_EQ(copy.hash(), consumers.hash());
  for (const char* name : {"x", "y", "z"}) EXPECT_EQ(copy.add(log, name), consumers.add(log, name));
}

TEST_F(ConsumersTest, RefuseDamage) {
  Transaction log(Transaction::Keep::kForget);
  Consumers consumers;
  const auto attribute = Attribute{1, true, 2};
  consumers.describe(log, consumers.add(log, "alice"), 1, {attribute}, 0, symbols());
  consumers.add(log, "bob");
  consumers.remove(log, consumers.add(log, "gone"), symbols());
  Writer writer;
  consumers.encode(writer);
  const std::string bytes(writer.bytes());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Consumers copy;
    Reader reader(std::string_view(bytes).substr(0, size));
    EXPECT_TRUE(copy.decode(reader, log, symbols()).has_error() || !reader.complete()) << size;
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    Consumers copy;
    Reader reader(damaged);
    static_cast<void>(copy.decode(reader, log, symbols()));  // may be another state, may not crash
  }
}

TEST_F(ConsumersTest, AttributesAreKnownByTheirSymbols) {
  const double nan = std::nan("");
  const std::pair<Attribute, bool> rows[] = {
      {{1, false, -2.5}, true}, {{1, false, nan}, true}, {{99, false, 1}, false}, {{1, true, 2}, true},
      {{1, true, 99}, false},   {{1, true, -1}, false},  {{1, true, nan}, false}, {{1, true, 1e300}, false},
  };
  for (const auto& [attribute, good] : rows) EXPECT_EQ(known(std::span(&attribute, 1), symbols()), good);
  EXPECT_FALSE(known(std::vector<Attribute>(Consumers::kMaxAttributes + 1, {1, false, 0}), symbols()));
}

}  // namespace
}  // namespace apportion
