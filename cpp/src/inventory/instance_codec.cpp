// From what people write to rows and back.
#include <algorithm>
#include <cmath>

#include "apportion/catalog/scope.hpp"
#include "apportion/expr/diagnostic.hpp"
#include "inventory_row.hpp"

namespace apportion {
namespace {

Error unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known) {
  return unknown("there is no " + std::string(what) + " '" + std::string(name) + "'" + name_hint(name, known));
}

template <class Definitions>
std::vector<std::string> names_of(const Definitions& definitions) {
  std::vector<std::string> names;
  for (const auto& definition : definitions) names.push_back(definition.name);
  return names;
}

// Every name of `given` must be one of `definitions`.
template <class Pairs, class Definitions>
Status check_names(std::string_view what, const Pairs& given, const Definitions& definitions,
                   const std::string& place) {
  const std::vector<std::string> names = names_of(definitions);
  for (const auto& pair : given) {
    if (std::ranges::find(names, pair.first) == names.end()) {
      Error error = unknown_name(what, pair.first, names);
      error.place = place;
      return error;
    }
  }
  return {};
}

Result<double> lane_of(const FieldDefinition& field, const Node& value, const Interner& intern) {
  const Result<Node> checked = check_value(field, value);
  if (!checked) return checked.error();
  if (const bool* boolean = checked->boolean()) return *boolean ? 1.0 : 0.0;
  if (const Decimal* number = checked->number()) {
    const double lane = number->to_double();
    if (field.kind == FieldKind::kInteger && std::abs(lane) > static_cast<double>(kMaxSteps)) {
      return invalid("whole numbers are kept up to 9007199254740991, not " + number->text());
    }
    return lane;
  }
  if (const std::string* text = checked->text()) return static_cast<double>(intern.text(*text));
  if (const Node::List* list = checked->list()) {
    std::vector<Symbol> items;
    for (const Node& item : *list) items.push_back(intern.text(*item.text()));
    return static_cast<double>(intern.list(items));
  }
  return Number{}.value;
}

// The lanes of all fields in order: what is given, else the default, else no value.
Result<std::vector<double>> lanes_of(const std::vector<FieldDefinition>& definitions, const NamedNodes& given,
                                     const std::string& place, const Interner& intern) {
  std::vector<double> lanes;
  for (const FieldDefinition& field : definitions) {
    const auto found = find_pair(given, field.name);
    const Node& value = found == given.end() || found->second.is_null() ? field.default_value : found->second;
    if (value.is_null()) {
      if (field.required) return invalid("the required field '" + field.name + "' has no value", place);
      lanes.push_back(Number{}.value);
      continue;
    }
    const Result<double> lane = lane_of(field, value, intern);
    if (!lane) return invalid(lane.error().message, place + "." + field.name);
    lanes.push_back(*lane);
  }
  return lanes;
}

template <class Convert>
Status each_dimension(const TypeDefinition& type, const NamedDecimals& given, const std::string& place,
                      const Convert& convert) {
  APPORTION_TRY(check_names("dimension", given, type.dimensions, place));
  for (std::size_t d = 0; d < type.dimensions.size(); ++d) {
    const auto found = find_pair(given, type.dimensions[d].name);
    if (found == given.end()) continue;
    const Status status = convert(d, found->second, type.dimensions[d].step);
    if (status.has_error()) return Error{status.error().code, status.error().message, place + "." + found->first};
  }
  return {};
}

ListId intern_labels(NamedText labels, const Interner& intern) {
  std::ranges::sort(labels);
  std::vector<Symbol> items;
  for (const auto& [key, value] : labels) {
    items.push_back(intern.text(key));
    items.push_back(intern.text(value));
  }
  return intern.list(items);
}

ListId intern_texts(const std::vector<std::string>& texts, const Interner& intern) {
  std::vector<Symbol> items;
  for (const std::string& text : texts) {
    const Symbol symbol = intern.text(text);
    if (std::ranges::find(items, symbol) == items.end()) items.push_back(symbol);
  }
  return intern.list(items);
}

Status check_text(const std::optional<std::string>& text, std::string_view what) {
  if (!text || (text->size() <= 1000 && is_clean_text(*text))) return {};
  return invalid("text of at most 1,000 bytes of UTF-8 without control characters is expected", std::string(what));
}

}  // namespace

