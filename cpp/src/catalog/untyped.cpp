// Every field that nobody has defined is tried as each kind of value: an expression is wrong when no choice makes it
// right. There are few such names in an expression, and few compilations in a document.
#include "apportion/catalog/untyped.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apportion/catalog/document.hpp"
#include "apportion/catalog/scope.hpp"

namespace apportion {
namespace {

constexpr ValueType kGuesses[] = {ValueType::kNumber, ValueType::kString, ValueType::kBoolean, ValueType::kList};
// Beyond, the expression is taken as it is: what a hostile document costs must stay bounded.
constexpr std::size_t kMaxTrials = 256;
constexpr std::size_t kMaxTrialBytes = std::size_t{1} << 18U;

// The names that every type has, and any others of the right form.
class AnyTypeScope : public Scope {
 public:
  // `kinds` has one per name without definition, by the order in which they are met; those beyond are numbers.
  AnyTypeScope(const TypeScope& common, const std::vector<std::size_t>& kinds) : common_(common), kinds_(kinds) {}

  [[nodiscard]] std::optional<Ref> resolve(std::string_view path) const override {
    if (auto known = common_.resolve(path)) return known;
    const auto [root, rest] = split_path(path);
    if (root != "inside" && root != "chosen" && !is_name(rest)) return std::nullopt;
    if (root == "self" || root == "consumer") return Ref{Read::kRow, kind_of(path), next(), false};
    if (root == "inside" || root == "chosen") return is_inside(path) ? std::optional(inside()) : std::nullopt;
    if (root == "ratio" || common_.resolve(root)) return Ref{Read::kRow, ValueType::kNumber, next(), false};
    return std::nullopt;
  }

  [[nodiscard]] std::optional<HostFunction> resolve_function(std::string_view root,
                                                             std::string_view path) const override {
    if (auto known = common_.resolve_function(root, path)) return known;
    const std::size_t dot = path.find('.');
    constexpr std::string_view kWithDimension[] = {"used", "free", "limit", "capacity"};
    if (root != "group" || dot == std::string_view::npos || !is_name(path.substr(dot + 1)) ||
        std::ranges::find(kWithDimension, path.substr(0, dot)) == std::end(kWithDimension))
      return std::nullopt;
    return HostFunction{Ref{Read::kGroup, ValueType::kNumber, next(), false}, {ValueType::kString}};
  }

  [[nodiscard]] std::uint32_t dimensions() const override { return 1; }
  [[nodiscard]] std::vector<std::string> names() const override { return common_.names(); }
  [[nodiscard]] std::size_t met() const { return met_.size(); }

 private:
  [[nodiscard]] Ref inside() const { return Ref{Read::kInside, ValueType::kNumber, next(), false}; }
  static bool is_inside(std::string_view path) {
    const auto [root, of] = split_path(path);
    const auto [type, rest] = split_path(of);
    const auto [name, dimension] = split_path(rest);
    const auto fits = [&, root = root, name = name, dimension = dimension](const InsideName& each) {
      return each.root == root && each.name == name && (each.dimension ? is_name(dimension) : dimension.empty());
    };
    return is_name(type) && std::ranges::any_of(inside_names(), fits);
  }

  [[nodiscard]] static std::uint32_t first_free() { return 1U << 16U; }
  [[nodiscard]] std::uint32_t next() const { return first_free() + count_++; }

  [[nodiscard]] ValueType kind_of(std::string_view path) const {
    auto found = std::ranges::find(met_, path);
    const auto at = static_cast<std::size_t>(found - met_.begin());
    if (found == met_.end()) met_.emplace_back(path);
    return at < kinds_.size() ? kGuesses[kinds_[at]] : kGuesses[0];
  }

  const TypeScope& common_;
  const std::vector<std::size_t>& kinds_;
  mutable std::vector<std::string> met_;
  mutable std::uint32_t count_ = 0;
};

// How near to the truth an error is: that of a whole that is sound but no number says more than that of a part which
// another kind of value would have cured.
int rank_of(const Error& error, std::string_view text, const Scope& scope) {
  for (const ValueType other : {ValueType::kNumber, ValueType::kBoolean, ValueType::kString}) {
    if (compile(text, other, scope)) return 2;
  }
  return error.message.find("unknown") == std::string::npos ? 0 : 1;
}

// The next choice for the names met, the last one first; false when all were tried.
bool advance(std::vector<std::size_t>& kinds, std::size_t met) {
  kinds.resize(met);
  while (!kinds.empty() && ++kinds.back() == std::size(kGuesses)) kinds.pop_back();
  return !kinds.empty();
}

Status check(std::string_view text, ValueType wanted) {
  // Nothing is defined; what all types have is known all the same.
  const Catalog catalog;
  const TypeDefinition type{"any", {}, {{"any", {}, {}, {}, {}}}, {}, predefined_states(), "first", {}, {}, false};
  const TypeScope common(catalog, type);
  std::vector<std::size_t> kinds;
  std::optional<Error> best;
  int best_rank = -1;
  const std::size_t trials =
      std::clamp(kMaxTrialBytes / std::max<std::size_t>(text.size(), 1), std::size_t{16}, kMaxTrials);
  for (std::size_t trial = 0; trial < trials; ++trial) {
    const AnyTypeScope scope(common, kinds);
    const Result<Program> program = compile(text, wanted, scope);
    if (program) return {};
    if (const int rank = rank_of(program.error(), text, AnyTypeScope(common, kinds)); rank > best_rank) {
      best = program.error();
      best_rank = rank;
    }
    if (!advance(kinds, scope.met())) return *best;
  }
  return {};
}

Status at(const std::string& place, const Status& status) {
  return status.has_error() ? invalid(status.error().message, place) : status;
}

}  // namespace

Status check_untyped(const PolicyDefinition& policy) {
  const std::string place = "policies." + policy.name;
  if (!policy.where.empty()) APPORTION_TRY(at(place + ".where", check(policy.where, ValueType::kBoolean)));
  return at(place + ".score", check(policy.score, ValueType::kNumber));
}

}  // namespace apportion
