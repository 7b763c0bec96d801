#include "apportion/allocator/index.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <tuple>

namespace apportion {
namespace {

// Requests in which a use loses half of its weight: the window in which uses count together.
constexpr double kHalfLife = 4096;
// How much hotter a shape must be than the one whose place it takes.
constexpr double kMargin = 1.5;
// Plans that are not indexed, about: what a sweep leaves may be twice as many.
constexpr std::size_t kMaxPlans = 4096;

// Tells shapes apart as a rule; same_shape() is sure. Policies and dimensions are told by their length and their
// first and last letters.
std::uint64_t digest_of(const Request& request) {
  constexpr std::uint64_t kOdd = 0x9fb21c651e98df25ULL;
  const auto letter = [](char c) { return static_cast<std::uint64_t>(static_cast<unsigned char>(c)); };
  const auto ends = [&](const std::string& text) -> std::uint64_t {
    return text.empty() ? 0 : (text.size() << 16) ^ (letter(text.front()) << 8) ^ letter(text.back());
  };
  std::uint64_t sum = (hash_bytes(request.type) ^ ends(request.policy)) * kOdd ^ request.count;
  for (const auto& [name, amount] : request.amounts) {
    sum = std::rotl(sum ^ static_cast<std::uint64_t>(amount.digits()), 23) * kOdd;
    sum ^= static_cast<std::uint64_t>(amount.exponent()) << 8 ^ ends(name);
  }
  if (!request.where.empty()) sum = mix64(sum, hash_bytes(request.where));
  if (request.whole) sum = mix64(sum, 1);
  if (const NeedRef* const need = rule_of(request)) sum = mix64(sum, mix64(need->owner, need->need));
  if (request.own_policy) sum = mix64(sum, hash_bytes(request.own_policy->score));
  return mix64(sum);
}

std::optional<NeedRef> need_of(const Request& request) {
  const NeedRef* const need = rule_of(request);
  return need == nullptr ? std::nullopt : std::optional(*need);
}

bool same_shape(const Request& a, const Request& b) {
  return a.count == b.count && a.amounts == b.amounts && a.type == b.type && a.policy == b.policy &&
         a.where == b.where && a.own_policy == b.own_policy && a.whole == b.whole;
}

Request shape_of(const Request& request) {
  Request shape;
  shape.type = request.type;
  shape.amounts = request.amounts;
  shape.count = request.count;
  shape.policy = request.policy;
  shape.own_policy = request.own_policy;
  shape.where = request.where;
  shape.whole = request.whole;
  return shape;
}

// What a filter or score reads of the consumer and of other slots, as bytes.
void put_consumer_reads(Writer& writer, const CompiledFilter& filter, const RequestValues& values) {
  for (const Ref& ref : filter.program.reads().refs) {
    if (ref.read != Read::kConsumer && ref.read != Read::kSlot) continue;
    const Binding& binding = filter.bindings[ref.id];
    const std::vector<AttributeLane>& lanes = ref.read == Read::kSlot ? values.slots : values.attributes;
    if (binding.column == Column::kConsumerId) writer.put_text(values.consumer);
    if (binding.column == Column::kConsumerKind) writer.put_text(values.consumer_kind);
    if (binding.column != Column::kConsumerAttribute && binding.column != Column::kSlotValue) continue;
    const auto found = std::ranges::find(lanes, binding.name, &AttributeLane::first);
    writer.put(found == lanes.end() ? std::nan("") : found->second);
  }
}

bool is_shared(const VersionPlan& version) { return version.version->definition.max_consumers.has_value(); }

std::string consumer_reads(const Plan& plan) {
  Writer writer;
  for (const VersionPlan& version : plan.versions) {
    if (version.where) put_consumer_reads(writer, *version.where, version.values);
    if (version.policy->where) put_consumer_reads(writer, *version.policy->where, version.values);
    put_consumer_reads(writer, version.policy->score, version.values);
  }
  return std::string(writer.bytes());
}

}  // namespace

Index::Prepared* Index::find(std::uint64_t digest, const Request& request, const std::string& who) const {
  const auto [first, end] = plans_.equal_range(digest);
  for (auto at = first; at != end; ++at) {
    if (at->second->who_ == who && same_shape(at->second->shape_, request) && at->second->need_ == need_of(request))
      return at->second.get();
  }
  return nullptr;
}

Result<Index::Prepared*> Index::make(std::uint64_t digest, const Request& request, Time now) {
  Result<Plan> plan = planner_.plan(request, now);
  if (!plan) return plan.error();
  auto made = std::make_unique<Prepared>(std::move(*plan));
  made->shape_ = shape_of(request);
  made->need_ = need_of(request);
  made->steady_ = std::ranges::all_of(made->versions, Shape::indexable);
  made->grouped_ =
      std::ranges::any_of(made->versions, [](const VersionPlan& version) { return version.reads(Read::kGroup); });
  made->personal_ = std::ranges::any_of(made->versions, [](const VersionPlan& version) {
    return version.reads(Read::kConsumer) || version.reads(Read::kSlot);
  });
  made->inside_ = std::ranges::any_of(made->versions, apportion::reads_inside);
  made->last_ = clock_;
  forget_idle();
  return plans_.emplace(digest, std::move(made))->second.get();
}

Result<Index::Prepared*> Index::plan(const Request& request, Time now) {
  if (stamp_ != sections_.catalog.stamp()) forget_all();
  ++clock_;
  const std::uint64_t digest = digest_of(request);
  Prepared* found = find(digest, request, {});
  if (found != nullptr) {
    APPORTION_TRY(planner_.address(*found, request, now));
  } else {
    const Result<Prepared*> made = make(digest, request, now);
    if (!made) return made.error();
    found = *made;
  }
  if (found->personal_) {
    found->last_ = clock_;
    // One entry for everybody says that consumers differ; those who are alike share another.
    const std::string who = "who" + consumer_reads(*found);
    const std::uint64_t own = mix64(digest, hash_bytes(who));
    Prepared* mine = find(own, request, who);
    if (mine != nullptr) {
      APPORTION_TRY(planner_.address(*mine, request, now));
    } else {
      const Result<Prepared*> made = make(own, request, now);
      if (!made) return made.error();
      mine = *made;
      mine->who_ = who;
    }
    found = mine;
  }
  use(*found);
  return found;
}

void Index::use(Prepared& plan) {
  plan.heat_ = heat_of(plan) + 1;
  plan.last_ = clock_;
}

// A sweep comes at most once in so many requests, each of which adds two plans at most.
void Index::forget_idle() {
  constexpr std::uint64_t kIdle = kMaxPlans / 2;
  if (plans_.size() - indexed_ < kMaxPlans || clock_ - swept_ < kIdle) return;
  swept_ = clock_;
  std::erase_if(plans_, [this](const auto& entry) {
    Prepared& plan = *entry.second;
    // What is indexed may rest longer: until a use has faded away.
    const std::uint64_t rest = plan.indexed_ ? std::uint64_t{16} * static_cast<std::uint64_t>(kHalfLife) : kIdle;
    if (clock_ - plan.last_ <= rest) return false;
    drop_index(plan);
    return true;
  });
}

void Index::forget_all() {
  for (auto& [digest, plan] : plans_) drop_index(*plan);
  plans_.clear();
  forget_clusters();
  rosters_.clear();
  stamp_ = sections_.catalog.stamp();
}

void Index::drop_index(Prepared& plan) {
  for (const auto& shape : plan.shapes_) {
    if (!shape) continue;
    dropped_.builds += shape->counts().builds;
    dropped_.rows += shape->counts().rows;
    dropped_.blocks += shape->counts().blocks;
    dropped_.shared_scans += shape->counts().shared_scans;
  }
  plan.shapes_.clear();
  bytes_ -= plan.bytes_;
  indexed_ -= plan.indexed_ ? 1 : 0;
  plan.bytes_ = 0;
  plan.indexed_ = false;
}

// Nothing that was derived from a table that is gone holds.
Roster& Index::roster_of(const VersionPlan& version) {
  std::unique_ptr<Roster>& held = rosters_[version.version->id];
  if (held && held->follows(*version.table)) return *held;
  for (auto& [digest, plan] : plans_) {
    const auto concerned = [&](const VersionPlan& each) { return each.version->id == version.version->id; };
    if (std::ranges::any_of(plan->versions, concerned)) drop_index(*plan);
  }
  held = std::make_unique<Roster>(*version.table, version.version->definition);
  return *held;
}

// Gives every version that has a table its shape.
void Index::make_shapes(Prepared& plan) {
  for (const VersionPlan& version : plan.versions) {
    if (version.table != nullptr) static_cast<void>(roster_of(version));  // may drop shapes, of this plan too
  }
  plan.shapes_.resize(plan.versions.size());
  for (std::size_t i = 0; i < plan.versions.size(); ++i) {
    const VersionPlan& version = plan.versions[i];
    if (version.table == nullptr) plan.shapes_[i].reset();
    if (version.table == nullptr || plan.shapes_[i]) continue;
    Roster& roster = roster_of(version);
    roster.catch_up(sections_.symbols);
    plan.shapes_[i] = std::make_unique<Shape>(sections_, expressions_, version, roster, groups_, work_);
  }
}

void Index::ready(Prepared& plan) {
  bool whole = plan.shapes_.size() == plan.versions.size();
  for (std::size_t i = 0; whole && i < plan.versions.size(); ++i) {
    const InstanceTable* table = plan.versions[i].table;
    whole = plan.shapes_[i] ? table != nullptr && plan.shapes_[i]->roster().follows(*table) : table == nullptr;
  }
  if (!whole) make_shapes(plan);
  catch_up(plan);
  // Where many may be passed over, each look at all is one too many.
  const bool picky = (plan.request->slot != nullptr && plan.request->slot->promising) || counts_claims(plan);
  if (!plan.indexed_ && plan.steady_ && (picky || plan.heat_ + 1 > uses_)) index(plan);
  if (plan.indexed_) measure(plan);
}

void Index::catch_up(const Prepared& plan) {
  for (const auto& shape : plan.shapes_) {
    if (shape) shape->roster().catch_up(sections_.symbols);
  }
  if (plan.grouped_) groups_.catch_up();
}

void Index::index(Prepared& plan) {
  const std::size_t bytes = bytes_of(plan);
  if (!make_room(plan, bytes)) return;
  plan.indexed_ = true;
  plan.bytes_ = bytes;
  bytes_ += bytes;
  ++indexed_;
}

std::size_t Index::bytes_of(const Prepared& plan) const {
  std::size_t bytes = sizeof(Prepared);
  for (const auto& shape : plan.shapes_) bytes += shape ? shape->bytes() : 0;
  return bytes;
}

// Shapes grow with the instances. What no longer fits goes, the coldest first, and never the one in use.
void Index::measure(Prepared& plan) {
  const std::size_t bytes = bytes_of(plan);
  bytes_ += bytes - plan.bytes_;
  plan.bytes_ = bytes;
  if (bytes_ <= limit_bytes_) return;
  for (Prepared* cold : coldest_first()) {
    if (bytes_ <= limit_bytes_) return;
    if (cold == &plan) continue;
    drop_index(*cold);
    ++evictions_;
  }
}

double Index::heat_of(const Prepared& plan) const {
  return plan.heat_ * std::exp2(-static_cast<double>(clock_ - plan.last_) / kHalfLife);
}

std::vector<Index::Prepared*> Index::coldest_first() const {
  std::vector<std::pair<double, Prepared*>> all;
  for (const auto& [digest, plan] : plans_) {
    if (plan->indexed_) all.emplace_back(heat_of(*plan), plan.get());
  }
  std::ranges::sort(all);
  std::vector<Prepared*> plans;
  for (const auto& [heat, plan] : all) plans.push_back(plan);
  return plans;
}

// Nobody goes unless those who are clearly colder make enough room together. After a refusal the shape is to be asked
// for more often before it tries again.
bool Index::make_room(Prepared& plan, std::size_t bytes) {
  if (bytes_ + bytes <= limit_bytes_) return true;
  if (bytes > limit_bytes_ || plan.heat_ < plan.refused_ * kMargin) return false;
  std::vector<Prepared*> leaving;
  std::size_t free = limit_bytes_ - std::min(limit_bytes_, bytes_);
  for (Prepared* cold : coldest_first()) {
    // By a margin: shapes that take turns are equally hot but for the use at hand.
    if (free >= bytes || plan.heat_ < kMargin * heat_of(*cold) + 1) break;
    leaving.push_back(cold);
    free += cold->bytes_;
  }
  if (free < bytes) {
    plan.refused_ = plan.heat_;
    return false;
  }
  for (Prepared* cold : leaving) drop_index(*cold);
  evictions_ += leaving.size();
  return true;
}

bool Index::holds_claims(const Plan& plan) const {
  return plan.consumer != Consumers::kNone && sections_.ledger.consumers().row(plan.consumer).claims > 0;
}

// An instance that serves as many consumers as it may still takes more from those who are there. Looks at lists of
// claims, which `choose` has seen to.
void Index::offer_shared(std::optional<Best>& best, const Prepared& plan, std::size_t version,
                         const std::vector<InstanceRef>& taken) const {
  const VersionPlan& of = plan.versions[version];
  const auto& maximum = of.version->definition.max_consumers;
  if (!maximum || !holds_claims(plan)) return;
  std::set<std::uint32_t> full;
  for (const ClaimId claim : sections_.ledger.claims_of_consumer(plan.consumer)) {
    const InstanceRef instance = sections_.ledger.find(claim)->instance;
    if (instance.version != of.version->id || of.table->consumers[instance.row] < *maximum) continue;
    const bool in = of.fits(instance.row) && of.rules.permits(*of.table, instance.row);
    if (in && std::ranges::find(taken, instance) == taken.end()) full.insert(instance.row);
  }
  if (full.empty()) return;
  const std::vector<std::uint32_t> rows(full.begin(), full.end());
  std::vector<double> keys(rows.size());
  plan.shapes_[version]->keys(rows, keys.data());
  const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
  const TieRule rule = TieRule::of(of.policy->definition, cursor, plan.number);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t rank = rule.rank(of.table->ordinal[rows[i]]);
    if (std::isnan(keys[i]) || (best && std::tie(best->key, best->rank) <= std::tie(keys[i], rank))) continue;
    best = Best{{of.version->id, rows[i]}, keys[i], rank, nullptr, Roster::kNone};
  }
}

