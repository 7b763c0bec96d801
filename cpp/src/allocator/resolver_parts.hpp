// What the search of the resolver is made of, besides the search. Private to the resolver.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/allocator/matching.hpp"
#include "apportion/allocator/resolver.hpp"
#include "apportion/allocator/tree_quantities.hpp"
#include "continuation.hpp"

namespace apportion {

/// What one need asks for.
struct Ask {
  const TypeVersion* type = nullptr;
  std::uint32_t count = 0;
  std::uint32_t most = 0;  // of a range
  std::uint32_t by = 1;
  std::vector<Steps> amounts;
  Request request;  // for one instance
};

/// Who asks.
struct Asking {
  const Sections& sections;
  const TreeQuantities& quantities;
  const Request& request;
};

/// What a need of `owner`, which is asked for `asked`, asks for. The error's place is a key of the need.
inline Result<Ask> ask_of(const Asking& asking, const TypeVersion& owner, const std::vector<Steps>& asked,
                          const NeedDefinition& need) {
  Ask ask;
  for (const auto& [text, out] :
       {std::pair(&need.count, &ask.count), std::pair(&need.most, &ask.most), std::pair(&need.by, &ask.by)}) {
    if (text->empty() && out != &ask.count) continue;
    const Result<std::uint32_t> number = asking.quantities.count(owner, asked, *text, Resolver::kMaxSlots);
    if (!number) return Error{number.error().code, number.error().message, "count"};
    *out = *number;
  }
  if (ask.count == 0 && ask.most == 0) return ask;
  const TypeVersion* const type = asking.sections.catalog.find_type(need.type);
  if (type == nullptr) return unknown("there is no type '" + need.type + "' yet");
  ask.type = type;
  ask.amounts.resize(type->definition.dimensions.size());
  for (const auto& [name, text] : need.amounts) {
    const auto dimension = std::ranges::find(type->definition.dimensions, name, &DimensionDefinition::name);
    if (dimension == type->definition.dimensions.end()) continue;  // a version since lacks it
    const Result<Steps> steps = asking.quantities.steps(owner, asked, text, dimension->step);
    if (!steps) return Error{steps.error().code, steps.error().message, name};
    ask.amounts[static_cast<std::size_t>(dimension - type->definition.dimensions.begin())] = *steps;
    ask.request.amounts.emplace_back(name, units_decimal(*steps, dimension->step));
  }
  ask.request.type = need.type;
  ask.request.consumer = asking.request.consumer;
  ask.request.labels = asking.request.labels;
  ask.request.ends = asking.request.ends;
  if (need.policy != kTogether) ask.request.policy = need.policy;
  ask.request.where = need.require;
  ask.request.whole = need.whole;
  return ask;
}

/// Slots that have to lie where the one that is being filled lies, or to share a value with it.
struct Companion {
  Ask ask;
  SlotContext context;
  std::string path;
  std::string_view word;  // kInside, or what is the same
  std::string with;       // as people read it
  bool together = false;  // chosen with the one that is being filled
  Index::Prepared* plan = nullptr;
  std::optional<std::uint32_t> most = {};  // that have room where some instance lies which was passed over
  InstanceRef there = {};                  // the first one of these
};

/// The first whose slots have no room where this instance lies, or nullptr.
inline const Companion* first_without_room(Index& index, std::vector<Companion>& companions, InstanceRef instance) {
  for (Companion& companion : companions) {
    std::vector<double> values = index.neighbours().values(instance, companion.word);
    if (companion.word == kInside) values.resize(1);  // its own id comes first
    const std::uint32_t room = index.room(*companion.plan, companion.word, values, companion.ask.count);
    if (room >= companion.ask.count) continue;
    if (!companion.most || room > *companion.most) companion.most = room, companion.there = instance;
    return &companion;
  }
  return nullptr;
}

/// The first need that lies in the slot is the one that its policy sees.
inline void count_parts(const std::vector<Companion>& companions, std::optional<SlotContext>& context) {
  const auto inside = std::ranges::find(companions, kInside, &Companion::word);
  if (inside == companions.end()) return;
  context->parts = inside->plan;
  context->parts_count = inside->ask.count;
  context->parts_together = inside->together;
}

/// Why a range, or all that match, cannot be had; none: it can, as far as each instance by itself tells.
inline std::optional<Stage> too_few(const Matching& found, const NeedDefinition& need, std::uint32_t fewest,
                                    std::uint32_t most) {
  const std::string free = std::to_string(found.free) + " can be had";
  if (!need.all && found.free >= fewest) return std::nullopt;
  if (!need.all) return Stage{"count", "at least " + std::to_string(fewest) + ", " + free, 0, 0};
  const bool many = !need.most.empty() && found.all > most;
  if (!many && fewest <= found.free) return std::nullopt;
  const std::string bound = many ? "at most " + std::to_string(most) + " may match" : free;
  return Stage{"count", "all " + std::to_string(found.all) + " that match, " + bound, 0, 0};
}

/// Keeps the slot that nothing filled when most slots before it were. Thread-compatible; of one search.
class ResolverNotes {
 public:
  /// Both outlive it.
  ResolverNotes(Resolver::Failure& failure, const std::vector<FilledSlot>& slots) : failure_(failure), slots_(slots) {}

  /// Nothing fills the slot; `why`, if some instances do by themselves.
  void fail(const Request& request, const std::optional<SlotContext>& context, const std::string& path,
            std::optional<Stage> why = {}) {
    const std::shared_ptr<const Deferral> deferral = std::exchange(deferral_, nullptr);
    if (optional_ > 0) return;  // what may be missing is not to blame
    if (!failure_.role.empty() && slots_.size() <= failure_.before.size()) return;
    set(failure_, request, context, path);
    failure_.together = std::move(why);
    failure_.deferral = deferral;
  }
  /// As it is asked for now.
  void set(Resolver::Failure& slot, const Request& request, const std::optional<SlotContext>& context,
           const std::string& path) const {
    slot.request = request;
    slot.request.slot = nullptr;
    slot.context = context;
    if (slot.context) slot.context->forget();
    slot.role = path;
    slot.before = slots_;
    slot.together.reset();
    slot.deferral.reset();
  }
  /// Why the slot that fails next is not waited for.
  void set_deferral(std::shared_ptr<const Deferral> deferral) { deferral_ = std::move(deferral); }
  /// Needs that may be missing are being filled: so many more, or fewer.
  void add_optional(int more) { optional_ += more; }

 private:
  Resolver::Failure& failure_;
  const std::vector<FilledSlot>& slots_;
  int optional_ = 0;
  std::shared_ptr<const Deferral> deferral_;
};

/// So many instances that fill a slot are not together anywhere.
inline Stage not_together(std::uint32_t count, const std::string& with) {
  return {"together", std::to_string(count) + " " + with, 0, 0};
}
/// With the place where most are, as far as places were looked at.
inline Stage not_together(const Companion& companion, const Inventory& inventory) {
  std::string with = companion.with;
  if (companion.most && *companion.most > 0)
    with += ", at most " + std::to_string(*companion.most) + " there: '" +
            std::string(inventory.id_of(companion.there)) + "'";
  return not_together(companion.ask.count, with);
}

}  // namespace apportion
