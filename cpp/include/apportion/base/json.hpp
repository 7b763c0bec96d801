// Trees of JSON text: the other way round than to_json.
#pragma once

#include <string_view>

#include "apportion/base/node.hpp"

namespace apportion {

/// What `to_json` wrote, as a tree; numbers that are no whole numbers of 64 bits are read as doubles. Fails, naming the
/// fault, on text that is no JSON, more than 100 levels deep, or holds a number beyond these.
Result<Node> from_json(std::string_view text);

}  // namespace apportion
