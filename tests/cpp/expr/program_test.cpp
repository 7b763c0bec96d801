// What expressions mean, case by case; what they read; their parts.
#include "apportion/expr/program.hpp"

#include <gtest/gtest.h>

#include <string>

#include "test_world.hpp"

namespace apportion::testing {
namespace {

using enum ValueType;

/// One row whose columns have known values: used = (2, 30, -), limit = (8, 40, 10), free = (6, 10, 0), request = (1, 2,
/// 3).
class Meaning : public ::testing::Test {
 protected:
  Meaning() : source(1, 1) {
    const double vectors[4][3] = {{2, 30, kNan}, {8, 40, 10}, {6, 10, 0}, {1, 2, 3}};
    const char* names[4] = {"used", "limit", "free", "request"};
    for (int v = 0; v < 4; ++v) {
      for (int k = 0; k < 3; ++k) source.set_component(names[v], static_cast<std::uint32_t>(k), vectors[v][k]);
    }
    source.set("self.a", 0, 7);
    source.set("self.b", 0, kNan);
    source.set("self.c", 0, -2.5);
    source.set("self.p", 0, 1);
    source.set("self.q", 0, kNan);
    source.set("self.s", 0, 3);  // "ab"
    source.set("self.t", 0, kNan);
    source.set("consumer.id", 0, 5);            // "äb"
    source.set_list("self.tags", 0, {{1, 3}});  // "a", "ab"
    source.set_list("consumer.tags", 0, std::nullopt);
  }

  double number(std::string_view text) { return value_of(text, kNumber, source); }
  double boolean(std::string_view text) { return value_of(text, kBoolean, source); }

  TestSource source;
};

struct Case {
  std::string_view text;
  double expected;
};

void expect_same(double found, double expected, std::string_view text) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(found)) << text << " = " << found;
  else
    EXPECT_EQ(found, expected) << text;
}

TEST_F(Meaning, OfArithmetic) {
  const Case cases[] = {
      {"1 + 2 * 3 - 4", 3},
      {"7 / 2", 3.5},
      {"self.a / 0", kNan},
      {"0 / 0", kNan},
      {"self.a % 4", 3},
      {"-7 % 4", -3},  // the sign of the dividend
      {"5.5 % -2", 1.5},
      {"self.a % 0", kNan},
      {"self.a + self.b", kNan},
      {"-self.c", 2.5},
      {"1e308 * 10 > 1e308 ? 1 : 0", 1},
      {"0.1 + 0.2", 0.30000000000000004},  // IEEE, not decimal
  };
  for (const Case& c : cases) expect_same(number(c.text), c.expected, c.text);
}

TEST_F(Meaning, OfFunctions) {
  const Case cases[] = {
      {"abs(self.c)", 2.5},
      {"min(3, self.a, 5)", 3},
      {"max(3, self.a)", 7},
      {"max(3, self.b)", kNan},
      {"floor(self.c)", -3},
      {"ceil(self.c)", -2},
      {"round(self.c)", -3},  // half away from zero
      {"round(2.5)", 3},
      {"round(0.49999999999999994)", 0},
      {"floor(4503599627370495.5)", 4503599627370495},
      {"sqrt(9)", 3},
      {"sqrt(self.c)", kNan},
      {"square(self.c)", 6.25},
      {"log(0)", kNan},
      {"log2(8)", 3},
      {"log10(1000)", 3},
      {"exp(0)", 1},
      {"pow(2, 10)", 1024},
      {"pow(self.c, 0.5)", kNan},
      {"sigmoid(0)", 0.5},
      {"clamp(self.a, 0, 5)", 5},
      {"clamp(self.c, 0, 5)", 0},
      {"clamp(3, 0, self.b)", kNan},
      {"clamp(3, 5, 1)", 1},  // the upper bound wins
      {"number(self.p) + number(false)", 1},
      {"number(self.q)", kNan},
      {"size(self.s)", 2},
      {"size(consumer.id)", 2},  // characters, not bytes
      {"size(self.t)", kNan},
      {"size(self.tags)", 2},
      {"size(consumer.tags)", kNan},
      {"coalesce(self.b, self.b, 4)", 4},
      {"coalesce(self.b, self.a, 4)", 7},
      {"coalesce(self.b, 0 / 0)", kNan},
      {"group(self.s).load", 3},  // 2 bytes x 1.5
      {"group('ab').load + now * 0", kNan},
      {"distance(self.a, self.s)", 9},  // 7 - row 0 + 2 bytes
  };
  source.set("now", 0, kInf);
  for (const Case& c : cases) expect_same(number(c.text), c.expected, c.text);
}

