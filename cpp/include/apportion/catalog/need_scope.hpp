// The names that the rule of a need may use, and whether needs say what can be evaluated.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/catalog/scope.hpp"

namespace apportion {

/// One need of a type version, or an alternative of it.
struct NeedRef {
  VersionId owner = 0;
  std::uint32_t need = 0;
  std::uint32_t branch = 0;  ///< of `any_of`; 0 where there are none

  [[nodiscard]] const NeedDefinition& in(const TypeDefinition& type) const {
    const NeedDefinition& whole = type.needs[need];
    return whole.any_of.empty() ? whole : whole.any_of[branch];
  }
  friend auto operator<=>(const NeedRef&, const NeedRef&) = default;
};

/// Besides what a filter of the needed type may use: `role.x` for a value x of the instance in an earlier slot of the
/// same type, `role.inner.x` for one that an earlier outcome is made of, and `parent.x` for the instance that has the
/// need. They are the same for all candidates. Thread-compatible; used while compiling.
class NeedScope : public TypeScope {
 public:
  /// All must outlive the scope.
  NeedScope(const Catalog& catalog, const TypeDefinition& candidate, const TypeVersion& owner, const NeedRef& need)
      : TypeScope(catalog, candidate), catalog_(catalog), owner_(owner), need_(need) {}

  [[nodiscard]] std::optional<Ref> resolve(std::string_view path) const override;
  [[nodiscard]] std::vector<std::string> names() const override;
  /// True when the path names one instance: an earlier slot, one that an earlier outcome is made of, or the parent.
  [[nodiscard]] bool names_instance(std::string_view path) const { return slot(std::string(path) + ".id").has_value(); }

 private:
  [[nodiscard]] std::optional<ValueType> value_of(const TypeDefinition& type, std::string_view path) const;
  [[nodiscard]] std::optional<ValueType> slot(std::string_view path) const;

  const Catalog& catalog_;
  const TypeVersion& owner_;
  const NeedRef& need_;
};

/// True when instances of the type are told apart by the word: see Neighbours.
bool has_word(const Catalog& catalog, const TypeDefinition& type, std::string_view word);
/// Those words, for "did you mean".
std::vector<std::string> words_of(const Catalog& catalog, const TypeDefinition& type);

/// Compiles amounts, counts and rules of all needs of a type, and reports what fails.
void check_needs(const Catalog& catalog, const TypeVersion& type, std::vector<Problem>& problems);

}  // namespace apportion
