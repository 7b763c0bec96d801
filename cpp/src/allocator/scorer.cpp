#include "apportion/allocator/scorer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>

#include "apportion/journal/state.hpp"

namespace apportion {
namespace {

constexpr double kOut = std::numeric_limits<double>::quiet_NaN();

bool is_limit(Column column) {
  return column == Column::kUsed || column == Column::kUsedSteps || column == Column::kLimit ||
         column == Column::kLimitSteps;
}

// Of an instance nothing but limits and what is used or free of them.
bool is_room(Column column) {
  switch (column) {
    case Column::kFree:
    case Column::kFreeSteps:
    case Column::kScaleSteps:
    case Column::kRequest:
    case Column::kRequestSteps:
    case Column::kRequestCount:
      return true;
    default:
      return is_limit(column);
  }
}

bool reads_outside(const ReadSet& reads) {
  return reads.has(Read::kGroup) || reads.has(Read::kConsumer) || reads.has(Read::kTime) || reads.has(Read::kSlot);
}

}  // namespace

Sections Sections::of(const State& state) {
  return {state.section<Symbols>(kSymbolsArea), state.section<Catalog>(kCatalogArea),
          state.section<Inventory>(kInventoryArea), state.section<Ledger>(kLedgerArea)};
}

// The system may have no more threads: then one is enough.
Crew* Workspace::helpers() {
  if (threads_ <= 1 || crew_) return crew_.get();
  try {
    crew_ = std::make_unique<Crew>(static_cast<unsigned>(threads_));
  } catch (const std::system_error&) {
    threads_ = 1;
  }
  return crew_.get();
}

void Workspace::share(std::size_t threads) {
  crew_.reset();
  threads_ = threads;
}

bool VersionPlan::reads(Read read) const {
  return policy->score.program.reads().has(read) || (policy->where && policy->where->program.reads().has(read)) ||
         (where && where->program.reads().has(read));
}

double key_of(double score, const PolicyDefinition& policy) {
  const double counted = policy.quantum > 0 ? std::floor(score / policy.quantum) : score;
  return policy.order == Order::kMax ? -counted : counted;
}

const CompiledPolicy& policy_of(const Sections& sections, Expressions& expressions, const VersionPlan& plan,
                                Symbol own) {
  if (own == 0 || !plan.instances_choose) return *plan.policy;
  // Checked when the instance was written; a policy that was changed since and no longer fits leaves the type's.
  const auto policy = expressions.policy(sections.catalog, plan.version->id, sections.symbols.text(own));
  return policy ? **policy : *plan.policy;
}

Scorer::Scorer(Sections sections, Expressions& expressions, const VersionPlan& plan, Workspace& work,
               const GroupMembers* groups)
    : sections_(sections),
      expressions_(expressions),
      plan_(plan),
      score_{&plan.policy->score, work.scratch},
      work_(work),
      groups_(groups) {
  if (plan.where) filters_.push_back({plan.where.get(), work.scratch});
  if (plan.policy->where) filters_.push_back({&*plan.policy->where, work.scratch});
  room_only_ = true;
  const auto look = [this](const CompiledFilter& filter) {
    for (const Binding& binding : filter.bindings) {
      room_only_ = room_only_ && is_room(binding.column);
      limits_ = limits_ || is_limit(binding.column);
    }
  };
  look(plan.policy->score);
  for (const Running& each : filters_) look(*each.filter);
  begin();
}

void Scorer::begin() {
  source_.emplace(sections_.inventory, sections_.symbols, sections_.catalog, *plan_.table, plan_.values);
  source_->use_members(groups_);
  source_->use_records(work_.records);
  for (Running& filter : filters_) filter.begun = false;
  score_.begun = false;
}

void Scorer::run(Running& running, std::span<const std::uint32_t> rows, const Room& room, double* values) {
  const Program& program = running.filter->program;
  source_->use(running.filter->bindings);
  if (!running.begun) program.begin(*source_, running.scratch);
  running.begun = true;
  const std::size_t count = std::max(rows.size(), room.positions.size());
  for (std::size_t at = 0; at < count; at += kBlockLanes) {
    const std::size_t size = std::min<std::size_t>(kBlockLanes, count - at);
    Room its = room;
    if (!room.positions.empty()) its.positions = room.positions.subspan(at, size);
    source_->set(rows.empty() ? rows : rows.subspan(at, size), its);
    program.evaluate(*source_, static_cast<std::uint32_t>(size), values + at, running.scratch);
  }
}

void Scorer::keep(Running& filter, const Room& room) {
  std::vector<std::uint32_t>& passed = work_.passed;
  std::vector<std::uint32_t>& positions = work_.passed_positions;
  std::vector<std::uint32_t>& from = work_.from;
  std::vector<double>& values = work_.values;
  values.resize(from.size());
  run(filter, passed, {room.free, room.limits, room.width, positions}, values.data());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 1.0) continue;
    if (!passed.empty()) passed[kept] = passed[i];
    if (!positions.empty()) positions[kept] = positions[i];
    from[kept++] = from[i];
  }
  if (!passed.empty()) passed.resize(kept);
  if (!positions.empty()) positions.resize(kept);
  from.resize(kept);
}

