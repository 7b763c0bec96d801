// How many claims lie in each domain, as affinities count them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "apportion/inventory/neighbours.hpp"
#include "apportion/journal/chunk_map.hpp"

namespace apportion {

/// What affinities look at of a claim.
struct CountedClaim {
  InstanceRef instance;
  std::span<const Symbol> labels;  ///< keys and values in turn
  std::uint32_t consumer = 0;      ///< slot
};

/// By which claims are like each other: two values that an affinity's `alike` names, or fewer.
using Likeness = std::uint64_t;

/// The affinities in force, and the numbers of claims that they bind and count by domain. Most pools have none: then
/// nothing is kept. Made from all claims when they are first wanted, and anew when something else is counted: another
/// type, another affinity, or an instance with claims that moved to another domain. Not a part of the state: it is the
/// same with and without them. Forks and rolls back like the vectors below it. Thread-compatible.
class AffinityCounts {
 public:
  /// Of the claims that an affinity counts, or of those that it binds.
  enum class Side : std::uint8_t { kCounted, kBound };

  /// True when no affinity is in force, or the numbers are those of this catalogue and inventory.
  [[nodiscard]] bool holds(const Catalog& catalog, const Inventory& inventory) const;
  /// Forgets all numbers; every claim is to be added next. The definitions must outlive this, or the next call.
  void begin(Transaction& log, const Catalog& catalog, const Inventory& inventory);
  /// True when claims are to be added and removed.
  [[nodiscard]] bool kept() const { return stamp_.get() != Stamp{}; }
  void add(Transaction& log, const CountedClaim& claim, const Neighbours& neighbours, int difference);

  [[nodiscard]] std::size_t size() const { return rules_.size(); }
  [[nodiscard]] const AffinityDefinition& definition(std::size_t affinity) const {
    return *rules_[affinity].definition;
  }
  /// True when the affinity looks at claims of this version that have these labels.
  [[nodiscard]] bool selects(std::size_t affinity, Side side, VersionId version, std::span<const Symbol> labels,
                             const Symbols& symbols) const;
  /// The same for who has no claim yet.
  [[nodiscard]] bool selects(std::size_t affinity, Side side, VersionId version, const NamedText& labels) const;
  /// None where it has no value for one of the words.
  [[nodiscard]] std::optional<Likeness> likeness(std::size_t affinity, std::span<const Symbol> labels,
                                                 std::uint32_t consumer, const Symbols& symbols) const;
  /// The same for who has no claim yet; what nobody has is like nothing that is there.
  [[nodiscard]] std::optional<Likeness> likeness(std::size_t affinity, const NamedText& labels, std::uint32_t consumer,
                                                 const Symbols& symbols) const;
  [[nodiscard]] std::uint32_t count(std::size_t affinity, Side side, Likeness like, double domain) const;
  [[nodiscard]] std::size_t bytes() const { return counts_.bytes(); }

 private:
  struct Stamp {
    std::uint64_t catalog = 0;
    std::uint64_t regrouped = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Rule {
    std::shared_ptr<const Revised<AffinityDefinition>> held;
    const AffinityDefinition* definition = nullptr;
    bool one_side = false;               // it counts those that it binds
    std::vector<std::uint8_t> versions;  // by version: 1: it counts them, 2: it binds them
  };
  struct Count {
    Likeness like = 0;
    double domain = 0;
    std::uint32_t rule = 0;  // affinity and side, + 1
    std::uint32_t claims = 0;
    friend bool operator==(const Count&, const Count&) = default;
    [[nodiscard]] bool used() const { return rule != 0; }
    [[nodiscard]] std::uint64_t hash() const;
  };

  [[nodiscard]] bool looks_at(std::size_t affinity, Side side, VersionId version) const;
  [[nodiscard]] static Stamp stamp_of(const Catalog& catalog, const Inventory& inventory);
  void add_to(Transaction& log, const Count& key, int difference);

  std::vector<Rule> rules_;
  ChunkMap<Count> counts_;
  Cell<Stamp> stamp_;
};

}  // namespace apportion