TEST_F(Meaning, OfVectors) {
  const Case cases[] = {
      {"sum(used)", 32},   // 2 + 30, the third has no value
      {"mean(used)", 16},  // 32 / 2
      {"min(used)", 2},
      {"max(used)", 30},
      {"mean(used / limit)", 0.5},               // (0.25 + 0.75) / 2
      {"sum(used * 2 + 1)", 66},                 // 5 + 61
      {"sum(10 - limit)", -28},                  // 2 - 30 + 0
      {"sum(limit / free)", 5.333333333333333},  // 8/6 + 40/10; 10/0 has no value
      {"sum(max(free, 5))", 21},                 // 6 + 10 + 5
      {"sum(min(free, request, 1.5))", 2.5},     // 1 + 1.5 + 0
      {"sum(abs(-limit))", 58},
      {"sum(sqrt(square(request)))", 6},
      {"sum(used * self.b)", 0},  // no component has a value
      {"mean(used * self.b)", kNan},
      {"max(used * self.b)", kNan},
      // ((2+1)/8)^2 - (2/8)^2 + ((30+2)/40)^2 - (30/40)^2 = 0.140625 - 0.0625 + 0.64 - 0.5625
      {"sum(square((used + request) / limit) - square(used / limit))", 0.140625 - 0.0625 + (0.8 * 0.8 - 0.5625)},
      {"sum(used + sum(request))", 44},  // 2 + 6 + 30 + 6
      {"used.cpu + request.gb", 31},
      {"sum(group(self.s).used)", 15},  // (3 + 1) + (3 + 2) + (3 + 3)
  };
  for (const Case& c : cases) expect_same(number(c.text), c.expected, c.text);
}

TEST_F(Meaning, OfLogicWithoutValue) {
  const Case cases[] = {
      {"self.p && self.q", kNan},
      {"!self.p && self.q", 0},
      {"self.q && !self.p", 0},
      {"self.p || self.q", 1},
      {"self.q || self.p", 1},
      {"self.q || false", kNan},
      {"!self.q", kNan},
      {"self.q == self.q", kNan},
      {"self.b < 1", kNan},
      {"self.b != 1", kNan},
      {"has(self.b)", 0},
      {"has(self.a)", 1},
      {"has(self.t)", 0},
      {"has(self.tags)", 1},
      {"has(consumer.tags)", 0},
      {"has(self.a / 0)", 0},
      {"self.q ? true : true", kNan},
      {"coalesce(self.q, true)", 1},
      {"0 == -0", 1},
  };
  for (const Case& c : cases) expect_same(boolean(c.text), c.expected, c.text);
}

TEST_F(Meaning, OfStringsAndLists) {
  const Case cases[] = {
      {"self.s == 'ab'", 1},
      {"self.s != \"ab\"", 0},
      {"self.t == 'ab'", kNan},
      {"self.s == 'never seen'", 0},
      {"'x' == 'x'", 1},
      {"'x' == 'y'", 0},
      {"self.s < 'b'", 1},
      {"self.s < 'a'", 0},
      {"self.s >= 'ab'", 1},
      {"self.t < 'b'", kNan},
      {"starts_with(self.s, 'a')", 1},
      {"ends_with(self.s, 'a')", 0},
      {"contains(self.s, 'b')", 1},
      {"contains(self.s, '')", 1},
      {"contains(self.s, self.t)", kNan},
      {"self.s in self.tags", 1},
      {"'online' in self.tags", 0},
      {"'never seen' in self.tags", 0},
      {"self.t in self.tags", kNan},
      {"self.s in consumer.tags", kNan},
      {"self.s in ['x', 'ab']", 1},
      {"self.s in []", 0},
      {"self.t in []", kNan},
      {"self.s in ['x', self.t]", kNan},
      {"self.s in [self.t, 'ab']", 1},
      {"self.a in [1, 7]", 1},
      {"self.p in [false]", 0},
      {"(self.p ? 'one' : 'two') == 'two'", 0},  // two literals nobody interned differ
  };
  for (const Case& c : cases) expect_same(boolean(c.text), c.expected, c.text);
}

TEST_F(Meaning, OfAStringProgram) {
  Scratch scratch;
  const Program program = compile("self.p ? 'fresh' : self.s", kString, TestScope()).value();
  EXPECT_EQ(program.text_of(source, program.evaluate_one(source, scratch)), "fresh");
  source.set("self.p", 0, 0);
  EXPECT_EQ(program.text_of(source, program.evaluate_one(source, scratch)), "ab");
}

Program compiled(std::string_view text, ValueType wanted = kNumber) {
  return compile(text, wanted, TestScope()).value();
}

