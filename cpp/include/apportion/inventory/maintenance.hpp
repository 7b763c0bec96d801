// When instances are out of service: named series of intervals.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "apportion/base/hash.hpp"
#include "apportion/base/time.hpp"
#include "apportion/catalog/symbols.hpp"

namespace apportion {

/// From `from` on, and no longer before `until`.
struct MaintenanceWindow {
  Symbol target = 0;   ///< the id of an instance, or a group
  bool group = false;  ///< of all instances that are in the group then
  Time from = 0;
  Time until = 0;
  friend bool operator==(const MaintenanceWindow&, const MaintenanceWindow&) = default;
};

/// Every series of the pool, by the symbol of its name. Immutable once made: a change makes another, and forks share
/// it. Thread-compatible.
class Maintenance {
 public:
  static constexpr std::size_t kMaxWindows = 100'000;  ///< of one series

  using Series = std::map<Symbol, std::vector<MaintenanceWindow>>;

  [[nodiscard]] const Series& series() const { return *series_; }
  [[nodiscard]] bool empty() const { return series_->empty(); }
  /// Rises with every change in this process. Not part of the state.
  [[nodiscard]] std::uint64_t stamp() const { return stamp_; }

  /// A series anew; without windows it is gone. REQUIRES: at most kMaxWindows, none of which ends before it begins.
  void set(Transaction& log, Symbol name, std::vector<MaintenanceWindow> windows);

  /// Payloads of one series.
  static std::string payload(Symbol name, const std::vector<MaintenanceWindow>& windows);
  /// True when it could be read and its symbols are there.
  static bool read(Reader& reader, const Symbols& symbols, Symbol& name, std::vector<MaintenanceWindow>& windows);

  /// By the texts of its symbols.
  [[nodiscard]] Hash128 hash(const Symbols& symbols) const;

 private:
  static std::uint64_t next_stamp();

  std::shared_ptr<const Series> series_ = std::make_shared<const Series>();
  std::uint64_t stamp_ = next_stamp();
};

}  // namespace apportion
