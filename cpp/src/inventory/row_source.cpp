#include "apportion/inventory/row_source.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "apportion/inventory/unit_scale.hpp"

namespace apportion {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();
/// Symbols of texts that only the request knows start here, above every interned one.
constexpr double kLocalSymbols = 4294967296.0;

double lane(Symbol symbol) { return symbol == 0 ? kNoValue : static_cast<double>(symbol); }

double allowed_lane(const FieldDefinition& state, const std::string& value, const Symbols& symbols) {
  if (state.kind == FieldKind::kBoolean) return value == "true" ? 1.0 : 0.0;
  const Symbol symbol = symbols.find(value);
  // A value that nothing ever had: no row can show it.
  return symbol == 0 ? -1.0 : static_cast<double>(symbol);
}

constexpr auto kSymbolLane = [](Symbol symbol) { return lane(symbol); };
constexpr auto kPlainLane = [](auto value) { return static_cast<double>(value); };
constexpr auto kNumberLane = [](Number number) { return number.value; };

// The items of each lane's list, a column that may be shorter than the table or missing.
template <class Visit>
void visit_lists(const ChunkVector<ListId>* column, const RowBlock& rows, std::uint32_t n, Visit visit) {
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t row = rows[i];
    visit(i, column == nullptr || row >= column->size() ? ListId{0} : (*column)[row]);
  }
}

}  // namespace

StateRules::StateRules(const TypeDefinition& type, const Symbols& symbols) {
  for (const FieldDefinition& state : type.states) {
    std::vector<double>& lanes = allowed_.emplace_back();
    for (const std::string& value : state.allow) lanes.push_back(allowed_lane(state, value, symbols));
  }
}

bool StateRules::permits(const InstanceTable& table, std::size_t state, std::uint32_t row) const {
  const std::vector<double>& lanes = allowed_[state];
  return lanes.empty() || std::ranges::find(lanes, table.states[state].lane(row)) != lanes.end();
}

bool StateRules::permits(const InstanceTable& table, std::uint32_t row) const {
  if (!table.in_service(row)) return false;
  if (table.closed.get() > 0 && table.rare[row].closed()) return false;
  for (std::size_t state = 0; state < allowed_.size(); ++state) {
    if (!permits(table, state, row)) return false;
  }
  return true;
}

RowSource::RowSource(const Inventory& inventory, const Symbols& symbols, const Catalog& catalog,
                     const InstanceTable& table, const RequestValues& request, View view)
    : inventory_(inventory),
      symbols_(symbols),
      catalog_(catalog),
      table_(table),
      type_(catalog.version(table.version).definition),
      request_(request),
      view_(view) {}

void RowSource::read(const Ref& ref, std::uint32_t n, double* out) {
  const Binding& binding = (*bindings_)[ref.id];
  if (ref.uniform) {
    *out = request_value(binding);
    return;
  }
  if (ref.read == Read::kInside) {
    if (inside_ != nullptr) return inside_->read(binding, rows_, n, out);
    return static_cast<void>(std::fill_n(out, n, kNoValue));
  }
  if (read_room(binding, n, out)) return;
  if (ref.type == ValueType::kList) {
    visit_lists(list_column(binding), rows_, n,
                [&](std::uint32_t i, ListId list) { out[i] = static_cast<double>(symbols_.list(list).size()); });
    return;
  }
  if (binding.column == Column::kType) {
    std::fill_n(out, n, local_symbol(type_.name));
    return;
  }
  read_column(binding, n, out);
}

// Several references look into the same records.
void RowSource::find_records(std::uint32_t n) {
  if (records_ == nullptr) {
    own_records_ = std::make_unique<Records>();
    records_ = own_records_.get();
  }
  constexpr std::uint32_t kBlock = Room::kBlock;
  for (std::uint32_t i = found_; i < n; ++i) {
    if (room_.free != nullptr) {
      const std::uint32_t position = room_.positions[i];
      const float* const free = room_.free + position / kBlock * room_.width + position % kBlock;
      (*records_)[i] = reinterpret_cast<const std::byte*>(free);
    } else {
      const std::byte* const record = (*records_)[i] = table_.room[rows_[i]];
      __builtin_prefetch(record);  // waits for nobody, so that many are on their way at once
    }
  }
  found_ = std::max(found_, n);
}

// What scores read most: limits and what is used of them, in steps or units.
bool RowSource::read_room(const Binding& binding, std::uint32_t n, double* out) {
  switch (binding.column) {
    case Column::kFree:
    case Column::kFreeSteps:
    case Column::kUsed:
    case Column::kUsedSteps:
    case Column::kLimit:
    case Column::kLimitSteps:
      break;
    default:
      return false;
  }
  find_records(n);
  room_.free != nullptr ? read_floats(binding, n, out) : read_exact(binding, n, out);
  const bool in_units = binding.column < Column::kUsedSteps;
  if (in_units) UnitScale(type_.dimensions[binding.index].step).apply(out, n);
  return true;
}

