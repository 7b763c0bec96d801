// Who waits gets what became free: the service at the end of an update. Private to the area.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "freed_rows.hpp"
#include "pending_request.hpp"
#include "pool_update.hpp"

namespace apportion {

/// The first in the queue that can be given an instance is activated, decided as if it were asked for now; then the
/// first of the rest, until none can. Those whose rules read nothing but the candidate and the request, which are most,
/// are looked for only where something was written; the others are decided at every update. Thread-compatible; guarded
/// by the pool's mutex.
class Pool::Serving {
 public:
  /// In a state whose queues were served.
  explicit Serving(Pool& pool)
      : pool_(pool), sections_(pool.sections_), pending_(pool.sections_, pool.expressions_, pool.index_.neighbours()) {
    rest();
  }

  /// Writes the activations as changes of the update.
  void run(Update& update);
  /// Nobody waits.
  void rest() { freed_.skip(sections_); }

 private:
  using Found = WaitingQueue::Found;
  using Mask = std::uint64_t;  // a bit per sort
  /// An instance in which something was written, and a queue whose claims it may serve.
  struct Look {
    InstanceRef instance;
    VersionId version;       ///< of the queue
    std::uint32_t from = 0;  ///< nobody before this position can use it
    Mask passed = 0;         ///< nor anybody of these sorts
    std::optional<Found> next = std::nullopt;
  };
  /// A queue with those who are decided at every update.
  struct Line {
    VersionId version;
    Mask steady = 0;  ///< sorts whose claims are not
    std::optional<Found> next = std::nullopt;
  };
  struct Turn {
    VersionId version;
    Found found;
  };

  void open();
  void open_looks(const std::vector<InstanceRef>& instances);
  void find(Look& look);
  void find(Line& line, std::uint32_t from);
  [[nodiscard]] const Line& line_of(VersionId version) const;
  [[nodiscard]] std::optional<Turn> first() const;
  [[nodiscard]] bool serve(Update& update, const Turn& turn);
  void pass_over(const Turn& turn);
  [[nodiscard]] bool excludes_sort(const Look& look);
  void look_again(const Turn& turn, InstanceRef taken);
  [[nodiscard]] const StateRules& rules(VersionId version);
  [[nodiscard]] Mask steady_sorts(VersionId version, const WaitingQueue& queue);
  [[nodiscard]] bool is_steady(const Found& claim);
  [[nodiscard]] bool own_policies(const std::string& type);

  Pool& pool_;
  Sections sections_;
  FreedRows freed_;
  PendingRequest pending_;
  std::vector<Look> looks_;
  std::vector<Line> lines_;
  std::vector<Steps> room_;
  InstanceRef taken_;                                      // by the last activation
  std::set<std::pair<VersionId, std::uint32_t>> in_vain_;  // claims that no instance serves, since the last activation
  std::map<VersionId, StateRules> rules_;
  std::pair<Symbol, std::uint64_t> rules_of_{0, 0};  // how many symbols there were, and the catalogue's stamp
  /// By version and number of a sort; and of a table, by version: what was said when it was looked at.
  std::map<std::pair<VersionId, std::uint32_t>, std::pair<WaitingQueue::Sort, bool>> steady_;
  std::uint64_t steady_stamp_ = 0;
  std::map<VersionId, std::tuple<std::uint64_t, std::uint64_t, bool>> own_;
};

}  // namespace apportion
