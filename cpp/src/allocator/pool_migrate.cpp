// Migration of instances and claims from one version of their type to another: one change, or an error.
#include <algorithm>

#include "apportion/expr/diagnostic.hpp"
#include "pool_update.hpp"

namespace apportion {
namespace {

Result<const TypeVersion*> version_of(const Catalog& catalog, const Migration& migration) {
  const TypeVersion* newest = catalog.find_type(migration.type);
  if (newest == nullptr) {
    return unknown("there is no type '" + migration.type + "'" + name_hint(migration.type, catalog.type_names()),
                   "type");
  }
  if (!migration.to) return newest;
  const TypeVersion* found = *migration.to == 0 ? nullptr : catalog.find_type(migration.type, *migration.to);
  if (found != nullptr) return found;
  return unknown("type '" + migration.type + "' has no version " + std::to_string(*migration.to) + "; the newest is " +
                     std::to_string(newest->number),
                 "to");
}

}  // namespace

// In order of arrival, so that rows of the new version come in that order too.
Result<std::vector<InstanceRef>> Pool::instances_to_move(const Migration& migration, const TypeVersion& to) const {
  const Inventory& inventory = sections_.inventory;
  std::vector<InstanceRef> found;
  if (migration.instances) {
    for (std::size_t i = 0; i < migration.instances->size(); ++i) {
      const std::string& id = (*migration.instances)[i];
      const std::string place = "instances[" + std::to_string(i) + "]";
      const InstanceRef ref = inventory.find(id);
      if (!ref.valid()) return unknown("there is no instance '" + id + "'", place);
      const std::string& type = sections_.catalog.version(ref.version).definition.name;
      if (type != migration.type) return conflict("'" + id + "' is of type '" + type + "'", place);
      if (ref.version != to.id) found.push_back(ref);
    }
  } else {
    for (const TypeVersion* version : sections_.catalog.versions_of(migration.type)) {
      const InstanceTable* table = version->id == to.id ? nullptr : inventory.table(version->id);
      for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
        if (table->exists(row)) found.push_back({version->id, row});
      }
    }
  }
  const auto ordinal = [&](InstanceRef ref) { return inventory.table(ref.version)->ordinal[ref.row]; };
  std::ranges::sort(found, {}, ordinal);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

// An instance's own policy must make sense for the new version too.
Status Pool::check_moved_policy(InstanceRef instance, VersionId to) {
  const Symbol own = sections_.inventory.table(instance.version)->policy[instance.row];
  if (own == 0) return {};
  const auto policy = expressions_.policy(sections_.catalog, to, sections_.symbols.text(own));
  if (!policy.has_error()) return {};
  const Error& error = policy.error();
  return Error{error.code,
               "'" + std::string(sections_.inventory.id_of(instance)) +
                   "' has a policy of its own that the new version "
                   "cannot use: " +
                   error.message,
               error.place};
}

Result<Migrated> Pool::migrate(const Migration& migration) {
  const std::lock_guard lock(mutex_);
  const Result<const TypeVersion*> to = version_of(sections_.catalog, migration);
  if (!to) return to.error();
  if ((*to)->definition.outcome)
    return invalid("version " + std::to_string((*to)->number) + " of '" + (*to)->definition.name +
                       "' is an outcome, which has no instances",
                   "version");
  APPORTION_TRY(check(migration.values, (*to)->definition));
  APPORTION_TRY(expire(clock()));
  const Result<std::vector<InstanceRef>> instances = instances_to_move(migration, **to);
  if (!instances) return instances.error();
  Migrated moved{(*to)->number, instances->size(), 0, {}};
  if (instances->empty()) return moved;
  for (const InstanceRef instance : *instances) {
    APPORTION_TRY(check_moved_policy(instance, (*to)->id));
    moved.claims += sections_.inventory.table(instance.version)->claims[instance.row];
  }
  Update update(*this);
  const Result<std::string> payload =
      sections_.ledger.migration_payload(*instances, (*to)->id, migration.values, update.interner(), moved.dropped);
  if (!payload) return payload.error();
  if (payload->size() > kMaxPayload)
    return invalid("this is too much for one change: move fewer instances at a time", "instances");
  APPORTION_TRY(update.write(Ledger::kMigrate, *payload));
  if (!migration.dry_run) update.commit();
  return moved;
}

}  // namespace apportion
