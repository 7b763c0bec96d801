// The running state of one journal, and everything that can be done with it.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "apportion/allocator/denial.hpp"
#include "apportion/allocator/expressions.hpp"
#include "apportion/allocator/index.hpp"
#include "apportion/allocator/migration.hpp"
#include "apportion/allocator/repair.hpp"
#include "apportion/allocator/request.hpp"
#include "apportion/allocator/request_columns.hpp"
#include "apportion/allocator/resolver.hpp"
#include "apportion/allocator/selector.hpp"
#include "apportion/base/table.hpp"
#include "apportion/catalog/document.hpp"
#include "apportion/journal/log.hpp"
#include "apportion/journal/state.hpp"

namespace apportion {

struct PoolOptions {
  std::uint32_t origin = 0;                           ///< names the journal
  std::size_t journal_bytes = std::size_t{64} << 20;  ///< of changes kept in memory
  std::optional<Time> clock;                          ///< set: time stands still until `tick`; else the machine's clock
  std::size_t index_bytes = std::size_t{256} << 20;   ///< of indexed request shapes; 0: every choice is a full scan
  std::uint32_t index_uses = 3;                       ///< in a window of requests, from which on a shape is indexed
};

class Answers;
class RowReader;

/// Granted or denied.
using Outcome = std::variant<Grant, Denial>;

/// Measured or predicted usage of one dimension of an instance, in units; NaN: unknown again.
struct UsageReading {
  std::string instance;
  std::string dimension;
  bool predicted = false;
  double value = 0;
};

/// A named series of intervals in which instances are out of service.
struct MaintenanceSpec {
  struct Window {
    std::string target;  ///< the id of an instance, or a group
    bool group = false;
    Time from = 0;
    Time until = 0;  ///< from then on it is in service again
  };
  std::string name;
  std::vector<Window> windows;
};

/// Everything is all or nothing, and every mutation is a change of the journal. Thread-safe: one mutex; the order of
/// concurrent callers is the lock's, and the journal records it. Errors are misuse; a denial is an answer.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  explicit Pool(const PoolOptions& options = {});
  /// A pool with the state of a snapshot. Fails with kCorrupt on any damage.
  static Result<std::shared_ptr<Pool>> restore(std::string_view snapshot, const PoolOptions& options = {});

  // --- metadata and inventory

  /// Applies a whole document, or nothing: then `problems` says what is wrong with it.
  Status apply(const Node& document, std::vector<Problem>& problems);
  Status add(const InstanceSpec& spec);
  /// All of them or none; the error's place starts with "instances[i]".
  Status add_many(const std::vector<InstanceSpec>& specs);
  /// Changes the members of `spec` that are set; `spec.id` names the instance.
  Status change(const InstanceSpec& spec);
  /// All of them or none, as in add_many.
  Status change(const std::vector<InstanceSpec>& specs);
  /// Fails with kConflict while it has claims or children.
  Status remove(std::string_view id);
  Status remove(const std::vector<std::string>& ids);
  /// Moves instances and their claims from versions of a type to another, in one change.
  Result<Migrated> migrate(const Migration& migration);
  /// Refreshes measured and predicted usage in one change.
  Status update_usage(const std::vector<UsageReading>& readings);
  /// Puts a series of windows in the place of the one of its name; without windows it is gone. From the lead of its
  /// type before a window until its end an instance takes nothing new.
  Status set_maintenance(const MaintenanceSpec& spec);
  /// Adds a consumer or describes it anew.
  Status add_consumer(const ConsumerSpec& spec);
  Status remove_consumer(std::string_view id);

  // --- allocation

