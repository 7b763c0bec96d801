// The payloads of ledger changes: what was asked, and what was given.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/base/time.hpp"
#include "apportion/catalog/need_scope.hpp"
#include "apportion/inventory/instance_table.hpp"
#include "apportion/journal/codec.hpp"

namespace apportion {

/// A claim within its origin. The generation tells it from earlier claims in the same slot; outside it is written
/// "c<origin>.<slot>.<generation>".
struct ClaimId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const ClaimId&, const ClaimId&) = default;
};

/// A pending claim was granted just in time: it has no instance yet.
enum class ClaimState : std::uint8_t { kFree = 0, kMark = 1, kClaim = 2, kPending = 3 };

/// Hash of (actor, key) of an idempotent call, and of the request it stands for; all 0: no key.
struct RequestKey {
  Hash128 key;
  std::uint64_t digest = 0;
  [[nodiscard]] bool given() const { return key != Hash128{}; }
  friend bool operator==(const RequestKey&, const RequestKey&) = default;
};

/// Of a request's amounts: nothing, and said so; where it is not said, a default may be taken.
inline constexpr Steps kNamedZero = -1;

/// The request as the journal keeps it, so that it can be decided again. `amounts` are steps of `version`, the type's
/// newest version when it was asked, or kNamedZero.
struct RequestRecord {
  VersionId version = 0;
  Amounts amounts;
  std::uint32_t count = 1;
  std::string consumer;
  std::string where;   ///< the request's own filter
  std::string policy;  ///< the request's own policy: a name, or a definition as JSON text
  ListId labels = 0;   ///< keys and values in turn
  Time starts = 0;
  Time ends = kForever;
  Time expires = kForever;  ///< of a mark
  bool mark = false;
  bool whole = false;
  bool untyped = false;  ///< it named no type; `version` is one of those that took part
  Time patience = 0;     ///< of slots that are granted just in time; 0: that of their type
  RequestKey key;
};

/// What a slot that is granted just in time waits for. Besides its amounts, which are steps of `version`.
struct PendingRecord {
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kMaxBeside = 250;

  VersionId version = 0;  ///< the newest of its type
  Symbol where = 0;       ///< filter and policy of the request; of a slot of a need, which says them itself, 0
  Symbol policy = 0;
  NeedRef need{kNone, 0, 0};          ///< the need whose slot it is; owner kNone: of none
  bool apart = false;                 ///< no other claim of its role in the grant may have its instance
  bool whole = false;                 ///< it takes all that its instance has
  Time patience = 0;                  ///< it is missed so long after the grant
  Time expected = 0;                  ///< how long it was expected to wait
  std::uint32_t parent = kNone;       ///< of a slot of a need: the grant's claim that has the need, counted; or kNone
  std::vector<std::uint32_t> beside;  ///< the grant's claims that its rules may read
  friend bool operator==(const PendingRecord&, const PendingRecord&) = default;
};

/// One claim of a grant. `amounts` are steps of the instance's version.
struct ClaimEffect {
  InstanceRef instance;  ///< of a pending claim: none
  ClaimId claim;
  Amounts amounts;
  Symbol role = 0;           ///< of a slot in a tree: its path with the version of the tree, "mailbox@1/primary"
  std::uint64_t cursor = 0;  ///< of the slot, as that of a grant
  std::uint32_t pending = PendingRecord::kNone;  ///< of the grant's records of what is pending, counted
};

inline constexpr std::uint32_t kMaxClaimsPerGrant = 1U << 17;

/// One request and what it was given. `cursor` is not 0 when the policy's ties rotate: then the position of the last
/// chosen instance is kept under it.
struct GrantRecord {
  RequestRecord request;
  std::uint64_t cursor = 0;
  boost::container::small_vector<ClaimEffect, 1> claims;
  std::vector<PendingRecord> pending = {};
};

/// Why a request was denied, as the journal keeps it.
enum class DenialClass : std::uint8_t {
  kNever = 1,
  kNotNow = 2,
  kFragmented = 3,
  kConflict = 4,
  kSearchBound = 5,
  kQuota = 6
};

struct DenialRecord {
  RequestRecord request;
  DenialClass denial_class = DenialClass::kNotNow;
};

void encode(Writer& writer, const GrantRecord& record);
void encode(Writer& writer, const DenialRecord& record);
void encode(Writer& writer, std::span<const ClaimId> claims);
/// These read what the above wrote; the caller checks `reader.failed()`.
GrantRecord decode_grant(Reader& reader);
DenialRecord decode_denial(Reader& reader);
std::vector<ClaimId> decode_claims(Reader& reader);

}  // namespace apportion
