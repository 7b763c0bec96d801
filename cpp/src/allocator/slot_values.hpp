// What rules of needs read of instances in other slots. Private to the area.
#pragma once

#include <string_view>

#include "apportion/allocator/plan.hpp"

namespace apportion {

/// The value of an instance under a name as candidates have it under `self.`, as a lane; NaN where its version of its
/// type means something else by the name, or there is no instance.
[[nodiscard]] double slot_value(const Sections& sections, InstanceRef instance, std::string_view name, ValueType type);

}  // namespace apportion
