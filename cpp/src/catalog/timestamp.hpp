// Points in time as documents write them. Pure; private to the area.
#pragma once

#include <string_view>

#include "apportion/base/decimal.hpp"

namespace apportion {

/// RFC 3339 text such as "2024-02-29T12:30:00.5+01:00" as seconds since 1970-01-01T00:00:00Z, exactly. The offset is
/// required, leap seconds are refused, and a fraction may have up to 18 digits.
Result<Decimal> parse_timestamp(std::string_view text);

}  // namespace apportion
