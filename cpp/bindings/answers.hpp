// Grants and claims as Python holds them. Every function needs the GIL.
#pragma once

#include <variant>
#include <vector>

#include "apportion/allocator/pool.hpp"
#include "python.hpp"

namespace apportion {

/// apportion.Grant: the value, and the apportion.Pool that gave it. What people look at is made when they look.
struct HeldGrant {
  Grant value;
  py::object pool;
  py::object claims = {};  ///< the tuple of apportion.Claim, once it was asked for
};

/// apportion.Claim.
struct HeldClaim {
  GrantedClaim value;
  std::uint32_t origin = 0;
  py::object amounts = {};  ///< the mapping, once it was asked for
};

/// An apportion.Grant. `pool` is the apportion.Pool that granted it.
[[nodiscard]] py::object grant_object(Grant grant, const py::object& pool);
/// An apportion.Denial.
[[nodiscard]] py::object denial_object(const Denial& denial);
[[nodiscard]] py::object outcome_object(Outcome outcome, const py::object& pool);

/// The claims of a Grant, a Claim, or an iterable of them, however deep. Throws for anything else.
[[nodiscard]] std::vector<ClaimId> claims_from(py::handle held);

void bind_answers(py::module_& m);

}  // namespace apportion