void RowSource::read_exact(const Binding& binding, std::uint32_t n, double* out) {
  const bool empty = view_ == View::kEmpty;
  const std::size_t limit = binding.index;
  const std::size_t used = table_.dimensions.size() + limit;
  const auto read = [&](const auto& value) {
    const std::byte* const* const records = records_->data();
    for (std::uint32_t i = 0; i < n; ++i)
      out[i] = static_cast<double>(value(reinterpret_cast<const Steps*>(records[i])));
  };
  switch (binding.column) {
    case Column::kFree:
    case Column::kFreeSteps:
      return empty ? read([=](const Steps* steps) { return steps[limit]; })
                   : read([=](const Steps* steps) { return steps[limit] - steps[used]; });
    case Column::kUsed:
    case Column::kUsedSteps:
      return empty ? static_cast<void>(std::fill_n(out, n, 0.0))
                   : read([=](const Steps* steps) { return steps[used]; });
    default:
      return read([=](const Steps* steps) { return steps[limit]; });
  }
}

// REQUIRES: the view is the present one.
void RowSource::read_floats(const Binding& binding, std::uint32_t n, double* out) {
  const std::size_t width = table_.dimensions.size();
  const std::size_t column = std::size_t{binding.index} * Room::kBlock;
  const float* const limits = room_.limits + binding.index;
  const std::uint32_t* const positions = room_.positions.data();
  const std::byte* const* const records = records_->data();
  const auto free = [=](std::uint32_t i) {
    return static_cast<double>(reinterpret_cast<const float*>(records[i])[column]);
  };
  const auto limit = [=](std::uint32_t i) { return static_cast<double>(limits[positions[i] * width]); };
  switch (binding.column) {
    case Column::kFree:
    case Column::kFreeSteps:
      for (std::uint32_t i = 0; i < n; ++i) out[i] = free(i);
      return;
    case Column::kUsed:
    case Column::kUsedSteps:
      for (std::uint32_t i = 0; i < n; ++i) out[i] = limit(i) - free(i);
      return;
    default:
      for (std::uint32_t i = 0; i < n; ++i) out[i] = limit(i);
  }
}

void RowSource::read_column(const Binding& binding, std::uint32_t n, double* out) const {
  const bool empty = view_ == View::kEmpty;
  switch (binding.column) {
    case Column::kId:
      return rows_.gather(n, out, kSymbolLane, table_.id);
    case Column::kAddress:
      return rows_.gather(n, out, kSymbolLane, table_.address);
    case Column::kLocation:
      return rows_.gather(n, out, kSymbolLane, table_.location);
    case Column::kParent:
      return rows_.gather(n, out, kSymbolLane, table_.parent);
    case Column::kLabel:
      return read_label(binding, n, out);
    case Column::kField:
      return read_field(table_.fields[binding.index], n, out);
    case Column::kState:
      return read_state(binding.index, n, out);
    case Column::kConsumers:
    case Column::kClaims:
      if (empty) return static_cast<void>(std::fill_n(out, n, 0.0));
      return rows_.gather(n, out, kPlainLane, binding.column == Column::kClaims ? table_.claims : table_.consumers);
    case Column::kOrdinal:
      return rows_.gather(n, out, kPlainLane, table_.ordinal);
    case Column::kGranted:
      return rows_.gather(n, out, kPlainLane, table_.granted);
    default:
      return read_quantity(binding, n, out);
  }
}

void RowSource::read_quantity(const Binding& binding, std::uint32_t n, double* out) const {
  const DimensionColumns& d = table_.dimensions[binding.index];
  const Step step = type_.dimensions[binding.index].step;
  const auto read_in_steps = [&](const ChunkVector<Number>& column) {
    const double per_step = static_cast<double>(step.denominator) / static_cast<double>(step.numerator);
    rows_.gather(n, out, [per_step](Number number) { return number.value * per_step; }, column);
  };
  switch (binding.column) {
    case Column::kRatio:
      return rows_.gather(n, out, [](Ratio ratio) { return static_cast<double>(ratio.ppm) / kOne; }, d.ratio);
    case Column::kUsage:
      return rows_.gather(n, out, kNumberLane, d.usage);
    case Column::kPredicted:
      return rows_.gather(n, out, kNumberLane, d.predicted);
    case Column::kUsageSteps:
      return read_in_steps(d.usage);
    case Column::kPredictedSteps:
      return read_in_steps(d.predicted);
    case Column::kCapacity:
    case Column::kCapacitySteps:
      rows_.gather(n, out, kPlainLane, d.capacity);
      break;
    default:
      rows_.gather(n, out, kPlainLane, d.reserved);
  }
  const bool in_units = binding.column < Column::kUsedSteps;
  if (in_units) UnitScale(step).apply(out, n);
}

