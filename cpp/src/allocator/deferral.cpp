#include "apportion/allocator/deferral.hpp"

#include <algorithm>

#include "sums.hpp"

namespace apportion {
namespace {

// Of the instances that could serve if nothing were claimed of them; steps of the newest version.
struct Serving {
  std::uint64_t instances = 0;
  std::vector<Steps> largest;
  std::vector<Int128> used;
};

// Steps of one version's dimension in those of the newest; nothing where it lacks the dimension.
class Counted {
 public:
  Counted(const TypeDefinition& newest, const TypeDefinition& version) {
    for (const DimensionDefinition& dimension : newest.dimensions) {
      const auto found = std::ranges::find(version.dimensions, dimension.name, &DimensionDefinition::name);
      const bool has = found != version.dimensions.end();
      columns_.push_back(has ? std::optional(static_cast<std::size_t>(found - version.dimensions.begin()))
                             : std::nullopt);
      from_.push_back(has ? found->step : Step{});
      to_.push_back(dimension.step);
    }
  }

  /// The column of the newest version's dimension.
  [[nodiscard]] std::optional<std::size_t> column(std::size_t dimension) const { return columns_[dimension]; }
  [[nodiscard]] Steps count(std::size_t dimension, Steps steps) const {
    if (from_[dimension] == to_[dimension]) return steps;
    const Result<Steps> counted = rescale(steps, from_[dimension], to_[dimension], Rounding::kDown);
    return counted ? *counted : kMaxSteps;
  }

