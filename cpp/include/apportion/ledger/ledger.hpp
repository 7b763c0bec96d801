// Who holds what: consumers, marks, claims, idempotency keys, and the cursors of rotating ties.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "apportion/inventory/inventory.hpp"
#include "apportion/ledger/affinity_counts.hpp"
#include "apportion/ledger/claim_lists.hpp"
#include "apportion/ledger/consumers.hpp"
#include "apportion/ledger/due_queue.hpp"
#include "apportion/ledger/key_window.hpp"
#include "apportion/ledger/quota_sums.hpp"
#include "apportion/ledger/records.hpp"
#include "apportion/ledger/waiting.hpp"

namespace apportion {

/// A section. Changes the columns used, consumers, claims and granted of the inventory. Thread-compatible.
///
/// Law L1 is kept here: a change that takes capacity and would leave used > limit in any dimension is refused.
class Ledger : public Section {
 public:
  static constexpr Kind kGrant = make_kind(4, 1);     ///< requests and their claims or marks, all or none
  static constexpr Kind kCommit = make_kind(4, 2);    ///< marks become claims
  static constexpr Kind kRelease = make_kind(4, 3);   ///< claims and marks end
  static constexpr Kind kExpire = make_kind(4, 4);    ///< the same, because their time has come
  static constexpr Kind kResize = make_kind(4, 5);    ///< claim, new amounts
  static constexpr Kind kTransfer = make_kind(4, 6);  ///< claim, new consumer
  static constexpr Kind kDenied = make_kind(4, 7);    ///< no effect
  static constexpr Kind kConsumer = make_kind(4, 8);  ///< a consumer is added or described anew
  static constexpr Kind kConsumerGone = make_kind(4, 9);
  static constexpr Kind kMigrate =
      make_kind(4, 10);                            ///< instances and their claims move to another version of their type
  static constexpr Kind kMove = make_kind(4, 11);  ///< claim, the id of its new instance
  static constexpr Kind kActivate = make_kind(4, 12);  ///< a pending claim gets its instance
  static constexpr Kind kMiss = make_kind(4, 13);    ///< pending claims whose deadline passed end, and others with them
  static constexpr Kind kExtend = make_kind(4, 14);  ///< a pending claim gets another deadline
  static constexpr Kind kWithdraw = make_kind(4, 15);   ///< marks end, for a reason
  static constexpr Kind kConsumers = make_kind(4, 20);  ///< of a snapshot, like those that follow
  static constexpr Kind kClaims = make_kind(4, 21);
  static constexpr Kind kCursors = make_kind(4, 22);
  static constexpr Kind kKeys = make_kind(4, 23);
  static constexpr Kind kWaiting = make_kind(4, 24);

  /// What most claims do not have, labels, an end and an expiry, stands behind the amounts.
  struct ClaimRow {
    std::uint32_t generation = 0;
    ClaimState state = ClaimState::kFree;
    std::uint8_t dimensions = 0;
    std::uint8_t parts = 0;        ///< bits: kTimed, kLabelled
    std::uint8_t filtered = 0;     ///< 1: its request said by a filter which instances may serve it
    InstanceRef instance;          ///< of a pending claim: none, and its row in waiting()
    std::uint32_t consumer = 0;    ///< slot
    std::uint32_t cells = 0;       ///< block of `width()` cells: amounts, then labels, then terms
    Symbol role = 0;               ///< of a slot in a tree
    std::uint32_t grant_next = 0;  ///< slot of the next claim of the same grant, in a ring; of a free one the next, + 1
    Time starts = 0;
    std::uint64_t revision = 0;  ///< number of the change that made it

