#include "apportion/allocator/fragmentation.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace apportion {
namespace {

constexpr std::size_t kMostFilters = 64;

Error at(const std::string& place, const Error& error) { return {error.code, error.message, place}; }

Result<std::uint32_t> dimension_of(const TypeDefinition& type, const std::string& name, const std::string& place) {
  const auto found = std::ranges::find(type.dimensions, name, &DimensionDefinition::name);
  if (found == type.dimensions.end())
    return unknown("the type '" + type.name + "' has no dimension '" + name + "'", place);
  return static_cast<std::uint32_t>(found - type.dimensions.begin());
}

// What it reads changes when something is said of the instance, and never else.
bool holds_for_long(const Program& filter, const TypeScope& scope) {
  return std::ranges::all_of(filter.reads().refs, [&](const Ref& ref) {
    return ref.read == Read::kRow && !changes_by_itself(scope.bindings()[ref.id].column);
  });
}

}  // namespace

Result<std::shared_ptr<const Fragmentation>> Fragmentation::compile(const Catalog& catalog, VersionId version,
                                                                    const FragmentationDefinition& definition) {
  using Typical = FragmentationDefinition::Typical;
  auto made = std::make_shared<Fragmentation>();
  const TypeDefinition& type = catalog.version(version).definition;
  const TypeVersion* const parts = catalog.find_type(definition.parts);
  if (parts == nullptr) return unknown("there is no type '" + definition.parts + "'", "parts");
  const Result<std::uint32_t> dimension = dimension_of(parts->definition, definition.dimension, "dimension");
  if (!dimension) return dimension.error();
  made->parts_ = definition.parts;
  made->dimension_ = definition.dimension;
  made->step_ = parts->definition.dimensions[*dimension].step;
  for (const Typical& typical : definition.profile) {
    for (const auto& [name, amount] : typical.amounts) {
      const Result<std::uint32_t> index = dimension_of(type, name, "profile");
      if (!index) return index.error();
      if (std::ranges::find(made->dimensions_, *index) == made->dimensions_.end()) made->dimensions_.push_back(*index);
    }
  }
  // In order of what is asked of parts, so that each sort is counted once.
  std::map<std::pair<Steps, std::uint32_t>, std::vector<const Typical*>> sorts;
  for (const Typical& typical : definition.profile) {
    made->weight_ += typical.weight;
    if (typical.count == 0) {
      made->without_parts_ += typical.weight;
      continue;
    }
    const Result<Steps> part = to_steps(typical.part, made->step_, Rounding::kUp);
    if (!part) return at("profile", part.error());
    sorts[{*part, typical.count}].push_back(&typical);
  }
  std::map<std::string, std::uint64_t> masks{{"", 0}};
  for (auto& [sort, of] : sorts) {
    Group group{sort.first, sort.second, static_cast<std::uint32_t>(made->weights_.size()), 0, 0, false};
    const auto amount_of = [](const Typical* typical) {
      return typical->amounts.empty() ? 0.0 : typical->amounts.front().second.to_double();
    };
    std::ranges::stable_sort(of, {}, amount_of);
    group.sorted = made->dimensions_.size() == 1 &&
                   std::ranges::all_of(of, [](const Typical* typical) { return typical->where.empty(); });
    for (const Typical* const typical : of) {
      if (!masks.contains(typical->where)) {
        if (made->filters_.size() == kMostFilters) return invalid("more than 64 different filters", "profile");
        const TypeScope scope(catalog, type);
        const Result<Program> where = apportion::compile(typical->where, ValueType::kBoolean, scope);
        if (!where) return at("profile", where.error());
        if (!holds_for_long(*where, scope))
          return invalid("a filter of the profile may read nothing but what is said of an instance", "profile");
        masks[typical->where] = std::uint64_t{1} << made->filters_.size();
        made->filters_.push_back({*where, scope.bindings()});
      }
      made->weights_.push_back(typical->weight);
      made->masks_.push_back(masks[typical->where]);
      group.weight += typical->weight;
      made->sums_.push_back(group.weight);
      for (const std::uint32_t d : made->dimensions_) {
        const auto amount =
            std::ranges::find(typical->amounts, type.dimensions[d].name, [](const auto& named) { return named.first; });
        const Result<Steps> steps = amount == typical->amounts.end()
                                        ? Result<Steps>(0)
                                        : to_steps(amount->second, type.dimensions[d].step, Rounding::kUp);
        if (!steps) return at("profile", steps.error());
        made->amounts_.push_back(*steps);
      }
    }
    group.end = static_cast<std::uint32_t>(made->weights_.size());
    made->groups_.push_back(group);
  }
  return std::shared_ptr<const Fragmentation>(std::move(made));
}

Steps Fragmentation::counted(Steps steps, Step step) const {
  if (step == step_) return steps;
  const Result<Steps> rescaled = rescale(steps, step, step_, Rounding::kDown);
  return rescaled ? *rescaled : kMaxSteps;
}

void Fragmentation::count(std::span<const Steps> parts, Counts& counts) const {
  counts.large.assign(groups_.size(), 0);
  counts.small.assign(groups_.size(), 0);
  counts.all = std::accumulate(parts.begin(), parts.end(), Steps{0});
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    for (const Steps part : parts) {
      const bool large = part >= groups_[k].part;
      counts.large[k] += large ? 1 : 0;
      counts.small[k] += large ? 0 : part;
    }
  }
}

void Fragmentation::change(Steps before, Steps after, Counts& counts) const {
  counts.all += after - before;
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    const Steps part = groups_[k].part;
    counts.large[k] -= before >= part && after < part ? 1 : 0;
    counts.small[k] += (after < part ? after : 0) - (before < part ? before : 0);
  }
}

void Fragmentation::fit(std::span<const Steps> free, std::uint64_t admitted, std::vector<std::int64_t>& fitting) const {
  fitting.assign(groups_.size(), 0);
  const std::size_t width = dimensions_.size();
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    if (groups_[k].sorted) {
      std::uint32_t i = groups_[k].end;
      while (i > groups_[k].first && amounts_[i - 1] > free[0]) --i;
      fitting[k] = i == groups_[k].first ? 0 : sums_[i - 1];
      continue;
    }
    for (std::uint32_t i = groups_[k].first; i < groups_[k].end; ++i) {
      bool fits = (masks_[i] & ~admitted) == 0;
      for (std::size_t d = 0; d < width; ++d) fits = fits & (amounts_[i * width + d] <= free[d]);
      fitting[k] += fits ? weights_[i] : 0;
    }
  }
}

Int128 Fragmentation::sum(const Counts& counts, std::span<const std::int64_t> fitting) const {
  Int128 sum = Int128{without_parts_} * counts.all;
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    const std::int64_t of_use = counts.large[k] < groups_[k].count ? 0 : fitting[k];
    sum += Int128{of_use} * counts.small[k] + Int128{groups_[k].weight - of_use} * counts.all;
  }
  return sum;
}

double Fragmentation::units(Int128 weighted) const {
  const double per_step = static_cast<double>(step_.numerator) / static_cast<double>(step_.denominator);
  return static_cast<double>(weighted) / static_cast<double>(weight_) * per_step;
}

}  // namespace apportion
