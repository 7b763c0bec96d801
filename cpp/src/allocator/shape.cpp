// Invariants after catch_up, per block: tree_[block] is not above any candidate's key. Where place(block) is kEmpty
// there is no candidate; where it is not kStale either, the least key is there and place says which candidate has it
// first (last_wins_: last). While this does not hold, generation_ is 0: whatever fails meanwhile, it is built anew.
#include "apportion/allocator/shape.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <tuple>
#include <utility>

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

bool Shape::indexable(const VersionPlan& plan) {
  return !plan.reads(Read::kTime) && (!plan.reads(Read::kGroup) || GroupReaders::followable(plan));
}

Shape::Shape(Sections sections, Expressions& expressions, const VersionPlan& plan, Roster& roster,
             const GroupMembers& groups, Workspace& work)
    : sections_(sections),
      expressions_(expressions),
      plan_(plan),
      roster_(roster),
      scorer_(sections, expressions, plan, work, plan.reads(Read::kGroup) ? &groups : nullptr),
      groups_(groups),
      grouped_(plan.reads(Read::kGroup)),
      last_wins_(plan.policy->definition.ties == Ties::kHighestId),
      reads_scale_(reads_scale()),
      work_(work),
      positions_(work.positions),
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
  constexpr std::uint64_t kOdd = 0x9fb21c651e98df25ULL;
  std::uint64_t sum = plan_.portion.picks(*plan_.table) ? 2 : 1;  // rules that instances have take part, or not
  if (!reads_scale_) return sum;
  for (const VersionId id : siblings_) {
    const InstanceTable* table = sections_.inventory.table(id);
    if (table == nullptr) continue;
    for (const DimensionColumns& d : table->dimensions) {
      sum = std::rotl(sum ^ static_cast<std::uint64_t>(d.largest.get().steps), 23) * kOdd;
    }
  }
  return sum;
}

// Noted last: what fails before is done again. A text that got its symbol makes a group that reads as empty of one that
// had no totals, and nobody was written.
void Shape::refresh_uniform() {
  const std::uint64_t uniform = fingerprint();
  const Symbol symbols = sections_.symbols.count();
  if (uniform == uniform_ && symbols == symbols_) return;
  if (uniform != uniform_ || grouped_) generation_ = 0;
  scorer_.begin();
  needs_ = roster_.needs(plan_.portion);
  constant_ = scorer_.constant();
  uniform_ = uniform;
  symbols_ = symbols;
}

bool Shape::catch_up() {
  refresh_uniform();
  const bool regrouped = grouped_ && groups_generation_ != groups_.generation();
  const bool anew =
      generation_ != roster_.generation() || regrouped || follower_ == kNobody || !roster_.followers().hears(follower_);
  anew ? build() : follow();
  return !infinite_ && !readers_.crowded() && !scorer_.unsteady();
}

// The keys of the positions that stand in `work`.
void Shape::evaluate(Scorer& scorer, Workspace& work) const {
  const std::size_t count = work.positions.size();
  work.keys.resize(count);
  const bool own = plan_.instances_choose && roster_.own_policies();
  if (constant_ && !own) return static_cast<void>(std::ranges::fill(work.keys, *constant_));
  if (count == 0) return;
  // What the roster shows of them is near; the rows themselves are anywhere.
  // Limits of a few rows are nearer in the records, which claims have just written.
  constexpr std::size_t kMany = 128;
  const bool near = count >= kMany || !scorer.reads_limits();
  const Room room = near ? roster_.room(needs_, work.positions) : Room{};
  work.rows.resize(room.free != nullptr && !own && scorer.reads_room_only() ? 0 : count);
  for (std::size_t i = 0; i < work.rows.size(); ++i) work.rows[i] = roster_.row(work.positions[i]);
  scorer.keys(work.rows, work.keys.data(), own, room);
}

void Shape::evaluate() {
  evaluate(scorer_, work_);
  infinite_ = infinite_ || std::ranges::find(keys_, MinTree::kNothing) != keys_.end();
}

// Those of a stride.
void Shape::find_candidates(std::uint32_t first, std::vector<std::uint32_t>& positions) const {
  positions.clear();
  roster_.fitting(first, kStride, needs_, positions);
  if (masks_.empty()) return;
  std::erase_if(positions, [this](std::uint32_t p) { return (hidden(p / kBlock) >> p % kBlock & 1U) != 0; });
}

void Shape::build() {
  ++counts_.builds;
  generation_ = 0;
  tree_ = MinTree(roster_.blocks(), last_wins_);
  needs_ = roster_.needs(plan_.portion);
  if (follower_ == kNobody) {
    follower_ = roster_.followers().join(roster_.least_by_column(needs_));
  } else {
    roster_.followers().reset(follower_);
  }
  for (Hidden& each : hidden_) each.bound = -MinTree::kNothing;  // it may have been written since
  if (grouped_) find_readers();
  if (readers_.crowded()) return;  // nobody will ask
  for (std::uint32_t first = 0; first < roster_.size(); first += kStride) {
    find_candidates(first, positions_);
    evaluate();
    for (std::size_t i = 0; i < positions_.size(); ++i) take(positions_[i], keys_[i]);
  }
  generation_ = roster_.generation();
}

