// Invariants: a node's sorts and least amounts are those of the positions below it; positions rise with tickets; a
// position where nobody is has no sorts.
#include "apportion/ledger/waiting_queue.hpp"

#include <algorithm>

namespace apportion {

WaitingQueue::WaitingQueue(std::size_t dimensions)
    : dimensions_(dimensions), levels_(kLevels, RecordVector(sizeof(Head) + dimensions * sizeof(Steps))) {}

std::size_t WaitingQueue::bytes() const {
  std::size_t total = sorts_.bytes();
  for (const RecordVector& level : levels_) total += level.bytes();
  return total;
}

WaitingQueue::Found WaitingQueue::found(std::size_t position) const {
  const Head& entry = head(0, position);
  return {static_cast<std::uint32_t>(position), entry.row, entry.ticket, entry.sort};
}

std::vector<WaitingQueue::Found> WaitingQueue::entries() const {
  std::vector<Found> all;
  for (std::size_t position = 0; position < levels_[0].size(); ++position) {
    if (head(0, position).sorts != 0) all.push_back(found(position));
  }
  return all;
}

void WaitingQueue::add_total(Transaction& log, std::span<const Steps> amounts, int sign) {
  std::array<Steps, kMaxDimensions>& total = total_.edit(log);
  for (std::size_t d = 0; d < amounts.size(); ++d) total[d] += sign * amounts[d];
}

// --- sorts

std::uint32_t WaitingQueue::join(Transaction& log, const std::optional<Sort>& sort) {
  if (!sort) return kNoSort;
  std::uint32_t free = kNoSort;
  for (std::uint32_t i = 0; i < sorts_.size(); ++i) {
    if (sorts_[i].claims == 0) {
      free = std::min(free, i);
    } else if (sorts_[i].sort == *sort) {
      ++sorts_.edit(log, i, &SortRow::claims);
      return i;
    }
  }
  if (free == kNoSort && sorts_.size() < kNoSort) {
    free = static_cast<std::uint32_t>(sorts_.size());
    sorts_.resize(log, sorts_.size() + 1);
  }
  if (free != kNoSort) sorts_.edit(log, free) = {*sort, 1};
  return free;
}

// --- positions

// Twice as many positions as claims are there before those in use are moved together, so that it costs each claim a
// constant.
std::vector<WaitingQueue::Found> WaitingQueue::make_room(Transaction& log) {
  constexpr std::size_t kFew = 1024;
  if (levels_[0].size() < 2 * std::size_t{size()} + kFew) return {};
  std::vector<Found> all = entries();
  std::vector<std::vector<Steps>> amounts;
  for (const Found& entry : all) {
    const Steps* const held = least(0, entry.position);
    amounts.emplace_back(held, held + dimensions_);
  }
  for (RecordVector& level : levels_) level.resize(log, 0);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].position = static_cast<std::uint32_t>(i);
    put(log, all[i], amounts[i]);
  }
  return all;
}

std::uint32_t WaitingQueue::append(Transaction& log, std::uint32_t row, std::uint64_t ticket,
                                   const std::optional<Sort>& sort, std::span<const Steps> amounts) {
  const Found entry{static_cast<std::uint32_t>(levels_[0].size()), row, ticket, join(log, sort)};
  put(log, entry, amounts);
  ++live_.edit(log);
  add_total(log, amounts, 1);
  return entry.position;
}

// At the end.
void WaitingQueue::put(Transaction& log, const Found& entry, std::span<const Steps> amounts) {
  for (std::size_t level = 0, node = entry.position; level < kLevels; ++level, node /= kFan) {
    widen(log, level, node, entry, amounts);
  }
  Head& place = *reinterpret_cast<Head*>(levels_[0].edit(log, entry.position));
  place.ticket = entry.ticket, place.row = entry.row, place.sort = entry.sort;
}

