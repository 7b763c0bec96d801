#include <optional>
#include <string>
#include <vector>

#include "apportion/allocator/pool.hpp"
#include "convert.hpp"
#include "errors.hpp"

namespace apportion {
namespace {

NamedNodes values_from(const py::dict& values, std::string_view place) { return *node_from(values, place).map(); }

NamedDecimals amounts_from(const py::dict& values, const std::string& place) {
  NamedDecimals amounts;
  for (const auto& [key, value] : values) {
    const std::string name = text_from(key, place);
    amounts.emplace_back(name, decimal_from(value, place + "." + name));
  }
  return amounts;
}

std::vector<std::string> ids_from(const py::list& ids) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < ids.size(); ++i)
    texts.push_back(text_from(ids[i], "instances[" + std::to_string(i) + "]"));
  return texts;
}

// (version, instances, claims, dropped)
py::tuple migrate(Pool& pool, const py::object& type, const py::object& to, const std::optional<py::list>& instances,
                  const py::dict& state, const py::dict& fields, const py::dict& capacity, bool dry_run) {
  Migration migration;
  migration.type = text_from(type, "type");
  if (!to.is_none()) migration.to = count_from(to, "to");
  if (instances) migration.instances = ids_from(*instances);
  migration.values = {values_from(state, "state"), values_from(fields, "fields"), amounts_from(capacity, "capacity")};
  migration.dry_run = dry_run;
  const Migrated moved = [&] {
    // It loops over instances and claims, and the arguments are C++ by now.
    const py::gil_scoped_release release;
    return unwrap(pool.migrate(migration));
  }();
  return py::make_tuple(moved.version, moved.instances, moved.claims, moved.dropped);
}

}  // namespace

void bind_migration(py::module_& m) {
  const py::object pool = m.attr("Pool");
  pool.attr("migrate") = py::cpp_function(&migrate, py::name("migrate"), py::is_method(pool), py::arg("type"),
                                          py::arg("to"), py::arg("instances"), py::arg("state"), py::arg("fields"),
                                          py::arg("capacity"), py::arg("dry_run"));
}

}  // namespace apportion
