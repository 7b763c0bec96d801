#include "apportion/expr/value_graph.hpp"

#include <gtest/gtest.h>

namespace apportion {
namespace {

const Ref kFirst{Read::kRow, ValueType::kNumber, 1, false};
const Ref kSecond{Read::kRow, ValueType::kNumber, 2, false};

TEST(ValueGraph, TheSameOperationStandsOnce) {
  ExprValueGraph graph;
  const ExprValueId a = graph.read(kFirst);
  const ExprValueId b = graph.read(kSecond);
  EXPECT_NE(a, b);
  EXPECT_EQ(graph.read(kFirst), a);
  EXPECT_EQ(graph.apply(ExprOp::kAdd, a, b), graph.apply(ExprOp::kAdd, a, b));
  EXPECT_NE(graph.apply(ExprOp::kSubtract, a, b), graph.apply(ExprOp::kSubtract, b, a));
  EXPECT_EQ(graph.literal("ssd"), graph.literal("ssd"));
  EXPECT_NE(graph.literal("ssd"), graph.literal("hdd"));
}

TEST(ValueGraph, ConstantsFold) {
  ExprValueGraph graph;
  // 2 + 3 = 5, 2 * 3 = 6
  EXPECT_EQ(graph.apply(ExprOp::kAdd, graph.constant(2), graph.constant(3)), graph.constant(5));
  EXPECT_EQ(graph.apply(ExprOp::kMultiply, graph.constant(2), graph.constant(3)), graph.constant(6));
}

// 0.0 and -0.0 differ behind a division, so they are two constants.
TEST(ValueGraph, ZerosOfBothSignsAreKeptApart) {
  ExprValueGraph graph;
  EXPECT_NE(graph.constant(0.0), graph.constant(-0.0));
}

TEST(ValueGraph, OnlyWhatTheResultNeedsBecomesCode) {
  ExprValueGraph needed;
  const ExprValueId result = needed.apply(ExprOp::kAdd, needed.read(kFirst), needed.read(kSecond));
  ExprValueGraph wasteful;
  const ExprValueId a = wasteful.read(kFirst);
  const ExprValueId b = wasteful.read(kSecond);
  static_cast<void>(wasteful.apply(ExprOp::kMultiply, a, b));
  const ExprValueId same = wasteful.apply(ExprOp::kAdd, a, b);
  EXPECT_EQ(needed.finish(result).lanes.size(), wasteful.finish(same).lanes.size());
}

}  // namespace
}  // namespace apportion
