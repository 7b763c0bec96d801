#include "apportion/inventory/instance_table.hpp"

#include <algorithm>
#include <charconv>

#include "apportion/catalog/scope.hpp"

namespace apportion {

ClaimSteps ClaimCell::steps(const Symbols& symbols) const {
  ClaimSteps rule{minimum, maximum, step, standard, {}, (flags & kRoundUp) != 0};
  for (const Symbol item : symbols.list(amounts)) {
    const std::string_view text = symbols.text(item);
    std::from_chars(text.data(), text.data() + text.size(), rule.amounts.emplace_back());
  }
  return rule;
}

bool FieldColumn::numeric() const {
  const ValueType type = value_type(kind);
  return type == ValueType::kNumber || type == ValueType::kBoolean;
}

double FieldColumn::lane(std::size_t row) const {
  if (numeric()) return numbers[row].value;
  return symbols[row] == 0 && kind != FieldKind::kList ? Number{}.value : static_cast<double>(symbols[row]);
}

void FieldColumn::set_lane(Transaction& log, std::size_t row, double lane) {
  if (numeric()) {
    numbers.set(log, row, {lane});
  } else {
    symbols.set(log, row, lane > 0 ? static_cast<std::uint32_t>(lane) : 0);
  }
}

// Scores read limits and used of many rows: with up to four dimensions these are one line of memory.
InstanceColumns::InstanceColumns(const TypeVersion& type_version)
    : version(type_version.id),
      dimensions(type_version.definition.dimensions.size()),
      room(std::max(sizeof(Steps), 2 * sizeof(Steps) * dimensions.size())),
      tally(32) {
  for (const FieldDefinition& field : type_version.definition.states) states.push_back({field.kind, {}, {}});
  for (const FieldDefinition& field : type_version.definition.fields) fields.push_back({field.kind, {}, {}});
}

void InstanceTable::bind() {
  const std::size_t count = dimensions.size();
  for (std::size_t d = 0; d < count; ++d) {
    dimensions[d].limit = {room, d * sizeof(Steps)};
    dimensions[d].used = {room, (count + d) * sizeof(Steps)};
  }
  claims = {tally, 0};
  consumers = {tally, 4};
  id = {tally, 8};
  policy = {tally, 12};
  next_free = {tally, 12};
  granted = {tally, 16};
  ordinal = {tally, 24};
}

void InstanceTable::resize(Transaction& log, std::size_t size) {
  address.resize(log, size);
  location.resize(log, size);
  parent.resize(log, size);
  children.resize(log, size);
  labels.resize(log, size);
  groups.resize(log, size);
  service.resize(log, size);
  for (std::vector<FieldColumn>* columns : {&states, &fields}) {
    for (FieldColumn& column : *columns) {
      column.numeric() ? column.numbers.resize(log, size) : column.symbols.resize(log, size);
    }
  }
  for (DimensionColumns& d : dimensions) {
    for (ChunkVector<Steps>* column : {&d.capacity, &d.reserved}) column->resize(log, size);
    d.ratio.resize(log, size);
    d.usage.resize(log, size);
    d.predicted.resize(log, size);
    d.claim.resize(log, size);
    d.layers.resize(log, size);
  }
  rare.resize(log, size);
  for (auto& [name, column] : relationships) column.resize(log, size);
  room.resize(log, size);
  tally.resize(log, size);
}

bool InstanceTable::over(std::uint32_t row) const {
  const std::byte* const record = room[row];
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    if (used(record)[d] > limits(record)[d]) return true;
  }
  return false;
}

bool InstanceTable::fits(std::uint32_t row, std::span<const Steps> steps) const {
  const std::byte* const record = room[row];
  bool takes = false;
  bool over = false;
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    const Steps free = limits(record)[d] - used(record)[d];
    over = over || free < 0;
    if (d >= steps.size() || steps[d] <= 0) continue;
    takes = true;
    if (steps[d] > free) return false;
  }
  return !takes || !over;
}

}  // namespace apportion
