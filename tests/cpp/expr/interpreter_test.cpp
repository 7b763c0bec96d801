// Bytecode against the tree-walking reference, bit for bit, on generated expressions over data with every kind of odd
// number.
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "reference_evaluator.hpp"
#include "support/cpu_levels.hpp"
#include "support/random_steps.hpp"
#include "test_world.hpp"

namespace apportion::testing {
namespace {

/// Writes well-typed expressions at random.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::string make(ValueType type, int depth) {
    switch (type) {
      case ValueType::kNumber:
        return depth <= 0 ? number_leaf() : number(depth - 1);
      case ValueType::kBoolean:
        return depth <= 0 ? boolean_leaf() : boolean(depth - 1);
      case ValueType::kString:
        return depth <= 0 ? string_leaf() : string(depth - 1);
      default:
        return depth <= 0 ? vector_leaf() : vector(depth - 1);
    }
  }

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

 private:
  using Names = std::initializer_list<const char*>;

  std::string one_of(Names names) { return names.begin()[below(names.size())]; }
  std::string n(int depth) { return make(ValueType::kNumber, depth - static_cast<int>(below(2))); }
  std::string b(int depth) { return make(ValueType::kBoolean, depth - static_cast<int>(below(2))); }
  std::string s(int depth) { return make(ValueType::kString, depth - static_cast<int>(below(2))); }
  std::string v(int depth) { return make(ValueType::kVector, depth - static_cast<int>(below(2))); }

  std::string number_leaf() {
    return one_of({"self.a", "self.b", "self.c", "used.gb", "free.net", "limit.cpu", "request.gb", "now",
                   "consumer.speed", "primary.a", "0", "1", "2.5", "0.1", "1e300", "3", "size(self.tags)"});
  }
  std::string boolean_leaf() { return one_of({"self.p", "self.q", "consumer.vip", "true", "false", "has(self.tags)"}); }
  std::string string_leaf() {
    return one_of({"self.s", "self.t", "self.labels.tier", "self.labels['a-b']", "consumer.id", "'a'", "\"ab\"",
                   "'online'", "''", "'nowhere'"});
  }
  std::string vector_leaf() { return one_of({"used", "limit", "free", "request", "group(self.s).used"}); }

  std::string number(int d) {
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
        return "(" + n(d) + one_of({" + ", " - ", " * ", " / ", " % "}) + n(d) + ")";
      case 3:
        return n(d) + " + " + n(d) + " * " + n(d);
      case 4:
        return "-" + make(ValueType::kNumber, 0);
      case 5:
        return one_of({"abs(", "square(", "sqrt(", "floor(", "ceil(", "round("}) + n(d) + ")";
      case 6:
        return one_of({"exp(", "log(", "log2(", "log10(", "sigmoid("}) + n(d) + ")";
      case 7:
        return one_of({"min(", "max(", "coalesce("}) + n(d) + ", " + n(d) + (below(2) == 0 ? ")" : ", " + n(d) + ")");
      case 8:
        return "pow(" + n(d) + ", " + n(d) + ")";
      case 9:
        return "clamp(" + n(d) + ", " + n(d) + ", " + n(d) + ")";
      case 10:
      case 11:
      case 12:
        return one_of({"sum(", "mean(", "min(", "max("}) + v(d) + ")";
      case 13:
        return "(" + b(d) + " ? " + n(d) + " : " + n(d) + ")";
      case 14:
        return "number(" + b(d) + ")";
      default:
        return below(2) == 0   ? "size(" + s(d) + ")"
               : below(2) == 0 ? "group(" + s(d) + ").load"
                               : "distance(" + n(d) + ", " + s(d) + ")";
    }
  }

  std::string boolean(int d) {
    switch (below(10)) {
      case 0:
      case 1:
        return "(" + b(d) + one_of({" && ", " || ", " == ", " != "}) + b(d) + ")";
      case 2:
        return "!" + make(ValueType::kBoolean, 0);
      case 3:
      case 4:
        return "(" + n(d) + one_of({" < ", " <= ", " > ", " >= ", " == ", " != "}) + n(d) + ")";
      case 5:
        return "(" + s(d) + one_of({" < ", " <= ", " > ", " >= ", " == ", " != "}) + s(d) + ")";
      case 6:
        return one_of({"starts_with(", "ends_with(", "contains("}) + s(d) + ", " + s(d) + ")";
      case 7:
        return "(" + s(d) + " in " +
               (below(2) == 0 ? one_of({"self.tags", "consumer.tags"}) : "[" + s(d) + ", " + s(d) + "]") + ")";
      case 8:
        return below(3) == 0 ? "(" + n(d) + " in [])" : "(" + n(d) + " in [1, " + n(d) + "])";
      default:
        return "has(" + make(static_cast<ValueType>(below(3)), d) + ")";
    }
  }

  std::string string(int d) {
    return below(2) == 0 ? "(" + b(d) + " ? " + s(d) + " : " + s(d) + ")" : "coalesce(" + s(d) + ", " + s(d) + ")";
  }

  std::string vector(int d) {
    switch (below(5)) {
      case 0:
        return "(" + v(d) + one_of({" + ", " - ", " * ", " / ", " % "}) + n(d) + ")";
      case 1:
        return "(" + n(d) + one_of({" + ", " - ", " * ", " / ", " % "}) + v(d) + ")";
      case 2:
        return "(" + v(d) + one_of({" + ", " - ", " * ", " / "}) + v(d) + ")";
      case 3:
        return one_of({"abs(", "square(", "sqrt(", "-abs("}) + v(d) + ")";
      default:
        return one_of({"min(", "max("}) + n(d) + ", " + v(d) + ", " + v(d) + ")";
    }
  }

  std::mt19937_64 random_;
};

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

