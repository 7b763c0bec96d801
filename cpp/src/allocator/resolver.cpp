#include "apportion/allocator/resolver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "continuation.hpp"

namespace apportion {
// A search by continuations: each slot is filled, and what comes after it is asked to succeed; where it does not, the
// next instance is tried. What was taken provisionally is rolled back on the way.
class Resolver::Search {
 public:
  Search(Resolver& owner, const Request& request, Time now, Transaction& log)
      : owner_(owner), sections_(owner.sections_), request_(request), now_(now), log_(log), start_(log.mark()) {}
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;
  ~Search() { log_.rollback(start_); }

  Result<std::optional<std::vector<FilledSlot>>> run() {
    const Result<Index::Prepared*> prepared = owner_.index_.plan(request_, now_);
    if (!prepared) return prepared.error();
    const VersionPlan& newest = (*prepared)->versions.back();
    const TypeVersion& type = *newest.version;
    const std::vector<Steps> asked = newest.values.amounts;
    consumer_ = sections_.ledger.consumers().find(request_.consumer);
    const auto found = [this] {
      result_ = slots_;
      return true;
    };
    bool done = false;
    if (type.definition.outcome) {
      done = outcomes(nullptr, {}, type, asked, name_of(type), request_.count, found);
    } else {
      Request one = request_;
      one.count = 1;
      done = place(nullptr, {}, one, std::nullopt, name_of(type), request_.count, {}, found);
    }
    if (error_) return *error_;
    if (!done) return std::optional<std::vector<FilledSlot>>();
    return result_;
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
  };

  // What one need asks for.
  struct Ask {
    const TypeVersion* type = nullptr;
    std::uint32_t count = 0;
    std::vector<Steps> amounts;
    Request request;  // for one instance
  };

  // Slots that have to lie where the one that is being filled lies, or to share a value with it.
  struct Companion {
    Ask ask;
    SlotContext context;
    std::string path;
    std::string_view word;  // kInside, or what is the same
    std::string with;       // as people read it
    bool together = false;  // chosen with the one that is being filled
    Index::Prepared* plan = nullptr;
  };

  // What amounts and counts of a frame's needs read.
  class Quantities : public ExactSource {
   public:
    Quantities(const Search& search, const Frame& frame, const std::vector<Binding>& bindings)
        : search_(search), frame_(frame), bindings_(bindings) {}

    [[nodiscard]] ExactValue read(const Ref& ref) const override {
      const Binding& binding = bindings_[ref.id];
      switch (binding.column) {
        case Column::kRequest: {
          const Step step = frame_.type->definition.dimensions[binding.index].step;
          return Fraction{Int128{frame_.asked[binding.index]} * step.numerator, step.denominator};
        }
        case Column::kRequestCount:
          return Fraction{search_.request_.count, 1};
        case Column::kConsumerId:
          return std::string_view(search_.request_.consumer);
        default:
          return search_.of_consumer(binding, ref.type);
      }
    }

   private:
    const Search& search_;
    const Frame& frame_;
    const std::vector<Binding>& bindings_;
  };

  [[nodiscard]] ExactValue of_consumer(const Binding& binding, ValueType type) const {
    const Consumers& consumers = sections_.ledger.consumers();
    if (consumer_ == Consumers::kNone || consumers.row(consumer_).explicit_ == 0) return {};
    if (binding.column == Column::kConsumerKind) {
      const std::string_view kind = sections_.symbols.text(consumers.row(consumer_).kind);
      return kind.empty() ? ExactValue() : ExactValue(kind);
    }
    for (const Attribute& attribute : consumers.attributes(consumer_)) {
      if (sections_.symbols.text(attribute.name) != binding.name) continue;
      if (attribute.symbolic) return sections_.symbols.text(static_cast<Symbol>(attribute.lane));
      if (type == ValueType::kBoolean) return attribute.lane != 0;
      return exact_value(attribute.lane);
    }
    return {};
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
    if (i == frame.type->definition.needs.size()) return next();
    return need(frame, static_cast<std::uint32_t>(i), [&, i] { return needs(frame, i + 1, next); });
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
    const std::uint32_t optional = whole.optional ? 1 : 0;
    const auto after = [&] {
      optional_ -= optional;
      const bool done = next();
      optional_ += optional;
      return done;
    };
    for (std::uint32_t b = 0; b < branches; ++b) {
      optional_ += optional;
      const bool done = fill(frame, whole.role, {frame.type->id, i, b}, after);
      optional_ -= optional;
      if (done) return true;
      if (stopped() || in_vain()) return false;
    }
    if (!whole.optional) return false;
    frame.roles.erase(whole.role);
    return next();
  }

