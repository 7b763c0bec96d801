// What a policy thinks of rows: filters, score, quantum and order in one number.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apportion/allocator/expressions.hpp"
#include "apportion/allocator/portion.hpp"
#include "apportion/allocator/request.hpp"
#include "apportion/base/crew.hpp"
#include "apportion/inventory/row_source.hpp"
#include "apportion/ledger/ledger.hpp"

namespace apportion {

/// The sections a selection reads.
struct Sections {
  Symbols& symbols;
  Catalog& catalog;
  Inventory& inventory;
  Ledger& ledger;

  /// REQUIRES: `state` has all four.
  static Sections of(const State& state);
};

/// A request resolved against one version of its type.
struct VersionPlan {
  const TypeVersion* version = nullptr;
  InstanceTable* table = nullptr;
  RequestValues values;
  StateRules rules;
  Symbol rules_symbols = 0;                      ///< how many there were when the rules were made
  std::shared_ptr<const CompiledFilter> where;   ///< of the request
  std::shared_ptr<const CompiledPolicy> policy;  ///< of the request, or of the type
  bool instances_choose = false;                 ///< instances may have policies of their own
  Portion portion;                               ///< what of an instance a claim takes

  /// True when the filters or the score of the request or type read this.
  [[nodiscard]] bool reads(Read read) const;
  /// True when the row's rules let the request take what it asks for, and that much is free. REQUIRES: a table.
  [[nodiscard]] bool fits(std::uint32_t row) const { return portion.fits(*table, row); }
  /// What it would take of the row.
  [[nodiscard]] Amounts wanted(std::uint32_t row) const { return portion.wanted(*table, row); }
};

/// The score in quanta, negative for order "max": the least one wins. NaN stays NaN.
double key_of(double score, const PolicyDefinition& policy);

/// The policy that scores an instance with this own policy (0: none). Valid until the catalogue changes.
const CompiledPolicy& policy_of(const Sections& sections, Expressions& expressions, const VersionPlan& plan,
                                Symbol own);

/// Memory that whoever scores rows borrows for a call: one serves any number of scorers, so that they stay small.
struct Workspace {
  std::vector<std::uint32_t> positions;
  std::vector<std::uint32_t> rows;
  std::vector<double> keys;
  std::vector<std::uint32_t> passed;  ///< rows behind the filters, their positions, and where they came from
  std::vector<std::uint32_t> passed_positions;
  std::vector<std::uint32_t> from;
  std::vector<double> values;
  Scratch scratch;  ///< what is copied from it takes turns in its registers
  RowSource::Records records;

  /// So many threads may look together; from now on.
  void share(std::size_t threads);
  /// Who helps when there are many rows, the caller included; nullptr: nobody. Made when it is first asked for.
  [[nodiscard]] Crew* helpers();

 private:
  std::size_t threads_ = 1;
  std::unique_ptr<Crew> crew_;
};

/// Scores rows of one version again and again. `plan` must outlive it and stay where it is; what is uniform in it is
/// read by `begin`. Thread-compatible.
class Scorer {
 public:
  /// `groups`: who knows the members of groups, or nullptr.
  Scorer(Sections sections, Expressions& expressions, const VersionPlan& plan, Workspace& work,
         const GroupMembers* groups = nullptr);
  Scorer(const Scorer&) = delete;
  Scorer& operator=(const Scorer&) = delete;

  /// Reads the request, literals and totals of groups anew at the next use.
  void begin();
  /// The totals of one group.
  void forget(Symbol group) { source_->forget(group); }
  /// keys[i] is that of rows[i]; NaN: the instance is out. `own`: some of the rows may have a policy of their own. With
  /// a room the rows may be left out where `reads_room_only()`, and none has a policy of its own.
  void keys(std::span<const std::uint32_t> rows, double* keys, bool own = true, const Room& room = {});
  /// Filters and score read nothing of an instance but its limits and what is used or free of them.
  [[nodiscard]] bool reads_room_only() const { return room_only_; }
  /// They read limits, or what is used of them.
  [[nodiscard]] bool reads_limits() const { return limits_; }
  /// One key for all rows without a policy of their own, when nothing can make them differ; finite.
  [[nodiscard]] std::optional<double> constant();
  /// True once a row was met whose own policy reads more than rows and the request.
  [[nodiscard]] bool unsteady() const { return unsteady_; }
  /// Of what it keeps of its expressions and of groups, besides itself.
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Running {
    const CompiledFilter* filter;
    Scratch scratch;
    bool begun = false;
  };

  void run(Running& running, std::span<const std::uint32_t> rows, const Room& room, double* values);
  void keep(Running& filter, const Room& room);
  void own_keys(std::span<const std::uint32_t> rows, double* keys);
  [[nodiscard]] bool own_policies(std::span<const std::uint32_t> rows) const;

  Sections sections_;
  Expressions& expressions_;
  const VersionPlan& plan_;
  std::optional<RowSource> source_;
  std::vector<Running> filters_;
  Running score_;
  bool room_only_ = false;
  bool limits_ = false;
  Workspace& work_;
  const GroupMembers* groups_;
  bool unsteady_ = false;
};

/// The rows for which a filter holds, in order.
std::vector<std::uint32_t> filter_rows(std::span<const std::uint32_t> rows, const CompiledFilter& filter,
                                       RowSource& source, Scratch& scratch);
/// The scores of rows, NaN without value.
std::vector<double> score_rows(std::span<const std::uint32_t> rows, const CompiledFilter& score, RowSource& source,
                               Scratch& scratch);

}  // namespace apportion