void Inventory::Row::encode(Writer& writer) const {
  writer.put(version).put(restored_row).put(restored_ordinal).put(restored_granted).put(restored_children);
  writer.put(id).put(address).put(location).put(parent).put(policy).put(labels).put(groups);
  for (const std::vector<double>* lanes : {&states, &fields}) {
    writer.put(static_cast<std::uint32_t>(lanes->size()));
    for (const double lane : *lanes) writer.put(lane);
  }
  writer.put(static_cast<std::uint32_t>(dimensions.size()));
  for (const Dimension& d : dimensions) put(writer, d);
  const bool rarely = rare != RareRow{};
  writer.put(static_cast<std::uint8_t>(rarely ? 1 : 0));
  if (rarely) writer.put(rare.flags).put(rare.parts).put(rare.needs).put(rare.generation);
  writer.put(static_cast<std::uint32_t>(relationships.size()));
  for (const auto& [name, list] : relationships) writer.put(name).put(list);
}

Inventory::Row Inventory::decode(Reader& reader) {
  Row row;
  row.version = reader.get<VersionId>();
  row.restored_row = reader.get<std::uint32_t>();
  row.restored_ordinal = reader.get<std::uint64_t>();
  row.restored_granted = reader.get<std::uint64_t>();
  row.restored_children = reader.get<std::uint32_t>();
  for (std::uint32_t* symbol :
       {&row.id, &row.address, &row.location, &row.parent, &row.policy, &row.labels, &row.groups}) {
    *symbol = reader.get<std::uint32_t>();
  }
  for (std::vector<double>* lanes : {&row.states, &row.fields}) {
    lanes->resize(reader.get_count(8));
    for (double& lane : *lanes) lane = reader.get<double>();
  }
  row.dimensions.resize(reader.get_count(37));
  for (Row::Dimension& d : row.dimensions) d = Row::get_dimension(reader);
  if (reader.get<std::uint8_t>() != 0) {
    for (std::uint32_t* member : {&row.rare.flags, &row.rare.parts, &row.rare.needs, &row.rare.generation})
      *member = reader.get<std::uint32_t>();
  }
  row.relationships.resize(reader.get_count(8));
  for (auto& [name, list] : row.relationships) {
    name = reader.get<Symbol>();
    list = reader.get<ListId>();
  }
  return row;
}

Result<const TypeVersion*> Inventory::version_for(const InstanceSpec& spec) const {
  const TypeVersion* version = catalog_->find_type(spec.type, spec.version.value_or(0));
  if (version != nullptr) return version;
  if (spec.version && catalog_->find_type(spec.type) != nullptr) {
    return unknown("type '" + spec.type + "' has no version " + std::to_string(*spec.version), "version");
  }
  Error error = unknown_name("type", spec.type, catalog_->type_names());
  error.place = "type";
  return error;
}

// Everything but values, which are checked where they are converted.
Status Inventory::check_spec(const InstanceSpec& spec, const TypeDefinition& type) const {
  if (spec.id.empty() || spec.id.size() > kMaxIdBytes || !is_clean_text(spec.id)) {
    return invalid("an id has 1 to 200 bytes of UTF-8 without control characters", "id");
  }
  APPORTION_TRY(check_text(spec.address, "address"));
  APPORTION_TRY(check_text(spec.location, "location"));
  for (const auto& [key, value] : spec.labels.value_or(NamedText{})) {
    APPORTION_TRY(check_text(key, "labels"));
    APPORTION_TRY(check_text(value, "labels"));
  }
  for (const std::string& group : spec.groups.value_or(std::vector<std::string>{}))
    APPORTION_TRY(check_text(group, "groups"));
  const std::string parent = spec.parent.value_or("");
  if (!parent.empty() && !find(parent).valid()) return unknown("there is no instance '" + parent + "'", "parent");
  const std::string policy = spec.policy.value_or("");
  if (!policy.empty() && catalog_->find_policy(policy) == nullptr) {
    Error error = unknown_name("policy", policy, catalog_->policy_names());
    error.place = "policy";
    return error;
  }
  APPORTION_TRY(check_names("state field", spec.state, type.states, "state"));
  return check_names("field", spec.fields, type.fields, "fields");
}