    static constexpr std::uint8_t kTimed = 1;     ///< it has Terms
    static constexpr std::uint8_t kLabelled = 2;  ///< it has labels
    [[nodiscard]] bool timed() const { return (parts & kTimed) != 0; }
    [[nodiscard]] bool labelled() const { return (parts & kLabelled) != 0; }
    [[nodiscard]] std::size_t width() const {
      return std::size_t{dimensions} + (labelled() ? 1U : 0U) + (timed() ? 2U : 0U);
    }
  };
  static_assert(sizeof(ClaimRow) == 48);

  /// When a claim ends, and when it does unless it is committed before.
  struct Terms {
    Time ends = kForever;
    Time expires = kForever;
    friend bool operator==(const Terms&, const Terms&) = default;
  };

  [[nodiscard]] const Consumers& consumers() const { return consumers_; }
  /// The claim, or nullptr when it is gone.
  [[nodiscard]] const ClaimRow* find(ClaimId claim) const;
  [[nodiscard]] std::uint64_t claim_count() const { return claim_count_.get(); }
  [[nodiscard]] std::uint64_t mark_count() const { return mark_count_.get(); }
  /// Slots are numbers below this; a slot in use has a state other than kFree.
  [[nodiscard]] std::uint32_t slots() const { return static_cast<std::uint32_t>(claims_.size()); }
  [[nodiscard]] const ClaimRow& row(std::uint32_t slot) const { return claims_[slot]; }
  [[nodiscard]] ClaimId id_of(std::uint32_t slot) const { return {slot, claims_[slot].generation}; }
  /// Steps per dimension of the instance's version; valid until the next change.
  [[nodiscard]] std::span<const Steps> amounts(const ClaimRow& claim) const {
    return heap_.read(claim.cells, claim.width()).first(claim.dimensions);
  }
  /// Of its request.
  [[nodiscard]] ListId labels(const ClaimRow& claim) const {
    return claim.labelled() ? static_cast<ListId>(heap_.read(claim.cells, claim.width())[claim.dimensions]) : 0;
  }
  [[nodiscard]] Terms terms(const ClaimRow& claim) const {
    if (!claim.timed()) return {};
    const std::span<const std::int64_t> times = heap_.read(claim.cells, claim.width()).last(2);
    return {times[0], times[1]};
  }
  /// The claims of the grant that this claim belongs to, in the order of choice, this one first: after the last comes
  /// the grant's first.
  [[nodiscard]] std::vector<ClaimId> grant_of(ClaimId claim) const;
  /// By a look at every claim, unless lists are kept.
  [[nodiscard]] std::vector<ClaimId> claims_of_consumer(std::uint32_t slot) const;
  [[nodiscard]] std::vector<ClaimId> claims_on(InstanceRef instance) const;
  /// For whoever will ask for claims of consumers or on instances often: from now on they are kept in lists.
  void keep_lists(Transaction& log);
  [[nodiscard]] bool keeps_lists() const { return lists_.kept(); }
  /// The claims on each of several instances, by one look at every claim. REQUIRES: they exist, or
  /// are invalid.
  [[nodiscard]] std::vector<std::vector<ClaimId>> claims_on(std::span<const InstanceRef> instances) const;
  /// How many claims a consumer holds on an instance.
  [[nodiscard]] std::uint32_t holdings(InstanceRef instance, std::uint32_t consumer) const;
  [[nodiscard]] const KeyWindow& keys() const { return keys_; }
  /// How many claims affinities find in each domain. REQUIRES: counts_hold().
  [[nodiscard]] const AffinityCounts& affinity_counts() const { return affinity_counts_; }
  /// What groups of consumers hold. REQUIRES: counts_hold().
  [[nodiscard]] const QuotaSums& quota_sums() const { return quota_sums_; }
  /// True when there are affinities or quotas to count for.
  [[nodiscard]] bool counts() const { return affinity_counts_.kept() || quota_sums_.kept(); }
  /// True when what is counted for affinities and quotas is all that there is.
  [[nodiscard]] bool counts_hold() const;
  /// Counts all claims for affinities and quotas, unless what is kept holds.
  void keep_counts(Transaction& log);
  /// What a claim takes of the quotas of its consumer's groups, no more, until the log is rolled back.
  void leave_quota(const ClaimRow& claim, Transaction& log) { count_quota(claim, -1, log); }
  [[nodiscard]] NamedText label_texts(ListId labels) const;
  /// Of a consumer by its slot; kNone: none.
  [[nodiscard]] std::vector<std::string_view> groups_of(std::uint32_t consumer) const;
  /// What is pending, and how long claims last.
  [[nodiscard]] const Waiting& waiting() const { return waiting_; }
  [[nodiscard]] bool is_pending(const ClaimRow& claim) const { return claim.state == ClaimState::kPending; }
  /// REQUIRES: is_pending(claim).
  [[nodiscard]] const Waiting::Row& pending(const ClaimRow& claim) const { return waiting_.row(claim.instance.row); }
  /// The version whose steps the claim's amounts are.
  [[nodiscard]] VersionId version_of(const ClaimRow& claim) const {
    return is_pending(claim) ? pending(claim).version : claim.instance.version;
  }
  /// Of the type of this version: how long claims have lasted, those that ended since it was deferrable.
  [[nodiscard]] Waiting::Turnover turnover(VersionId version) const;
  /// The last position under a cursor; 0 when it was never used.
  [[nodiscard]] std::uint64_t cursor(std::uint64_t key) const;
  /// Asks for the memory that ending a claim will touch.
  void prefetch(ClaimId claim) const;
  /// The same for making one, in the order in which one address leads to the next: each call should come a while after
  /// the one before it. `consumer` is what the second one gave.
  void prefetch_consumer(std::string_view name) const { consumers_.prefetch(name); }
  [[nodiscard]] std::uint32_t prefetch_consumer_row(std::string_view name) const;
  void prefetch(InstanceRef instance, std::uint32_t consumer) const;
  /// Gives claims that are to be made the ids they will get.
  void number(std::span<ClaimEffect> claims) const;
  /// Claims and marks whose time has come, earliest first.
  [[nodiscard]] std::vector<ClaimId> due(Time now) const;
  /// Those that end next, earliest first, of the first `most` that are queued.
  [[nodiscard]] std::vector<DueQueue::Entry> upcoming(std::size_t most) const;

