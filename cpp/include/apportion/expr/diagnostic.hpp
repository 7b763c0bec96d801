// Where an expression is wrong, for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/base/status.hpp"

namespace apportion {

/// 1-based; a column counts characters (UTF-8 code points), not bytes. {0, 0} = nowhere.
struct TextPosition {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend bool operator==(const TextPosition&, const TextPosition&) = default;
};

/// The position of the byte at `offset`; offsets beyond the end count as the end.
TextPosition position_at(std::string_view text, std::size_t offset);

/// The line and below it a caret under the column, for terminals:
///     used.gb + * 2
///               ^
/// Lines longer than 160 characters are cut around the caret. No newline at the end.
std::string caret(std::string_view text, std::uint32_t line, std::uint32_t column);

/// Thrown inside compile() by the parser, the checker and the compiler, and never outside of it: `offset` counts bytes.
struct ExpressionFailure {
  std::size_t offset = 0;
  std::string message;
};

/// Error{kInvalid} "line 1, column 9: <message>".
Error expression_error(std::string_view text, const ExpressionFailure& failure);

/// "; did you mean 'used.gb'?" when one of `names` is within a third of its length of edits, else "".
std::string name_hint(std::string_view name, const std::vector<std::string>& names);

}  // namespace apportion
