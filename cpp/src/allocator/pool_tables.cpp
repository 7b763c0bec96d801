// The state as tables and trees. Everything here reads a fork, so that nobody waits for it.
#include <algorithm>
#include <cmath>
#include <functional>

#include "apportion/allocator/pool.hpp"

namespace apportion {
namespace {

template <class Values>
constexpr std::string_view kKindName = "list";
template <>
constexpr std::string_view kKindName<TableColumn::Integers> = "number";
template <>
constexpr std::string_view kKindName<TableColumn::Numbers> = "number";
template <>
constexpr std::string_view kKindName<TableColumn::Booleans> = "boolean";
template <>
constexpr std::string_view kKindName<TableColumn::Texts> = "text";

// Fills the columns of a table row by row; a value that is not set is missing. A name that types or kinds use for
// different things has a column for each: the first goes by the name, another by name and kind ("size", "size.text").
class TableBuilder {
 public:
  explicit TableBuilder(std::size_t rows) { table_.rows = rows; }

  template <class Values>
  TableColumn& column(const std::string& name) {
    for (TableColumn& held : table_.columns) {
      if (held.name != name) continue;
      if (std::holds_alternative<Values>(held.values)) return held;
      return column<Values>(name + "." + std::string(kKindName<Values>));
    }
    Values values;
    values.resize(table_.rows);
    table_.columns.push_back({name, std::move(values), {}});
    return table_.columns.back();
  }
  template <class Values, class Value>
  void set(const std::string& name, std::size_t row, Value value) {
    std::get<Values>(column<Values>(name).values)[row] = std::move(value);
  }
  // For columns that some rows lack.
  template <class Values, class Value>
  void set_some(const std::string& name, std::size_t row, Value value) {
    TableColumn& held = column<Values>(name);
    if (held.valid.empty()) held.valid.assign(table_.rows, 0);
    std::get<Values>(held.values)[row] = std::move(value);
    held.valid[row] = 1;
  }
  void set_time(const std::string& name, std::size_t row, Time time) {
    TableColumn* held = nullptr;
    for (TableColumn& other : table_.columns) {
      if (other.name == name) held = &other;
    }
    if (held == nullptr) {
      table_.columns.push_back(
          {name, TableColumn::Times{std::vector<Time>(table_.rows)}, std::vector<std::uint8_t>(table_.rows, 0)});
      held = &table_.columns.back();
    }
    if (time == kForever) return;
    std::get<TableColumn::Times>(held->values).values[row] = time;
    held->valid[row] = 1;
  }
  Table take(const State& shown) {
    table_.revision = shown.revision().text();
    return std::move(table_);
  }

