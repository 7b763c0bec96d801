// Choosing an instance quickly, and exactly as a scan would.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "apportion/allocator/cluster.hpp"
#include "apportion/allocator/selector.hpp"
#include "apportion/allocator/shape.hpp"
#include "apportion/base/node.hpp"

namespace apportion {

/// Keeps request shapes: what was resolved once, and for those that come often an ordered index. A shape is indexed
/// at its `uses`-th use within a window of requests; while all of them fit into `limit_bytes` none is dropped, and
/// beyond it a shape takes the place of another only when it is asked for more often, so that many shapes in turn cost
/// scans for the surplus and not for all. Not a part of the state. Thread-compatible; guarded by the pool's mutex.
class Index {
 public:
  /// With `limit_bytes` 0 every choice is the selector's scan.
  /// `view`: see Planner.
  Index(Sections sections, Expressions& expressions, std::size_t limit_bytes, std::uint32_t uses,
        View view = View::kPresent)
      : sections_(sections),
        expressions_(expressions),
        neighbours_(sections.inventory, sections.symbols, sections.catalog),
        planner_(sections, expressions, neighbours_, view),
        limit_bytes_(limit_bytes),
        uses_(uses),
        groups_(sections.inventory, sections.symbols, sections.catalog) {}

  class Prepared;
  class Help;

  /// As Planner::plan; what was resolved before for the same shape is used again. Valid until the next call.
  [[nodiscard]] Result<Prepared*> plan(const Request& request, Time now);
  /// As Selector::choose, for a plan that was just made.
  [[nodiscard]] std::vector<InstanceRef> choose(Prepared& plan, Transaction& log,
                                                std::span<const InstanceRef> excluded = {});

  /// How many instances that have one of the values by the word have room for what the plan asks for, `enough` at most:
  /// what is necessary for so many slots there. The plan was made since anything was written.
  [[nodiscard]] std::uint32_t room(const Prepared& plan, std::string_view word, std::span<const double> values,
                                   std::uint32_t enough);
  /// True when such room is at so many values besides those taken.
  [[nodiscard]] bool has_values(const Prepared& plan, std::string_view word, std::span<const double> taken,
                                std::uint32_t count);
  /// True when some instance has room for what the plan asks for, whatever has to lie in it.
  [[nodiscard]] bool has_candidates(const Prepared& plan) const;
  [[nodiscard]] Neighbours& neighbours() { return neighbours_; }

  /// True when the claims that are there, or the slots beside it, have a say in who may be chosen.
  [[nodiscard]] static bool counts_claims(const Plan& plan);

  /// Asks for the memory that a change of the instance will touch.
  void prefetch(InstanceRef instance) const;

  /// Numbers for people: shapes, bytes, hits, scans, builds, evictions.
  [[nodiscard]] Node stats() const;

 private:
  class Choosing;
  [[nodiscard]] std::vector<InstanceRef> choose_among(Prepared& plan, Transaction& log,
                                                      std::span<const InstanceRef> excluded);
  [[nodiscard]] std::vector<InstanceRef> leaving(const Prepared& plan) const;
  struct Best {
    InstanceRef instance;
    double key = 0;
    std::uint64_t rank = 0;
    Shape* shape = nullptr;
    std::uint32_t position = Roster::kNone;  // kNone: an instance that only this consumer may share
  };

  // How many instances of each domain were passed over, by the word of the domain.
  using Met = std::map<std::pair<std::string_view, double>, int>;

