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

namespace {

// One need of a type, or one alternative of it, held against the other types. Problems stand at keys of the need.
class NeedCheck {
 public:
  NeedCheck(const Catalog& catalog, const TypeVersion& owner, const NeedRef& ref, std::string place,
            std::vector<Problem>& problems)
      : catalog_(catalog),
        owner_(owner),
        ref_(ref),
        need_(ref.in(owner.definition)),
        place_(std::move(place)),
        problems_(problems) {}

  void run() {
    quantities();
    const TypeVersion* const candidate = catalog_.find_type(need_.type);
    if (candidate == nullptr) return;
    amounts(candidate->definition);
    if (candidate->definition.outcome) no_rules();
    const NeedScope scope(catalog_, candidate->definition, owner_, ref_);
    shares(candidate->definition, scope);
    if (!candidate->definition.outcome) rules(candidate->definition, scope);
  }

 private:
  void report(std::string_view key, std::string message) {
    problems_.push_back({join_place(place_, key), std::move(message)});
  }

  void quantities() {
    const TypeScope own(catalog_, owner_.definition);
    const auto check = [&](const std::string& place, const std::string& text) {
      const Result<QuantityProgram> program = QuantityProgram::compile(text, own);
      if (!program) problems_.push_back({place, program.error().message});
    };
    for (const auto& [dimension, amount] : need_.amounts) check(join_place(place_, dimension), amount);
    const std::string count = join_place(place_, "count");
    check(count, need_.count);
    if (!need_.most.empty()) check(join_place(count, "max"), need_.most);
    if (!need_.by.empty()) check(join_place(count, "step"), need_.by);
  }

  void amounts(const TypeDefinition& candidate) {
    for (const auto& [name, amount] : need_.amounts) {
      if (std::ranges::find(candidate.dimensions, name, &DimensionDefinition::name) == candidate.dimensions.end())
        report(name, "the type " + quoted(need_.type) + " has no dimension " + quoted(name));
    }
  }

  void no_rules() {
    if (!need_.policy.empty())
      report("policy", quoted(need_.type) + " is an outcome, which has no instances to choose from");
    const auto refuse = [&](std::string_view key, bool said) {
      if (said)
        report(key, quoted(need_.type) + " is an outcome, which has no instances; rules belong to what it is made of");
    };
    refuse("require", !need_.require.empty());
    refuse("prefer", !need_.prefer.empty());
    refuse("on", !need_.on.empty());
    refuse("same", !need_.same.empty());
    refuse("different", !need_.different.empty());
    refuse("same_as", !need_.same_as.empty());
    refuse("count", need_.all);
  }

  void path(std::string_view key, const std::string& path, const NeedScope& scope) {
    if (scope.names_instance(path)) return;
    report(key, "no earlier need of " + quoted(owner_.definition.name) + " fills one slot called " + quoted(path) +
                    hint(path, roles_before(owner_.definition, ref_.need)));
  }

  void shares(const TypeDefinition& candidate, const NeedScope& scope) {
    for (const auto& [role, of] : need_.shares) {
      const auto is_it = [&role = role](const NeedDefinition& inner) {
        return inner.role == role && inner.any_of.empty();
      };
      if (std::ranges::none_of(candidate.needs, is_it))
        problems_.push_back({join_place(join_place(place_, "same_as"), role),
                             quoted(need_.type) + " has no need called " + quoted(role) + " that is one type"});
      path("same_as", of, scope);
    }
  }

  void rules(const TypeDefinition& candidate, const NeedScope& scope) {
    if (!need_.same_as.empty()) {
      path("same_as", need_.same_as, scope);
      if (!need_.single()) report("same_as", "one slot is meant: a count makes no sense here");
    }
    if (!need_.on.empty()) path("on", need_.on, scope);
    const bool of_another = !need_.on.empty() && need_.on != "parent" && need_.on.find('.') == std::string::npos;
    if (need_.policy == kTogether && !of_another)
      report("policy", "'together' is for needs that lie in the slot of another: say in 'on' which");
    words("same", &NeedDefinition::same, candidate);
    words("different", &NeedDefinition::different, candidate);
    rule("require", need_.require, ValueType::kBoolean, scope);
    rule("prefer", need_.prefer, ValueType::kNumber, scope);
  }

  void words(std::string_view key, std::vector<std::string> NeedDefinition::* member, const TypeDefinition& candidate) {
    for (const std::string& word : need_.*member) {
      if (!has_word(catalog_, candidate, word)) {
        report(key, quoted(need_.type) + " has no field " + quoted(word) + ", and there is no such type to lie in" +
                        hint(word, words_of(catalog_, candidate)));
      } else if (is_alone(member, word)) {
        report(key, "no other need of " + quoted(owner_.definition.name) + " says " + quoted(word) + " under '" +
                        std::string(key) + "', and this one is one slot: there is nothing to compare it with; slots " +
                        "are held against those that say the same word");
      }
    }
  }

  // One slot, and no other that says the word.
  [[nodiscard]] bool is_alone(std::vector<std::string> NeedDefinition::* member, const std::string& word) const {
    if (need_.count != "1" || !need_.most.empty() || need_.all) return false;
    const auto says = [&](const NeedDefinition& need) {
      return std::ranges::find(need.*member, word) != (need.*member).end();
    };
    for (std::uint32_t i = 0; i < owner_.definition.needs.size(); ++i) {
      const NeedDefinition& other = owner_.definition.needs[i];
      if (i != ref_.need && (says(other) || std::ranges::any_of(other.any_of, says))) return false;
    }
    return true;
  }

  void rule(std::string_view key, const std::string& text, ValueType type, const NeedScope& scope) {
    if (text.empty()) return;
    const Result<Program> rule = compile(text, type, scope);
    if (!rule) report(key, rule.error().message);
  }

  const Catalog& catalog_;
  const TypeVersion& owner_;
  NeedRef ref_;
  const NeedDefinition& need_;
  std::string place_;
  std::vector<Problem>& problems_;
};

}  // namespace

void check_needs(const Catalog& catalog, const TypeVersion& type, std::vector<Problem>& problems) {
  const std::string place = join_place("types." + type.definition.name, "needs");
  for (std::uint32_t i = 0; i < type.definition.needs.size(); ++i) {
    const NeedDefinition& need = type.definition.needs[i];
    const std::string at = join_place(place, i);
    for (std::uint32_t k = 0; k < std::max<std::size_t>(need.any_of.size(), 1); ++k) {
      NeedCheck(catalog, type, {type.id, i, k}, need.any_of.empty() ? at : join_place(join_place(at, "any_of"), k),
                problems)
          .run();
    }
  }
}

}  // namespace apportion
