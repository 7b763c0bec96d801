#include "apportion/expr/ref.hpp"

#include <array>

namespace apportion {

std::string_view type_name(ValueType type) {
  constexpr std::array<std::string_view, 5> kNames{"number", "boolean", "string", "list", "vector"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view read_name(Read read) {
  constexpr std::array<std::string_view, 7> kNames{"row", "group", "request", "consumer", "slot", "time", "inside"};
  return kNames[static_cast<std::size_t>(read)];
}

}  // namespace apportion
