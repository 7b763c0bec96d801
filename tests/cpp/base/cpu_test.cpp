#include "apportion/base/cpu.hpp"

#include <gtest/gtest.h>

namespace apportion {
namespace {

TEST(Cpu, LevelsHaveNames) {
  EXPECT_EQ(cpu_level_name(CpuLevel::kBaseline), "baseline");
  EXPECT_EQ(cpu_level_name(CpuLevel::kV3), "v3");
}

TEST(Cpu, ANameLimitsTheLevel) {
  const CpuLevel best = cpu_supports(CpuLevel::kV3) ? CpuLevel::kV3 : CpuLevel::kBaseline;
  EXPECT_EQ(best_cpu_level("baseline"), CpuLevel::kBaseline);
  EXPECT_EQ(best_cpu_level("v3"), best);
  for (const char* text : {"", "v4", "V3", "baseline "}) EXPECT_EQ(best_cpu_level(text), best) << text;
}

TEST(Cpu, TheLevelInUseCanBeSwitched) {
  const CpuLevel before = cpu_level();
  EXPECT_TRUE(cpu_supports(before));
  for (const CpuLevel level : {CpuLevel::kBaseline, before}) {
    use_cpu_level(level);
    EXPECT_EQ(cpu_level(), level);
  }
}

}  // namespace
}  // namespace apportion
