#include "apportion/allocator/group_readers.hpp"

#include <algorithm>
#include <limits>

namespace apportion {
namespace {

// What the groups are that an expression reads.
void add_arguments(const CompiledFilter& filter, std::vector<CompiledFilter>& arguments) {
  for (Program& argument : filter.program.arguments(Read::kGroup))
    arguments.push_back({std::move(argument), filter.bindings});
}

std::vector<CompiledFilter> group_arguments(const VersionPlan& plan) {
  std::vector<CompiledFilter> arguments;
  if (!plan.reads(Read::kGroup)) return arguments;
  add_arguments(plan.policy->score, arguments);
  if (plan.policy->where) add_arguments(*plan.policy->where, arguments);
  if (plan.where) add_arguments(*plan.where, arguments);
  return arguments;
}

// A group that is the candidate's own, and stays the same until something is said of the candidate.
bool names_own_group(const CompiledFilter& argument) {
  const ReadSet& reads = argument.program.reads();
  return !argument.program.uniform() && !reads.has(Read::kGroup) &&
         std::ranges::none_of(reads.refs,
                              [&](const Ref& ref) { return changes_by_itself(argument.bindings[ref.id].column); });
}

}  // namespace

bool GroupReaders::followable(const VersionPlan& plan) {
  return std::ranges::all_of(group_arguments(plan), names_own_group);
}

void GroupReaders::find(const Sections& sections, const VersionPlan& plan, const Roster& roster) {
  readers_.clear();
  entries_ = 0;
  crowded_ = false;
  std::vector<std::uint32_t> positions, rows;
  for (std::uint32_t position = 0; position < roster.size(); ++position) {
    if (roster.position(roster.row(position)) != position) continue;  // dead: its row may be another's
    positions.push_back(position);
    rows.push_back(roster.row(position));
  }
  RowSource source(sections.inventory, sections.symbols, sections.catalog, *plan.table, plan.values);
  Scratch scratch;
  std::vector<std::vector<double>> groups;
  for (const CompiledFilter& argument : group_arguments(plan))
    groups.push_back(score_rows(rows, argument, source, scratch));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    for (const std::vector<double>& of : groups) {
      if (!(of[i] > 0 && of[i] <= std::numeric_limits<Symbol>::max())) continue;
      std::vector<std::uint32_t>& readers = readers_[static_cast<Symbol>(of[i])];
      if (!readers.empty() && readers.back() == positions[i]) continue;  // it reads more than one total
      readers.push_back(positions[i]);
      ++entries_;
      crowded_ = crowded_ || readers.size() > kMost;
    }
  }
}

std::span<const std::uint32_t> GroupReaders::of(Symbol group) const {
  const auto found = readers_.find(group);
  return found == readers_.end() ? std::span<const std::uint32_t>() : found->second;
}

std::size_t GroupReaders::bytes() const {
  constexpr std::size_t kPerGroup = 64;  // a list, and what the table of lists takes of it
  return readers_.size() * kPerGroup + entries_ * sizeof(std::uint32_t);
}

}  // namespace apportion
