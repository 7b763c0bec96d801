// A request resolved: names, steps, compiled expressions.
#pragma once

#include <cstdint>
#include <vector>

#include "apportion/allocator/scorer.hpp"

namespace apportion {

/// Valid until the catalogue changes; what belongs to one call is set by `Planner::address`.
struct Plan {
  std::vector<VersionPlan> versions;
  VersionId asked = 0;           ///< the version in whose steps the request is recorded
  std::uint64_t cursor_key = 0;  ///< not 0: the ties rotate
  bool needs = false;            ///< the type has needs
  // of the call
  bool tree = false;  ///< the type has needs, or some of its instances have
  const Request* request = nullptr;
  std::uint32_t consumer = Consumers::kNone;  ///< slot; kNone too where it makes no difference
  std::uint64_t number = 0;                   ///< of the change that will record the answer
  std::vector<SlotBound> bounds;              ///< on the instances: of the slot, of affinities, of quotas
  std::vector<std::shared_ptr<const AffinityTest>> preferences;  ///< affinities with a weight

  [[nodiscard]] const VersionPlan& version_of(InstanceRef instance) const;
};

/// Thread-compatible; guarded by the pool's mutex.
class Planner {
 public:
  /// With `view` kEmpty, affinities and quotas look at what the request itself takes, and nothing else.
  Planner(Sections sections, Expressions& expressions, Neighbours& neighbours, View view = View::kPresent)
      : sections_(sections), expressions_(expressions), neighbours_(neighbours), view_(view) {}

  /// Fails, naming the place, on unknown names, bad amounts and expressions that do not compile. `now` in ns.
  [[nodiscard]] Result<Plan> plan(const Request& request, Time now) const;
  /// Makes a plan that was made for the same type, amounts, policy, filter and count that of `request`, whose consumer
  /// is checked. The caller sets `number`.
  [[nodiscard]] Status address(Plan& plan, const Request& request, Time now) const;

 private:
  void add_rules(Plan& plan, const Request& request) const;
  void add_quota(Plan& plan, const Request& request, std::uint32_t consumer) const;
  [[nodiscard]] Result<VersionPlan> plan_version(const Request& request, const TypeVersion& version) const;
  [[nodiscard]] Result<std::vector<const TypeVersion*>> versions_for(const Request& request) const;

  Sections sections_;
  Expressions& expressions_;
  Neighbours& neighbours_;
  View view_;
};

/// What the preferences add to the key of a candidate that this policy scored.
double penalty_of(const Plan& plan, const Neighbours& neighbours, InstanceRef candidate, const PolicyDefinition& policy,
                  View view = View::kPresent);

/// What the stage "maintenance" asks for, of a claim that ends then.
[[nodiscard]] std::string service_text(Time ends);

/// True when the consumer may be one more, or is one already.
bool shares(const VersionPlan& version, std::uint32_t row, const Ledger& ledger, std::uint32_t consumer);

}  // namespace apportion
