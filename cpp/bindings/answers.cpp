#include "answers.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "convert.hpp"

namespace apportion {
namespace {

constexpr const char* kClaimDoc = R"(A held portion of one instance, as it was granted. Frozen.

Attributes
----------
id : str
    ``c<origin>.<slot>.<generation>``, for example ``c0.12.3``: the same in every reader of the journal.
instance, address, location : str
    Identity and location of what was given. Empty while it is pending.
role : str
    What it was given as: the path of its slot in the tree of the request, ``mailbox@1/primary``; else empty.
type : str
    The instance's type.
version : int
    The version of the type that the claim is pinned to.
amounts : Mapping of str to float
    What is held, in units, by dimension.
is_pending : bool
    True when it was granted just in time and has no instance yet; `Grant.refresh` looks again.
deadline : datetime or None
    Until when a pending claim waits.
expected_wait_s : float or None
    How long it was expected to wait when it was granted, in seconds.

Examples
--------
>>> import apportion as ap
>>> pool = ap.Pool()
>>> pool.apply({"types": {"disk": {"dimensions": {"gb": {}}}}})
>>> pool.add("d1", type="disk", capacity={"gb": 10}, location="zone-a")
>>> pool.allocate("disk", gb=4, consumer="ada").claims[0]
Claim(c0.0.0: d1 in zone-a gb=4)
)";

constexpr const char* kGrantDoc = R"(What was given: one claim per instance. Always true. Frozen.

Two are equal if the same pool gave both and they name the same claims.

Attributes
----------
claims : tuple of Claim
    In the order of choice.
pending : tuple of Claim
    Those that have no instance yet.
consumer : str
    Who received it.
revision : str
    ``origin.incarnation.number`` of the change that recorded it.
is_mark : bool
    True for a reservation that expires unless `Pool.commit` makes it a claim.
pool : Pool
    The pool that granted it.

Examples
--------
>>> import apportion as ap
>>> pool = ap.Pool()
>>> pool.apply({"types": {"disk": {"dimensions": {"gb": {}}}}})
>>> pool.add("d1", type="disk", capacity={"gb": 10})
>>> grant = pool.allocate("disk", gb=4, consumer="ada")
>>> grant.instance, bool(grant)
('d1', True)
>>> pool.release(grant)
>>> grant.refresh()
Traceback (most recent call last):
apportion.StaleHandle: claim 0.0 is gone: it was released or it expired
)";

constexpr const char* kRefreshDoc = R"(Read the grant again, as it is now.

Raises
------
StaleHandle
    When its first claim was released or has expired.
)";

constexpr std::size_t kShownClaims = 3;
constexpr std::size_t kShownRows = 10;

std::string id_text(std::uint32_t origin, ClaimId claim) {
  return "c" + std::to_string(origin) + "." + std::to_string(claim.slot) + "." + std::to_string(claim.generation);
}
std::string id_text(const HeldClaim& claim) { return id_text(claim.revision.origin, claim.value.claim); }

// As Python writes "{value:g}".
std::string short_number(double value) {
  std::array<char, 32> buffer;
  const int written = std::snprintf(buffer.data(), buffer.size(), "%g", value);
  return {buffer.data(), static_cast<std::size_t>(written)};
}

// "gb=4, iops=100", without what is zero.
std::string units_text(const GrantedClaim& claim) {
  std::string text;
  for (const auto& [name, value] : claim.amounts()) {
    if (value != 0) text += (text.empty() ? "" : ", ") + name + "=" + short_number(value);
  }
  return text;
}

std::string claim_text(const GrantedClaim& claim, const Place& place) {
  const std::string units = units_text(claim);
  return (claim.pending ? claim.type() + " pending" : place.instance) +
         (place.location.empty() ? "" : " in " + place.location) + (units.empty() ? "" : " " + units);
}

const std::vector<Place>& places_of(HeldGrant& grant) {
  const std::shared_ptr<const Pool> pool = grant.places.empty() ? grant.giver.lock() : nullptr;
  if (pool) grant.places = without_gil([&] { return pool->places_of(grant.value); });
  grant.places.resize(grant.value.claims.size());  // the collector took the pool first
  return grant.places;
}

std::string grant_text(HeldGrant& held) {
  const Grant& grant = held.value;
  const std::vector<Place>& places = places_of(held);
  std::string text = (grant.mark ? "Grant(mark)(" : "Grant(") + grant.consumer + ": ";
  for (std::size_t i = 0; i < std::min(kShownClaims, grant.claims.size()); ++i) {
    text += (i == 0 ? "" : "; ") + claim_text(grant.claims[i], places[i]);
  }
  const std::size_t shown = std::min(kShownClaims, grant.claims.size());
  if (grant.claims.size() > shown) text += "; and " + std::to_string(grant.claims.size() - shown) + " more";
  return text + ")";
}

