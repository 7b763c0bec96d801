#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "apportion/bench/allocator_bench.hpp"
#include "apportion/bench/fleet.hpp"
#include "errors.hpp"
#include "python.hpp"

namespace apportion {
namespace {

py::dict row_dict(const BenchRow& row) {
  using namespace py::literals;
  return py::dict("name"_a = row.name, "value"_a = row.value, "unit"_a = row.unit, "yardstick"_a = row.yardstick,
                  "ratio"_a = row.ratio, "against"_a = row.against, "note"_a = row.note);
}

py::list bench_allocator(const std::string& rows, double seconds, std::size_t instances,
                         const std::optional<py::function>& on_row) {
  BenchOptions options;
  options.rows = rows;
  options.seconds_each = seconds;
  options.instances = instances;
  if (on_row) {
    options.on_row = [&](const BenchRow& row) {
      const py::gil_scoped_acquire hold;
      (*on_row)(row_dict(row));
    };
  }
  const std::vector<BenchRow> measured = [&] {
    const py::gil_scoped_release release;  // minutes
    return run_allocator_bench(options);
  }();
  py::list list;
  for (const BenchRow& row : measured) list.append(row_dict(row));
  return list;
}

// A filled pool for what Python measures: the pool, its shapes as amounts by dimension, its live claims.
py::tuple bench_fleet(std::size_t instances, std::size_t shapes, std::uint64_t seed) {
  FleetOptions options;
  options.instances = instances;
  options.shapes = shapes;
  options.seed = seed;
  Fleet fleet = [&] {
    const py::gil_scoped_release release;  // seconds
    return Fleet::make(options);
  }();
  py::list amounts;
  for (const FleetAmounts& shape : fleet.shapes) {
    py::dict named;
    for (std::size_t d = 0; d < kFleetDimensions; ++d) named[py::str(kFleetNames[d])] = shape[d];
    amounts.append(named);
  }
  py::list live;
  for (const ClaimId claim : fleet.live) live.append(py::make_tuple(claim.slot, claim.generation));
  return py::make_tuple(fleet.pool, amounts, live);
}

}  // namespace

void bind_bench(py::module_& m) {
  m.def("bench_allocator", &bench_allocator, py::arg("rows") = "", py::arg("seconds") = 1.0,
        py::arg("instances") = std::size_t{100'000}, py::arg("on_row") = py::none())
      .def("bench_allocator_rows", &allocator_bench_rows, py::arg("instances") = std::size_t{100'000})
      .def("bench_fleet", &bench_fleet, py::arg("instances"), py::arg("shapes") = std::size_t{16},
           py::arg("seed") = std::uint64_t{1})
      .def("bench_nothing", [](const py::args&, const py::kwargs&) {});
}

}  // namespace apportion
