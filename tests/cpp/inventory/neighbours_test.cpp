#include "apportion/inventory/neighbours.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/world.hpp"

namespace apportion {
namespace {

class NeighboursTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, "rack", "{}").has_value());
    ASSERT_TRUE(
        world_
            .define(Catalog::kDefineType, "disk", "{'fields': {'tier': {'kind': 'integer'}, 'tags': {'kind': 'list'}}}")
            .has_value());
    rack_ = world_.put_tree("{'id': 'r', 'type': 'rack', 'location': 'here'}");
    d1_ = world_.put_tree(
        "{'id': 'd1', 'type': 'disk', 'parent': 'r', 'groups': ['g', 'h'], 'labels': {'team': 'blue'}, "
        "'fields': {'tier': 1, 'tags': ['x', 'y']}}");
    d2_ = world_.put_tree("{'id': 'd2', 'type': 'disk', 'parent': 'd1', 'groups': ['g'], 'fields': {'tier': 2}}");
    neighbours_.catch_up();
  }

  std::vector<std::string> texts(InstanceRef instance, std::string_view word) {
    std::vector<std::string> texts;
    for (const double value : neighbours_.values(instance, word))
      texts.emplace_back(world_.symbols().text(static_cast<Symbol>(value)));
    return texts;
  }
  std::vector<std::uint32_t> rows(std::string_view word, std::string_view value) {
    const auto rows = neighbours_.rows(d1_.version, word, world_.symbols().find(value));
    return {rows.begin(), rows.end()};
  }
  std::vector<std::uint32_t> without(std::string_view word) {
    const auto rows = neighbours_.without(d1_.version, word);
    return {rows.begin(), rows.end()};
  }

  World world_;
  Neighbours neighbours_{world_.inventory(), world_.symbols(), world_.catalog()};
  InstanceRef rack_, d1_, d2_;
};

using Texts = std::vector<std::string>;
using Rows = std::vector<std::uint32_t>;

TEST_F(NeighboursTest, ValuesByEveryWord) {
  EXPECT_EQ(texts(d2_, kInside), (Texts{"d2", "d1", "r"}));
  EXPECT_EQ(texts(d2_, "disk"), Texts{"d2"}) << "the nearest is the instance itself";
  EXPECT_EQ(texts(d2_, "rack"), Texts{"r"});
  EXPECT_EQ(texts(d2_, "parent"), Texts{"d1"});
  EXPECT_EQ(texts(d1_, "groups"), (Texts{"g", "h"}));
  EXPECT_EQ(texts(d1_, "tags"), (Texts{"x", "y"}));
  EXPECT_EQ(texts(d1_, "labels.team"), Texts{"blue"});
  EXPECT_EQ(texts(rack_, "location"), Texts{"here"});
  EXPECT_EQ(neighbours_.values(d1_, "tier"), std::vector<double>{1});
  EXPECT_EQ(texts(d1_, "status"), Texts{"online"});
  for (const char* word : {"labels.team", "location", "tags", "nothing"}) EXPECT_EQ(texts(d2_, word), Texts{}) << word;
  EXPECT_EQ(texts(rack_, "parent"), Texts{});
}

TEST_F(NeighboursTest, FindsRowsByTheirValues) {
  EXPECT_EQ(rows(kInside, "r"), (Rows{d1_.row, d2_.row}));
  EXPECT_EQ(rows(kInside, "d2"), Rows{d2_.row});
  EXPECT_EQ(rows("groups", "h"), Rows{d1_.row});
  EXPECT_EQ(rows("groups", "r"), Rows{});
  EXPECT_EQ(without("labels.team"), Rows{d2_.row});
  EXPECT_EQ(without("rack"), Rows{});
  const auto values = neighbours_.values(d1_.version, "tier");
  EXPECT_EQ(std::vector(values.begin(), values.end()), (std::vector<double>{1, 2}));
  EXPECT_GT(neighbours_.bytes(), 0U);
}

TEST_F(NeighboursTest, FollowsWhatIsSaidOfAnyInstance) {
  EXPECT_EQ(rows(kInside, "r"), (Rows{d1_.row, d2_.row}));
  world_.put_tree("{'id': 'd1', 'type': 'disk'}");  // leaves the rack, and so does what lies in it
  neighbours_.catch_up();
  EXPECT_EQ(rows(kInside, "r"), Rows{});
  const InstanceRef d3 = world_.put_tree("{'id': 'd3', 'type': 'disk', 'parent': 'r'}");
  neighbours_.catch_up();
  EXPECT_EQ(rows(kInside, "r"), Rows{d3.row});
  const double* const kept = neighbours_.values(d1_.version, "tier").data();
  world_.claim("ada", d3, {});
  neighbours_.catch_up();
  EXPECT_EQ(neighbours_.values(d1_.version, "tier").data(), kept) << "claims change nothing";
}

}  // namespace
}  // namespace apportion