bool Scorer::own_policies(std::span<const std::uint32_t> rows) const {
  return plan_.instances_choose &&
         std::ranges::any_of(rows, [this](std::uint32_t row) { return plan_.table->policy[row] != 0; });
}

void Scorer::keys(std::span<const std::uint32_t> rows, double* keys, bool own, const Room& room) {
  if (own && own_policies(rows)) return own_keys(rows, keys);
  const PolicyDefinition& policy = plan_.policy->definition;
  const std::size_t count = std::max(rows.size(), room.positions.size());
  if (filters_.empty()) {
    run(score_, rows, room, keys);
    for (std::size_t i = 0; i < count; ++i) keys[i] = key_of(keys[i], policy);
    return;
  }
  work_.passed.assign(rows.begin(), rows.end());
  work_.passed_positions.assign(room.positions.begin(), room.positions.end());
  work_.from.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) work_.from[i] = i;
  for (Running& filter : filters_) {
    if (!work_.from.empty()) keep(filter, room);
  }
  std::fill_n(keys, count, kOut);
  if (work_.from.empty()) return;
  work_.values.resize(work_.from.size());
  run(score_, work_.passed, {room.free, room.limits, room.width, work_.passed_positions}, work_.values.data());
  for (std::size_t i = 0; i < work_.from.size(); ++i) keys[work_.from[i]] = key_of(work_.values[i], policy);
}

// Rare: each row by itself, with the policy that it names.
void Scorer::own_keys(std::span<const std::uint32_t> rows, double* keys) {
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, *plan_.table, plan_.values);
  source.use_members(groups_);
  Scratch scratch;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const CompiledPolicy& policy = policy_of(sections_, expressions_, plan_, plan_.table->policy[rows[i]]);
    if (&policy != plan_.policy.get()) {
      unsteady_ = unsteady_ || reads_outside(policy.score.program.reads()) ||
                  (policy.where && reads_outside(policy.where->program.reads()));
    }
    const auto holds = [&](const CompiledFilter& filter) {
      return score_rows(rows.subspan(i, 1), filter, source, scratch).front() == 1.0;
    };
    const bool in = (!plan_.where || holds(*plan_.where)) && (!policy.where || holds(*policy.where));
    keys[i] =
        in ? key_of(score_rows(rows.subspan(i, 1), policy.score, source, scratch).front(), policy.definition) : kOut;
  }
}

std::size_t Scorer::bytes() const {
  std::size_t total = score_.scratch.bytes() + source_->bytes();
  for (const Running& filter : filters_) total += sizeof filter + filter.scratch.bytes();
  return total;
}

std::optional<double> Scorer::constant() {
  if (!filters_.empty() || !score_.filter->program.uniform()) return std::nullopt;
  const std::uint32_t any = 0;
  double key = 0;
  run(score_, std::span(&any, 1), {}, &key);
  key = key_of(key, plan_.policy->definition);
  return std::isfinite(key) ? std::optional(key) : std::nullopt;
}

std::vector<double> score_rows(std::span<const std::uint32_t> rows, const CompiledFilter& score, RowSource& source,
                               Scratch& scratch) {
  std::vector<double> scores(rows.size());
  source.use(score.bindings);
  score.program.begin(source, scratch);
  for (std::size_t at = 0; at < rows.size(); at += kBlockLanes) {
    const std::span<const std::uint32_t> block = rows.subspan(at, std::min<std::size_t>(kBlockLanes, rows.size() - at));
    source.set(block);
    score.program.evaluate(source, static_cast<std::uint32_t>(block.size()), scores.data() + at, scratch);
  }
  return scores;
}

std::vector<std::uint32_t> filter_rows(std::span<const std::uint32_t> rows, const CompiledFilter& filter,
                                       RowSource& source, Scratch& scratch) {
  const std::vector<double> holds = score_rows(rows, filter, source, scratch);
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (holds[i] == 1.0) kept.push_back(rows[i]);
  }
  return kept;
}

}  // namespace apportion
