// Invariants after catch_up, per block: tree_[block] is not above any candidate's key. Where place_[block] is kEmpty
// there is no candidate; where it is not kStale either, the least key is there and place_ says which candidate has it
// first (last_wins_: last).
#include "apportion/allocator/shape.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace apportion {
namespace {

constexpr std::uint32_t kBlock = Roster::kBlock;
// Positions that a scan or a build looks at in one go.
constexpr std::uint32_t kStride = 4096;

}  // namespace

TieRule TieRule::of(const PolicyDefinition& policy, std::uint64_t cursor, std::uint64_t number) {
  return {policy.ties, cursor, policy.ties == Ties::kSeeded ? mix64(policy.seed, number) : 0};
}

std::uint64_t TieRule::rank(std::uint64_t ordinal) const {
  switch (ties) {
    case Ties::kHighestId:
      return ~ordinal;
    case Ties::kRotating:
      return ordinal - cursor - 1;  // the first ordinal after the cursor comes first, by wrapping subtraction
    case Ties::kSeeded:
      return mix64(seed, ordinal);
    default:
      return ordinal;
  }
}

Shape::Shape(Sections sections, Expressions& expressions, const VersionPlan& plan, Roster& roster, Workspace& work)
    : sections_(sections),
      plan_(plan),
      roster_(roster),
      scorer_(sections, expressions, plan, work),
      last_wins_(plan.policy->definition.ties == Ties::kHighestId),
      reads_scale_(reads_scale()),
      positions_(work.positions),
      rows_(work.rows),
      keys_(work.keys) {
  for (const TypeVersion* version : sections.catalog.versions_of(plan.version->definition.name))
    siblings_.push_back(version->id);
  refresh_uniform();
}

bool Shape::reads_scale() const {
  const auto reads = [](const CompiledFilter& filter) {
    return std::ranges::any_of(filter.bindings, [](const Binding& b) { return b.column == Column::kScaleSteps; });
  };
  return plan_.instances_choose || reads(plan_.policy->score) || (plan_.policy->where && reads(*plan_.policy->where)) ||
         (plan_.where && reads(*plan_.where));
}

// What an expression reads once for all candidates and yet depends on the state: the type's largest capacities.
std::uint64_t Shape::fingerprint() const {
  std::uint64_t sum = 1;
  if (!reads_scale_) return sum;
  for (const VersionId id : siblings_) {
    const InstanceTable* table = sections_.inventory.table(id);
    if (table == nullptr) continue;
    for (const DimensionColumns& d : table->dimensions) {
      sum = mix64(sum, static_cast<std::uint64_t>(d.largest.get().steps));
    }
  }
  return sum;
}

// The fingerprint is never 0 once it was taken.
void Shape::refresh_uniform() {
  const std::uint64_t uniform = fingerprint();
  if (uniform == uniform_ && symbols_ == sections_.symbols.count()) return;
  if (uniform != uniform_) generation_ = 0;
  uniform_ = uniform;
  symbols_ = sections_.symbols.count();
  scorer_.begin();
  needs_ = roster_.needs(plan_.values.amounts);
  constant_ = scorer_.constant();
}

bool Shape::catch_up() {
  refresh_uniform();
  const TouchLog& touched = plan_.table->touched;
  const std::uint64_t pending = touched.end() - seen_;
  const bool anew = generation_ != roster_.generation() || !touched.reaches(seen_) ||
                    pending > std::max<std::uint64_t>(std::min(1024U, roster_.size() / 2), roster_.size() / 8);
  anew ? build() : follow(touched.end());
  return !infinite_ && !scorer_.unsteady();
}

void Shape::evaluate(const std::vector<std::uint32_t>& positions) {
  keys_.resize(positions.size());
  const bool own = plan_.instances_choose && roster_.own_policies();
  if (constant_ && !own) return static_cast<void>(std::ranges::fill(keys_, *constant_));
  rows_.clear();
  for (const std::uint32_t position : positions) rows_.push_back(roster_.row(position));
  if (!rows_.empty()) scorer_.keys(rows_, keys_.data());
  infinite_ = infinite_ || std::ranges::find(keys_, MinTree::kNothing) != keys_.end();
}

