#include "apportion/ledger/waiting.hpp"

#include <algorithm>

namespace apportion {
namespace {

std::int64_t cell_of(ClaimId claim) {
  return static_cast<std::int64_t>(std::uint64_t{claim.slot} << 32 | claim.generation);
}

ClaimId claim_of(std::int64_t cell) {
  const auto bits = static_cast<std::uint64_t>(cell);
  return {static_cast<std::uint32_t>(bits >> 32), static_cast<std::uint32_t>(bits)};
}

}  // namespace

std::vector<ClaimId> Waiting::beside(const Row& row) const {
  std::vector<ClaimId> claims;
  for (const std::int64_t cell : heap_.read(row.beside, row.beside_count)) claims.push_back(claim_of(cell));
  return claims;
}

const WaitingQueue* Waiting::queue(VersionId version) const {
  if (version >= queues_.size() || !queues_[version] || queues_[version]->size() == 0) return nullptr;
  return &*queues_[version];
}

// An empty one may be of a version that was taken back: another one has its number now.
WaitingQueue& Waiting::queue_for(VersionId version, std::size_t dimensions) {
  while (version >= queues_.size()) queues_.emplace_back();
  std::optional<WaitingQueue>& queue = queues_[version];
  if (!queue || queue->total().size() != dimensions) queue.emplace(dimensions);
  return *queue;
}

std::uint32_t Waiting::add(Transaction& log, Row row, std::span<const ClaimId> beside, std::span<const Steps> amounts,
                           bool ruled) {
  std::vector<std::int64_t> cells;
  for (const ClaimId claim : beside) cells.push_back(cell_of(claim));
  row.beside = heap_.put(log, cells);
  row.beside_count = static_cast<std::uint32_t>(cells.size());
  if (row.ticket == 0) row.ticket = next_ticket();
  next_ticket_.edit(log) = row.ticket + 1;
  std::uint32_t at = free_.get();
  if (at != 0) {
    free_.edit(log) = rows_[--at].position;
  } else {
    at = static_cast<std::uint32_t>(rows_.size());
    rows_.resize(log, rows_.size() + 1);
  }
  WaitingQueue& queue = queue_for(row.version, amounts.size());
  const std::optional<WaitingQueue::Sort> sort =
      ruled ? std::nullopt : std::optional(WaitingQueue::Sort{row.where, row.policy, row.need, row.apart});
  row.position = queue.add(log, at, row.ticket, sort, amounts, [&](std::uint32_t other, std::uint32_t position) {
    rows_.edit(log, other, &Row::position) = position;
  });
  rows_.edit(log, at) = row;
  ++count_.edit(log);
  return at;
}

void Waiting::remove(Transaction& log, std::uint32_t row) {
  Row& held = rows_.edit(log, row);
  queues_[held.version]->remove(log, held.position);
  heap_.release(log, held.beside, held.beside_count);
  held = {};
  held.position = free_.get();
  free_.edit(log) = row + 1;
  --count_.edit(log);
}

Waiting::Turnover Waiting::turnover(VersionId type) const {
  return type < turnover_.size() ? turnover_[type] : Turnover{};
}

// mean' = mean + (held - mean) / n, with n the number that is remembered.
void Waiting::observe(Transaction& log, VersionId type, Time held) {
  Turnover now = turnover(type);
  ++now.ended;
  const auto n = static_cast<Time>(std::min(now.ended, Turnover::kRemembered));
  now.mean += (held - now.mean) / n;
  set(log, type, now);
}

void Waiting::set(Transaction& log, VersionId type, const Turnover& turnover) {
  if (type >= turnover_.size()) turnover_.resize(log, std::size_t{type} + 1);
  const auto cell = [type](const Turnover& of) {
    return of.ended == 0 ? Hash128{} : CellHash(44).add(std::uint64_t{type}).add(of.ended).add(of.mean).value();
  };
  Hash128& sum = hash_.edit(log);
  sum -= cell(turnover_[type]);
  turnover_.edit(log, type) = turnover;
  sum += cell(turnover);
}

void Waiting::encode(Writer& writer) const {
  writer.put(next_ticket()).put(static_cast<std::uint32_t>(turnover_.size()));
  for (std::size_t type = 0; type < turnover_.size(); ++type)
    writer.put(turnover_[type].ended).put(turnover_[type].mean);
}

Status Waiting::decode(Reader& reader, std::size_t versions, Transaction& log) {
  const auto next = reader.get<std::uint64_t>();
  const std::uint32_t types = reader.get_count(16);
  if (reader.failed() || next < next_ticket() || types > versions || !turnover_.empty())
    return corrupt("the record of what is pending is damaged");
  next_ticket_.edit(log) = next;
  for (VersionId type = 0; type < types; ++type) {
    const Turnover turnover{reader.get<std::uint64_t>(), reader.get<Time>()};
    if (turnover.mean < 0 || (turnover.ended == 0 && turnover.mean != 0))
      return corrupt("the record of what is pending is damaged");
    set(log, type, turnover);
  }
  return reader.complete() ? Status{} : Status{corrupt("the record of what is pending is damaged")};
}

std::size_t Waiting::bytes() const {
  std::size_t total = rows_.bytes() + heap_.bytes() + turnover_.bytes();
  for (const auto& queue : queues_) total += queue ? queue->bytes() : 0;
  return total;
}

}  // namespace apportion
