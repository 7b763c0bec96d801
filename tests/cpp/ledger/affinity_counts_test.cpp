#include "apportion/ledger/affinity_counts.hpp"

#include <gtest/gtest.h>

#include "support/world.hpp"

namespace apportion {
namespace {

class AffinityCountsTest : public testing::Test {
 protected:
  void SetUp() override {
    define(Catalog::kDefineType, "vm", "{'dimensions': {'gb': {}}}");
    define(Catalog::kDefineAffinity, "apart",
           "{'types': ['vm'], 'labels': {'app': 'web'}, 'counts': {'labels': {'app': 'db'}}, 'alike': ['consumer'], "
           "'per': 'location', 'at_most': 1}");
    web_ = {world_.text("app"), world_.text("web")};
    db_ = {world_.text("app"), world_.text("db")};
    for (const char* id : {"a", "b"}) {
      InstanceSpec spec;
      spec.id = id;
      spec.type = "vm";
      spec.location = "z";
      ASSERT_TRUE(
          world_.write(Inventory::kPut, world_.inventory().encode(spec, world_.interner()).value()).has_value());
    }
    counts_.begin(log_, world_.catalog(), world_.inventory());
  }

  void define(Kind kind, const char* name, const char* json) {
    ASSERT_TRUE(world_.write(kind, Catalog::payload(name, tree(json))).has_value());
  }
  void add(const char* id, const std::vector<Symbol>& labels, std::uint32_t consumer, int difference) {
    const Neighbours neighbours(world_.inventory(), world_.symbols(), world_.catalog());
    counts_.add(log_, {world_.inventory().find(id), labels, consumer}, neighbours, difference);
  }
  [[nodiscard]] std::uint32_t count(AffinityCounts::Side side, std::uint32_t consumer) const {
    const auto like = counts_.likeness(0, db_, consumer, world_.symbols());
    return counts_.count(0, side, *like, world_.symbols().find("z"));
  }

  World world_;
  Transaction log_;
  AffinityCounts counts_;
  std::vector<Symbol> web_;
  std::vector<Symbol> db_;
};

using Side = AffinityCounts::Side;

TEST_F(AffinityCountsTest, CountsEachSideByDomainAndLikeness) {
  add("a", db_, 3, 1);
  add("b", db_, 3, 1);
  add("b", db_, 4, 1);
  add("a", web_, 3, 1);
  add("a", {}, 3, 1);
  EXPECT_EQ(count(Side::kCounted, 3), 2U);
  EXPECT_EQ(count(Side::kCounted, 4), 1U);
  EXPECT_EQ(count(Side::kBound, 3), 1U);
  add("a", db_, 3, -1);
  EXPECT_EQ(count(Side::kCounted, 3), 1U);
  add("b", db_, 4, -1);
  EXPECT_EQ(count(Side::kCounted, 4), 0U);
}

TEST_F(AffinityCountsTest, HoldUntilSomethingElseIsCounted) {
  EXPECT_TRUE(counts_.holds(world_.catalog(), world_.inventory()));
  define(Catalog::kDefinePolicy, "p", "{}");
  EXPECT_TRUE(counts_.holds(world_.catalog(), world_.inventory()));
  define(Catalog::kDefineAffinity, "apart", "{'types': ['vm'], 'at_most': 1, 'enabled': false}");
  EXPECT_FALSE(counts_.holds(world_.catalog(), world_.inventory()));
  counts_.begin(log_, world_.catalog(), world_.inventory());
  EXPECT_FALSE(counts_.kept());
  EXPECT_TRUE(counts_.holds(world_.catalog(), world_.inventory()));
}

TEST_F(AffinityCountsTest, ComeBackWhenRolledBack) {
  log_.commit();
  add("a", db_, 3, 1);
  log_.commit();
  add("a", db_, 3, 1);
  counts_.begin(log_, world_.catalog(), world_.inventory());
  EXPECT_EQ(count(Side::kCounted, 3), 0U);
  add("a", db_, 3, 1);
  log_.rollback();
  EXPECT_EQ(count(Side::kCounted, 3), 1U);
}

TEST_F(AffinityCountsTest, WhoHasNoValueIsLikeNobody) {
  const NamedText labels = {{"app", "new"}};
  EXPECT_FALSE(counts_.selects(0, Side::kBound, 0, labels));
  EXPECT_TRUE(counts_.selects(0, Side::kBound, 0, NamedText{{"app", "web"}}));
  EXPECT_NE(counts_.likeness(0, labels, 3, world_.symbols()), counts_.likeness(0, labels, 4, world_.symbols()));
}

}  // namespace
}  // namespace apportion
