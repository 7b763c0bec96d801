// What the affinities in force ask of one slot of a request.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apportion/inventory/neighbours.hpp"
#include "apportion/inventory/row_source.hpp"
#include "apportion/ledger/ledger.hpp"

namespace apportion {

/// What another slot of the same request takes.
struct Taken {
  InstanceRef instance;
  Amounts amounts;  ///< steps of the instance's version
};

/// A claim that makes place for another with the same labels.
struct Leaving {
  InstanceRef instance;
  std::uint32_t consumer = Consumers::kNone;  ///< slot
};

/// One affinity towards the claims that are there and the slots of the same request that are filled. What it finds in
/// a domain is looked up when a candidate is asked for. Valid until anything is written; the ledger must outlive it.
class AffinityTest {
 public:
  /// Who asks: the request's labels, its consumer's slot, and what is filled already.
  struct Asker {
    const NamedText& labels;
    std::uint32_t consumer = Consumers::kNone;
    std::span<const Taken> beside;
    std::optional<Leaving> leaving = std::nullopt;
    View view = View::kPresent;  ///< kEmpty: of all that is there it sees the slots beside it and nothing else
  };

  AffinityTest(const Ledger& ledger, std::size_t affinity, const Asker& asker, Likeness like, Neighbours& neighbours,
               std::span<const VersionId> versions);

  [[nodiscard]] const AffinityDefinition& definition() const { return *definition_; }
  /// So many claims too many, or too few, there would be in a domain of the candidate; 0: the affinity holds. With
  /// kEmpty nothing is there but the slots of the same request, and what others would have to bring is no matter.
  [[nodiscard]] std::uint32_t excess(const Neighbours& neighbours, InstanceRef candidate, View view) const;
  /// What it adds to the candidate's score.
  [[nodiscard]] double penalty(const Neighbours& neighbours, InstanceRef candidate, View view = View::kPresent) const {
    return weight_ * static_cast<double>(excess(neighbours, candidate, view));
  }
  /// The domains of a candidate that rule out every instance of its type in them.
  [[nodiscard]] std::vector<double> full_domains(const Neighbours& neighbours, InstanceRef candidate) const;
  /// What it asks for: "at most 1 per rack".
  [[nodiscard]] std::string text() const;
  /// What there is in the candidate's domain: "1 in 'r1'".
  [[nodiscard]] std::string found_text(const Neighbours& neighbours, InstanceRef candidate) const;
  /// True when instances of this version serve in `domains()` alone: of at_least, where it binds them.
  [[nodiscard]] bool names_domains(VersionId version) const {
    return definition_->rule == AffinityDefinition::Rule::kAtLeast && selects(Side::kBound, version);
  }
  /// The domains that have enough; few, as a rule.
  [[nodiscard]] const std::vector<double>& domains() const { return domains_; }

 private:
  using Side = AffinityCounts::Side;
  using Own = std::vector<std::pair<double, std::int64_t>>;  // domains and numbers

  [[nodiscard]] std::uint32_t count(Side side, double domain, View view) const;
  [[nodiscard]] std::uint32_t excess_in(double domain, bool binds, bool counts, View view) const;
  [[nodiscard]] std::uint32_t wanted(bool counts, View view) const;
  [[nodiscard]] bool selects(Side side, VersionId version) const;
  void find_extremes(Neighbours& neighbours, std::span<const VersionId> versions);

  const Ledger& ledger_;
  std::size_t affinity_;
  const AffinityDefinition* definition_;
  double weight_ = 0;
  Likeness like_;
  View view_;
  std::vector<std::uint8_t> sides_;  // by version: 1: counts it, 2: binds it
  Own counted_;                      // by the slots of the same request; less than 0: by what leaves
  Own bound_;
  // skew: the least number of any domain; at_least: the largest. By view.
  std::uint32_t extreme_[2] = {0, 0};
  std::vector<double> domains_;
};

/// Those that look at instances of these versions for this asker. REQUIRES: the ledger's counts hold, and the
/// neighbours have caught up.
[[nodiscard]] std::vector<std::shared_ptr<const AffinityTest>> affinities_of(const Ledger& ledger,
                                                                             const AffinityTest::Asker& asker,
                                                                             Neighbours& neighbours,
                                                                             std::span<const VersionId> versions);

}  // namespace apportion
