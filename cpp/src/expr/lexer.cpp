#include "apportion/expr/lexer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "apportion/expr/diagnostic.hpp"

namespace apportion {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

// Bytes of the character at `at`, 0 when it is not UTF-8: overlong forms, surrogates and numbers above U+10FFFF are
// none (The Unicode Standard 15.0, table 3-7).
std::size_t character_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t k) { return at + k < text.size() ? static_cast<unsigned char>(text[at + k]) : 0U; };
  const auto tail = [&](std::size_t k) { return byte(k) >= 0x80 && byte(k) <= 0xBF; };
  const unsigned lead = byte(0), second = byte(1);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return tail(1) ? 2 : 0;
  if (lead < 0xF0) {
    const bool fits = tail(1) && (lead != 0xE0 || second >= 0xA0) && (lead != 0xED || second <= 0x9F);
    return fits && tail(2) ? 3 : 0;
  }
  const bool fits = tail(1) && (lead != 0xF0 || second >= 0x90) && (lead != 0xF4 || second <= 0x8F);
  return fits && tail(2) && tail(3) ? 4 : 0;
}

std::string quoted_character(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte >= 0x20 && byte != 0x7F) return "'" + std::string(text.substr(at, character_size(text, at))) + "'";
  constexpr std::string_view kDigits = "0123456789abcdef";
  return std::string("the control character 0x") + kDigits[byte >> 4U] + kDigits[byte & 15U];
}

std::string_view advice_for(char c) {
  switch (c) {
    case '=':
      return ", expected an operator; equality is written '=='";
    case '&':
      return ", expected an operator; 'and' is written '&&'";
    case '|':
      return ", expected an operator; 'or' is written '||'";
    default:
      return ", expected a value or an operator";
  }
}

}  // namespace

char ExprLexer::peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

void ExprLexer::skip_space() {
  while (at_ < text_.size() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) ++at_;
}

ExprToken ExprLexer::finish(ExprTokenKind kind, std::size_t begin) const {
  return {kind, begin, text_.substr(begin, at_ - begin), 0, {}};
}

ExprToken ExprLexer::next() {
  skip_space();
  if (at_ >= text_.size()) return finish(ExprTokenKind::kEnd, at_);
  if (is_digit(peek())) return number();
  if (peek() == '"' || peek() == '\'') return string();
  if (is_name_start(peek())) return name();
  return symbol();
}

ExprToken ExprLexer::number() {
  const std::size_t begin = at_;
  const auto digits = [&] {
    while (is_digit(peek())) ++at_;
  };
  digits();
  if (peek() == '.' && is_digit(peek(1))) ++at_, digits();
  const bool exponent = (peek() == 'e' || peek() == 'E') &&
                        (is_digit(peek(1)) || ((peek(1) == '+' || peek(1) == '-') && is_digit(peek(2))));
  if (exponent) at_ += 2, digits();
  if (is_name_start(peek()) || peek() == '.') {
    throw ExpressionFailure{
        at_, "found " + quoted_character(text_, at_) + " in a number, expected digits such as 12, 0.5 or 1.5e3"};
  }
  ExprToken token = finish(ExprTokenKind::kNumber, begin);
  const auto [end, code] = std::from_chars(token.slice.data(), token.slice.data() + token.slice.size(), token.number);
  if (code != std::errc() || !std::isfinite(token.number)) {
    throw ExpressionFailure{begin, "found the number " + std::string(token.slice.substr(0, 40)) +
                                       ", expected one between 1e-307 and 1e308"};
  }
  return token;
}

char ExprLexer::escape() {
  constexpr std::string_view kWritten = "\\\"'ntr", kMeant = "\\\"'\n\t\r";
  const std::size_t which = kWritten.find(peek(1));
  if (at_ + 1 >= text_.size() || which == std::string_view::npos) {
    throw ExpressionFailure{at_, "found an unknown escape in a string, expected \\\\ \\\" \\' \\n \\t or \\r"};
  }
  at_ += 2;
  return kMeant[which];
}

ExprToken ExprLexer::string() {
  const std::size_t begin = at_;
  const char quote = text_[at_++];
  std::string content;
  while (at_ < text_.size() && peek() != quote) {
    const auto byte = static_cast<unsigned char>(peek());
    if (byte == '\n') break;
    if (byte < 0x20 || byte == 0x7F)
      throw ExpressionFailure{at_, "found " + quoted_character(text_, at_) + " in a string, expected text"};
    content += peek() == '\\' ? escape() : text_[at_++];
  }
  if (at_ >= text_.size() || peek() != quote) {
    throw ExpressionFailure{
        begin, std::string("found a string without its end, expected a closing ") + quote + " on the same line"};
  }
  ++at_;
  ExprToken token = finish(ExprTokenKind::kString, begin);
  token.text = std::move(content);
  return token;
}

ExprToken ExprLexer::name() {
  const std::size_t begin = at_;
  while (is_name_part(peek())) ++at_;
  return finish(ExprTokenKind::kName, begin);
}

ExprToken ExprLexer::symbol() {
  constexpr std::array<std::string_view, 6> kPairs{"&&", "||", "==", "!=", "<=", ">="};
  constexpr std::string_view kSingles = "<>+-*/%!?:()[],.";
  const std::size_t begin = at_;
  for (const std::string_view pair : kPairs) {
    if (text_.substr(at_, 2) == pair) {
      at_ += 2;
      return finish(ExprTokenKind::kSymbol, begin);
    }
  }
  if (kSingles.find(peek()) == std::string_view::npos) {
    throw ExpressionFailure{at_, "found " + quoted_character(text_, at_) + std::string(advice_for(peek()))};
  }
  ++at_;
  return finish(ExprTokenKind::kSymbol, begin);
}

void require_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    if (size == 0) throw ExpressionFailure{at, "found a byte that is not UTF-8, expected UTF-8 text"};
    at += size;
  }
}

std::string describe(const ExprToken& token) {
  if (token.kind == ExprTokenKind::kEnd) return "the end of the text";
  constexpr std::size_t kShown = 40;
  if (token.slice.size() <= kShown) return "'" + std::string(token.slice) + "'";
  std::size_t cut = kShown;
  while ((static_cast<unsigned char>(token.slice[cut]) & 0xC0U) == 0x80U) --cut;
  return "'" + std::string(token.slice.substr(0, cut)) + "...'";
}

}  // namespace apportion