 private:
  std::vector<std::optional<std::size_t>> columns_;
  std::vector<Step> from_;
  std::vector<Step> to_;
};

// What needs instances that it names is not given to who waits.
bool large_enough(const VersionPlan& version, std::uint32_t row) {
  if (version.table->rare[row].needs != 0) return false;
  const Amounts amounts = version.wanted(row);
  for (std::size_t d = 0; d < amounts.size(); ++d) {
    if (amounts[d] > version.table->dimensions[d].limit[row]) return false;
  }
  return true;
}

Serving serving_of(const std::vector<SumPart>& parts, const VersionPlan& newest) {
  const std::size_t dimensions = newest.values.amounts.size();
  Serving room{0, std::vector<Steps>(dimensions), std::vector<Int128>(dimensions)};
  for (const SumPart& part : parts) {
    const Counted counted(newest.version->definition, part.version->version->definition);
    for (const std::uint32_t row : part.rows) {
      if (!large_enough(*part.version, row)) continue;
      ++room.instances;
      for (std::size_t d = 0; d < dimensions; ++d) {
        if (!counted.column(d)) continue;
        const DimensionColumns& columns = part.version->table->dimensions[*counted.column(d)];
        const Steps free = std::max<Steps>(0, columns.limit[row] - columns.used[row]);
        room.largest[d] = std::max(room.largest[d], counted.count(d, free));
        room.used[d] += counted.count(d, columns.used[row]);
      }
    }
  }
  return room;
}

// What is waited for, over all versions of the type.
std::vector<Int128> queued_for(const Sections& sections, const VersionPlan& newest, std::span<const Steps> ahead) {
  std::vector<Int128> queued(ahead.begin(), ahead.end());
  queued.resize(newest.values.amounts.size());
  for (const TypeVersion* version : sections.catalog.versions_of(newest.version->definition.name)) {
    const WaitingQueue* const queue = sections.ledger.waiting().queue(version->id);
    if (queue == nullptr) continue;
    const Counted counted(newest.version->definition, version->definition);
    for (std::size_t d = 0; d < queued.size(); ++d) {
      if (counted.column(d)) queued[d] += counted.count(d, queue->total()[*counted.column(d)]);
    }
  }
  return queued;
}

// The mean over those that ended and the one that the type supposes.
Time held_for(const Waiting::Turnover& turnover, Time supposed) {
  const auto n = static_cast<Int128>(std::min(turnover.ended, Waiting::Turnover::kRemembered));
  return static_cast<Time>((n * turnover.mean + supposed) / (n + 1));
}

Time wait_for(Int128 lacking, Int128 used, Time held) {
  if (used == 0) return kForever;
  const Int128 wait = (lacking * held + used - 1) / used;  // the steps are below 2^70, the time below 2^53
  return wait >= kForever ? kForever : static_cast<Time>(wait);
}

std::string sentence_of(const Deferral& deferral, const std::string& unit) {
  const std::string times = "claims last " + seconds_text(deferral.held) + " (" + std::to_string(deferral.ended) +
                            (deferral.ended == 1 ? " has" : " have") + " ended)";
  const std::string wait = deferral.expected == kForever ? "nobody holds any that could be released"
                                                         : "expected in " + seconds_text(deferral.expected);
  return "'" + deferral.type + "' is deferrable: " + deferral.dimension + " " + deferral.requested + unit +
         " asked for, " + deferral.queued + " waited for already, " + deferral.largest_free + " free, " +
         deferral.used + " held; " + times + "; " + wait + ", patience " + seconds_text(deferral.patience);
}

}  // namespace

std::string seconds_text(Time time) {
  if (time == kForever) return "for ever";
  return units_text(std::min<Time>(time, kMaxSteps), Step{1, kSecond}) + " s";
}

std::optional<Deferral> expected_wait(const Sections& sections, const Selector& selector, const Plan& plan,
                                      const Lacking& lacking) {
  const VersionPlan& newest = plan.versions.back();
  const TypeDefinition& type = newest.version->definition;
  if (!type.deferrable || plan.request->mark || plan.request->type.empty()) return std::nullopt;
  const Serving room = serving_of(selector.before_capacity(plan), newest);
  if (room.instances < lacking.instances) return std::nullopt;
  const std::vector<Int128> queued = queued_for(sections, newest, lacking.ahead);
  const Waiting::Turnover turnover = sections.ledger.turnover(newest.version->id);
  Deferral deferral;
  deferral.type = type.name;
  deferral.ended = turnover.ended;
  deferral.held = held_for(turnover, type.deferrable->held);
  deferral.patience = lacking.patience.value_or(type.deferrable->patience);
  deferral.expected = -1;
  std::string unit;
  for (std::size_t d = 0; d < type.dimensions.size(); ++d) {
    const Int128 asked = Int128{newest.values.amounts[d]} * lacking.count;
    if (asked == 0) continue;
    const Int128 missing = queued[d] + asked - room.largest[d];
    const Time wait = missing > 0 ? wait_for(missing, room.used[d], deferral.held) : deferral.held;
    if (wait <= deferral.expected) continue;
    const auto text = [&](Int128 steps) {
      return units_text(static_cast<Steps>(std::min<Int128>(steps, kMaxSteps)), type.dimensions[d].step);
    };
    deferral.expected = wait;
    deferral.dimension = type.dimensions[d].name;
    unit = type.dimensions[d].unit.empty() ? "" : " " + type.dimensions[d].unit;
    deferral.requested = text(asked), deferral.queued = text(queued[d]);
    deferral.largest_free = text(room.largest[d]), deferral.used = text(room.used[d]);
  }
  if (deferral.expected < 0) return std::nullopt;  // it asks for nothing
  deferral.deferred = deferral.expected <= deferral.patience;
  deferral.message = sentence_of(deferral, unit);
  return deferral;
}

Node to_node(const Deferral& deferral) {
  const auto seconds = [](Time time) {
    return time == kForever ? Node() : Node(units_decimal(time, Step{1, kSecond}));
  };
  return Node::Map{{"deferred", deferral.deferred},
                   {"type", deferral.type},
                   {"dimension", deferral.dimension},
                   {"requested", deferral.requested},
                   {"queued", deferral.queued},
                   {"largest_free", deferral.largest_free},
                   {"used", deferral.used},
                   {"ended", static_cast<std::int64_t>(deferral.ended)},
                   {"held_s", seconds(deferral.held)},
                   {"expected_s", seconds(deferral.expected)},
                   {"patience_s", seconds(deferral.patience)},
                   {"message", deferral.message}};
}

}  // namespace apportion