// Those of a stride, in positions_.
void Shape::find_candidates(std::uint32_t first) {
  positions_.clear();
  roster_.fitting(first, kStride, needs_, positions_);
  if (masks_.empty()) return;
  std::erase_if(positions_, [this](std::uint32_t p) { return (hidden(p / kBlock) >> p % kBlock & 1U) != 0; });
}

void Shape::build() {
  ++counts_.builds;
  generation_ = roster_.generation();
  seen_ = plan_.table->touched.end();
  dead_seen_ = roster_.dead().size();
  tree_ = MinTree(roster_.blocks());
  place_.assign(roster_.blocks(), kEmpty);
  needs_ = roster_.needs(plan_.values.amounts);
  for (Hidden& each : hidden_) each.bound = -MinTree::kNothing;  // it may have been written since
  for (std::uint32_t first = 0; first < roster_.size(); first += kStride) {
    find_candidates(first);
    evaluate(positions_);
    for (std::size_t i = 0; i < positions_.size(); ++i) take(positions_[i], keys_[i]);
  }
}

// The present key of a candidate; NaN: it is none.
void Shape::take(std::uint32_t position, double key) {
  if (std::isnan(key)) return leave(position);
  const Block block = position / kBlock;
  const auto place = static_cast<std::uint8_t>(position % kBlock);
  const double least = tree_[block];
  std::uint8_t& held = place_[block];
  if (key < least) {
    tree_.set(block, key);
    held = place;
  } else if (key == least && held != kStale) {
    if (last_wins_ ? place > held : place < held) held = place;
  } else if (held == place) {
    held = kStale;  // it rose
  }
}

// Most rows that are written fit nothing: then the place in the block is all that is looked at.
void Shape::leave(std::uint32_t position) {
  std::uint8_t& held = place_[position / kBlock];
  if (held == position % kBlock) held = kStale;
}

void Shape::follow(std::uint64_t end) {
  if (tree_.size() < roster_.blocks()) {
    tree_.resize(roster_.blocks());
    place_.resize(roster_.blocks(), kEmpty);
  }
  follow_dead();
  const TouchLog& touched = plan_.table->touched;
  const float* const scarcest = roster_.column(needs_.columns.front());
  const float least = needs_.least.front();
  positions_.clear();
  for (; seen_ < end; ++seen_) {
    const std::uint32_t position = roster_.position(touched[seen_]);
    if (position == Roster::kNone) continue;
    if (!masks_.empty() && (hidden(position / kBlock) >> position % kBlock & 1U) != 0) {
      follow_hidden(position);
    } else if (scarcest[position] < least || !roster_.fits(position, needs_)) {
      leave(position);
    } else if (positions_.empty() || positions_.back() != position) {
      positions_.push_back(position);
    }
  }
  if (positions_.empty()) return;
  evaluate(positions_);
  counts_.rows += positions_.size();
  for (std::size_t i = 0; i < positions_.size(); ++i) take(positions_[i], keys_[i]);
}

// What was known of it no longer bounds it. The one hidden last is the likeliest.
void Shape::follow_hidden(std::uint32_t position) {
  const auto is_it = [&](const Hidden& each) { return each.position == position; };
  std::find_if(hidden_.rbegin(), hidden_.rend(), is_it)->bound = -MinTree::kNothing;
  leave(position);
}

void Shape::follow_dead() {
  for (; dead_seen_ < roster_.dead().size(); ++dead_seen_) leave(roster_.dead()[dead_seen_]);
}

// Leaves the block's candidates and their keys in positions_ and keys_.
void Shape::evaluate(Block block) {
  positions_.clear();
  for (std::uint32_t mask = roster_.fitting(block, needs_) & ~hidden(block); mask != 0; mask &= mask - 1) {
    positions_.push_back(block * kBlock + static_cast<std::uint32_t>(std::countr_zero(mask)));
  }
  evaluate(positions_);
  ++counts_.blocks;
}

