// An instance becomes a row of another version of its type: values that the version accepts, quantities in its steps.
#include "apportion/inventory/migration.hpp"

#include <algorithm>
#include <utility>

#include "apportion/catalog/document.hpp"
#include "apportion/expr/diagnostic.hpp"
#include "apportion/journal/state.hpp"
#include "inventory_row.hpp"

namespace apportion {
namespace {

using Fields = std::vector<FieldDefinition>;

template <class Definitions>
auto find_named(const Definitions& definitions, std::string_view name) {
  return std::ranges::find_if(definitions, [&](const auto& definition) { return definition.name == name; });
}

// Checks every pair of `given` against the definition of its name.
template <class Pairs, class Definitions, class Check>
Status check_each(const Pairs& given, const Definitions& definitions, std::string_view what, const std::string& place,
                  const Check& check_one) {
  for (const auto& [name, value] : given) {
    const auto definition = find_named(definitions, name);
    if (definition == definitions.end()) {
      std::vector<std::string> names;
      for (const auto& known : definitions) names.push_back(known.name);
      return unknown("there is no " + std::string(what) + " '" + name + "'" + name_hint(name, names), place);
    }
    const auto checked = check_one(*definition, value);
    if (checked.has_error()) return Error{checked.error().code, checked.error().message, place + "." + name};
  }
  return {};
}

// An empty list is a value of a list only: for any other kind nothing was said.
bool says_nothing(const Node& value, FieldKind kind) {
  return value.is_null() || (value.list() != nullptr && value.list()->empty() && kind != FieldKind::kList);
}

// The value of a field in the new version: the instance's own if the field accepts it, else the given one; null for
// neither, when the default is due.
Result<Node> chosen(const FieldDefinition& field, const Node& own, const NamedNodes& given, const std::string& place) {
  const auto filled = find_pair(given, field.name);
  if (says_nothing(own, field.kind)) return filled == given.end() ? Node() : filled->second;
  const Result<Node> checked = check_value(field, own);
  if (checked) return own;
  if (filled != given.end()) return filled->second;
  return invalid("the new version does not take what is there: " + checked.error().message +
                     "; give a value for it, or change it first",
                 place + "." + field.name);
}

// Chooses for every field of the new version, and counts the values of the old one that find no place.
template <class Value>
Status choose_all(const Fields& from, const Fields& to, const NamedNodes& given, const std::string& place,
                  const Value& value, NamedNodes& out, Dropped& dropped) {
  for (const FieldDefinition& field : to) {
    const auto old = find_named(from, field.name);
    const Node own = old == from.end() ? Node() : value(static_cast<std::size_t>(old - from.begin()));
    Result<Node> node = chosen(field, own, given, place);
    if (!node) return node.error();
    out.emplace_back(field.name, std::move(*node));
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool kept = find_named(to, from[i].name) != to.end();
    if (!kept && !says_nothing(value(i), FieldKind::kString)) ++dropped[place + "." + from[i].name];
  }
  return {};
}

}  // namespace

Status check(const MigrationValues& values, const TypeDefinition& type) {
  APPORTION_TRY(check_each(values.state, type.states, "state field", "state", check_value));
  APPORTION_TRY(check_each(values.fields, type.fields, "field", "fields", check_value));
  return check_each(values.capacity, type.dimensions, "dimension", "capacity",
                    [](const DimensionDefinition& dimension, const Decimal& value) {
                      return to_steps(value, dimension.step, Rounding::kDown);
                    });
}

Result<std::string> Inventory::encode_migrated(InstanceRef instance, VersionId to, const MigrationValues& values,
                                               const Interner& intern, Dropped& dropped) const {
  const InstanceTable& held = *tables_[instance.version];
  const TypeDefinition& old = catalog_->version(instance.version).definition;
  const TypeDefinition& type = catalog_->version(to).definition;
  InstanceSpec spec;
  spec.id = symbols_->text(held.id[instance.row]);
  spec.type = type.name;
  spec.version = catalog_->version(to).number;
  APPORTION_TRY(choose_all(
      old.states, type.states, values.state, "state",
      [&](std::size_t i) { return value_of(held.states[i], instance.row); }, spec.state, dropped));
  APPORTION_TRY(choose_all(
      old.fields, type.fields, values.fields, "fields",
      [&](std::size_t i) { return value_of(held.fields[i], instance.row); }, spec.fields, dropped));
  for (const auto& pair : values.capacity) {
    if (find_named(old.dimensions, pair.first) == old.dimensions.end()) spec.capacity.push_back(pair);
  }
  for (const auto& rule : spec_of(instance).claim) {
    if (find_named(type.dimensions, rule.first) != type.dimensions.end()) spec.claim.push_back(rule);
  }
  const Result<std::string> payload = encode(spec, intern);
  if (!payload) return payload.error();
  Reader reader(*payload);
  Row row = decode(reader);
  APPORTION_TRY(rescale_row(row, instance, to));
  Writer writer;
  for (const std::vector<double>* lanes : {&row.states, &row.fields}) {
    for (const double lane : *lanes) writer.put(lane);
  }
  for (const Row::Dimension& d : row.dimensions) Row::put(writer, d);
  return writer.take();
}

// Capacity down and reserved up, so that the new version promises no more than there is.
Status Inventory::rescale_row(Row& row, InstanceRef instance, VersionId to) const {
  const auto& from_dimensions = catalog_->version(instance.version).definition.dimensions;
  const auto& to_dimensions = catalog_->version(to).definition.dimensions;
  for (std::size_t d = 0; d < to_dimensions.size(); ++d) {
    const auto old = find_named(from_dimensions, to_dimensions[d].name);
    if (old == from_dimensions.end()) continue;
    const DimensionColumns& columns =
        tables_[instance.version]->dimensions[static_cast<std::size_t>(old - from_dimensions.begin())];
    const Step step = to_dimensions[d].step;
    const Result<Steps> capacity = rescale(columns.capacity[instance.row], old->step, step, Rounding::kDown);
    if (!capacity) return Error{capacity.error().code, capacity.error().message, "capacity." + old->name};
    const Result<Steps> reserved = rescale(columns.reserved[instance.row], old->step, step, Rounding::kUp);
    if (!reserved) return Error{reserved.error().code, reserved.error().message, "reserved." + old->name};
    const ClaimCell claim = row.dimensions[d].claim;
    row.dimensions[d] = {*capacity,
                         *reserved,
                         columns.ratio[instance.row].ppm,
                         columns.usage[instance.row].value,
                         columns.predicted[instance.row].value,
                         claim,
                         columns.layers[instance.row]};
  }
  return {};
}

// Everything but states, fields and dimensions stays as it is, and so does the ordinal.
Result<InstanceRef> Inventory::migrate(InstanceRef from, VersionId to, Reader& reader, Transaction& log) {
  InstanceTable& next = table_for(to, log);
  InstanceTable& held = *tables_[from.version];
  Row row = row_of(held, from.row);
  const Symbol id = row.id;
  const std::uint32_t children = std::exchange(row.restored_children, 0U);
  const std::uint64_t granted = std::exchange(row.restored_granted, 0U);
  const std::uint64_t ordinal = std::exchange(row.restored_ordinal, 0U);
  row.restored_row = 0;
  row.version = to;
  row.states.resize(next.states.size());
  row.fields.resize(next.fields.size());
  for (std::vector<double>* lanes : {&row.states, &row.fields}) {
    for (double& lane : *lanes) lane = reader.get<double>();
  }
  row.dimensions.resize(next.dimensions.size());
  for (Row::Dimension& d : row.dimensions) d = Row::get_dimension(reader);
  row.rare.flags &= ~RareRow::kClosed;
  ++row.rare.generation;
  if (!reader.complete()) return corrupt("the record of a moved instance is damaged");
  APPORTION_TRY(check(row, {}));
  hash_.edit(log) -= cell(held, from.row);
  const std::uint32_t at = take_row(next, log);
  next.id.edit(log, at) = id;
  next.ordinal.edit(log, at) = ordinal;
  next.children.set(log, at, children);
  next.granted.set(log, at, granted);
  write(next, at, row, log);
  set_service(next, at, held.service[from.row], log);
  held.children.set(log, from.row, 0);
  // Past set_capacity, which would look for the next largest each time that the largest goes: `settle` does it once.
  for (DimensionColumns& columns : held.dimensions) columns.capacity.set(log, from.row, 0);
  clear(held, from.row, log);
  set_ref(id, {to, at}, log);
  hash_.edit(log) += cell(next, at);
  return InstanceRef{to, at};
}

void Inventory::settle(VersionId from, Transaction& log) {
  for (DimensionColumns& columns : tables_[from]->dimensions) columns.largest.edit(log) = largest_in(columns.capacity);
}

}  // namespace apportion
