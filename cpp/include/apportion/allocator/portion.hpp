// What a claim takes of an instance: what is asked for, as the rules of its type and its own have it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apportion/allocator/denial.hpp"
#include "apportion/inventory/instance_table.hpp"

namespace apportion {

/// The amounts of one request for one version of a type. A value; thread-compatible. `symbols` outlives it.
class Portion {
 public:
  Portion() = default;
  /// `asked`: in steps. `named`: bit d is set where the request names dimension d; elsewhere it gets what is usual.
  /// `whole`: it takes all that an instance has.
  Portion(const TypeDefinition& type, std::vector<Steps> asked, std::uint32_t named, bool whole,
          const Symbols& symbols);
  /// As it is held elsewhere: no rule may change it.
  void keep(std::span<const Steps> held);

  /// What an instance without a rule of its own gives at least; what is asked for where its type does not let it.
  [[nodiscard]] const std::vector<Steps>& usual() const { return usual_; }
  /// What is asked for; nothing of a dimension that is not named.
  [[nodiscard]] std::span<const Steps> named() const { return least_; }
  /// No instance gives less.
  [[nodiscard]] const std::vector<Steps>& least(const InstanceTable& table) const {
    return varies(table) ? least_ : usual_;
  }
  /// True when instances of the table may differ in what is taken of them.
  [[nodiscard]] bool varies(const InstanceTable& table) const { return whole_ || table.ruled.get() > 0; }
  /// True when some instance may refuse, or give more than `least`.
  [[nodiscard]] bool picks(const InstanceTable& table) const { return varies(table) || refused_; }
  /// True when a rule takes part.
  [[nodiscard]] bool ruled(const InstanceTable& table) const { return varies(table) || !rules_.empty(); }

  /// None where a rule does not let it.
  [[nodiscard]] std::optional<Amounts> of(const InstanceTable& table, std::uint32_t row) const;
  /// The same, or what is asked for.
  [[nodiscard]] Amounts wanted(const InstanceTable& table, std::uint32_t row) const;
  /// True when the rules let it and it is free.
  [[nodiscard]] bool fits(const InstanceTable& table, std::uint32_t row) const {
    if (!picks(table)) return table.fits(row, usual_);
    const std::optional<Amounts> amounts = of(table, row);
    return amounts && table.fits(row, *amounts);
  }

  /// The rules that do not let it, one by one.
  [[nodiscard]] std::vector<Lack> refusals(const InstanceTable& table, std::uint32_t row,
                                           const TypeDefinition& type) const;
  /// "gb: at least 10; whole instances": the rules of the type, in words.
  [[nodiscard]] std::string text(const TypeDefinition& type) const;

 private:
  [[nodiscard]] ClaimSteps rule(const InstanceTable& table, std::uint32_t row, std::size_t d) const;
  [[nodiscard]] std::optional<Steps> taken(const ClaimSteps& rule, std::size_t d) const;

  const Symbols* symbols_ = nullptr;
  std::vector<ClaimSteps> rules_;  // of the type, by dimension; empty: none
  std::vector<Steps> asked_;
  std::vector<Steps> usual_;
  std::vector<Steps> least_;  // what is named
  std::uint32_t named_ = 0;
  bool whole_ = false;
  bool kept_ = false;
  bool refused_ = false;  // by the rules of the type
};

}  // namespace apportion