void RowSource::read_field(const FieldColumn& column, std::uint32_t n, double* out) const {
  if (column.numeric()) return rows_.gather(n, out, kNumberLane, column.numbers);
  if (column.kind == FieldKind::kList) return rows_.gather(n, out, kPlainLane, column.symbols);
  rows_.gather(n, out, kSymbolLane, column.symbols);
}

// In the empty view a state that forbids allocation shows the first value that permits it.
void RowSource::read_state(std::uint32_t index, std::uint32_t n, double* out) const {
  read_field(table_.states[index], n, out);
  const FieldDefinition& definition = type_.states[index];
  if (view_ == View::kPresent || definition.allow.empty()) return;
  std::vector<double> allowed;
  for (const std::string& value : definition.allow) allowed.push_back(allowed_lane(definition, value, symbols_));
  for (std::uint32_t i = 0; i < n; ++i) {
    if (std::ranges::find(allowed, out[i]) == allowed.end()) out[i] = allowed.front();
  }
}

// Instances that are alike share one list, and often follow each other.
void RowSource::read_label(const Binding& binding, std::uint32_t n, double* out) const {
  const Symbol key = symbols_.find(binding.name);
  ListId known = 0;
  double value = kNoValue;
  const auto find = [&](ListId list) {
    if (list == known) return value;
    known = list, value = kNoValue;
    const std::span<const Symbol> labels = symbols_.list(list);
    for (std::size_t i = 0; i + 1 < labels.size() && std::isnan(value); i += 2) {
      if (labels[i] == key) value = lane(labels[i + 1]);
    }
    return value;
  };
  rows_.gather(n, out, find, table_.labels);
}

double RowSource::request_value(const Binding& binding) {
  const auto named = [&](const std::vector<AttributeLane>& lanes) {
    const auto found = std::ranges::find(lanes, binding.name, &AttributeLane::first);
    return found == lanes.end() ? kNoValue : found->second;
  };
  switch (binding.column) {
    case Column::kRequest:
      return to_units(request_.amounts[binding.index], type_.dimensions[binding.index].step);
    case Column::kRequestSteps:
      return static_cast<double>(request_.amounts[binding.index]);
    case Column::kScaleSteps:
      return inventory_.scale(table_.version, binding.index);
    case Column::kRequestCount:
      return request_.count;
    case Column::kConsumerId:
      return local_symbol(request_.consumer);
    case Column::kConsumerKind:
      return local_symbol(request_.consumer_kind);
    case Column::kConsumerAttribute:
      return named(request_.attributes);
    case Column::kSlotValue:
      return named(request_.slots);
    default:
      return static_cast<double>(request_.now) / static_cast<double>(kSecond);
  }
}

double RowSource::local_symbol(std::string_view text) {
  if (text.empty()) return kNoValue;
  if (const Symbol known = symbols_.find(text); known != 0) return known;
  const auto found = std::ranges::find(local_texts_, text);
  const auto index = found - local_texts_.begin();
  if (found == local_texts_.end()) local_texts_.emplace_back(text);
  return kLocalSymbols + static_cast<double>(index);
}

double RowSource::symbol(std::string_view text) {
  const auto found = std::ranges::find(local_texts_, text);
  if (found != local_texts_.end()) return kLocalSymbols + static_cast<double>(found - local_texts_.begin());
  // The names of the type and of the consumer may be asked for before they were read.
  if (text == type_.name || text == request_.consumer || text == request_.consumer_kind) return local_symbol(text);
  const Symbol known = symbols_.find(text);
  return known == 0 ? -1.0 : static_cast<double>(known);
}

std::string_view RowSource::text(double symbol) {
  if (symbol >= kLocalSymbols) return local_texts_[static_cast<std::size_t>(symbol - kLocalSymbols)];
  return symbols_.text(static_cast<Symbol>(symbol));
}

const ChunkVector<ListId>* RowSource::list_column(const Binding& binding) const {
  if (binding.column == Column::kGroups) return &table_.groups;
  if (binding.column == Column::kField) return &table_.fields[binding.index].symbols;
  const auto column = table_.relationships.find(symbols_.find(binding.name));
  return column == table_.relationships.end() ? nullptr : &column->second;
}

void RowSource::contains(const Ref& list, const double* symbols, std::uint32_t n, double* out) {
  visit_lists(list_column((*bindings_)[list.id]), rows_, n, [&](std::uint32_t i, ListId id) {
    const auto is_it = [&](Symbol item) { return static_cast<double>(item) == symbols[i]; };
    out[i] = std::ranges::any_of(symbols_.list(id), is_it) ? 1.0 : 0.0;
  });
}

