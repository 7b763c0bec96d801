// Grants and claims as Python holds them. Every function needs the GIL.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "apportion/allocator/pool.hpp"
#include "python.hpp"

namespace apportion {

/// Which pool gave an answer. It is compared and never followed: the pool need not live any more.
using Giver = std::weak_ptr<const Pool>;

/// apportion.Grant: the value, and the apportion.Pool that gave it. What people look at is made when they look.
struct HeldGrant {
  Grant value;
  py::object pool;
  Giver giver;                     ///< the core of `pool`
  std::vector<Place> places = {};  ///< of its claims, once they were asked for
  py::object claims = {};          ///< the tuple of apportion.Claim, once it was asked for
};

/// apportion.Claim.
struct HeldClaim {
  GrantedClaim value;
  Place place;
  Revision revision;  ///< of its grant
  std::string consumer;
  Giver giver;
  py::object amounts = {};  ///< the mapping, once it was asked for
};

/// An apportion.Grant. `pool` is the apportion.Pool that granted it, `core` what it holds.
[[nodiscard]] py::object grant_object(Grant grant, const py::object& pool, const Pool& core);
/// An apportion.Denial; one of a single request knows it and the apportion.Pool that denied it, for its repairs.
[[nodiscard]] py::object denial_object(const Denial& denial);
[[nodiscard]] py::object denial_object(const Denial& denial, const Request& request, const py::object& pool);
/// `request` is what was decided.
[[nodiscard]] py::object outcome_object(Outcome outcome, const Request& request, const py::object& pool,
                                        const Pool& core);

/// The claims of a Grant, a Claim, or an iterable of them, however deep. Throws for anything else, and for a claim that
/// `pool` does not have: see claim_from.
[[nodiscard]] std::vector<ClaimId> claims_from(py::handle held, const Pool& pool);
/// What another pool gave is a claim of `pool` too if it has the same id, was made by the change of the same number,
/// and is on the same instance for the same consumer: before a fork, or in a state that was restored. Throws kStale
/// otherwise.
[[nodiscard]] ClaimId claim_from(const HeldClaim& held, const Pool& pool);

void bind_answers(py::module_& m);

}  // namespace apportion
