// Snapshot, hash and the readable form of inventory changes.
#include <algorithm>
#include <map>

#include "apportion/journal/state.hpp"
#include "inventory_row.hpp"

namespace apportion {

Inventory::Row Inventory::row_of(const InstanceTable& held, std::uint32_t at) const {
  Row row;
  row.version = held.version;
  row.restored_row = at + 1;
  row.restored_ordinal = held.ordinal[at];
  row.restored_granted = held.granted[at];
  row.restored_children = held.children[at];
  row.id = held.id[at];
  row.address = held.address[at];
  row.location = held.location[at];
  row.parent = held.parent[at];
  row.policy = held.policy[at];
  row.labels = held.labels[at];
  row.groups = held.groups[at];
  // An empty list has number 0 and a missing symbol NaN: lanes keep the difference.
  for (const FieldColumn& column : held.states) row.states.push_back(column.lane(at));
  for (const FieldColumn& column : held.fields) row.fields.push_back(column.lane(at));
  for (const DimensionColumns& d : held.dimensions) {
    row.dimensions.push_back({d.capacity[at], d.reserved[at], d.ratio[at].ppm, d.usage[at].value, d.predicted[at].value,
                              d.claim[at], d.layers[at]});
  }
  row.rare = held.rare[at];
  for (const auto& [name, column] : held.relationships) {
    if (at < column.size() && column[at] != 0) row.relationships.emplace_back(name, column[at]);
  }
  return row;
}

void Inventory::snapshot(const Emit& emit) const {
  for (const auto& held : tables_) {
    if (held) emit_table(*held, emit);
  }
  Writer next;
  next.put(next_ordinal_.get());
  emit(kNext, next.bytes());
  emit_maintenance(emit);
}

void Inventory::emit_table(const InstanceTable& held, const Emit& emit) const {
  std::vector<std::uint32_t> free;
  for (std::uint32_t link = held.free_rows.get(); link != 0; link = held.next_free[link - 1]) free.push_back(link - 1);
  Writer writer;
  writer.put(held.version).put(static_cast<std::uint32_t>(held.rows())).put(static_cast<std::uint32_t>(free.size()));
  for (const std::uint32_t row : free) writer.put(row);
  emit(kTable, writer.bytes());
  for (std::uint32_t at = 0; at < held.rows(); ++at) {
    if (!held.exists(at)) continue;
    Writer record;
    row_of(held, at).encode(record);
    emit(kPut, record.bytes());
  }
}

Status Inventory::restore_table(Reader& reader, Transaction& log) {
  const auto version = reader.get<VersionId>();
  const auto rows = reader.get<std::uint32_t>();
  std::vector<std::uint32_t> free(reader.get_count(4));
  for (std::uint32_t& row : free) row = reader.get<std::uint32_t>();
  constexpr std::uint32_t kMaxRows = 1U << 26;
  if (!reader.complete() || version >= catalog_->version_count() || rows > kMaxRows || table(version) != nullptr ||
      !distinct_below(free, rows)) {
    return corrupt("a table record is damaged");
  }
  InstanceTable& held = table_for(version, log);
  held.resize(log, rows);
  std::uint32_t link = 0;
  for (auto row = free.rbegin(); row != free.rend(); ++row) {
    held.next_free.set(log, *row, link);
    link = *row + 1;
  }
  held.free_rows.edit(log) = link;
  return {};
}

// The records of a snapshot name every row of a table once, taken or free, and agree about ordinals and parents.
Status Inventory::check_whole() const {
  std::vector<std::uint64_t> ordinals;
  for (const auto& held : tables_) {
    if (held) APPORTION_TRY(check_rows(*held, ordinals));
  }
  APPORTION_TRY(check_children());
  for (const auto& held : tables_) {
    if (held) APPORTION_TRY(check_parts(*held));
  }
  std::ranges::sort(ordinals);
  const bool twice = std::ranges::adjacent_find(ordinals) != ordinals.end();
  if (twice || (!ordinals.empty() && ordinals.back() >= next_ordinal_.get())) {
    return corrupt("the ordinals of the instances are damaged");
  }
  return {};
}

Status Inventory::check_children() const {
  std::map<Symbol, std::uint32_t> children;
  const auto each = [&](const auto& visit) {
    for (const auto& held : tables_) {
      for (std::uint32_t at = 0; held && at < held->rows(); ++at) {
        if (held->exists(at)) visit(*held, at);
      }
    }
  };
  each([&](const InstanceTable& held, std::uint32_t at) {
    if (held.parent[at] != 0) ++children[held.parent[at]];
  });
  bool right = true;
  each([&](const InstanceTable& held, std::uint32_t at) {
    const auto found = children.find(held.id[at]);
    right = right && held.children[at] == (found == children.end() ? 0 : found->second);
  });
  return right ? Status{} : Status{corrupt("an instance's count of children is damaged")};
}

Status Inventory::check_rows(const InstanceTable& held, std::vector<std::uint64_t>& ordinals) const {
  std::uint64_t named = 0;
  for (std::uint32_t link = held.free_rows.get(); link != 0; link = held.next_free[link - 1]) {
    if (held.exists(link - 1)) return corrupt("an instance's row is free and taken");
    ++named;
  }
  for (std::uint32_t at = 0; at < held.rows(); ++at) {
    if (!held.exists(at)) continue;
    ++named;
    ordinals.push_back(held.ordinal[at]);
    if (check_parent(held.id[at], held.parent[at]).has_error()) return corrupt("an instance's parent is damaged");
  }
  return named == held.rows() ? Status{} : Status{corrupt("a row of a table is neither free nor taken")};
}

void Inventory::add_list(CellHash& hash, ListId list) const {
  const std::span<const Symbol> items = symbols_->list(list);
  hash.add(static_cast<std::uint64_t>(items.size()));
  for (const Symbol item : items) hash.add(symbols_->text(item));
}

// Keyed by the id; symbols and lists enter by their texts, so that the sum does not depend on numbering.
Hash128 Inventory::cell(const InstanceTable& held, std::uint32_t at) const {
  const TypeVersion& version = catalog_->version(held.version);
  CellHash hash(30);
  hash.add(symbols_->text(held.id[at])).add(version.definition.name).add(version.number).add(held.ordinal[at]);
  for (const Symbol symbol : {held.address[at], held.location[at], held.parent[at], held.policy[at]})
    hash.add(symbols_->text(symbol));
  add_list(hash, held.labels[at]);
  add_list(hash, held.groups[at]);
  for (const std::vector<FieldColumn>* columns : {&held.states, &held.fields}) {
    for (const FieldColumn& column : *columns) {
      if (column.numeric()) {
        hash.add(column.numbers[at].value);
      } else if (column.kind == FieldKind::kList) {
        add_list(hash, column.symbols[at]);
      } else {
        hash.add(symbols_->text(column.symbols[at]));
      }
    }
  }
  for (const DimensionColumns& d : held.dimensions) {
    hash.add(d.capacity[at]).add(d.reserved[at]).add(d.ratio[at].ppm).add(d.usage[at].value).add(d.predicted[at].value);
  }
  const Service& service = held.service[at];
  if (service != Service{}) hash.add(service.closes).add(service.closed);
  add_rare(hash, held, at);
  Hash128 sum = hash.value();
  for (const auto& [name, column] : held.relationships) {
    if (at >= column.size() || column[at] == 0) continue;
    CellHash link(31);
    link.add(symbols_->text(held.id[at])).add(symbols_->text(name));
    add_list(link, column[at]);
    sum += link.value();
  }
  return sum;
}

Node Inventory::describe(const Change& change) const {
  Reader reader(change.payload);
  if (change.kind == kPut) {
    const Row row = decode(reader);
    if (!reader.complete() || row.version >= catalog_->version_count()) return {};
    const TypeDefinition& type = catalog_->version(row.version).definition;
    Node::Map capacity;
    for (std::size_t d = 0; d < std::min(row.dimensions.size(), type.dimensions.size()); ++d) {
      capacity.emplace_back(type.dimensions[d].name,
                            units_decimal(row.dimensions[d].capacity, type.dimensions[d].step));
    }
    return Node::Map{
        {"put", std::string(symbols_->text(row.id))}, {"type", type.name}, {"capacity", std::move(capacity)}};
  }
  if (change.kind == kRemove) return Node::Map{{"remove", std::string(symbols_->text(reader.get<Symbol>()))}};
  if (change.kind == kMaintain) {
    Symbol name = 0;
    std::vector<MaintenanceWindow> windows;
    if (!Maintenance::read(reader, *symbols_, name, windows)) return {};
    return Node::Map{{"maintenance", std::string(symbols_->text(name))},
                     {"windows", static_cast<std::int64_t>(windows.size())}};
  }
  if (change.kind == kService) return Node::Map{{"service", static_cast<std::int64_t>(reader.get<std::uint32_t>())}};
  if (change.kind == kUsage) return Node::Map{{"readings", static_cast<std::int64_t>(reader.get<std::uint32_t>())}};
  return {};
}

}  // namespace apportion
