#include "apportion/expr/diagnostic.hpp"

#include <algorithm>
#include <numeric>

namespace apportion {
namespace {

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::string_view line_of(std::string_view text, std::uint32_t line) {
  for (std::uint32_t skipped = 1; skipped < line; ++skipped) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// Drops `count` characters (not bytes) from the front.
std::string_view drop_characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) {
    ++at;
    while (at < text.size() && continues_character(text[at])) ++at;
  }
  return text.substr(at);
}

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Edits that turn one name into the other, letters of either case being equal: insert, delete, replace, swap neighbours
// (restricted Damerau-Levenshtein distance, three rows of the classic table).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto same = [&](std::size_t i, std::size_t k) { return lowered(a[i - 1]) == lowered(b[k - 1]); };
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      row[k] = std::min({last[k] + 1, row[k - 1] + 1, last[k - 1] + (same(i, k) ? 0 : 1)});
      if (i > 1 && k > 1 && same(i, k - 1) && same(i - 1, k)) row[k] = std::min(row[k], before[k - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

TextPosition position_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  const std::string_view line = before.substr(start);
  const auto tail = std::count_if(line.begin(), line.end(), continues_character);
  return {static_cast<std::uint32_t>(lines + 1),
          static_cast<std::uint32_t>(line.size() - static_cast<std::size_t>(tail) + 1)};
}

std::string caret(std::string_view text, std::uint32_t line, std::uint32_t column) {
  constexpr std::size_t kWidth = 160;
  std::string_view shown = line_of(text, line);
  std::size_t indent = column == 0 ? 0 : column - 1;
  if (indent >= kWidth) {
    shown = drop_characters(shown, indent - kWidth / 2);
    indent = kWidth / 2;
  }
  shown.remove_suffix(drop_characters(shown, kWidth).size());
  std::string result(shown);
  result += '\n';
  std::string_view rest = shown;
  for (; indent > 0; --indent, rest = drop_characters(rest, 1)) result += rest.starts_with('\t') ? '\t' : ' ';
  return result + '^';
}

Error expression_error(std::string_view text, const ExpressionFailure& failure) {
  const TextPosition place = position_at(text, failure.offset);
  return invalid("line " + std::to_string(place.line) + ", column " + std::to_string(place.column) + ": " +
                 failure.message);
}

std::string name_hint(std::string_view name, const std::vector<std::string>& names) {
  constexpr std::size_t kLongest = 128;  // keeps the table small whatever the text holds
  if (name.size() > kLongest) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : names) {
    if (candidate.size() > kLongest) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) best = &candidate, best_distance = distance;
  }
  return best == nullptr ? std::string() : "; did you mean '" + *best + "'?";
}

}  // namespace apportion
