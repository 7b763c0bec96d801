#include "sums.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace apportion {
namespace {

constexpr std::int64_t kMaxFactor = std::int64_t{1} << 40;  // 2^53 steps x 2^40 x 2^32 rows stay below 2^127
constexpr std::int64_t kMaxDenominator = 1'000'000'000'000;

std::optional<std::size_t> column_of(const VersionPlan& version, const std::string& dimension) {
  const auto& theirs = version.version->definition.dimensions;
  const auto found = std::ranges::find(theirs, dimension, &DimensionDefinition::name);
  if (found == theirs.end()) return std::nullopt;
  return static_cast<std::size_t>(found - theirs.begin());
}

// Both in lowest terms: gcd of the numerators over lcm of the denominators.
std::optional<Step> common_step(Step a, Step b) {
  const std::int64_t part = b.denominator / std::gcd(a.denominator, b.denominator);
  if (a.denominator > kMaxDenominator / part) return std::nullopt;
  return Step{std::gcd(a.numerator, b.numerator), a.denominator * part};
}

// How many steps of the size `to` one of `from` has; nothing beyond kMaxFactor. REQUIRES: it is a whole number.
std::optional<std::int64_t> factor(Step from, Step to) {
  const Int128 one = Int128{from.numerator} * to.denominator / (Int128{from.denominator} * to.numerator);
  if (one > kMaxFactor) return std::nullopt;
  return static_cast<std::int64_t>(one);
}

// Steps of any version in one size that is common to all; where there is none, in those of the version asked, rounded
// down.
class Measure {
 public:
  Measure(const std::vector<SumPart>& parts, const std::string& dimension, Step asked) : asked_(asked), step_(asked) {
    std::optional<Step> common = asked;
    std::vector<Step> steps{asked};
    for (const SumPart& part : parts) {
      const auto column = column_of(*part.version, dimension);
      if (!column) continue;
      steps.push_back(part.version->version->definition.dimensions[*column].step);
      if (common) common = common_step(*common, steps.back());
    }
    exact_ = common && std::ranges::all_of(steps, [&](Step step) { return factor(step, *common).has_value(); });
    if (exact_) step_ = *common;
  }

  // Counts steps of one size.
  [[nodiscard]] auto counter(Step size) const {
    return [this, size, each = exact_ ? *factor(size, step_) : 0](Steps steps) -> Int128 {
      if (exact_) return Int128{steps} * each;
      const Result<Steps> counted = rescale(steps, size, step_, Rounding::kDown);
      return counted ? *counted : kMaxSteps;
    };
  }
  [[nodiscard]] std::string text(Int128 counted) const {
    if (counted <= kMaxSteps) return units_text(static_cast<Steps>(counted), step_);
    const Int128 coarse = exact_ ? counted / *factor(asked_, step_) : counted;
    return units_text(static_cast<Steps>(std::min<Int128>(coarse, kMaxSteps)), asked_);
  }

