// What moves with an instance from one version of its type to another. Values; thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "apportion/catalog/definitions.hpp"

namespace apportion {

/// What instances get in the new version where they bring nothing that it takes. What they bring comes first.
struct MigrationValues {
  NamedNodes state;
  NamedNodes fields;
  NamedDecimals capacity;  ///< in units; of dimensions that the instance's version lacks
};

/// What the new version has no place for, such as "fields.rack", and how many instances had a value there.
using Dropped = std::map<std::string, std::uint64_t>;

/// Fails, naming the place, unless the version has these names and accepts the values.
Status check(const MigrationValues& values, const TypeDefinition& type);

}  // namespace apportion
