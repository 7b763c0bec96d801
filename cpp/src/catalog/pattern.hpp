// Regular expressions of string fields (Perl syntax, on bytes). Thread-safe; private to the area.
#pragma once

#include <string>
#include <string_view>

#include "apportion/base/status.hpp"

namespace apportion {

/// Fails with the reason when `pattern` is no regular expression.
Status check_pattern(const std::string& pattern);
/// True when the whole text matches. Fails when the pattern is broken or the search would take too long.
Result<bool> matches(const std::string& pattern, std::string_view text);

}  // namespace apportion
