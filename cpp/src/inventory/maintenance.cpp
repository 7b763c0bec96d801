#include "apportion/inventory/maintenance.hpp"

#include <algorithm>
#include <atomic>

namespace apportion {

std::uint64_t Maintenance::next_stamp() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

void Maintenance::set(Transaction& log, Symbol name, std::vector<MaintenanceWindow> windows) {
  auto next = std::make_shared<Series>(*series_);
  if (windows.empty()) {
    next->erase(name);
  } else {
    (*next)[name] = std::move(windows);
  }
  log.on_rollback([this, old = series_] {
    series_ = old;
    stamp_ = next_stamp();
  });
  series_ = std::move(next);
  stamp_ = next_stamp();
}

std::string Maintenance::payload(Symbol name, const std::vector<MaintenanceWindow>& windows) {
  Writer writer;
  writer.put(name).put(static_cast<std::uint32_t>(windows.size()));
  for (const MaintenanceWindow& window : windows)
    writer.put(window.target).put(static_cast<std::uint8_t>(window.group)).put(window.from).put(window.until);
  return writer.take();
}

bool Maintenance::read(Reader& reader, const Symbols& symbols, Symbol& name, std::vector<MaintenanceWindow>& windows) {
  name = reader.get<Symbol>();
  const std::uint32_t count = reader.get_count(21);
  if (count > kMaxWindows || name == 0 || !symbols.has(name)) return false;
  windows.resize(count);
  bool right = true;
  for (MaintenanceWindow& window : windows) {
    window.target = reader.get<Symbol>();
    window.group = reader.get<std::uint8_t>() != 0;
    window.from = reader.get<Time>();
    window.until = reader.get<Time>();
    right = right && window.target != 0 && symbols.has(window.target) && window.from < window.until;
  }
  return right && reader.complete();
}

Hash128 Maintenance::hash(const Symbols& symbols) const {
  Hash128 sum;
  for (const auto& [name, windows] : *series_) {
    CellHash cell(32);
    cell.add(symbols.text(name));
    for (const MaintenanceWindow& window : windows)
      cell.add(symbols.text(window.target)).add(std::uint64_t{window.group}).add(window.from).add(window.until);
    sum += cell.value();
  }
  return sum;
}

}  // namespace apportion
