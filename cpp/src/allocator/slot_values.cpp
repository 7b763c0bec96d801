#include "slot_values.hpp"

#include <limits>
#include <span>

#include "apportion/inventory/row_source.hpp"

namespace apportion {

double slot_value(const Sections& sections, InstanceRef instance, std::string_view name, ValueType type) {
  double lane = std::numeric_limits<double>::quiet_NaN();
  if (!instance.valid()) return lane;
  const InstanceTable& table = *sections.inventory.table(instance.version);
  const TypeScope scope(sections.catalog, sections.catalog.version(instance.version).definition);
  const std::optional<Ref> ref = scope.resolve("self." + std::string(name));
  if (!ref || ref->type != type) return lane;
  const RequestValues none;
  RowSource source(sections.inventory, sections.symbols, sections.catalog, table, none);
  source.use(scope.bindings());
  source.set(std::span(&instance.row, 1));
  source.read(*ref, 1, &lane);
  return lane;
}

}  // namespace apportion