// The present key of a candidate; NaN: it is none.
void Shape::take(std::uint32_t position, double key) {
  if (std::isnan(key)) return leave(position);
  const Block block = position / kBlock;
  const auto place = static_cast<std::uint8_t>(position % kBlock);
  const double least = tree_[block];
  std::uint8_t& held = this->place(block);
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
  std::uint8_t& held = place(position / kBlock);
  if (held == position % kBlock) held = kStale;
}

void Shape::follow() {
  const std::uint64_t generation = std::exchange(generation_, 0);
  if (tree_.size() < roster_.blocks()) tree_.resize(roster_.blocks());
  positions_.clear();
  if (grouped_) follow_groups();
  std::vector<std::uint32_t>& waiting = roster_.followers().waiting(follower_);
  if (masks_.empty() && !needs_.wide) {
    keep_fitting(waiting);
  } else {
    for (const std::uint32_t position : waiting) meet(position);
  }
  waiting.clear();
  counts_.rows += positions_.size();
  // One evaluation costs less than two, and the blocks that come first are all but sure to be asked for.
  if (!positions_.empty()) evaluate_with_line();
  generation_ = generation;
}

// Those that still fit are evaluated. Who no longer does was told so when it was written.
void Shape::keep_fitting(const std::vector<std::uint32_t>& waiting) {
  const std::size_t held = positions_.size();
  positions_.resize(held + waiting.size());
  std::uint32_t* end = positions_.data() + held;
  for (const std::uint32_t position : waiting) {
    *end = position;
    end += roster_.fits(position, needs_) ? 1 : 0;
  }
  positions_.resize(static_cast<std::size_t>(end - positions_.data()));
}

// A position whose key may have changed: to be evaluated when it fits.
void Shape::meet(std::uint32_t position) {
  if (!masks_.empty() && (hidden(position / kBlock) >> position % kBlock & 1U) != 0) {
    follow_hidden(position);
  } else if (!roster_.fits(position, needs_)) {
    leave(position);
  } else if (positions_.empty() || positions_.back() != position) {
    positions_.push_back(position);
  }
}

void Shape::find_readers() {
  groups_generation_ = groups_.generation();
  changed_seen_ = groups_.changed_end();
  scorer_.begin();  // totals that are kept may be of another time
  readers_.find(sections_, plan_, roster_);
}

// Each group once, however often its members were written.
void Shape::follow_groups() {
  std::vector<Symbol> changed;
  for (const std::uint64_t end = groups_.changed_end(); changed_seen_ < end; ++changed_seen_)
    changed.push_back(groups_.changed(changed_seen_));
  std::ranges::sort(changed);
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  for (const Symbol group : changed) {
    scorer_.forget(group);
    for (const std::uint32_t position : readers_.of(group)) meet(position);
  }
}

// What was known of it no longer bounds it. The one hidden last is the likeliest.
void Shape::follow_hidden(std::uint32_t position) {
  const auto is_it = [&](const Hidden& each) { return each.position == position; };
  std::find_if(hidden_.rbegin(), hidden_.rend(), is_it)->bound = -MinTree::kNothing;
  leave(position);
}

// Appended to positions_.
void Shape::find_candidates_of(Block block) {
  for (std::uint32_t mask = roster_.fitting(block, needs_) & ~hidden(block); mask != 0; mask &= mask - 1) {
    positions_.push_back(block * kBlock + static_cast<std::uint32_t>(std::countr_zero(mask)));
  }
  ++counts_.blocks;
}

// Evaluates what stands in positions_, and with it the blocks that come first as long as their least keys are bounds.
void Shape::evaluate_with_line() {
  constexpr std::size_t kAhead = 3;
  const std::uint64_t generation = std::exchange(generation_, 0);
  std::array<std::pair<Block, std::size_t>, kAhead> line;  // and the end of its candidates in positions_
  const std::size_t pending = positions_.size();
  std::size_t blocks = 0;
  for (; blocks < (constant_ ? 1 : kAhead); ++blocks) {
    const std::optional<Block> next = stale_in_line();
    if (!next) break;
    find_candidates_of(*next);
    line[blocks] = {*next, positions_.size()};
    tree_.set(*next, MinTree::kNothing);  // so that the next one shows
    place(*next) = kEmpty;
  }
  evaluate();
  for (std::size_t i = 0, first = pending; i < blocks; first = line[i++].second)
    set_least(line[i].first, first, line[i].second);
  // Those in a block of the line say nothing that is not known by now.
  for (std::size_t i = 0; i < pending; ++i) take(positions_[i], keys_[i]);
  generation_ = generation;
}

