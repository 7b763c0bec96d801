// Metadata, inventory, consumers, time and the journal of a pool. Allocation is in pool_allocate.cpp, tables in
// pool_tables.cpp.
#include "apportion/allocator/pool.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "apportion/catalog/untyped.hpp"
#include "apportion/expr/diagnostic.hpp"
#include "pool_serving.hpp"

namespace apportion {
namespace {

std::unique_ptr<State> empty_state(std::uint32_t origin) {
  auto state = std::make_unique<State>(origin);
  state->add(kSymbolsArea, std::make_unique<Symbols>());
  state->add(kCatalogArea, std::make_unique<Catalog>());
  state->add(kInventoryArea, std::make_unique<Inventory>());
  state->add(kLedgerArea, std::make_unique<Ledger>());
  state->link_all();
  return state;
}

// An instance stays what it is: another version needs a migration, another type a new instance.
Status same_type(const InstanceSpec& held, const InstanceSpec& given) {
  if ((given.type.empty() || given.type == held.type) && given.version.value_or(*held.version) == *held.version)
    return {};
  const bool type_stays = given.type.empty() || given.type == held.type;
  return conflict("'" + held.id + "' is of type '" + held.type + "' version " + std::to_string(*held.version) +
                      " and stays so; " + (type_stays ? "migrate it" : "remove it first"),
                  type_stays ? "version" : "type");
}

Error under(std::string place, const Error& error) {
  if (!error.place.empty()) place += "." + error.place;
  return {error.code, error.message, std::move(place)};
}

}  // namespace

Interner Pool::Update::interner() {
  Interner interner;
  interner.text = [this](std::string_view text) {
    const Symbols& symbols = pool_.sections_.symbols;
    if (const Symbol known = symbols.find(text); known != 0 || text.empty()) return known;
    Writer writer;
    writer.put(std::uint32_t{1}).put_text(text);
    write(Symbols::kDefineText, writer.bytes()).value();
    return symbols.find(text);
  };
  interner.list = [this](std::span<const Symbol> items) {
    const Symbols& symbols = pool_.sections_.symbols;
    if (const auto known = symbols.find_list(items)) return *known;
    Writer writer;
    writer.put(static_cast<std::uint32_t>(items.size()));
    for (const Symbol item : items) writer.put(item);
    write(Symbols::kDefineList, writer.bytes()).value();
    return *symbols.find_list(items);
  };
  return interner;
}

Pool::Pool(const PoolOptions& options) : Pool(options, empty_state(options.origin)) {}

Pool::Pool(const PoolOptions& options, std::unique_ptr<State> state)
    : options_(options),
      state_(std::move(state)),
      sections_(Sections::of(*state_)),
      journal_(options.journal_bytes),
      index_(sections_, expressions_, options.index_bytes, options.index_uses) {
  journal_.prepare(*state_);
  if (sections_.ledger.waiting().count() > 0) serving_ = std::make_shared<Serving>(*this);
}

Result<std::shared_ptr<Pool>> Pool::restore(std::string_view snapshot, const PoolOptions& options) {
  std::unique_ptr<State> state = empty_state(options.origin);
  APPORTION_TRY(state->restore(snapshot));
  return std::shared_ptr<Pool>(new Pool(options, std::move(state)));
}

Time Pool::clock() const { return options_.clock ? *options_.clock : system_now(); }

// What affinities and quotas look at. REQUIRES: no update is under way.
void Pool::count_claims() {
  if (sections_.ledger.counts_hold()) return;
  Transaction unlogged(Transaction::Keep::kForget);
  sections_.ledger.keep_counts(unlogged);
}

Result<std::uint64_t> Pool::tick(std::optional<Time> now) {
  const std::lock_guard lock(mutex_);
  if (now && !options_.clock)
    return invalid("this pool follows the machine's clock: make it with a clock of its own to set the time", "now");
  if (now && *now < *options_.clock) return invalid("time cannot go back", "now");
  if (now) options_.clock = *now;
  const std::uint64_t before = sections_.ledger.claim_count();
  APPORTION_TRY(expire(clock()));
  if (sections_.ledger.waiting().count() > 0) Update(*this).commit();  // rules may read the time
  return before - sections_.ledger.claim_count();
}

KnownNames Pool::known_names() const {
  KnownNames known;
  known.type = [this](std::string_view type, std::uint32_t version) -> const TypeDefinition* {
    const TypeVersion* found = sections_.catalog.find_type(type, version);
    return found == nullptr ? nullptr : &found->definition;
  };
  known.consumer_kind = [this](std::string_view name) -> const ConsumerKindDefinition* {
    const auto* found = sections_.catalog.find_consumer_kind(name);
    return found == nullptr ? nullptr : &found->definition;
  };
  known.relationship = [this](std::string_view name) -> const RelationshipDefinition* {
    const auto* found = sections_.catalog.find_relationship(name);
    return found == nullptr ? nullptr : &found->definition;
  };
  known.quota = [this](std::string_view name) -> const QuotaDefinition* {
    const auto* found = sections_.catalog.find_quota(name);
    return found == nullptr ? nullptr : &found->definition;
  };
  known.policy = [this](std::string_view name) { return sections_.catalog.find_policy(name) != nullptr; };
  known.instance = [this](std::string_view id) -> const TypeDefinition* {
    const InstanceRef found = sections_.inventory.find(id);
    return found.valid() ? &sections_.catalog.version(found.version).definition : nullptr;
  };
  known.type_names = sections_.catalog.type_names();
  known.policy_names = sections_.catalog.policy_names();
  return known;
}

Status Pool::apply(const Node& tree, std::vector<Problem>& problems) {
  const std::lock_guard lock(mutex_);
  const Document document = read_document(tree, known_names(), problems);
  if (!problems.empty()) return invalid("the document has " + std::to_string(problems.size()) + " problems");
  APPORTION_TRY(expire(clock()));
  Update update(*this);
  APPORTION_TRY(define(update, document));
  APPORTION_TRY(check_policies(document, problems));
  APPORTION_TRY(check_all_needs(problems));
  check_affinities(sections_.catalog, problems);
  check_quotas(sections_.catalog, problems);
  if (!problems.empty()) return invalid(problems.front().message, problems.front().place);
  Status put = put_instances(update, document.instances, true);
  if (put.has_value()) put = withdraw(update, document.instances);
  for (std::size_t i = 0; put.has_value() && i < document.consumers.size(); ++i) {
    put = put_consumer(update, document.consumers[i]);
    if (put.has_error()) put = under("consumers[" + std::to_string(i) + "]", put.error());
  }
  if (put.has_error()) {
    problems.push_back({put.error().place, put.error().message});
    return put;
  }
  update.commit();
  return {};
}

template <class Definition>
Status Pool::define_all(Update& update, Kind kind, const std::vector<Definition>& definitions) {
  for (const Definition& definition : definitions) {
    const Node tree = to_node(definition);
    const auto* old = [&] {
      if constexpr (std::is_same_v<Definition, TypeDefinition>) {
        return sections_.catalog.find_type(definition.name);
      } else if constexpr (std::is_same_v<Definition, PolicyDefinition>) {
        return sections_.catalog.find_policy(definition.name);
      } else if constexpr (std::is_same_v<Definition, ConsumerKindDefinition>) {
        return sections_.catalog.find_consumer_kind(definition.name);
      } else if constexpr (std::is_same_v<Definition, AffinityDefinition>) {
        return sections_.catalog.find_affinity(definition.name);
      } else if constexpr (std::is_same_v<Definition, QuotaDefinition>) {
        return sections_.catalog.find_quota(definition.name);
      } else if constexpr (std::is_same_v<Definition, PairTableDefinition>) {
        return sections_.catalog.find_pair_table(definition.name);
      } else {
        return sections_.catalog.find_relationship(definition.name);
      }
    }();
    // What says the same again is no change.
    if (old != nullptr && to_node(old->definition) == tree) continue;
    APPORTION_TRY(update.write(kind, Catalog::payload(definition.name, tree)));
  }
  return {};
}

Status Pool::define(Update& update, const Document& document) {
  APPORTION_TRY(define_all(update, Catalog::kDefinePolicy, document.policies));
  APPORTION_TRY(define_all(update, Catalog::kDefineConsumerKind, document.consumer_kinds));
  APPORTION_TRY(define_all(update, Catalog::kDefineType, document.types));
  APPORTION_TRY(define_all(update, Catalog::kDefineRelationship, document.relationships));
  APPORTION_TRY(define_all(update, Catalog::kDefineAffinity, document.affinities));
  APPORTION_TRY(define_all(update, Catalog::kDefineQuota, document.quotas));
  return define_all(update, Catalog::kDefinePairTable, document.pair_tables);
}

// Every version must be able to use its policy, and a policy that none uses must be right for some type: found out now,
// not when the first request comes.
Status Pool::check_policies(const Document& document, std::vector<Problem>& problems) {
  const Catalog& catalog = sections_.catalog;
  std::set<std::string_view> used;
  for (VersionId id = 0; id < catalog.version_count(); ++id) {
    const std::string& name = catalog.version(id).definition.policy;
    used.insert(name);
    const auto policy = expressions_.policy(catalog, id, name);
    if (policy.has_error()) problems.push_back({policy.error().place, policy.error().message});
  }
  for (const PolicyDefinition& policy : document.policies) {
    if (used.contains(policy.name)) continue;
    const Status right = check_untyped(policy);
    if (right.has_error()) problems.push_back({right.error().place, right.error().message});
  }
  if (problems.empty()) return {};
  return invalid(problems.front().message, problems.front().place);
}

// Of the newest versions: a new version of a type may lack what the needs of another read.
Status Pool::check_all_needs(std::vector<Problem>& problems) {
  const Catalog& catalog = sections_.catalog;
  for (const std::string& name : catalog.type_names()) {
    const TypeVersion& type = *catalog.find_type(name);
    if (type.definition.needs.empty()) continue;
    check_needs(catalog, type, problems);
    const std::string place = "types." + name + ".needs";
    for (const NeedDefinition& need : type.definition.needs) {
      for (const NeedDefinition& branch : need.any_of.empty() ? std::vector{need} : need.any_of) {
        const TypeVersion* const needed = catalog.find_type(branch.type);
        if (needed == nullptr || branch.policy.empty() || branch.policy == kTogether) continue;
        const auto policy = expressions_.policy(catalog, needed->id, branch.policy);
        if (policy.has_error()) problems.push_back({place, policy.error().message});
      }
    }
  }
  if (problems.empty()) return {};
  return invalid(problems.front().message, problems.front().place);
}

// An instance whose parent or relations come later in the list is put twice: first without them.
Status Pool::put_instances(Update& update, const std::vector<InstanceSpec>& specs, bool merge) {
  std::vector<std::pair<std::size_t, InstanceSpec>> later;
  std::set<std::string_view> ids_here;
  for (const InstanceSpec& spec : specs) ids_here.insert(spec.id);
  const auto comes = [&](const std::string& id) {
    return !sections_.inventory.find(id).valid() && ids_here.contains(id);
  };
  for (std::size_t i = 0; i < specs.size(); ++i) {
    InstanceSpec spec = specs[i];
    const InstanceRef old = sections_.inventory.find(spec.id);
    const std::string place = "instances[" + std::to_string(i) + "]";
    if (const Status right = check_generation(spec, old); right.has_error()) return under(place, right.error());
    if (old.valid() && !merge) return conflict("there is an instance '" + spec.id + "' already", place + ".id");
    if (old.valid()) {
      const Status same = same_type(sections_.inventory.spec_of(old), spec);
      if (same.has_error()) return under(place, same.error());
      spec = sections_.inventory.merged(old, spec);
      if (spec == sections_.inventory.spec_of(old)) continue;  // what says the same again is no change
    }
    bool waits = spec.parent && comes(*spec.parent);
    for (const auto& [name, ids] : spec.relationships) waits = waits || std::ranges::any_of(ids, comes);
    const std::vector<NeedDefinition> needs = spec.needs.value_or(std::vector<NeedDefinition>());
    waits = waits || std::ranges::any_of(needs, comes, &NeedDefinition::instance);
    if (waits) {
      later.emplace_back(i, spec);
      spec.parent.reset();
      spec.needs.reset();
      spec.relationships.clear();
    }
    const Status status = put_instance(update, spec);
    if (status.has_error()) return under(place, status.error());
  }
  for (const auto& [i, spec] : later) {
    const Status status = put_instance(update, spec);
    if (status.has_error()) return under("instances[" + std::to_string(i) + "]", status.error());
  }
  return {};
}

Status Pool::put_instance(Update& update, const InstanceSpec& spec) {
  const TypeVersion* const type = sections_.catalog.find_type(spec.type, spec.version.value_or(0));
  if (type != nullptr && type->definition.outcome)
    return invalid("'" + spec.type + "' is an outcome: it is made of its needs and has no instances", "type");
  const Result<std::string> payload = sections_.inventory.encode(spec, update.interner());
  if (!payload) return payload.error();
  if (spec.policy && !spec.policy->empty()) {
    const TypeVersion* version = sections_.catalog.find_type(spec.type, spec.version.value_or(0));
    const auto policy = expressions_.policy(sections_.catalog, version->id, *spec.policy);
    if (policy.has_error()) return under("policy", policy.error());
  }
  if (spec.needs) APPORTION_TRY(check_named_needs(spec, *type));
  return update.write(Inventory::kPut, *payload);
}

Status Pool::add(const InstanceSpec& spec) {
  const Status status = add_many({spec});
  if (!status.has_error()) return status;
  Error error = status.error();
  constexpr std::string_view kFirst = "instances[0]";
  if (error.place.starts_with(kFirst)) error.place.erase(0, std::min(error.place.size(), kFirst.size() + 1));
  return error;
}

Status Pool::add_many(const std::vector<InstanceSpec>& specs) {
  const std::lock_guard lock(mutex_);
  Update update(*this);
  APPORTION_TRY(put_instances(update, specs, false));
  update.commit();
  return {};
}

Status Pool::change_instance(Update& update, const InstanceSpec& spec) {
  const InstanceRef old = sections_.inventory.find(spec.id);
  if (!old.valid()) return unknown("there is no instance '" + spec.id + "'", "id");
  APPORTION_TRY(check_generation(spec, old));
  APPORTION_TRY(same_type(sections_.inventory.spec_of(old), spec));
  return put_instance(update, sections_.inventory.merged(old, spec));
}

Status Pool::remove_instance(Update& update, std::string_view id) {
  const Symbol symbol = sections_.symbols.find(id);
  if (symbol == 0 || !sections_.inventory.find(symbol).valid()) {
    return unknown("there is no instance '" + std::string(id) + "'", "id");
  }
  Writer writer;
  writer.put(symbol);
  return update.write(Inventory::kRemove, writer.bytes());
}

// Does `work` for every item in one update; an error names the item unless there is only one.
template <class Item, class Work>
Status Pool::for_all(const std::vector<Item>& items, const Work& work) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(expire(clock()));
  Update update(*this);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Status status = work(update, items[i]);
    if (status.has_error() && items.size() == 1) return status;
    if (status.has_error()) return under("instances[" + std::to_string(i) + "]", status.error());
  }
  update.commit();
  return {};
}