 private:
  Table table_;
};

using Integers = TableColumn::Integers;
using Numbers = TableColumn::Numbers;
using Booleans = TableColumn::Booleans;
using Texts = TableColumn::Texts;
using TextLists = TableColumn::TextLists;

void set_field(TableBuilder& table, const std::string& name, std::size_t row, const FieldColumn& column, std::size_t at,
               const Sections& sections) {
  const double lane = column.lane(at);
  if (column.kind == FieldKind::kList) {
    std::vector<std::string> items;
    for (const Symbol item : sections.symbols.list(column.symbols[at])) items.emplace_back(sections.symbols.text(item));
    table.set<TextLists>(name, row, std::move(items));
  } else if (std::isnan(lane)) {
    return;
  } else if (column.kind == FieldKind::kBoolean) {
    table.set_some<Booleans>(name, row, static_cast<std::uint8_t>(lane != 0));
  } else if (column.numeric()) {
    table.set_some<Numbers>(name, row, lane);
  } else {
    table.set_some<Texts>(name, row, std::string(sections.symbols.text(static_cast<Symbol>(lane))));
  }
}

void declare_fields(TableBuilder& table, const std::string& prefix, const std::vector<FieldDefinition>& fields,
                    std::size_t rows) {
  for (const FieldDefinition& field : fields) {
    TableColumn* column = nullptr;
    switch (value_type(field.kind)) {
      case ValueType::kNumber:
        column = &table.column<Numbers>(prefix + field.name);
        break;
      case ValueType::kBoolean:
        column = &table.column<Booleans>(prefix + field.name);
        break;
      case ValueType::kList:
        table.column<TextLists>(prefix + field.name);
        continue;
      default:
        column = &table.column<Texts>(prefix + field.name);
    }
    column->valid.resize(rows, 0);
  }
}

void set_dimensions(TableBuilder& table, std::size_t row, const TypeDefinition& type, const InstanceTable& held,
                    std::uint32_t at) {
  for (std::size_t d = 0; d < type.dimensions.size(); ++d) {
    const DimensionColumns& columns = held.dimensions[d];
    const DimensionDefinition& dimension = type.dimensions[d];
    const auto units = [&](Steps steps) { return to_units(steps, dimension.step); };
    table.set_some<Numbers>("capacity." + dimension.name, row, units(columns.capacity[at]));
    table.set_some<Numbers>("reserved." + dimension.name, row, units(columns.reserved[at]));
    table.set_some<Numbers>("ratio." + dimension.name, row, static_cast<double>(columns.ratio[at].ppm) / kOne);
    table.set_some<Numbers>("limit." + dimension.name, row, units(columns.limit[at]));
    table.set_some<Numbers>("used." + dimension.name, row, units(columns.used[at]));
    table.set_some<Numbers>("free." + dimension.name, row, units(columns.limit[at] - columns.used[at]));
    if (!std::isnan(columns.usage[at].value))
      table.set_some<Numbers>("usage." + dimension.name, row, columns.usage[at].value);
  }
}

std::string labels_text(const Symbols& symbols, ListId labels) {
  std::string text;
  const std::span<const Symbol> items = symbols.list(labels);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    text +=
        (text.empty() ? "" : ",") + std::string(symbols.text(items[i])) + "=" + std::string(symbols.text(items[i + 1]));
  }
  return text;
}

std::vector<InstanceRef> by_ordinal(const Sections& sections) {
  std::vector<std::pair<std::uint64_t, InstanceRef>> found;
  for (VersionId version = 0; version < sections.catalog.version_count(); ++version) {
    const InstanceTable* table = sections.inventory.table(version);
    for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
      if (table->exists(row)) found.push_back({table->ordinal[row], {version, row}});
    }
  }
  std::ranges::sort(found, {}, [](const auto& pair) { return pair.first; });
  std::vector<InstanceRef> refs;
  for (const auto& [ordinal, ref] : found) refs.push_back(ref);
  return refs;
}

// The column of instances' own policies; a state field may have its name already.
std::string policy_column(const Catalog& catalog) {
  for (VersionId version = 0; version < catalog.version_count(); ++version) {
    const auto& states = catalog.version(version).definition.states;
    if (std::ranges::find(states, "policy", &FieldDefinition::name) != states.end()) return "policy.own";
  }
  return "policy";
}

template <class Definition>
Node definitions_node(const std::vector<const Definition*>& definitions) {
  Node::Map map;
  for (const Definition* definition : definitions) map.emplace_back(definition->name, to_node(*definition));
  return map;
}

// As a document says it.
Node member_of(const InstanceSpec& spec, const char* key, Node otherwise) {
  const Node tree = to_node(spec);
  const Node* const found = tree.find(key);
  return found == nullptr ? std::move(otherwise) : *found;
}

Node rules_node(const InstanceSpec& spec) { return member_of(spec, "claim", Node::Map{}); }
Node named_needs_node(const InstanceSpec& spec) { return member_of(spec, "needs", Node::List{}); }

}  // namespace