// The block's candidates stand in positions_ in [first, end), and their keys in keys_.
void Shape::set_least(Block block, std::size_t first, std::size_t end) {
  double least = MinTree::kNothing;
  for (std::size_t i = first; i < end; ++i) {
    if (!(keys_[i] < least || (last_wins_ && keys_[i] == least))) continue;
    least = keys_[i];
    place(block) = static_cast<std::uint8_t>(positions_[i] % kBlock);
  }
  if (least == MinTree::kNothing) place(block) = kEmpty;
  tree_.set(block, least);
}

// Leaves the block's candidates and their keys in positions_ and keys_.
void Shape::refresh(Block block) {
  positions_.clear();
  find_candidates_of(block);
  evaluate();
  set_least(block, 0, positions_.size());
}

// The block that comes first, or last, where its least key is a mere bound.
std::optional<Shape::Block> Shape::stale_in_line() {
  if (tree_.least() == MinTree::kNothing) return std::nullopt;
  const auto block = static_cast<Block>(tree_.best());
  return place(block) == kStale ? std::optional(block) : std::nullopt;
}

// Until the least key of all is no mere bound. The first block in line, or the last, is then exact.
void Shape::settle() {
  while (stale_in_line()) {
    positions_.clear();
    evaluate_with_line();
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
  const auto block = static_cast<Block>(tree_.best());
  return Choice{block * kBlock + place(block), key};
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

void Shape::Lead::offer(const Choice& other, std::uint64_t its) {
  if (choice && std::tie(choice->key, rank) <= std::tie(other.key, its)) return;
  choice = other;
  rank = its;
}

// A stride of candidates.
void Shape::look(std::uint32_t first, const TieRule& rule, Scorer& scorer, Workspace& work, Lead& lead) const {
  find_candidates(first, work.positions);
  evaluate(scorer, work);
  for (std::size_t i = 0; i < work.positions.size(); ++i) {
    const double key = work.keys[i];
    if (std::isnan(key) || (lead.choice && key > lead.choice->key)) continue;
    lead.offer({work.positions[i], key}, rule.rank(roster_.ordinal(work.positions[i])));
  }
}

std::optional<Shape::Choice> Shape::scan(const TieRule& rule) {
  scorer_.begin();
  refresh_uniform();
  constant_ = scorer_.constant();  // it may read the time
  Lead lead;
  // Instances with policies of their own ask for expressions that are compiled by and by: one thread's work.
  const bool alone = roster_.size() <= kStride || (plan_.instances_choose && roster_.own_policies());
  Crew* const crew = alone ? nullptr : work_.helpers();
  if (crew == nullptr) {
    for (std::uint32_t first = 0; first < roster_.size(); first += kStride) look(first, rule, scorer_, work_, lead);
    return lead.choice;
  }
  ++counts_.shared_scans;
  const unsigned parts = crew->size();
  std::vector<Lead> leads(parts);
  crew->run([&](unsigned part) {
    Workspace work;
    Scorer scorer(sections_, expressions_, plan_, work, grouped_ ? &groups_ : nullptr);
    for (std::uint64_t first = std::uint64_t{part} * kStride; first < roster_.size(); first += parts * kStride)
      look(static_cast<std::uint32_t>(first), rule, scorer, work, leads[part]);
  });
  for (const Lead& other : leads) {
    if (other.choice) lead.offer(*other.choice, other.rank);
  }
  return lead.choice;
}

void Shape::hide(std::uint32_t position) {
  const Block block = position / kBlock;
  masks_.resize(roster_.blocks());
  masks_[block] |= 1U << position % kBlock;
  const bool indexed = generation_ == roster_.generation();
  hidden_.push_back({position, indexed ? tree_[block] : MinTree::kNothing});
  if (indexed && tree_[block] != MinTree::kNothing) place(block) = kStale;
}

void Shape::unhide() {
  for (; !hidden_.empty(); hidden_.pop_back()) {
    const auto [position, bound] = hidden_.back();
    const Block block = position / kBlock;
    if (generation_ != roster_.generation() || bound == MinTree::kNothing) continue;
    tree_.set(block, std::min(tree_[block], bound));
    place(block) = kStale;
  }
  masks_.clear();
}

// The leaves, a fifteenth of them above, and a place each; and the rows that wait.
std::size_t Shape::bytes() const {
  constexpr std::size_t kPerBlock = sizeof(double) + 1 + sizeof(std::uint8_t);
  const std::size_t waiting = follower_ == kNobody ? 0 : roster_.followers().waiting(follower_).capacity() * 4;
  return sizeof(*this) + scorer_.bytes() + std::size_t{roster_.blocks()} * kPerBlock + readers_.bytes() + waiting;
}

}  // namespace apportion
