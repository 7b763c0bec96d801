// Whether a slot that is short now is worth waiting for.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "apportion/allocator/selector.hpp"

namespace apportion {

/// The decision about one slot with its numbers; quantities in units as exact text.
struct Deferral {
  bool deferred = false;
  std::string type;
  std::string dimension;     ///< that is waited for longest
  std::string requested;     ///< by all slots of the need together
  std::string largest_free;  ///< on one instance that could serve the slot if it were empty
  std::string used;          ///< on all of them
  std::string queued;        ///< by those who wait already
  std::uint64_t ended = 0;   ///< claims of the type that ended since it is deferrable
  Time held = 0;             ///< how long one is thought to last, in ns
  Time expected = 0;         ///< the wait in ns; kForever: nobody holds what is short
  Time patience = 0;
  std::string message;

  friend bool operator==(const Deferral&, const Deferral&) = default;
};

/// Which slots are short.
struct Lacking {
  std::uint32_t instances = 1;   ///< so many different ones are needed, those included that are there
  std::uint32_t count = 1;       ///< of these so many are short, all alike
  std::span<const Steps> ahead;  ///< steps of the plan's newest version that slots of the same request wait for
  std::optional<Time> patience;  ///< none: that of the type
};

/// Decides about slots of the plan. None where waiting is no answer: the type is not deferrable,
/// the request is for a mark or names no type, or other things than what is claimed now stand in the way.
///
/// Claims last `held` on the mean, so that `used / held` becomes free per second. What has to become free is what is
/// waited for already and what is asked for, less what is free in one place:
///
///     expected = max(0, queued + requested - largest_free) / used x held
///
/// in the dimension where that is longest; `held` itself where no single dimension is short. `held` is the mean over
/// claims that ended, in which the type's `held_s` counts like one of them. A function of the state: see Turnover.
///
/// The slots are deferred when `expected` is at most the patience.
[[nodiscard]] std::optional<Deferral> expected_wait(const Sections& sections, const Selector& selector,
                                                    const Plan& plan, const Lacking& lacking);

/// "0.8 s"
[[nodiscard]] std::string seconds_text(Time time);
[[nodiscard]] Node to_node(const Deferral& deferral);

}  // namespace apportion