  // One more choice led nowhere. True when these are too many.
  bool in_vain() {
    if (++tried_ >= owner_.options_.bound) owner_.failure_.bounded = true;
    return owner_.failure_.bounded;
  }

  // The steps or the number that a need asks for.
  template <class Read>
  auto quantity(const Frame& frame, std::string_view text, const Read& read)
      -> decltype(read(std::declval<const QuantityProgram&>(), std::declval<const ExactSource&>())) {
    const auto compiled = owner_.expressions_.quantity(sections_.catalog, frame.type->id, text);
    if (!compiled) return compiled.error();
    return read((*compiled)->program, Quantities(*this, frame, (*compiled)->bindings));
  }

  // The error's place is a key of the need.
  Result<Ask> ask(const Frame& frame, const NeedDefinition& need) {
    Ask ask;
    const Result<std::uint32_t> count = quantity(
        frame, need.count, [](const auto& program, const auto& source) { return program.count(source, kMaxSlots); });
    if (!count) return Error{count.error().code, count.error().message, "count"};
    ask.count = *count;
    if (ask.count == 0) return ask;
    const TypeVersion* const type = sections_.catalog.find_type(need.type);
    if (type == nullptr) return unknown("there is no type '" + need.type + "' yet");
    ask.type = type;
    ask.amounts.resize(type->definition.dimensions.size());
    for (const auto& [name, text] : need.amounts) {
      const auto dimension = std::ranges::find(type->definition.dimensions, name, &DimensionDefinition::name);
      if (dimension == type->definition.dimensions.end()) continue;  // a version since lacks it
      const Result<Steps> steps = quantity(
          frame, text, [&](const auto& program, const auto& source) { return program.steps(source, dimension->step); });
      if (!steps) return Error{steps.error().code, steps.error().message, name};
      ask.amounts[static_cast<std::size_t>(dimension - type->definition.dimensions.begin())] = *steps;
      ask.request.amounts.emplace_back(name, units_decimal(*steps, dimension->step));
    }
    ask.request.type = need.type;
    ask.request.consumer = request_.consumer;
    ask.request.labels = request_.labels;
    if (need.policy != kTogether) ask.request.policy = need.policy;
    ask.request.where = need.require;
    return ask;
  }

  bool fill(Frame& frame, const std::string& role, const NeedRef& ref, const Next& next) {
    const NeedDefinition& need = ref.in(frame.type->definition);
    const std::string path = frame.path + "/" + role;
    const Result<Ask> asked = ask(frame, need);
    if (!asked) return fail(asked.error(), path);
    if (asked->count == 0) return next();
    const TypeVersion& type = *asked->type;
    if (type.definition.outcome) return outcomes(&frame, role, type, asked->amounts, path, asked->count, next);
    SlotContext context{.need = ref};
    if (!read_slots(frame, type, need, context)) return false;
    return place(&frame, role, asked->request, std::move(context), path, asked->count, {}, next);
  }

  // Outcomes: nothing but their needs.
  bool outcomes(Frame* parent, std::string_view role, const TypeVersion& type, const std::vector<Steps>& asked,
                const std::string& path, std::uint32_t count, const Next& next) {
    if (count == 0) return next();
    if (++depth_ > kMaxSlots) return too_many(path);
    Frame frame{&type, asked, path, {}, {}, {}};
    if (parent != nullptr) parent->roles[role] = {{}, &frame, {}};
    const bool done = needs(frame, 0, [&] { return outcomes(parent, role, type, asked, path, count - 1, next); });
    --depth_;
    if (parent != nullptr) parent->roles.erase(role);  // nothing points to a frame that is gone
    return done;
  }

