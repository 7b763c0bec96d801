// Invariants: tables_[v] is null or the table of version v; refs_ says under its id where every instance is; the sum of
// cells equals hash_; `children` counts the rows whose parent this is.
#include "apportion/inventory/inventory.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "apportion/journal/state.hpp"
#include "inventory_row.hpp"

namespace apportion {
namespace {

constexpr int kMaxAncestors = 64;

bool lanes_known(const std::vector<FieldColumn>& columns, const std::vector<double>& lanes, const Symbols& symbols) {
  if (columns.size() != lanes.size()) return false;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    if (std::isinf(lanes[i])) return false;
    if (columns[i].numeric() || std::isnan(lanes[i])) continue;
    if (!(lanes[i] >= 0 && lanes[i] < 4294967296.0)) return false;
    const auto number = static_cast<std::uint32_t>(lanes[i]);
    if (columns[i].kind == FieldKind::kList ? !symbols.has_list(number) : !symbols.has(number)) return false;
  }
  return true;
}

bool is_usage(double value) { return std::isnan(value) || (value >= 0 && std::isfinite(value)); }

}  // namespace

InstanceRef Inventory::find(std::string_view id) const {
  const Symbol symbol = symbols_->find(id);
  return symbol == 0 ? InstanceRef{} : find(symbol);
}

InstanceRef Inventory::find(Symbol id) const { return id < refs_.size() ? refs_[id] : InstanceRef{}; }

InstanceTable* Inventory::table(VersionId version) const {
  return version < tables_.size() ? tables_[version].get() : nullptr;
}

bool Inventory::exists(InstanceRef instance) const {
  const InstanceTable* held = table(instance.version);
  return held != nullptr && held->exists(instance.row);
}

std::string_view Inventory::id_of(InstanceRef instance) const {
  return symbols_->text(tables_[instance.version]->id[instance.row]);
}

// Exact for the version's own capacities; those of versions with another step are converted through units.
double Inventory::scale(VersionId version, std::uint32_t dimension) const {
  const TypeDefinition& type = catalog_->version(version).definition;
  const DimensionDefinition& own = type.dimensions[dimension];
  double largest = 0;
  for (VersionId other = 0; other < tables_.size(); ++other) {
    const InstanceTable* held = table(other);
    if (held == nullptr) continue;
    const TypeDefinition& theirs = catalog_->version(other).definition;
    if (other != version && theirs.name != type.name) continue;
    for (std::size_t d = 0; d < held->dimensions.size(); ++d) {
      const DimensionDefinition& definition = theirs.dimensions[d];
      if (definition.name != own.name) continue;
      const Steps steps = held->dimensions[d].largest.get().steps;
      const bool same_step = definition.step == own.step;
      const double units = to_units(steps, definition.step) * static_cast<double>(own.step.denominator);
      largest =
          std::max(largest, same_step ? static_cast<double>(steps) : units / static_cast<double>(own.step.numerator));
    }
  }
  return largest;
}

void Inventory::count_grant(Transaction& log, const InstanceTable& table, std::byte* tally) {
  std::uint64_t& granted = table.granted.in(tally);
  const auto cell_of = [&] { return CellHash(3).add(table.ordinal.in(tally)).add(granted).value(); };
  Hash128& sum = hash_.edit(log);
  if (granted > 0) sum -= cell_of();
  ++granted;
  sum += cell_of();
}

void Inventory::set_ref(Symbol id, InstanceRef ref, Transaction& log) {
  if (id >= refs_.size()) refs_.resize(log, std::size_t{id} + 1);
  refs_.edit(log, id) = ref;
}

std::unique_ptr<Section> Inventory::fork() const {
  auto copy = std::make_unique<Inventory>(*this);
  for (auto& held : copy->tables_) {
    if (held) held = std::make_shared<InstanceTable>(*held);
  }
  return copy;
}

void Inventory::link(State& state) {
  symbols_ = &state.section<Symbols>(kSymbolsArea);
  catalog_ = &state.section<Catalog>(kCatalogArea);
}

Status Inventory::apply(const Change& change, Transaction& log) {
  Reader reader(change.payload);
  switch (change.kind) {
    case kPut:
      return put(reader, change.restored, log);
    case kRemove:
      if (change.restored) break;
      return remove(reader, log);
    case kUsage:
      if (change.restored) break;
      return usage(reader, log);
    case kTable:
      if (!change.restored) break;
      return restore_table(reader, log);
    case kNext:
      if (!change.restored) break;
      return restore_next(reader, log);
    case kMaintain:
      return maintain(reader, log);
    case kService:
      return serve(reader, log);
    default:
      break;
  }
  return corrupt("no such inventory change belongs here");
}