std::optional<Index::Best> Index::best(Prepared& plan, const std::vector<InstanceRef>& taken) {
  std::optional<Best> best;
  const std::uint64_t cursor = plan.cursor_key == 0 ? 0 : sections_.ledger.cursor(plan.cursor_key);
  for (std::size_t i = 0; i < plan.versions.size(); ++i) {
    Shape* shape = plan.shapes_[i].get();
    if (shape == nullptr) continue;
    const VersionPlan& version = plan.versions[i];
    const Roster& held = shape->roster();
    const TieRule rule = TieRule::of(version.policy->definition, cursor, plan.number);
    const bool indexed = plan.indexed_ && shape->catch_up();
    plan.steady_ = plan.steady_ && (indexed || !plan.indexed_);  // one that cannot be indexed is dropped in the end
    ++(indexed ? hits_ : scans_);
    if (const std::optional<Shape::Choice> choice = indexed ? shape->best(rule) : shape->scan(rule)) {
      const std::uint64_t rank = rule.rank(held.ordinal(choice->position));
      if (!best || std::tie(choice->key, rank) < std::tie(best->key, best->rank)) {
        const InstanceRef instance{version.version->id, held.row(choice->position)};
        best = Best{instance, choice->key, rank, shape, choice->position};
      }
    }
    offer_shared(best, plan, i, taken);
  }
  return best;
}

