#include "apportion/allocator/resolver.hpp"

#include <algorithm>
#include <utility>

#include "apportion/allocator/matching.hpp"
#include "apportion/allocator/named_needs.hpp"
#include "resolver_parts.hpp"
#include "slot_frames.hpp"
#include "tree_frame.hpp"

namespace apportion {
// A search by continuations: each slot is filled, and what comes after it is asked to succeed; where it does not, the
// next instance is tried. What was taken provisionally is rolled back on the way.
class Resolver::Search {
 public:
  Search(Resolver& owner, const Request& request, Time now, Transaction& log)
      : owner_(owner),
        sections_(owner.sections_),
        request_(request),
        now_(now),
        log_(log),
        start_(log.mark()),
        quantities_(sections_, owner.expressions_, request),
        named_(sections_, quantities_),
        notes_(owner.failure_, slots_) {}
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;
  ~Search() { log_.rollback(start_); }

  Result<std::optional<std::vector<FilledSlot>>> run() {
    const Result<Index::Prepared*> prepared = owner_.index_.plan(request_, now_);
    if (!prepared) return prepared.error();
    const VersionPlan& newest = (*prepared)->versions.back();
    const TypeVersion& type = *newest.version;
    const std::vector<Steps> asked = newest.values.amounts;
    const auto found = [this] {
      owner_.found_.push_back(slots_);
      if (!frames_.link(owner_.found_.back())) return too_many_beside();
      return owner_.found_.size() >= owner_.options_.limit;
    };
    if (type.definition.outcome) {
      outcomes(nullptr, {}, type, asked, name_of(type), request_.count, nullptr, found);
    } else {
      Request one = request_;
      one.count = 1;
      const bool needing = std::ranges::any_of((*prepared)->versions, needs_named);
      const auto context = needing ? std::optional(SlotContext{.need = {}, .root = true}) : std::nullopt;
      place(nullptr, {}, one, context, name_of(type), request_.count, {}, found);
    }
    if (error_) return *error_;
    if (owner_.found_.empty()) return std::optional<std::vector<FilledSlot>>();
    return std::optional(owner_.found_.front());
  }

 private:
  using Frame = TreeFrame;

  static bool needs_named(const VersionPlan& version) {
    return version.table != nullptr && version.table->needing.get() > 0;
  }

  bool fail(const Error& error, const std::string& role) {
    if (!error_) error_ = Error{error.code, error.message, role + (error.place.empty() ? "" : "." + error.place)};
    return false;
  }

  [[nodiscard]] bool stopped() const { return error_.has_value() || owner_.failure_.bounded; }

  bool needs(Frame& frame, std::size_t i, const Next& next) {
    if (i >= frame.type->definition.needs.size()) return named(frame, i - frame.type->definition.needs.size(), next);
    return need(frame, static_cast<std::uint32_t>(i), [&, i] { return needs(frame, i + 1, next); });
  }

  // Those of the instance itself, each with the one instance that it names.
  bool named(const Frame& frame, std::size_t i, const Next& next) {
    if (!frame.instance.valid() || i == named_.of(frame.instance).size()) return next();
    const NeedDefinition& need = named_.of(frame.instance)[i];
    const Result<NamedNeeds::Ask> asked = named_.ask(need, *frame.type, frame.asked, request_.consumer);
    if (!asked) return fail(asked.error(), frame.path + "/" + need.instance);
    const std::string path = frame.path + "/" + asked->role;
    if (slots_.size() + depth_ >= kMaxSlots) return too_many(path);
    SlotContext context{.need = {}, .root = true};
    const Symbol id = sections_.symbols.find(need.instance);
    context.bounds.push_back({SlotBound::Kind::kSame, "id", {static_cast<double>(id)}, false});
    Request one = asked->request;
    one.slot = &context;
    one.ends = request_.ends;
    add_beside(one);
    Result<Plan> plan = Planner(sections_, owner_.expressions_, owner_.index_.neighbours()).plan(one, now_);
    if (!plan) return fail(plan.error(), path);
    plan->number = owner_.options_.number;
    const Selector selector(sections_, owner_.expressions_, &owner_.index_.neighbours());
    if (selector.choose(*plan, log_).empty()) {
      notes_.fail(one, context, path);
      return false;
    }
    const VersionPlan& version = plan->version_of(asked->instance);
    const Amounts taken = version.wanted(asked->instance.row);
    const Transaction::Mark before = log_.mark();
    if (owner_.options_.watch == slots_.size()) notes_.set(owner_.watched_, one, context, path);
    slots_.push_back({asked->instance, taken, path, 0, frame.number});
    claim_provisionally(*sections_.inventory.table(asked->instance.version), asked->instance.row, taken, log_);
    Frame inner{version.version, asked->amounts, path, asked->instance, {}, {}, open_list(&frame, slots_.size() - 1)};
    if (needs(inner, 0, [&] { return named(frame, i + 1, next); })) return true;
    slots_.pop_back();
    log_.rollback(before);
    return false;
  }

