// What the compiler makes of an expression: folding, sharing, registers, limits.
#include <gtest/gtest.h>

#include <string>

#include "apportion/expr/ast.hpp"
#include "apportion/expr/bytecode.hpp"
#include "test_world.hpp"

namespace apportion::testing {
namespace {

ExprCode code_of(std::string_view text, ValueType wanted = ValueType::kNumber) {
  Ast ast = parse_expression(text);
  check_expression(ast, wanted, TestScope());
  return lower_expression(ast, ast.root(), kDimensions);
}

TEST(Lowering, FoldsConstants) {
  const ExprCode code = code_of("(1 + 2) * sqrt(16) - (true ? 2 : 3)");
  EXPECT_TRUE(code.uniform.empty() && code.lanes.empty());
  ASSERT_EQ(code.constants.size(), 1U);
  EXPECT_EQ(code.constants[0], 10);  // 3 x 4 - 2
  EXPECT_EQ(code_of("self.p && 1 < 2", ValueType::kBoolean).lanes.size(), 1U);
  EXPECT_TRUE(code_of("self.p && 1 > 2", ValueType::kBoolean).lanes.empty());
}

TEST(Lowering, DoesNotFoldAcrossRoundings) {
  EXPECT_EQ(code_of("self.a + 1 + 2").constants.size(), 2U);  // (a + 1) + 2 is not a + 3
}

TEST(Lowering, FusesPairsOfArithmetic) {
  EXPECT_EQ(code_of("self.a * 2 + 1").lanes.size(), 2U);                   // a load, a pair
  EXPECT_EQ(code_of("1 - self.a / self.b").lanes.size(), 3U);              // two loads, a pair
  EXPECT_EQ(code_of("(self.a + 1) * (self.a + 1)").lanes.size(), 3U);      // a load, +, *: the sum is used twice
  EXPECT_EQ(code_of("(self.a + 1) * (self.b + 1) - 3").lanes.size(), 5U);  // two loads, +, a pair of + and *, -
}

TEST(Lowering, KeepsUniformWorkOutOfTheBlocks) {
  const ExprCode code = code_of("self.a * (exp(now) + request.gb)");
  EXPECT_EQ(code.uniform.size(), 4U);  // two loads, exp, +
  EXPECT_EQ(code.lanes.size(), 2U);    // a load, *
}

TEST(Lowering, ComputesCommonTermsOnce) {
  const ExprCode code = code_of("(self.a + self.b) * (self.a + self.b)");
  EXPECT_EQ(code.lanes.size(), 4U);  // two loads, +, *
}

TEST(Lowering, ReusesRegisters) {
  std::string text = "self.a";
  for (int k = 0; k < 200; ++k) text += " * self.b + " + std::to_string(k);
  EXPECT_EQ(code_of(text).lane_registers, 3U);  // the sum so far, self.b, a product
  EXPECT_LE(code_of("sum(square((used + request) / limit) - square(used / limit))").lane_registers, 5U);
}

TEST(Lowering, NestedReducersStayLinear) {
  std::string text = "1";
  for (int k = 0; k < 30; ++k) text = "sum(used + " + text + ")";
  EXPECT_LT(code_of(text).lanes.size(), 300U);  // 30 levels x 3 components x (a sum and an accumulation), three loads
}

TEST(Lowering, TakesLongExpressions) {
  std::string text = "sum(used";
  for (int k = 0; k < 1800; ++k) text += "+" + std::to_string(k);
  EXPECT_GT(compile(text + ")", ValueType::kNumber, TestScope()).value().operation_count(), 2700U);  // 1800 x 3 / 2
}

/// As many dimensions as a vector may have.
class WideScope : public TestScope {
 public:
  std::optional<Ref> resolve(std::string_view path) const override {
    if (path == "wide") return Ref{Read::kRow, ValueType::kVector, 5000, false};
    return TestScope::resolve(path);
  }
  std::uint32_t dimensions() const override { return 64; }
};

TEST(Lowering, CountsVectorsOncePerDimension) {
  std::string text = "sum(wide";
  for (int k = 0; k < 300; ++k) text += "+" + std::to_string(k);  // 300 x 64 > 16384
  const Result<Program> program = compile(text + ")", ValueType::kNumber, WideScope());
  ASSERT_TRUE(program.has_error());
  EXPECT_EQ(program.error().message,
            "line 1, column 1: found more than 16384 operations (a vector counts once per dimension), expected a "
            "shorter expression");
}

TEST(Lowering, VectorsWithoutDimensionsAreEmpty) {
  class EmptyScope : public TestScope {
   public:
    std::uint32_t dimensions() const override { return 0; }
  };
  TestSource source(1, 1);
  Scratch scratch;
  EXPECT_EQ(compile("sum(used)", ValueType::kNumber, EmptyScope()).value().evaluate_one(source, scratch), 0);
  EXPECT_TRUE(
      std::isnan(compile("mean(used * 2)", ValueType::kNumber, EmptyScope()).value().evaluate_one(source, scratch)));
}

}  // namespace
}  // namespace apportion::testing