bool Index::sees_choices(const Prepared& plan) const {
  return plan.grouped_ ||
         std::ranges::any_of(plan.shapes_, [](const auto& shape) { return shape && shape->roster().own_policies(); });
}

// Whatever happens: no position stays hidden, no provisional claim stays, and shapes live on in indexed plans alone.
class Index::Choosing {
 public:
  Choosing(Index& index, Prepared& plan, Transaction& log)
      : index_(index), plan_(plan), log_(log), start_(log.mark()) {}
  Choosing(const Choosing&) = delete;
  Choosing& operator=(const Choosing&) = delete;
  ~Choosing() {
    for (const auto& shape : plan_.shapes_) {
      if (shape) shape->unhide();
    }
    log_.rollback(start_);
    if (!plan_.indexed_ || !plan_.steady_) index_.drop_index(plan_);
  }

 private:
  Index& index_;
  Prepared& plan_;
  Transaction& log_;
  Transaction::Mark start_;
};

std::vector<InstanceRef> Index::choose(Prepared& plan, Transaction& log, std::span<const InstanceRef> excluded) {
  std::vector<InstanceRef> out = leaving(plan);
  out.insert(out.end(), excluded.begin(), excluded.end());
  return choose_among(plan, log, out);
}

// What goes out of service before the claim ends. What is out of it now is out of every shape.
std::vector<InstanceRef> Index::leaving(const Prepared& plan) const {
  std::vector<InstanceRef> out;
  const Time ends = plan.request->ends;
  if (ends == kForever || sections_.inventory.limited() == 0) return out;
  for (const VersionPlan& version : plan.versions) {
    for (std::uint32_t row = 0; version.table != nullptr && row < version.table->rows(); ++row) {
      if (version.table->in_service(row) && !version.table->in_service(row, ends))
        out.push_back({version.version->id, row});
    }
  }
  return out;
}