  Result<Outcome> allocate(const Request& request);
  /// As `allocate` with the filter `self.id == instance` besides the request's own, without looking at any other
  /// instance: how claims that exist already come in. Fails with kUnknown when there is no such instance.
  Result<Outcome> place(std::string_view instance, const Request& request);
  /// Several requests, all or none: granted whenever there is a way to grant all of them. A Denial says in `member`
  /// which one failed, with each meeting the claims of those before it.
  Result<std::variant<std::vector<Grant>, Denial>> allocate_all(const std::vector<Request>& requests);
  /// The same after these claims ended: all of it in one update, or nothing. Fails with kStale when a claim is gone.
  Result<std::variant<std::vector<Grant>, Denial>> replace(const std::vector<ClaimId>& ended,
                                                           const std::vector<Request>& requests);
  /// The ways in which a request could be granted now, at most `limit`, the one that `allocate` would take first, then
  /// as the search finds them: a list of slots each, with role, instance, location and amounts. Empty where it would be
  /// denied. Changes nothing and records nothing.
  Result<Node> candidates(const Request& request, std::size_t limit);
  /// Each request on its own, in order, under one lock; all are checked before the first is decided, and the error's
  /// place starts with "requests[i].". A row per request: granted; instance, slot and generation of its first claim;
  /// the denial's class, "" when it was granted.
  Result<Table> allocate_many(const RequestColumns& requests);
  /// Requests and the releases of what they were granted, in the order of `events`, under one lock: each a change as if
  /// alone. Nothing happens where a denied one would be released. A row per request, as in allocate_many. Everything
  /// that can be known before is checked before anything happens, the error's place being "requests[i]", "order[i]" or
  /// "times[i]". What ends because of its time and is then asked for by its key, or released, is found out at its turn:
  /// the events before it stand.
  Result<Table> run(const RequestColumns& requests, const RequestEvents& events);
  /// What `allocate` would answer, and why: stages, the ranking with scores and their parts (at most `limit` rows), and
  /// the denial if it would be one. Changes nothing and records nothing.
  Result<Node> explain(const Request& request, std::size_t limit);
  /// Why a claim is where it is: as `explain`, in the state that its request met when it was decided, with the choice
  /// made and its rank. Of a slot of a tree the ranking is that of the slot, and candidates above the one chosen led
  /// nowhere. Fails with kStale when the claim is gone, with kUnknown when the journal does not keep its change.
  [[nodiscard]] Result<Node> why(ClaimId claim, std::size_t limit) const;
  Status commit(const std::vector<ClaimId>& marks);
  Status release(const std::vector<ClaimId>& claims);
  /// Whole grants: with each of these claims all others of its grant. All or none.
  Status release_grants(std::span<const ClaimId> claims);
  /// `amounts` in units; dimensions that are left out keep what they have. Denied when the instance has not enough
  /// free.
  Result<std::optional<Denial>> resize(ClaimId claim, const NamedDecimals& amounts);
  /// Denied when the instance may not serve another consumer.
  Result<std::optional<Denial>> transfer(ClaimId claim, std::string_view consumer);
  /// Moves a claim to another instance of the same version of its type; it keeps its id, its grant, its consumer and
  /// its amounts. No policy is asked. Denied where a state field, other consumers or the capacity do not let it.
  Result<std::optional<Denial>> move(ClaimId claim, std::string_view instance);
  /// What would turn a denial of this request into a grant: repairs that were tried in the present state, one by one,
  /// and taken back, the cheapest first; none where it would be granted as it is. Records nothing. What is looked at is
  /// bounded, per denial: the 16 instances that lack least room; of these 12 claims that might move, at most 3
  /// together; the 256 next moments at which claims end; 8 other types; 3 instances to bring online.
  [[nodiscard]] Result<Repairs> repairs(const Request& request);
  /// Does what a repair says and decides the request as it is to be asked with it, both or neither. A wait moves a
  /// clock of the pool's own on; with the machine's it fails before its time. Fails with kStale when a claim of it is
  /// gone.
  Result<Outcome> repair(const Request& request, const Repair& repair);
  /// Moves the clock on and ends what is due; the number of claims and marks that ended. `now`: none for the machine's
  /// clock.
  Result<std::uint64_t> tick(std::optional<Time> now);

  // --- what is

  [[nodiscard]] Revision revision() const;
  [[nodiscard]] Hash128 hash() const;
  [[nodiscard]] Time now() const;
  /// The claims of the grant a claim belongs to, as they are now. Fails with kStale when it is gone.
  [[nodiscard]] Result<Grant> find_grant(ClaimId claim) const;
  /// Of each claim. REQUIRES: this pool gave the grant.
  [[nodiscard]] std::vector<Place> places_of(const Grant& grant) const;
  /// Everything said of an instance, with used, claims and consumers. Fails with kUnknown.
  [[nodiscard]] Result<Node> instance(std::string_view id) const;
  [[nodiscard]] Table instances() const;
  [[nodiscard]] Table claims() const;
  [[nodiscard]] Table consumers() const;
  [[nodiscard]] Table types() const;
  /// Every window: its series, target and interval.
  [[nodiscard]] Table maintenance() const;
  /// How often requests were denied since this pool was made, by type, class, stage and dimension, the most frequent
  /// first. Statistics, not state: a fork, a former state and a restored pool begin anew.
  [[nodiscard]] Table denials() const;
  /// The definitions in force, as documents write them. Empty names give all.
  [[nodiscard]] Node metadata() const;

  // --- the journal

