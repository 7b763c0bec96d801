// How much of what is free in a candidate is of no use to what is asked for typically.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "apportion/allocator/compiled_filter.hpp"
#include "apportion/catalog/catalog.hpp"

namespace apportion {

/// A FragmentationDefinition compiled for one version of the candidates' type. A typical request counts by its weight:
/// where it asks for no parts, may not have the candidate, or does not fit, everything that is free in the parts is of
/// no use to it; else what is free in those parts that are too small for it. Immutable; thread-compatible.
class Fragmentation {
 public:
  /// Fails, naming the place within the definition, on names that the types have not and filters that do not compile.
  static Result<std::shared_ptr<const Fragmentation>> compile(const Catalog& catalog, VersionId version,
                                                              const FragmentationDefinition& definition);

  /// Indexes of the candidate's dimensions that typical requests ask for.
  [[nodiscard]] std::span<const std::uint32_t> dimensions() const { return dimensions_; }
  /// What typical requests want of candidates, at most 64.
  [[nodiscard]] std::span<const CompiledFilter> filters() const { return filters_; }
  [[nodiscard]] const std::string& parts() const { return parts_; }
  [[nodiscard]] const std::string& dimension() const { return dimension_; }
  /// Free steps of a part in those of the newest version of its type.
  [[nodiscard]] Steps counted(Steps steps, Step step) const;

  /// Of some parts, for each sort of what is asked of parts: how many are large enough, and what is free in the others.
  struct Counts {
    std::vector<std::uint32_t> large;
    std::vector<Steps> small;
    Steps all = 0;
  };
  /// `parts`: free steps of each.
  void count(std::span<const Steps> parts, Counts& counts) const;
  /// One part has less free than before.
  void change(Steps before, Steps after, Counts& counts) const;
  /// For each sort the weight of those who fit. `free`: of the candidate, by `dimensions()`; `admitted`: bit i is set
  /// where filter i holds.
  void fit(std::span<const Steps> free, std::uint64_t admitted, std::vector<std::int64_t>& fitting) const;
  /// Steps of no use, times weights.
  [[nodiscard]] Int128 sum(const Counts& counts, std::span<const std::int64_t> fitting) const;
  /// The same in units of the parts' dimension, of the mean typical request.
  [[nodiscard]] double units(Int128 weighted) const;

 private:
  // Typical requests for the same parts.
  struct Group {
    Steps part = 0;
    std::uint32_t count = 0;
    std::uint32_t first = 0;  // of weights_, masks_, and amounts_ in rows
    std::uint32_t end = 0;
    std::int64_t weight = 0;
    bool sorted = false;  // by the one amount that they ask of the candidate, and by nothing else
  };

  std::string parts_;
  std::string dimension_;
  Step step_;
  std::vector<std::uint32_t> dimensions_;
  std::vector<CompiledFilter> filters_;
  std::vector<Group> groups_;
  std::vector<std::int64_t> weights_;
  std::vector<std::int64_t> sums_;    // of weights_, within a group up to each
  std::vector<std::uint64_t> masks_;  // filters that have to hold
  std::vector<Steps> amounts_;
  std::int64_t without_parts_ = 0;  // weight of those that ask for none
  std::int64_t weight_ = 0;         // of all
};

}  // namespace apportion