std::vector<InstanceRef> Index::choose_among(Prepared& plan, Transaction& log, std::span<const InstanceRef> excluded) {
  const std::size_t count = plan.request->count;
  const bool bound_by_claims = counts_claims(plan);
  if (plan.request->slot != nullptr || plan.inside_ || bound_by_claims) neighbours_.catch_up();
  if (std::ranges::find(plan.bounds, SlotBound::Kind::kQuota, &SlotBound::kind) != plan.bounds.end()) return {};
  if (plan.inside_) return choose_clusters(plan, log, excluded);
  if (const SlotBound* const bound = limit_bytes_ > 0 ? narrow_bound(plan) : nullptr) {
    const std::optional<InstanceRef> found = choose_within(plan, *bound, excluded);
    return found ? std::vector{*found} : std::vector<InstanceRef>();
  }
  if (limit_bytes_ > 0) ready(plan);
  const bool scanned = limit_bytes_ == 0 || ((count > 1 || bound_by_claims) && !plan.indexed_);
  if (!scanned && holds_claims(plan) && std::ranges::any_of(plan.versions, is_shared)) sections_.ledger.keep_lists(log);
  const Choosing choosing(*this, plan, log);
  if (scanned) return Selector(sections_, expressions_, &neighbours_).choose(plan, log, excluded);
  hide(plan, excluded);
  if (plan.request->slot != nullptr) hide_bounds(plan);
  std::vector<InstanceRef> taken(excluded.begin(), excluded.end());
  std::vector<InstanceRef> chosen;
  Met met;
  while (chosen.size() < count) {
    const std::optional<Best> next =
        plan.preferences.empty() ? best_allowed(plan, taken, met) : best_preferred(plan, taken, met);
    if (!next) break;
    taken.push_back(next->instance);
    const bool promising = is_promising(*plan.request, next->instance);
    if (promising) chosen.push_back(next->instance);
    if (chosen.size() == count) break;
    if (next->shape != nullptr) next->shape->hide(next->position);
    if (!promising || !sees_choices(plan)) continue;
    const VersionPlan& version = plan.version_of(next->instance);
    claim_provisionally(*version.table, next->instance.row, version.wanted(next->instance.row), log);
    catch_up(plan);
  }
  return chosen;
}

