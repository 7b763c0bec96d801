#include "apportion/allocator/tree_quantities.hpp"

#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

class TreeQuantitiesTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto pool = make_pool(R"({
      'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}, 'fields': {'tier': {'kind': 'string'}}}},
      'consumer_kinds': {'user': {'attributes': {'speed': {'kind': 'number'}}}},
      'consumers': [{'id': 'ada', 'kind': 'user', 'attributes': {'speed': 3}}],
      'instances': [{'id': 'd1', 'type': 'disk', 'fields': {'tier': 'gold'}}]})");
    ASSERT_EQ(error_of(state_->restore(pool->snapshot())), "");
  }

  [[nodiscard]] Sections sections() const { return Sections::of(*state_); }
  [[nodiscard]] const TypeVersion& disk() const { return *sections().catalog.find_type("disk"); }

  std::unique_ptr<State> state_ = four_sections();
  Expressions expressions_;
};

TEST_F(TreeQuantitiesTest, ReadsTheRequestAndItsConsumer) {
  Request request = ask_gb("ada", 1, 2);
  const TreeQuantities quantities(sections(), expressions_, request);
  const std::vector<Steps> asked{5};  // 2.5 GB
  EXPECT_EQ(quantities.steps(disk(), asked, "request.gb * 2", {}).value(), 5);
  EXPECT_EQ(quantities.steps(disk(), asked, "request.gb", {}).value(), 3);  // rounded up
  EXPECT_EQ(quantities.steps(disk(), asked, "consumer.speed * request.count", {}).value(), 6);
  EXPECT_EQ(quantities.count(disk(), asked, "consumer.id == 'ada' ? 4 : 1", 10).value(), 4U);
  EXPECT_EQ(quantities.count(disk(), asked, "consumer.kind == 'user' ? 4 : 1", 10).value(), 4U);
  EXPECT_TRUE(quantities.count(disk(), asked, "11", 10).has_error());
  EXPECT_TRUE(quantities.steps(disk(), asked, "request.tb", {}).has_error());
  Request other = ask_gb("bob", 1);
  EXPECT_TRUE(TreeQuantities(sections(), expressions_, other).steps(disk(), asked, "consumer.speed", {}).has_error());
}

}  // namespace
}  // namespace apportion