Table Pool::instances() const {
  const std::shared_ptr<const State> state = view();
  const Sections sections = Sections::of(*state);
  const std::vector<InstanceRef> refs = by_ordinal(sections);
  TableBuilder table(refs.size());
  for (const char* name : {"id", "type"}) table.column<Texts>(name);
  table.column<Integers>("version");
  for (const char* name : {"address", "location", "parent", "labels"}) table.column<Texts>(name);
  table.column<TextLists>("groups");
  const std::string own_policy = policy_column(sections.catalog);
  table.column<Texts>(own_policy);
  for (const char* name : {"consumers", "claims", "granted"}) table.column<Integers>(name);
  for (VersionId version = 0; version < sections.catalog.version_count(); ++version) {
    if (sections.inventory.table(version) == nullptr) continue;
    declare_fields(table, "", sections.catalog.version(version).definition.states, refs.size());
    declare_fields(table, "fields.", sections.catalog.version(version).definition.fields, refs.size());
  }
  for (std::size_t row = 0; row < refs.size(); ++row) {
    const InstanceTable& held = *sections.inventory.table(refs[row].version);
    const TypeVersion& version = sections.catalog.version(refs[row].version);
    const std::uint32_t at = refs[row].row;
    const auto text = [&](Symbol symbol) { return std::string(sections.symbols.text(symbol)); };
    table.set<Texts>("id", row, text(held.id[at]));
    table.set<Texts>("type", row, version.definition.name);
    table.set<Integers>("version", row, std::int64_t{version.number});
    table.set<Texts>("address", row, text(held.address[at]));
    table.set<Texts>("location", row, text(held.location[at]));
    table.set<Texts>("parent", row, text(held.parent[at]));
    table.set<Texts>("labels", row, labels_text(sections.symbols, held.labels[at]));
    table.set<Texts>(own_policy, row, text(held.policy[at]));
    std::vector<std::string> groups;
    for (const Symbol group : sections.symbols.list(held.groups[at])) groups.push_back(text(group));
    table.set<TextLists>("groups", row, std::move(groups));
    table.set<Integers>("consumers", row, std::int64_t{held.consumers[at]});
    table.set<Integers>("claims", row, std::int64_t{held.claims[at]});
    table.set<Integers>("granted", row, static_cast<std::int64_t>(held.granted[at]));
    for (std::size_t i = 0; i < held.states.size(); ++i)
      set_field(table, version.definition.states[i].name, row, held.states[i], at, sections);
    for (std::size_t i = 0; i < held.fields.size(); ++i) {
      set_field(table, "fields." + version.definition.fields[i].name, row, held.fields[i], at, sections);
    }
    set_dimensions(table, row, version.definition, held, at);
  }
  return table.take(*state);
}

Table Pool::claims() const {
  const std::shared_ptr<const State> state = view();
  const Sections sections = Sections::of(*state);
  const Ledger& ledger = sections.ledger;
  TableBuilder table(ledger.claim_count());
  for (const char* name : {"claim", "grant", "consumer", "instance", "type", "role", "state", "labels"})
    table.column<Texts>(name);
  std::size_t row = 0;
  const auto id_text = [&](ClaimId id) {
    return "c" + std::to_string(state->revision().origin) + "." + std::to_string(id.slot) + "." +
           std::to_string(id.generation);
  };
  for (std::uint32_t slot = 0; slot < ledger.slots(); ++slot) {
    const Ledger::ClaimRow& claim = ledger.row(slot);
    if (claim.state == ClaimState::kFree) continue;
    const bool pending = ledger.is_pending(claim);
    const TypeDefinition& type = sections.catalog.version(ledger.version_of(claim)).definition;
    table.set<Texts>("claim", row, id_text(ledger.id_of(slot)));
    const std::vector<ClaimId> grant = ledger.grant_of(ledger.id_of(slot));
    table.set<Texts>("grant", row, id_text(std::ranges::min(grant, {}, &ClaimId::slot)));
    table.set<Texts>("consumer", row, ledger.consumers().name(claim.consumer));
    table.set<Texts>("instance", row, pending ? std::string() : std::string(sections.inventory.id_of(claim.instance)));
    table.set<Texts>("type", row, type.name);
    table.set<Texts>("role", row, std::string(sections.symbols.text(claim.role)));
    table.set<Texts>("state", row,
                     std::string(pending                            ? "pending"
                                 : claim.state == ClaimState::kMark ? "mark"
                                                                    : "claim"));
    for (std::size_t d = 0; d < claim.dimensions; ++d) {
      table.set_some<Numbers>(type.dimensions[d].name, row,
                              to_units(ledger.amounts(claim)[d], type.dimensions[d].step));
    }
    table.set<Texts>("labels", row, labels_text(sections.symbols, ledger.labels(claim)));
    const Ledger::Terms terms = ledger.terms(claim);
    table.set_time("starts", row, claim.starts);
    table.set_time("ends", row, terms.ends);
    table.set_time("expires", row, terms.expires);
    table.set<Integers>("revision", row, static_cast<std::int64_t>(claim.revision));
    ++row;
  }
  return table.take(*state);
}

