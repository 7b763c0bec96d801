// Invariants: a float column never shows less than the exact number, so what it refuses is refused for good; whole
// numbers up to 2^24 are exact in it. Dead and padding positions show kNothing everywhere.
#include "apportion/allocator/roster.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "apportion/base/prefilter.hpp"

namespace apportion {
namespace {

static_assert(Roster::kBlock == Room::kBlock, "scores read what is free by this");
constexpr float kNothing = -1;
constexpr Steps kExact = Steps{1} << 24;

float at_least(Steps steps) {
  const auto rounded = static_cast<float>(steps);
  return static_cast<double>(rounded) < static_cast<double>(steps)
             ? std::nextafter(rounded, std::numeric_limits<float>::max())
             : rounded;
}

float at_most(Steps steps) {
  const auto rounded = static_cast<float>(steps);
  return static_cast<double>(rounded) > static_cast<double>(steps) ? std::nextafter(rounded, 0.0F) : rounded;
}

}  // namespace

void Roster::catch_up(const Symbols& symbols) {
  if (symbols_ != symbols.count()) {
    rules_.emplace(type_, symbols);
    symbols_ = symbols.count();
  }
  const TouchLog& touched = table_.touched;
  if (!whole_ || !touched.reaches(seen_)) return read_all();
  whole_ = false;
  while (seen_ < touched.end()) {
    const std::uint64_t at = seen_++;  // before the look at the row: `read_all` goes to the end
    const std::uint32_t row = touched[at];
    if (!touched.claimed(at)) {
      read(row);
    } else if (position(row) != kNone && row < table_.rows()) {
      write(positions_[row]);
    }
  }
  whole_ = true;
  if (dead_ > kBlock && dead_ > size() / 2) read_all();
}

void Roster::read_all() {
  whole_ = false;
  ++generation_;
  seen_ = table_.touched.end();
  dead_ = 0;
  own_policies_ = false;
  rows_.clear();
  ordinals_.clear();
  permitted_.clear();
  positions_.assign(table_.rows(), kNone);
  free_.clear();
  limits_.clear();
  width_ = (static_cast<std::uint32_t>(table_.dimensions.size()) + 1) * kBlock;
  exact_ = true;
  followers_.restart();
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < table_.rows(); ++row) {
    if (table_.exists(row)) rows.push_back(row);
  }
  std::ranges::sort(rows, {}, [this](std::uint32_t row) { return table_.ordinal[row]; });
  for (const std::uint32_t row : rows) append(row);
  whole_ = true;
}

// A row whose ordinal changed holds another instance than before.
void Roster::read(std::uint32_t row) {
  const bool exists = table_.exists(row);
  if (row >= positions_.size()) positions_.resize(row + 1, kNone);
  const std::uint32_t held = positions_[row];
  if (held != kNone && exists && ordinals_[held] == table_.ordinal[row]) return permit(held);
  if (held != kNone) {
    close(held);
    positions_[row] = kNone;
    ++dead_;
  }
  if (!exists) return;
  // An instance that was migrated brings an older ordinal; so may a rollback.
  if (!ordinals_.empty() && table_.ordinal[row] <= ordinals_.back()) return read_all();
  append(row);
}

void Roster::append(std::uint32_t row) {
  const std::uint32_t position = size();
  if (position % kBlock == 0) {
    free_.resize(free_.size() + width_, kNothing);
    followers_.resize(blocks() + 1);
    limits_.resize(std::size_t{blocks() + 1} * kBlock * table_.dimensions.size());
  }
  rows_.push_back(row);
  ordinals_.push_back(table_.ordinal[row]);
  permitted_.push_back(0);
  positions_[row] = position;
  permit(position);
}

void Roster::close(std::uint32_t position) {
  for (std::uint32_t column = 0; column < width_; column += kBlock) free_[cell(position) + column] = kNothing;
  followers_.write(position, &free_[cell(position)]);
}

// Looks at everything that was said of the instance.
void Roster::permit(std::uint32_t position) {
  permitted_[position] = rules_->permits(table_, rows_[position]) ? 1 : 0;
  own_policies_ = own_policies_ || table_.policy[rows_[position]] != 0;
  const std::size_t dimensions = table_.dimensions.size();
  const Steps* const limits = table_.limits(table_.room[rows_[position]]);
  for (std::size_t d = 0; d < dimensions; ++d) {
    limits_[position * dimensions + d] = at_least(limits[d]);
    exact_ = exact_ && limits[d] <= kExact;
  }
  write(position);
}

