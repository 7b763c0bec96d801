// The search for repairs of one denial. Private to the area.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apportion/allocator/constraints.hpp"
#include "pool_update.hpp"

namespace apportion {

/// Guesses repairs and keeps those that cure. A guess is made from what each candidate lacks of the request; of a tree,
/// of the slot at which the search came farthest, with the slots before it filled as they were then. Whether it cures
/// is found out by doing it and asking again. REQUIRES: the pool's mutex is held for its whole life.
class Pool::Repairing {
 public:
  Repairing(Pool& pool, const Request& request, Time now)
      : pool_(pool),
        sections_(pool.sections_),
        origin_(pool.state_->revision().origin),
        request_(request),
        now_(std::max(now, pool.state_->time())) {}
  Repairing(const Repairing&) = delete;
  Repairing& operator=(const Repairing&) = delete;

  Result<std::vector<Repair>> find();

 private:
  /// A candidate that lacks nothing but room.
  struct Near {
    const Candidate* candidate = nullptr;
    std::vector<Steps> deficit;  ///< by dimension of its version
    std::uint32_t crowd = 0;     ///< so many consumers too many
    std::vector<ClaimId> claims;
  };

  // repairs.cpp
  [[nodiscard]] Result<bool> aim();
  [[nodiscard]] std::optional<double> distance(const Candidate& candidate) const;
  void find_near();
  [[nodiscard]] bool cures(const Repair& repair);
  bool offer(Repair repair);

  // repair_claims.cpp
  void release();
  void move();
  void wait();
  [[nodiscard]] double price(const Ledger::ClaimRow& claim) const;
  [[nodiscard]] bool frees(const Near& near, const std::vector<ClaimId>& ended) const;
  [[nodiscard]] double gain(const Near& near, const std::vector<Steps>& left, ClaimId claim) const;
  [[nodiscard]] std::vector<ClaimId> crowding(const Near& near) const;
  [[nodiscard]] std::optional<ClaimId> one_to_end(const Near& near) const;
  [[nodiscard]] std::vector<ClaimId> least_to_end(const Near& near) const;
  [[nodiscard]] std::vector<ClaimId> whole_trees(const std::vector<ClaimId>& claims) const;
  [[nodiscard]] std::vector<RepairedClaim> moved_from(const Near& near, int& tries);
  [[nodiscard]] std::optional<InstanceRef> destination(Update& trial, ClaimId id);
  [[nodiscard]] RepairedClaim described(ClaimId id) const;

  // repair_requests.cpp
  void smaller();
  void smaller_in(std::size_t dimension);
  void smaller_everywhere();
  void smaller_tree();
  void fewer();
  void relax();
  void relax_need();
  void alternative();
  [[nodiscard]] Decimal asked_of(std::string_view dimension) const;
  [[nodiscard]] Repair smaller_by(const NamedDecimals& amounts) const;
  bool drop(std::uint64_t where, std::uint64_t policy);

  // repair_instances.cpp
  void online();
  void add();
  [[nodiscard]] InstanceSpec like(const Candidate* model) const;

  Pool& pool_;
  Sections sections_;
  std::uint32_t origin_;
  const Request& request_;
  Time now_;
  bool tree_ = false;
  Request aimed_;  // what fails: the request, or that of a slot
  std::optional<SlotContext> context_;
  std::vector<FilledSlot> before_;
  std::optional<Plan> plan_;  // of `aimed_`
  std::optional<Constraints> constraints_;
  std::uint32_t lacking_ = 1;  // so many instances
  std::vector<Near> near_;
  std::vector<Repair> found_;
};

}  // namespace apportion