TEST(Program, KnowsWhatItReads) {
  const ReadSet reads = compiled("self.a + request.gb * self.a + group(self.s).load").reads();
  EXPECT_TRUE(reads.has(Read::kRow) && reads.has(Read::kRequest) && reads.has(Read::kGroup));
  EXPECT_FALSE(reads.has(Read::kTime) || reads.has(Read::kConsumer) || reads.has(Read::kSlot));
  EXPECT_EQ(reads.refs.size(), 4U);  // self.a, request.gb, self.s, group().load
  EXPECT_EQ(compiled("sum(used) + used.gb").reads().refs.size(), 3U);
  EXPECT_EQ(compiled("1 + 2").reads().kinds, 0U);
  EXPECT_TRUE(compiled("primary.a + now").reads().has(Read::kSlot));
}

TEST(Program, DoesNotReadWhatFoldingRemoved) {
  EXPECT_EQ(compiled("true || self.p", kBoolean).reads().kinds, 0U);
  EXPECT_EQ(compiled("1 < 2 ? self.a : now").reads().refs.size(), 1U);
}

TEST(Program, IsAValueThatCanBeShared) {
  const Program first = compiled("self.a * 2");
  const Program second = first;
  EXPECT_EQ(second.text(), "self.a * 2");
  EXPECT_EQ(second.type(), kNumber);
  EXPECT_EQ(second.operation_count(), 2U);  // a load and a product
}

std::vector<std::string> part_texts(const Program& program) {
  std::vector<std::string> found;
  for (const ProgramPart& part : program.parts())
    found.push_back((part.negative ? "-" : "+") + std::string(part.program.text()));
  return found;
}

TEST(Program, SplitsIntoTheTermsOfTheOutermostSum) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(part_texts(compiled("self.a + 2 * self.b - self.c")), (Texts{"+self.a", "+2 * self.b", "-self.c"}));
  EXPECT_EQ(part_texts(compiled("self.a - (self.b + self.c)")), (Texts{"+self.a", "-self.b + self.c"}));
  EXPECT_EQ(part_texts(compiled("(self.a + 1) + self.c")), (Texts{"+self.a + 1", "+self.c"}));
  EXPECT_EQ(part_texts(compiled("(self.a + self.c)")), (Texts{"+self.a", "+self.c"}));
  EXPECT_EQ(part_texts(compiled("self.a * 2")), (Texts{"+self.a * 2"}));
  EXPECT_EQ(part_texts(compiled("self.p && self.q", kBoolean)), (Texts{"+self.p && self.q"}));
}

TEST(Program, OffersTheComponentsOfAReducer) {
  TestSource source(8, 1);
  Scratch scratch;
  for (std::uint32_t k = 0; k < kDimensions; ++k) source.set_component("used", k, k + 1.0);
  const std::vector<ProgramPart> parts = compiled("1 - sum(used * 2) + 3").parts();
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_TRUE(parts[1].negative);
  EXPECT_EQ(parts[1].program.text(), "sum(used * 2)");
  EXPECT_EQ(parts[1].program.evaluate_one(source, scratch), 12);  // 2 + 4 + 6
  ASSERT_EQ(parts[1].components.size(), kDimensions);
  EXPECT_EQ(parts[1].components[2].evaluate_one(source, scratch), 6);
  EXPECT_EQ(parts[1].components[2].text(), "used * 2");
  EXPECT_EQ(parts[1].components[2].type(), kNumber);
  EXPECT_TRUE(parts[0].components.empty());
}

TEST(Program, PartsAddUpToTheWhole) {
  TestSource source(8, 1);
  Scratch scratch;
  for (const char* name : {"used", "limit", "request"}) {
    for (std::uint32_t k = 0; k < kDimensions; ++k) source.set_component(name, k, 4.0 + k);
  }
  source.set("self.a", 0, 0.25);
  const Program whole = compiled("sum(square(used / limit)) - self.a * 2 + mean(request) - 1");
  double sum = 0;
  for (const ProgramPart& part : whole.parts()) {
    const double value = part.program.evaluate_one(source, scratch);
    sum += part.negative ? -value : value;
  }
  EXPECT_EQ(sum, whole.evaluate_one(source, scratch));
}

TEST(Program, ConjunctsHoldTogetherWhereTheWholeHolds) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(conjuncts("a"), Texts{"a"});
  EXPECT_EQ(conjuncts(" a < 1 &&b&&  c(1, 2) "), (Texts{"a < 1", "b", "c(1, 2)"}));
  EXPECT_EQ(conjuncts("(a && (b || c)) && !(d && e)"), (Texts{"a", "(b || c)", "!(d && e)"}));
  EXPECT_EQ(conjuncts("a || b && c"), Texts{"a || b && c"});
  EXPECT_EQ(conjuncts("((a ? b : c)) && ((d))"), (Texts{"(a ? b : c)", "(d)"}));
}

}  // namespace
}  // namespace apportion::testing
