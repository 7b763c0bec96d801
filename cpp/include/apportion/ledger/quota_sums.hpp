// What groups of consumers hold, and whether they may hold more.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/inventory/instance_table.hpp"
#include "apportion/journal/chunk_vector.hpp"

namespace apportion {

/// Amounts that are taken, in steps of a version.
struct Taking {
  VersionId version = 0;
  std::span<const Steps> amounts;
};

/// A group that may not hold so much: in steps of the newest version of the type.
struct QuotaExcess {
  const QuotaDefinition* quota = nullptr;
  std::string_view type;
  std::string_view dimension;
  Steps used = 0;     ///< by the group and those below, what is guaranteed to these included
  Steps asked = 0;    ///< of which what is guaranteed below does not count
  Steps maximum = 0;  ///< of the group
  Step step;
};

/// As a sentence.
[[nodiscard]] std::string text_of(const QuotaExcess& excess);

/// The quotas in force, and what each group holds of each dimension that a quota speaks of. A group's use is what its
/// own members hold and, of each group below it, what that one uses or what it is guaranteed, whichever is more: so
/// what is guaranteed is kept free for whom it is guaranteed to. Most pools have none: then nothing is kept. Made from
/// all claims when it is first wanted, and anew when types, quotas or memberships change. Not a part of the state.
/// Forks and rolls back like the vectors below it. Thread-compatible.
class QuotaSums {
 public:
  /// True when no quota is in force, or the sums are those of this catalogue and these memberships.
  [[nodiscard]] bool holds(const Catalog& catalog, std::uint64_t memberships) const;
  /// Forgets all sums; every claim is to be added next.
  void begin(Transaction& log, const Catalog& catalog, std::uint64_t memberships);
  [[nodiscard]] bool kept() const { return stamp_.get() != Stamp{}; }
  /// Of a member of these groups; `sign` is 1, or -1 for what is given back.
  void add(Transaction& log, std::span<const std::string_view> groups, const Taking& taking, int sign);
  /// The first group, from the members' own upwards, that would hold more than it may with all of `more`; `alone`: if
  /// nobody held anything.
  [[nodiscard]] std::optional<QuotaExcess> excess(std::span<const std::string_view> groups,
                                                  std::span<const Taking> more, bool alone = false) const;
  /// What a group uses of a dimension, as above; 0 where no quota speaks of it.
  [[nodiscard]] Steps used(std::string_view group, std::string_view type, std::string_view dimension) const;

 private:
  struct Stamp {
    std::uint64_t catalog = 0;
    std::uint64_t memberships = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  /// A dimension of a type that some quota speaks of, and how steps of each version become those of the newest.
  struct Measure {
    std::string type;
    std::string dimension;
    Step step;
    struct From {
      std::uint32_t dimension = 0;
      Step step;
    };
    std::vector<std::optional<From>> versions;  // by version
  };
  struct Group {
    std::shared_ptr<const Revised<QuotaDefinition>> held;
    std::size_t parent = kNone;
    std::size_t level = 0;
    std::vector<Steps> guaranteed;  // by measure
    std::vector<Steps> maximum;     // by measure
  };
  static constexpr std::size_t kNone = ~std::size_t{0};

  void find_measures(const Catalog& catalog);
  void find_groups(const Catalog& catalog);
  [[nodiscard]] std::size_t group(std::string_view name) const;
  /// Steps of each measure that are taken.
  [[nodiscard]] std::vector<Int128> measured(std::span<const Taking> takings) const;
  template <class Sums, class Visit>
  bool climb(const Sums& sums, std::size_t group, std::size_t measure, Int128 more, const Visit& visit) const;
  [[nodiscard]] std::size_t place(std::size_t group, std::size_t measure) const {
    return group * measures_.size() + measure;
  }

  std::vector<Measure> measures_;
  std::vector<Group> groups_;
  std::vector<Int128> none_;  // the sums without claims
  ChunkVector<Int128> sums_;  // by group and measure
  Cell<Stamp> stamp_;
};

}  // namespace apportion
