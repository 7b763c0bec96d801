#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "answers.hpp"
#include "apportion/allocator/pool.hpp"
#include "convert.hpp"
#include "errors.hpp"
#include "requests.hpp"

namespace apportion {
namespace {

using ClaimKey = std::pair<std::uint32_t, std::uint32_t>;

void fail_on(const std::vector<Problem>& problems) {
  if (!problems.empty()) throw ErrorException(invalid(problems.front().message, problems.front().place));
}

py::object denial_or_none(const std::optional<Denial>& denial) { return denial ? denial_object(*denial) : py::none(); }

ClaimId claim_of(ClaimKey key) { return {key.first, key.second}; }

Request timed_request(const py::object& type, const py::dict& arguments, const py::dict& amounts,
                      std::optional<Time> starts, std::optional<Time> ends, bool mark, std::optional<Time> expires,
                      std::optional<Time> patience) {
  Request request = request_from(type, arguments);
  std::ranges::move(decimals_from(amounts, "amounts"), std::back_inserter(request.amounts));
  request.starts = starts;
  request.ends = ends.value_or(kForever);
  request.mark = mark;
  request.expires = expires.value_or(kForever);
  request.patience = patience;
  return request;
}

py::object decide(Pool& pool, const Request& request, const py::object& owner) {
  return outcome_object(without_gil([&] { return unwrap(pool.allocate(request)); }), request, owner, pool);
}

/// A repair and the origin of its pool, which the ids of its claims name.
struct HeldRepair {
  Repair value;
  std::uint32_t origin;
};

// The revision they were tried at, and the repairs.
py::tuple repairs_of(Pool& pool, const Request& request) {
  Repairs found = without_gil([&] { return unwrap(pool.repairs(request)); });
  py::list list;
  for (Repair& repair : found.list) list.append(HeldRepair{std::move(repair), found.revision.origin});
  return py::make_tuple(found.revision.text(), list);
}

py::object repair(Pool& pool, const Request& request, const HeldRepair& held, const py::object& owner) {
  const Repair& value = held.value;
  return outcome_object(without_gil([&] { return unwrap(pool.repair(request, value)); }), repaired(request, value),
                        owner, pool);
}

// The usual request, from the arguments of the surface to its answer in one call.
py::object allocate(Pool& pool, const py::object& owner, const py::object& type, const py::dict& arguments) {
  return decide(pool, request_from(type, arguments), owner);
}

py::object allocate_all(Pool& pool, const std::vector<Request>& requests, const py::object& owner) {
  auto outcome = without_gil([&] { return unwrap(pool.allocate_all(requests)); });
  if (const Denial* denial = std::get_if<Denial>(&outcome)) return denial_object(*denial);
  py::list grants;
  for (Grant& grant : std::get<std::vector<Grant>>(outcome)) grants.append(grant_object(std::move(grant), owner, pool));
  return grants;
}

py::object replace(Pool& pool, const py::object& held, const std::vector<Request>& requests, const py::object& owner) {
  const std::vector<ClaimId> claims = claims_from(held, pool);
  auto outcome = without_gil([&] { return unwrap(pool.replace(claims, requests)); });
  if (const Denial* denial = std::get_if<Denial>(&outcome)) return denial_object(*denial);
  py::list grants;
  for (Grant& grant : std::get<std::vector<Grant>>(outcome)) grants.append(grant_object(std::move(grant), owner, pool));
  return grants;
}

std::shared_ptr<const Table> shared(Table table) { return std::make_shared<const Table>(std::move(table)); }

std::shared_ptr<const Table> allocate_many(Pool& pool, const py::dict& columns, std::size_t rows,
                                           const py::object& type, const py::object& policy, const py::object& where,
                                           std::int64_t threads) {
  HeldColumns held(columns, rows);
  held.share(threads);
  held.say(&RequestColumns::type, type, "type");
  held.say(&RequestColumns::policy, policy, "policy");
  held.say(&RequestColumns::where, where, "where");
  return without_gil([&] { return shared(unwrap(pool.allocate_many(held.get()))); });
}

template <class Number>
using ListOf = py::array_t<Number, py::array::c_style>;

// Copied: what is checked first must not be changed by another thread since.
std::vector<std::int64_t> numbers_of(const ListOf<std::int64_t>& array, const char* name) {
  if (array.ndim() != 1) throw ErrorException(invalid("expected a list with a number per event", name));
  return {array.data(), array.data() + array.size()};
}

std::shared_ptr<const Table> run(Pool& pool, const py::dict& columns, std::size_t rows,
                                 const ListOf<std::int64_t>& order, const ListOf<std::int64_t>& times,
                                 const py::object& type, const py::object& policy, const py::object& where,
                                 std::int64_t threads) {
  HeldColumns held(columns, rows);
  held.share(threads);
  held.say(&RequestColumns::type, type, "type");
  held.say(&RequestColumns::policy, policy, "policy");
  held.say(&RequestColumns::where, where, "where");
  const std::vector<std::int64_t> rows_in_order = numbers_of(order, "order");
  const std::vector<Time> moments = numbers_of(times, "times");
  return without_gil([&] { return shared(unwrap(pool.run(held.get(), {rows_in_order, moments}))); });
}

void commit_claims(Pool& pool, const py::object& held) {
  const std::vector<ClaimId> claims = claims_from(held, pool);
  without_gil([&] { unwrap(pool.commit(claims)); });
}

void release_claims(Pool& pool, const py::object& held) {
  const std::vector<ClaimId> claims = claims_from(held, pool);
  without_gil([&] { unwrap(pool.release(claims)); });
}

using KeyArray = ListOf<std::uint32_t>;

void release_grants(Pool& pool, const KeyArray& slots, const KeyArray& generations) {
  if (slots.ndim() != 1 || generations.ndim() != 1 || slots.size() != generations.size()) {
    throw ErrorException(invalid("slots and generations are two arrays of one length"));
  }
  std::vector<ClaimId> claims(static_cast<std::size_t>(slots.size()));
  for (std::size_t i = 0; i < claims.size(); ++i) claims[i] = {slots.data()[i], generations.data()[i]};
  without_gil([&] { unwrap(pool.release_grants(claims)); });
}

InstanceSpec spec_from(const py::handle& value, const std::string& place) {
  std::vector<Problem> problems;
  InstanceSpec spec = read_instance(node_from(value), place, problems);
  fail_on(problems);
  return spec;
}

std::vector<InstanceSpec> specs_from(const py::list& values) {
  std::vector<InstanceSpec> specs;
  for (std::size_t i = 0; i < values.size(); ++i) {
    specs.push_back(spec_from(values[i], values.size() == 1 ? "" : "instances[" + std::to_string(i) + "]"));
  }
  return specs;
}

void add_instances(Pool& pool, const py::list& values) {
  const std::vector<InstanceSpec> specs = specs_from(values);
  without_gil([&] { unwrap(specs.size() == 1 ? pool.add(specs.front()) : pool.add_many(specs)); });
}

void change_instances(Pool& pool, const py::list& values) {
  const std::vector<InstanceSpec> specs = specs_from(values);
  without_gil([&] { unwrap(pool.change(specs)); });
}

void remove_instances(Pool& pool, const py::list& values) {
  std::vector<std::string> ids;
  for (const py::handle value : values) ids.push_back(text_from(value, "id"));
  without_gil([&] { unwrap(pool.remove(ids)); });
}

using ReadingTuple = std::tuple<std::string, std::string, bool, double>;

void update_usage(Pool& pool, const std::vector<ReadingTuple>& values) {
  std::vector<UsageReading> readings;
  for (const auto& [instance, dimension, predicted, value] : values) {
    readings.push_back({instance, dimension, predicted, value});
  }
  without_gil([&] { unwrap(pool.update_usage(readings)); });
}

void add_consumer(Pool& pool, const py::handle& value) {
  std::vector<Problem> problems;
  const ConsumerSpec spec = read_consumer(node_from(value), "", problems);
  fail_on(problems);
  without_gil([&] { unwrap(pool.add_consumer(spec)); });
}

py::list apply_document(Pool& pool, const py::handle& tree) {
  const Node node = node_from(tree);
  std::vector<Problem> problems;
  without_gil([&] {
    const Status status = pool.apply(node, problems);
    if (status.has_error() && problems.empty()) problems.push_back({status.error().place, status.error().message});
  });
  py::list list;
  for (const Problem& problem : problems) list.append(py::make_tuple(problem.place, problem.message));
  return list;
}

template <class... Arguments>
std::shared_ptr<const Table> table_of(const Pool& pool, Table (Pool::*method)(Arguments...) const) {
  return without_gil([&] { return shared((pool.*method)()); });
}

PoolOptions options_from(std::uint32_t origin, std::size_t journal_bytes, std::optional<Time> clock,
                         std::size_t index_bytes) {
  PoolOptions options;
  options.origin = origin;
  options.journal_bytes = journal_bytes;
  options.clock = clock;
  options.index_bytes = index_bytes;
  return options;
}

void bind_request(py::module_& m) {
  py::classh<Request>(m, "Request", "A request, read once and decided any number of times.")
      .def(py::init(&timed_request), py::arg("type"), py::arg("arguments"), py::arg("amounts") = py::dict(),
           py::arg("starts") = py::none(), py::arg("ends") = py::none(), py::arg("mark") = false,
           py::arg("expires") = py::none(), py::arg("patience") = py::none());
}

void bind_repairs(py::module_& m, py::classh<Pool>& pool) {
  py::classh<HeldRepair>(m, "Repair", "What a repair does; apportion.Repair is its surface.", py::is_final())
      .def("data", [](const HeldRepair& self) { return object_from(to_node(self.value, self.origin)); });
  pool.def("repairs", &repairs_of, py::arg("request"))
      .def("repair", &repair, py::arg("request"), py::arg("repair"), py::arg("owner"))
      .def(
          "move",
          [](Pool& self, const HeldClaim& claim, const py::object& instance) {
            const ClaimId id = claim_from(claim, self);
            const std::string to = text_from(instance, "instance");
            return denial_or_none(without_gil([&] { return unwrap(self.move(id, to)); }));
          },
          py::arg("claim"), py::arg("instance"))
      .def(
          "why",
          [](const Pool& self, const py::object& claim, std::size_t limit) {
            const ClaimId id = py::isinstance<HeldClaim>(claim) ? claim_from(py::cast<const HeldClaim&>(claim), self)
                                                                : claim_of(py::cast<ClaimKey>(claim));
            return object_from(without_gil([&] { return unwrap(self.why(id, limit)); }));
          },
          py::arg("claim"), py::arg("limit"))
      .def("denials", [](const Pool& self) { return table_of(self, &Pool::denials); });
}

void bind_queries(py::classh<Pool>& pool) {
  pool.def("revision", [](const Pool& self) { return without_gil([&] { return self.revision().text(); }); })
      .def("number", [](const Pool& self) { return without_gil([&] { return self.revision().number; }); })
      .def("hash", [](const Pool& self) { return without_gil([&] { return self.hash().text(); }); })
      .def("now", &Pool::now, py::call_guard<py::gil_scoped_release>())
      .def(
          "instance",
          [](const Pool& self, const py::object& id) {
            const std::string text = text_from(id, "id");
            return object_from(without_gil([&] { return unwrap(self.instance(text)); }));
          },
          py::arg("id"))
      .def(
          "grant",
          [](const Pool& self, ClaimKey key, const py::object& owner) {
            return grant_object(without_gil([&] { return unwrap(self.find_grant(claim_of(key))); }), owner, self);
          },
          py::arg("claim"), py::arg("owner"))
      .def("instances", [](const Pool& self) { return table_of(self, &Pool::instances); })
      .def("claims", [](const Pool& self) { return table_of(self, &Pool::claims); })
      .def("consumers", [](const Pool& self) { return table_of(self, &Pool::consumers); })
      .def("types", [](const Pool& self) { return table_of(self, &Pool::types); })
      .def("maintenance", [](const Pool& self) { return table_of(self, &Pool::maintenance); })
      .def(
          "set_maintenance",
          [](Pool& self, const std::string& name,
             const std::vector<std::tuple<std::string, bool, Time, Time>>& windows) {
            MaintenanceSpec spec{name, {}};
            for (const auto& [target, group, from, until] : windows)
              spec.windows.push_back({target, group, from, until});
            without_gil([&] { unwrap(self.set_maintenance(spec)); });
          },
          py::arg("name"), py::arg("windows"))
      .def("metadata", [](const Pool& self) { return object_from(without_gil([&] { return self.metadata(); })); })
      .def("index_stats", [](const Pool& self) { return object_from(without_gil([&] { return self.index_stats(); })); })
      .def("memory", [](const Pool& self) { return object_from(without_gil([&] { return self.memory(); })); })
      .def("journal_range", &Pool::journal_range, py::call_guard<py::gil_scoped_release>())
      .def(
          "journal_entry",
          [](const Pool& self, std::uint64_t number) {
            return object_from(without_gil([&] { return unwrap(self.journal_entry(number)); }));
          },
          py::arg("number"))
      .def("number_at", &Pool::number_at, py::arg("time"), py::call_guard<py::gil_scoped_release>())
      .def("fork", &Pool::fork, py::call_guard<py::gil_scoped_release>())
      .def(
          "at", [](const Pool& self, std::uint64_t number) { return unwrap(self.at(number)); }, py::arg("number"),
          py::call_guard<py::gil_scoped_release>())
      .def("snapshot", [](const Pool& self) { return py::bytes(without_gil([&] { return self.snapshot(); })); });
}

}  // namespace

void bind_allocator(py::module_& m) {
  bind_answers(m);
  bind_request(m);
  py::classh<Pool> pool(m, "Pool", "The running state of one journal; apportion.Pool is its surface.");
  constexpr std::size_t kJournal = std::size_t{64} << 20;
  constexpr std::size_t kIndex = std::size_t{256} << 20;
  pool.def(py::init(
               [](std::uint32_t origin, std::size_t journal_bytes, std::optional<Time> clock, std::size_t index_bytes) {
                 return std::make_shared<Pool>(options_from(origin, journal_bytes, clock, index_bytes));
               }),
           py::arg("origin") = 0, py::arg("journal_bytes") = kJournal, py::arg("clock") = py::none(),
           py::arg("index_bytes") = kIndex)
      .def_static(
          "restore",
          [](const py::bytes& snapshot, std::size_t journal_bytes, std::optional<Time> clock, std::size_t index_bytes) {
            const std::string_view bytes = snapshot;
            const py::gil_scoped_release release;  // `snapshot` is held by the caller meanwhile
            return unwrap(Pool::restore(bytes, options_from(0, journal_bytes, clock, index_bytes)));
          },
          py::arg("snapshot"), py::arg("journal_bytes") = kJournal, py::arg("clock") = py::none(),
          py::arg("index_bytes") = kIndex)
      .def("apply", &apply_document, py::arg("tree"))
      .def("add", &add_instances, py::arg("specs"))
      .def("change", &change_instances, py::arg("specs"))
      .def("update_usage", &update_usage, py::arg("readings"))
      .def("remove", &remove_instances, py::arg("ids"))
      .def("add_consumer", &add_consumer, py::arg("spec"))
      .def(
          "remove_consumer",
          [](Pool& self, const py::object& id) {
            const std::string text = text_from(id, "id");
            without_gil([&] { unwrap(self.remove_consumer(text)); });
          },
          py::arg("id"))
      .def("allocate", &allocate, py::arg("owner"), py::arg("type"), py::arg("arguments"))
      .def("decide", &decide, py::arg("request"), py::arg("owner"))
      .def("allocate_all", &allocate_all, py::arg("requests"), py::arg("owner"))
      .def("allocate_many", &allocate_many, py::arg("columns"), py::arg("rows"), py::arg("type"), py::arg("policy"),
           py::arg("where"), py::arg("threads"))
      .def("run", &run, py::arg("columns"), py::arg("rows"), py::arg("order"), py::arg("times"), py::arg("type"),
           py::arg("policy"), py::arg("where"), py::arg("threads"))
      .def(
          "explain",
          [](Pool& self, const Request& request, std::size_t limit) {
            return object_from(without_gil([&] { return unwrap(self.explain(request, limit)); }));
          },
          py::arg("request"), py::arg("limit"))
      .def("replace", &replace, py::arg("held"), py::arg("requests"), py::arg("owner"))
      .def(
          "candidates",
          [](Pool& self, const Request& request, std::size_t limit) {
            return object_from(without_gil([&] { return unwrap(self.candidates(request, limit)); }));
          },
          py::arg("request"), py::arg("limit"))
      .def("commit", &commit_claims, py::arg("held"))
      .def("release", &release_claims, py::arg("held"))
      .def("release_grants", &release_grants, py::arg("slots"), py::arg("generations"))
      .def(
          "resize",
          [](Pool& self, const HeldClaim& claim, const py::dict& amounts) {
            const ClaimId id = claim_from(claim, self);
            const NamedDecimals wanted = decimals_from(amounts, "amounts");
            return denial_or_none(without_gil([&] { return unwrap(self.resize(id, wanted)); }));
          },
          py::arg("claim"), py::arg("amounts"))
      .def(
          "transfer",
          [](Pool& self, const HeldClaim& claim, const py::object& consumer) {
            const ClaimId id = claim_from(claim, self);
            const std::string to = text_from(consumer, "consumer");
            return denial_or_none(without_gil([&] { return unwrap(self.transfer(id, to)); }));
          },
          py::arg("claim"), py::arg("consumer"))
      .def(
          "tick", [](Pool& self, std::optional<Time> now) { return unwrap(self.tick(now)); },
          py::arg("now") = py::none(), py::call_guard<py::gil_scoped_release>());
  bind_queries(pool);
  bind_repairs(m, pool);
}

}  // namespace apportion