  /// What applying the payload of a kGrant or kRelease change does, for the writer who has what it says.
  Status grant(const GrantRecord& grant, const Change& change, Transaction& log);
  Status release(std::span<const ClaimId> claims, Time now, Transaction& log);

  /// Payloads. The texts are copied.
  static std::string payload(std::span<const GrantRecord> grants);
  static void put(Writer& writer, std::span<const GrantRecord> grants);
  static std::string payload(std::span<const ClaimId> claims);
  static std::string resize_payload(ClaimId claim, std::span<const Steps> amounts);
  static std::string transfer_payload(ClaimId claim, std::string_view consumer);
  static std::string move_payload(ClaimId claim, Symbol instance);
  /// `steps` of the instance's version.
  static std::string activate_payload(ClaimId claim, InstanceRef instance, std::span<const Steps> steps);
  /// `others` end with those that were missed.
  static std::string miss_payload(std::span<const ClaimId> missed, std::span<const ClaimId> others);
  static std::string extend_payload(ClaimId claim, Time deadline);
  static std::string withdraw_payload(std::string_view reason, std::span<const ClaimId> marks);
  static std::string consumer_payload(std::string_view name, Symbol kind, ListId groups,
                                      std::span<const Attribute> attributes);

  /// The payload of kMigrate. Fails, naming instance and place, when the version does not take a value, needs one that
  /// nobody gave, or a quantity is too large for its steps. Counts what finds no place there in `dropped`.
  /// REQUIRES: the instances are distinct, of the type of `to` and of other versions.
  Result<std::string> migration_payload(std::span<const InstanceRef> instances, VersionId to,
                                        const MigrationValues& values, const Interner& intern, Dropped& dropped) const;