  bool need(Frame& frame, std::uint32_t i, const Next& next) {
    const NeedDefinition& whole = frame.type->definition.needs[i];
    if (open_ >= kMaxNeeds)
      return fail(invalid("the request's tree has more than " + std::to_string(kMaxNeeds) + " needs"), frame.path);
    ++open_;
    const bool done = need_by_branches(frame, i, whole, next);
    --open_;
    return done;
  }

  bool need_by_branches(Frame& frame, std::uint32_t i, const NeedDefinition& whole, const Next& next) {
    const auto branches = static_cast<std::uint32_t>(std::max<std::size_t>(whole.any_of.size(), 1));
    const int optional = whole.optional ? 1 : 0;
    const std::size_t before = owner_.found_.size();
    // Alternatives are filled at once, if any can be; only then one may be pending.
    const std::uint32_t rounds = owner_.options_.defer && branches > 1 && !whole.optional ? 2 : 1;
    for (std::uint32_t b = 0; b < rounds * branches; ++b) {
      notes_.add_optional(optional);
      const auto after = [&] {
        notes_.add_optional(-optional);
        const bool done = next();
        notes_.add_optional(optional);
        return done;
      };
      const bool done = firmly(whole.optional || b + branches < rounds * branches, after, [&](const Next& then) {
        return fill(frame, whole.role, {frame.type->id, i, b % branches}, then);
      });
      notes_.add_optional(-optional);
      if (done) return true;
      if (stopped() || in_vain()) return false;
    }
    if (!whole.optional || owner_.found_.size() > before) return false;
    frame.roles.erase(whole.role);
    return next();
  }

  // One more choice led nowhere. True when these are too many.
  bool in_vain() {
    if (++tried_ >= owner_.options_.bound) owner_.failure_.bounded = true;
    return owner_.failure_.bounded;
  }

  Result<Ask> ask(const Frame& frame, const NeedDefinition& need) {
    return ask_of({sections_, quantities_, request_}, *frame.type, frame.asked, need);
  }

  bool fill(Frame& frame, const std::string& role, const NeedRef& ref, const Next& next) {
    const NeedDefinition& need = ref.in(frame.type->definition);
    const std::string path = frame.path + "/" + role;
    Result<Ask> asked = ask(frame, need);
    if (!asked) return fail(asked.error(), path);
    if (asked->type == nullptr) return next();
    const TypeVersion& type = *asked->type;
    const bool range = need.all || !need.most.empty();
    if (type.definition.outcome) {
      return in_range(*asked, range ? asked->most : asked->count, next, [&](std::uint32_t count, const Next& then) {
        return outcomes(&frame, role, type, asked->amounts, path, count, &need, then);
      });
    }
    SlotContext context{.need = ref};
    if (!read_slots(frame, type, need, context)) return false;
    if (range) {
      const std::optional<std::uint32_t> most = most_of(frame, need, *asked, context, path);
      const auto filled = [&](std::uint32_t count, const Next& then) {
        return place(&frame, role, asked->request, context, path, count, {}, then);
      };
      return most && firmly(need.all, next, [&](const Next& then) { return in_range(*asked, *most, then, filled); });
    }
    return place(&frame, role, asked->request, std::move(context), path, asked->count, {}, next);
  }

  // As many as can be had, from the most downwards. Only of the fewest some may be pending.
  template <class Fill>
  bool in_range(const Ask& asked, std::uint32_t most, const Next& next, const Fill& fill) {
    if (most < asked.count) return false;
    const std::uint32_t by = std::max<std::uint32_t>(asked.by, 1);
    const std::size_t before = owner_.found_.size();
    for (std::uint32_t count = asked.count + (most - asked.count) / by * by;; count -= by) {
      if (firmly(count > asked.count, next, [&](const Next& then) { return fill(count, then); })) return true;
      if (count < asked.count + by || owner_.found_.size() > before || stopped() || in_vain()) return false;
    }
  }

