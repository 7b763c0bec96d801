// What can be said of a policy before any type uses it.
#pragma once

#include "apportion/base/status.hpp"
#include "apportion/catalog/definitions.hpp"

namespace apportion {

/// Fails when no type could make sense of the policy: bad syntax, an unknown function, a name that is no path of the
/// language, a filter that is no boolean, a score that is no number. Fields, attributes, dimensions and relationships
/// may have any name and any kind. The error's place is "policies.<name>.where" or ".score".
Status check_untyped(const PolicyDefinition& policy);

}  // namespace apportion
