#include "readings.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace apportion {
namespace {

constexpr std::size_t kMaxValues = 6;
constexpr std::size_t kMaxTextBytes = 60;

// Cut between characters.
std::string shortened(std::string_view text) {
  if (text.size() <= kMaxTextBytes) return std::string(text);
  std::size_t end = kMaxTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string number_text(double value) {
  std::array<char, 32> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), written.ptr};
}

std::string value_text(ValueType type, double value, RowSource& source) {
  if (std::isnan(value)) return "no value";
  if (type == ValueType::kString) return '"' + shortened(source.text(value)) + '"';
  if (type == ValueType::kBoolean) return value != 0 ? "true" : "false";
  return number_text(value);
}

}  // namespace

std::string readings(const CompiledFilter& filter, const TypeDefinition& type, RowSource& source, std::uint32_t row) {
  source.use(filter.bindings);
  source.set(std::span(&row, 1));
  std::string text;
  std::size_t shown = 0;
  for (const Ref& ref : filter.program.reads().refs) {
    if (ref.type == ValueType::kList || ref.type == ValueType::kVector || ref.read == Read::kGroup) continue;
    const std::string path = path_of(filter.bindings[ref.id], type);
    if (path.empty() || path == "now") continue;
    if (shown++ == kMaxValues) return text + ", ...";
    double value = 0;
    source.read(ref, 1, &value);
    text += (text.empty() ? "" : ", ") + path + " = " + value_text(ref.type, value, source);
  }
  return text;
}

}  // namespace apportion
