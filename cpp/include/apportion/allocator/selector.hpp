// Which instance: filter, score, order, ties, by a scan over every candidate. This is the reference that a faster
// selection has to equal (law L2).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apportion/allocator/denial.hpp"
#include "apportion/allocator/expressions.hpp"
#include "apportion/allocator/request.hpp"
#include "apportion/inventory/row_source.hpp"
#include "apportion/ledger/ledger.hpp"

namespace apportion {

/// The sections a selection reads.
struct Sections {
  Symbols& symbols;
  Catalog& catalog;
  Inventory& inventory;
  Ledger& ledger;

  /// REQUIRES: `state` has all four.
  static Sections of(const State& state);
};

/// A candidate that passed every stage.
struct Scored {
  InstanceRef instance;
  std::uint64_t ordinal = 0;
  double score = 0;
  double key = 0;          ///< what is compared: the score, counted in quanta, negative for order "max"
  std::uint64_t rank = 0;  ///< by the tie rule
  Symbol policy = 0;       ///< of the instance itself; 0: of the type or request

  friend bool operator<(const Scored& a, const Scored& b) { return a.key != b.key ? a.key < b.key : a.rank < b.rank; }
};

/// A request resolved against one version of its type.
struct VersionPlan {
  const TypeVersion* version = nullptr;
  InstanceTable* table = nullptr;
  RequestValues values;
  StateRules rules;
  std::shared_ptr<const CompiledFilter> where;   ///< of the request
  std::shared_ptr<const CompiledPolicy> policy;  ///< of the request, or of the type
  bool instances_choose = false;                 ///< instances may have policies of their own
};

/// A request resolved: names, steps, compiled expressions. Valid until the state changes.
struct Plan {
  const Request* request = nullptr;
  std::vector<VersionPlan> versions;
  std::uint32_t consumer = Consumers::kNone;  ///< slot
  std::uint64_t cursor_key = 0;               ///< not 0: the ties rotate
  std::uint64_t number = 0;                   ///< of the change that will record the answer
  VersionId asked = 0;                        ///< the version in whose steps the request is recorded
};

/// Thread-compatible: one selection at a time per state.
class Selector {
 public:
  Selector(Sections sections, Expressions& expressions) : sections_(sections), expressions_(expressions) {}

  /// Fails, naming the place, on unknown names, bad amounts and expressions that do not compile. `now` in ns.
  [[nodiscard]] Result<Plan> plan(const Request& request, Time now) const;

  /// The best `plan.request->count` candidates in order of choice; fewer when there are not so many. Choices after the
  /// first see the earlier ones as claimed. Leaves the state as it was.
  [[nodiscard]] std::vector<Scored> choose(const Plan& plan, Transaction& log) const;
  /// Every candidate that passes, best first.
  [[nodiscard]] std::vector<Scored> ranking(const Plan& plan) const;

  /// Why fewer than `count` were found.
  [[nodiscard]] Denial diagnose(const Plan& plan) const;
  /// The stages with their counts, for a request that may well be granted.
  [[nodiscard]] std::vector<Stage> stages(const Plan& plan) const;
  /// The policy that scores an instance with this own policy (0: none). Valid until the catalogue changes.
  [[nodiscard]] const CompiledPolicy& policy_of(const VersionPlan& version, Symbol own) const;

 private:
  using Visit = std::function<void(const Scored&)>;

  Result<VersionPlan> plan_version(const Request& request, const TypeVersion& version, Time now) const;
  Result<std::vector<const TypeVersion*>> versions_for(const Request& request) const;
  void visit(const Plan& plan, std::span<const InstanceRef> excluded, const Visit& on_candidate) const;
  void visit_version(const Plan& plan, const VersionPlan& version, std::span<const InstanceRef> excluded,
                     const Visit& on_candidate) const;

  Sections sections_;
  Expressions& expressions_;
};

/// The rows for which a filter holds, in order.
std::vector<std::uint32_t> filter_rows(std::span<const std::uint32_t> rows, const CompiledFilter& filter,
                                       RowSource& source, Scratch& scratch);
/// The scores of rows, NaN without value.
std::vector<double> score_rows(std::span<const std::uint32_t> rows, const CompiledFilter& score, RowSource& source,
                               Scratch& scratch);
/// True when the consumer may be one more, or is one already.
bool shares(const VersionPlan& version, std::uint32_t row, const Ledger& ledger, std::uint32_t consumer);

}  // namespace apportion
