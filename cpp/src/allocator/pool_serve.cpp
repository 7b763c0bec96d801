// Activation of what is pending. Invariant after an update: nobody in a queue could be given an instance.
#include <algorithm>

#include "pool_serving.hpp"

namespace apportion {

void Pool::serve(Update& update) {
  const bool hours = !sections_.inventory.maintenance().empty() || sections_.inventory.limited() > 0;
  if (hours && (update.now() >= turned_.next || turned_.after != said_of_hours())) {
    const Time next = turn_within(update).has_value() ? turned_.next : 0;
    turned_ = {said_of_hours(), next};
  }
  if (sections_.ledger.waiting().count() > 0) {
    if (!sections_.ledger.counts_hold()) sections_.ledger.keep_counts(update.log());
    if (!serving_) serving_ = std::make_shared<Serving>(*this);
    serving_->run(update);
  } else if (serving_) {
    serving_->rest();
  }
}

const StateRules& Pool::Serving::rules(VersionId version) {
  const std::pair now(sections_.symbols.count(), sections_.catalog.stamp());
  if (rules_of_ != now) rules_.clear();
  rules_of_ = now;
  const auto held = rules_.find(version);
  if (held != rules_.end()) return held->second;
  const TypeDefinition& type = sections_.catalog.version(version).definition;
  return rules_.emplace(version, StateRules(type, sections_.symbols)).first->second;
}

// --- who is looked for where

bool Pool::Serving::own_policies(const std::string& type) {
  bool any = false;
  for (const TypeVersion* version : sections_.catalog.versions_of(type)) {
    const InstanceTable* const table = sections_.inventory.table(version->id);
    if (table == nullptr) continue;
    auto& [identity, said, own] = own_[version->id];
    if (identity != table->touched.identity() || said != table->touched.said()) {
      identity = table->touched.identity(), said = table->touched.said(), own = false;
      for (std::uint32_t row = 0; row < table->rows() && !own; ++row)
        own = table->exists(row) && table->policy[row] != 0;
    }
    any = any || own;
  }
  return any;
}

// Its filters and its score read nothing but the candidate and what is asked, and no rule looks at other claims.
bool Pool::Serving::is_steady(const Found& claim) {
  if (!sections_.catalog.affinities().empty() || !sections_.catalog.quotas().empty()) return false;
  const Ledger& ledger = sections_.ledger;
  if (pending_.set(ledger.row(ledger.waiting().row(claim.row).claim)).has_error()) return false;
  const Result<Index::Prepared*> plan = pool_.index_.plan(pending_.request(), pool_.state_->time());
  return plan && std::ranges::none_of((*plan)->versions, [](const VersionPlan& version) {
           return version.reads(Read::kGroup) || version.reads(Read::kConsumer) || version.reads(Read::kSlot) ||
                  version.reads(Read::kTime) || version.reads(Read::kInside);
         });
}

Pool::Serving::Mask Pool::Serving::steady_sorts(VersionId version, const WaitingQueue& queue) {
  if (own_policies(sections_.catalog.version(version).definition.name)) return 0;
  Mask steady = 0;
  for (std::uint32_t number = 0; number < WaitingQueue::kNoSort; ++number) {
    const WaitingQueue::Sort* const sort = queue.sort(number);
    if (sort == nullptr) continue;
    const Mask bit = Mask{1} << number;
    auto held = steady_.find({version, number});
    if (held == steady_.end() || !(held->second.first == *sort)) {
      const bool is = is_steady(*queue.first(0, {}, ~bit));
      held = steady_.insert_or_assign({version, number}, std::pair(*sort, is)).first;
    }
    if (held->second.second) steady |= bit;
  }
  return steady;
}

void Pool::Serving::open() {
  if (steady_stamp_ != sections_.catalog.stamp()) steady_.clear();
  steady_stamp_ = sections_.catalog.stamp();
  lines_.clear();
  for (VersionId id = 0; id < sections_.catalog.version_count(); ++id) {
    const WaitingQueue* const queue = sections_.ledger.waiting().queue(id);
    if (queue == nullptr) continue;
    lines_.push_back({id, steady_sorts(id, *queue)});
    find(lines_.back(), 0);
  }
  open_looks(freed_.take(sections_));
}

void Pool::Serving::open_looks(const std::vector<InstanceRef>& instances) {
  looks_.clear();
  VersionId version = InstanceRef::kNone;
  std::vector<const Line*> lines;  // for instances of the version
  for (const InstanceRef instance : instances) {
    if (instance.version != version) {
      version = instance.version;
      lines.clear();
      const std::string& type = sections_.catalog.version(version).definition.name;
      for (const Line& line : lines_) {
        if (sections_.catalog.version(line.version).definition.name == type) lines.push_back(&line);
      }
    }
    for (const Line* const line : lines) {
      looks_.push_back({instance, line->version, 0, ~line->steady});
      find(looks_.back());
    }
  }
}

const Pool::Serving::Line& Pool::Serving::line_of(VersionId version) const {
  return *std::ranges::find(lines_, version, &Line::version);
}

// The first whom the instance has room for. Room of another version is counted in other steps: then anybody.
void Pool::Serving::find(Look& look) {
  look.next.reset();
  const WaitingQueue* const queue = sections_.ledger.waiting().queue(look.version);
  const InstanceTable& table = *sections_.inventory.table(look.instance.version);
  const std::uint32_t row = look.instance.row;
  if (queue == nullptr || table.over(row) || !rules(look.instance.version).permits(table, row)) return;
  room_.clear();
  if (look.version == look.instance.version) {
    const std::byte* const record = table.room[row];
    for (std::size_t d = 0; d < table.dimensions.size(); ++d)
      room_.push_back(table.limits(record)[d] - table.used(record)[d]);
  }
  for (;;) {
    look.next = queue->first(look.from, room_, look.passed);
    if (!look.next || !in_vain_.contains({look.version, look.next->row})) return;
    look.from = look.next->position + 1;
  }
}

void Pool::Serving::find(Line& line, std::uint32_t from) {
  const WaitingQueue* const queue = sections_.ledger.waiting().queue(line.version);
  line.next = queue == nullptr ? std::nullopt : queue->first(from, {}, line.steady);
}

// --- one after the other

std::optional<Pool::Serving::Turn> Pool::Serving::first() const {
  std::optional<Turn> first;
  const auto offer = [&](VersionId version, const std::optional<Found>& next) {
    if (next && (!first || next->ticket < first->found.ticket)) first = Turn{version, *next};
  };
  for (const Line& line : lines_) offer(line.version, line.next);
  for (const Look& look : looks_) offer(look.version, look.next);
  return first;
}

void Pool::Serving::run(Update& update) {
  in_vain_.clear();
  open();
  while (const std::optional<Turn> turn = first()) {
    if (serve(update, *turn)) {
      in_vain_.clear();
      look_again(*turn, taken_);
    } else {
      pass_over(*turn);
    }
  }
  freed_.skip(sections_);
}

// As if it were asked for now.
bool Pool::Serving::serve(Update& update, const Turn& turn) {
  const Ledger& ledger = sections_.ledger;
  const std::uint32_t slot = ledger.waiting().row(turn.found.row).claim;
  if (pending_.set(ledger.row(slot)).has_error()) return false;
  const Result<Index::Prepared*> plan = pool_.index_.plan(pending_.request(), update.now());
  if (!plan) return false;  // the type's newest version lacks what it asks for
  (*plan)->number = update.next_number();
  const std::vector<InstanceRef> chosen = pool_.index_.choose(**plan, update.log(), pending_.excluded());
  if (chosen.empty()) return false;
  taken_ = chosen.front();
  const Amounts steps = (*plan)->version_of(taken_).wanted(taken_.row);
  update.write(Ledger::kActivate, Ledger::activate_payload(ledger.id_of(slot), taken_, steps)).value();
  return true;
}

// What was taken may suit others now, if less: rules may read what is used. Who is decided at every update is decided
// at every activation.
void Pool::Serving::look_again(const Turn& turn, InstanceRef taken) {
  for (Line& line : lines_) find(line, 0);
  for (Look& look : looks_) {
    if (look.instance == taken) look.from = 0, look.passed = ~line_of(look.version).steady;
    const bool gone = look.next && look.version == turn.version && look.next->row == turn.found.row;
    if (gone || look.instance == taken) find(look);
  }
}

// No instance serves it.
void Pool::Serving::pass_over(const Turn& turn) {
  const Found& found = turn.found;
  in_vain_.emplace(turn.version, found.row);
  for (Line& line : lines_) {
    if (line.next && line.version == turn.version && line.next->row == found.row) find(line, found.position + 1);
  }
  for (Look& look : looks_) {
    if (!look.next || look.version != turn.version || look.next->row != found.row) continue;
    if (excludes_sort(look)) {
      look.passed |= Mask{1} << found.sort;
    } else {
      look.from = found.position + 1;
    }
    find(look);
  }
}

// True when a filter that reads nothing of the request excludes the instance: it does so for the whole sort.
bool Pool::Serving::excludes_sort(const Look& look) {
  const Result<Index::Prepared*> plan = pool_.index_.plan(pending_.request(), pool_.state_->time());
  if (!plan) return true;
  const auto version = std::ranges::find((*plan)->versions, look.instance.version,
                                         [](const VersionPlan& each) { return each.version->id; });
  if (version == (*plan)->versions.end()) return true;
  const CompiledPolicy& policy =
      policy_of(sections_, pool_.expressions_, *version, version->table->policy[look.instance.row]);
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, *version->table, version->values);
  Scratch scratch;
  const auto excludes = [&](const CompiledFilter& filter) {
    return !filter.program.reads().has(Read::kRequest) &&
           filter_rows(std::span(&look.instance.row, 1), filter, source, scratch).empty();
  };
  return (version->where && excludes(*version->where)) || (policy.where && excludes(*policy.where));
}

}  // namespace apportion
