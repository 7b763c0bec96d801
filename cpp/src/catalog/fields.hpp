// Reading and writing field definitions, which types, states and consumer kinds share. Private to the area.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "reading.hpp"

namespace apportion {

/// The table `key` of field definitions. Names in `reserved` are refused.
std::vector<FieldDefinition> read_fields(TableReader& table, std::string_view key,
                                         std::span<const std::string_view> reserved);
/// The table `state`: the predefined fields first, as changed, then the type's own.
std::vector<FieldDefinition> read_states(TableReader& table, std::span<const std::string_view> reserved);

/// Tables that read_fields and read_states read back.
Node::Map fields_to_node(const std::vector<FieldDefinition>& fields);
Node::Map states_to_node(const std::vector<FieldDefinition>& states);

/// Reports `name` if it is reserved.
void check_not_reserved(std::string_view name, std::span<const std::string_view> reserved, const std::string& place,
                        std::vector<Problem>& problems);

/// What `self.` means in expressions before any field does.
inline constexpr std::string_view kSelfWords[] = {"id",     "type",      "address", "location", "parent", "labels",
                                                  "groups", "consumers", "claims",  "ordinal",  "granted"};
inline constexpr std::string_view kConsumerWords[] = {"id", "kind"};

}  // namespace apportion
