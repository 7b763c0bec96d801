// Maintenance in the inventory: series of windows, and which instances are out of service.
#include <algorithm>

#include "apportion/journal/state.hpp"
#include "inventory_row.hpp"

namespace apportion {

std::string Inventory::encode_service(std::span<const ServiceChange> changes) {
  Writer writer;
  writer.put(static_cast<std::uint32_t>(changes.size()));
  for (const auto& [instance, service] : changes)
    writer.put(instance.version).put(instance.row).put(service.closes).put(static_cast<std::uint8_t>(service.closed));
  return writer.take();
}

Status Inventory::maintain(Reader& reader, Transaction& log) {
  Symbol name = 0;
  std::vector<MaintenanceWindow> windows;
  if (!Maintenance::read(reader, *symbols_, name, windows)) return corrupt("the record of a maintenance is damaged");
  maintenance_.set(log, name, std::move(windows));
  return {};
}

Status Inventory::serve(Reader& reader, Transaction& log) {
  const std::uint32_t count = reader.get_count(17);
  for (std::uint32_t i = 0; i < count; ++i) {
    const InstanceRef instance{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
    const auto closes = reader.get<Time>();
    const auto closed = reader.get<std::uint8_t>();
    if (!exists(instance) || closes < 0 || closed > 1) return corrupt("a record of instances' service is damaged");
    InstanceTable& held = *tables_[instance.version];
    held.touched.add(log, instance.row);
    hash_.edit(log) -= cell(held, instance.row);
    set_service(held, instance.row, {closes, closed}, log);
    hash_.edit(log) += cell(held, instance.row);
  }
  return reader.complete() && count > 0 ? Status{} : Status{corrupt("a record of instances' service is damaged")};
}

void Inventory::set_service(InstanceTable& table, std::uint32_t at, const Service& service, Transaction& log) {
  const bool was = table.service[at] != Service{};
  const bool is = service != Service{};
  if (was != is) limited_.edit(log) += is ? 1 : ~std::uint64_t{0};
  table.service.set(log, at, service);
}

void Inventory::emit_maintenance(const Emit& emit) const {
  for (const auto& [name, windows] : maintenance_.series()) emit(kMaintain, Maintenance::payload(name, windows));
  std::vector<ServiceChange> changes;
  for (const auto& held : tables_) {
    for (std::uint32_t at = 0; held && limited() > 0 && at < held->rows(); ++at) {
      if (held->exists(at) && held->service[at] != Service{})
        changes.push_back({{held->version, at}, held->service[at]});
    }
  }
  if (!changes.empty()) emit(kService, encode_service(changes));
}

}  // namespace apportion
