// The conditions of a request one by one, and which of them each candidate fails.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/allocator/denial.hpp"
#include "apportion/allocator/plan.hpp"
#include "apportion/inventory/neighbours.hpp"

namespace apportion {

/// One instance of the versions that are asked. Bit k of `failed` is set when it fails condition k; with none set it
/// serves.
struct Candidate {
  InstanceRef instance;
  const VersionPlan* version = nullptr;
  std::uint64_t failed = 0;
};

/// Conditions beyond those that have a bit of their own share the last one of their kind, so that there are never more
/// than 64. A value; reads the state when it is made, and never again.
class Constraints {
 public:
  enum class Kind : std::uint8_t { kState, kService, kBound, kWhere, kPolicy, kConsumers, kClaim, kCapacity, kScore };

  /// `plan` must outlive it; `neighbours` has caught up.
  Constraints(const Sections& sections, Expressions& expressions, const Plan& plan, Neighbours& neighbours,
              View view = View::kPresent);

  /// Every instance, in order of version and row.
  [[nodiscard]] const std::vector<Candidate>& candidates() const { return candidates_; }
  /// How many of them serve.
  [[nodiscard]] std::uint64_t passing() const;
  /// The bits of some kinds.
  [[nodiscard]] std::uint64_t mask(std::initializer_list<Kind> kinds) const;
  /// The bit of a dimension; 0: it is not asked for.
  [[nodiscard]] std::uint64_t dimension(std::string_view name) const;
  /// Where the bits of `where()` and `policy()` begin.
  [[nodiscard]] std::size_t first_where() const { return first_where_; }
  [[nodiscard]] std::size_t first_policy() const { return first_policy_; }
  /// Condition k, counted.
  [[nodiscard]] const Constraint& operator[](std::size_t k) const { return all_[k].constraint; }
  /// The conjuncts of the request's filter, or of the policy's, which have the bits of their kind in this order.
  [[nodiscard]] const std::vector<std::string>& where() const { return where_; }
  [[nodiscard]] const std::vector<std::string>& policy() const { return policy_; }

  /// A smallest set of conditions such that fewer than `count` candidates pass all of them; empty where there are fewer
  /// candidates than that. Exact while up to 16 conditions fail somewhere; beyond that it may be larger by some, but no
  /// member can be left out. REQUIRES: fewer than `count` pass.
  [[nodiscard]] std::vector<Constraint> core(std::uint64_t count) const;

 private:
  struct Entry {
    Kind kind;
    Constraint constraint;
  };

  std::size_t add(Kind kind, std::string name, std::string detail);
  void set_bounds(const Sections& sections, const Plan& plan);
  void set_filters(const Plan& plan);
  void look_at_expressions(const Sections& sections, Expressions& expressions, const Plan& plan,
                           const VersionPlan& version, Neighbours& neighbours, View view,
                           std::span<const std::uint32_t> rows);
  void look(const Sections& sections, Expressions& expressions, const Plan& plan, const VersionPlan& version,
            Neighbours& neighbours, View view);

  std::vector<Entry> all_;
  std::vector<std::string> where_;
  std::vector<std::string> policy_;
  std::vector<std::string> states_;      // names, in the order of their bits
  std::vector<std::string> dimensions_;  // that are asked for
  std::size_t first_bound_ = 0, first_where_ = 0, first_policy_ = 0, own_policy_ = 0, consumers_ = 0,
              first_dimension_ = 0, over_ = 0, service_ = 0, parts_ = 0, claim_ = 0;
  std::size_t score_ = 0;
  std::vector<Candidate> candidates_;
};

/// The core of a request that fewer than `count` candidates pass; none where it is the choices that exclude each other.
[[nodiscard]] std::vector<Constraint> core_of(const Sections& sections, Expressions& expressions, const Plan& plan,
                                              Neighbours& neighbours, View view);

/// Those of conjuncts that are not in `dropped`, bit by bit, as one filter; "" when none is left.
[[nodiscard]] std::string without(const std::vector<std::string>& conjuncts, std::uint64_t dropped);

}  // namespace apportion