Status Pool::change(const std::vector<InstanceSpec>& specs) {
  return for_all(specs, [&, this](Update& update, const InstanceSpec& spec) -> Status {
    APPORTION_TRY(change_instance(update, spec));
    return &spec == &specs.back() ? withdraw(update, specs) : Status();
  });
}

Status Pool::change(const InstanceSpec& spec) { return change(std::vector{spec}); }

Status Pool::remove(const std::vector<std::string>& ids) {
  return for_all(ids, [this](Update& update, const std::string& id) { return remove_instance(update, id); });
}

Status Pool::remove(std::string_view id) { return remove(std::vector{std::string(id)}); }

Status Pool::update_usage(const std::vector<UsageReading>& readings) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(expire(clock()));
  emptied_.reset();  // which does not hear of it
  std::vector<Inventory::Reading> rows;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const UsageReading& reading = readings[i];
    const std::string place = "readings[" + std::to_string(i) + "]";
    const InstanceRef ref = sections_.inventory.find(reading.instance);
    if (!ref.valid()) return unknown("there is no instance '" + reading.instance + "'", place);
    const auto& dimensions = sections_.catalog.version(ref.version).definition.dimensions;
    const auto found = std::ranges::find_if(dimensions, [&](const auto& d) { return d.name == reading.dimension; });
    if (found == dimensions.end()) {
      return unknown("'" + reading.instance + "' has no dimension '" + reading.dimension + "'", place);
    }
    if (!std::isnan(reading.value) && !(reading.value >= 0 && std::isfinite(reading.value))) {
      return invalid("usage is a number >= 0, or NaN for unknown", place);
    }
    rows.push_back({ref, static_cast<std::uint32_t>(found - dimensions.begin()), reading.predicted, reading.value});
  }
  Update update(*this);
  APPORTION_TRY(update.write(Inventory::kUsage, Inventory::encode_usage(rows)));
  update.commit();
  return {};
}

