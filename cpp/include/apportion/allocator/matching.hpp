// How many instances a slot is about, and how many of them it could have.
#pragma once

#include <cstdint>

#include "apportion/allocator/plan.hpp"
#include "apportion/inventory/neighbours.hpp"

namespace apportion {

struct Matching {
  std::uint32_t all = 0;   ///< that lie within the bounds and pass the request's filter, whatever their state
  std::uint32_t free = 0;  ///< of these, that permit it and have room, each by itself
};

/// By a look at every instance of the plan's versions. `neighbours` has caught up.
[[nodiscard]] Matching count_matching(const Sections& sections, Expressions& expressions, const Plan& plan,
                                      Neighbours& neighbours);

}  // namespace apportion