// Evaluates rows [begin, begin + n) both ways; the first difference as text.
std::string difference(const Program& program, const Ast& ast, TestSource& source, std::uint32_t n, Scratch& scratch) {
  std::vector<double> out(n);
  program.begin(source, scratch);
  program.evaluate(source, n, out.data(), scratch);
  for (std::uint32_t lane = 0; lane < n; ++lane) {
    const Value expected = ReferenceEvaluator(ast, source, source.begin + lane).root();
    if (program.type() == ValueType::kString) {
      const bool equal = expected.text ? !std::isnan(out[lane]) && program.text_of(source, out[lane]) == *expected.text
                                       : std::isnan(out[lane]);
      if (!equal) return "lane " + std::to_string(lane) + ": a string differs";
    } else if (!same(out[lane], expected.number)) {
      return "lane " + std::to_string(lane) + ": " + std::to_string(out[lane]) + ", expected " +
             std::to_string(expected.number);
    }
  }
  return "";
}

void compare_generated_expressions() {
  const int expressions = tries(24000);
  constexpr std::uint32_t kLanes[] = {1, 2, 3, 5, 8};
  Generator generator(20240607);
  TestSource source(99, 64);
  Scratch scratch;
  double operations = 0;
  for (int k = 0; k < expressions; ++k) {
    const auto wanted = static_cast<ValueType>(generator.below(3));
    const std::string text = generator.make(wanted, 1 + static_cast<int>(generator.below(5)));
    const Result<Program> program = compile(text, wanted, TestScope());
    ASSERT_TRUE(program.has_value()) << text << "\n" << program.error().message;
    Ast ast = parse_expression(text);
    check_expression(ast, wanted, TestScope());
    source.begin = generator.below(56);
    ASSERT_EQ(difference(*program, ast, source, kLanes[generator.below(5)], scratch), "") << text;
    operations += static_cast<double>(program->operation_count());
  }
  ::testing::Test::RecordProperty("operations_per_expression", std::to_string(operations / expressions));
}

TEST(Interpreter, EqualsTheReferenceOnGeneratedExpressionsAtEveryCpuLevel) {
  at_every_cpu_level(compare_generated_expressions);
}