void Roster::write(std::uint32_t position) {
  const std::byte* const record = table_.room[rows_[position]];
  const std::size_t dimensions = table_.dimensions.size();
  const Steps* const limits = table_.limits(record);
  const Steps* const used = table_.used(record);
  float* const free = free_.data() + cell(position);
  bool over = false;
  for (std::size_t d = 0; d < dimensions; ++d) {
    over = over || used[d] > limits[d];
    free[d * kBlock] = at_least(limits[d] - used[d]);
  }
  const bool open =
      permitted_[position] != 0 && (!type_.max_consumers || table_.consumers[rows_[position]] < *type_.max_consumers);
  free[dimensions * kBlock] = open ? 0 : kNothing;
  if (!open || over) {
    for (std::size_t d = 0; d < dimensions; ++d) free[d * kBlock] = kNothing;
  }
  followers_.write(position, free);
}

std::uint32_t Roster::after(std::uint64_t ordinal) const {
  return static_cast<std::uint32_t>(std::ranges::upper_bound(ordinals_, ordinal) - ordinals_.begin());
}

// The likeliest to be short: judged by a sample of the instances.
Roster::Needs Roster::needs(std::span<const Steps> amounts) const {
  constexpr std::uint32_t kSample = 512;
  Needs needs{{amounts.begin(), amounts.end()}, {}, {}, false};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> passing;
  const std::uint32_t stride = size() / kSample + 1;
  for (std::uint32_t d = 0; d < amounts.size(); ++d) {
    if (amounts[d] <= 0) continue;
    needs.wide = needs.wide || amounts[d] > kExact;
    std::uint32_t pass = 0;
    for (std::uint32_t p = 0; p < size(); p += stride) pass += column(d)[cell(p)] >= at_most(amounts[d]) ? 1 : 0;
    passing.emplace_back(pass, d);
  }
  std::ranges::sort(passing);
  for (const auto& [pass, d] : passing) {
    needs.columns.push_back(d);
    needs.least.push_back(at_most(amounts[d]));
  }
  if (!needs.columns.empty()) return needs;
  needs.columns.push_back(static_cast<std::uint32_t>(table_.dimensions.size()));
  needs.least.push_back(0);
  return needs;
}

Roster::Needs Roster::needs(const Portion& portion) const {
  Needs found = needs(portion.least(table_));
  if (portion.picks(table_)) found.wide = true, found.portion = &portion;
  return found;
}

std::vector<float> Roster::least_by_column(const Needs& needs) const {
  std::vector<float> least(table_.dimensions.size() + 1, -std::numeric_limits<float>::infinity());
  for (std::size_t k = 0; k < needs.columns.size(); ++k) least[needs.columns[k]] = needs.least[k];
  return least;
}

std::uint32_t Roster::fitting(std::uint32_t block, const Needs& needs) const {
  Columns columns;
  std::uint32_t mask = prefilter_mask(columns_of(needs, columns), needs.least, block * width_);
  if (!needs.wide) return mask;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<std::uint32_t>(std::countr_zero(rest));
    if (!fits_exactly(block * kBlock + i, needs)) mask &= ~(1U << i);
  }
  return mask;
}

void Roster::fitting(std::uint32_t first, std::uint32_t limit, const Needs& needs,
                     std::vector<std::uint32_t>& out) const {
  const std::uint32_t count = std::min(limit, size() - std::min(first, size()));
  Columns columns;
  columns_of(needs, columns);
  for (std::size_t k = 0; k < needs.columns.size(); ++k) columns[k] += cell(first);
  const std::size_t held = out.size();
  out.resize(held + count);
  out.resize(held + prefilter(std::span(columns).first(needs.columns.size()), needs.least, count, width_, first,
                              out.data() + held));
  if (needs.wide) std::erase_if(out, [&](std::uint32_t position) { return !fits_exactly(position, needs); });
}

std::span<const float* const> Roster::columns_of(const Needs& needs, Columns& columns) const {
  for (std::size_t k = 0; k < needs.columns.size(); ++k) columns[k] = column(needs.columns[k]);
  return std::span(columns).first(needs.columns.size());
}

std::size_t Roster::bytes() const {
  std::size_t total = rows_.capacity() * 4 + ordinals_.capacity() * 8 + positions_.capacity() * 4 +
                      permitted_.capacity() + followers_.bytes();
  return total + (free_.capacity() + limits_.capacity()) * sizeof(float);
}

}  // namespace apportion