// 0 is no ordinal, and one instance after the other must find a next one.
Status Inventory::restore_next(Reader& reader, Transaction& log) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 62;
  const auto next = reader.get<std::uint64_t>();
  if (!reader.complete() || next == 0 || next > kMost) return corrupt("a damaged ordinal");
  next_ordinal_.edit(log) = next;
  return {};
}

Status Inventory::put(Reader& reader, bool restored, Transaction& log) {
  Row row = decode(reader);
  if (!reader.complete() || row.version >= catalog_->version_count()) return corrupt("an instance record is damaged");
  const InstanceRef old = find(row.id);
  if (restored ? !row.restored() || old.valid() : !row.plain()) return corrupt("an instance record is out of place");
  InstanceTable& held = table_for(row.version, log);
  APPORTION_TRY(check(row, old));
  if (old.valid()) {
    hash_.edit(log) -= cell(held, old.row);
    row.rare.generation = held.rare[old.row].generation + 1;
    write(held, old.row, row, log);
    hash_.edit(log) += cell(held, old.row);
    return {};
  }
  const std::uint32_t at = row.restored_row != 0 ? row.restored_row - 1 : take_row(held, log);
  if (held.exists(at) || at >= held.rows()) return corrupt("an instance record names a row that is taken or missing");
  held.id.edit(log, at) = row.id;
  held.ordinal.edit(log, at) = row.restored_ordinal != 0 ? row.restored_ordinal : next_ordinal_.get();
  if (row.restored_ordinal == 0) ++next_ordinal_.edit(log);
  set_ref(row.id, {row.version, at}, log);
  ++count_.edit(log);
  write(held, at, row, log);
  if (row.restored_ordinal != 0) restore(held, at, row, log);
  hash_.edit(log) += cell(held, at);
  return {};
}

void Inventory::restore(InstanceTable& held, std::uint32_t at, const Row& row, Transaction& log) {
  held.parent.set(log, at, row.parent);
  held.children.set(log, at, row.restored_children);
  held.granted.set(log, at, row.restored_granted);
  if (row.restored_granted > 0)
    hash_.edit(log) += CellHash(3).add(row.restored_ordinal).add(row.restored_granted).value();
}

Status Inventory::check(const Row& row, InstanceRef old) const {
  const InstanceTable& held = *tables_[row.version];
  if (old.valid() && old.version != row.version) {
    return conflict("'" + std::string(symbols_->text(row.id)) + "' exists already, under another type or version");
  }
  bool known = row.id != 0 && symbols_->has_list(row.labels) && symbols_->has_list(row.groups);
  for (const Symbol symbol : {row.id, row.address, row.location, row.parent, row.policy})
    known = known && symbols_->has(symbol);
  known = known && lanes_known(held.states, row.states, *symbols_) && lanes_known(held.fields, row.fields, *symbols_);
  for (const auto& [name, list] : row.relationships)
    known = known && name != 0 && symbols_->has(name) && symbols_->has_list(list);
  known = known && rules_known(row);
  if (!known || row.dimensions.size() != held.dimensions.size())
    return corrupt("an instance record does not fit its type");
  for (const Row::Dimension& d : row.dimensions) {
    const bool fits = d.capacity >= 0 && d.capacity <= kMaxSteps && d.reserved >= 0 && d.reserved <= kMaxSteps &&
                      d.ratio <= kMaxRatio;
    if (!fits || !is_usage(d.usage) || !is_usage(d.predicted))
      return corrupt("an instance record holds an impossible quantity");
  }
  // Records of a snapshot come in row order: a parent may follow its child there. They are checked at the end.
  return row.restored() ? Status{} : check_parent(row.id, row.parent);
}

Status Inventory::check_parent(Symbol id, Symbol parent) const {
  Symbol ancestor = parent;
  for (int i = 0; ancestor != 0; ++i) {
    const InstanceRef ref = find(ancestor);
    if (ancestor == id || i == kMaxAncestors)
      return conflict(
          "the parents of '" + std::string(symbols_->text(id)) + "' would form a circle or more than 64 levels",
          "parent");
    if (!ref.valid()) return unknown("there is no instance '" + std::string(symbols_->text(ancestor)) + "'", "parent");
    ancestor = tables_[ref.version]->parent[ref.row];
  }
  return {};
}