  bool too_many(const std::string& path) {
    return fail(invalid("the request needs more than " + std::to_string(kMaxSlots) + " slots"), path);
  }

  // --- instances

  // Those that were tried in vain at one place of a need are not tried again at its later ones: the order of a need's
  // instances makes no difference.
  bool place(Frame* parent, std::string_view role, const Request& request, std::optional<SlotContext> context,
             const std::string& path, std::uint32_t count, std::vector<InstanceRef> excluded, const Next& next) {
    if (count == 0) return next();
    if (slots_.size() + depth_ >= kMaxSlots) return too_many(path);
    Request one = request;
    one.slot = context ? &*context : nullptr;
    if (sections_.ledger.counts()) {
      for (const FilledSlot& slot : slots_) one.beside.push_back({slot.instance, slot.amounts});
    }
    const NeedDefinition* const need = context ? &context->need.in(parent->type->definition) : nullptr;
    std::vector<Companion> companions;
    const Companion* lonely = nullptr;  // the last one for which some instance has no room
    if (need != nullptr) {
      set_bounds(*parent, *need, *context);
      companions = companions_of(*parent, *context);
      context->forget();
      const auto anchor = need->policy == kTogether ? parent->roles.find(need->on) : parent->roles.end();
      if (anchor != parent->roles.end()) context->preferred = anchor->second.part;
    }
    if (!companions.empty()) {
      context->promising = [&](InstanceRef instance) {
        const Companion* const missing = first_without_room(companions, instance);
        if (missing != nullptr) lonely = missing;
        return missing == nullptr;
      };
    }
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
      if (plan.reads_inside()) count_parts(companions, context);
      if (need != nullptr && count > 1 && !enough_values(plan, *context, count, path)) return false;
      const std::vector<InstanceRef> chosen = owner_.index_.choose(plan, log_, excluded);
      if (chosen.empty()) {
        // A policy that looks inside has no value for who lacks a part: nobody was asked whether it promises one.
        if (lonely == nullptr && plan.reads_inside() && owner_.index_.has_candidates(plan)) {
          const auto inside = std::ranges::find(companions, kInside, &Companion::word);
          if (inside != companions.end()) lonely = &*inside;
        }
        if (lonely == nullptr) {
          note_failure(one, context, path);
        } else {
          note_together(lonely->ask.request, lonely->context, lonely->path, lonely->ask.count, lonely->with);
        }
        return false;
      }
      const InstanceRef instance = chosen.front();
      const VersionPlan& version = plan.version_of(instance);
      const std::vector<Steps>& steps = version.values.amounts;
      const Transaction::Mark before = log_.mark();
      const std::string own = parent == nullptr ? name_of(*version.version) : path;  // of the root: its own version
      if (owner_.options_.watch == slots_.size()) note(owner_.watched_, one, context, own);
      slots_.push_back({instance, Amounts(steps.begin(), steps.end()), own, plan.cursor_key});
      claim_provisionally(*sections_.inventory.table(instance.version), instance.row, steps, log_);
      excluded.push_back(instance);
      Frame frame{version.version, steps, own, instance, {}, {}};
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

  void note_failure(const Request& request, const std::optional<SlotContext>& context, const std::string& path) {
    if (optional_ > 0) return;  // what may be missing is not to blame
    const Failure& failure = owner_.failure_;
    if (failure.role.empty() || slots_.size() > failure.before.size()) note(owner_.failure_, request, context, path);
  }

  void note(Failure& slot, const Request& request, const std::optional<SlotContext>& context, const std::string& path) {
    slot.request = request;
    slot.request.slot = nullptr;
    slot.context = context;
    if (slot.context) slot.context->forget();
    slot.role = path;
    slot.before = slots_;
    slot.together.reset();
  }

  // So many instances that fill the slot are not together anywhere.
  void note_together(const Request& request, const std::optional<SlotContext>& context, const std::string& path,
                     std::uint32_t count, const std::string& with) {
    Failure& failure = owner_.failure_;
    const bool farther = failure.role.empty() || slots_.size() > failure.before.size();
    note_failure(request, context, path);
    if (optional_ == 0 && farther) failure.together = Stage{"together", std::to_string(count) + " " + with, 0, 0};
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
    frame.relations.add_bounds(need, context.bounds);
  }

  // Needs that depend on where this slot lies, as far as that is certain.
  std::vector<Companion> companions_of(const Frame& frame, const SlotContext& context) {
    std::vector<Companion> companions;
    const std::vector<NeedDefinition>& needs = frame.type->definition.needs;
    const NeedDefinition& whole = needs[context.need.need];
    const bool single = whole.any_of.empty() && whole.count == "1";
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

  [[nodiscard]] const Companion* first_without_room(const std::vector<Companion>& companions,
                                                    InstanceRef instance) const {
    for (const Companion& companion : companions) {
      std::vector<double> values = owner_.index_.neighbours().values(instance, companion.word);
      if (companion.word == kInside) values.resize(1);  // its own id comes first
      if (!owner_.index_.has_room(*companion.plan, companion.word, values, companion.ask.count)) return &companion;
    }
    return nullptr;
  }

  // The first need that lies in the slot is the one that its policy sees.
  static void count_parts(const std::vector<Companion>& companions, std::optional<SlotContext>& context) {
    const auto inside = std::ranges::find(companions, kInside, &Companion::word);
    if (inside == companions.end()) return;
    context->parts = inside->plan;
    context->parts_count = inside->ask.count;
    context->parts_together = inside->together;
  }

  // False, and noted, where so many instances cannot all differ.
  bool enough_values(const Index::Prepared& plan, const SlotContext& context, std::uint32_t count,
                     const std::string& path) {
    for (const SlotBound& bound : context.bounds) {
      if (bound.kind != SlotBound::Kind::kDifferent) continue;
      if (owner_.index_.has_values(plan, bound.word, bound.values, count)) continue;
      note_together(*plan.request, context, path, count, "that differ in '" + bound.word + "'");
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
    if (head == "parent") return lane_of(frame.instance, rest, type);
    const auto found = frame.roles.find(head);
    if (found == frame.roles.end()) return std::numeric_limits<double>::quiet_NaN();
    const Frame::Filled& filled = found->second;
    const auto inner = split_path(rest);
    if (filled.frame != nullptr && !inner.second.empty() && filled.frame->roles.contains(inner.first))
      return value_of(*filled.frame, rest, type);
    return lane_of(filled.instance, rest, type);
  }

  // No value where the instance's version of its type means something else by the name.
  [[nodiscard]] double lane_of(InstanceRef instance, std::string_view name, ValueType type) const {
    double lane = std::numeric_limits<double>::quiet_NaN();
    if (!instance.valid()) return lane;
    const InstanceTable& table = *sections_.inventory.table(instance.version);
    const TypeScope scope(sections_.catalog, sections_.catalog.version(instance.version).definition);
    const std::optional<Ref> ref = scope.resolve("self." + std::string(name));
    if (!ref || ref->type != type) return lane;
    const RequestValues none;
    RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, table, none);
    source.use(scope.bindings());
    source.set(std::span(&instance.row, 1));
    source.read(*ref, 1, &lane);
    return lane;
  }

  Resolver& owner_;
  Sections sections_;
  const Request& request_;
  Time now_;
  Transaction& log_;
  Transaction::Mark start_;
  std::uint32_t consumer_ = Consumers::kNone;
  std::vector<FilledSlot> slots_;
  std::vector<FilledSlot> result_;
  std::optional<Error> error_;
  std::size_t depth_ = 0;       // outcomes that are open
  std::size_t open_ = 0;        // needs
  std::uint32_t optional_ = 0;  // optional needs that are being filled
  std::uint64_t tried_ = 0;
};

Result<std::optional<std::vector<FilledSlot>>> Resolver::resolve(const Request& request, Time now, Transaction& log) {
  failure_ = {};
  return Search(*this, request, now, log).run();
}

}  // namespace apportion
