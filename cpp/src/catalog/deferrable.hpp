// Reading and writing what a type says of slots that are granted just in time. Private to the area.
#pragma once

#include <optional>

#include "apportion/catalog/definitions.hpp"
#include "reading.hpp"

namespace apportion {

/// Of the key `deferrable`; none where it is absent.
std::optional<DeferrableDefinition> read_deferrable(TableReader& type);
Node to_node(const DeferrableDefinition& deferrable);

/// Seconds under a key as nanoseconds, rounded up; reports what is not above 0, or more than 30 days.
std::optional<Time> read_seconds(TableReader& table, std::string_view key);
Node seconds_to_node(Time time);

}  // namespace apportion