void WaitingQueue::widen(Transaction& log, std::size_t level, std::size_t node, const Found& entry,
                         std::span<const Steps> amounts) {
  if (node >= levels_[level].size()) levels_[level].resize(log, node + 1);
  const std::uint64_t sorts = head(level, node).sorts;
  const std::uint64_t bit = std::uint64_t{1} << entry.sort;
  const Steps* const held = least(level, node);
  bool less = sorts == 0;
  for (std::size_t d = 0; d < amounts.size(); ++d) less = less || amounts[d] < held[d];
  if (!less && (sorts & bit) != 0) return;
  std::byte* const record = levels_[level].edit(log, node);
  reinterpret_cast<Head*>(record)->sorts |= bit;
  Steps* const written = reinterpret_cast<Steps*>(record + sizeof(Head));
  for (std::size_t d = 0; d < amounts.size(); ++d) {
    written[d] = sorts == 0 ? amounts[d] : std::min(written[d], amounts[d]);
  }
}

void WaitingQueue::remove(Transaction& log, std::uint32_t position) {
  const Found entry = found(position);
  if (entry.sort != kNoSort) --sorts_.edit(log, entry.sort, &SortRow::claims);
  const Steps* const held = least(0, position);
  add_total(log, std::span(held, dimensions_), -1);
  --live_.edit(log);
  *reinterpret_cast<Head*>(levels_[0].edit(log, position, 0, sizeof(Head))) = {};
  for (std::size_t level = 1, node = position / kFan; level < kLevels; ++level, node /= kFan) {
    if (!narrow(log, level, node)) return;
  }
}

// What is left of a node when something below it is gone; false when it is the same.
bool WaitingQueue::narrow(Transaction& log, std::size_t level, std::size_t node) {
  std::uint64_t sorts = 0;
  std::array<Steps, kMaxDimensions> amounts;
  amounts.fill(kMaxSteps);
  const std::size_t end = std::min((node + 1) * kFan, levels_[level - 1].size());
  for (std::size_t child = node * kFan; child < end; ++child) {
    const std::uint64_t theirs = head(level - 1, child).sorts;
    if (theirs == 0) continue;
    sorts |= theirs;
    const Steps* const held = least(level - 1, child);
    for (std::size_t d = 0; d < dimensions_; ++d) amounts[d] = std::min(amounts[d], held[d]);
  }
  const auto kept = std::span(amounts).first(dimensions_);
  if (sorts == head(level, node).sorts && std::ranges::equal(kept, std::span(least(level, node), dimensions_)))
    return false;
  std::byte* const record = levels_[level].edit(log, node);
  reinterpret_cast<Head*>(record)->sorts = sorts;
  std::ranges::copy(kept, reinterpret_cast<Steps*>(record + sizeof(Head)));
  return true;
}

// --- the first

bool WaitingQueue::holds(std::size_t level, std::size_t node, std::span<const Steps> room, std::uint64_t passed) const {
  if ((head(level, node).sorts & ~passed) == 0) return false;
  const Steps* const held = least(level, node);
  for (std::size_t d = 0; d < room.size(); ++d) {
    if (held[d] > room[d]) return false;
  }
  return true;
}

std::optional<std::size_t> WaitingQueue::search(std::size_t level, std::size_t node, std::size_t from,
                                                std::span<const Steps> room, std::uint64_t passed) const {
  if (level == 0) return node;
  const std::size_t width = std::size_t{1} << (4 * (level - 1));  // positions below a child
  const std::size_t end = std::min((node + 1) * kFan, levels_[level - 1].size());
  for (std::size_t child = std::max(node * kFan, from / width); child < end; ++child) {
    if (!holds(level - 1, child, room, passed)) continue;
    if (const auto place = search(level - 1, child, from, room, passed)) return place;
  }
  return std::nullopt;
}

std::optional<WaitingQueue::Found> WaitingQueue::first(std::uint32_t from, std::span<const Steps> room,
                                                       std::uint64_t passed) const {
  if (size() == 0 || from >= levels_[0].size()) return std::nullopt;
  std::size_t top = 1;
  while (levels_[top].size() > 1) ++top;
  const auto place = search(top, 0, from, room, passed);
  return place ? std::optional(found(*place)) : std::nullopt;
}

}  // namespace apportion