  // How many instances the slots of a range can be at most; none, and noted, where these are too few.
  std::optional<std::uint32_t> most_of(const Frame& frame, const NeedDefinition& need, Ask& asked,
                                       const SlotContext& slot, const std::string& path) {
    SlotContext context = slot;
    set_bounds(sections_, frame, need, context);
    Request one = asked.request;
    one.slot = &context;
    const Result<Index::Prepared*> plan = owner_.index_.plan(one, now_);
    if (!plan) fail(plan.error(), path);
    if (!plan) return std::nullopt;
    owner_.index_.neighbours().catch_up();
    const Matching found = count_matching(sections_, owner_.expressions_, **plan, owner_.index_.neighbours());
    if (need.all) asked.count = std::max<std::uint32_t>(found.all, 1);
    const bool waits = owner_.options_.defer && !need.all && is_deferrable(*asked.type);
    const std::optional<Stage> why = waits ? std::nullopt : too_few(found, need, asked.count, asked.most);
    if (why) notes_.fail(one, context, path, why);
    if (why) return std::nullopt;
    return need.all ? asked.count : std::min(asked.most, std::max(found.free, waits ? asked.count : 0));
  }

  bool outcomes(Frame* parent, std::string_view role, const TypeVersion& type, const std::vector<Steps>& asked,
                const std::string& path, std::uint32_t count, const NeedDefinition* need, const Next& next) {
    if (count == 0) return next();
    if (++depth_ > kMaxSlots) return too_many(path);
    Frame frame{&type, asked, path, {}, {}, {}, open_list(parent, SlotFrames::kNone)};
    share(sections_, parent, need, frame);
    if (parent != nullptr) parent->roles[role] = {{}, &frame, {}};
    const bool done = needs(frame, 0, [&] { return outcomes(parent, role, type, asked, path, count - 1, need, next); });
    --depth_;
    if (parent != nullptr) parent->roles.erase(role);  // nothing points to a frame that is gone
    return done;
  }

  bool too_many(const std::string& path) {
    return fail(invalid("the request needs more than " + std::to_string(kMaxSlots) + " slots"), path);
  }

  // --- instances

  // What affinities and quotas see besides what is held.
  void add_beside(Request& request) const {
    request.labels = request_.labels;
    if (!sections_.ledger.counts()) return;
    for (const FilledSlot& slot : slots_) {
      if (!slot.pending) request.beside.push_back({slot.instance, slot.amounts});
    }
  }

  // Those that were tried in vain at one place of a need are not tried again at its later ones: the order of a need's
  // instances makes no difference.
  bool place(Frame* parent, std::string_view role, const Request& request, std::optional<SlotContext> context,
             const std::string& path, std::uint32_t count, std::vector<InstanceRef> excluded, const Next& next) {
    if (count == 0) return next();
    if (slots_.size() + depth_ >= kMaxSlots) return too_many(path);
    Request one = request;
    one.slot = context ? &*context : nullptr;
    add_beside(one);
    const NeedDefinition* const need =
        context && !context->root ? &context->need.in(parent->type->definition) : nullptr;
    std::optional<std::string> missing;  // of what the first instance needs that was passed over for it
    std::uint64_t first = 0;             // its ordinal
    std::vector<Companion> companions;
    const Companion* lonely = nullptr;  // the last one for which some instance has no room
    if (need != nullptr) {
      set_bounds(sections_, *parent, *need, *context);
      companions = companions_of(*parent, *context);
      context->forget();
      const auto anchor = need->policy == kTogether ? parent->roles.find(need->on) : parent->roles.end();
      if (anchor != parent->roles.end()) context->preferred = anchor->second.part;
    }
    const auto promise = [&](InstanceRef instance, const Plan& plan) {
      if (const Companion* const without = first_without_room(owner_.index_, companions, instance)) {
        lonely = without;
        return false;
      }
      const VersionPlan& version = plan.version_of(instance);
      if (!needs_named(version) || version.table->rare[instance.row].needs == 0) return true;
      std::optional<std::string> lack = named_.missing(instance, version.values.amounts, request_.consumer);
      const std::uint64_t ordinal = version.table->ordinal[instance.row];
      if (lack && (!missing || ordinal < first)) missing = *lack, first = ordinal;
      return !lack;
    };
    if (context && context->root) context->forget();
    bool tried = false;
    for (;;) {
      if (!plan_companions(companions)) return false;
      const Result<Index::Prepared*> prepared = owner_.index_.plan(one, now_);
      if (!prepared) return fail(prepared.error(), path);
      Index::Prepared& plan = **prepared;
      plan.number = owner_.options_.number;
      if (context && (!companions.empty() || std::ranges::any_of(plan.versions, needs_named)))
        context->promising = [&promise, &plan](InstanceRef instance) { return promise(instance, plan); };
      if (plan.reads_inside()) count_parts(companions, context);
      if (need != nullptr && count > 1 && !enough_values(plan, *context, count, path)) return false;
      const std::vector<InstanceRef> chosen = owner_.index_.choose(plan, log_, excluded);
      if (chosen.empty() && lonely == nullptr && !tried) {
        if (std::optional<FilledSlot> slot = deferred(parent, plan, context, path, count)) {
          slots_.push_back(std::move(*slot));
          const bool done = place(parent, role, request, context, path, count - 1, excluded, next);
          if (!done) slots_.pop_back();
          return done;
        }
      }
      if (chosen.empty()) {
        if (missing) {
          notes_.fail(one, context, path, Stage{"needs", *missing, 0, 0});
        } else if (lonely = lonely_of(lonely, companions, plan); lonely == nullptr) {
          notes_.fail(one, context, path);
        } else {
          notes_.fail(lonely->ask.request, lonely->context, lonely->path, not_together(*lonely, sections_.inventory));
        }
        return false;
      }
      tried = true;
      const InstanceRef instance = chosen.front();
      const VersionPlan& version = plan.version_of(instance);
      const std::vector<Steps>& steps = version.values.amounts;
      const Amounts taken = version.wanted(instance.row);
      const Transaction::Mark before = log_.mark();
      const std::string own = parent == nullptr ? name_of(*version.version) : path;  // of the root: its own version
      if (owner_.options_.watch == slots_.size()) notes_.set(owner_.watched_, one, context, own);
      slots_.push_back({instance, taken, own, plan.cursor_key, number_of(parent)});
      claim_provisionally(*sections_.inventory.table(instance.version), instance.row, taken, log_);
      excluded.push_back(instance);
      Frame frame{version.version, steps, own, instance, {}, {}, open_list(parent, slots_.size() - 1)};
      share(sections_, parent, need, frame);
      const Relations relations = need == nullptr ? Relations() : parent->relations;
      if (need != nullptr) parent->relations.add(*need, owner_.index_.neighbours(), instance);
      if (parent != nullptr) parent->roles[role] = {instance, &frame, plan.part()};
      const auto rest = [&] { return place(parent, role, request, context, path, count - 1, excluded, next); };
      const bool done = needs(frame, 0, rest);
      if (parent != nullptr) parent->roles.erase(role);
      if (done) return true;
      slots_.pop_back();
      log_.rollback(before);
      if (need != nullptr) parent->relations = relations;
      if (stopped() || in_vain()) return false;
    }
  }