  [[nodiscard]] Prepared* find(std::uint64_t digest, const Request& request, const std::string& who) const;
  [[nodiscard]] Result<Prepared*> make(std::uint64_t digest, const Request& request, Time now);
  void use(Prepared& plan);
  void forget_idle();
  void forget_all();
  void ready(Prepared& plan);
  void catch_up(const Prepared& plan);
  void make_shapes(Prepared& plan);
  void index(Prepared& plan);
  void measure(Prepared& plan);
  [[nodiscard]] std::size_t bytes_of(const Prepared& plan) const;
  [[nodiscard]] double heat_of(const Prepared& plan) const;
  [[nodiscard]] std::vector<Prepared*> coldest_first() const;
  [[nodiscard]] bool make_room(Prepared& plan, std::size_t bytes);
  [[nodiscard]] Roster& roster_of(const VersionPlan& version);
  [[nodiscard]] std::optional<Best> best(Prepared& plan, const std::vector<InstanceRef>& taken);
  void offer_shared(std::optional<Best>& best, const Prepared& plan, std::size_t version,
                    const std::vector<InstanceRef>& taken) const;
  [[nodiscard]] bool holds_claims(const Plan& plan) const;
  [[nodiscard]] bool sees_choices(const Prepared& plan) const;
  void drop_index(Prepared& plan);
  void hide(const Prepared& plan, std::span<const InstanceRef> instances) const;
  void hide_bounds(const Prepared& plan);
  [[nodiscard]] const SlotBound* narrow_bound(const Prepared& plan);
  [[nodiscard]] bool is_narrow(const Prepared& plan, const SlotBound& bound);
  [[nodiscard]] const PolicyDefinition& definition_for(const VersionPlan& version, std::uint32_t row) const;
  [[nodiscard]] std::optional<Best> best_allowed(Prepared& plan, std::vector<InstanceRef>& taken, Met& met);
  [[nodiscard]] std::optional<Best> best_preferred(Prepared& plan, std::vector<InstanceRef>& taken, Met& met);
  void pass_over(const Prepared& plan, const Best& refused, const AffinityTest& by, Met& met);
  [[nodiscard]] std::vector<InstanceRef> choose_clusters(Prepared& plan, Transaction& log,
                                                         std::span<const InstanceRef> excluded);
  [[nodiscard]] std::optional<InstanceRef> best_cluster(Prepared& plan, std::span<const InstanceRef> excluded);
  [[nodiscard]] ClusterKeys& cluster_keys(const Plan& plan, const VersionPlan& version);
  [[nodiscard]] Cluster& cluster_for(const VersionPlan& version);
  void forget_clusters();
  [[nodiscard]] const ClusterChanges& changes_of(const InstanceTable& table);
  [[nodiscard]] std::optional<InstanceRef> choose_within(Prepared& plan, const SlotBound& bound,
                                                         std::span<const InstanceRef> excluded);
  [[nodiscard]] std::vector<std::uint32_t> rows_of(VersionId version, std::string_view word,
                                                   std::span<const double> values);

  Sections sections_;
  Expressions& expressions_;
  Neighbours neighbours_;
  Planner planner_;
  std::size_t limit_bytes_;
  std::uint32_t uses_;
  std::uint64_t stamp_ = 0;  // of the catalogue
  std::uint64_t clock_ = 0;  // requests so far
  std::uint64_t swept_ = 0;  // when idle plans were forgotten last
  Workspace work_;
  std::map<VersionId, std::unique_ptr<Roster>> rosters_;
  GroupMembers groups_;
  std::unordered_multimap<std::uint64_t, std::unique_ptr<Prepared>> plans_;  // their shapes follow the rosters
  std::size_t bytes_ = 0;                                                    // of the indexed shapes
  std::uint64_t indexed_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t scans_ = 0;
  std::uint64_t evictions_ = 0;
  std::map<std::pair<VersionId, std::shared_ptr<const CompiledPolicy>>, std::unique_ptr<Cluster>> clusters_;
  std::unordered_multimap<std::uint64_t, std::unique_ptr<ClusterKeys>> cluster_keys_;
  std::map<VersionId, ClusterChanges> cluster_changes_;
  std::size_t cluster_rows_ = 0;  // in cluster_keys_
  Shape::Counts dropped_;         // what shapes did that are gone
};

/// While it lives, so many threads share the scans of many instances.
class Index::Help {
 public:
  /// REQUIRES: threads >= 1.
  Help(Index& index, std::size_t threads) : index_(index) { index.work_.share(threads); }
  Help(const Help&) = delete;
  Help& operator=(const Help&) = delete;
  ~Help() { index_.work_.share(1); }

 private:
  Index& index_;
};

/// A plan and, when it is asked for often, its index.
class Index::Prepared : public Plan {
 public:
  explicit Prepared(Plan plan) : Plan(std::move(plan)) {}

  /// The part that was chosen together with the instance that was chosen last; invalid: none was.
  [[nodiscard]] InstanceRef part() const { return part_; }
  /// The policy reads what lies inside of instances.
  [[nodiscard]] bool reads_inside() const { return inside_; }

 private:
  friend class Index;

  Request shape_;  // the parts that make the shape
  std::optional<NeedRef> need_;
  std::string who_;        // what the expressions read of the consumer
  bool personal_ = false;  // they read something of the consumer
  bool grouped_ = false;   // they read totals of groups
  bool inside_ = false;    // they read what lies inside of instances
  InstanceRef part_;
  bool steady_ = true;  // a shape can follow what they read
  bool indexed_ = false;
  double heat_ = 0;     // uses, fading with the requests since
  double refused_ = 0;  // how hot it was when there was no room
  std::uint64_t last_ = 0;
  std::size_t bytes_ = 0;
  std::vector<std::unique_ptr<Shape>> shapes_;    // by version; nullptr: it has no table
  std::vector<std::unique_ptr<Scorer>> scorers_;  // by version; of slots that look at few instances
};

}  // namespace apportion
