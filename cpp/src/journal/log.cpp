#include "apportion/journal/log.hpp"

#include <algorithm>
#include <array>

namespace apportion {

Change Log::Segment::change(std::uint64_t number) const {
  std::string_view frame = std::string_view(bytes).substr(offsets[number - base_number() - 1]);
  return decode_change(frame).value();
}

void Log::prepare(const State& state) {
  // A segment holds half the limit, so that dropping the older of two leaves at least half of the history.
  if (!segments_.empty() && segments_.back().bytes.size() < limit_bytes_ / 2) return;
  segments_.push_back({state.fork(), {}, {}});
  if (segments_.size() <= 2) return;
  // The memory of the one that goes serves again: pages that were never written cost more than the changes in them.
  // One that a single large update made larger than segments are goes.
  Segment& newest = segments_.back();
  Segment& oldest = segments_.front();
  if (oldest.bytes.capacity() <= limit_bytes_) {
    newest.bytes.swap(oldest.bytes);
    newest.offsets.swap(oldest.offsets);
    newest.bytes.clear();
    newest.offsets.clear();
  }
  segments_.pop_front();
}

void Log::append(const Change& change) {
  Segment& segment = segments_.back();
  segment.offsets.push_back(segment.bytes.size());
  encode_change(change, segment.bytes);
}

void Log::drop_after(std::uint64_t number) {
  Segment& segment = segments_.back();
  while (segment.last_number() > number) {
    segment.bytes.resize(segment.offsets.back());
    segment.offsets.pop_back();
  }
}

std::uint64_t Log::base_number() const { return segments_.empty() ? 0 : segments_.front().base_number(); }

std::uint64_t Log::last_number() const { return segments_.empty() ? 0 : segments_.back().last_number(); }

std::size_t Log::bytes() const {
  std::size_t total = 0;
  for (const Segment& segment : segments_) total += segment.bytes.size();
  return total;
}

const Log::Segment* Log::segment_of(std::uint64_t number) const {
  for (const Segment& segment : segments_) {
    if (number > segment.base_number() && number <= segment.last_number()) return &segment;
  }
  return nullptr;
}

Result<Change> Log::change(std::uint64_t number) const {
  const Segment* segment = segment_of(number);
  if (segment == nullptr) {
    return unknown("change " + std::to_string(number) + " is not kept: the journal holds " +
                   std::to_string(base_number() + 1) + " to " + std::to_string(last_number()));
  }
  return segment->change(number);
}

Result<std::unique_ptr<State>> Log::at(std::uint64_t number) const {
  if (segments_.empty() || number < base_number() || number > last_number()) {
    return unknown("revision " + std::to_string(number) + " is not kept: the oldest is " +
                   std::to_string(base_number()) + ", the newest " + std::to_string(last_number()));
  }
  auto segment = segments_.rbegin();
  while (segment->base_number() > number) ++segment;
  std::unique_ptr<State> state = segment->base->fork();
  // What changes touch lies anywhere in memory: it is asked for a few changes ahead. `held` are those that come.
  constexpr std::uint64_t kFirst = 12, kThen = 6;
  std::array<Change, kFirst + 1> held;
  std::uint64_t read = segment->base_number();
  Transaction log(Transaction::Keep::kForget);
  for (std::uint64_t next = segment->base_number() + 1; next <= number; ++next) {
    for (; read < std::min(next + kFirst, number); state->prefetch(held[read % held.size()], Section::Ahead::kFirst))
      ++read, held[read % held.size()] = segment->change(read);
    if (next + kThen <= number) state->prefetch(held[(next + kThen) % held.size()], Section::Ahead::kThen);
    APPORTION_TRY(state->apply(held[next % held.size()], log));
  }
  return state;
}

std::uint64_t Log::number_at(Time time) const {
  std::uint64_t low = base_number();
  std::uint64_t high = last_number();
  while (low < high) {
    const std::uint64_t middle = low + (high - low + 1) / 2;
    if (segment_of(middle)->change(middle).time <= time) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace apportion