Result<std::string> Inventory::encode(const InstanceSpec& spec, const Interner& intern) const {
  const Result<const TypeVersion*> version = version_for(spec);
  if (!version) return version.error();
  const TypeDefinition& type = (*version)->definition;
  APPORTION_TRY(check_spec(spec, type));
  Row row;
  row.version = (*version)->id;
  row.id = intern.text(spec.id);
  row.address = intern.text(spec.address.value_or(""));
  row.location = intern.text(spec.location.value_or(""));
  row.parent = intern.text(spec.parent.value_or(""));
  row.policy = intern.text(spec.policy.value_or(""));
  row.labels = intern_labels(spec.labels.value_or(NamedText{}), intern);
  row.groups = intern_texts(spec.groups.value_or(std::vector<std::string>{}), intern);
  Result<std::vector<double>> states = lanes_of(type.states, spec.state, "state", intern);
  if (!states) return states.error();
  row.states = std::move(*states);
  Result<std::vector<double>> fields = lanes_of(type.fields, spec.fields, "fields", intern);
  if (!fields) return fields.error();
  row.fields = std::move(*fields);
  APPORTION_TRY(encode_dimensions(spec, type, row));
  APPORTION_TRY(encode_rules(spec, type, intern, row));
  APPORTION_TRY(encode_relationships(spec, type, intern, row));
  if (const InstanceRef held = find(spec.id); held.version == row.version) keep(spec, held, row);
  Writer writer;
  row.encode(writer);
  return writer.take();
}

// What is said again stays as it was to the step, also where its text in units is rounded (steps of 1/3); predictions
// are not part of a specification.
void Inventory::keep(const InstanceSpec& spec, InstanceRef held, Row& row) const {
  const InstanceSpec known = spec_of(held);
  const InstanceTable& table = *tables_[held.version];
  const auto same = [](const NamedDecimals& given, const auto& pair) {
    const auto found = find_pair(given, pair.first);
    return found != given.end() && found->second == pair.second;
  };
  for (std::size_t d = 0; d < row.dimensions.size(); ++d) {
    const DimensionColumns& columns = table.dimensions[d];
    if (same(spec.capacity, known.capacity[d])) row.dimensions[d].capacity = columns.capacity[held.row];
    if (same(spec.reserved, known.reserved[d])) row.dimensions[d].reserved = columns.reserved[held.row];
    row.dimensions[d].predicted = columns.predicted[held.row].value;
  }
}

// True when the instance holds this link already; what it leads to may have been removed since.
bool Inventory::links(std::string_view from, std::string_view name, std::string_view to) const {
  const InstanceRef ref = find(from);
  if (!ref.valid()) return false;
  const auto& columns = tables_[ref.version]->relationships;
  const auto column = columns.find(symbols_->find(name));
  if (column == columns.end() || ref.row >= column->second.size()) return false;
  const std::span<const Symbol> ids = symbols_->list(column->second[ref.row]);
  return std::ranges::find(ids, symbols_->find(to)) != ids.end();
}

