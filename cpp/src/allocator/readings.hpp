// What an expression read on one instance, for people. Private to the area.
#pragma once

#include <cstdint>
#include <string>

#include "apportion/allocator/expressions.hpp"
#include "apportion/inventory/row_source.hpp"

namespace apportion {

/// `self.media = "hdd", used.gb = 3`: the single values that the filter reads for this row, in the order in which the
/// program names them; "" when it reads lists, vectors or groups alone.
[[nodiscard]] std::string readings(const CompiledFilter& filter, const TypeDefinition& type, RowSource& source,
                                   std::uint32_t row);

}  // namespace apportion
