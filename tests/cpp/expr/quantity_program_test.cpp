#include "apportion/expr/quantity_program.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>

namespace apportion {
namespace {

// Two numbers of the request, and of the consumer a text, a truth and a number that is not set.
class Names : public Scope, public ExactSource {
 public:
  [[nodiscard]] std::optional<Ref> resolve(std::string_view path) const override {
    static const std::map<std::string_view, Ref> all{{"request.gb", {Read::kRequest, ValueType::kNumber, 0, true}},
                                                     {"request.seats", {Read::kRequest, ValueType::kNumber, 1, true}},
                                                     {"consumer.plan", {Read::kConsumer, ValueType::kString, 2, true}},
                                                     {"consumer.vip", {Read::kConsumer, ValueType::kBoolean, 3, true}},
                                                     {"consumer.age", {Read::kConsumer, ValueType::kNumber, 4, true}},
                                                     {"self.id", {Read::kRow, ValueType::kString, 5, false}},
                                                     {"now", {Read::kTime, ValueType::kNumber, 6, true}},
                                                     {"request", {Read::kRequest, ValueType::kVector, 0, true}}};
    const auto found = all.find(path);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::uint32_t dimensions() const override { return 2; }
  [[nodiscard]] std::vector<std::string> names() const override { return {"request.gb", "request.seats"}; }
  [[nodiscard]] ExactValue read(const Ref& ref) const override {
    switch (ref.id) {
      case 0:
        return gb;
      case 1:
        return seats;
      case 2:
        return std::string_view("gold");
      case 3:
        return true;
      default:
        return {};
    }
  }

  Fraction gb{3, 10}, seats{7, 1};
};

std::string answer(std::string_view text, Step step = {}, const Names& names = {}) {
  const Result<QuantityProgram> program = QuantityProgram::compile(text, names);
  if (!program) return program.error().message;
  const Result<Steps> steps = program->steps(names, step);
  return steps ? std::to_string(*steps) : steps.error().message;
}

TEST(QuantityProgram, CountsExactly) {
  const Step milli{1, 1000};
  EXPECT_EQ(answer("request.gb", milli), "300") << "0.3 is 0.3";
  EXPECT_EQ(answer("request.gb * 3 - 0.9", milli), "0") << "no double could";
  EXPECT_EQ(answer("request.seats / 3", milli), "2334") << "rounded up, once, at the end";
  EXPECT_EQ(answer("request.seats / 3 * 3"), "7");
  EXPECT_EQ(answer("1 / 3", Step{1, 3}), "1");
  EXPECT_EQ(answer("max(request.gb, 0.25, 0.1) + min(2, request.seats)", milli), "2300");
  EXPECT_EQ(answer("ceil(request.gb) + floor(-0.5) + round(2.5) + abs(-4) + square(3)"), "16");
  EXPECT_EQ(answer("clamp(request.seats, 8, 9)"), "8");
  EXPECT_EQ(answer("consumer.plan == 'gold' && consumer.vip ? request.seats : 1"), "7");
  EXPECT_EQ(answer("consumer.plan in ['silver', 'gold'] ? 2 : 3"), "2");
  EXPECT_EQ(answer("coalesce(consumer.age, 5) + number(has(consumer.age))"), "5");
  EXPECT_EQ(answer("has(consumer.age) && consumer.age > 3 ? 1 : 2"), "2") << "false decides alone";
}

TEST(QuantityProgram, SaysWhyThereIsNoQuantity) {
  EXPECT_EQ(answer("consumer.age * 2"),
            "'consumer.age * 2' has no value: something it reads is not set, or it divides by zero");
  EXPECT_EQ(answer("1 / (request.seats - 7)").substr(0, 40), "'1 / (request.seats - 7)' has no value: ");
  EXPECT_EQ(answer("request.gb - 1"), "'request.gb - 1' is negative");
  EXPECT_EQ(answer("9007199254740991"), "9007199254740991");
  EXPECT_EQ(answer("9007199254740992"), "'9007199254740992' is more than 2^53 - 1 steps");
  EXPECT_EQ(answer("square(square(square(1e300)))"),
            "'square(square(square(1e300)))' needs numbers that are too large");
}

TEST(QuantityProgram, RefusesWhatIsNotExactOrNotTheRequests) {
  EXPECT_NE(answer("sqrt(2)").find("the function 'sqrt', which has no exact result"), std::string::npos);
  EXPECT_NE(answer("size('abc')").find("the function 'size'"), std::string::npos);
  EXPECT_NE(answer("self.id == 'x' ? 1 : 2").find("found a name of the row; an amount can read the request"),
            std::string::npos);
  EXPECT_NE(answer("now").find("found a name of the time"), std::string::npos);
  EXPECT_NE(answer("request.seats % 2").find("found '%'"), std::string::npos);
  EXPECT_NE(answer("max(request)").find("found a vector"), std::string::npos);
  EXPECT_NE(answer("request.gbb").find("did you mean 'request.gb'"), std::string::npos);
  EXPECT_NE(answer("consumer.vip").find("found a boolean"), std::string::npos);
}

TEST(QuantityProgram, CountsAreWhole) {
  const Names names;
  const auto count = [&](std::string_view text) {
    const Result<std::uint32_t> found = QuantityProgram::compile(text, names).value().count(names, 10);
    return found ? std::to_string(*found) : found.error().message;
  };
  EXPECT_EQ(count("request.seats + 3"), "10");
  EXPECT_EQ(count("0"), "0");
  EXPECT_EQ(count("request.gb"), "'request.gb' is no whole number");
  EXPECT_EQ(count("11"), "'11' is more than 10");
}

// a / b op c / d against arithmetic in 128 bits.
TEST(QuantityProgram, AgreesWithFractionsByHand) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 2000; ++i) {
    const auto draw = [&] { return static_cast<std::int64_t>(random() % 1000 + 1); };
    const std::int64_t a = draw(), b = draw(), c = draw(), d = draw();
    Names names;
    names.gb = {a, b};
    names.seats = {c, d};
    const Step step{draw(), draw()};
    const auto up = [&](Int128 over, Int128 under) {
      const Int128 x = over * step.denominator, y = under * step.numerator;
      return std::to_string(static_cast<std::int64_t>((x + y - 1) / y));
    };
    ASSERT_EQ(answer("request.gb + request.seats", step, names), up(Int128{a} * d + Int128{c} * b, Int128{b} * d));
    ASSERT_EQ(answer("request.gb * request.seats", step, names), up(Int128{a} * c, Int128{b} * d));
    ASSERT_EQ(answer("request.gb / request.seats", step, names), up(Int128{a} * d, Int128{b} * c));
    ASSERT_EQ(answer("request.gb > request.seats ? 1 : 0", Step{}, names), Int128{a} * d > Int128{c} * b ? "1" : "0");
  }
}

TEST(ExactValue, IsWhatTheShortestTextOfADoubleSays) {
  const auto text = [](double number) {
    const ExactValue value = exact_value(number);
    const Fraction* const fraction = std::get_if<Fraction>(&value);
    if (fraction == nullptr) return std::string("none");
    return std::to_string(static_cast<std::int64_t>(fraction->numerator)) + "/" +
           std::to_string(static_cast<std::int64_t>(fraction->denominator));
  };
  EXPECT_EQ(text(0.1), "1/10");
  EXPECT_EQ(text(-2.5), "-25/10");
  EXPECT_EQ(text(3000), "3000/1");
  EXPECT_EQ(text(1e300), "none");
  EXPECT_EQ(text(1e-300), "none");
  EXPECT_EQ(text(std::nan("")), "none");
}

}  // namespace
}  // namespace apportion
