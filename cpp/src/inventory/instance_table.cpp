#include "apportion/inventory/instance_table.hpp"

#include "apportion/catalog/scope.hpp"

namespace apportion {

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

InstanceTable::InstanceTable(const TypeVersion& type_version)
    : version(type_version.id), dimensions(type_version.definition.dimensions.size()) {
  for (const FieldDefinition& field : type_version.definition.states) states.push_back({field.kind, {}, {}});
  for (const FieldDefinition& field : type_version.definition.fields) fields.push_back({field.kind, {}, {}});
}

void InstanceTable::resize(Transaction& log, std::size_t size) {
  id.resize(log, size);
  ordinal.resize(log, size);
  address.resize(log, size);
  location.resize(log, size);
  parent.resize(log, size);
  children.resize(log, size);
  labels.resize(log, size);
  groups.resize(log, size);
  policy.resize(log, size);
  for (std::vector<FieldColumn>* columns : {&states, &fields}) {
    for (FieldColumn& column : *columns) {
      column.numeric() ? column.numbers.resize(log, size) : column.symbols.resize(log, size);
    }
  }
  for (DimensionColumns& d : dimensions) {
    for (ChunkVector<Steps>* column : {&d.capacity, &d.reserved, &d.limit, &d.used}) column->resize(log, size);
    d.ratio.resize(log, size);
    d.usage.resize(log, size);
    d.predicted.resize(log, size);
  }
  for (auto& [name, column] : relationships) column.resize(log, size);
  consumers.resize(log, size);
  claims.resize(log, size);
  first_claim.resize(log, size);
  granted.resize(log, size);
}

void InstanceTable::add_used(Transaction& log, std::uint32_t row, std::span<const Steps> steps, int sign) {
  for (std::size_t d = 0; d < steps.size(); ++d) {
    if (steps[d] != 0) dimensions[d].used.edit(log, row) += sign * steps[d];
  }
}

bool InstanceTable::over(std::uint32_t row) const {
  for (const DimensionColumns& d : dimensions) {
    if (d.used[row] > d.limit[row]) return true;
  }
  return false;
}

bool InstanceTable::fits(std::uint32_t row, std::span<const Steps> steps) const {
  bool takes = false;
  for (std::size_t d = 0; d < steps.size(); ++d) {
    if (steps[d] <= 0) continue;
    takes = true;
    if (steps[d] > dimensions[d].limit[row] - dimensions[d].used[row]) return false;
  }
  return !takes || !over(row);
}

void InstanceTable::prefetch(std::uint32_t row) const {
  for (const DimensionColumns& d : dimensions) {
    d.used.prefetch(row);
    d.limit.prefetch(row);
  }
  id.prefetch(row);
  ordinal.prefetch(row);
  claims.prefetch(row);
  consumers.prefetch(row);
  first_claim.prefetch(row);
  granted.prefetch(row);
}

}  // namespace apportion
