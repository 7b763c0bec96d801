#include <algorithm>
#include <limits>
#include <set>

#include "apportion/catalog/request_words.hpp"
#include "claim_rules.hpp"
#include "deferrable.hpp"
#include "fields.hpp"
#include "needs.hpp"
#include "words.hpp"

namespace apportion {
namespace {

constexpr TextRule kUnitRule{0, 32, false};

Result<Step> step_of(const Node& node) {
  if (node.number() != nullptr) return Step::from_decimal(*node.number());
  if (node.text() != nullptr) return Step::parse(*node.text());
  return invalid("expected a number, or a fraction as text such as \"1/3\", found " + shown(node));
}

DimensionDefinition read_dimension(std::string_view name, const Node& tree, const std::string& place,
                                   std::vector<Problem>& problems) {
  DimensionDefinition dimension;
  dimension.name = name;
  check_name(name, "a dimension", place, problems);
  check_not_reserved(name, request_words(), place, problems);
  check_not_reserved(name, own_need_words(), place, problems);
  TableReader table(tree, place, problems);
  dimension.unit = table.text("unit", kUnitRule).value_or("");
  dimension.description = table.text("description", kDescriptionRule).value_or("");
  if (const Node* node = table.any("step")) {
    const Result<Step> step = step_of(*node);
    if (step) {
      dimension.step = *step;
    } else {
      table.report("step", printable(step.error().message, 300));
    }
  }
  if (const Node* node = table.any("claim")) {
    const std::size_t before = problems.size();
    dimension.claim = read_claim_rule(*node, table.place("claim"), problems);
    if (problems.size() == before) check_claim_rule(dimension.claim, dimension.step, table.place("claim"), problems);
  }
  table.finish();
  return dimension;
}

std::vector<DimensionDefinition> read_dimensions(TableReader& table) {
  std::vector<DimensionDefinition> dimensions;
  for (const auto& [name, tree] : table.table("dimensions")) {
    dimensions.push_back(read_dimension(name, tree, join_place(table.place("dimensions"), name), table.problems()));
  }
  if (dimensions.size() > kMaxDimensions) {
    table.report("dimensions", std::to_string(dimensions.size()) + " dimensions; a type may have at most " +
                                   std::to_string(kMaxDimensions));
  }
  return dimensions;
}

void check_distinct(const TypeDefinition& type, TableReader& table) {
  std::set<std::string_view> names;
  for (const FieldDefinition& state : type.states) names.insert(state.name);
  for (const FieldDefinition& field : type.fields) {
    if (!names.contains(field.name)) continue;
    table.problems().push_back({join_place(table.place("fields"), field.name),
                                quoted(field.name) + " is a state field of this type too; choose another name"});
  }
}

Node dimension_to_node(const DimensionDefinition& dimension) {
  Node::Map map;
  if (!dimension.unit.empty()) map.emplace_back("unit", dimension.unit);
  if (dimension.step != Step{}) map.emplace_back("step", dimension.step.text());
  if (!dimension.description.empty()) map.emplace_back("description", dimension.description);
  if (!dimension.claim.empty()) map.emplace_back("claim", to_node(dimension.claim));
  return map;
}

bool same_column(FieldDefinition left, const FieldDefinition& right) {
  left.description = right.description;
  return left == right;
}

bool same_column(DimensionDefinition left, const DimensionDefinition& right) {
  left.description = right.description;
  left.claim = right.claim;
  return left == right;
}

template <class Definition>
bool same_columns(const std::vector<Definition>& left, const std::vector<Definition>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const Definition& a, const Definition& b) { return same_column(a, b); });
}

}  // namespace

TypeDefinition read_type(std::string_view name, const Node& tree, const std::string& place,
                         std::vector<Problem>& problems) {
  TypeDefinition type;
  type.name = name;
  check_name(name, "a type", place, problems);
  TableReader table(tree, place, problems);
  type.description = table.text("description", kDescriptionRule).value_or("");
  type.dimensions = read_dimensions(table);
  type.fields = read_fields(table, "fields", kSelfWords);
  type.states = read_states(table, kSelfWords);
  check_distinct(type, table);
  if (auto policy = table.name("policy", "a policy")) type.policy = *policy;
  if (auto most = table.integer("max_consumers", 1, std::numeric_limits<std::uint32_t>::max())) {
    type.max_consumers = static_cast<std::uint32_t>(*most);
  }
  type.deferrable = read_deferrable(table);
  type.lead = read_seconds(table, "lead_s").value_or(0);
  type.needs = read_needs(table);
  type.outcome = table.has("outcome") ? table.flag("outcome") : !type.needs.empty();
  if (type.outcome && type.needs.empty())
    table.report("outcome", "an outcome is made of its needs, and there are none");
  if (type.deferrable && !type.needs.empty())
    table.report("deferrable", "a type with needs cannot be deferred: say it of the types that it needs");
  table.finish();
  return type;
}

Node to_node(const TypeDefinition& type) {
  Node::Map map;
  if (!type.description.empty()) map.emplace_back("description", type.description);
  Node::Map dimensions;
  for (const DimensionDefinition& dimension : type.dimensions) {
    dimensions.emplace_back(dimension.name, dimension_to_node(dimension));
  }
  if (!dimensions.empty()) map.emplace_back("dimensions", std::move(dimensions));
  if (!type.fields.empty()) map.emplace_back("fields", fields_to_node(type.fields));
  if (Node::Map states = states_to_node(type.states); !states.empty()) map.emplace_back("state", std::move(states));
  map.emplace_back("policy", type.policy);
  if (type.max_consumers) map.emplace_back("max_consumers", std::int64_t{*type.max_consumers});
  if (type.lead != 0) map.emplace_back("lead_s", seconds_to_node(type.lead));
  if (type.deferrable) map.emplace_back("deferrable", to_node(*type.deferrable));
  if (!type.needs.empty()) map.emplace_back("needs", needs_to_node(type.needs));
  if (type.outcome != !type.needs.empty()) map.emplace_back("outcome", type.outcome);
  return map;
}

bool TypeDefinition::same_layout(const TypeDefinition& other) const {
  return same_columns(dimensions, other.dimensions) && same_columns(fields, other.fields) &&
         same_columns(states, other.states) && needs == other.needs && outcome == other.outcome;
}

}  // namespace apportion