const py::object& amounts_of(HeldClaim& claim) {
  if (!claim.amounts) {
    py::dict amounts;
    for (const auto& [name, value] : claim.value.amounts()) amounts[py::str(name)] = value;
    claim.amounts = py::reinterpret_steal<py::object>(PyDictProxy_New(amounts.ptr()));
  }
  return claim.amounts;
}

const py::object& claims_of(HeldGrant& grant) {
  if (!grant.claims) {
    const std::vector<Place>& places = places_of(grant);
    py::tuple claims(grant.value.claims.size());
    for (std::size_t i = 0; i < claims.size(); ++i) {
      claims[i] = py::cast(
          HeldClaim{grant.value.claims[i], places[i], grant.value.revision, grant.value.consumer, grant.giver});
    }
    grant.claims = std::move(claims);
  }
  return grant.claims;
}

py::tuple pending_of(HeldGrant& grant) {
  py::list pending;
  const py::object& claims = claims_of(grant);
  for (std::size_t i = 0; i < grant.value.claims.size(); ++i) {
    if (grant.value.claims[i].pending) pending.append(claims[py::int_(i)]);
  }
  return py::tuple(pending);
}

py::object deadline_of(const HeldClaim& claim) {
  if (!claim.value.pending) return py::none();
  return py::module_::import("apportion._requests").attr("datetime_of")(claim.value.pending->deadline);
}

py::object expected_of(const HeldClaim& claim) {
  if (!claim.value.pending) return py::none();
  return py::float_(static_cast<double>(claim.value.pending->expected) / 1e9);
}

