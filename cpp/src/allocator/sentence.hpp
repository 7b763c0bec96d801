// The one sentence of a denial. Private to the area.
#pragma once

#include <string>
#include <vector>

#include "apportion/allocator/denial.hpp"
#include "apportion/allocator/plan.hpp"

namespace apportion {

/// What is said of the view that says why: of the pool as it is, or empty.
struct Reason {
  std::uint64_t left = 0;  ///< candidates
  const std::vector<Stage>& stages;
  std::vector<BindingSum> binding;
  bool empty = false;
};

/// What a denial fails by: the stage that leaves nothing, the sums that are short, the class.
[[nodiscard]] std::string sentence(const Denial& denial, const Reason& reason, const std::string& left_out);

/// Instances of the type that no version asked has, in words; "" where there are none.
[[nodiscard]] std::string left_out(const Sections& sections, const Plan& plan);

}  // namespace apportion