InstanceTable& Inventory::table_for(VersionId version, Transaction& log) {
  if (version >= tables_.size()) tables_.resize(version + 1);
  if (!tables_[version]) {
    tables_[version] = std::make_shared<InstanceTable>(catalog_->version(version));
    // The table must live until older cells of it have been rolled back, so it is dropped last: this entry is the
    // oldest.
    log.on_rollback([this, version] { tables_[version].reset(); });
  }
  return *tables_[version];
}

std::uint32_t Inventory::take_row(InstanceTable& held, Transaction& log) {
  const std::uint32_t head = held.free_rows.get();
  if (head != 0) {
    held.free_rows.edit(log) = held.next_free[head - 1];
    return head - 1;
  }
  held.resize(log, held.rows() + 1);
  return static_cast<std::uint32_t>(held.rows() - 1);
}

// Whether others who look for it by what is said of it will find it elsewhere.
bool Inventory::regroups(const InstanceTable& held, std::uint32_t at, const Row& row) {
  if (held.claims[at] == 0 && held.children[at] == 0) return false;
  if (held.location[at] != row.location || held.labels[at] != row.labels || held.groups[at] != row.groups ||
      held.parent[at] != row.parent)
    return true;
  for (std::size_t i = 0; i < row.fields.size(); ++i) {
    if (std::bit_cast<std::uint64_t>(held.fields[i].lane(at)) != std::bit_cast<std::uint64_t>(row.fields[i]))
      return true;
  }
  return false;
}

void Inventory::write(InstanceTable& held, std::uint32_t at, const Row& row, Transaction& log) {
  if (regroups(held, at, row)) ++regrouped_.edit(log);
  held.touched.add(log, at);
  held.address.set(log, at, row.address);
  held.location.set(log, at, row.location);
  held.labels.set(log, at, row.labels);
  held.groups.set(log, at, row.groups);
  held.policy.set(log, at, row.policy);
  if (row.restored_ordinal == 0) set_parent(held, at, row.parent, log);
  for (std::size_t i = 0; i < row.states.size(); ++i) held.states[i].set_lane(log, at, row.states[i]);
  for (std::size_t i = 0; i < row.fields.size(); ++i) held.fields[i].set_lane(log, at, row.fields[i]);
  write_rare(held, at, row, log);
  for (std::size_t d = 0; d < row.dimensions.size(); ++d) write_dimension(held.dimensions[d], at, row, d, log);
  for (const auto& [name, list] : row.relationships) held.relationships.try_emplace(name);
  for (auto& [name, column] : held.relationships) {
    if (column.size() < held.rows()) column.resize(log, held.rows());
    const auto given = std::ranges::find(row.relationships, name, [](const auto& pair) { return pair.first; });
    column.set(log, at, given == row.relationships.end() ? 0 : given->second);
  }
}

void Inventory::write_dimension(DimensionColumns& columns, std::uint32_t at, const Row& row, std::size_t d,
                                Transaction& log) {
  const Row::Dimension& given = row.dimensions[d];
  set_capacity(columns, at, given.capacity, log);
  columns.reserved.set(log, at, given.reserved);
  columns.ratio.set(log, at, {given.ratio});
  columns.limit.set(log, at, limit_of(given.capacity, given.reserved, given.ratio));
  columns.usage.set(log, at, {given.usage});
  columns.predicted.set(log, at, {given.predicted});
  columns.claim.set(log, at, given.claim);
  columns.layers.set(log, at, given.layers);
}

// Keeps the largest capacity: only when its last holder goes is the column read again.
void Inventory::set_capacity(DimensionColumns& columns, std::size_t at, Steps capacity, Transaction& log) {
  const Steps old = columns.capacity[at];
  if (old == capacity) return;
  columns.capacity.edit(log, at) = capacity;
  DimensionColumns::Largest largest = columns.largest.get();
  if (old == largest.steps && largest.steps > 0) --largest.rows;
  if (capacity > largest.steps) {
    largest = {capacity, 1};
  } else if (capacity == largest.steps && capacity > 0) {
    ++largest.rows;
  } else if (largest.rows == 0) {
    largest = largest_in(columns.capacity);
  }
  columns.largest.edit(log) = largest;
}

DimensionColumns::Largest Inventory::largest_in(const ChunkVector<Steps>& capacity) {
  DimensionColumns::Largest largest;
  for (std::size_t i = 0; i < capacity.size(); ++i) {
    const Steps steps = capacity[i];
    if (steps > largest.steps) largest = {steps, 0};
    if (steps == largest.steps && steps > 0) ++largest.rows;
  }
  return largest;
}