py::tuple instances_of(HeldGrant& grant) {
  py::tuple ids(grant.value.claims.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = places_of(grant)[i].instance;
  return ids;
}

py::object grant_html(HeldGrant& grant) {
  py::list rows;
  for (std::size_t i = 0; i < std::min(kShownRows, grant.value.claims.size()); ++i) {
    const GrantedClaim& claim = grant.value.claims[i];
    const Place& place = places_of(grant)[i];
    rows.append(py::make_tuple(id_text(grant.value.revision.origin, claim.claim), place.instance, place.location,
                               place.address, units_text(claim)));
  }
  return py::module_::import("apportion._answers")
      .attr("html_table")(py::make_tuple("claim", "instance", "location", "address", "amounts"), rows,
                          grant_text(grant));
}

py::tuple key_of(ClaimId claim) { return py::make_tuple(claim.slot, claim.generation); }

py::object refreshed(const HeldGrant& grant) {
  return grant.pool.attr("_grant")(key_of(grant.value.claims.front().claim));
}

bool same(const Giver& giver, const Giver& other) { return !giver.owner_before(other) && !other.owner_before(giver); }

// Claims of different pools are different, however alike: what is done to one leaves the other as it is.
bool equal(const HeldClaim& claim, const HeldClaim& other) {
  return same(claim.giver, other.giver) && claim.value.claim == other.value.claim;
}

bool equal(const HeldGrant& grant, const HeldGrant& other) {
  return same(grant.giver, other.giver) &&
         std::ranges::equal(grant.value.claims, other.value.claims, {}, &GrantedClaim::claim, &GrantedClaim::claim);
}

std::uint64_t hash_of(std::uint32_t origin, ClaimId claim) {
  return mix64(origin, std::uint64_t{claim.slot} << 32 | claim.generation);
}

std::uint64_t hash_of(const HeldClaim& claim) { return hash_of(claim.revision.origin, claim.value.claim); }

std::uint64_t hash_of(const HeldGrant& grant) {
  std::uint64_t hash = 0;
  for (const GrantedClaim& claim : grant.value.claims) {
    hash = mix64(hash, hash_of(grant.value.revision.origin, claim.claim));
  }
  return hash;
}

// What every answer has: it is frozen, and equal to its like.
template <class Answer>
void bind_value(py::classh<Answer>& type, const std::string& name) {
  type.attr("__module__") = "apportion";
  type.def(
          "__eq__",
          [](const Answer& self, const py::object& other) {
            return py::isinstance<Answer>(other) && equal(self, py::cast<const Answer&>(other));
          },
          py::arg("other"))
      .def("__hash__", [](const Answer& self) { return static_cast<py::ssize_t>(hash_of(self) >> 1); })
      .def(
          "__setattr__",
          [name](const py::object&, const std::string& attribute, const py::object&) {
            throw py::attribute_error(name + " is frozen: '" + attribute + "' cannot be set");
          },
          py::arg("name"), py::arg("value"))
      .def(
          "__delattr__",
          [name](const py::object&, const std::string& attribute) {
            throw py::attribute_error(name + " is frozen: '" + attribute + "' cannot be deleted");
          },
          py::arg("name"));
}

// A grant holds its pool, and a pool of a user's own class may hold its grants: the collector must see the way.
int traverse_grant(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (!py::detail::is_holder_constructed(self)) return 0;
  const HeldGrant& grant = py::cast<const HeldGrant&>(py::handle(self));
  Py_VISIT(grant.pool.ptr());
  Py_VISIT(grant.claims.ptr());
  return 0;
}

int clear_grant(PyObject* self) {
  if (!py::detail::is_holder_constructed(self)) return 0;
  py::cast<HeldGrant&>(py::handle(self)).pool = py::none();
  return 0;
}

void collect(PyHeapTypeObject* type) {
  type->ht_type.tp_flags |= Py_TPFLAGS_HAVE_GC;
  type->ht_type.tp_traverse = traverse_grant;
  type->ht_type.tp_clear = clear_grant;
}

void bind_claim(py::module_& m) {
  py::classh<HeldClaim> claim(m, "Claim", kClaimDoc, py::is_final());
  bind_value(claim, "Claim");
  claim
      .def_property_readonly(
          "id", [](const HeldClaim& self) { return id_text(self); }, "``c<origin>.<slot>.<generation>``.")
      .def_property_readonly(
          "instance", [](const HeldClaim& self) { return self.place.instance; }, "The id of the instance.")
      .def_property_readonly(
          "address", [](const HeldClaim& self) { return self.place.address; }, "The instance's address.")
      .def_property_readonly(
          "location", [](const HeldClaim& self) { return self.place.location; }, "The instance's location.")
      .def_property_readonly(
          "role", [](const HeldClaim& self) { return self.place.role; },
          "What it was given as: the path of its slot in the tree of the request, ``mailbox@1/primary``; else empty.")
      .def_property_readonly(
          "type", [](const HeldClaim& self) { return self.value.type(); }, "The instance's type.")
      .def_property_readonly(
          "version", [](const HeldClaim& self) { return self.value.version->number; }, "The version of the type.")
      .def_property_readonly("amounts", &amounts_of, "What is held, in units, by dimension.")
      .def_property_readonly(
          "is_pending", [](const HeldClaim& self) { return self.value.pending.has_value(); },
          "True when it was granted just in time and has no instance yet.")
      .def_property_readonly("deadline", &deadline_of, "Until when it waits, if it is pending; else None.")
      .def_property_readonly("expected_wait_s", &expected_of,
                             "How long it was expected to wait, in seconds, if it is pending; else None.")
      .def_property_readonly("_key", [](const HeldClaim& self) { return key_of(self.value.claim); })
      .def("__repr__", [](const HeldClaim& self) {
        return "Claim(" + id_text(self) + ": " + claim_text(self.value, self.place) + ")";
      });
}

void bind_grant(py::module_& m) {
  py::classh<HeldGrant> grant(m, "Grant", kGrantDoc, py::is_final(), py::custom_type_setup(collect));
  bind_value(grant, "Grant");
  grant.def_property_readonly("claims", &claims_of, "The claims, in the order of choice.")
      .def_property_readonly("pending", &pending_of, "The claims that have no instance yet.")
      .def_property_readonly(
          "consumer", [](const HeldGrant& self) { return self.value.consumer; }, "Who received it.")
      .def_property_readonly(
          "revision", [](const HeldGrant& self) { return self.value.revision.text(); },
          "``origin.incarnation.number`` of the change that recorded it.")
      .def_property_readonly(
          "is_mark", [](const HeldGrant& self) { return self.value.mark; }, "True for a reservation that expires.")
      .def_property_readonly(
          "pool", [](const HeldGrant& self) { return self.pool; }, "The pool that granted it.")
      .def_property_readonly(
          "instance", [](HeldGrant& self) { return places_of(self).front().instance; }, "The id of the first instance.")
      .def_property_readonly(
          "location", [](HeldGrant& self) { return places_of(self).front().location; },
          "The location of the first instance.")
      .def_property_readonly("instances", &instances_of, "The ids of all instances, in the order of choice.")
      .def("refresh", &refreshed, kRefreshDoc)
      .def("__bool__", [](const HeldGrant&) { return true; })
      .def("__iter__", [](HeldGrant& self) { return py::iter(claims_of(self)); })
      .def("__len__", [](const HeldGrant& self) { return self.value.claims.size(); })
      .def("__repr__", [](HeldGrant& self) { return grant_text(self); })
      .def("_repr_html_", &grant_html);
}

// A list of claims may hold lists, and itself: Python's own limit ends that.
class Deeper {
 public:
  Deeper() {
    if (Py_EnterRecursiveCall(" in a list of claims") != 0) throw py::error_already_set();
  }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  ~Deeper() { Py_LeaveRecursiveCall(); }
};

std::string holder_text(const Revision& revision, const std::string& consumer, const std::string& instance) {
  return "'" + consumer + "' on '" + instance + "' by change " + std::to_string(revision.number);
}

// What another pool gave, looked for in this one.
void check_foreign(const HeldClaim& held, const Pool& pool) {
  const ClaimId claim = held.value.claim;
  std::vector<Place> places;
  const Result<Grant> here = [&] {
    const py::gil_scoped_release release;  // it takes the pool's mutex
    Result<Grant> found = pool.find_grant(claim);
    if (found) places = pool.places_of(*found);
    return found;
  }();
  const std::string id = id_text(held);
  const std::string given =
      "another pool gave claim " + id + " to " + holder_text(held.revision, held.consumer, held.place.instance);
  if (!here) throw ErrorException({ErrorCode::kStale, given + "; this pool has no claim with this id", {}});
  const std::string& instance = places.front().instance;
  if (here->revision.origin == held.revision.origin && here->revision.number == held.revision.number &&
      here->consumer == held.consumer && instance == held.place.instance)
    return;
  throw ErrorException({ErrorCode::kStale,
                        given + "; here " + id_text(here->revision.origin, claim) + " is " +
                            holder_text(here->revision, here->consumer, instance) + ", which pool.grant(id) gives",
                        {}});
}

void append_claims(py::handle held, const Pool& pool, std::vector<ClaimId>& claims) {
  if (py::isinstance<HeldGrant>(held)) {
    HeldGrant& grant = py::cast<HeldGrant&>(held);
    if (!same(grant.giver, pool.weak_from_this())) {
      for (const py::handle claim : claims_of(grant)) check_foreign(py::cast<const HeldClaim&>(claim), pool);
    }
    for (const GrantedClaim& claim : grant.value.claims) claims.push_back(claim.claim);
  } else if (py::isinstance<HeldClaim>(held)) {
    claims.push_back(claim_from(py::cast<const HeldClaim&>(held), pool));
  } else if (PyUnicode_Check(held.ptr()) || PyBytes_Check(held.ptr()) || !py::isinstance<py::iterable>(held)) {
    throw ErrorException(
        invalid("expected a grant, a claim or several of them, found " + py::cast<std::string>(py::repr(held))));
  } else {
    const Deeper deeper;
    for (const py::handle each : held) append_claims(each, pool, claims);
  }
}

}  // namespace

