#include <algorithm>
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

constexpr std::array<std::string_view, 4> kTypicalWords = {"count", "part", "weight", "where"};

FragmentationDefinition::Typical read_typical(const Node& tree, const std::string& place,
                                              std::vector<Problem>& problems) {
  constexpr std::int64_t kMostWeight = 1'000'000'000;
  constexpr std::int64_t kMostParts = 1000;
  FragmentationDefinition::Typical typical;
  TableReader table(tree, place, problems);
  typical.weight = static_cast<std::uint32_t>(table.integer("weight", 1, kMostWeight).value_or(1));
  typical.count = static_cast<std::uint32_t>(table.integer("count", 0, kMostParts).value_or(0));
  if (const Decimal* part = table.number("part")) typical.part = *part;
  typical.where = read_expression(table, "where", "");
  const Node::Map* map = tree.map();
  for (std::size_t i = 0; map != nullptr && i < map->size(); ++i) {
    const std::string& key = (*map)[i].first;
    if (std::ranges::find(kTypicalWords, key) != kTypicalWords.end()) continue;
    if (const Decimal* amount = table.number(key)) typical.amounts.emplace_back(key, *amount);
  }
  std::ranges::sort(typical.amounts, {}, [](const auto& amount) { return amount.first; });
  table.finish();
  return typical;
}

FragmentationDefinition read_fragmentation(const Node& tree, const std::string& place, std::vector<Problem>& problems) {
  FragmentationDefinition fragmentation;
  TableReader table(tree, place, problems);
  for (const char* key : {"parts", "dimension", "profile"}) table.require(key);
  fragmentation.parts = table.name("parts", "a type").value_or("");
  fragmentation.dimension = table.name("dimension", "a dimension").value_or("");
  const Node::List* items = table.list("profile");
  for (std::size_t i = 0; items != nullptr && i < std::min(items->size(), kMaxTypical); ++i)
    fragmentation.profile.push_back(read_typical((*items)[i], join_place(table.place("profile"), i), problems));
  if (items != nullptr && items->size() > kMaxTypical)
    table.report("profile", std::to_string(items->size()) + " entries; there may be " + std::to_string(kMaxTypical));
  if (items != nullptr && items->empty()) table.report("profile", "nothing is asked for typically");
  table.finish();
  return fragmentation;
}

Node fragmentation_to_node(const FragmentationDefinition& fragmentation) {
  Node::List profile;
  for (const FragmentationDefinition::Typical& typical : fragmentation.profile) {
    Node::Map map = {{"weight", std::int64_t{typical.weight}}};
    for (const auto& [dimension, amount] : typical.amounts) map.emplace_back(dimension, amount);
    if (typical.count > 0) {
      map.emplace_back("part", typical.part);
      map.emplace_back("count", std::int64_t{typical.count});
    }
    if (!typical.where.empty()) map.emplace_back("where", typical.where);
    profile.emplace_back(std::move(map));
  }
  return Node::Map{
      {"parts", fragmentation.parts}, {"dimension", fragmentation.dimension}, {"profile", std::move(profile)}};
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
  if (const Node* node = table.any("fragmentation"))
    policy.fragmentation = read_fragmentation(*node, table.place("fragmentation"), problems);
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
  if (policy.fragmentation) map.emplace_back("fragmentation", fragmentation_to_node(*policy.fragmentation));
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
