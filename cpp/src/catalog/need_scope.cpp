#include "apportion/catalog/need_scope.hpp"

#include <algorithm>

#include "apportion/expr/quantity_program.hpp"
#include "reading.hpp"

namespace apportion {
namespace {

// A role that stands for one instance, or for one outcome.
const NeedDefinition* single_role(std::span<const NeedDefinition> needs, std::string_view role) {
  const auto found = std::ranges::find(needs, role, &NeedDefinition::role);
  return found == needs.end() || !found->single() ? nullptr : &*found;
}

std::vector<std::string> roles_before(const TypeDefinition& type, std::uint32_t need) {
  std::vector<std::string> roles;
  for (std::uint32_t i = 0; i < need; ++i) roles.push_back(type.needs[i].role);
  if (!type.outcome) roles.emplace_back("parent");
  return roles;
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

bool has_word(const Catalog& catalog, const TypeDefinition& type, std::string_view word) {
  constexpr std::string_view kLabels = "labels.";
  const auto named = [&](const FieldDefinition& field) { return field.name == word; };
  if (std::ranges::any_of(type.fields, named) || std::ranges::any_of(type.states, named)) return true;
  if (word.starts_with(kLabels)) return word.size() > kLabels.size();
  return word == "id" || word == "location" || word == "parent" || word == "groups" ||
         catalog.find_type(word) != nullptr;
}

std::vector<std::string> words_of(const Catalog& catalog, const TypeDefinition& type) {
  std::vector<std::string> words = catalog.type_names();
  for (const FieldDefinition& field : type.fields) words.push_back(field.name);
  for (const FieldDefinition& state : type.states) words.push_back(state.name);
  for (const char* word : {"groups", "id", "labels.", "location", "parent"}) words.emplace_back(word);
  return words;
}

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
    for (const auto& [key, text] : {std::pair("max", &need.most), std::pair("step", &need.by)}) {
      const Result<QuantityProgram> program = QuantityProgram::compile(text->empty() ? "1" : *text, own);
      if (!program) problems.push_back({join_place(join_place(at, "count"), key), program.error().message});
    }
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
    if (candidate->definition.outcome) {
      const auto refuse = [&](std::string_view key, bool said) {
        if (!said) return;
        problems.push_back({join_place(at, key), quoted(need.type) + " is an outcome, which has no instances; "
                                                                     "rules belong to what it is made of"});
      };
      refuse("require", !need.require.empty());
      refuse("prefer", !need.prefer.empty());
      refuse("on", !need.on.empty());
      refuse("same", !need.same.empty());
      refuse("different", !need.different.empty());
      refuse("same_as", !need.same_as.empty());
      refuse("count", need.all);
    }
    const NeedScope scope(catalog, candidate->definition, type, ref);
    const auto check_path = [&](std::string_view key, const std::string& path) {
      if (scope.names_instance(path)) return;
      report(key, Error{ErrorCode::kUnknown,
                        "no earlier need of " + quoted(type.definition.name) + " fills one slot called " +
                            quoted(path) + hint(path, roles_before(type.definition, ref.need)),
                        {}});
    };
    for (const auto& [role, path] : need.shares) {
      const auto is_it = [&role = role](const NeedDefinition& inner) {
        return inner.role == role && inner.any_of.empty();
      };
      if (std::ranges::none_of(candidate->definition.needs, is_it))
        problems.push_back({join_place(join_place(at, "same_as"), role),
                            quoted(need.type) + " has no need called " + quoted(role) + " that is one type"});
      check_path("same_as", path);
    }
    if (candidate->definition.outcome) return;
    if (!need.same_as.empty()) {
      check_path("same_as", need.same_as);
      if (!need.single()) report("same_as", invalid("one slot is meant: a count makes no sense here"));
    }
    const auto check_words = [&](std::string_view key, const std::vector<std::string>& words) {
      for (const std::string& word : words) {
        if (has_word(catalog, candidate->definition, word)) continue;
        problems.push_back({join_place(at, key), quoted(need.type) + " has no field " + quoted(word) +
                                                     ", and there is no such type to lie in" +
                                                     hint(word, words_of(catalog, candidate->definition))});
      }
    };
    if (!need.on.empty()) check_path("on", need.on);
    if (need.policy == kTogether && (need.on.empty() || need.on == "parent" || need.on.find('.') != std::string::npos))
      report("policy", invalid("'together' is for needs that lie in the slot of another: say in 'on' which"));
    check_words("same", need.same);
    check_words("different", need.different);
    const auto check_rule = [&](std::string_view key, const std::string& text, ValueType type_of) {
      if (text.empty()) return;
      const Result<Program> rule = compile(text, type_of, scope);
      if (!rule) report(key, rule.error());
    };
    check_rule("require", need.require, ValueType::kBoolean);
    check_rule("prefer", need.prefer, ValueType::kNumber);
  };
  for (std::uint32_t i = 0; i < type.definition.needs.size(); ++i) {
    const NeedDefinition& need = type.definition.needs[i];
    const std::string at = join_place(place, i);
    for (std::uint32_t k = 0; k < std::max<std::size_t>(need.any_of.size(), 1); ++k)
      check({type.id, i, k}, need.any_of.empty() ? at : join_place(join_place(at, "any_of"), k));
  }
}

}  // namespace apportion