py::object grant_object(Grant grant, const py::object& pool, const Pool& core) {
  return py::cast(HeldGrant{std::move(grant), pool, core.weak_from_this()});
}

py::object denial_object(const Denial& denial) {
  return py::module_::import("apportion._answers").attr("Denial")(object_from(to_node(denial)));
}

py::object denial_object(const Denial& denial, const Request& request, const py::object& pool) {
  return py::module_::import("apportion._answers")
      .attr("Denial")(object_from(to_node(denial)), pool, py::cast(Request(request)));
}

py::object outcome_object(Outcome outcome, const Request& request, const py::object& pool, const Pool& core) {
  if (Grant* grant = std::get_if<Grant>(&outcome)) return grant_object(std::move(*grant), pool, core);
  return denial_object(std::get<Denial>(outcome), request, pool);
}

ClaimId claim_from(const HeldClaim& held, const Pool& pool) {
  if (!same(held.giver, pool.weak_from_this())) check_foreign(held, pool);
  return held.value.claim;
}

std::vector<ClaimId> claims_from(py::handle held, const Pool& pool) {
  std::vector<ClaimId> claims;
  append_claims(held, pool, claims);
  return claims;
}

void bind_answers(py::module_& m) {
  py::options options;
  options.disable_function_signatures();
  bind_claim(m);
  bind_grant(m);
}

}  // namespace apportion
