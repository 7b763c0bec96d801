// Maintenance: series of windows, and the changes by which instances go out of service and come back when their time
// has come. What decides about a request is what these changes said, and nothing but them.
#include <algorithm>
#include <map>
#include <set>

#include "pool_update.hpp"

namespace apportion {
namespace {

constexpr std::size_t kMostTargetBytes = 200;

using Place = std::pair<VersionId, std::uint32_t>;

bool is_target(std::string_view text) {
  return !text.empty() && text.size() <= kMostTargetBytes && is_clean_text(text);
}

// The instances of each group that a window names.
std::map<Symbol, std::vector<InstanceRef>> members_of_groups(const Sections& sections) {
  std::map<Symbol, std::vector<InstanceRef>> members;
  for (const auto& [name, windows] : sections.inventory.maintenance().series()) {
    for (const MaintenanceWindow& window : windows) {
      if (window.group) members[window.target];
    }
  }
  for (VersionId id = 0; !members.empty() && id < sections.catalog.version_count(); ++id) {
    const InstanceTable* const table = sections.inventory.table(id);
    for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
      for (const Symbol group : sections.symbols.list(table->groups[row])) {
        const auto found = members.find(group);
        if (found != members.end()) found->second.push_back({id, row});
      }
    }
  }
  return members;
}

// What windows mean for instances at a moment, and when that changes next.
class Hours {
 public:
  Hours(const Sections& sections, Time now) : sections_(sections), now_(now) {
    auto members = members_of_groups(sections);
    for (const auto& [name, windows] : sections.inventory.maintenance().series()) {
      for (const MaintenanceWindow& window : windows) {
        if (window.until <= now) continue;
        if (window.group) {
          for (const InstanceRef instance : members[window.target]) add(instance, window);
        } else if (const InstanceRef instance = sections.inventory.find(window.target); instance.valid()) {
          add(instance, window);
        }
      }
    }
  }

  [[nodiscard]] Time next() const { return next_; }
  /// What is not said of them yet.
  [[nodiscard]] std::vector<Inventory::ServiceChange> changes() const {
    std::vector<Inventory::ServiceChange> changes;
    for (VersionId id = 0; id < sections_.catalog.version_count(); ++id) {
      const InstanceTable* const table = sections_.inventory.table(id);
      for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
        if (!table->exists(row)) continue;
        const auto found = wanted_.find({id, row});
        const Service service = found == wanted_.end() ? Service{} : found->second;
        if (!(table->service[row] == service)) changes.push_back({{id, row}, service});
      }
    }
    return changes;
  }

 private:
  // From its type's lead before the window on.
  void add(InstanceRef instance, const MaintenanceWindow& window) {
    const std::string& type = sections_.catalog.version(instance.version).definition.name;
    const Time closes = window.from - sections_.catalog.find_type(type)->definition.lead;
    Service& service = wanted_[{instance.version, instance.row}];
    if (closes <= now_) {
      service = {0, 1};
      next_ = std::min(next_, window.until);
    } else {
      next_ = std::min(next_, closes);
      if (service.closed == 0) service.closes = service.closes == 0 ? closes : std::min(service.closes, closes);
    }
  }

  const Sections& sections_;
  Time now_;
  Time next_ = kForever;
  std::map<Place, Service> wanted_;
};

}  // namespace

Status Pool::turn_within(Update& update) {
  const Hours hours(sections_, update.now());
  const std::vector<Inventory::ServiceChange> changes = hours.changes();
  turned_ = {{}, hours.next()};  // of nothing that was ever said: whoever makes it final says of what
  return changes.empty() ? Status() : update.write(Inventory::kService, Inventory::encode_service(changes));
}

// Opens and closes instances as their windows say, as every update does before it is final. Asked before every
// decision, so it must cost nothing when no window begins or ends, and nothing was said of instances and types.
Status Pool::turn(Time now) {
  const Maintenance& maintenance = sections_.inventory.maintenance();
  if (maintenance.empty() && sections_.inventory.limited() == 0) return {};
  if (std::max(now, state_->time()) < turned_.next && turned_.after == said_of_hours()) return {};
  Update(*this, now).commit();
  return {};
}

std::array<std::uint64_t, 3> Pool::said_of_hours() const {
  std::uint64_t said = 0;
  for (VersionId id = 0; id < sections_.catalog.version_count(); ++id) {
    if (const InstanceTable* const table = sections_.inventory.table(id))
      said += table->touched.said() + (table->touched.identity() << 32);
  }
  return {sections_.inventory.maintenance().stamp(), sections_.catalog.stamp(), said};
}

Status Pool::put_maintenance(Update& update, const MaintenanceSpec& spec) {
  if (!is_target(spec.name)) return invalid("a series has a name of 1 to 200 bytes without control characters", "name");
  if (spec.windows.size() > Maintenance::kMaxWindows)
    return invalid("a series has at most 100000 windows, found " + std::to_string(spec.windows.size()), "windows");
  const Interner intern = update.interner();
  std::vector<MaintenanceWindow> windows;
  for (std::size_t i = 0; i < spec.windows.size(); ++i) {
    const MaintenanceSpec::Window& window = spec.windows[i];
    const std::string place = "windows[" + std::to_string(i) + "]";
    if (!is_target(window.target)) return invalid("a window is of an instance or a group", place);
    if (!window.group && !sections_.inventory.find(window.target).valid())
      return unknown("there is no instance '" + window.target + "'", place);
    if (window.from < 0 || window.from >= window.until)
      return invalid("a window ends after it begins, and begins after 1970", place);
    windows.push_back({intern.text(window.target), window.group, window.from, window.until});
  }
  const Symbol name = intern.text(spec.name);
  const auto& series = sections_.inventory.maintenance().series();
  const auto held = series.find(name);
  if (held == series.end() ? windows.empty() : held->second == windows) return {};  // it says the same again
  return update.write(Inventory::kMaintain, Maintenance::payload(name, windows));
}

Status Pool::set_maintenance(const MaintenanceSpec& spec) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(expire(clock()));
  Update update(*this);
  APPORTION_TRY(put_maintenance(update, spec));
  update.commit();
  return {};
}

// Ends of windows in which some instance is out of service now or soon: moments at which more may be free.
std::vector<Time> Pool::reopenings(Time now, std::size_t most) const {
  std::set<Time> times;
  for (const auto& [name, windows] : sections_.inventory.maintenance().series()) {
    for (const MaintenanceWindow& window : windows) {
      if (window.until > now) times.insert(window.until);
      if (times.size() > most) times.erase(std::prev(times.end()));
    }
  }
  return {times.begin(), times.end()};
}

}  // namespace apportion
