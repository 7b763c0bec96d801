// Candidates together with what lies inside them: what scores read of it, and which of it would be chosen with them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "apportion/allocator/plan.hpp"
#include "apportion/inventory/neighbours.hpp"

namespace apportion {

/// What else a request wants inside the instance that a slot gets.
struct Parts {
  const Plan* plan = nullptr;  ///< of one part
  std::uint32_t count = 0;
  bool together = false;  ///< which part is chosen is for the candidate's policy to say; else for the parts' own
};

/// Rows of one version with the parts that would be chosen in them. A row has one lane; where one part is chosen
/// together with it, one for each part that makes a difference; none where the parts are not to be had. Without lanes,
/// references are answered for any rows, as if no parts were wanted. Thread-compatible.
class Cluster : public InsideSource {
 public:
  /// `plan` and `neighbours` must outlive it; `neighbours` has caught up whenever it is asked.
  Cluster(Sections sections, Expressions& expressions, const VersionPlan& plan, Neighbours& neighbours,
          View view = View::kPresent);

  /// The keys of rows by the policy of the plan, and for each row the part that is chosen together with it, if one is.
  /// NaN: the row is out. The state fields and the capacity of the rows themselves are not looked at.
  void keys(std::span<const std::uint32_t> rows, const Parts& parts, std::span<double> keys,
            std::span<InstanceRef> chosen);

  void read(const Binding& binding, const RowBlock& rows, std::uint32_t n, double* out) override;

 private:
  struct Lane {
    std::uint32_t row = 0;
    std::size_t first = 0;  // of chosen_
    std::size_t end = 0;
  };
  struct Part {
    InstanceRef instance;
    std::uint64_t ordinal = 0;
    double key = 0;
    std::uint64_t rank = 0;
  };

  void find_lanes(std::span<const std::uint32_t> rows, const Parts& parts);
  [[nodiscard]] std::vector<Part> parts_in(std::uint32_t row, const Parts& parts);
  void rate(std::vector<Part>& parts, const Plan& plan);
  void add_lane(std::uint32_t row, std::span<const Part> chosen);
  [[nodiscard]] std::vector<double> evaluate(const CompiledFilter& score);
  void read_lane(const Binding& binding, const Lane& lane, std::uint32_t at, std::uint32_t n, double* out);
  [[nodiscard]] double value(const Binding& binding, const Lane& lane);
  [[nodiscard]] double inside(const Binding& binding, std::uint32_t row);
  [[nodiscard]] double chosen(const Binding& binding, const Lane& lane) const;
  [[nodiscard]] double fragmentation(Column column, const Lane& lane);
  [[nodiscard]] double claims(Column column, std::uint32_t row) const;
  [[nodiscard]] std::uint64_t admitted(std::uint32_t row);
  [[nodiscard]] Steps free_of(const InstanceTable& table, std::uint32_t row, std::size_t d) const;
  template <class Visit>
  void visit_inside(std::uint32_t row, std::string_view type, const Visit& visit);

  Sections sections_;
  Expressions& expressions_;
  const VersionPlan& plan_;
  Neighbours& neighbours_;
  View view_;
  const CompiledPolicy* policy_ = nullptr;  // of the rows that are evaluated
  Parts parts_;
  std::vector<Lane> lanes_;
  std::vector<InstanceRef> chosen_;
  std::size_t offset_ = 0;  // of the block that is evaluated; beyond lanes_ when there are none
  std::vector<std::optional<std::uint64_t>> admitted_;  // by row, of the policy's fragmentation
  const Fragmentation* admitted_by_ = nullptr;
  std::uint64_t admitted_at_ = 0;  // generation of the neighbours
  Workspace work_;
  Scratch scratch_;
  std::vector<Steps> free_;
  std::vector<Steps> part_free_;
};

/// Keys of one version's rows that are kept, for one sort of parts.
struct ClusterKeys {
  Request parts;  ///< what makes their sort
  std::uint32_t count = 0;
  bool together = false;
  std::string kind;                 ///< of the consumer, where the score reads it
  Hash128 consumers;                ///< of what is said of consumers, where it reads their kinds
  std::uint64_t generation = 0;     ///< of the neighbours; 0: nothing is known
  std::vector<std::uint64_t> seen;  ///< by version: how far its log of touched rows was read
  std::vector<double> keys;
  std::vector<InstanceRef> chosen;
};

/// True when the score or the filters of the plan read what lies inside of candidates.
[[nodiscard]] bool reads_inside(const VersionPlan& plan);

}  // namespace apportion
