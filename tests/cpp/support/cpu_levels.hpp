// Runs something at every level that this machine supports.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "apportion/base/cpu.hpp"

namespace apportion {

template <class Body>
void at_every_cpu_level(const Body& body) {
  const CpuLevel before = cpu_level();
  for (std::size_t level = 0; level < kCpuLevels; ++level) {
    if (!cpu_supports(static_cast<CpuLevel>(level))) continue;
    SCOPED_TRACE(std::string(cpu_level_name(static_cast<CpuLevel>(level))));
    use_cpu_level(static_cast<CpuLevel>(level));
    body();
  }
  use_cpu_level(before);
}

}  // namespace apportion
