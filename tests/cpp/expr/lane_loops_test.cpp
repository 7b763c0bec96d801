// Every level's loops against the lowest level's, bit for bit; what they should compute is program_test's and
// interpreter_test's matter.
#include "apportion/expr/lane_loops.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "support/cpu_levels.hpp"
#include "test_world.hpp"

namespace apportion::testing {
namespace {

constexpr std::size_t kLanes = 40;

struct Memory {
  alignas(32) std::array<double, 4 * kLanes> cells;
};

double odd_number(std::mt19937_64& random) {
  constexpr double kOdd[] = {kNan, kInf, -kInf, 0.0, -0.0, 0.5, -0.5, 1.0, 2.5, 0x1p52, -0x1p53, 5e-324, 1e308};
  if (random() % 3 == 0) return kOdd[random() % std::size(kOdd)];
  if (random() % 4 == 0) return std::bit_cast<double>(random());
  return static_cast<double>(random() % 4096) / 16 - 128;
}

// With every combination of lanes and uniform operands: bit k of `uniform` is operand k.
ExprInstruction instruction(std::size_t loop, unsigned uniform) {
  ExprInstruction made;
  made.loop = static_cast<std::uint16_t>(loop);
  ExprOperand* operands[] = {&made.a, &made.b, &made.c};
  for (unsigned k = 0; k < 3; ++k) {
    *operands[k] = {(uniform >> k & 1U) != 0 ? ExprOperand::kUniformBit : 0, (k + 1) * std::uint32_t{kLanes}};
  }
  return made;
}

std::vector<std::uint64_t> results(const Memory& start, std::size_t loop, unsigned uniform) {
  Memory memory = start;
  // One memory for both files: an operand is found where it says, whichever file it names.
  lane_loops().all[loop]({memory.cells.data(), memory.cells.data()}, instruction(loop, uniform), kLanes);
  std::vector<std::uint64_t> found;
  // Which NaN it is, is nobody's business.
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const double value = memory.cells[lane];
    found.push_back(std::isnan(value) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(value));
  }
  EXPECT_TRUE(
      std::equal(memory.cells.begin() + kLanes, memory.cells.end(), start.cells.begin() + kLanes,
                 [](double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }))
      << "operands stay";
  return found;
}

TEST(LaneLoops, AreTheSameAtEveryLevel) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 60; ++round) {
    Memory memory;
    std::ranges::generate(memory.cells, [&] { return odd_number(random); });
    // A uniform operand stands kUniformCopies times.
    const auto make_uniform = [&](unsigned operand) {
      double* cells = memory.cells.data() + (operand + 1) * kLanes;
      std::fill_n(cells, kUniformCopies, cells[0]);
    };
    for (unsigned k = 0; k < 3; ++k) make_uniform(k);
    for (std::size_t loop = 0; loop < lane_loops().all.size(); ++loop) {
      if (lane_loops().all[loop] == nullptr) continue;
      const unsigned uniform = static_cast<unsigned>(random() % 8);
      std::vector<std::uint64_t> expected;
      at_every_cpu_level([&] {
        const std::vector<std::uint64_t> found = results(memory, loop, uniform);
        if (expected.empty()) expected = found;
        EXPECT_EQ(found, expected) << "loop " << loop;
      });
    }
  }
}

TEST(LaneLoops, ExistForTheSameOperationsAtEveryLevel) {
  std::vector<bool> expected;
  at_every_cpu_level([&] {
    std::vector<bool> found;
    for (const LaneLoop loop : lane_loops().all) found.push_back(loop != nullptr);
    if (expected.empty()) expected = found;
    EXPECT_EQ(found, expected);
  });
  EXPECT_GE(std::ranges::count(expected, true), 42) << "26 operations and 16 pairs";
}

}  // namespace
}  // namespace apportion::testing
