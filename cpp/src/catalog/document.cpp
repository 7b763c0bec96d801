#include "apportion/catalog/document.hpp"

#include "reading.hpp"
#include "references.hpp"

namespace apportion {
namespace {

template <class Definition>
using DefinitionReader = Definition (*)(std::string_view, const Node&, const std::string&, std::vector<Problem>&);

template <class Definition>
std::vector<Definition> read_definitions(TableReader& table, std::string_view key, DefinitionReader<Definition> read) {
  std::vector<Definition> definitions;
  for (const auto& [name, tree] : table.table(key)) {
    definitions.push_back(read(name, tree, join_place(table.place(key), name), table.problems()));
  }
  return definitions;
}

template <class Row>
std::vector<Row> read_rows(TableReader& table, std::string_view key,
                           Row (*read)(const Node&, const std::string&, std::vector<Problem>&)) {
  std::vector<Row> rows;
  const Node::List* items = table.list(key);
  if (items == nullptr) return rows;
  for (std::size_t i = 0; i < items->size(); ++i) {
    rows.push_back(read((*items)[i], join_place(table.place(key), i), table.problems()));
  }
  return rows;
}

// In a document an instance must say its type; on its own it may be a change that need not.
InstanceSpec read_whole_instance(const Node& tree, const std::string& place, std::vector<Problem>& problems) {
  InstanceSpec instance = read_instance(tree, place, problems);
  if (tree.map() != nullptr && tree.find("type") == nullptr) problems.push_back({place, "the key 'type' is missing"});
  return instance;
}

}  // namespace

Document read_document(const Node& tree, const KnownNames& known, std::vector<Problem>& problems) {
  Document document;
  TableReader table(tree, "", problems);
  document.description = table.text("description", kDescriptionRule).value_or("");
  document.types = read_definitions<TypeDefinition>(table, "types", read_type);
  document.policies = read_definitions<PolicyDefinition>(table, "policies", read_policy);
  document.consumer_kinds = read_definitions<ConsumerKindDefinition>(table, "consumer_kinds", read_consumer_kind);
  document.relationships = read_definitions<RelationshipDefinition>(table, "relationships", read_relationship);
  document.affinities = read_definitions<AffinityDefinition>(table, "affinities", read_affinity);
  document.quotas = read_definitions<QuotaDefinition>(table, "quotas", read_quota);
  document.pair_tables = read_definitions<PairTableDefinition>(table, "pair_tables", read_pair_table);
  document.instances = read_rows<InstanceSpec>(table, "instances", read_whole_instance);
  document.consumers = read_rows<ConsumerSpec>(table, "consumers", read_consumer);
  table.finish();
  check_references(document, known, problems);
  return document;
}

}  // namespace apportion
