// Any bytes as an expression: compile() answers with a program or an error, and a program evaluates without damage.
// The first byte picks the wanted type.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/expr/diagnostic.hpp"
#include "apportion/expr/program.hpp"

namespace {

using namespace apportion;

/// Every path has a type by its first letter: s string, b boolean, l list, v vector, else number; "u..." is uniform.
class AnyScope : public Scope {
 public:
  std::optional<Ref> resolve(std::string_view path) const override {
    if (path.starts_with("x")) return std::nullopt;
    return Ref{static_cast<Read>(path.size() % 6), type(path), static_cast<std::uint32_t>(path.size() * 4),
               path.starts_with("u")};
  }
  std::optional<HostFunction> resolve_function(std::string_view root, std::string_view path) const override {
    if (root.starts_with("x")) return std::nullopt;
    return HostFunction{{Read::kGroup, type(path), 7, root.starts_with("u")},
                        std::vector<ValueType>(root.size() % 4, type(root))};
  }
  std::uint32_t dimensions() const override { return 3; }
  std::vector<std::string> names() const override { return {"used", "group().load"}; }

 private:
  static ValueType type(std::string_view name) {
    switch (name.empty() ? 'n' : name.front()) {
      case 's':
        return ValueType::kString;
      case 'b':
        return ValueType::kBoolean;
      case 'l':
        return ValueType::kList;
      case 'v':
        return ValueType::kVector;
      default:
        return ValueType::kNumber;
    }
  }
};

class AnySource : public Source {
 public:
  void read(const Ref& ref, std::uint32_t n, double* out) override {
    for (std::uint32_t k = 0; k < n; ++k) out[k] = cell(ref, ref.id + k);
  }
  void call(const Ref& ref, std::span<const double* const> arguments, std::uint32_t n, double* out) override {
    for (std::uint32_t k = 0; k < n; ++k) {
      double sum = 0;
      for (const double* argument : arguments) sum += argument[k];
      out[k] = std::isnan(sum) ? sum : cell(ref, static_cast<std::uint32_t>(arguments.size()) + k);
    }
  }
  void contains(const Ref&, const double* symbols, std::uint32_t n, double* out) override {
    for (std::uint32_t k = 0; k < n; ++k) out[k] = symbols[k] == 1 ? 1 : 0;
  }
  double symbol(std::string_view text) override { return text.size() < 3 ? static_cast<double>(text.size()) : -1; }
  std::string_view text(double symbol) override { return kTexts[static_cast<std::size_t>(symbol)]; }

 private:
  static constexpr std::string_view kTexts[3] = {"", "a", "ab"};

  static double cell(const Ref& ref, std::uint32_t seed) {
    if (seed % 5 == 0) return std::nan("");
    if (ref.type == ValueType::kBoolean) return seed % 2;
    return ref.type == ValueType::kNumber ? (seed % 7 - 3.0) * 1e100 : seed % 3;
  }
};

void require(bool condition) {
  if (!condition) std::abort();
}

void evaluate(const Program& program) {
  AnySource source;
  Scratch scratch;
  double out[kBlockLanes + 1];
  out[9] = 42;
  program.begin(source, scratch);
  program.evaluate(source, 9, out, scratch);
  require(out[9] == 42);
  for (int k = 0; k < 9 && program.type() == ValueType::kBoolean; ++k)
    require(out[k] == 0 || out[k] == 1 || std::isnan(out[k]));
  for (int k = 0; k < 9 && program.type() == ValueType::kString; ++k) {
    if (!std::isnan(out[k])) static_cast<void>(program.text_of(source, out[k]));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  TextPosition place;
  const Result<Program> program = compile(text, static_cast<ValueType>(data[0] % 3), AnyScope(), &place);
  if (program.has_error()) {
    require(place.line > 0 && place.column > 0 && !caret(text, place.line, place.column).empty());
    return 0;
  }
  evaluate(*program);
  const std::vector<ProgramPart> parts = program->parts();
  require(!parts.empty());
  evaluate(parts.front().program);
  return 0;
}
