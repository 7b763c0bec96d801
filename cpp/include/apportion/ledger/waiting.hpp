// Claims that are granted and not yet held: what each waits for, their queues, and how long claims last.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "apportion/journal/block_heap.hpp"
#include "apportion/journal/codec.hpp"
#include "apportion/ledger/records.hpp"
#include "apportion/ledger/waiting_queue.hpp"

namespace apportion {

/// A part of the ledger. Tickets are dealt out in the order of the journal. Forks and rolls back like the vectors below
/// it. Thread-compatible.
class Waiting {
 public:
  /// One pending claim. Its deadline and its amounts are the claim's.
  struct Row {
    std::uint64_t ticket = 0;
    Time patience = 0;
    Time expected = 0;
    std::uint32_t claim = 0;  ///< slot
    VersionId version = 0;
    Symbol where = 0;
    Symbol policy = 0;
    NeedRef need{PendingRecord::kNone, 0, 0};
    ClaimId parent{PendingRecord::kNone, 0};
    std::uint32_t apart = 0;
    std::uint32_t whole = 0;   ///< 1: it takes all that its instance has
    std::uint32_t beside = 0;  ///< block of cells
    std::uint32_t beside_count = 0;
    std::uint32_t position = 0;  ///< in the queue of its version; of a free row the next one + 1
    friend bool operator==(const Row&, const Row&) = default;
  };

  /// How long claims on instances of a type have lasted: the mean of the last ones, in which a new one counts one of
  /// kRemembered at least.
  struct Turnover {
    static constexpr std::uint64_t kRemembered = 32;
    std::uint64_t ended = 0;
    Time mean = 0;  ///< in ns, rounded down
    friend bool operator==(const Turnover&, const Turnover&) = default;
  };

  [[nodiscard]] std::uint64_t count() const { return count_.get(); }
  [[nodiscard]] const Row& row(std::uint32_t row) const { return rows_[row]; }
  /// Claims of the grant that the slot's rules may read. Some may be gone.
  [[nodiscard]] std::vector<ClaimId> beside(const Row& row) const;
  /// Of the pending claims on a version; nullptr: there never was one.
  [[nodiscard]] const WaitingQueue* queue(VersionId version) const;
  [[nodiscard]] std::uint64_t next_ticket() const { return next_ticket_.get(); }

  /// Behind all others, unless it has a ticket. `ruled`: its rules may read other claims of its grant.
  /// Its row. REQUIRES: amounts of all dimensions of its version.
  std::uint32_t add(Transaction& log, Row row, std::span<const ClaimId> beside, std::span<const Steps> amounts,
                    bool ruled);
  void remove(Transaction& log, std::uint32_t row);

  /// `type`: the first version of the type.
  [[nodiscard]] Turnover turnover(VersionId type) const;
  void observe(Transaction& log, VersionId type, Time held);

  /// Of what is not a claim: the next ticket and the turnover.
  [[nodiscard]] Hash128 hash() const { return hash_.get(); }
  void encode(Writer& writer) const;
  Status decode(Reader& reader, std::size_t versions, Transaction& log);
  [[nodiscard]] std::size_t bytes() const;

 private:
  WaitingQueue& queue_for(VersionId version, std::size_t dimensions);
  void set(Transaction& log, VersionId type, const Turnover& turnover);

  ChunkVector<Row> rows_;
  BlockHeap heap_;
  std::deque<std::optional<WaitingQueue>> queues_;  // by version; they stay while a rollback may want them
  ChunkVector<Turnover> turnover_;
  Cell<std::uint64_t> next_ticket_{1};
  Cell<std::uint64_t> count_;
  Cell<std::uint32_t> free_;  // row + 1
  Cell<Hash128> hash_;
};

}  // namespace apportion
