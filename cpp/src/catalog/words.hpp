// Text as documents may hold it. Pure functions; private to the area.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace apportion {

/// True for valid UTF-8 without control characters; `lines` permits line breaks and tabs.
bool is_clean(std::string_view text, bool lines);

/// `text` as valid UTF-8 without control characters: '?' stands for each such byte, "..." for what is beyond `longest`
/// bytes.
std::string printable(std::string_view text, std::size_t longest);

}  // namespace apportion
