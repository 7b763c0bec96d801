// Repairs: what is tried, in which order, and how it is known that it cures.
#include <algorithm>

#include "apportion/catalog/document.hpp"
#include "pool_repairing.hpp"

namespace apportion {
namespace {

constexpr std::size_t kNearest = 16;

}  // namespace

Result<Repairs> Pool::repairs(const Request& request) {
  const std::lock_guard lock(mutex_);
  const Time now = clock();
  APPORTION_TRY(expire(now));
  Result<std::vector<Repair>> found = Repairing(*this, request, now).find();
  if (!found) return found.error();
  return Repairs{state_->revision(), std::move(*found)};
}

// The time of all changes is that of a wait, if it is one.
Result<Outcome> Pool::repair(const Request& request, const Repair& repair) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(expire(clock()));
  const Time now = std::max(clock(), repair.until);
  if (now > clock() && !options_.clock)
    return invalid("a wait until a later time cannot be done in advance: ask again then", "repair");
  const Request asked = repaired(request, repair);
  Result<Outcome> outcome(boost::system::in_place_value, std::in_place_type<Grant>);
  {
    Update update(*this, now);
    APPORTION_TRY(perform(update, repair));
    Result<Decision> decision = decide(update, asked);
    if (!decision) return decision.error();
    if (const ClaimId* first = std::get_if<ClaimId>(&*decision)) return Outcome(grant_now(*first));
    if (std::holds_alternative<std::monostate>(*decision)) {
      set_grant(std::get<Grant>(*outcome), record_);
      update.commit();
      if (options_.clock) options_.clock = now;
      return outcome;
    }
    outcome = Outcome(std::move(std::get<Denial>(*decision)));
  }
  APPORTION_TRY(record_denial(std::get<Denial>(*outcome), asked));
  return outcome;
}

// As if each were an update of its own: who waits is served before the request is.
Status Pool::perform(Update& update, const Repair& repair) {
  std::vector<ClaimId> claims;
  for (const RepairedClaim& claim : repair.claims) claims.push_back(claim.claim);
  switch (repair.kind) {
    case RepairKind::kRelease:
      APPORTION_TRY(update.write(Ledger::kRelease, Ledger::payload(claims)));
      break;
    case RepairKind::kMove:
      for (const RepairedClaim& claim : repair.claims) {
        const Result<std::optional<Denial>> denied = move_within(update, claim.claim, claim.to);
        if (!denied) return denied.error();
        if (*denied) return conflict((*denied)->message, "repair");
        serve(update);
      }
      return {};
    case RepairKind::kWait:
      if (!sections_.inventory.maintenance().empty()) APPORTION_TRY(turn_within(update));
      APPORTION_TRY(expire_within(update));
      break;
    case RepairKind::kOnline:
      for (const InstanceSpec& spec : repair.instances) APPORTION_TRY(change_instance(update, spec));
      break;
    case RepairKind::kAdd:
      APPORTION_TRY(put_instances(update, repair.instances, false));
      break;
    case RepairKind::kRelax:
      if (repair.type) APPORTION_TRY(redefine(update, *repair.type));
      break;
    default:
      return {};
  }
  serve(update);
  return {};
}

Status Pool::redefine(Update& update, const TypeDefinition& type) {
  APPORTION_TRY(update.write(Catalog::kDefineType, Catalog::payload(type.name, to_node(type))));
  std::vector<Problem> problems;
  return check_all_needs(problems);
}

// Whether `decide` would grant, without the diagnosis of why not.
Result<bool> Pool::would_grant(Update& update, const Request& request) {
  APPORTION_TRY(check_times(request, update.now()));
  const Result<Index::Prepared*> prepared = index_.plan(request, update.now());
  if (!prepared) return prepared.error();
  Index::Prepared& plan = **prepared;
  if (plan.tree) {
    Resolver resolver(sections_, expressions_, index_, {update.next_number()});
    const auto found = resolver.resolve(request, update.now(), update.log());
    return found && *found && !(*found)->empty();
  }
  plan.number = update.next_number();
  return index_.choose(plan, update.log()).size() >= request.count;
}

Result<std::vector<Repair>> Pool::Repairing::find() {
  const Result<bool> denied = aim();
  if (!denied) return denied.error();
  if (!*denied) return std::vector<Repair>();
  if (plan_) {
    release();
    move();
    online();
    add();
    relax();
    alternative();
  }
  wait();
  smaller();
  fewer();
  std::ranges::stable_sort(found_, {}, [](const Repair& repair) { return std::pair(repair.cost, repair.kind); });
  if (found_.size() > Repairs::kMost) found_.resize(Repairs::kMost);
  return std::move(found_);
}