// Bounds by the claims that are there are looked at when an instance comes first, and not before.
bool Index::counts_claims(const Plan& plan) {
  return !plan.preferences.empty() ||
         std::ranges::any_of(plan.bounds, [](const SlotBound& bound) { return !bound.by_values(); });
}

// Until the choice is made. A shape that is indexed knows by then what was written.
void Index::hide(const Prepared& plan, std::span<const InstanceRef> instances) const {
  if (instances.empty()) return;
  for (std::size_t i = 0; i < plan.versions.size(); ++i) {
    Shape* const shape = plan.shapes_[i].get();
    if (shape == nullptr) continue;
    if (plan.indexed_) static_cast<void>(shape->catch_up());
    for (const InstanceRef instance : instances) {
      if (instance.version != plan.versions[i].version->id) continue;
      const std::uint32_t position = shape->roster().position(instance.row);
      if (position != Roster::kNone) shape->hide(position);
    }
  }
}

void Index::prefetch(InstanceRef instance) const {
  const auto held = rosters_.find(instance.version);
  if (held != rosters_.end() && held->second) held->second->prefetch(instance.row);
}

Node Index::stats() const {
  Shape::Counts counts = dropped_;
  for (const auto& [digest, plan] : plans_) {
    for (const auto& shape : plan->shapes_) {
      if (!shape) continue;
      counts.builds += shape->counts().builds;
      counts.rows += shape->counts().rows;
      counts.blocks += shape->counts().blocks;
      counts.shared_scans += shape->counts().shared_scans;
    }
  }
  std::size_t rosters = 0;
  for (const auto& [version, held] : rosters_) rosters += held ? held->bytes() : 0;
  const auto number = [](std::uint64_t value) { return Node(static_cast<std::int64_t>(value)); };
  return Node::Map{{"shapes", number(plans_.size())},
                   {"indexed", number(indexed_)},
                   {"bytes", number(bytes_)},
                   {"limit_bytes", number(limit_bytes_)},
                   {"roster_bytes", number(rosters)},
                   {"group_bytes", number(groups_.bytes())},
                   {"hits", number(hits_)},
                   {"scans", number(scans_)},
                   {"shared_scans", number(counts.shared_scans)},
                   {"evictions", number(evictions_)},
                   {"builds", number(counts.builds)},
                   {"rows_evaluated", number(counts.rows)},
                   {"blocks_evaluated", number(counts.blocks)}};
}

}  // namespace apportion
