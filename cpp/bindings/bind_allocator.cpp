#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apportion/allocator/pool.hpp"
#include "convert.hpp"
#include "errors.hpp"

namespace apportion {
namespace {

using PoolPtr = std::shared_ptr<Pool>;
using ClaimKey = std::pair<std::uint32_t, std::uint32_t>;

void fail_on(const std::vector<Problem>& problems) {
  if (!problems.empty()) throw ErrorException(invalid(problems.front().message, problems.front().place));
}

NamedDecimals decimals_from(const py::dict& values, std::string_view place) {
  NamedDecimals decimals;
  for (const auto& [key, value] : values) {
    const std::string name = text_from(key, place);
    decimals.emplace_back(name, decimal_from(value, std::string(place) + "." + name));
  }
  return decimals;
}

std::vector<ClaimId> claims_from(const std::vector<ClaimKey>& keys) {
  std::vector<ClaimId> claims;
  for (const auto& [slot, generation] : keys) claims.push_back({slot, generation});
  return claims;
}

Request make_request(const py::object& type, const py::dict& amounts, const py::object& consumer,
                     const py::object& count, const py::object& policy, const py::object& where, const py::object& key,
                     const py::object& actor, std::optional<Time> starts, std::optional<Time> ends, bool mark,
                     std::optional<Time> expires) {
  Request request;
  request.type = text_from(type, "type");
  request.amounts = decimals_from(amounts, "amounts");
  request.consumer = text_from(consumer, "consumer");
  request.count = count_from(count, "count");
  if (py::isinstance<py::dict>(policy)) {
    std::vector<Problem> problems;
    request.own_policy = read_policy("own", node_from(policy, "policy"), "policy", problems);
    fail_on(problems);
  } else if (!policy.is_none()) {
    request.policy = text_from(policy, "policy");
  }
  request.where = text_from(where, "where");
  request.key = text_from(key, "key");
  request.actor = text_from(actor, "actor");
  request.starts = starts;
  request.ends = ends.value_or(kForever);
  request.mark = mark;
  request.expires = expires.value_or(kForever);
  return request;
}

py::tuple claim_tuple(const GrantedClaim& claim) {
  py::dict amounts;
  for (const auto& [name, value] : claim.amounts) amounts[py::str(name)] = value;
  return py::make_tuple(claim.claim.slot, claim.claim.generation, claim.instance, claim.address, claim.location,
                        claim.type, claim.version, amounts);
}

// (revision, consumer, mark, claims): what apportion.Grant is made of.
py::tuple grant_tuple(const Grant& grant) {
  py::tuple claims(grant.claims.size());
  for (std::size_t i = 0; i < grant.claims.size(); ++i) claims[i] = claim_tuple(grant.claims[i]);
  return py::make_tuple(grant.revision.text(), grant.consumer, grant.mark, claims);
}

// A tuple for a grant, a dict for a denial.
py::object answer(const Outcome& outcome) {
  if (const Grant* grant = std::get_if<Grant>(&outcome)) return grant_tuple(*grant);
  return object_from(to_node(std::get<Denial>(outcome)));
}

py::object denial_or_none(const std::optional<Denial>& denial) {
  return denial ? object_from(to_node(*denial)) : py::none();
}

// Runs what takes the pool's mutex without the GIL: holding it would make every other thread wait for both.
template <class Work>
auto without_gil(const Work& work) {
  const py::gil_scoped_release release;
  return work();
}

py::object allocate(Pool& pool, const Request& request) {
  return answer(without_gil([&] { return unwrap(pool.allocate(request)); }));
}

py::object allocate_all(Pool& pool, const std::vector<Request>& requests) {
  const auto outcome = without_gil([&] { return unwrap(pool.allocate_all(requests)); });
  if (const Denial* denial = std::get_if<Denial>(&outcome)) return object_from(to_node(*denial));
  py::list grants;
  for (const Grant& grant : std::get<std::vector<Grant>>(outcome)) grants.append(grant_tuple(grant));
  return grants;
}

using TextMember = std::string Request::*;

constexpr std::pair<std::string_view, TextMember> kTextColumns[] = {{"consumer", &Request::consumer},
                                                                    {"policy", &Request::policy},
                                                                    {"where", &Request::where},
                                                                    {"key", &Request::key},
                                                                    {"type", &Request::type}};

// One cell of a column; a cell without value leaves what the argument's default is.
void set_member(Request& request, const std::string& name, const py::object& value, const std::string& place) {
  const auto text = std::ranges::find(kTextColumns, name, &std::pair<std::string_view, TextMember>::first);
  if (text != std::end(kTextColumns)) {
    if (!value.is_none()) request.*text->second = text_from(value, place + name);
  } else if (name == "count") {
    request.count = count_from(value, place + name);
  } else {
    request.amounts.emplace_back(name, decimal_from(value, place + name));
  }
}

// Columns of equal length.
std::vector<Request> requests_from(const py::dict& columns, const std::string& type, std::size_t rows) {
  std::vector<Request> requests(rows);
  for (const auto& [key, values] : columns) {
    const std::string name = text_from(key, "columns");
    const py::sequence sequence = py::reinterpret_borrow<py::sequence>(values);
    for (std::size_t i = 0; i < rows; ++i) {
      set_member(requests[i], name, sequence[i], "requests[" + std::to_string(i) + "].");
    }
  }
  for (Request& request : requests) {
    if (!type.empty()) request.type = type;
  }
  return requests;
}

Table brief_table(const std::vector<BriefOutcome>& outcomes) {
  TableColumn::Booleans granted;
  TableColumn::Texts instances;
  TableColumn::Integers slots;
  TableColumn::Integers generations;
  TableColumn::Texts classes;
  std::vector<std::uint8_t> valid;
  for (const BriefOutcome& outcome : outcomes) {
    const std::uint8_t flag = outcome.granted ? 1 : 0;
    granted.push_back(flag);
    valid.push_back(flag);
    instances.push_back(outcome.instance);
    slots.push_back(outcome.claim.slot);
    generations.push_back(outcome.claim.generation);
    classes.emplace_back(outcome.granted ? "" : class_name(outcome.denial_class));
  }
  return {{{"granted", std::move(granted), {}},
           {"instance", std::move(instances), valid},
           {"slot", std::move(slots), valid},
           {"generation", std::move(generations), valid},
           {"denial", std::move(classes), {}}},
          outcomes.size()};
}

std::shared_ptr<const Table> shared(Table table) { return std::make_shared<const Table>(std::move(table)); }

std::shared_ptr<const Table> allocate_many(Pool& pool, const py::dict& columns, const py::object& type,
                                           std::size_t rows) {
  const std::vector<Request> requests = requests_from(columns, text_from(type, "type"), rows);
  return without_gil([&] { return shared(brief_table(unwrap(pool.allocate_many(requests)))); });
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

PoolOptions options_from(std::uint32_t origin, std::size_t journal_bytes, std::optional<Time> clock) {
  return {origin, journal_bytes, clock};
}

void bind_request(py::module_& m) {
  py::classh<Request>(m, "Request", "A request, read once and decided any number of times.")
      .def(py::init(&make_request), py::arg("type"), py::arg("amounts"), py::arg("consumer"), py::arg("count") = 1,
           py::arg("policy") = py::none(), py::arg("where") = "", py::arg("key") = "", py::arg("actor") = "",
           py::arg("starts") = py::none(), py::arg("ends") = py::none(), py::arg("mark") = false,
           py::arg("expires") = py::none());
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
          [](const Pool& self, ClaimKey key) {
            return grant_tuple(without_gil([&] { return unwrap(self.find_grant({key.first, key.second})); }));
          },
          py::arg("claim"))
      .def("instances", [](const Pool& self) { return table_of(self, &Pool::instances); })
      .def("claims", [](const Pool& self) { return table_of(self, &Pool::claims); })
      .def("consumers", [](const Pool& self) { return table_of(self, &Pool::consumers); })
      .def("types", [](const Pool& self) { return table_of(self, &Pool::types); })
      .def("metadata", [](const Pool& self) { return object_from(without_gil([&] { return self.metadata(); })); })
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
  bind_request(m);
  py::classh<Pool> pool(m, "Pool", "The running state of one journal; apportion.Pool is its surface.");
  pool.def(py::init([](std::uint32_t origin, std::size_t journal_bytes, std::optional<Time> clock) {
             return std::make_shared<Pool>(options_from(origin, journal_bytes, clock));
           }),
           py::arg("origin") = 0, py::arg("journal_bytes") = std::size_t{64} << 20, py::arg("clock") = py::none())
      .def_static(
          "restore",
          [](const py::bytes& snapshot, std::size_t journal_bytes, std::optional<Time> clock) {
            const std::string_view bytes = snapshot;
            const py::gil_scoped_release release;  // `snapshot` is held by the caller meanwhile
            return unwrap(Pool::restore(bytes, options_from(0, journal_bytes, clock)));
          },
          py::arg("snapshot"), py::arg("journal_bytes") = std::size_t{64} << 20, py::arg("clock") = py::none())
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
      .def("allocate", &allocate, py::arg("request"))
      .def("allocate_all", &allocate_all, py::arg("requests"))
      .def("allocate_many", &allocate_many, py::arg("columns"), py::arg("type"), py::arg("rows"))
      .def(
          "explain",
          [](Pool& self, const Request& request, std::size_t limit) {
            return object_from(without_gil([&] { return unwrap(self.explain(request, limit)); }));
          },
          py::arg("request"), py::arg("limit"))
      .def(
          "commit", [](Pool& self, const std::vector<ClaimKey>& claims) { unwrap(self.commit(claims_from(claims))); },
          py::arg("claims"), py::call_guard<py::gil_scoped_release>())
      .def(
          "release", [](Pool& self, const std::vector<ClaimKey>& claims) { unwrap(self.release(claims_from(claims))); },
          py::arg("claims"), py::call_guard<py::gil_scoped_release>())
      .def(
          "resize",
          [](Pool& self, ClaimKey claim, const py::dict& amounts) {
            const NamedDecimals wanted = decimals_from(amounts, "amounts");
            return denial_or_none(
                without_gil([&] { return unwrap(self.resize({claim.first, claim.second}, wanted)); }));
          },
          py::arg("claim"), py::arg("amounts"))
      .def(
          "transfer",
          [](Pool& self, ClaimKey claim, const py::object& consumer) {
            const std::string to = text_from(consumer, "consumer");
            return denial_or_none(without_gil([&] { return unwrap(self.transfer({claim.first, claim.second}, to)); }));
          },
          py::arg("claim"), py::arg("consumer"))
      .def(
          "tick", [](Pool& self, std::optional<Time> now) { return unwrap(self.tick(now)); },
          py::arg("now") = py::none(), py::call_guard<py::gil_scoped_release>());
  bind_queries(pool);
}

}  // namespace apportion
