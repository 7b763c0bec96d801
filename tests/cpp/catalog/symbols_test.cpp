#include "apportion/catalog/symbols.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/world.hpp"

namespace apportion {
namespace {

std::string texts_payload(const std::vector<std::string>& texts) {
  Writer writer;
  writer.put(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) writer.put_text(text);
  return writer.take();
}

std::string list_payload(const std::vector<Symbol>& items) {
  Writer writer;
  writer.put(static_cast<std::uint32_t>(items.size()));
  for (const Symbol item : items) writer.put(item);
  return writer.take();
}

TEST(Symbols, NumbersTextsByFirstUse) {
  World world;
  EXPECT_EQ(world.text("b"), 1U);
  EXPECT_EQ(world.text("a"), 2U);
  EXPECT_EQ(world.text("b"), 1U);
  EXPECT_EQ(world.text(""), 0U);
  EXPECT_EQ(world.symbols().text(2), "a");
  EXPECT_EQ(world.symbols().text(0), "");
  EXPECT_EQ(world.symbols().text(99), "");
  EXPECT_EQ(world.symbols().find("c"), 0U);
  EXPECT_TRUE(world.symbols().has(0));
  EXPECT_TRUE(world.symbols().has(2));
  EXPECT_FALSE(world.symbols().has(3));
}

TEST(Symbols, NumbersListsByContentAndOrder) {
  World world;
  const Symbol a = world.text("a");
  const Symbol b = world.text("b");
  const Symbol ab[] = {a, b};
  const Symbol ba[] = {b, a};
  EXPECT_EQ(world.list(ab), 1U);
  EXPECT_EQ(world.list(ba), 2U);
  EXPECT_EQ(world.list(ab), 1U);
  EXPECT_EQ(world.list({}), 0U);
  EXPECT_TRUE(std::ranges::equal(world.symbols().list(2), ba));
  EXPECT_TRUE(world.symbols().list(0).empty());
  EXPECT_TRUE(world.symbols().list(77).empty());
  EXPECT_FALSE(world.symbols().has_list(3));
}

TEST(Symbols, EqualsAMapThroughForksAndRollbacks) {
  std::mt19937 random(1);
  World world;
  std::map<std::string, Symbol> known;
  std::vector<std::pair<World, std::map<std::string, Symbol>>> forks;
  for (int round = 0; round < 400; ++round) {
    Transaction log;
    std::map<std::string, Symbol> added;
    for (int i = 0; i < 5; ++i) {
      // Long ones fill the blocks of 64 KiB; one is longer than a block.
      std::string text(random() % 40 == 0 ? 70'000 : 1 + random() % 900, 'x');
      text += std::to_string(random() % 500);
      if (known.contains(text) || added.contains(text)) continue;
      const std::string payload = texts_payload({text});
      ASSERT_TRUE(world.state().apply(world.change(Symbols::kDefineText, payload), log).has_value());
      added[text] = world.symbols().find(text);
    }
    if (random() % 3 == 0) {
      log.rollback();
    } else {
      known.insert(added.begin(), added.end());
    }
    if (random() % 50 == 0) forks.emplace_back(World(world.state().fork()), known);
  }
  forks.emplace_back(std::move(world), known);
  for (const auto& [fork, texts] : forks) {
    ASSERT_EQ(fork.symbols().count(), texts.size() + 1);
    for (const auto& [text, symbol] : texts) {
      ASSERT_EQ(fork.symbols().find(text), symbol);
      ASSERT_EQ(fork.symbols().text(symbol), text);
    }
  }
}

TEST(Symbols, AForksTextsOutliveTheOriginal) {
  auto world = std::make_unique<World>();
  const Symbol symbol = world->text("a text that lives in the arena");
  World fork(world->state().fork());
  fork.text("of the fork");
  world->text("of the original");
  world.reset();
  EXPECT_EQ(fork.symbols().text(symbol), "a text that lives in the arena");
  EXPECT_EQ(fork.symbols().find("of the original"), 0U);
}

TEST(Symbols, RefusesDamage) {
  World world;
  world.text("a");
  const Hash128 hash = world.hash();
  struct Row {
    Kind kind;
    std::string payload;
    const char* message;
  };
  const std::vector<Row> rows = {
      {Symbols::kDefineText, texts_payload({"b", ""}), "empty, too long or defined twice"},
      {Symbols::kDefineText, texts_payload({"b", "a"}), "empty, too long or defined twice"},
      {Symbols::kDefineText, texts_payload({"b", "b"}), "empty, too long or defined twice"},
      {Symbols::kDefineText, texts_payload({std::string((1 << 20) + 1, 'x')}), "empty, too long or defined twice"},
      {Symbols::kDefineText, texts_payload({"b"}) + "x", "does not end where it should"},
      {Symbols::kDefineText, std::string("\xff\xff\xff\xff", 4), "does not end where it should"},
      {Symbols::kDefineList, list_payload({1, 2}), "a symbol that is not defined"},
      {Symbols::kDefineList, list_payload({}), "empty, damaged or defined twice"},
      {Symbols::kDefineList, list_payload({1}) + "x", "empty, damaged or defined twice"},
      {make_kind(1, 9), "", "unknown kind"},
  };
  for (const Row& row : rows) {
    const Status status = world.write(row.kind, row.payload);
    ASSERT_TRUE(status.has_error());
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(status.error().message.find(row.message), std::string::npos) << status.error().message;
  }
  EXPECT_EQ(world.hash(), hash);
  EXPECT_EQ(world.symbols().count(), 2U);
  EXPECT_EQ(world.symbols().find("b"), 0U);
}

TEST(Symbols, AreRestoredWithTheirNumbers) {
  World world;
  for (int i = 0; i < 3000; ++i) world.text("text " + std::to_string(i));  // three batches of 1,024
  const Symbol items[] = {5, 7, 5};
  world.list(items);
  const World copy = world.restored();
  EXPECT_EQ(copy.symbols().count(), 3001U);
  EXPECT_EQ(copy.symbols().find("text 2999"), 3000U);
  EXPECT_TRUE(std::ranges::equal(copy.symbols().list(1), items));
}

TEST(Symbols, DescribeTheirChanges) {
  World world;
  const std::string texts = texts_payload({"a", "b"});
  EXPECT_EQ(to_json(world.symbols().describe(world.change(Symbols::kDefineText, texts))), R"({"texts": ["a", "b"]})");
  world.text("a");
  const std::string list = list_payload({1, 0});
  EXPECT_EQ(to_json(world.symbols().describe(world.change(Symbols::kDefineList, list))), R"({"list": ["a", ""]})");
}

}  // namespace
}  // namespace apportion