  /// Numbers of the kept changes: first and last; first > last when none is kept.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> journal_range() const;
  /// One change as a tree: number, time, kind and what it did.
  [[nodiscard]] Result<Node> journal_entry(std::uint64_t number) const;
  [[nodiscard]] std::shared_ptr<Pool> fork() const;
  /// The pool as it was after a change, as an independent pool.
  [[nodiscard]] Result<std::shared_ptr<Pool>> at(std::uint64_t number) const;
  /// The newest change that is not after `time`.
  [[nodiscard]] std::uint64_t number_at(Time time) const;
  [[nodiscard]] std::string snapshot() const;
  /// Bytes of instances, claims, consumers and the journal.
  [[nodiscard]] Node memory() const;
  /// What the index of request shapes holds and did.
  [[nodiscard]] Node index_stats() const;

 private:
  class Update;
  class Emptied;
  class Repairing;
  class Serving;
  class Together;
  /// The one instance that a request names by its filter, and the request without that filter.
  struct Only {
    InstanceRef instance;
    const Request& unfiltered;
  };

  Pool(const PoolOptions& options, std::unique_ptr<State> state);
  [[nodiscard]] Time clock() const;
  Status expire(Time now);
  void count_claims();
  Status expire_within(Update& update);
  Status turn(Time now);
  Status turn_within(Update& update);
  [[nodiscard]] std::array<std::uint64_t, 3> said_of_hours() const;
  Status put_maintenance(Update& update, const MaintenanceSpec& spec);
  [[nodiscard]] std::vector<Time> reopenings(Time now, std::size_t most) const;
  Status end(Update& update, std::vector<ClaimId> claims);
  Status withdraw(Update& update, const std::vector<InstanceSpec>& changed);
  [[nodiscard]] std::string closed_by(InstanceRef instance) const;
  Status check_service(const Ledger::ClaimRow& mark) const;
  Status check_marks(const std::vector<ClaimId>& marks) const;
  Status miss(Update& update, const std::vector<ClaimId>& claims);
  void serve(Update& update);
  [[nodiscard]] bool may_wait(const Request& request) const;
  [[nodiscard]] Result<std::shared_ptr<const Deferral>> wait_for(const Plan& plan, const Request& request,
                                                                 std::size_t found, Time now);
  void add_pending(Update& update, const Plan& plan, std::size_t count, const Deferral& wait);
  [[nodiscard]] GrantedClaim granted_pending(ClaimId claim, Symbol role, VersionId version,
                                             std::span<const Steps> amounts, const PendingPart& part) const;
  Status define(Update& update, const Document& document);
  template <class Definition>
  Status define_all(Update& update, Kind kind, const std::vector<Definition>& definitions);
  Status check_policies(const Document& document, std::vector<Problem>& problems);
  Status check_all_needs(std::vector<Problem>& problems);
  Status put_instances(Update& update, const std::vector<InstanceSpec>& specs, bool merge);
  Status put_instance(Update& update, const InstanceSpec& spec);
  Status change_instance(Update& update, const InstanceSpec& spec);
  Status remove_instance(Update& update, std::string_view id);
  Status check_named_needs(const InstanceSpec& spec, const TypeVersion& owner);
  [[nodiscard]] Status check_generation(const InstanceSpec& spec, InstanceRef old) const;
  Result<std::vector<InstanceRef>> instances_to_move(const Migration& migration, const TypeVersion& to) const;
  Status check_moved_policy(InstanceRef instance, VersionId to);
  template <class Item, class Work>
  Status for_all(const std::vector<Item>& items, const Work& work);
  Status put_consumer(Update& update, const ConsumerSpec& spec);
  /// A grant that was applied and stands in `record_`, the first claim of the grant that a key was answered with
  /// before, or a denial.
  using Decision = std::variant<std::monostate, ClaimId, Denial>;
  /// How much of a denial is wanted. Answers in columns have room for its class.
  enum class Why : std::uint8_t { kWhole, kClass };
  Result<Decision> decide(Update& update, const Request& request, Why why = Why::kWhole, const Only* only = nullptr);
  Result<Decision> denied_waiting(const Plan& plan, const Request& request, Time now, Why why,
                                  const std::shared_ptr<const Deferral>& wait);
  Result<Decision> decide_slots(Update& update, const Request& request, Why why);
  Status take(Update& update, const Request& request, const std::vector<FilledSlot>& slots);
  Status write_slots(Update& update, const Request& request, const std::vector<FilledSlot>& slots);
  Status write_grant(Update& update, const Request& request);
  [[nodiscard]] std::optional<Denial> denied_by_quota(std::span<const std::string_view> groups,
                                                      const Taking& more) const;
  [[nodiscard]] Result<std::optional<Denial>> denied_transfer(Update& update, const Ledger::ClaimRow& claim,
                                                              std::string_view consumer);
  [[nodiscard]] Result<std::optional<Denial>> denied_place(const Ledger::ClaimRow& claim, InstanceRef to,
                                                           std::string_view consumer, Time now);
  [[nodiscard]] Result<Denial> diagnose_tree(const Request& request, Resolver::Failure& failure, Update& update,
                                             Why why);
  [[nodiscard]] Denial denied_none(const Request& request, Time now);
  [[nodiscard]] Denial denied_for(const Request& request, const Error& error, Time now);
  [[nodiscard]] bool is_never(const Request& request, Time now);
  [[nodiscard]] Result<Node> explain_tree(const Request& request, const Plan& plan, Time now);
  Result<Decision> decide_alone(const Request& request, Why why, const Only* only, Grant* grant);
  Result<Outcome> outcome_of(const Request& request, const Only* only = nullptr);
  [[nodiscard]] std::vector<InstanceRef> choose_only(const Plan& plan, InstanceRef only);
  [[nodiscard]] Result<Denial> diagnose(const Plan& plan, const Request& request, Time now, Why why);
  Result<std::optional<ClaimId>> remembered(const Request& request, const RequestKey& key) const;
  Status record_denial(Denial& denial, const Request& request);
  [[nodiscard]] Node explained(const FilledSlot& slot) const;
  [[nodiscard]] Node ranked(const Plan& plan, const Scored& candidate);
  [[nodiscard]] Result<Node> why_then(const std::vector<GrantRecord>& grants, ClaimId claim, const Change& change,
                                      std::size_t limit);
  Status perform(Update& update, const Repair& repair);
  Status redefine(Update& update, const TypeDefinition& type);
  Result<std::optional<Denial>> move_within(Update& update, ClaimId id, std::string_view instance);
  [[nodiscard]] Result<Request> recorded_request(std::uint64_t number, ClaimId claim) const;
  [[nodiscard]] Result<bool> would_grant(Update& update, const Request& request);
  [[nodiscard]] Request request_for(const Ledger::ClaimRow& claim, std::string_view consumer) const;
  [[nodiscard]] Result<std::optional<Denial>> denied_move(const Ledger::ClaimRow& claim, InstanceRef to, Time now);
  [[nodiscard]] Denial denied_claim(const Ledger::ClaimRow& claim, const Portion& portion) const;
  [[nodiscard]] Denial denied_resize(const Ledger::ClaimRow& claim, const std::vector<Steps>& more) const;
  Status check_key(const Request& request,
                   std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t>& keys) const;
  Status check_row(const Request& request, Time now);
  bool all_pass(const RequestColumns& requests, Time now);
  Status check_rows(const RequestColumns& requests);
  Status check_events(const RequestColumns& requests, const RequestEvents& events) const;
  Status answer(RowReader& rows, std::size_t row, Answers& answers);
  Status release_whole(std::span<const ClaimId> claims, Time now);
  void keep_lists_for(const std::vector<Request>& requests);
  [[nodiscard]] Grant grant_now(ClaimId id) const;
  void set_grant(Grant& grant, const GrantRecord& record) const;
  [[nodiscard]] GrantedClaim granted(InstanceRef instance, ClaimId claim, Symbol role,
                                     std::span<const Steps> amounts) const;
  [[nodiscard]] KnownNames known_names() const;
  [[nodiscard]] std::shared_ptr<const State> view() const;

  PoolOptions options_;
  mutable std::mutex mutex_;
  std::unique_ptr<State> state_;
  Sections sections_;
  Log journal_;
  Expressions expressions_;
  Index index_;
  Transaction update_log_;                                      // of the update under way; empty between
  GrantRecord record_;                                          // of the grant that is decided, or was last
  std::vector<std::string> roles_;                              // of its claims, when it is a tree
  Writer payload_;                                              // of the change under way
  std::shared_ptr<Serving> serving_;                            // who waits; none before anybody did
  std::shared_ptr<Emptied> emptied_;                            // what `never` was decided by last
  std::map<std::array<std::string, 4>, std::int64_t> denials_;  // by type, class, stage, dimension
  /// What was said when instances were opened and closed last, and when a window begins or ends next.
  struct Turned {
    std::array<std::uint64_t, 3> after{};
    Time next = 0;
  };
  Turned turned_;
  mutable std::shared_ptr<const State> view_;  // the last fork that tables were read from
};

}  // namespace apportion