  [[nodiscard]] std::unique_ptr<Section> fork() const override { return std::make_unique<Ledger>(*this); }
  void link(State& state) override;
  Status apply(const Change& change, Transaction& log) override;
  void prefetch(const Change& change, Ahead ahead) const override;
  void snapshot(const Emit& emit) const override;
  [[nodiscard]] Status check_whole() const override;
  [[nodiscard]] Hash128 hash() const override {
    return hash_.get() + consumers_.hash() + keys_.hash() + waiting_.hash();
  }
  [[nodiscard]] Node describe(const Change& change) const override;

  /// Bytes of claims with their amounts, holdings and keys; and of consumers.
  [[nodiscard]] std::size_t claim_bytes() const;
  [[nodiscard]] std::size_t consumer_bytes() const { return consumers_.bytes(); }

 private:
  struct Holding {
    InstanceRef instance;
    std::uint32_t consumer = 0;
    std::uint32_t count = 0;
    [[nodiscard]] bool used() const { return count != 0; }
    [[nodiscard]] std::uint64_t hash() const {
      return mix64(std::uint64_t{instance.version} << 32 | instance.row, consumer);
    }
  };
  struct Cursor {
    std::uint64_t key = 0;
    std::uint64_t ordinal = 0;
    [[nodiscard]] bool used() const { return key != 0; }
    [[nodiscard]] std::uint64_t hash() const { return key; }
  };

  Status apply_grants(Reader& reader, const Change& change, Transaction& log);
  Status check_grant(const GrantRecord& grant) const;
  Status make_claim(const ClaimEffect& effect, const RequestRecord& request, std::uint32_t consumer,
                    const Change& change, Transaction& log);
  Status take_slot_of(const ClaimEffect& effect, Transaction& log);
  Status apply_commit(Reader& reader, Transaction& log);
  Status apply_release(Reader& reader, Time now, Transaction& log);
  Status apply_activate(Reader& reader, Time now, Transaction& log);
  Status apply_miss(Reader& reader, Time now, Transaction& log);
  Status apply_extend(Reader& reader, Time now, Transaction& log);
  Status apply_withdraw(Reader& reader, Time now, Transaction& log);
  Status make_pending(const GrantRecord& grant, const ClaimEffect& effect, std::uint32_t consumer, const Change& change,
                      Transaction& log);
  Status check_pending(const GrantRecord& grant, const ClaimEffect& effect, Time now) const;
  [[nodiscard]] bool is_ruled(const NeedRef& need) const;
  void attach_pending(const ClaimRow& claim, std::uint32_t slot, Transaction& log);
  void detach_pending(const ClaimRow& claim, std::uint32_t slot, Transaction& log);
  void observe(const ClaimRow& claim, Time now, Transaction& log);
  void hash_pending(const ClaimRow& claim, CellHash& hash) const;
  [[nodiscard]] VersionId deferrable_type(VersionId version) const;
  void snapshot_pending(const ClaimRow& claim, Writer& writer) const;
  struct RestoredPending {
    Waiting::Row row;
    std::vector<ClaimId> beside;
    std::vector<Steps> amounts;
  };
  Result<RestoredPending> restore_pending(Reader& reader, std::uint32_t slot) const;
  Status restore_queues(std::vector<RestoredPending>& all, Transaction& log);
  Status apply_resize(Reader& reader, Transaction& log);
  Status apply_transfer(Reader& reader, Transaction& log);
  Status apply_move(Reader& reader, Transaction& log);
  [[nodiscard]] bool filters(const RequestRecord& request) const;
  Status apply_consumer(Reader& reader, Transaction& log);
  Status apply_consumer_gone(Reader& reader, Transaction& log);
  Status apply_migration(Reader& reader, Transaction& log);
  [[nodiscard]] std::vector<InstanceRef> migrated(Reader reader, VersionId to, std::uint32_t count) const;
  Status migrate_instance(Reader& reader, VersionId to, std::span<const ClaimId> claims, std::set<VersionId>& left,
                          Transaction& log);
  Status encode_moved_claims(InstanceRef instance, std::span<const ClaimId> claims, VersionId to, Writer& writer) const;
  static Result<std::vector<Steps>> decode_moved_claims(Reader& reader, std::span<const ClaimId> claims,
                                                        std::size_t width);
  void replace(std::uint32_t slot, InstanceRef instance, std::span<const Steps> wanted, Transaction& log);
  [[nodiscard]] Node describe_migration(Reader& reader) const;
  Status restore_claims(Reader& reader, Transaction& log);
  Status restore_claim(Reader& reader, std::vector<RestoredPending>& pending, Transaction& log);
  Status check_rings() const;
  Status restore_cursors(Reader& reader, Transaction& log);
  Status restore_keys(Reader& reader, Time now, Transaction& log);

