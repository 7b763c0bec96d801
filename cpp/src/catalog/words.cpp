#include "words.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "apportion/catalog/document.hpp"

namespace apportion {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxWordBytes = kMaxNameBytes + kMaxNameBytes / 3;  // of what may be suggested for a name
// Suggestions are for people; a document that names thousands of things wrongly must not cost a search each.
constexpr std::size_t kMaxCandidates = 256;

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

// The first character of `text`, which is not empty. Overlong forms, surrogates and codes beyond U+10FFFF are refused.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  std::uint32_t code = lead & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  if (overlong || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return {};
  return {code, size};
}

bool is_control(std::uint32_t code) { return code < 0x20 || (code >= 0x7f && code <= 0x9f); }

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Insertions, deletions, replacements and swaps of neighbours that turn `from` into `to`, letters of either case being
// equal. REQUIRES: neither is longer than kMaxWordBytes.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::array<std::array<std::size_t, kMaxWordBytes + 1>, 3> rows;
  auto* before = &rows[0];
  auto* above = &rows[1];
  auto* row = &rows[2];
  for (std::size_t j = 0; j <= to.size(); ++j) (*above)[j] = j;
  const auto same = [&](std::size_t i, std::size_t j) { return lowered(from[i - 1]) == lowered(to[j - 1]); };
  for (std::size_t i = 1; i <= from.size(); ++i) {
    (*row)[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      (*row)[j] = std::min({(*above)[j] + 1, (*row)[j - 1] + 1, (*above)[j - 1] + !same(i, j)});
      const bool swapped = i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j);
      if (swapped) (*row)[j] = std::min((*row)[j], (*before)[j - 2] + 1);
    }
    auto* const spare = before;
    before = above;
    above = row;
    row = spare;
  }
  return (*above)[to.size()];
}

}  // namespace

bool is_clean(std::string_view text, bool lines) {
  while (!text.empty()) {
    const Character next = first_character(text);
    const bool line = lines && (next.code == '\n' || next.code == '\t');
    if (next.bytes == 0 || (is_control(next.code) && !line)) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t longest) {
  std::string shown;
  while (!text.empty()) {
    const Character next = first_character(text);
    const std::size_t size = std::max<std::size_t>(next.bytes, 1);
    if (shown.size() + size > longest) return shown + "...";
    if (next.bytes == 0 || is_control(next.code)) {
      shown += '?';
    } else {
      shown += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return shown;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > kMaxNameBytes || candidates.size() > kMaxCandidates) return {};
  // A third of the letters may differ; more would be another word.
  const std::size_t farthest = std::max<std::size_t>(word.size() / 3, 1);
  const std::string* best = nullptr;
  std::size_t shortest = farthest + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > word.size() + farthest || word.size() > candidate.size() + farthest) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= shortest || !is_clean_text(candidate)) continue;
    shortest = distance;
    best = &candidate;
  }
  return best == nullptr ? std::string() : "did you mean '" + *best + "'?";
}

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.size() <= kMaxNameBytes && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), inner);
}

bool is_clean_text(std::string_view text) {
  const auto plain = [](char c) { return c >= ' ' && c <= '~'; };
  return std::ranges::all_of(text, plain) || is_clean(text, false);
}

}  // namespace apportion
