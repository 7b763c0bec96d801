// The names that an expression of a policy or request may use for one type version, and what each stands for.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/catalog/catalog.hpp"
#include "apportion/expr/program.hpp"

namespace apportion {

/// What a reference of a compiled expression reads. `index` is the dimension, field or state field.
enum class Column : std::uint8_t {
  // one value per instance
  kId,
  kType,
  kAddress,
  kLocation,
  kParent,
  kLabel,
  kGroups,
  kField,
  kState,
  kRelationship,
  kConsumers,
  kClaims,
  kOrdinal,
  kGranted,
  // one value per instance and dimension, in units
  kUsed,
  kFree,
  kLimit,
  kCapacity,
  kReserved,
  kRatio,
  kUsage,
  kPredicted,
  // the same in steps: components of vectors
  kUsedSteps,
  kFreeSteps,
  kLimitSteps,
  kCapacitySteps,
  kReservedSteps,
  kUsageSteps,
  kPredictedSteps,
  // of the request, its consumer and the clock: the same for all instances
  kScaleSteps,
  kRequest,
  kRequestSteps,
  kRequestCount,
  kConsumerId,
  kConsumerKind,
  kConsumerAttribute,
  kSlotValue,
  kNow,
  // of a group of instances
  kGroupMembers,
  kGroupClaims,
  kGroupLoad,
  kGroupUsed,
  kGroupFree,
  kGroupLimit,
  kGroupCapacity,
  // of the instances of a type inside the candidate, and of those among them that would be chosen with it
  kInsideMembers,
  kInsideIdle,
  kInsideFree,
  kInsideUsed,
  kChosenMembers,
  kChosenIdle,
  kChosenFree,
  kChosenRequest,
  // how much of what is free in the candidate is of no use
  kFragmentationBefore,
  kFragmentationAfter,
  kFragmentationRise,
  // of the claims on the candidate
  kClaimKinds,
  kClaimsOfKind,
  // of two texts, by a pair table
  kPair,
};

struct Binding {
  Column column = Column::kId;
  std::uint32_t index = 0;
  /// The label's key, the relationship, the pair table, the attribute, the path of a value of another slot, or the type
  /// inside; then `index` is the dimension of its newest version.
  std::string name;
};

/// Resolves the paths of docs/reference/expressions.md against a catalogue. A Ref's id is an index into `bindings()`.
/// Thread-compatible; used while compiling.
class TypeScope : public Scope {
 public:
  /// Both must outlive the scope.
  TypeScope(const Catalog& catalog, const TypeDefinition& type) : catalog_(catalog), type_(type) {}

  [[nodiscard]] std::optional<Ref> resolve(std::string_view path) const override;
  [[nodiscard]] std::optional<HostFunction> resolve_function(std::string_view root,
                                                             std::string_view path) const override;
  [[nodiscard]] std::uint32_t dimensions() const override {
    return static_cast<std::uint32_t>(type_.dimensions.size());
  }
  [[nodiscard]] std::vector<std::string> names() const override;

  [[nodiscard]] const std::vector<Binding>& bindings() const { return bindings_; }

 protected:
  Ref bind(Read read, ValueType type, Binding binding) const;
  /// The next time that the path is asked for, it is this one again.
  Ref remember(std::string_view path, const Ref& ref) const;

 private:
  [[nodiscard]] std::optional<Ref> self(std::string_view name) const;
  [[nodiscard]] std::optional<Ref> consumer(std::string_view name) const;
  [[nodiscard]] std::optional<Ref> quantity(std::string_view root, std::string_view dimension) const;
  [[nodiscard]] std::optional<Ref> vector(std::string_view root) const;
  [[nodiscard]] std::optional<Ref> inside(std::string_view path) const;
  [[nodiscard]] std::optional<std::uint32_t> dimension(std::string_view name) const;

  const Catalog& catalog_;
  const TypeDefinition& type_;
  // Filled while a const compile resolves names.
  mutable std::vector<Binding> bindings_;
  mutable std::map<std::string, Ref, std::less<>> resolved_;
};

/// The path that expressions write for what a binding reads, "self.tier" or "used.gb"; "" for components of vectors and
/// for groups.
std::string path_of(const Binding& binding, const TypeDefinition& type);

/// Written without anything being said of the instance: by claims, or when usage is measured.
bool changes_by_itself(Column column);

/// The first name of a dotted path, and the rest behind its dot; "" where there is none.
std::pair<std::string_view, std::string_view> split_path(std::string_view path);

/// What `inside.<type>.` and `chosen.<type>.` may be followed by; with a dimension of the type after it, or without.
struct InsideName {
  std::string_view root;
  std::string_view name;
  Column column;
  bool dimension = false;
};
std::span<const InsideName> inside_names();

/// The type of value that a field shows to expressions.
ValueType value_type(FieldKind kind);

/// Compiles for every existing type that uses the policy, and reports what fails. `place` is the policy's.
/// For a policy that no type uses see untyped.hpp.
Status check_policy(const Catalog& catalog, const TypeDefinition& type, const PolicyDefinition& policy);

}  // namespace apportion