Revision Pool::revision() const {
  const std::lock_guard lock(mutex_);
  return state_->revision();
}

Hash128 Pool::hash() const {
  const std::lock_guard lock(mutex_);
  return state_->hash();
}

Time Pool::now() const {
  const std::lock_guard lock(mutex_);
  return std::max(clock(), state_->time());
}

std::pair<std::uint64_t, std::uint64_t> Pool::journal_range() const {
  const std::lock_guard lock(mutex_);
  return {journal_.base_number() + 1, journal_.last_number()};
}

Result<Node> Pool::journal_entry(std::uint64_t number) const {
  static constexpr std::string_view kAreas[] = {"", "symbols", "catalog", "inventory", "ledger"};
  const std::lock_guard lock(mutex_);
  const Result<Change> change = journal_.change(number);
  if (!change) return change.error();
  Node::Map map{{"revision", change->revision.text()}, {"time", change->time}, {"area", kAreas[area_of(change->kind)]}};
  Node details = state_->section_of(change->kind)->describe(*change);
  if (Node::Map* members = details.map()) {
    for (Node::Member& member : *members) map.push_back(std::move(member));
  }
  return Node(std::move(map));
}

std::shared_ptr<Pool> Pool::fork() const {
  const std::lock_guard lock(mutex_);
  return std::shared_ptr<Pool>(new Pool(options_, state_->fork()));
}

Result<std::shared_ptr<Pool>> Pool::at(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  Result<std::unique_ptr<State>> state = journal_.at(number);
  if (!state) return state.error();
  return std::shared_ptr<Pool>(new Pool(options_, std::move(*state)));
}

std::uint64_t Pool::number_at(Time time) const {
  const std::lock_guard lock(mutex_);
  return journal_.number_at(time);
}

std::shared_ptr<const State> Pool::view() const {
  const std::lock_guard lock(mutex_);
  if (!view_ || !(view_->revision() == state_->revision())) view_ = state_->fork();
  return view_;
}

std::string Pool::snapshot() const { return view()->snapshot(); }

Node Pool::memory() const {
  const std::lock_guard lock(mutex_);
  const auto count = [](std::size_t bytes) { return Node(static_cast<std::int64_t>(bytes)); };
  return Node::Map{{"instances", count(sections_.inventory.bytes())},
                   {"claims", count(sections_.ledger.claim_bytes())},
                   {"consumers", count(sections_.ledger.consumer_bytes())},
                   {"journal", count(journal_.bytes())}};
}

Node Pool::index_stats() const {
  const std::lock_guard lock(mutex_);
  return index_.stats();
}

}  // namespace apportion