void Inventory::set_parent(InstanceTable& held, std::uint32_t at, Symbol parent, Transaction& log) {
  const Symbol old = held.parent[at];
  if (old == parent) return;
  const auto count = [&](Symbol id, int difference) {
    const InstanceRef ref = find(id);
    if (!ref.valid()) return;
    InstanceTable& its = *tables_[ref.version];
    const std::uint32_t parts = its.rare[ref.row].parts;
    std::uint32_t& children = its.children.edit(log, ref.row);
    const bool missed = children < parts;
    children = static_cast<std::uint32_t>(static_cast<int>(children) + difference);
    if (missed != (children < parts)) reopen(its, ref.row, log);
  };
  held.parent.edit(log, at) = parent;
  if (old != 0) count(old, -1);
  if (parent != 0) count(parent, 1);
}

Status Inventory::remove(Reader& reader, Transaction& log) {
  const auto id = reader.get<Symbol>();
  const InstanceRef ref = find(id);
  if (!reader.complete()) return corrupt("a removal is damaged");
  const std::string name(symbols_->text(id));
  if (!ref.valid()) return unknown("there is no instance '" + name + "'");
  InstanceTable& held = *tables_[ref.version];
  if (held.claims[ref.row] > 0) {
    return conflict("'" + name + "' has " + std::to_string(held.claims[ref.row]) +
                    " claims: release or move them first");
  }
  if (held.children[ref.row] > 0) {
    return conflict("'" + name + "' is the parent of " + std::to_string(held.children[ref.row]) +
                    " instances: remove or move them first");
  }
  hash_.edit(log) -= cell(held, ref.row);
  if (held.granted[ref.row] > 0)
    hash_.edit(log) -= CellHash(3).add(held.ordinal[ref.row]).add(held.granted[ref.row]).value();
  set_ref(id, {}, log);
  --count_.edit(log);
  clear(held, ref.row, log);
  return {};
}

// A free row holds defaults everywhere, so that the next instance there inherits nothing.
void Inventory::clear(InstanceTable& held, std::uint32_t at, Transaction& log) {
  Row blank;
  blank.states.assign(held.states.size(), Number{}.value);
  blank.fields.assign(held.fields.size(), Number{}.value);
  blank.dimensions.resize(held.dimensions.size());
  write(held, at, blank, log);
  set_service(held, at, {}, log);
  held.id.set(log, at, 0);
  held.ordinal.set(log, at, 0);
  held.granted.set(log, at, 0);
  held.next_free.set(log, at, held.free_rows.get());
  held.free_rows.edit(log) = at + 1;
}

Status Inventory::usage(Reader& reader, Transaction& log) {
  const std::uint32_t count = reader.get_count(21);
  for (std::uint32_t i = 0; i < count; ++i) {
    const InstanceRef ref{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
    const auto dimension = reader.get<std::uint32_t>();
    const bool predicted = reader.get<std::uint8_t>() != 0;
    const auto value = reader.get<double>();
    if (!exists(ref) || dimension >= tables_[ref.version]->dimensions.size() || !is_usage(value))
      return corrupt("a usage record is damaged");
    InstanceTable& held = *tables_[ref.version];
    DimensionColumns& columns = held.dimensions[dimension];
    held.touched.add_measured(log, ref.row);
    hash_.edit(log) -= cell(held, ref.row);
    (predicted ? columns.predicted : columns.usage).set(log, ref.row, {value});
    hash_.edit(log) += cell(held, ref.row);
  }
  return reader.complete() ? Status{} : Status{corrupt("a usage record is damaged")};
}

std::size_t Inventory::bytes() const {
  std::size_t total = refs_.bytes();
  for (const auto& held : tables_) {
    if (!held) continue;
    total += held->room.bytes() + held->tally.bytes() + held->address.bytes() + held->location.bytes() +
             held->parent.bytes() + held->children.bytes() + held->labels.bytes() + held->groups.bytes() +
             held->rare.bytes();
    for (const std::vector<FieldColumn>* columns : {&held->states, &held->fields}) {
      for (const FieldColumn& column : *columns) total += column.numbers.bytes() + column.symbols.bytes();
    }
    for (const DimensionColumns& d : held->dimensions) {
      total += d.capacity.bytes() + d.reserved.bytes() + d.ratio.bytes() + d.usage.bytes() + d.predicted.bytes();
      total += d.claim.bytes() + d.layers.bytes();
    }
  }
  return total;
}

}  // namespace apportion
