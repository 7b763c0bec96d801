#include <array>
#include <limits>

#include "apportion/expr/program.hpp"
#include "fields.hpp"

// Policies, consumer kinds and relationships: the small definitions.

namespace apportion {
namespace {

constexpr std::array<std::string_view, 2> kOrders = {"min", "max"};
constexpr std::array<std::string_view, 4> kTies = {"lowest_id", "highest_id", "rotating", "seeded"};

void read_ties(TableReader& table, PolicyDefinition& policy) {
  if (auto ties = table.choice("ties", kTies)) policy.ties = static_cast<Ties>(*ties);
  const auto seed = table.integer("seed", 0, std::numeric_limits<std::int64_t>::max());
  if (seed && policy.ties != Ties::kSeeded) table.report("seed", "a seed needs ties = \"seeded\"");
  policy.seed = static_cast<std::uint64_t>(seed.value_or(0));
}

// Names and types are checked when it is known for which types the policy is to work.
std::string read_expression(TableReader& table, std::string_view key, std::string otherwise) {
  const auto text = table.text(key, kExpressionRule);
  if (!text) return otherwise;
  if (const Status syntax = check_syntax(*text); syntax.has_error()) table.report(key, syntax.error().message);
  return *text;
}

void read_quantum(TableReader& table, PolicyDefinition& policy) {
  const Decimal* quantum = table.number("quantum");
  if (quantum == nullptr) return;
  policy.quantum = quantum->to_double();
  if (policy.quantum > 0 && policy.quantum < std::numeric_limits<double>::infinity()) return;
  table.report("quantum", "expected a number above 0, found " + quantum->text());
}

}  // namespace

PolicyDefinition read_policy(std::string_view name, const Node& tree, const std::string& place,
                             std::vector<Problem>& problems) {
  PolicyDefinition policy;
  policy.name = name;
  check_name(name, "a policy", place, problems);
  TableReader table(tree, place, problems);
  policy.description = table.text("description", kDescriptionRule).value_or("");
  policy.where = read_expression(table, "where", "");
  policy.score = read_expression(table, "score", "0");
  if (auto order = table.choice("order", kOrders)) policy.order = static_cast<Order>(*order);
  read_quantum(table, policy);
  read_ties(table, policy);
  table.finish();
  return policy;
}

Node to_node(const PolicyDefinition& policy) {
  Node::Map map;
  if (!policy.description.empty()) map.emplace_back("description", policy.description);
  if (!policy.where.empty()) map.emplace_back("where", policy.where);
  map.emplace_back("score", policy.score);
  map.emplace_back("order", kOrders[static_cast<std::size_t>(policy.order)]);
  if (policy.quantum > 0) map.emplace_back("quantum", Decimal::from_double(policy.quantum).value());
  map.emplace_back("ties", kTies[static_cast<std::size_t>(policy.ties)]);
  if (policy.ties == Ties::kSeeded) map.emplace_back("seed", static_cast<std::int64_t>(policy.seed));
  return map;
}

ConsumerKindDefinition read_consumer_kind(std::string_view name, const Node& tree, const std::string& place,
                                          std::vector<Problem>& problems) {
  ConsumerKindDefinition kind;
  kind.name = name;
  check_name(name, "a consumer kind", place, problems);
  TableReader table(tree, place, problems);
  kind.description = table.text("description", kDescriptionRule).value_or("");
  kind.attributes = read_fields(table, "attributes", kConsumerWords);
  table.finish();
  return kind;
}

Node to_node(const ConsumerKindDefinition& kind) {
  Node::Map map;
  if (!kind.description.empty()) map.emplace_back("description", kind.description);
  if (!kind.attributes.empty()) map.emplace_back("attributes", fields_to_node(kind.attributes));
  return map;
}

RelationshipDefinition read_relationship(std::string_view name, const Node& tree, const std::string& place,
                                         std::vector<Problem>& problems) {
  RelationshipDefinition relationship;
  relationship.name = name;
  check_name(name, "a relationship", place, problems);
  check_not_reserved(name, kSelfWords, place, problems);
  TableReader table(tree, place, problems);
  table.require("from");
  table.require("to");
  relationship.from = table.name("from", "a type").value_or("");
  relationship.to = table.name("to", "a type").value_or("");
  relationship.many = table.flag("many");
  relationship.description = table.text("description", kDescriptionRule).value_or("");
  table.finish();
  return relationship;
}

Node to_node(const RelationshipDefinition& relationship) {
  Node::Map map = {{"from", relationship.from}, {"to", relationship.to}};
  if (relationship.many) map.emplace_back("many", true);
  if (!relationship.description.empty()) map.emplace_back("description", relationship.description);
  return map;
}

}  // namespace apportion
