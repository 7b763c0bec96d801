// The names that requests use otherwise, and what is said of a dimension that a type does not have.
#pragma once

#include <span>
#include <string_view>

#include "apportion/base/status.hpp"
#include "apportion/catalog/definitions.hpp"

namespace apportion {

/// Arguments of requests and columns beside the amounts: what no dimension may be called. A test compares them with the
/// signatures of the surface.
[[nodiscard]] std::span<const std::string_view> request_words();

/// "; did you mean 'count'?" for a word that is close to an argument of requests or to one of `dimensions`, else "".
[[nodiscard]] std::string request_hint(std::string_view word, const std::vector<DimensionDefinition>& dimensions = {});

/// What was meant for an argument of the request, or for a dimension, is suggested.
[[nodiscard]] Error unknown_dimension(const TypeDefinition& type, std::string_view name);

}  // namespace apportion