// False when there is nothing to repair.
Result<bool> Pool::Repairing::aim() {
  Update trial(pool_, now_);
  trial.be_trial();
  APPORTION_TRY(check_times(request_, now_));
  const Result<Index::Prepared*> prepared = pool_.index_.plan(request_, now_);
  if (!prepared) return prepared.error();
  Index::Prepared& plan = **prepared;
  tree_ = plan.tree || (request_.count > 1 && Index::counts_claims(plan));
  if (!tree_) {
    plan.number = trial.next_number();
    const std::size_t found = pool_.index_.choose(plan, trial.log()).size();
    if (found >= request_.count) return false;
    lacking_ = request_.count - static_cast<std::uint32_t>(found);
    aimed_ = request_;
  } else {
    Resolver resolver(sections_, pool_.expressions_, pool_.index_, {trial.next_number()});
    const auto found = resolver.resolve(request_, now_, trial.log());
    if (found && *found) return (*found)->empty();
    Resolver::Failure& failure = resolver.failure();
    if (!found || failure.role.empty()) return true;  // no slot is to blame
    aimed_ = std::move(failure.request);
    context_ = std::move(failure.context);
    aimed_.slot = context_ ? &*context_ : nullptr;
    before_ = std::move(failure.before);
  }
  Result<Plan> aimed = Planner(sections_, pool_.expressions_, pool_.index_.neighbours()).plan(aimed_, now_);
  if (!aimed) return aimed.error();
  plan_ = std::move(*aimed);
  plan_->request = &aimed_;
  for (const FilledSlot& slot : before_)
    claim_provisionally(*sections_.inventory.table(slot.instance.version), slot.instance.row, slot.amounts,
                        trial.log());
  pool_.index_.neighbours().catch_up();
  constraints_.emplace(sections_, pool_.expressions_, *plan_, pool_.index_.neighbours());
  find_near();
  return true;
}

// What a candidate lacks but for room is no matter here; one that is too small when empty is none either.
std::optional<double> Pool::Repairing::distance(const Candidate& candidate) const {
  const InstanceTable& table = *candidate.version->table;
  const std::byte* const record = table.room[candidate.instance.row];
  double share = 0;
  const Amounts wanted = candidate.version->wanted(candidate.instance.row);
  for (std::size_t d = 0; d < table.dimensions.size(); ++d) {
    const Steps asked = wanted[d];
    const Steps limit = table.limits(record)[d];
    const Steps lack = table.used(record)[d] + asked - limit;
    if (asked > limit) return std::nullopt;
    if (lack > 0) share += static_cast<double>(lack) / static_cast<double>(std::max<Steps>(asked, 1));
  }
  return share;
}

// Those that lack least, with their claims.
void Pool::Repairing::find_near() {
  if (lacking_ > kNearest) return;
  const std::uint64_t room = constraints_->mask({Constraints::Kind::kCapacity, Constraints::Kind::kConsumers});
  std::vector<std::pair<double, const Candidate*>> order;
  for (const Candidate& candidate : constraints_->candidates()) {
    if (candidate.failed == 0 || (candidate.failed & ~room) != 0) continue;
    if (const std::optional<double> share = distance(candidate)) order.emplace_back(*share, &candidate);
  }
  const std::size_t kept = std::min(order.size(), kNearest);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(kept));  // of equal ones the first
  order.resize(kept);
  std::vector<InstanceRef> instances;
  for (const auto& [share, candidate] : order) {
    const InstanceTable& table = *candidate->version->table;
    const std::uint32_t row = candidate->instance.row;
    Near near{candidate, {}, 0, {}};
    const Amounts wanted = candidate->version->wanted(row);
    for (std::size_t d = 0; d < table.dimensions.size(); ++d) {
      const Steps asked = wanted[d];
      near.deficit.push_back(
          std::max<Steps>(table.dimensions[d].used[row] + asked - table.dimensions[d].limit[row], 0));
    }
    if (!shares(*candidate->version, row, sections_.ledger, plan_->consumer))
      near.crowd = table.consumers[row] - *candidate->version->version->definition.max_consumers + 1;
    near_.push_back(std::move(near));
    instances.push_back(candidate->instance);
  }
  const Ledger& ledger = sections_.ledger;
  auto claims = ledger.keeps_lists() ? std::vector<std::vector<ClaimId>>() : ledger.claims_on(instances);
  for (std::size_t i = 0; i < near_.size(); ++i)
    near_[i].claims = ledger.keeps_lists() ? ledger.claims_on(instances[i]) : std::move(claims[i]);
}

// In the pool itself, where what is known of shapes helps; but a definition, even one that is taken back, makes the
// pool forget what it knows of them, so that is tried in a fork.
bool Pool::Repairing::cures(const Repair& repair) {
  const auto cures_in = [&](Pool& pool) {
    Update trial(pool, std::max(now_, repair.until));
    trial.be_trial();
    if (pool.perform(trial, repair).has_error()) return false;
    const Result<bool> granted = pool.would_grant(trial, repaired(request_, repair));
    return granted && *granted;
  };
  if (!repair.type) return cures_in(pool_);
  const std::shared_ptr<Pool> fork(new Pool(pool_.options_, pool_.state_->fork()));
  return cures_in(*fork);
}

bool Pool::Repairing::offer(Repair repair) {
  if (!cures(repair)) return false;
  found_.push_back(std::move(repair));
  return true;
}

}  // namespace apportion