Status Inventory::encode_dimensions(const InstanceSpec& spec, const TypeDefinition& type, Row& row) {
  row.dimensions.resize(type.dimensions.size());
  const auto steps_into = [&](Steps Row::Dimension::* member, Rounding rounding) {
    return [&row, member, rounding](std::size_t d, const Decimal& value, Step step) -> Status {
      const Result<Steps> steps = to_steps(value, step, rounding);
      if (!steps) return steps.error();
      row.dimensions[d].*member = *steps;
      return {};
    };
  };
  APPORTION_TRY(
      each_dimension(type, spec.capacity, "capacity", steps_into(&Row::Dimension::capacity, Rounding::kDown)));
  APPORTION_TRY(each_dimension(type, spec.reserved, "reserved", steps_into(&Row::Dimension::reserved, Rounding::kUp)));
  APPORTION_TRY(each_dimension(type, spec.ratio, "ratio", [&](std::size_t d, const Decimal& value, Step) -> Status {
    const Result<Ppm> ppm = to_ppm(value);
    if (!ppm) return ppm.error();
    row.dimensions[d].ratio = *ppm;
    return {};
  }));
  return each_dimension(type, spec.usage, "usage", [&](std::size_t d, const Decimal& value, Step) -> Status {
    if (value.negative()) return invalid("measured usage cannot be negative: " + value.text());
    row.dimensions[d].usage = value.to_double();
    return {};
  });
}

Status Inventory::encode_relationships(const InstanceSpec& spec, const TypeDefinition& type, const Interner& intern,
                                       Row& row) const {
  for (const auto& [name, ids] : spec.relationships) {
    const Revised<RelationshipDefinition>* relationship = catalog_->find_relationship(name);
    if (relationship == nullptr || relationship->definition.from != type.name) {
      return unknown("type '" + type.name + "' has no relationship '" + name + "'", "relationships");
    }
    const RelationshipDefinition& definition = relationship->definition;
    if (!definition.many && ids.size() > 1) {
      return invalid("the relationship '" + name + "' is to one instance, " + std::to_string(ids.size()) + " are given",
                     "relationships");
    }
    const std::string place = "relationships." + name;
    for (const std::string& id : ids) {
      const InstanceRef other = find(id);
      if (id != spec.id && !other.valid() && links(spec.id, name, id)) continue;
      if (id != spec.id && !other.valid()) return unknown("there is no instance '" + id + "'", place);
      const std::string& other_type = id == spec.id ? type.name : catalog_->version(other.version).definition.name;
      if (other_type == definition.to) continue;
      return invalid("'" + id + "' is of type '" + other_type + "', expected '" + definition.to + "'", place);
    }
    row.relationships.emplace_back(intern.text(name), intern_texts(ids, intern));
  }
  return {};
}

InstanceSpec Inventory::spec_of(InstanceRef ref) const {
  const InstanceTable& table = *tables_[ref.version];
  const TypeVersion& version = catalog_->version(ref.version);
  InstanceSpec spec;
  const auto text = [&](Symbol symbol) { return std::string(symbols_->text(symbol)); };
  spec.id = text(table.id[ref.row]);
  spec.type = version.definition.name;
  spec.version = version.number;
  spec.address = text(table.address[ref.row]);
  spec.location = text(table.location[ref.row]);
  spec.parent = text(table.parent[ref.row]);
  spec.policy = text(table.policy[ref.row]);
  const std::span<const Symbol> labels = symbols_->list(table.labels[ref.row]);
  spec.labels.emplace();
  for (std::size_t i = 0; i + 1 < labels.size(); i += 2)
    spec.labels->emplace_back(text(labels[i]), text(labels[i + 1]));
  spec.groups.emplace();
  for (const Symbol group : symbols_->list(table.groups[ref.row])) spec.groups->push_back(text(group));
  for (std::size_t i = 0; i < table.states.size(); ++i) {
    spec.state.emplace_back(version.definition.states[i].name, value_of(table.states[i], ref.row));
  }
  for (std::size_t i = 0; i < table.fields.size(); ++i) {
    spec.fields.emplace_back(version.definition.fields[i].name, value_of(table.fields[i], ref.row));
  }
  for (std::size_t d = 0; d < table.dimensions.size(); ++d) {
    const DimensionDefinition& definition = version.definition.dimensions[d];
    const DimensionColumns& columns = table.dimensions[d];
    const auto units = [&](Steps steps) { return units_decimal(steps, definition.step); };
    spec.capacity.emplace_back(definition.name, units(columns.capacity[ref.row]));
    spec.reserved.emplace_back(definition.name, units(columns.reserved[ref.row]));
    spec.ratio.emplace_back(definition.name, units_decimal(columns.ratio[ref.row].ppm, {1, kOne}));
    const double usage = columns.usage[ref.row].value;
    if (!std::isnan(usage)) spec.usage.emplace_back(definition.name, Decimal::from_double(usage).value());
  }
  add_rules(spec, ref);
  for (const auto& [name, column] : table.relationships) {
    std::vector<std::string> ids;
    for (const Symbol id : symbols_->list(ref.row < column.size() ? column[ref.row] : 0)) ids.push_back(text(id));
    if (!ids.empty()) spec.relationships.emplace_back(text(name), std::move(ids));
  }
  return spec;
}

