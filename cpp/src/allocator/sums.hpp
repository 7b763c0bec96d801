// The sums of a denial: what the candidates before the capacity stage have together. Private to the area.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apportion/allocator/denial.hpp"
#include "apportion/allocator/plan.hpp"

namespace apportion {

/// One version's candidates.
struct SumPart {
  const VersionPlan* version;
  std::vector<std::uint32_t> rows;
};

/// A sum per dimension that `asked` asks for, over the parts that have it; none where no candidate has it. Steps of
/// different versions are counted in their greatest common step, exactly unless that is finer than 2^-40 of one of
/// them. In the empty view nothing is used.
[[nodiscard]] std::vector<BindingSum> binding_sums(const std::vector<SumPart>& parts, const VersionPlan& asked,
                                                   View view);

/// True when `asked` asks for something, and the parts have `count` times of it free together, in every dimension.
[[nodiscard]] bool enough_in_sum(const std::vector<SumPart>& parts, const VersionPlan& asked, std::uint32_t count);

/// The dimension that most candidates lack, of equal ones the first; "" when none lacks any.
[[nodiscard]] std::string scarcest(const std::vector<SumPart>& parts, const VersionPlan& asked, View view);

}  // namespace apportion