  // A policy that looks inside has no value for who lacks a part: then nobody was asked whether it promises one.
  const Companion* lonely_of(const Companion* asked, const std::vector<Companion>& companions,
                             const Index::Prepared& plan) const {
    if (asked != nullptr || !plan.reads_inside() || !owner_.index_.has_candidates(plan)) return asked;
    const auto inside = std::ranges::find(companions, kInside, &Companion::word);
    return inside == companions.end() ? nullptr : &*inside;
  }

  // --- just in time

  static std::size_t number_of(const Frame* frame) { return frame == nullptr ? 0 : frame->number; }
  std::size_t open_list(const Frame* outer, std::size_t slot) {
    return owner_.options_.defer ? frames_.open(number_of(outer), slot) : 0;
  }

  // While `fill` runs, but not in what comes after it, no slot may be pending, if it is `firm`.
  template <class Fill>
  bool firmly(bool firm, const Next& next, const Fill& fill) {
    const std::uint32_t one = firm ? 1 : 0;
    const auto after = [&] {
      firm_ -= one;
      const bool done = next();
      firm_ += one;
      return done;
    };
    firm_ += one;
    const bool done = fill(Next(after));
    firm_ -= one;
    return done;
  }

  // Not one that is to be the same instance as a slot of an outer list: its record knows but its own list.
  std::optional<FilledSlot> deferred(const Frame* parent, const Plan& plan, const std::optional<SlotContext>& context,
                                     const std::string& path, std::uint32_t count) {
    if (!owner_.options_.defer || firm_ > 0 || request_.mark) return std::nullopt;
    const bool of_need = context && !context->root;
    if (of_need && shares_slot(*parent, context->need)) return std::nullopt;
    const Selector selector(sections_, owner_.expressions_, &owner_.index_.neighbours());
    std::shared_ptr<const Deferral> why;
    std::optional<FilledSlot> slot =
        defer_slot(sections_, selector, plan, request_, slots_, {path, number_of(parent), count}, why);
    if (!slot) notes_.set_deferral(std::move(why));
    if (slot && of_need) slot->pending->need = context->need;
    return slot;
  }

