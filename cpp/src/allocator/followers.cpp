#include "apportion/allocator/followers.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "apportion/base/prefilter.hpp"

namespace apportion {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Bit i is set where bytes[i] == value, i in [0, 32).
std::uint32_t equal_bytes(const std::uint8_t* bytes, std::uint8_t value) {
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7fULL;
  std::uint32_t found = 0;
  for (std::uint32_t at = 0; at < 32; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + at, sizeof word);
    word ^= value * 0x0101010101010101ULL;
    // No byte is zero: so it nearly always is.
    if (~(((word & kLow) + kLow) | word | kLow) == 0) continue;
    for (std::uint32_t i = at; i < at + 8; ++i) found |= bytes[i] == value ? 1U << i : 0U;
  }
  return found;
}

}  // namespace

static_assert(Followers::kBlock < Followers::kEmpty);
static_assert(kPrefilterLanes == 32, "followers are compared by words of so many");

// Every number is taken: twice as many.
void Followers::widen() {
  const std::size_t width = std::max<std::size_t>(kWord, width_ * 2);
  std::vector<std::uint8_t> places(blocks_ * width, kEmpty);
  for (std::size_t block = 0; block < blocks_; ++block)
    std::copy_n(places_.begin() + static_cast<std::ptrdiff_t>(block * width_), width_,
                places.begin() + static_cast<std::ptrdiff_t>(block * width));
  for (std::vector<float>& column : needs_) column.resize(width, -kInfinity);
  waiting_.resize(width);
  awake_.resize(width / kWord);
  taken_.resize(width);
  places_ = std::move(places);
  width_ = width;
}

// Columns that nobody needs are not compared.
void Followers::find_columns() {
  columns_.clear();
  for (std::uint32_t k = 0; k < kMaxColumns; ++k) {
    for (std::size_t f = 0; f < width_; ++f) {
      if (!taken_[f] || needs_[k][f] == kInfinity) continue;
      columns_.push_back(k);
      break;
    }
  }
}

std::uint32_t Followers::join(std::span<const float> least) {
  std::size_t free = static_cast<std::size_t>(std::ranges::find(taken_, false) - taken_.begin());
  if (free == width_) widen();
  columns_.reserve(kMaxColumns);
  for (std::size_t k = 0; k < kMaxColumns; ++k) needs_[k][free] = k < least.size() ? -least[k] : kInfinity;
  taken_[free] = true;
  find_columns();
  const auto follower = static_cast<std::uint32_t>(free);
  reset(follower);
  return follower;
}

void Followers::leave(std::uint32_t follower) {
  sleep(follower);
  taken_[follower] = false;
  find_columns();
}

void Followers::sleep(std::uint32_t follower) {
  std::vector<std::uint32_t>().swap(waiting_[follower]);
  if (!hears(follower)) return;
  awake_[follower / kWord] &= ~(1U << follower % kWord);
  --awake_count_;
}

void Followers::reset(std::uint32_t follower) {
  waiting_[follower].clear();
  for (std::size_t block = 0; block < blocks_; ++block) place(block, follower) = kEmpty;
  if (hears(follower)) return;
  awake_[follower / kWord] |= 1U << follower % kWord;
  ++awake_count_;
}

void Followers::resize(std::size_t blocks) {
  places_.resize(blocks * width_, kEmpty);
  blocks_ = blocks;
}

void Followers::restart() {
  for (std::uint32_t follower = 0; follower < width_; ++follower) sleep(follower);
  places_.clear();
  blocks_ = 0;
}

// What waits is evaluated one by one; more than so many are not worth it, and whoever does not ask costs nothing.
std::size_t Followers::patience() const { return std::max<std::size_t>(256, blocks_); }

void Followers::tell(std::uint32_t follower, std::uint32_t position) {
  std::vector<std::uint32_t>& waiting = waiting_[follower];
  if (!waiting.empty() && waiting.back() == position) return;
  if (waiting.size() >= patience()) return sleep(follower);
  waiting.push_back(position);
}

void Followers::tell(std::uint32_t position, const float* free) {
  std::array<const float*, kMaxColumns> needs;
  std::array<float, kMaxColumns> shown;
  const std::size_t count = columns_.size();
  for (std::size_t i = 0; i < count; ++i) {
    needs[i] = needs_[columns_[i]].data();
    shown[i] = -free[std::size_t{columns_[i]} * kBlock];
  }
  const auto place = static_cast<std::uint8_t>(position % kBlock);
  std::uint8_t* const places = places_.data() + position / kBlock * width_;
  for (std::uint32_t first = 0; first < width_; first += kWord) {
    const std::uint32_t awake = awake_[first / kWord];
    if (awake == 0) continue;
    std::uint32_t takes = awake & prefilter_mask({needs.data(), count}, {shown.data(), count}, first);
    // Whoever cannot take it and had its least key here has lost it.
    for (std::uint32_t lost = equal_bytes(places + first, place) & ~takes; lost != 0; lost &= lost - 1)
      places[first + static_cast<std::uint32_t>(std::countr_zero(lost))] = kStale;
    for (; takes != 0; takes &= takes - 1) tell(first + static_cast<std::uint32_t>(std::countr_zero(takes)), position);
  }
}

std::size_t Followers::bytes() const {
  std::size_t total = places_.capacity() + awake_.capacity() * 4 + columns_.capacity() * 4;
  for (const std::vector<float>& column : needs_) total += column.capacity() * sizeof(float);
  for (const std::vector<std::uint32_t>& waiting : waiting_) total += sizeof waiting + waiting.capacity() * 4;
  return total;
}

}  // namespace apportion