Table Pool::consumers() const {
  const std::shared_ptr<const State> state = view();
  const Sections sections = Sections::of(*state);
  const Consumers& consumers = sections.ledger.consumers();
  TableBuilder table(consumers.count());
  for (const char* name : {"id", "kind"}) table.column<Texts>(name);
  table.column<Integers>("claims");
  table.column<Booleans>("explicit");
  table.column<TextLists>("groups");
  std::size_t row = 0;
  for (std::uint32_t slot = 0; slot < consumers.slots(); ++slot) {
    if (!consumers.exists(slot)) continue;
    const Consumers::Row& held = consumers.row(slot);
    table.set<Texts>("id", row, consumers.name(slot));
    table.set<Texts>("kind", row, std::string(sections.symbols.text(held.kind)));
    table.set<Integers>("claims", row, std::int64_t{held.claims});
    table.set<Booleans>("explicit", row, static_cast<std::uint8_t>(held.explicit_ != 0));
    std::vector<std::string> groups;
    for (const std::string_view group : sections.ledger.groups_of(slot)) groups.emplace_back(group);
    table.set<TextLists>("groups", row, std::move(groups));
    for (const Attribute& attribute : consumers.attributes(slot)) {
      const std::string name = "attributes." + std::string(sections.symbols.text(attribute.name));
      if (attribute.symbolic) {
        table.set_some<Texts>(name, row, std::string(sections.symbols.text(static_cast<Symbol>(attribute.lane))));
      } else {
        table.set_some<Numbers>(name, row, attribute.lane);
      }
    }
    ++row;
  }
  return table.take(*state);
}

Table Pool::maintenance() const {
  const std::shared_ptr<const State> state = view();
  const Sections sections = Sections::of(*state);
  std::size_t rows = 0;
  for (const auto& [name, windows] : sections.inventory.maintenance().series()) rows += windows.size();
  TableBuilder table(rows);
  for (const char* name : {"name", "instance", "group"}) table.column<Texts>(name);
  std::size_t row = 0;
  for (const auto& [name, windows] : sections.inventory.maintenance().series()) {
    for (const MaintenanceWindow& window : windows) {
      table.set<Texts>("name", row, std::string(sections.symbols.text(name)));
      table.set<Texts>(window.group ? "group" : "instance", row, std::string(sections.symbols.text(window.target)));
      table.set_time("from", row, window.from);
      table.set_time("until", row, window.until);
      ++row;
    }
  }
  return table.take(*state);
}

Table Pool::denials() const {
  const std::shared_ptr<const State> state = view();
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::array<std::string, 4>, std::int64_t>> counts(denials_.begin(), denials_.end());
  std::ranges::stable_sort(counts, std::greater<>(), [](const auto& count) { return count.second; });
  TableBuilder table(counts.size());
  static constexpr const char* kNames[] = {"type", "class", "stage", "dimension"};
  for (const char* name : kNames) table.column<Texts>(name);
  table.column<Integers>("count");
  for (std::size_t row = 0; row < counts.size(); ++row) {
    for (std::size_t i = 0; i < std::size(kNames); ++i) table.set<Texts>(kNames[i], row, counts[row].first[i]);
    table.set<Integers>("count", row, counts[row].second);
  }
  return table.take(*state);
}

Table Pool::types() const {
  const std::shared_ptr<const State> state = view();
  const Sections sections = Sections::of(*state);
  TableBuilder table(sections.catalog.version_count());
  table.column<Texts>("type");
  for (std::size_t row = 0; row < sections.catalog.version_count(); ++row) {
    const TypeVersion& version = sections.catalog.version(static_cast<VersionId>(row));
    const InstanceTable* held = sections.inventory.table(version.id);
    std::int64_t instances = 0;
    for (std::uint32_t at = 0; held != nullptr && at < held->rows(); ++at) instances += held->exists(at) ? 1 : 0;
    std::vector<std::string> dimensions;
    for (const DimensionDefinition& d : version.definition.dimensions) dimensions.push_back(d.name);
    table.set<Texts>("type", row, version.definition.name);
    table.set<Integers>("version", row, std::int64_t{version.number});
    table.set<Integers>("revision", row, std::int64_t{version.revision});
    table.set<TextLists>("dimensions", row, std::move(dimensions));
    table.set<Texts>("policy", row, version.definition.policy);
    if (version.definition.max_consumers)
      table.set_some<Integers>("max_consumers", row, std::int64_t{*version.definition.max_consumers});
    table.set<Integers>("instances", row, instances);
    table.set<Texts>("description", row, version.definition.description);
  }
  return table.take(*state);
}

