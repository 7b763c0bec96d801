#include <algorithm>

#include "claim_rules.hpp"
#include "reading.hpp"

// Instances and consumers against the definitions they name.

namespace apportion {
namespace {

template <class Definition>
const Definition* find_named(const std::vector<Definition>& definitions, std::string_view name) {
  const auto found =
      std::find_if(definitions.begin(), definitions.end(), [&](const Definition& d) { return d.name == name; });
  return found == definitions.end() ? nullptr : &*found;
}

// What the definitions are called and whose they are: "the type 'disk' has no field 'nmae'".
struct Owner {
  std::string text;
  std::string_view what;
};

template <class Definition>
std::string missing(const Owner& owner, std::string_view name, const std::vector<Definition>& definitions,
                    const std::vector<Problem>& problems) {
  return owner.text + " has no " + std::string(owner.what) + " " + quoted(name) +
         hint(name, problems, [&] { return names_of(definitions); });
}

void check_values(const NamedNodes& values, const std::vector<FieldDefinition>& fields, const Owner& owner, bool whole,
                  const std::string& place, std::vector<Problem>& problems) {
  for (const auto& [name, value] : values) {
    const std::string here = join_place(place, name);
    const FieldDefinition* field = find_named(fields, name);
    if (field == nullptr) {
      problems.push_back({here, missing(owner, name, fields, problems)});
      continue;
    }
    if (!whole && value.is_null() && !field->required) continue;  // a change may take a value away
    const Result<Node> checked = check_value(*field, value);
    if (!checked) problems.push_back({here + checked.error().place, checked.error().message});
  }
}

void check_required(const NamedNodes& values, const std::vector<FieldDefinition>& fields, const Owner& owner,
                    const std::string& place, std::vector<Problem>& problems) {
  for (const FieldDefinition& field : fields) {
    if (!field.required || !field.default_value.is_null()) continue;
    const bool given = std::any_of(values.begin(), values.end(), [&](const auto& v) { return v.first == field.name; });
    if (!given)
      problems.push_back({place, owner.text + " requires the " + std::string(owner.what) + " " + quoted(field.name)});
  }
}

// The error of an amount, or none.
using AmountCheck = std::optional<Error> (*)(const Decimal&, const DimensionDefinition&);

std::optional<Error> steps_fault(const Decimal& amount, const DimensionDefinition& dimension) {
  const Result<Steps> steps = to_steps(amount, dimension.step, Rounding::kDown);
  return steps ? std::nullopt : std::optional(steps.error());
}

std::optional<Error> ratio_fault(const Decimal& ratio, const DimensionDefinition&) {
  const Result<Ppm> parts = to_ppm(ratio);
  return parts ? std::nullopt : std::optional(parts.error());
}

void check_amounts(const NamedDecimals& amounts, const TypeDefinition& type, AmountCheck check,
                   const std::string& place, std::vector<Problem>& problems) {
  const Owner owner{"the type " + quoted(type.name), "dimension"};
  for (const auto& [name, amount] : amounts) {
    const DimensionDefinition* dimension = find_named(type.dimensions, name);
    if (dimension == nullptr) {
      problems.push_back({join_place(place, name), missing(owner, name, type.dimensions, problems)});
    } else if (const auto fault = check(amount, *dimension)) {
      problems.push_back({join_place(place, name), fault->message});
    }
  }
}

void check_rules(const NamedClaimRules& rules, const TypeDefinition& type, const std::string& place,
                 std::vector<Problem>& problems) {
  const Owner owner{"the type " + quoted(type.name), "dimension"};
  for (const auto& [name, rule] : rules) {
    const DimensionDefinition* dimension = find_named(type.dimensions, name);
    if (dimension == nullptr) {
      problems.push_back({join_place(place, name), missing(owner, name, type.dimensions, problems)});
    } else {
      check_claim_rule(rule, dimension->step, join_place(place, name), problems);
    }
  }
}

}  // namespace

void check_instance(const InstanceSpec& instance, const TypeDefinition& type, bool whole, const std::string& place,
                    std::vector<Problem>& problems) {
  const std::string text = "the type " + quoted(type.name);
  if (type.outcome)
    problems.push_back({place, text +
                                   " is an outcome: it is made of its needs and has no instances; say outcome = false "
                                   "if it has both"});
  const std::string fields = join_place(place, "fields");
  check_values(instance.fields, type.fields, {text, "field"}, whole, fields, problems);
  if (whole) check_required(instance.fields, type.fields, {text, "field"}, fields, problems);
  check_values(instance.state, type.states, {text, "state field"}, true, join_place(place, "state"), problems);
  check_amounts(instance.capacity, type, steps_fault, join_place(place, "capacity"), problems);
  check_amounts(instance.reserved, type, steps_fault, join_place(place, "reserved"), problems);
  check_amounts(instance.usage, type, steps_fault, join_place(place, "usage"), problems);
  check_amounts(instance.ratio, type, ratio_fault, join_place(place, "ratio"), problems);
  check_rules(instance.claim, type, join_place(place, "claim"), problems);
  if (instance.whole.value_or(false) && type.dimensions.empty())
    problems.push_back({join_place(place, "whole"), text + " has no dimension: nothing of it can be taken whole"});
}

void check_consumer(const ConsumerSpec& consumer, const ConsumerKindDefinition& kind, const std::string& place,
                    std::vector<Problem>& problems) {
  const Owner owner{"the consumer kind " + quoted(kind.name), "attribute"};
  const std::string attributes = join_place(place, "attributes");
  check_values(consumer.attributes, kind.attributes, owner, true, attributes, problems);
  check_required(consumer.attributes, kind.attributes, owner, attributes, problems);
}

}  // namespace apportion