// Most rows ask for the same few pairs.
void RowSource::pair(const std::string& name, std::span<const double* const> arguments, std::uint32_t n, double* out) {
  const auto* const pairs = catalog_.find_pair_table(name);
  std::map<std::pair<Symbol, Symbol>, double>& known = pairs_[name];
  for (std::uint32_t i = 0; i < n; ++i) {
    const auto is_text = [](double symbol) { return symbol > 0 && symbol < kLocalSymbols; };
    out[i] = kNoValue;
    if (pairs == nullptr || !is_text(arguments[0][i]) || !is_text(arguments[1][i])) continue;
    const std::pair key{static_cast<Symbol>(arguments[0][i]), static_cast<Symbol>(arguments[1][i])};
    auto found = known.find(key);
    if (found == known.end()) {
      const auto value = value_of(pairs->definition, symbols_.text(key.first), symbols_.text(key.second));
      found = known.emplace(key, value.value_or(kNoValue)).first;
    }
    out[i] = found->second;
  }
}

void RowSource::call(const Ref& function, std::span<const double* const> arguments, std::uint32_t n, double* out) {
  const Binding& binding = (*bindings_)[function.id];
  if (binding.column == Column::kPair) return pair(binding.name, arguments, n, out);
  for (std::uint32_t i = 0; i < n; ++i) {
    const double group = arguments[0][i];
    if (!(group > 0 && group < kLocalSymbols)) {
      out[i] = kNoValue;
      continue;
    }
    const Totals& sums = totals(static_cast<Symbol>(group));
    double load = 0;
    double loaded = 0;
    switch (binding.column) {
      case Column::kGroupMembers:
        out[i] = sums.members;
        break;
      case Column::kGroupClaims:
        out[i] = sums.claims;
        break;
      case Column::kGroupUsed:
        out[i] = sums.used[binding.index];
        break;
      case Column::kGroupFree:
        out[i] = sums.limit[binding.index] - sums.used[binding.index];
        break;
      case Column::kGroupLimit:
        out[i] = sums.limit[binding.index];
        break;
      case Column::kGroupCapacity:
        out[i] = sums.capacity[binding.index];
        break;
      default:
        for (std::size_t d = 0; d < sums.used.size(); ++d) {
          if (sums.limit[d] <= 0) continue;
          load += sums.used[d] / sums.limit[d];
          loaded += 1;
        }
        out[i] = load / loaded;
    }
  }
}

std::size_t RowSource::bytes() const {
  // A node of the map with its three lists.
  const std::size_t each = sizeof(Totals) + 128 + 3 * type_.dimensions.size() * sizeof(double);
  return totals_.size() * each;
}

// Members in order of tables and rows, so that the sums of doubles are the same everywhere.
const RowSource::Totals& RowSource::totals(Symbol group) {
  const auto known = totals_.find(group);
  if (known != totals_.end()) return known->second;
  const std::size_t dimensions = type_.dimensions.size();
  Totals sums{0, 0, std::vector<double>(dimensions), std::vector<double>(dimensions), std::vector<double>(dimensions)};
  const std::span<const InstanceRef> members =
      members_ != nullptr ? members_->of(group) : std::span<const InstanceRef>();
  for (const InstanceRef member : members) add_member(sums, *inventory_.table(member.version), member.row);
  for (VersionId version = 0; members_ == nullptr && version < catalog_.version_count(); ++version) {
    const InstanceTable* table = inventory_.table(version);
    if (table == nullptr) continue;
    for (std::uint32_t row = 0; row < table->rows(); ++row) {
      if (!table->exists(row)) continue;
      const std::span<const Symbol> groups = symbols_.list(table->groups[row]);
      if (std::ranges::find(groups, group) != groups.end()) add_member(sums, *table, row);
    }
  }
  return totals_.emplace(group, std::move(sums)).first->second;
}

// Dimensions are matched by name: members of other types count where they have the dimension.
void RowSource::add_member(Totals& sums, const InstanceTable& table, std::uint32_t row) const {
  const bool empty = view_ == View::kEmpty;
  const std::vector<DimensionDefinition>& theirs = catalog_.version(table.version).definition.dimensions;
  sums.members += 1;
  sums.claims += empty ? 0 : table.claims[row];
  for (std::size_t d = 0; d < type_.dimensions.size(); ++d) {
    const auto found =
        std::ranges::find_if(theirs, [&](const auto& other) { return other.name == type_.dimensions[d].name; });
    if (found == theirs.end()) continue;
    const DimensionColumns& columns = table.dimensions[static_cast<std::size_t>(found - theirs.begin())];
    sums.used[d] += empty ? 0 : to_units(columns.used[row], found->step);
    sums.limit[d] += to_units(columns.limit[row], found->step);
    sums.capacity[d] += to_units(columns.capacity[row], found->step);
  }
}

}  // namespace apportion