 private:
  Step asked_;
  Step step_;
  bool exact_ = false;
};

struct Totals {
  Int128 largest = 0;
  Int128 free = 0;
  Int128 used = 0;
  Int128 limit = 0;
  Int128 capacity = 0;
  std::uint64_t instances = 0;
  std::uint64_t short_of_it = 0;
};

void add(Totals& totals, const SumPart& part, std::size_t column, const Measure& measure, View view) {
  const DimensionColumns& columns = part.version->table->dimensions[column];
  const auto count = measure.counter(part.version->version->definition.dimensions[column].step);
  for (const std::uint32_t row : part.rows) {
    const Steps used = view == View::kEmpty ? 0 : columns.used[row];
    const Steps free = std::max<Steps>(0, columns.limit[row] - used);
    const Int128 counted = count(free);
    totals.largest = std::max(totals.largest, counted);
    totals.free += counted;
    totals.used += count(used);
    totals.limit += count(columns.limit[row]);
    totals.capacity += count(columns.capacity[row]);
    ++totals.instances;
    if (free < part.version->wanted(row)[column]) ++totals.short_of_it;
  }
}

// Of all parts together.
Int128 free_of(const std::vector<SumPart>& parts, const std::string& dimension, const Measure& measure) {
  Int128 free = 0;
  for (const SumPart& part : parts) {
    const auto column = column_of(*part.version, dimension);
    if (!column) continue;
    const DimensionColumns& columns = part.version->table->dimensions[*column];
    const auto count = measure.counter(part.version->version->definition.dimensions[*column].step);
    for (const std::uint32_t row : part.rows) free += count(std::max<Steps>(0, columns.limit[row] - columns.used[row]));
  }
  return free;
}

// What one instance has to give at least, as far as rules of instances do not differ too much to say.
Int128 least_of(const std::vector<SumPart>& parts, const VersionPlan& asked, std::size_t d, const Measure& measure) {
  const DimensionDefinition& dimension = asked.version->definition.dimensions[d];
  std::optional<Int128> least;
  for (const SumPart& part : parts) {
    const auto column = column_of(*part.version, dimension.name);
    if (!column || !part.version->portion.varies(*part.version->table)) continue;
    const auto count = measure.counter(part.version->version->definition.dimensions[*column].step);
    for (const std::uint32_t row : part.rows) {
      const Int128 wanted = count(part.version->wanted(row)[*column]);
      least = std::min(least.value_or(wanted), wanted);
    }
  }
  return least.value_or(measure.counter(dimension.step)(asked.portion.usual()[d]));
}

Totals totals_of(const std::vector<SumPart>& parts, const std::string& dimension, const Measure& measure, View view) {
  Totals totals;
  for (const SumPart& part : parts) {
    if (const auto column = column_of(*part.version, dimension)) add(totals, part, *column, measure, view);
  }
  return totals;
}

}  // namespace

std::vector<BindingSum> binding_sums(const std::vector<SumPart>& parts, const VersionPlan& asked, View view) {
  std::vector<BindingSum> sums;
  for (std::size_t d = 0; d < asked.portion.usual().size(); ++d) {
    if (asked.portion.usual()[d] == 0) continue;
    const DimensionDefinition& dimension = asked.version->definition.dimensions[d];
    const Measure measure(parts, dimension.name, dimension.step);
    const Totals totals = totals_of(parts, dimension.name, measure, view);
    if (totals.instances == 0) continue;
    sums.push_back({dimension.name, dimension.unit, units_text(asked.portion.usual()[d], dimension.step),
                    measure.text(totals.largest), measure.text(totals.free), measure.text(totals.used),
                    measure.text(totals.limit), measure.text(totals.capacity), totals.instances, totals.short_of_it});
  }
  return sums;
}

bool enough_in_sum(const std::vector<SumPart>& parts, const VersionPlan& asked, std::uint32_t count) {
  bool any = false;
  for (std::size_t d = 0; d < asked.portion.usual().size(); ++d) {
    if (asked.portion.usual()[d] == 0) continue;
    const DimensionDefinition& dimension = asked.version->definition.dimensions[d];
    const Measure measure(parts, dimension.name, dimension.step);
    const Int128 free = free_of(parts, dimension.name, measure);
    if (free < least_of(parts, asked, d, measure) * count) return false;
    any = true;
  }
  return any;
}

std::string scarcest(const std::vector<SumPart>& parts, const VersionPlan& asked, View view) {
  std::string name;
  std::uint64_t most = 0;
  for (const DimensionDefinition& dimension : asked.version->definition.dimensions) {
    std::uint64_t lack_it = 0;
    for (const SumPart& part : parts) {
      const std::optional<std::size_t> d = column_of(*part.version, dimension.name);
      if (!d) continue;
      const DimensionColumns& columns = part.version->table->dimensions[*d];
      lack_it += static_cast<std::uint64_t>(std::ranges::count_if(part.rows, [&](std::uint32_t row) {
        const Steps amount = part.version->wanted(row)[*d];
        return amount > 0 && amount > columns.limit[row] - (view == View::kEmpty ? 0 : columns.used[row]);
      }));
    }
    if (lack_it > most) most = lack_it, name = dimension.name;
  }
  return name;
}

}  // namespace apportion
