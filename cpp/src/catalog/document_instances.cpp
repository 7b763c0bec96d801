#include <algorithm>
#include <limits>

#include "claim_rules.hpp"
#include "fields.hpp"
#include "needs.hpp"

// Instances and consumers as they are written; what their types say about them is checked in document_checks.cpp.

namespace apportion {
namespace {

constexpr TextRule kAddressRule{0, 1000, false};
constexpr TextRule kGroupRule{1, 200, false};
constexpr TextRule kParentRule{0, kMaxIdBytes, false};

NamedNodes read_values(TableReader& table, std::string_view key) {
  const Node::Map& members = table.table(key);
  for (const auto& [name, value] : members)
    check_name(name, "a field", join_place(table.place(key), name), table.problems());
  return members;
}

NamedDecimals read_amounts(TableReader& table, std::string_view key) {
  NamedDecimals amounts;
  for (const auto& [name, value] : table.table(key)) {
    const std::string place = join_place(table.place(key), name);
    check_name(name, "a dimension", place, table.problems());
    if (value.number() == nullptr) {
      table.problems().push_back({place, "expected a number, found " + shown(value)});
    } else if (value.number()->negative()) {
      table.problems().push_back({place, value.number()->text() + " is negative; amounts start at 0"});
    } else {
      amounts.emplace_back(name, *value.number());
    }
  }
  return amounts;
}

// A list of ids, or one id as text.
std::vector<std::string> read_targets(TableReader& links, std::string_view name) {
  const Node* node = links.any(name);
  if (node->text() == nullptr) return links.texts(name, kIdRule).value_or(std::vector<std::string>{});
  const auto id = links.text(name, kIdRule);
  return id ? std::vector<std::string>{*id} : std::vector<std::string>{};
}

void read_relationships(TableReader& table, InstanceSpec& instance) {
  const Node* node = table.any("relationships");
  if (node == nullptr) return;
  TableReader links(*node, table.place("relationships"), table.problems());
  if (node->map() == nullptr) return;
  for (const Node::Member& member : *node->map()) {
    check_name(member.first, "a relationship", links.place(member.first), table.problems());
    instance.relationships.emplace_back(member.first, read_targets(links, member.first));
  }
}

// "" stands for "the type's policy".
void read_own_policy(TableReader& table, InstanceSpec& instance) {
  const Node* node = table.any("policy");
  const bool none = node != nullptr && node->text() != nullptr && node->text()->empty();
  instance.policy = none ? "" : table.name("policy", "a policy");
}

Node amounts_to_node(const NamedDecimals& amounts) {
  Node::Map map;
  for (const auto& [name, amount] : amounts) map.emplace_back(name, amount);
  return map;
}

void add_text(Node::Map& map, const char* key, const std::optional<std::string>& text) {
  if (text) map.emplace_back(key, *text);
}

void add_lists(Node::Map& map, const InstanceSpec& instance) {
  if (instance.labels) {
    map.emplace_back("labels", labels_to_node(*instance.labels));
  }
  if (instance.groups) map.emplace_back("groups", texts_to_node(*instance.groups));
  if (!instance.state.empty()) map.emplace_back("state", instance.state);
  if (!instance.fields.empty()) map.emplace_back("fields", instance.fields);
  Node::Map links;
  for (const auto& [name, ids] : instance.relationships) links.emplace_back(name, texts_to_node(ids));
  if (!links.empty()) map.emplace_back("relationships", std::move(links));
}

}  // namespace

InstanceSpec read_instance(const Node& tree, const std::string& place, std::vector<Problem>& problems) {
  InstanceSpec instance;
  TableReader table(tree, place, problems);
  table.require("id");
  instance.id = table.text("id", kIdRule).value_or("");
  instance.type = table.name("type", "a type").value_or("");
  if (auto version = table.integer("version", 1, std::numeric_limits<std::uint32_t>::max())) {
    instance.version = static_cast<std::uint32_t>(*version);
  }
  instance.address = table.text("address", kAddressRule);
  instance.location = table.text("location", kAddressRule);
  instance.parent = table.text("parent", kParentRule);
  if (table.any("labels") != nullptr) instance.labels = read_labels(table, "labels");
  instance.groups = table.texts("groups", kGroupRule);
  instance.state = read_values(table, "state");
  instance.fields = read_values(table, "fields");
  read_relationships(table, instance);
  instance.capacity = read_amounts(table, "capacity");
  instance.reserved = read_amounts(table, "reserved");
  read_ratios(table, instance);
  instance.usage = read_amounts(table, "usage");
  instance.claim = read_claim_rules(table);
  if (table.has("whole")) instance.whole = table.flag("whole");
  if (const auto parts = table.integer("parts", 0, 1'000'000)) instance.parts = static_cast<std::uint32_t>(*parts);
  if (table.has("needs")) instance.needs = read_instance_needs(table);
  if (const auto generation = table.integer("generation", 0, std::numeric_limits<std::int64_t>::max()))
    instance.generation = static_cast<std::uint64_t>(*generation);
  read_own_policy(table, instance);
  table.finish();
  return instance;
}

Node to_node(const InstanceSpec& instance) {
  Node::Map map = {{"id", instance.id}};
  if (!instance.type.empty()) map.emplace_back("type", instance.type);
  if (instance.version) map.emplace_back("version", std::int64_t{*instance.version});
  add_text(map, "address", instance.address);
  add_text(map, "location", instance.location);
  add_text(map, "parent", instance.parent);
  add_lists(map, instance);
  if (!instance.capacity.empty()) map.emplace_back("capacity", amounts_to_node(instance.capacity));
  if (!instance.reserved.empty()) map.emplace_back("reserved", amounts_to_node(instance.reserved));
  if (!instance.ratio.empty()) map.emplace_back("ratio", ratios_to_node(instance));
  if (!instance.usage.empty()) map.emplace_back("usage", amounts_to_node(instance.usage));
  Node::Map rules;
  for (const auto& [name, rule] : instance.claim) rules.emplace_back(name, to_node(rule));
  if (!rules.empty()) map.emplace_back("claim", std::move(rules));
  if (instance.whole) map.emplace_back("whole", *instance.whole);
  if (instance.parts) map.emplace_back("parts", std::int64_t{*instance.parts});
  if (instance.needs) map.emplace_back("needs", needs_to_node(*instance.needs));
  if (instance.generation) map.emplace_back("generation", static_cast<std::int64_t>(*instance.generation));
  add_text(map, "policy", instance.policy);
  return map;
}

ConsumerSpec read_consumer(const Node& tree, const std::string& place, std::vector<Problem>& problems) {
  ConsumerSpec consumer;
  TableReader table(tree, place, problems);
  table.require("id");
  consumer.id = table.text("id", kIdRule).value_or("");
  consumer.kind = table.name("kind", "a consumer kind").value_or("");
  consumer.attributes = read_values(table, "attributes");
  if (auto groups = table.texts("groups", kIdRule)) consumer.groups = std::move(*groups);
  std::ranges::sort(consumer.groups);
  table.finish();
  return consumer;
}

Node to_node(const ConsumerSpec& consumer) {
  Node::Map map = {{"id", consumer.id}};
  if (!consumer.kind.empty()) map.emplace_back("kind", consumer.kind);
  if (!consumer.attributes.empty()) map.emplace_back("attributes", consumer.attributes);
  if (!consumer.groups.empty()) map.emplace_back("groups", texts_to_node(consumer.groups));
  return map;
}

}  // namespace apportion
