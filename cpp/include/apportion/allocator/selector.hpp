// Which instance: filter, score, order, ties, by a scan over every candidate. This is the reference that the index has
// to equal (law L2), and what says why a request is refused.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "apportion/allocator/denial.hpp"
#include "apportion/allocator/plan.hpp"

namespace apportion {

/// One version's rows; private to the area.
struct SumPart;

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

/// Thread-compatible: one selection at a time per state.
class Selector {
 public:
  /// `neighbours`: who has caught up, or nullptr.
  Selector(Sections sections, Expressions& expressions, Neighbours* neighbours = nullptr)
      : sections_(sections),
        expressions_(expressions),
        own_(sections.inventory, sections.symbols, sections.catalog),
        neighbours_(neighbours == nullptr ? own_ : *neighbours) {
    neighbours_.catch_up();
  }

  /// The best `plan.request->count` candidates in order of choice; fewer when there are not so many. Choices after the
  /// first see the earlier ones as claimed. None of `excluded` is one. Leaves the state as it was.
  [[nodiscard]] std::vector<InstanceRef> choose(const Plan& plan, Transaction& log,
                                                std::span<const InstanceRef> excluded = {}) const;
  /// Every candidate that passes, best first.
  [[nodiscard]] std::vector<Scored> ranking(const Plan& plan, std::span<const InstanceRef> excluded = {}) const;

  /// Why fewer than `count` were found.
  [[nodiscard]] Denial diagnose(const Plan& plan) const;
  /// Class, stage and dimension alone: those of `diagnose`, for a fraction of its work.
  [[nodiscard]] Denial brief(const Plan& plan) const;
  /// What one instance of the versions asked lacks; empty when it serves.
  [[nodiscard]] std::vector<Lack> lacks(const Plan& plan, InstanceRef instance) const;
  /// The stages with their counts, for a request that may well be granted.
  [[nodiscard]] std::vector<Stage> stages(const Plan& plan) const;
  /// What every stage before capacity leaves.
  [[nodiscard]] std::vector<SumPart> before_capacity(const Plan& plan) const;

 private:
  using Visit = std::function<void(const Scored&)>;

  void visit(const Plan& plan, std::span<const InstanceRef> excluded, const Visit& on_candidate) const;
  void visit_version(const Plan& plan, const VersionPlan& version, std::span<const InstanceRef> excluded,
                     const Visit& on_candidate) const;

  Sections sections_;
  Expressions& expressions_;
  Neighbours own_;
  Neighbours& neighbours_;
};

/// True when no bound of the plan leaves the instance out.
[[nodiscard]] bool within_bounds(const Plan& plan, const Neighbours& neighbours, InstanceRef instance);
/// False when it is known that with this instance later slots stay empty.
[[nodiscard]] bool is_promising(const Request& request, InstanceRef instance);

/// What a choice takes, before the next one is made; the caller rolls it back.
void claim_provisionally(InstanceTable& table, std::uint32_t row, std::span<const Steps> amounts, Transaction& log);

}  // namespace apportion