void compare_edges_of_a_block() {
  const std::string text =
      "sum(square((used + request) / limit) - square(used / limit)) + (self.s in self.tags ? size(self.s) : "
      "exp(self.a))";
  TestSource source(5, 600);
  Scratch scratch;
  const Program program = compile(text, ValueType::kNumber, TestScope()).value();
  Ast ast = parse_expression(text);
  check_expression(ast, ValueType::kNumber, TestScope());
  for (const std::uint32_t n : {1U, 2U, 3U, 4U, 5U, 7U, 254U, 255U, 256U}) {
    for (const std::size_t begin : {0U, 1U, 300U}) {
      source.begin = begin;
      EXPECT_EQ(difference(program, ast, source, n, scratch), "") << n;
    }
  }
}

TEST(Interpreter, HoldsAtTheEdgesOfABlockAtEveryCpuLevel) { at_every_cpu_level(compare_edges_of_a_block); }

TEST(Interpreter, WritesNothingBeyondTheBlock) {
  TestSource source(5, 300);
  Scratch scratch;
  for (const std::string text : {"self.a * 2 + now", "now + 1"}) {
    const Program program = compile(text, ValueType::kNumber, TestScope()).value();
    std::vector<double> out(256, 42.0);
    program.begin(source, scratch);
    program.evaluate(source, 253, out.data(), scratch);
    EXPECT_EQ(out[253], 42.0);
    EXPECT_EQ(out[255], 42.0);
  }
}

TEST(Interpreter, ComputesUniformValuesOncePerEvaluation) {
  TestSource source(5, 600);
  Scratch scratch;
  const Program program =
      compile("exp(now) * request.gb + (consumer.id == 'a' ? 1 : 2)", ValueType::kNumber, TestScope()).value();
  EXPECT_TRUE(program.uniform());
  program.begin(source, scratch);
  const std::size_t reads = source.reads;
  EXPECT_EQ(reads, 3U);
  std::vector<double> out(256);
  program.evaluate(source, 256, out.data(), scratch);
  EXPECT_EQ(source.reads, reads);
}

TEST(Interpreter, ReadsEachColumnOncePerBlock) {
  TestSource source(5, 600);
  Scratch scratch;
  const Program program =
      compile("self.a * self.a + self.a / self.b - self.b", ValueType::kNumber, TestScope()).value();
  program.begin(source, scratch);
  std::vector<double> out(256);
  program.evaluate(source, 256, out.data(), scratch);
  EXPECT_EQ(source.reads, 2U);
}

// What an index does: one program and its scratch, begun once, over whatever rows come.
TEST(Interpreter, AScratchOfItsOwnStaysBegun) {
  TestSource source(5, 600);
  Scratch scratch, fresh;
  const Program program = compile("sum((free - request) / limit) * exp(now) + (consumer.id == 'a' ? self.a : 2)",
                                  ValueType::kNumber, TestScope())
                              .value();
  program.begin(source, scratch);
  TestSource other(5, 600);
  for (std::uint32_t round = 0; round < 50; ++round) {
    const std::size_t reads = source.reads;
    source.begin = other.begin = round * 7;
    const std::uint32_t n = 1 + round * 5 % 250;
    std::vector<double> out(n), expected(n);
    program.evaluate(source, n, out.data(), scratch);
    EXPECT_EQ(source.reads - reads, 7U)
        << "limit and free per dimension, and self.a; what is uniform was read by begin()";
    program.begin(other, fresh);
    program.evaluate(other, n, expected.data(), fresh);
    EXPECT_TRUE(std::ranges::equal(out, expected, same)) << round;
  }
}

TEST(Interpreter, OneScratchServesProgramsOfAnySizeInTurn) {
  TestSource source(5, 10);
  Scratch scratch;
  source.set("self.a", 0, 3);
  const Program large = compile("sum(used + free * limit) + self.a", ValueType::kNumber, TestScope()).value();
  const Program small = compile("self.a + 1", ValueType::kNumber, TestScope()).value();
  Scratch fresh;
  const double expected = large.evaluate_one(source, fresh);
  EXPECT_EQ(small.evaluate_one(source, scratch), 4);
  EXPECT_TRUE(same(large.evaluate_one(source, scratch), expected));
  EXPECT_EQ(small.evaluate_one(source, scratch), 4);
}

}  // namespace
}  // namespace apportion::testing
