#include "apportion/inventory/row_source.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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

// Of a quantity column: the state of an empty pool, or of the present.
double steps_value(const DimensionColumns& d, std::uint32_t row, Column column, bool empty) {
  const Steps used = empty ? 0 : d.used[row];
  switch (column) {
    case Column::kUsed:
    case Column::kUsedSteps:
      return static_cast<double>(used);
    case Column::kFree:
    case Column::kFreeSteps:
      return static_cast<double>(d.limit[row] - used);
    case Column::kLimit:
    case Column::kLimitSteps:
      return static_cast<double>(d.limit[row]);
    case Column::kCapacity:
    case Column::kCapacitySteps:
      return static_cast<double>(d.capacity[row]);
    default:
      return static_cast<double>(d.reserved[row]);
  }
}

double units_of(double steps, Step step) { return to_units(static_cast<Steps>(steps), step); }

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
  if (ref.type == ValueType::kList) {
    for (std::uint32_t i = 0; i < n; ++i)
      out[i] = static_cast<double>(symbols_.list(list_of(binding, rows_[i])).size());
    return;
  }
  if (binding.column == Column::kType) {
    std::fill_n(out, n, local_symbol(type_.name));
    return;
  }
  for (std::uint32_t i = 0; i < n; ++i) out[i] = row_value(binding, rows_[i]);
}

double RowSource::row_value(const Binding& binding, std::uint32_t row) const {
  const bool empty = view_ == View::kEmpty;
  switch (binding.column) {
    case Column::kId:
      return lane(table_.id[row]);
    case Column::kAddress:
      return lane(table_.address[row]);
    case Column::kLocation:
      return lane(table_.location[row]);
    case Column::kParent:
      return lane(table_.parent[row]);
    case Column::kLabel:
      return label(binding, row);
    case Column::kField:
      return table_.fields[binding.index].lane(row);
    case Column::kState:
      return state(binding.index, row);
    case Column::kConsumers:
      return empty ? 0 : static_cast<double>(table_.consumers[row]);
    case Column::kClaims:
      return empty ? 0 : static_cast<double>(table_.claims[row]);
    case Column::kOrdinal:
      return static_cast<double>(table_.ordinal[row]);
    case Column::kGranted:
      return static_cast<double>(table_.granted[row]);
    default:
      return quantity(binding, row);
  }
}

double RowSource::quantity(const Binding& binding, std::uint32_t row) const {
  const DimensionColumns& d = table_.dimensions[binding.index];
  const Step step = type_.dimensions[binding.index].step;
  const double per_step = static_cast<double>(step.denominator) / static_cast<double>(step.numerator);
  switch (binding.column) {
    case Column::kRatio:
      return static_cast<double>(d.ratio[row].ppm) / kOne;
    case Column::kUsage:
      return d.usage[row].value;
    case Column::kPredicted:
      return d.predicted[row].value;
    case Column::kUsageSteps:
      return d.usage[row].value * per_step;
    case Column::kPredictedSteps:
      return d.predicted[row].value * per_step;
    case Column::kUsed:
    case Column::kFree:
    case Column::kLimit:
    case Column::kCapacity:
    case Column::kReserved:
      return units_of(steps_value(d, row, binding.column, view_ == View::kEmpty), step);
    default:
      return steps_value(d, row, binding.column, view_ == View::kEmpty);
  }
}

double RowSource::label(const Binding& binding, std::uint32_t row) const {
  const std::span<const Symbol> labels = symbols_.list(table_.labels[row]);
  for (std::size_t i = 0; i + 1 < labels.size(); i += 2) {
    if (symbols_.text(labels[i]) == binding.name) return lane(labels[i + 1]);
  }
  return kNoValue;
}

// In the empty view a state that forbids allocation shows the first value that permits it.
double RowSource::state(std::uint32_t index, std::uint32_t row) const {
  const double held = table_.states[index].lane(row);
  const FieldDefinition& definition = type_.states[index];
  if (view_ == View::kPresent || definition.allow.empty()) return held;
  for (const std::string& value : definition.allow) {
    if (allowed_lane(definition, value, symbols_) == held) return held;
  }
  return allowed_lane(definition, definition.allow.front(), symbols_);
}

double RowSource::request_value(const Binding& binding) {
  const auto attribute = [&] {
    const auto found =
        std::ranges::find_if(request_.attributes, [&](const AttributeLane& a) { return a.first == binding.name; });
    return found == request_.attributes.end() ? kNoValue : found->second;
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
      return attribute();
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

ListId RowSource::list_of(const Binding& binding, std::uint32_t row) const {
  if (binding.column == Column::kGroups) return table_.groups[row];
  if (binding.column == Column::kField) return table_.fields[binding.index].symbols[row];
  const auto column = table_.relationships.find(symbols_.find(binding.name));
  return column == table_.relationships.end() || row >= column->second.size() ? 0 : column->second[row];
}

void RowSource::contains(const Ref& list, const double* symbols, std::uint32_t n, double* out) {
  const Binding& binding = (*bindings_)[list.id];
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::span<const Symbol> items = symbols_.list(list_of(binding, rows_[i]));
    out[i] =
        std::ranges::any_of(items, [&](Symbol item) { return static_cast<double>(item) == symbols[i]; }) ? 1.0 : 0.0;
  }
}

void RowSource::call(const Ref& function, std::span<const double* const> arguments, std::uint32_t n, double* out) {
  const Binding& binding = (*bindings_)[function.id];
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

// Members in order of tables and rows, so that the sums of doubles are the same everywhere.
const RowSource::Totals& RowSource::totals(Symbol group) {
  const auto known = totals_.find(group);
  if (known != totals_.end()) return known->second;
  const std::size_t dimensions = type_.dimensions.size();
  Totals sums{0, 0, std::vector<double>(dimensions), std::vector<double>(dimensions), std::vector<double>(dimensions)};
  for (VersionId version = 0; version < catalog_.version_count(); ++version) {
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
