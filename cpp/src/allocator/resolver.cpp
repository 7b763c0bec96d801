#include "apportion/allocator/resolver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "apportion/allocator/matching.hpp"
#include "apportion/allocator/named_needs.hpp"
#include "resolver_parts.hpp"

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
  // What stands for a type in the tree: an outcome, or an instance that has needs.
  struct Frame {
    const TypeVersion* type;
    std::vector<Steps> asked;
    std::string path;
    InstanceRef instance;  // of an outcome: none
    struct Filled {
      InstanceRef instance;
      const Frame* frame = nullptr;  // of an outcome, or of an instance that has needs
      InstanceRef part;              // chosen together with it
    };
    std::map<std::string_view, Filled> roles;
    Relations relations;
    std::vector<std::pair<std::string, std::vector<double>>> shared = {};  // roles, and the ids of what fills them
  };

  static bool needs_named(const VersionPlan& version) {
    return version.table != nullptr && version.table->needing.get() > 0;
  }

  static std::string name_of(const TypeVersion& type) {
    return type.definition.name + "@" + std::to_string(type.number);
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
    slots_.push_back({asked->instance, taken, path, 0});
    claim_provisionally(*sections_.inventory.table(asked->instance.version), asked->instance.row, taken, log_);
    Frame inner{version.version, asked->amounts, path, asked->instance, {}, {}};
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
    const auto after = [&] {
      notes_.add_optional(-optional);
      const bool done = next();
      notes_.add_optional(optional);
      return done;
    };
    for (std::uint32_t b = 0; b < branches; ++b) {
      notes_.add_optional(optional);
      const bool done = fill(frame, whole.role, {frame.type->id, i, b}, after);
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

  // The error's place is a key of the need.
  Result<Ask> ask(const Frame& frame, const NeedDefinition& need) {
    Ask ask;
    const Result<std::uint32_t> count = quantities_.count(*frame.type, frame.asked, need.count, kMaxSlots);
    if (!count) return Error{count.error().code, count.error().message, "count"};
    ask.count = *count;
    for (const auto& [text, out] : {std::pair(&need.most, &ask.most), std::pair(&need.by, &ask.by)}) {
      if (text->empty()) continue;
      const Result<std::uint32_t> number = quantities_.count(*frame.type, frame.asked, *text, kMaxSlots);
      if (!number) return Error{number.error().code, number.error().message, "count"};
      *out = *number;
    }
    if (ask.count == 0 && ask.most == 0) return ask;
    const TypeVersion* const type = sections_.catalog.find_type(need.type);
    if (type == nullptr) return unknown("there is no type '" + need.type + "' yet");
    ask.type = type;
    ask.amounts.resize(type->definition.dimensions.size());
    for (const auto& [name, text] : need.amounts) {
      const auto dimension = std::ranges::find(type->definition.dimensions, name, &DimensionDefinition::name);
      if (dimension == type->definition.dimensions.end()) continue;  // a version since lacks it
      const Result<Steps> steps = quantities_.steps(*frame.type, frame.asked, text, dimension->step);
      if (!steps) return Error{steps.error().code, steps.error().message, name};
      ask.amounts[static_cast<std::size_t>(dimension - type->definition.dimensions.begin())] = *steps;
      ask.request.amounts.emplace_back(name, units_decimal(*steps, dimension->step));
    }
    ask.request.type = need.type;
    ask.request.consumer = request_.consumer;
    ask.request.labels = request_.labels;
    if (need.policy != kTogether) ask.request.policy = need.policy;
    ask.request.where = need.require;
    ask.request.whole = need.whole;
    return ask;
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
      return in_range(*asked, range ? asked->most : asked->count, [&](std::uint32_t count) {
        return outcomes(&frame, role, type, asked->amounts, path, count, &need, next);
      });
    }
    SlotContext context{.need = ref};
    if (!read_slots(frame, type, need, context)) return false;
    if (range) {
      const std::optional<std::uint32_t> most = most_of(frame, need, *asked, context, path);
      return most && in_range(*asked, *most, [&](std::uint32_t count) {
               return place(&frame, role, asked->request, context, path, count, {}, next);
             });
    }
    return place(&frame, role, asked->request, std::move(context), path, asked->count, {}, next);
  }

  // As many as can be had, from the most downwards.
  template <class Fill>
  bool in_range(const Ask& asked, std::uint32_t most, const Fill& fill) {
    if (most < asked.count) return false;
    const std::uint32_t by = std::max<std::uint32_t>(asked.by, 1);
    const std::size_t before = owner_.found_.size();
    for (std::uint32_t count = asked.count + (most - asked.count) / by * by;; count -= by) {
      if (fill(count)) return true;
      if (count < asked.count + by || owner_.found_.size() > before || stopped() || in_vain()) return false;
    }
  }

  // How many instances the slots of a range can be at most; none, and noted, where these are too few.
  std::optional<std::uint32_t> most_of(const Frame& frame, const NeedDefinition& need, Ask& asked,
                                       const SlotContext& slot, const std::string& path) {
    SlotContext context = slot;
    set_bounds(frame, need, context);
    Request one = asked.request;
    one.slot = &context;
    const Result<Index::Prepared*> plan = owner_.index_.plan(one, now_);
    if (!plan) fail(plan.error(), path);
    if (!plan) return std::nullopt;
    owner_.index_.neighbours().catch_up();
    const Matching found = count_matching(sections_, owner_.expressions_, **plan, owner_.index_.neighbours());
    if (need.all) asked.count = std::max<std::uint32_t>(found.all, 1);
    const std::optional<Stage> why = too_few(found, need, asked.count, asked.most);
    if (why) notes_.fail(one, context, path, why);
    if (why) return std::nullopt;
    return need.all ? asked.count : std::min(asked.most, found.free);
  }

  // What fills roles of the needed type besides.
  void share(const Frame* parent, const NeedDefinition* need, Frame& frame) const {
    if (parent == nullptr || need == nullptr) return;
    for (const auto& [role, path] : need->shares) frame.shared.emplace_back(role, id_of(*parent, path));
  }

  bool outcomes(Frame* parent, std::string_view role, const TypeVersion& type, const std::vector<Steps>& asked,
                const std::string& path, std::uint32_t count, const NeedDefinition* need, const Next& next) {
    if (count == 0) return next();
    if (++depth_ > kMaxSlots) return too_many(path);
    Frame frame{&type, asked, path, {}, {}, {}};
    share(parent, need, frame);
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
    for (const FilledSlot& slot : slots_) request.beside.push_back({slot.instance, slot.amounts});
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
      set_bounds(*parent, *need, *context);
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
    for (;;) {
      for (Companion& companion : companions) {
        const Result<Index::Prepared*> theirs = owner_.index_.plan(companion.ask.request, now_);
        if (!theirs) return fail(theirs.error(), companion.path);
        companion.plan = *theirs;
        companion.plan->number = owner_.options_.number;
      }
      const Result<Index::Prepared*> prepared = owner_.index_.plan(one, now_);
      if (!prepared) return fail(prepared.error(), path);
      Index::Prepared& plan = **prepared;
      plan.number = owner_.options_.number;
      if (context && (!companions.empty() || std::ranges::any_of(plan.versions, needs_named)))
        context->promising = [&promise, &plan](InstanceRef instance) { return promise(instance, plan); };
      if (plan.reads_inside()) count_parts(companions, context);
      if (need != nullptr && count > 1 && !enough_values(plan, *context, count, path)) return false;
      const std::vector<InstanceRef> chosen = owner_.index_.choose(plan, log_, excluded);
      if (chosen.empty()) {
        // A policy that looks inside has no value for who lacks a part: nobody was asked whether it promises one.
        if (lonely == nullptr && plan.reads_inside() && owner_.index_.has_candidates(plan)) {
          const auto inside = std::ranges::find(companions, kInside, &Companion::word);
          if (inside != companions.end()) lonely = &*inside;
        }
        if (missing) {
          notes_.fail(one, context, path, Stage{"needs", *missing, 0, 0});
        } else if (lonely == nullptr) {
          notes_.fail(one, context, path);
        } else {
          notes_.fail(lonely->ask.request, lonely->context, lonely->path,
                      not_together(lonely->ask.count, lonely->with));
        }
        return false;
      }
      const InstanceRef instance = chosen.front();
      const VersionPlan& version = plan.version_of(instance);
      const std::vector<Steps>& steps = version.values.amounts;
      const Amounts taken = version.wanted(instance.row);
      const Transaction::Mark before = log_.mark();
      const std::string own = parent == nullptr ? name_of(*version.version) : path;  // of the root: its own version
      if (owner_.options_.watch == slots_.size()) notes_.set(owner_.watched_, one, context, own);
      slots_.push_back({instance, taken, own, plan.cursor_key});
      claim_provisionally(*sections_.inventory.table(instance.version), instance.row, taken, log_);
      excluded.push_back(instance);
      Frame frame{version.version, steps, own, instance, {}, {}};
      share(parent, need, frame);
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

  // --- where slots may lie

  // None where the slot stayed empty.
  [[nodiscard]] std::vector<double> id_of(const Frame& frame, const std::string& path) const {
    const double id = value_of(frame, path + ".id", ValueType::kString);
    return std::isnan(id) ? std::vector<double>() : std::vector<double>{id};
  }

  void set_bounds(const Frame& frame, const NeedDefinition& need, SlotContext& context) const {
    context.bounds.clear();
    if (!need.on.empty())
      context.bounds.push_back({SlotBound::Kind::kOn, std::string(kInside), id_of(frame, need.on), false});
    if (!need.same_as.empty())
      context.bounds.push_back({SlotBound::Kind::kSame, "id", id_of(frame, need.same_as), false});
    for (const auto& [role, ids] : frame.shared) {
      if (role == frame.type->definition.needs[context.need.need].role)
        context.bounds.push_back({SlotBound::Kind::kSame, "id", ids, false});
    }
    frame.relations.add_bounds(need, context.bounds);
  }

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

  // False, and noted, where so many instances cannot all differ.
  bool enough_values(const Index::Prepared& plan, const SlotContext& context, std::uint32_t count,
                     const std::string& path) {
    for (const SlotBound& bound : context.bounds) {
      if (bound.kind != SlotBound::Kind::kDifferent) continue;
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
        context.values.emplace_back(path, value_of(frame, path, ref.type));
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

  [[nodiscard]] double value_of(const Frame& frame, std::string_view path, ValueType type) const {
    const auto [head, rest] = split_path(path);
    if (head == "parent") return lane_of(sections_, frame.instance, rest, type);
    const auto found = frame.roles.find(head);
    if (found == frame.roles.end()) return std::numeric_limits<double>::quiet_NaN();
    const Frame::Filled& filled = found->second;
    const auto inner = split_path(rest);
    if (filled.frame != nullptr && !inner.second.empty() && filled.frame->roles.contains(inner.first))
      return value_of(*filled.frame, rest, type);
    return lane_of(sections_, filled.instance, rest, type);
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
  std::size_t depth_ = 0;  // outcomes that are open
  std::size_t open_ = 0;   // needs
  std::uint64_t tried_ = 0;
};

Result<std::optional<std::vector<FilledSlot>>> Resolver::resolve(const Request& request, Time now, Transaction& log) {
  failure_ = {};
  found_.clear();
  return Search(*this, request, now, log).run();
}

}  // namespace apportion
