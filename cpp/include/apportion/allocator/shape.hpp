// The ordered index of one request shape over the instances of one type version.
// See docs/decisions/0015-block-minima.md for why it is built so.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "apportion/allocator/group_readers.hpp"
#include "apportion/allocator/min_tree.hpp"
#include "apportion/allocator/roster.hpp"
#include "apportion/allocator/scorer.hpp"

namespace apportion {

/// How equal keys are told apart, for one request.
struct TieRule {
  Ties ties = Ties::kLowestId;
  std::uint64_t cursor = 0;  ///< rotating: the ordinal chosen last
  std::uint64_t seed = 0;    ///< seeded: mixed with the number of the change

  static TieRule of(const PolicyDefinition& policy, std::uint64_t cursor, std::uint64_t number);
  /// Lower ranks win.
  [[nodiscard]] std::uint64_t rank(std::uint64_t ordinal) const;
};

/// The best instance a full scan would find, from a least key per block of instances. A key is evaluated when its row,
/// or a member of a group that it reads, was written; a block is evaluated when its least key left it and it is among
/// the first in line. Between that its old least key stands as a bound from below. Thread-compatible; belongs to a
/// pool, not to the state.
class Shape {
 public:
  struct Choice {
    std::uint32_t position = 0;
    double key = 0;
  };

  /// `plan`, `roster` and `groups` must outlive it and stay where they are.
  Shape(Sections sections, Expressions& expressions, const VersionPlan& plan, Roster& roster,
        const GroupMembers& groups, Workspace& work);
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;
  ~Shape() {
    if (follower_ != kNobody) roster_.followers().leave(follower_);
  }

  /// False when a key may change and it cannot be told from what was written whose: then every choice is a scan.
  static bool indexable(const VersionPlan& plan);

  /// Follows the rows written since the last call. False: this shape cannot be indexed, now or ever. REQUIRES: the
  /// roster has caught up, and so have the groups when the plan reads any.
  [[nodiscard]] bool catch_up();
  /// The least key, equal ones by the rule; hidden positions are no candidates. REQUIRES: catch_up() was true and
  /// nothing was written since.
  [[nodiscard]] std::optional<Choice> best(const TieRule& rule);
  /// The best by a look at every instance that fits: what `best` has to equal, for shapes that are not indexed. The
  /// same for any number of threads. REQUIRES: as catch_up.
  [[nodiscard]] std::optional<Choice> scan(const TieRule& rule);
  /// Takes a position out until `unhide`.
  void hide(std::uint32_t position);
  void unhide();

  /// The keys of rows that the roster does not offer; NaN: out.
  void keys(std::span<const std::uint32_t> rows, double* keys) { scorer_.keys(rows, keys); }
  [[nodiscard]] Roster& roster() const { return roster_; }
  /// What the index takes now, or once it is built.
  [[nodiscard]] std::size_t bytes() const;

  struct Counts {
    std::uint64_t builds = 0;
    std::uint64_t rows = 0;          ///< evaluated because they were written
    std::uint64_t blocks = 0;        ///< evaluated anew
    std::uint64_t shared_scans = 0;  ///< by several threads
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  using Block = std::uint32_t;
  struct Hidden {
    std::uint32_t position;
    double bound;
  };

  static constexpr std::uint8_t kStale = Followers::kStale;
  static constexpr std::uint8_t kEmpty = Followers::kEmpty;
  static constexpr std::uint32_t kNobody = 0xffffffff;

  // The best so far of candidates in any order.
  struct Lead {
    std::optional<Choice> choice;
    std::uint64_t rank = 0;
    void offer(const Choice& other, std::uint64_t its);
  };

  void refresh_uniform();
  void find_candidates(std::uint32_t first, std::vector<std::uint32_t>& positions) const;
  void look(std::uint32_t first, const TieRule& rule, Scorer& scorer, Workspace& work, Lead& lead) const;
  void build();
  void follow();
  void follow_groups();
  void keep_fitting(const std::vector<std::uint32_t>& waiting);
  void meet(std::uint32_t position);
  void find_readers();
  void follow_hidden(std::uint32_t position);
  void take(std::uint32_t position, double key);
  void leave(std::uint32_t position);
  [[nodiscard]] bool reads_scale() const;
  void evaluate(Scorer& scorer, Workspace& work) const;
  void evaluate();
  void find_candidates_of(Block block);
  void evaluate_with_line();
  void set_least(Block block, std::size_t first, std::size_t end);
  void refresh(Block block);
  [[nodiscard]] std::optional<Block> stale_in_line();
  void settle();
  // Which candidate of the block has the least key.
  [[nodiscard]] std::uint8_t& place(Block block) { return roster_.followers().place(block, follower_); }
  [[nodiscard]] std::uint32_t hidden(Block block) const { return masks_.empty() ? 0 : masks_[block]; }
  [[nodiscard]] std::optional<Choice> next_in_turn(double key, std::uint32_t from);
  [[nodiscard]] std::optional<Choice> least_rank(double key, const TieRule& rule);
  [[nodiscard]] std::uint64_t fingerprint() const;

  Sections sections_;
  Expressions& expressions_;
  const VersionPlan& plan_;
  Roster& roster_;
  std::vector<VersionId> siblings_;  // the versions of the type
  Scorer scorer_;
  Roster::Needs needs_;
  MinTree tree_;
  std::uint32_t follower_ = kNobody;
  std::vector<Hidden> hidden_;
  std::vector<std::uint32_t> masks_;  // by block: the hidden positions; empty while none is
  const GroupMembers& groups_;
  const bool grouped_;  // totals of groups are read
  GroupReaders readers_;
  std::uint64_t groups_generation_ = 0;
  std::uint64_t changed_seen_ = 0;
  const bool last_wins_;
  const bool reads_scale_;
  std::optional<double> constant_;
  bool infinite_ = false;  // a candidate's key is +infinity, which the tree takes for nothing
  Symbol symbols_ = 0;
  std::uint64_t uniform_ = 0;  // fingerprint of what is read once
  std::uint64_t generation_ = 0;
  Counts counts_;
  Workspace& work_;
  std::vector<std::uint32_t>& positions_;  // of the evaluation under way, and its keys
  std::vector<double>& keys_;
};

}  // namespace apportion
