#include "apportion/catalog/need_scope.hpp"

#include <algorithm>

#include "apportion/expr/quantity_program.hpp"
#include "reading.hpp"

namespace apportion {
namespace {

// A role that stands for one instance, or for one outcome.
const NeedDefinition* single_role(std::span<const NeedDefinition> needs, std::string_view role) {
  const auto found = std::ranges::find(needs, role, &NeedDefinition::role);
  return found == needs.end() || !found->any_of.empty() || found->count != "1" ? nullptr : &*found;
}

bool is_told(Column column) {
  switch (column) {
    case Column::kId:
    case Column::kAddress:
    case Column::kLocation:
    case Column::kParent:
    case Column::kLabel:
    case Column::kField:
    case Column::kState:
      return true;
    default:
      return false;
  }
}

}  // namespace

// A value of an instance of this type, or of a slot that it is made of.
std::optional<ValueType> NeedScope::value_of(const TypeDefinition& type, std::string_view path) const {
  const auto [head, rest] = split_path(path);
  const NeedDefinition* inner = rest.empty() ? nullptr : single_role(type.needs, head);
  const TypeVersion* next = inner == nullptr ? nullptr : catalog_.find_type(inner->type);
  if (next != nullptr) return value_of(next->definition, rest);
  if (type.outcome) return std::nullopt;
  const TypeScope of(catalog_, type);
  const std::optional<Ref> ref = of.resolve("self." + std::string(path));
  if (!ref || ref->type == ValueType::kList || ref->type == ValueType::kVector) return std::nullopt;
  return is_told(of.bindings()[ref->id].column) ? std::optional(ref->type) : std::nullopt;
}

std::optional<ValueType> NeedScope::slot(std::string_view path) const {
  const auto [role, rest] = split_path(path);
  if (rest.empty()) return std::nullopt;
  if (role == "parent") return owner_.definition.outcome ? std::nullopt : value_of(owner_.definition, rest);
  const NeedDefinition* need = single_role(std::span(owner_.definition.needs).first(need_.need), role);
  const TypeVersion* type = need == nullptr ? nullptr : catalog_.find_type(need->type);
  return type == nullptr ? std::nullopt : value_of(type->definition, rest);
}

std::optional<Ref> NeedScope::resolve(std::string_view path) const {
  if (const std::optional<Ref> own = TypeScope::resolve(path)) return own;
  const std::optional<ValueType> type = slot(path);
  if (!type) return std::nullopt;
  return remember(path, bind(Read::kSlot, *type, {Column::kSlotValue, 0, std::string(path)}));
}

std::vector<std::string> NeedScope::names() const {
  std::vector<std::string> names = TypeScope::names();
  const auto add = [&](const std::string& role, const TypeDefinition& type) {
    for (const char* name : {"id", "location", "address", "parent"}) names.push_back(role + "." + name);
    for (const FieldDefinition& field : type.fields) names.push_back(role + "." + field.name);
    for (const FieldDefinition& state : type.states) names.push_back(role + "." + state.name);
  };
  if (!owner_.definition.outcome) add("parent", owner_.definition);
  for (const NeedDefinition& need : std::span(owner_.definition.needs).first(need_.need)) {
    const bool single = single_role(std::span(&need, 1), need.role) != nullptr;
    const TypeVersion* type = single ? catalog_.find_type(need.type) : nullptr;
    if (type != nullptr && !type->definition.outcome) add(need.role, type->definition);
  }
  return names;
}

void check_needs(const Catalog& catalog, const TypeVersion& type, std::vector<Problem>& problems) {
  const std::string place = join_place("types." + type.definition.name, "needs");
  const TypeScope own(catalog, type.definition);
  const auto check = [&](const NeedRef& ref, const std::string& at) {
    const NeedDefinition& need = ref.in(type.definition);
    const auto report = [&](std::string_view key, const Error& error) {
      problems.push_back({join_place(at, key), error.message});
    };
    const auto quantity = [&](std::string_view key, const std::string& text) {
      const Result<QuantityProgram> program = QuantityProgram::compile(text, own);
      if (!program) report(key, program.error());
    };
    for (const auto& [dimension, amount] : need.amounts) quantity(dimension, amount);
    quantity("count", need.count);
    const TypeVersion* candidate = catalog.find_type(need.type);
    if (candidate == nullptr) return;
    for (const auto& [name, amount] : need.amounts) {
      if (std::ranges::find(candidate->definition.dimensions, name, &DimensionDefinition::name) ==
          candidate->definition.dimensions.end())
        problems.push_back(
            {join_place(at, name), "the type " + quoted(need.type) + " has no dimension " + quoted(name)});
    }
    if (candidate->definition.outcome && !need.policy.empty())
      problems.push_back(
          {join_place(at, "policy"), quoted(need.type) + " is an outcome, which has no instances to choose from"});
    if (need.require.empty()) return;
    if (candidate->definition.outcome)
      return problems.push_back({join_place(at, "require"), quoted(need.type) +
                                                                " is an outcome, which has no instances; "
                                                                "rules belong to what it is made of"});
    const Result<Program> rule =
        compile(need.require, ValueType::kBoolean, NeedScope(catalog, candidate->definition, type, ref));
    if (!rule) report("require", rule.error());
  };
  for (std::uint32_t i = 0; i < type.definition.needs.size(); ++i) {
    const NeedDefinition& need = type.definition.needs[i];
    const std::string at = join_place(place, i);
    for (std::uint32_t k = 0; k < std::max<std::size_t>(need.any_of.size(), 1); ++k)
      check({type.id, i, k}, need.any_of.empty() ? at : join_place(join_place(at, "any_of"), k));
  }
}

}  // namespace apportion
