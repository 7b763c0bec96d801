#include "apportion/ledger/records.hpp"

namespace apportion {
namespace {

void put_amounts(Writer& writer, const Amounts& amounts) {
  writer.put(static_cast<std::uint8_t>(amounts.size()));
  for (const Steps steps : amounts) writer.put(steps);
}

void get_amounts(Reader& reader, Amounts& amounts) {
  const auto count = reader.get<std::uint8_t>();
  if (count > kMaxDimensions) return reader.fail();
  amounts.resize(count);
  for (Steps& steps : amounts) steps = reader.get<Steps>();
}

// Bits of the flags byte: what follows besides the fixed part.
constexpr std::uint8_t kMarkFlag = 1;
constexpr std::uint8_t kTimesFlag = 2;
constexpr std::uint8_t kKeyFlag = 4;
constexpr std::uint8_t kTextFlag = 8;
constexpr std::uint8_t kLabelsFlag = 16;
constexpr std::uint8_t kWholeFlag = 32;
constexpr std::uint8_t kUntypedFlag = 64;
constexpr std::uint8_t kPatienceFlag = 128;

// The same of a claim.
constexpr std::uint8_t kOwnFlag = 1;
constexpr std::uint8_t kSlotFlag = 2;
constexpr std::uint8_t kPendingFlag = 4;

std::uint8_t flags_of(const RequestRecord& request) {
  const bool times = request.starts != 0 || request.ends != kForever || request.expires != kForever;
  const bool text = !request.where.empty() || !request.policy.empty();
  return static_cast<std::uint8_t>((request.mark ? kMarkFlag : 0) | (times ? kTimesFlag : 0) |
                                   (request.key.given() ? kKeyFlag : 0) | (text ? kTextFlag : 0) |
                                   (request.labels != 0 ? kLabelsFlag : 0) | (request.whole ? kWholeFlag : 0) |
                                   (request.untyped ? kUntypedFlag : 0) | (request.patience != 0 ? kPatienceFlag : 0));
}

void put_request(Writer& writer, const RequestRecord& request) {
  const std::uint8_t flags = flags_of(request);
  writer.put(flags).put(request.version).put(request.count);
  put_amounts(writer, request.amounts);
  writer.put_text(request.consumer);
  if ((flags & kTimesFlag) != 0) writer.put(request.starts).put(request.ends).put(request.expires);
  if ((flags & kKeyFlag) != 0) writer.put(request.key.key.high).put(request.key.key.low).put(request.key.digest);
  if ((flags & kTextFlag) != 0) writer.put_text(request.where).put_text(request.policy);
  if ((flags & kLabelsFlag) != 0) writer.put(request.labels);
  if ((flags & kPatienceFlag) != 0) writer.put(request.patience);
}

RequestRecord get_request(Reader& reader) {
  RequestRecord request;
  const auto flags = reader.get<std::uint8_t>();
  request.mark = (flags & kMarkFlag) != 0;
  request.whole = (flags & kWholeFlag) != 0;
  request.untyped = (flags & kUntypedFlag) != 0;
  request.version = reader.get<VersionId>();
  request.count = reader.get<std::uint32_t>();
  get_amounts(reader, request.amounts);
  request.consumer = reader.get_text();
  if ((flags & kTimesFlag) != 0) {
    request.starts = reader.get<Time>();
    request.ends = reader.get<Time>();
    request.expires = reader.get<Time>();
  }
  if ((flags & kKeyFlag) != 0) {
    request.key.key.high = reader.get<std::uint64_t>();
    request.key.key.low = reader.get<std::uint64_t>();
    request.key.digest = reader.get<std::uint64_t>();
  }
  if ((flags & kTextFlag) != 0) {
    request.where = reader.get_text();
    request.policy = reader.get_text();
  }
  if ((flags & kLabelsFlag) != 0) request.labels = reader.get<ListId>();
  if ((flags & kPatienceFlag) != 0) request.patience = reader.get<Time>();
  return request;
}

void put_pending(Writer& writer, const PendingRecord& pending) {
  writer.put(pending.version).put(pending.where).put(pending.policy);
  writer.put(pending.need.owner).put(pending.need.need).put(pending.need.branch);
  writer.put(static_cast<std::uint8_t>((pending.apart ? 1 : 0) | (pending.whole ? 2 : 0)))
      .put(pending.patience)
      .put(pending.expected);
  writer.put(pending.parent).put(static_cast<std::uint32_t>(pending.beside.size()));
  for (const std::uint32_t other : pending.beside) writer.put(other);
}

PendingRecord get_pending(Reader& reader) {
  PendingRecord pending;
  pending.version = reader.get<VersionId>();
  pending.where = reader.get<Symbol>();
  pending.policy = reader.get<Symbol>();
  pending.need = {reader.get<VersionId>(), reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
  const auto flags = reader.get<std::uint8_t>();
  pending.apart = (flags & 1) != 0;
  pending.whole = (flags & 2) != 0;
  pending.patience = reader.get<Time>();
  pending.expected = reader.get<Time>();
  pending.parent = reader.get<std::uint32_t>();
  const std::uint32_t beside = reader.get_count(4);
  if (beside > PendingRecord::kMaxBeside) {
    reader.fail();
    return pending;
  }
  pending.beside.resize(beside);
  for (std::uint32_t& other : pending.beside) other = reader.get<std::uint32_t>();
  return pending;
}

}  // namespace

void encode(Writer& writer, const GrantRecord& record) {
  put_request(writer, record.request);
  writer.put(record.cursor).put(static_cast<std::uint32_t>(record.claims.size()));
  for (const ClaimEffect& effect : record.claims) {
    writer.put(effect.instance.version).put(effect.instance.row).put(effect.claim.slot).put(effect.claim.generation);
    // Amounts are the request's own unless the instance's version counts in other steps, or a tree says what a slot
    // gets.
    const bool own = effect.amounts != record.request.amounts;
    const bool slot = effect.role != 0 || effect.cursor != 0;
    const bool waits = effect.pending != PendingRecord::kNone;
    writer.put(static_cast<std::uint8_t>((own ? kOwnFlag : 0) | (slot ? kSlotFlag : 0) | (waits ? kPendingFlag : 0)));
    if (own) put_amounts(writer, effect.amounts);
    if (slot) writer.put(effect.role).put(effect.cursor);
    if (waits) put_pending(writer, record.pending[effect.pending]);
  }
}

GrantRecord decode_grant(Reader& reader) {
  GrantRecord record;
  record.request = get_request(reader);
  record.cursor = reader.get<std::uint64_t>();
  const std::uint32_t claims = reader.get_count(17);
  if (claims > kMaxClaimsPerGrant) {
    reader.fail();
    return record;
  }
  record.claims.resize(claims);
  for (ClaimEffect& effect : record.claims) {
    effect.instance.version = reader.get<std::uint32_t>();
    effect.instance.row = reader.get<std::uint32_t>();
    effect.claim.slot = reader.get<std::uint32_t>();
    effect.claim.generation = reader.get<std::uint32_t>();
    const auto says = reader.get<std::uint8_t>();
    if ((says & kOwnFlag) != 0) {
      get_amounts(reader, effect.amounts);
    } else {
      effect.amounts = record.request.amounts;
    }
    if ((says & kSlotFlag) != 0) {
      effect.role = reader.get<Symbol>();
      effect.cursor = reader.get<std::uint64_t>();
    }
    if ((says & kPendingFlag) == 0) continue;
    effect.pending = static_cast<std::uint32_t>(record.pending.size());
    record.pending.push_back(get_pending(reader));
  }
  return record;
}

void encode(Writer& writer, const DenialRecord& record) {
  put_request(writer, record.request);
  writer.put(record.denial_class);
}

DenialRecord decode_denial(Reader& reader) {
  DenialRecord record;
  record.request = get_request(reader);
  record.denial_class = reader.get<DenialClass>();
  return record;
}

void encode(Writer& writer, std::span<const ClaimId> claims) {
  writer.put(static_cast<std::uint32_t>(claims.size()));
  for (const ClaimId& claim : claims) writer.put(claim.slot).put(claim.generation);
}

std::vector<ClaimId> decode_claims(Reader& reader) {
  std::vector<ClaimId> claims(reader.get_count(8));
  for (ClaimId& claim : claims) {
    claim.slot = reader.get<std::uint32_t>();
    claim.generation = reader.get<std::uint32_t>();
  }
  return claims;
}

}  // namespace apportion