Node Inventory::value_of(const FieldColumn& column, std::size_t row) const {
  const double lane = column.lane(row);
  if (column.kind == FieldKind::kList) {
    Node::List items;
    for (const Symbol item : symbols_->list(column.symbols[row])) items.emplace_back(symbols_->text(item));
    return items;
  }
  if (std::isnan(lane)) return {};
  if (column.kind == FieldKind::kBoolean) return lane != 0;
  if (column.numeric()) return Decimal::from_double(lane).value();
  return symbols_->text(column.symbols[row]);
}

InstanceSpec Inventory::merged(InstanceRef ref, const InstanceSpec& change) const {
  InstanceSpec spec = spec_of(ref);
  const auto take = [](auto& to, const auto& from) {
    if (from) to = from;
  };
  take(spec.address, change.address);
  take(spec.location, change.location);
  take(spec.parent, change.parent);
  take(spec.labels, change.labels);
  take(spec.groups, change.groups);
  take(spec.policy, change.policy);
  const auto overlay = [](auto& to, const auto& from) {
    for (const auto& pair : from) {
      const auto found = std::ranges::find_if(to, [&](const auto& item) { return item.first == pair.first; });
      found == to.end() ? to.push_back(pair) : static_cast<void>(found->second = pair.second);
    }
  };
  overlay(spec.state, change.state);
  overlay(spec.fields, change.fields);
  overlay(spec.capacity, change.capacity);
  overlay(spec.reserved, change.reserved);
  overlay(spec.ratio, change.ratio);
  for (const auto& [name, product] : change.ratio)
    std::erase_if(spec.ratio_layers, [&name = name](const auto& layers) { return layers.first == name; });
  overlay(spec.ratio_layers, change.ratio_layers);
  overlay(spec.claim, change.claim);
  std::erase_if(spec.claim, [](const auto& rule) { return rule.second.empty(); });  // the type's holds again
  take(spec.whole, change.whole);
  take(spec.parts, change.parts);
  take(spec.needs, change.needs);
  if (spec.whole == false) spec.whole.reset();
  if (spec.parts == 0U) spec.parts.reset();
  if (spec.needs && spec.needs->empty()) spec.needs.reset();
  overlay(spec.usage, change.usage);
  overlay(spec.relationships, change.relationships);
  return spec;
}

std::string Inventory::encode_usage(std::span<const Reading> readings) {
  Writer writer;
  writer.put(static_cast<std::uint32_t>(readings.size()));
  for (const Reading& reading : readings) {
    writer.put(reading.instance.version).put(reading.instance.row).put(reading.dimension);
    writer.put(static_cast<std::uint8_t>(reading.predicted ? 1 : 0)).put(reading.value);
  }
  return writer.take();
}

}  // namespace apportion
