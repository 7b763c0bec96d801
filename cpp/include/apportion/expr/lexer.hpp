// Text to tokens. Internal to expr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace apportion {

enum class ExprTokenKind : std::uint8_t { kEnd, kNumber, kString, kName, kSymbol };

/// `slice` is the token as written; symbols ("&&", "<=", "(") and the words true, false and in are told apart by it.
struct ExprToken {
  ExprTokenKind kind = ExprTokenKind::kEnd;
  std::size_t offset = 0;
  std::string_view slice;
  double number = 0;
  std::string text;  ///< of a string literal: its content, escapes resolved

  [[nodiscard]] std::size_t end() const { return offset + slice.size(); }
  [[nodiscard]] bool is(std::string_view symbol) const {
    return (kind == ExprTokenKind::kSymbol || kind == ExprTokenKind::kName) && slice == symbol;
  }
};

/// Hands out tokens one by one. REQUIRES: `text` outlives the lexer and is valid UTF-8 (see require_utf8).
/// Throws ExpressionFailure on a character that starts no token and on broken numbers and strings.
class ExprLexer {
 public:
  explicit ExprLexer(std::string_view text) : text_(text) {}

  ExprToken next();

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const;
  void skip_space();
  ExprToken number();
  ExprToken string();
  char escape();
  ExprToken name();
  ExprToken symbol();
  ExprToken finish(ExprTokenKind kind, std::size_t begin) const;

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Throws ExpressionFailure at the first byte that is not UTF-8.
void require_utf8(std::string_view text);
/// For messages: "'+'", "the end of the text".
std::string describe(const ExprToken& token);

}  // namespace apportion