  bool too_many_beside() {
    owner_.found_.pop_back();
    const auto pending = std::ranges::find_if(slots_, [](const FilledSlot& slot) { return slot.pending.has_value(); });
    return fail(invalid("a slot that may come later has too many others beside it"), pending->role);
  }

  // --- where slots may lie

  // Needs that depend on where this slot lies, as far as that is certain.
  std::vector<Companion> companions_of(const Frame& frame, const SlotContext& context) {
    std::vector<Companion> companions;
    const std::vector<NeedDefinition>& needs = frame.type->definition.needs;
    const NeedDefinition& whole = needs[context.need.need];
    const bool single = whole.single();
    for (std::uint32_t i = context.need.need; i < needs.size(); ++i) {
      const NeedDefinition& later = needs[i];
      const bool self = i == context.need.need;
      if (later.optional || !later.any_of.empty()) continue;
      const auto add = [&](std::string_view word, std::string with) {
        Result<Ask> asked = ask(frame, later);
        if (!asked || asked->count == 0 || asked->type->definition.outcome) return;
        if (self && asked->count == 1) return;
        if (owner_.options_.defer && is_deferrable(*asked->type)) return;  // it may come later
        asked->request.where.clear();  // it may speak of slots that are not filled yet
        companions.push_back({std::move(*asked), SlotContext{.need = {frame.type->id, i, 0}},
                              frame.path + "/" + later.role, word, std::move(with), later.policy == kTogether});
      };
      if (!self && single && later.on == whole.role) add(kInside, "inside one '" + whole.role + "'");
      for (const SlotBound& bound : context.bounds) {
        if (bound.open && std::ranges::find(later.same, bound.word) != later.same.end())
          add(bound.word, "with one '" + bound.word + "'");
      }
    }
    return companions;
  }

  bool plan_companions(std::vector<Companion>& companions) {
    for (Companion& companion : companions) {
      const Result<Index::Prepared*> plan = owner_.index_.plan(companion.ask.request, now_);
      if (!plan) return fail(plan.error(), companion.path);
      companion.plan = *plan;
      companion.plan->number = owner_.options_.number;
    }
    return true;
  }

  // False, and noted, where so many instances cannot all differ.
  bool enough_values(const Index::Prepared& plan, const SlotContext& context, std::uint32_t count,
                     const std::string& path) {
    for (const SlotBound& bound : context.bounds) {
      if (bound.kind != SlotBound::Kind::kDifferent) continue;
      if (owner_.options_.defer && is_deferrable(*plan.versions.back().version)) continue;
      if (owner_.index_.has_values(plan, bound.word, bound.values, count)) continue;
      notes_.fail(*plan.request, context, path, not_together(count, "that differ in '" + bound.word + "'"));
      return false;
    }
    return true;
  }

  // --- what rules read of other slots

  bool read_slots(const Frame& frame, const TypeVersion& type, const NeedDefinition& need, SlotContext& context) {
    const auto read = [&](const CompiledFilter& rule) {
      for (const Ref& ref : rule.program.reads().refs) {
        if (ref.read != Read::kSlot) continue;
        const std::string& path = rule.bindings[ref.id].name;
        context.values.emplace_back(path, value_of(sections_, frame, path, ref.type));
      }
    };
    const std::string place = frame.path + "/" + need.role;
    if (!need.require.empty()) {
      const auto rule = owner_.expressions_.filter(sections_.catalog, type.id, need.require, &context.need);
      if (!rule) return fail(rule.error(), place);
      read(**rule);
    }
    if (need.prefer.empty()) return true;
    const bool own = !need.policy.empty() && need.policy != kTogether;
    const auto policy = owner_.expressions_.policy(sections_.catalog, type.id,
                                                   own ? need.policy : type.definition.policy, &context.need);
    if (!policy) return fail(policy.error(), place);
    read((*policy)->score);
    return true;
  }

  Resolver& owner_;
  Sections sections_;
  const Request& request_;
  Time now_;
  Transaction& log_;
  Transaction::Mark start_;
  TreeQuantities quantities_;
  NamedNeeds named_;
  std::vector<FilledSlot> slots_;
  ResolverNotes notes_;
  std::optional<Error> error_;
  std::size_t depth_ = 0;   // outcomes that are open
  std::size_t open_ = 0;    // needs
  std::uint32_t firm_ = 0;  // needs of which no slot may be pending that are being filled
  SlotFrames frames_;
  std::uint64_t tried_ = 0;
};

Result<std::optional<std::vector<FilledSlot>>> Resolver::resolve(const Request& request, Time now, Transaction& log) {
  failure_ = {};
  found_.clear();
  return Search(*this, request, now, log).run();
}

}  // namespace apportion