  std::uint32_t take_slot(Transaction& log);
  void put_cells(ClaimRow& claim, std::span<const Steps> amounts, ListId labels, const Terms& terms, Transaction& log);
  void replace_cells(ClaimRow& claim, std::span<const Steps> amounts, const Terms& terms, Transaction& log);
  std::byte* attach(const ClaimRow& claim, std::uint32_t slot, Transaction& log);
  void detach(const ClaimRow& claim, std::uint32_t slot, Transaction& log);
  void attach_consumer(const ClaimRow& claim, std::byte* tally, Transaction& log);
  void detach_consumer(const ClaimRow& claim, std::byte* tally, Transaction& log);
  void end_claim(std::uint32_t slot, Time now, Transaction& log);
  void leave_ring(std::uint32_t slot, Transaction& log);
  std::uint32_t consumer_slot(std::string_view name, Transaction& log);
  void drop_if_idle(std::uint32_t consumer, Transaction& log);
  void count(const ClaimRow& claim, int difference, Transaction& log);
  void count_quota(const ClaimRow& claim, int difference, Transaction& log);
  void hold(const ClaimRow& claim, int difference, std::byte* tally, Transaction& log);
  void set_cursor(std::uint64_t key, std::uint64_t ordinal, Transaction& log);
  void queue(std::uint32_t slot, Transaction& log);
  void trim_due(Transaction& log);
  Status restore_record(const Change& change, Transaction& log);
  [[nodiscard]] Time due_time(const ClaimRow& claim) const;
  [[nodiscard]] Hash128 cell(std::uint32_t slot) const;
  template <class Is>
  [[nodiscard]] std::vector<ClaimId> claims_that(const Is& is) const;
  [[nodiscard]] std::vector<ClaimId> ids_of(const std::vector<std::uint32_t>& slots) const;

  Symbols* symbols_ = nullptr;
  Catalog* catalog_ = nullptr;
  Inventory* inventory_ = nullptr;

  Consumers consumers_;
  ChunkVector<ClaimRow> claims_;
  BlockHeap heap_;
  ClaimLists lists_;
  AffinityCounts affinity_counts_;
  QuotaSums quota_sums_;
  Cell<std::uint64_t> memberships_;  // rises when a consumer joins or leaves groups
  ChunkMap<Holding> holdings_;
  ChunkMap<Cursor> cursors_;
  KeyWindow keys_;
  DueQueue due_;
  Waiting waiting_;
  mutable std::uint64_t deferrable_stamp_ = 0;     // of the catalogue, when the next was found
  mutable std::vector<std::uint32_t> deferrable_;  // by version: the first one of its type + 1; 0: not deferrable
  Cell<std::uint32_t> free_;                       // slot + 1
  Cell<std::uint64_t> claim_count_;
  Cell<std::uint64_t> mark_count_;
  Cell<Hash128> hash_;
};

}  // namespace apportion