Result<Node> Pool::instance(std::string_view id) const {
  const std::shared_ptr<const State> state = view();
  const Sections sections = Sections::of(*state);
  const InstanceRef ref = sections.inventory.find(id);
  if (!ref.valid()) return unknown("there is no instance '" + std::string(id) + "'", "id");
  const InstanceSpec spec = sections.inventory.spec_of(ref);
  const InstanceTable& held = *sections.inventory.table(ref.version);
  const auto decimals = [](const NamedDecimals& values) {
    Node::Map map;
    for (const auto& [name, value] : values) map.emplace_back(name, value);
    return Node(std::move(map));
  };
  Node::Map labels;
  for (const auto& [key, value] : *spec.labels) labels.emplace_back(key, value);
  Node::List groups;
  for (const std::string& group : *spec.groups) groups.emplace_back(group);
  Node::Map relationships;
  for (const auto& [name, ids] : spec.relationships) {
    Node::List items;
    for (const std::string& other : ids) items.emplace_back(other);
    relationships.emplace_back(name, std::move(items));
  }
  Node::Map layers;
  for (const auto& [name, factors] : spec.ratio_layers) layers.emplace_back(name, decimals(factors));
  Node::Map used;
  Node::Map limit;
  const TypeDefinition& type = sections.catalog.version(ref.version).definition;
  for (std::size_t d = 0; d < type.dimensions.size(); ++d) {
    const auto units = [&](Steps steps) { return Node(units_decimal(steps, type.dimensions[d].step)); };
    limit.emplace_back(type.dimensions[d].name, units(held.dimensions[d].limit[ref.row]));
    used.emplace_back(type.dimensions[d].name, units(held.dimensions[d].used[ref.row]));
  }
  return Node(Node::Map{{"id", spec.id},
                        {"type", spec.type},
                        {"version", std::int64_t{*spec.version}},
                        {"address", *spec.address},
                        {"location", *spec.location},
                        {"parent", *spec.parent},
                        {"labels", std::move(labels)},
                        {"groups", std::move(groups)},
                        {"policy", *spec.policy},
                        {"state", spec.state},
                        {"fields", spec.fields},
                        {"relationships", std::move(relationships)},
                        {"capacity", decimals(spec.capacity)},
                        {"reserved", decimals(spec.reserved)},
                        {"ratio", decimals(spec.ratio)},
                        {"ratio_layers", std::move(layers)},
                        {"claim", rules_node(spec)},
                        {"whole", spec.whole.value_or(false)},
                        {"parts", std::int64_t{spec.parts.value_or(0)}},
                        {"needs", named_needs_node(spec)},
                        {"generation", static_cast<std::int64_t>(sections.inventory.generation_of(ref))},
                        {"limit", std::move(limit)},
                        {"used", std::move(used)},
                        {"usage", decimals(spec.usage)},
                        {"consumers", std::int64_t{held.consumers[ref.row]}},
                        {"claims", std::int64_t{held.claims[ref.row]}},
                        {"granted", static_cast<std::int64_t>(held.granted[ref.row])},
                        {"over", held.over(ref.row)}});
}

Node Pool::metadata() const {
  const std::shared_ptr<const State> state = view();
  const Catalog& catalog = Sections::of(*state).catalog;
  std::vector<const TypeDefinition*> types;
  for (const std::string& name : catalog.type_names()) types.push_back(&catalog.find_type(name)->definition);
  std::vector<const PolicyDefinition*> policies;
  for (const std::string& name : catalog.policy_names()) policies.push_back(&catalog.find_policy(name)->definition);
  std::vector<const ConsumerKindDefinition*> kinds;
  for (const auto& kind : catalog.consumer_kinds()) kinds.push_back(&kind->definition);
  std::vector<const RelationshipDefinition*> relationships;
  for (const auto& relationship : catalog.relationships()) relationships.push_back(&relationship->definition);
  std::vector<const AffinityDefinition*> affinities;
  for (const auto& affinity : catalog.affinities()) affinities.push_back(&affinity->definition);
  std::vector<const QuotaDefinition*> quotas;
  for (const auto& quota : catalog.quotas()) quotas.push_back(&quota->definition);
  std::vector<const PairTableDefinition*> pair_tables;
  for (const auto& pairs : catalog.pair_tables()) pair_tables.push_back(&pairs->definition);
  return Node::Map{{"types", definitions_node(types)},
                   {"policies", definitions_node(policies)},
                   {"consumer_kinds", definitions_node(kinds)},
                   {"relationships", definitions_node(relationships)},
                   {"affinities", definitions_node(affinities)},
                   {"quotas", definitions_node(quotas)},
                   {"pair_tables", definitions_node(pair_tables)}};
}

}  // namespace apportion
