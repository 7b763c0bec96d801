// A migration as it is asked of a pool, and what it did. Values; thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apportion/inventory/migration.hpp"

namespace apportion {

/// Moves instances with all that is claimed of them to one version of their type.
struct Migration {
  std::string type;
  std::optional<std::uint32_t> to;                    ///< the version's number; none: the newest
  std::optional<std::vector<std::string>> instances;  ///< ids; none: all of the type's other versions
  MigrationValues values;
  bool dry_run = false;  ///< find out what would be done, or why it is refused, and take it back
};

/// What was moved; instances that had the version already are not counted.
struct Migrated {
  std::uint32_t version = 0;
  std::uint64_t instances = 0;
  std::uint64_t claims = 0;  ///< and marks
  Dropped dropped;
};

}  // namespace apportion
