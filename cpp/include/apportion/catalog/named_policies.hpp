// The named allocation algorithms, written in the metadata language like any policy of a user.
#pragma once

#include <vector>

#include "apportion/catalog/definitions.hpp"

namespace apportion {

/// least_utilised, most_utilised, balance, balance_count, closest_capacity, first, last. A document may not redefine
/// them; print one, copy it under another name, change it.
const std::vector<PolicyDefinition>& named_policies();

}  // namespace apportion
