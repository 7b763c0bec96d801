// Needs of types in documents. Private to the area.
#pragma once

#include <vector>

#include "reading.hpp"

namespace apportion {

/// The key `needs` of a type.
std::vector<NeedDefinition> read_needs(TableReader& type);
/// The key `needs` of an instance: each names the instance that fills it.
std::vector<NeedDefinition> read_instance_needs(TableReader& instance);
Node needs_to_node(const std::vector<NeedDefinition>& needs);

/// Keys of a need beside its amounts.
std::span<const std::string_view> need_words();
/// Those that are no words of requests.
std::span<const std::string_view> own_need_words();

}  // namespace apportion
