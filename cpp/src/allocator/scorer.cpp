#include "apportion/allocator/scorer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>

#include "apportion/journal/state.hpp"

namespace apportion {
namespace {

constexpr double kOut = std::numeric_limits<double>::quiet_NaN();

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
  begin();
}

void Scorer::begin() {
  source_.emplace(sections_.inventory, sections_.symbols, sections_.catalog, *plan_.table, plan_.values);
  source_->use_members(groups_);
  source_->use_records(work_.records);
  for (Running& filter : filters_) filter.begun = false;
  score_.begun = false;
}

void Scorer::run(Running& running, std::span<const std::uint32_t> rows, double* values) {
  const Program& program = running.filter->program;
  source_->use(running.filter->bindings);
  if (!running.begun) program.begin(*source_, running.scratch);
  running.begun = true;
  for (std::size_t at = 0; at < rows.size(); at += kBlockLanes) {
    const std::span<const std::uint32_t> block = rows.subspan(at, std::min<std::size_t>(kBlockLanes, rows.size() - at));
    source_->set(block);
    program.evaluate(*source_, static_cast<std::uint32_t>(block.size()), values + at, running.scratch);
  }
}

void Scorer::keep(Running& filter) {
  std::vector<std::uint32_t>& passed = work_.passed;
  std::vector<std::uint32_t>& from = work_.from;
  std::vector<double>& values = work_.values;
  values.resize(passed.size());
  run(filter, passed, values.data());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < passed.size(); ++i) {
    if (values[i] != 1.0) continue;
    passed[kept] = passed[i];
    from[kept++] = from[i];
  }
  passed.resize(kept);
  from.resize(kept);
}

bool Scorer::own_policies(std::span<const std::uint32_t> rows) const {
  return plan_.instances_choose &&
         std::ranges::any_of(rows, [this](std::uint32_t row) { return plan_.table->policy[row] != 0; });
}

void Scorer::keys(std::span<const std::uint32_t> rows, double* keys, bool own) {
  if (own && own_policies(rows)) return own_keys(rows, keys);
  const PolicyDefinition& policy = plan_.policy->definition;
  if (filters_.empty()) {
    run(score_, rows, keys);
    for (std::size_t i = 0; i < rows.size(); ++i) keys[i] = key_of(keys[i], policy);
    return;
  }
  work_.passed.assign(rows.begin(), rows.end());
  work_.from.resize(rows.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) work_.from[i] = i;
  for (Running& filter : filters_) keep(filter);
  work_.values.resize(work_.passed.size());
  run(score_, work_.passed, work_.values.data());
  std::fill_n(keys, rows.size(), kOut);
  for (std::size_t i = 0; i < work_.passed.size(); ++i) keys[work_.from[i]] = key_of(work_.values[i], policy);
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
  run(score_, std::span(&any, 1), &key);
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
