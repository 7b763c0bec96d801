// Why a claim is where it is: its request, decided once more in the state that it met.
#include <algorithm>

#include "pending_request.hpp"
#include "pool_update.hpp"

namespace apportion {
namespace {

// The grant of a change that made this claim, and the grants of the same change before it.
Result<std::vector<GrantRecord>> grants_up_to(const Change& change, ClaimId claim) {
  if (change.kind != Ledger::kGrant) return corrupt("the change that made the claim is no grant");
  Reader reader(change.payload);
  std::vector<GrantRecord> grants;
  for (std::uint32_t left = reader.get_count(16); left > 0; --left) {
    grants.push_back(decode_grant(reader));
    if (reader.failed()) break;
    if (std::ranges::find(grants.back().claims, claim, &ClaimEffect::claim) != grants.back().claims.end())
      return grants;
  }
  return corrupt("the grant that made the claim does not name it");
}

// As it was asked, but for the key. Amounts are those of the record, whatever decimal they were written as.
Result<Request> request_of(const RequestRecord& record, const Catalog& catalog, const Ledger& ledger) {
  const TypeDefinition& type = catalog.version(record.version).definition;
  Request request;
  if (!record.untyped) request.type = type.name;
  for (std::size_t d = 0; d < record.amounts.size(); ++d) {
    if (record.amounts[d] == 0) continue;
    const Steps steps = record.amounts[d] == kNamedZero ? 0 : record.amounts[d];
    request.amounts.emplace_back(type.dimensions[d].name, units_decimal(steps, type.dimensions[d].step));
  }
  request.consumer = record.consumer;
  request.count = record.count;
  request.whole = record.whole;
  request.where = record.where;
  request.labels = ledger.label_texts(record.labels);
  APPORTION_TRY(read_policy_text(record.policy, request));
  request.starts = record.starts;
  request.ends = record.ends;
  request.mark = record.mark;
  request.expires = record.expires;
  if (record.patience != 0) request.patience = record.patience;
  return request;
}

Error forgotten(ClaimId claim, std::uint64_t number, const Log& journal) {
  return unknown("claim " + std::to_string(claim.slot) + "." + std::to_string(claim.generation) +
                 " was decided by change " + std::to_string(number) + " and this pool's journal begins after change " +
                 std::to_string(journal.base_number()) +
                 ": a larger journal_bytes keeps more, and that of a fork begins with the fork");
}

}  // namespace

Result<Request> Pool::recorded_request(std::uint64_t number, ClaimId claim) const {
  const Result<Change> change = journal_.change(number);
  if (!change) return change.error();
  const Result<std::vector<GrantRecord>> grants = grants_up_to(*change, claim);
  return grants ? request_of(grants->back().request, sections_.catalog, sections_.ledger)
                : Result<Request>(grants.error());
}

Result<Node> Pool::why(ClaimId claim, std::size_t limit) const {
  std::shared_ptr<Pool> then;
  std::vector<GrantRecord> grants;
  Change made;
  Node::Map now;
  {
    const std::lock_guard lock(mutex_);
    const Ledger::ClaimRow* row = sections_.ledger.find(claim);
    if (row == nullptr) return stale(claim);
    if (sections_.ledger.is_pending(*row)) return pending(claim);
    const Result<Change> change = journal_.change(row->revision);
    if (!change) return forgotten(claim, row->revision, journal_);
    Result<std::vector<GrantRecord>> found = grants_up_to(*change, claim);
    if (!found) return found.error();
    std::uint64_t decided = row->revision;  // texts that the grant's own update defined came after the decision
    for (;; --decided) {
      const Result<Change> before = journal_.change(decided - 1);
      if (!before || area_of(before->kind) != kSymbolsArea) break;
    }
    Result<std::unique_ptr<State>> state = journal_.at(decided - 1);
    if (!state) return forgotten(claim, row->revision, journal_);
    PoolOptions options = options_;
    options.clock = change->time;
    then = std::shared_ptr<Pool>(new Pool(options, std::move(*state)));
    grants = std::move(*found);
    made = *change;
    made.payload = {};
    now = {{"instance", std::string(sections_.inventory.id_of(row->instance))},
           {"consumer", std::string(sections_.ledger.consumers().name(row->consumer))}};
  }
  Result<Node> answer = then->why_then(grants, claim, made, limit);
  if (answer) answer->map()->emplace_back("now", std::move(now));
  return answer;
}

// In the state that was there when the change was decided, each grant of which met those before it.
Result<Node> Pool::why_then(const std::vector<GrantRecord>& grants, ClaimId claim, const Change& change,
                            std::size_t limit) {
  const std::lock_guard lock(mutex_);
  const GrantRecord& grant = grants.back();
  const auto effect = std::ranges::find(grant.claims, claim, &ClaimEffect::claim);
  const auto position = static_cast<std::size_t>(effect - grant.claims.begin());
  if (effect->pending != PendingRecord::kNone) {
    return unknown("claim " + std::to_string(claim.slot) + "." + std::to_string(claim.generation) +
                   " was granted just in time: its instance was chosen when it was activated");
  }
  Result<Request> asked = request_of(grant.request, sections_.catalog, sections_.ledger);
  if (!asked) return asked.error();
  // One that named no type is recorded under one of those that took part.
  const auto other_type = [&](const ClaimEffect& each) {
    return each.instance.valid() && sections_.catalog.version(each.instance.version).definition.name != asked->type;
  };
  if (effect->role == 0 && std::ranges::any_of(grant.claims, other_type)) asked->type.clear();
  count_claims();
  Update update(*this, change.time);
  Transaction& log = update.log();
  for (std::size_t i = 0; i + 1 < grants.size(); ++i) {
    GrantRecord before = grants[i];
    for (ClaimEffect& other : before.claims) other.role = 0;  // its text came later
    if (!sections_.symbols.has_list(before.request.labels)) before.request.labels = 0;
    APPORTION_TRY(sections_.ledger.grant(before, change, log));
  }
  const std::uint64_t number = state_->revision().number + grants.size();
  Resolver::Failure slot;
  Result<Plan> plan = Planner(sections_, expressions_, index_.neighbours()).plan(*asked, change.time);
  if (plan && plan->tree) {
    Resolver resolver(sections_, expressions_, index_, {.number = number, .watch = position});
    const auto found = resolver.resolve(*asked, change.time, log);
    if (!found) return found.error();
    slot = std::move(resolver.watched());
    slot.request.slot = slot.context ? &*slot.context : nullptr;
    plan = Planner(sections_, expressions_, index_.neighbours()).plan(slot.request, change.time);
  }
  if (!plan) return plan.error();
  plan->number = number;
  std::vector<InstanceRef> siblings;  // of the same request or need: each gets another instance
  for (std::size_t i = 0; i < position; ++i) {
    const ClaimEffect& earlier = grant.claims[i];
    if (!earlier.instance.valid()) continue;
    claim_provisionally(*sections_.inventory.table(earlier.instance.version), earlier.instance.row, earlier.amounts,
                        log);
    if (grant.claims[i].role == effect->role || slot.role.empty()) siblings.push_back(grant.claims[i].instance);
  }
  const Selector selector(sections_, expressions_, &index_.neighbours());
  const std::vector<Scored> ranking = selector.ranking(*plan, siblings);
  const auto chosen = std::ranges::find(ranking, effect->instance, &Scored::instance);
  Node::List rows;
  for (std::size_t i = 0; i < std::min(limit, ranking.size()); ++i) rows.push_back(ranked(*plan, ranking[i]));
  Node::List stages;
  for (const Stage& stage : selector.stages(*plan)) stages.push_back(to_node(stage));
  return Node(Node::Map{{"granted", true},
                        {"type", plan->request->type},
                        {"consumer", grant.request.consumer},
                        {"count", std::int64_t{grant.request.count}},
                        {"policy", to_node(plan->versions.back().policy->definition)},
                        {"candidates", static_cast<std::int64_t>(ranking.size())},
                        {"stages", std::move(stages)},
                        {"ranking", std::move(rows)},
                        {"slots", Node::List{}},
                        {"deferral", Node()},
                        {"denial", Node()},
                        {"chosen", Node::Map{{"instance", std::string(sections_.inventory.id_of(effect->instance))},
                                             {"rank", std::int64_t{chosen - ranking.begin() + 1}},
                                             {"role", slot.role},
                                             {"revision", change.revision.text()},
                                             {"time", change.time}}}});
}

}  // namespace apportion