void Shape::refresh(Block block) {
  evaluate(block);
  double least = MinTree::kNothing;
  for (std::size_t i = 0; i < positions_.size(); ++i) {
    if (!(keys_[i] < least || (last_wins_ && keys_[i] == least))) continue;
    least = keys_[i];
    place_[block] = static_cast<std::uint8_t>(positions_[i] % kBlock);
  }
  if (least == MinTree::kNothing) place_[block] = kEmpty;
  tree_.set(block, least);
}

// Until the least key of all is no mere bound. The first block in line, or the last, is then exact.
void Shape::settle() {
  for (;;) {
    const double least = tree_.least();
    if (least == MinTree::kNothing) return;
    const std::size_t block = last_wins_ ? tree_.last(least) : tree_.first(least);
    if (place_[block] != kStale) return;
    refresh(static_cast<Block>(block));
  }
}

std::optional<Shape::Choice> Shape::best(const TieRule& rule) {
  settle();
  const double key = tree_.least();
  if (key == MinTree::kNothing) return std::nullopt;
  if (rule.ties == Ties::kRotating) {
    const std::optional<Choice> found = next_in_turn(key, roster_.after(rule.cursor));
    return found ? found : next_in_turn(key, 0);
  }
  if (rule.ties == Ties::kSeeded) return least_rank(key, rule);
  const std::size_t block = last_wins_ ? tree_.last(key) : tree_.first(key);
  return Choice{static_cast<std::uint32_t>(block) * kBlock + place_[block], key};
}

// The first position at or after `from` with the least key.
std::optional<Shape::Choice> Shape::next_in_turn(double key, std::uint32_t from) {
  for (std::size_t block = tree_.first(key, from / kBlock); block != MinTree::kNone;
       block = tree_.first(key, block + 1)) {
    refresh(static_cast<Block>(block));
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      if (keys_[i] == key && positions_[i] >= from) return Choice{positions_[i], key};
    }
  }
  return std::nullopt;
}

std::optional<Shape::Choice> Shape::least_rank(double key, const TieRule& rule) {
  std::optional<Choice> least;
  std::uint64_t rank = 0;
  for (std::size_t block = tree_.first(key); block != MinTree::kNone; block = tree_.first(key, block + 1)) {
    refresh(static_cast<Block>(block));
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      const std::uint64_t its = rule.rank(roster_.ordinal(positions_[i]));
      if (keys_[i] != key || (least && its >= rank)) continue;
      least = Choice{positions_[i], key};
      rank = its;
    }
  }
  return least;
}

std::optional<Shape::Choice> Shape::scan(const TieRule& rule) {
  scorer_.begin();
  refresh_uniform();
  constant_ = scorer_.constant();  // it may read the time
  std::optional<Choice> least;
  std::uint64_t rank = 0;
  for (std::uint32_t first = 0; first < roster_.size(); first += kStride) {
    find_candidates(first);
    evaluate(positions_);
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      if (std::isnan(keys_[i]) || (least && keys_[i] > least->key)) continue;
      const std::uint64_t its = rule.rank(roster_.ordinal(positions_[i]));
      if (least && keys_[i] == least->key && its >= rank) continue;
      least = Choice{positions_[i], keys_[i]};
      rank = its;
    }
  }
  return least;
}

void Shape::hide(std::uint32_t position) {
  const Block block = position / kBlock;
  masks_.resize(roster_.blocks());
  masks_[block] |= 1U << position % kBlock;
  const bool indexed = block < tree_.size();
  hidden_.push_back({position, indexed ? tree_[block] : MinTree::kNothing});
  if (indexed && tree_[block] != MinTree::kNothing) place_[block] = kStale;
}

void Shape::unhide() {
  for (; !hidden_.empty(); hidden_.pop_back()) {
    const auto [position, bound] = hidden_.back();
    const Block block = position / kBlock;
    if (block >= tree_.size() || bound == MinTree::kNothing) continue;
    tree_.set(block, std::min(tree_[block], bound));
    place_[block] = kStale;
  }
  masks_.clear();
}

// The leaves, a fifteenth of them above, and a place each.
std::size_t Shape::bytes() const {
  constexpr std::size_t kPerBlock = sizeof(double) + 1 + sizeof(std::uint8_t);
  return sizeof(*this) + scorer_.bytes() + std::size_t{roster_.blocks()} * kPerBlock;
}

}  // namespace apportion
