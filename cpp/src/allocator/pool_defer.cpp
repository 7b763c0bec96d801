// Slots that are granted just in time: whether to wait, what the journal keeps of them, and what their deadlines do.
#include <algorithm>

#include "pool_serving.hpp"

namespace apportion {
namespace {

// What ended together, and what was missed then: a moment of the queue.
struct Moment {
  std::vector<ClaimId> ended;
  std::vector<ClaimId> missed;
};

}  // namespace

bool Pool::may_wait(const Request& request) const {
  if (request.mark || request.patience == Time{0}) return false;
  for (VersionId id = 0; id < sections_.catalog.version_count(); ++id) {
    if (is_deferrable(sections_.catalog.version(id))) return true;
  }
  return false;
}

// `plan` was made for this request, or for the same without the filter that names its only instance.
Result<std::shared_ptr<const Deferral>> Pool::wait_for(const Plan& plan, const Request& request, std::size_t found,
                                                       Time now) {
  std::shared_ptr<const Deferral> wait;
  if (!may_wait(request)) return wait;
  const Selector selector(sections_, expressions_, &index_.neighbours());
  const Lacking lacking{request.count, request.count - static_cast<std::uint32_t>(found), {}, request.patience};
  std::optional<Deferral> deferral;
  if (plan.request == &request) {
    deferral = expected_wait(sections_, selector, plan, lacking);
  } else {
    const Result<Plan> filtered = Planner(sections_, expressions_, index_.neighbours()).plan(request, now);
    if (!filtered) return filtered.error();
    deferral = expected_wait(sections_, selector, *filtered, lacking);
  }
  if (deferral) wait = std::make_shared<const Deferral>(std::move(*deferral));
  return wait;
}

// Behind the claims of `record_` that are held, so many that wait. In a trial texts get no numbers.
void Pool::add_pending(Update& update, const Plan& plan, std::size_t count, const Deferral& wait) {
  const VersionPlan& newest = plan.versions.back();
  const Interner interner = update.interner();
  PendingRecord pending;
  pending.version = newest.version->id;
  pending.where = update.trial() ? 0 : interner.text(record_.request.where);
  pending.policy = update.trial() ? 0 : interner.text(record_.request.policy);
  pending.apart = record_.request.count > 1;
  pending.whole = record_.request.whole;
  pending.patience = wait.patience, pending.expected = wait.expected;
  const std::span<const Steps> amounts = newest.portion.named();
  for (std::size_t i = 0; i < count; ++i) {
    ClaimEffect effect{{}, {}, Amounts(amounts.begin(), amounts.end())};
    effect.pending = static_cast<std::uint32_t>(record_.pending.size());
    record_.claims.push_back(std::move(effect));
    record_.pending.push_back(pending);
  }
}

// --- deadlines

// Claims, marks and deadlines whose time has come, before anything else happens. While somebody waits, in the order of
// their times: at each, who waits is served with what ended, and then what is still pending is missed.
Status Pool::expire(Time now) {
  count_claims();
  APPORTION_TRY(turn(now));
  if (sections_.ledger.due(std::max(now, state_->time())).empty()) return {};
  Update update(*this);
  APPORTION_TRY(expire_within(update));
  update.commit();
  return {};
}

Status Pool::expire_within(Update& update) {
  const Ledger& ledger = sections_.ledger;
  const bool waits = ledger.waiting().count() > 0;
  std::vector<Moment> moments(1);
  Time last = 0;
  for (const ClaimId claim : ledger.due(update.now())) {
    const Ledger::ClaimRow& row = *ledger.find(claim);
    const Ledger::Terms terms = ledger.terms(row);
    const bool missed = ledger.is_pending(row) && terms.expires < terms.ends;
    const Time time = std::min(terms.expires, terms.ends);
    if (waits && time > last) moments.emplace_back();
    (missed ? moments.back().missed : moments.back().ended).push_back(claim);
    last = time;
  }
  for (const Moment& moment : moments) {
    APPORTION_TRY(end(update, moment.ended));
    serve(update);
    APPORTION_TRY(miss(update, moment.missed));
  }
  return {};
}

Status Pool::end(Update& update, std::vector<ClaimId> claims) {
  std::erase_if(claims, [this](ClaimId claim) { return sections_.ledger.find(claim) == nullptr; });
  return claims.empty() ? Status() : update.write(Ledger::kExpire, Ledger::payload(claims));
}

// As the type says now. One that was activated meanwhile, or went with another of its grant, is none of them.
Status Pool::miss(Update& update, const std::vector<ClaimId>& claims) {
  const Ledger& ledger = sections_.ledger;
  for (const ClaimId claim : claims) {
    const Ledger::ClaimRow* const row = ledger.find(claim);
    if (row == nullptr || !ledger.is_pending(*row)) continue;
    const Waiting::Row& pending = ledger.pending(*row);
    const TypeVersion& type = *sections_.catalog.find_type(sections_.catalog.version(pending.version).definition.name);
    const Missed missed = is_deferrable(type) ? type.definition.deferrable->missed : Missed::kReleaseAll;
    if (missed == Missed::kExtend) {
      const Time patience = std::min(pending.patience, kForever - 1 - update.now());
      APPORTION_TRY(update.write(Ledger::kExtend, Ledger::extend_payload(claim, update.now() + patience)));
      continue;
    }
    std::vector<ClaimId> others;
    if (missed == Missed::kReleaseAll) others = ledger.grant_of(claim);
    std::erase(others, claim);
    APPORTION_TRY(update.write(Ledger::kMiss, Ledger::miss_payload(std::span(&claim, 1), others)));
  }
  return {};
}

}  // namespace apportion
