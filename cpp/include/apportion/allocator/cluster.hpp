// Candidates together with what lies inside them: what scores read of it, and which of it would be chosen with them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apportion/allocator/plan.hpp"
#include "apportion/inventory/neighbours.hpp"

namespace apportion {

/// What else a request wants inside the instance that a slot gets.
struct Parts {
  const Plan* plan = nullptr;  ///< of one part
  std::uint32_t count = 0;
  bool together = false;  ///< which part is chosen is for the candidate's policy to say; else for the parts' own

  [[nodiscard]] bool each() const { return together && count == 1; }
};

/// Rows of one version with the parts that would be chosen in them. A row has one lane; where one part is chosen
/// together with it, one for each part that makes a difference; none where the parts are not to be had. Without lanes,
/// references are answered for any rows, as if no parts were wanted. Thread-compatible.
class Cluster : public InsideSource {
 public:
  /// `neighbours` must outlive it, and has caught up whenever it is asked.
  Cluster(Sections sections, Expressions& expressions, const VersionPlan& plan, Neighbours& neighbours,
          View view = View::kPresent);
  /// From now on for this plan, which is of the same version and outlives its use.
  void use(const VersionPlan& plan);

  /// The keys of rows by the policy of the plan, and for each row the part that is chosen together with it, if one is.
  /// NaN: the row is out. The state fields and the capacity of the rows themselves are not looked at.
  void keys(std::span<const std::uint32_t> rows, const Parts& parts, std::span<double> keys,
            std::span<InstanceRef> chosen);

  /// Some of the rows whose keys were asked for last have a policy of their own.
  [[nodiscard]] bool met_own() const { return met_own_; }

  void read(const Binding& binding, const RowBlock& rows, std::uint32_t n, double* out) override;

 private:
  struct Lane {
    std::uint32_t row = 0;
    std::uint32_t first = 0;  // of chosen_
    std::uint32_t end = 0;
    std::uint32_t place = 0;    // of the row among those that are asked for
    std::uint64_t ordinal = 0;  // of the part, where each part has a lane
  };
  struct Part {
    InstanceRef instance;
    std::uint64_t ordinal = 0;
    double key = 0;
    std::uint64_t rank = 0;
  };
  // A version of the type that lies inside.
  struct Inner {
    VersionId version = 0;
    const InstanceTable* table = nullptr;
    std::optional<std::size_t> dimension;
    Step step;
  };

  void find_lanes(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> places, const Parts& parts);
  void find_parts(std::uint32_t row, const Parts& parts);
  void add_lanes_for_each(std::uint32_t row, std::uint32_t place);
  void add_rated_lanes(const Parts& parts);
  void rate(const Plan& plan);
  void evaluate(const CompiledFilter& score);
  [[nodiscard]] std::vector<Inner> inners(std::string_view type, std::string_view dimension) const;
  void read_inside(const Binding& binding, std::span<const Lane> lanes, double* out);
  void read_chosen(const Binding& binding, std::span<const Lane> lanes, double* out);
  void read_fragmentation(Column column, std::span<const Lane> lanes, double* out);
  void look_at_fragments(std::uint32_t row);
  [[nodiscard]] double claims(Column column, std::uint32_t row) const;
  [[nodiscard]] std::uint64_t admitted(std::uint32_t row);
  [[nodiscard]] Steps free_of(const InstanceTable& table, std::uint32_t row, std::size_t d) const;
  [[nodiscard]] bool is_idle(const InstanceTable& table, std::uint32_t row) const {
    return view_ == View::kEmpty || table.claims[row] == 0;
  }

  Sections sections_;
  Expressions& expressions_;
  const VersionPlan* plan_;
  Neighbours& neighbours_;
  View view_;
  const CompiledPolicy* policy_ = nullptr;  // of the rows that are evaluated
  Parts parts_;
  std::vector<Lane> lanes_;
  std::vector<InstanceRef> chosen_;
  bool met_own_ = false;
  std::size_t offset_ = 0;   // of the block that is evaluated, in lanes_
  std::vector<Lane> plain_;  // of a block that has no lanes
  // Of the evaluation under way.
  std::vector<Part> found_;
  std::vector<std::pair<Lane, std::uint32_t>> waiting_;  // rows whose parts are rated, and where those end in found_
  std::vector<std::uint32_t> lane_rows_;
  std::vector<double> scores_;
  Workspace work_;
  Scratch scratch_;
  // Of the row whose fragments were looked at last.
  std::optional<std::uint32_t> looked_at_;
  std::vector<Inner> fragments_;
  std::vector<Steps> free_;
  std::vector<Steps> part_free_;
  Fragmentation::Counts counts_;
  Fragmentation::Counts after_counts_;
  std::vector<std::int64_t> fitting_;
  std::vector<std::int64_t> after_fitting_;
  Int128 before_ = 0;
  // By row, which filters of the profile hold, until something is said of an instance.
  std::vector<std::optional<std::uint64_t>> admitted_;
  const Fragmentation* admitted_by_ = nullptr;
  std::uint64_t admitted_at_ = 0;
};

/// What keys of one version's rows depend on besides the rows.
struct ClusterSort {
  VersionId version = 0;
  std::shared_ptr<const CompiledPolicy> policy;
  std::shared_ptr<const CompiledFilter> where;
  std::vector<Steps> amounts;  ///< of the dimensions that are read, else 0
  VersionId parts = 0;         ///< the newest version of the parts' type
  std::shared_ptr<const CompiledPolicy> parts_policy;
  std::vector<Steps> part_amounts;
  std::uint32_t count = 0;
  bool together = false;
  std::string kind;  ///< of the consumer, where it is read

  static ClusterSort of(const VersionPlan& plan, const Parts& parts);
  [[nodiscard]] std::uint64_t digest() const;
  friend bool operator==(const ClusterSort&, const ClusterSort&) = default;
};

/// Keys of one version's rows that are kept.
struct ClusterKeys {
  ClusterSort sort;
  Hash128 consumers;             ///< of what is said of consumers, where their kinds are read
  std::uint64_t generation = 0;  ///< of the changes; 0: nothing is known
  std::uint64_t used = 0;        ///< when it was asked for last
  std::size_t seen = 0;          ///< how many of the changes
  std::vector<double> keys;
  std::vector<InstanceRef> chosen;
};

/// Rows of one version that were written, or in which something was.
struct ClusterChanges {
  std::uint64_t generation = 0;     ///< changes when it is not known which rows
  std::uint64_t neighbours = 0;     ///< their generation
  std::vector<std::uint64_t> seen;  ///< by version: how far its log of touched rows was read
  std::vector<std::uint32_t> rows;
};

/// True when the score or the filters of the plan read what lies inside of candidates.
[[nodiscard]] bool reads_inside(const VersionPlan& plan);
/// True when the policy reads this of candidates.
[[nodiscard]] bool reads_column(const CompiledPolicy& policy, Column column);

}  // namespace apportion
