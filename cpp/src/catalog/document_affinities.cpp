#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <set>

#include "apportion/catalog/need_scope.hpp"
#include "reading.hpp"

// Affinities: how claims lie towards claims that are there.

namespace apportion {
namespace {

using Rule = AffinityDefinition::Rule;

constexpr std::array<std::string_view, 3> kRules = {"at_most", "at_least", "skew"};  // in the order of Rule
constexpr std::int64_t kMostNumber = 1'000'000'000;

void read_selection(TableReader& table, AffinityDefinition::Selection& selection) {
  if (auto types = table.texts("types", kIdRule)) selection.types = std::move(*types);
  for (std::size_t i = 0; i < selection.types.size(); ++i)
    check_name(selection.types[i], "a type", join_place(table.place("types"), i), table.problems());
  selection.labels = read_labels(table, "labels");
}

// What it says of whom it counts; the rest is that of whom it binds.
void read_counts(TableReader& table, AffinityDefinition& affinity) {
  affinity.counts = affinity.binds;
  const Node* const node = table.any("counts");
  if (node == nullptr) return;
  AffinityDefinition::Selection counts;
  TableReader inner(*node, table.place("counts"), table.problems());
  read_selection(inner, counts);
  inner.finish();
  if (node->find("types") != nullptr) affinity.counts.types = counts.types;
  if (node->find("labels") != nullptr) affinity.counts.labels = counts.labels;
}

void read_alike(TableReader& table, AffinityDefinition& affinity) {
  affinity.alike = table.texts("alike", kIdRule).value_or(std::vector<std::string>());
  for (std::size_t i = 0; i < affinity.alike.size(); ++i) {
    const std::string& word = affinity.alike[i];
    if (word == kAlikeConsumer || (word.starts_with(kAlikeLabel) && word.size() > kAlikeLabel.size())) continue;
    table.problems().push_back(
        {join_place(table.place("alike"), i), "expected \"consumer\" or \"labels.<key>\", found " + quoted(word)});
  }
  if (affinity.alike.size() > kMaxAlike)
    table.report("alike", std::to_string(affinity.alike.size()) + " words; claims can be told alike by at most " +
                              std::to_string(kMaxAlike));
}

void read_rule(TableReader& table, AffinityDefinition& affinity, const std::string& place) {
  std::size_t said = 0;
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    const auto number = table.integer(kRules[i], static_cast<Rule>(i) == Rule::kAtMost ? 0 : 1, kMostNumber);
    if (!table.has(kRules[i])) continue;
    ++said;
    affinity.rule = static_cast<Rule>(i);
    affinity.number = static_cast<std::uint32_t>(number.value_or(1));
  }
  if (said != 1)
    table.problems().push_back(
        {place, "an affinity says one of at_most, at_least and skew, found " + std::to_string(said) + " of them"});
}

Node::Map selection_to_node(const AffinityDefinition::Selection& selection) {
  Node::Map map = {{"types", texts_to_node(selection.types)}};
  if (!selection.labels.empty()) map.emplace_back("labels", labels_to_node(selection.labels));
  return map;
}

// Domains are made of what is said of instances and stays: state fields change all the time.
void check_word(const Catalog& catalog, const AffinityDefinition& affinity, const std::string& type,
                std::vector<Problem>& problems) {
  const TypeVersion* const version = catalog.find_type(type);
  if (version == nullptr) return;
  const std::string place = join_place(join_place("affinities", affinity.name), "per");
  const std::vector<FieldDefinition>& states = version->definition.states;
  if (std::ranges::find(states, affinity.per, &FieldDefinition::name) != states.end()) {
    problems.push_back({place, quoted(affinity.per) + " is a state field of " + quoted(type) +
                                   ": domains are told by fields, labels, location, groups and what instances lie in"});
  } else if (!has_word(catalog, version->definition, affinity.per)) {
    problems.push_back({place, quoted(type) + " has no field " + quoted(affinity.per) +
                                   ", and there is no such type to lie in" +
                                   hint(affinity.per, words_of(catalog, version->definition))});
  }
}

}  // namespace

void check_affinities(const Catalog& catalog, std::vector<Problem>& problems) {
  for (const auto& held : catalog.affinities()) {
    const AffinityDefinition& affinity = held->definition;
    std::set<std::string> types(affinity.binds.types.begin(), affinity.binds.types.end());
    types.insert(affinity.counts.types.begin(), affinity.counts.types.end());
    for (const std::string& type : types) check_word(catalog, affinity, type, problems);
  }
}

AffinityDefinition read_affinity(std::string_view name, const Node& tree, const std::string& place,
                                 std::vector<Problem>& problems) {
  AffinityDefinition affinity;
  affinity.name = name;
  check_name(name, "an affinity", place, problems);
  TableReader table(tree, place, problems);
  affinity.description = table.text("description", kDescriptionRule).value_or("");
  table.require("types");
  read_selection(table, affinity.binds);
  if (table.has("types") && affinity.binds.types.empty()) table.report("types", "it binds no type");
  read_counts(table, affinity);
  read_alike(table, affinity);
  affinity.per = table.text("per", kIdRule).value_or(affinity.per);
  read_rule(table, affinity, place);
  if (const Decimal* weight = table.number("weight")) {
    affinity.weight = *weight;
    const double value = weight->to_double();
    if (!(value > 0) || value == std::numeric_limits<double>::infinity())
      table.report("weight", "expected a number above 0, found " + weight->text());
  }
  affinity.enabled = !table.has("enabled") || table.flag("enabled");
  table.finish();
  return affinity;
}

Node to_node(const AffinityDefinition& affinity) {
  Node::Map map;
  if (!affinity.description.empty()) map.emplace_back("description", affinity.description);
  for (auto& [key, value] : selection_to_node(affinity.binds)) map.emplace_back(key, std::move(value));
  if (affinity.counts != affinity.binds) {
    Node::Map counts = selection_to_node(affinity.counts);
    if (affinity.counts.labels.empty() && !affinity.binds.labels.empty()) counts.emplace_back("labels", Node::Map{});
    map.emplace_back("counts", std::move(counts));
  }
  if (!affinity.alike.empty()) map.emplace_back("alike", texts_to_node(affinity.alike));
  map.emplace_back("per", affinity.per);
  map.emplace_back(std::string(kRules[static_cast<std::size_t>(affinity.rule)]), std::int64_t{affinity.number});
  if (affinity.weight) map.emplace_back("weight", *affinity.weight);
  if (!affinity.enabled) map.emplace_back("enabled", false);
  return map;
}

}  // namespace apportion
