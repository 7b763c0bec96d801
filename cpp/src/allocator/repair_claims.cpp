// Repairs that end or move claims, or wait for their end.
#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "pool_repairing.hpp"

namespace apportion {
namespace {

constexpr std::size_t kOffered = 2;
constexpr std::size_t kMostMoved = 3;
constexpr int kDestinations = 12;
constexpr std::size_t kMoments = 256;
constexpr std::size_t kLookedAt = 4096;
constexpr double kMarkPrice = 3, kEndingPrice = 5, kClaimPrice = 6;

std::string joined(const std::vector<std::string>& parts) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, parts.size()); ++i) text += (i == 0 ? "" : ", ") + parts[i];
  return parts.size() > kShown ? text + " and " + std::to_string(parts.size() - kShown) + " more" : text;
}

std::string named(const RepairedClaim& claim, std::uint32_t origin) {
  return (claim.mark ? "mark c" : "claim c") + std::to_string(origin) + "." + std::to_string(claim.claim.slot) + "." +
         std::to_string(claim.claim.generation) + " of '" + claim.consumer + "' (" + claim.amounts + ")";
}

}  // namespace

double Pool::Repairing::price(const Ledger::ClaimRow& claim) const {
  if (claim.state == ClaimState::kMark) return kMarkPrice;
  return sections_.ledger.terms(claim).ends != kForever ? kEndingPrice : kClaimPrice;
}

RepairedClaim Pool::Repairing::described(ClaimId id) const {
  const Ledger::ClaimRow& row = *sections_.ledger.find(id);
  const TypeDefinition& type = sections_.catalog.version(sections_.ledger.version_of(row)).definition;
  const std::span<const Steps> held = sections_.ledger.amounts(row);
  std::string amounts;
  for (std::size_t d = 0; d < held.size(); ++d) {
    if (held[d] == 0) continue;
    amounts +=
        (amounts.empty() ? "" : ", ") + type.dimensions[d].name + " " + units_text(held[d], type.dimensions[d].step);
  }
  return {id,
          std::string(sections_.ledger.consumers().name(row.consumer)),
          sections_.ledger.is_pending(row) ? std::string() : std::string(sections_.inventory.id_of(row.instance)),
          {},
          amounts.empty() ? "nothing" : amounts,
          row.state == ClaimState::kMark};
}

// --- which claims

// True when the instance has room once these have ended.
bool Pool::Repairing::frees(const Near& near, const std::vector<ClaimId>& ended) const {
  const Ledger& ledger = sections_.ledger;
  std::vector<Steps> left = near.deficit;
  std::map<std::uint32_t, std::uint32_t> of_consumer;
  for (const ClaimId id : ended) {
    const Ledger::ClaimRow& row = *ledger.find(id);
    const std::span<const Steps> held = ledger.amounts(row);
    for (std::size_t d = 0; d < held.size(); ++d) left[d] -= held[d];
    ++of_consumer[row.consumer];
  }
  std::uint32_t gone = 0;
  for (const auto& [consumer, number] : of_consumer)
    gone += ledger.holdings(near.candidate->instance, consumer) == number ? 1 : 0;
  return gone >= near.crowd && std::ranges::all_of(left, [](Steps steps) { return steps <= 0; });
}

// What a claim's end brings of what is left to find: the shares of the deficit, summed.
double Pool::Repairing::gain(const Near& near, const std::vector<Steps>& left, ClaimId claim) const {
  const std::span<const Steps> held = sections_.ledger.amounts(*sections_.ledger.find(claim));
  double gained = 0;
  for (std::size_t d = 0; d < held.size(); ++d) {
    if (left[d] > 0) gained += static_cast<double>(std::min(held[d], left[d])) / static_cast<double>(near.deficit[d]);
  }
  return gained;
}

// All claims of as many consumers as are too many: of those who hold least.
std::vector<ClaimId> Pool::Repairing::crowding(const Near& near) const {
  if (near.crowd == 0) return {};
  std::map<std::uint32_t, std::pair<double, std::vector<ClaimId>>> by_consumer;
  for (const ClaimId id : near.claims) {
    const Ledger::ClaimRow& row = *sections_.ledger.find(id);
    by_consumer[row.consumer].first += price(row);
    by_consumer[row.consumer].second.push_back(id);
  }
  std::vector<std::pair<double, std::vector<ClaimId>>> groups;
  for (auto& [consumer, group] : by_consumer) groups.push_back(std::move(group));
  std::ranges::stable_sort(groups, {}, &std::pair<double, std::vector<ClaimId>>::first);
  std::vector<ClaimId> ended;
  for (std::size_t i = 0; i < std::min<std::size_t>(near.crowd, groups.size()); ++i)
    std::ranges::copy(groups[i].second, std::back_inserter(ended));
  return ended;
}

// The cheapest claim that is enough by itself, of equal ones the soonest to end, then the smallest.
std::optional<ClaimId> Pool::Repairing::one_to_end(const Near& near) const {
  const Ledger& ledger = sections_.ledger;
  std::optional<ClaimId> best;
  std::tuple<double, Time, Steps> least{};
  for (const ClaimId id : near.claims) {
    if (!frees(near, {id})) continue;
    const Ledger::ClaimRow& row = *ledger.find(id);
    const std::span<const Steps> held = ledger.amounts(row);
    const std::tuple costs{price(row), ledger.terms(row).ends, std::accumulate(held.begin(), held.end(), Steps{0})};
    if (!best || costs < least) best = id, least = costs;
  }
  return best;
}

// Greedy, by what a claim brings for its price, the soonest to end first; then whatever is not needed is left out, the
// dearest first.
std::vector<ClaimId> Pool::Repairing::least_to_end(const Near& near) const {
  const Ledger& ledger = sections_.ledger;
  if (const std::optional<ClaimId> one = one_to_end(near)) return {*one};
  std::vector<ClaimId> chosen = crowding(near);
  std::vector<Steps> left = near.deficit;
  const auto take = [&](ClaimId id) {
    const std::span<const Steps> held = ledger.amounts(*ledger.find(id));
    for (std::size_t d = 0; d < held.size(); ++d) left[d] -= held[d];
  };
  for (const ClaimId id : chosen) take(id);
  while (!frees(near, chosen)) {
    std::optional<ClaimId> best;
    std::pair<double, Time> most{};
    for (const ClaimId id : near.claims) {
      if (std::ranges::find(chosen, id) != chosen.end()) continue;
      const Ledger::ClaimRow& row = *ledger.find(id);
      const double gained = gain(near, left, id);
      if (gained <= 0) continue;
      const std::pair worth{gained / price(row), -ledger.terms(row).ends};
      if (!best || worth > most) best = id, most = worth;
    }
    if (!best) return {};
    chosen.push_back(*best);
    take(*best);
  }
  std::vector<ClaimId> dearest = chosen;
  std::ranges::stable_sort(dearest, std::greater<>(), [&](ClaimId id) { return price(*ledger.find(id)); });
  for (const ClaimId id : dearest) {
    std::vector<ClaimId> fewer = chosen;
    std::erase(fewer, id);
    if (frees(near, fewer)) chosen = std::move(fewer);
  }
  return chosen;
}

// Who loses a slot of a tree has no use for the others.
std::vector<ClaimId> Pool::Repairing::whole_trees(const std::vector<ClaimId>& claims) const {
  std::vector<ClaimId> whole;
  const auto add = [&](ClaimId id) {
    if (std::ranges::find(whole, id) == whole.end()) whole.push_back(id);
  };
  for (const ClaimId id : claims) {
    if (sections_.ledger.find(id)->role == 0) {
      add(id);
    } else {
      for (const ClaimId member : sections_.ledger.grant_of(id)) add(member);
    }
  }
  return whole;
}

void Pool::Repairing::release() {
  std::vector<Repair> each;
  for (const Near& near : near_) {
    Repair repair;
    repair.kind = RepairKind::kRelease;
    for (const ClaimId id : whole_trees(least_to_end(near))) {
      repair.claims.push_back(described(id));
      repair.cost += price(*sections_.ledger.find(id));
    }
    if (!repair.claims.empty()) each.push_back(std::move(repair));
  }
  std::ranges::stable_sort(each, {}, &Repair::cost);
  if (each.size() < lacking_) return;
  for (std::size_t i = 1; i < lacking_; ++i) {  // as many instances as are lacking, in one repair
    Repair& all = each.front();
    for (RepairedClaim& claim : each[i].claims) {
      const bool there = std::ranges::any_of(all.claims, [&](const auto& other) { return other.claim == claim.claim; });
      if (there) continue;
      all.cost += price(*sections_.ledger.find(claim.claim));
      all.claims.push_back(std::move(claim));
    }
  }
  if (lacking_ > 1) each.resize(1);
  std::size_t offered = 0;
  for (Repair& repair : each) {
    std::vector<std::string> parts;
    for (const RepairedClaim& claim : repair.claims)
      parts.push_back(named(claim, origin_) + (claim.instance.empty() ? ", pending" : " on '" + claim.instance + "'"));
    repair.text = "release " + joined(parts);
    if (offer(std::move(repair)) && ++offered == kOffered) return;
  }
}

// --- where to

// Where the claim's own request would put it now, were it not where it is. A filter of that request is honoured as long
// as the journal keeps it; a claim whose filter is not known any more stays.
std::optional<InstanceRef> Pool::Repairing::destination(Update& trial, ClaimId id) {
  const Ledger& ledger = sections_.ledger;
  const Ledger::ClaimRow& row = *ledger.find(id);
  const TypeDefinition& type = sections_.catalog.version(row.instance.version).definition;
  if (row.role != 0) return std::nullopt;
  Request asked;
  if (row.filtered != 0) {
    const Result<Request> recorded = pool_.recorded_request(row.revision, id);
    if (!recorded) return std::nullopt;
    asked = *recorded;
  }
  asked.type = type.name;
  asked.consumer = ledger.consumers().name(row.consumer);
  asked.count = 1;
  asked.amounts.clear();
  const std::span<const Steps> held = ledger.amounts(row);
  for (std::size_t d = 0; d < held.size(); ++d) {
    if (held[d] > 0)
      asked.amounts.emplace_back(type.dimensions[d].name, units_decimal(held[d], type.dimensions[d].step));
  }
  std::vector<InstanceRef> excluded;
  for (const ClaimId member : ledger.grant_of(id)) excluded.push_back(ledger.find(member)->instance);
  const Result<Index::Prepared*> plan = pool_.index_.plan(asked, now_);
  if (!plan) return std::nullopt;
  (*plan)->number = trial.next_number();
  const std::vector<InstanceRef> chosen = pool_.index_.choose(**plan, trial.log(), excluded);
  if (chosen.empty() || chosen.front().version != row.instance.version) return std::nullopt;
  return chosen.front();
}

// The claims whose going makes room, each with its new place; none when that cannot be done. The smallest that is
// enough by itself is tried first, then the largest.
std::vector<RepairedClaim> Pool::Repairing::moved_from(const Near& near, int& tries) {
  const Ledger& ledger = sections_.ledger;
  std::vector<ClaimId> order = near.claims;
  const auto rank = [&](ClaimId id) {
    const bool enough = frees(near, {id});
    const double gained = gain(near, near.deficit, id);
    const std::span<const Steps> held = ledger.amounts(*ledger.find(id));
    return std::tuple(!enough, enough ? 0 : -gained, std::accumulate(held.begin(), held.end(), Steps{0}));
  };
  std::ranges::stable_sort(order, {}, rank);
  const std::vector<ClaimId> crowd = crowding(near);
  for (auto id = crowd.rbegin(); id != crowd.rend(); ++id) {
    std::erase(order, *id);
    order.insert(order.begin(), *id);
  }
  Update trial(pool_, now_);
  trial.be_trial();
  std::vector<ClaimId> gone;
  std::vector<RepairedClaim> moved;
  std::vector<Steps> left = near.deficit;
  for (const ClaimId id : order) {
    if (gone.size() == kMostMoved || tries == 0) return {};
    const bool must = gone.size() < crowd.size();
    if (!must && gain(near, left, id) <= 0) continue;
    --tries;
    RepairedClaim claim = described(id);
    const std::optional<InstanceRef> to = destination(trial, id);
    if (to) claim.to = sections_.inventory.id_of(*to);
    const bool went = to && [&] {
      const Result<std::optional<Denial>> denied = pool_.move_within(trial, id, claim.to);
      return denied && !*denied;
    }();
    if (!went && must) return {};
    if (!went) continue;
    const std::span<const Steps> held = ledger.amounts(*ledger.find(id));
    for (std::size_t d = 0; d < held.size(); ++d) left[d] -= held[d];
    gone.push_back(id);
    moved.push_back(std::move(claim));
    if (std::ranges::all_of(left, [](Steps steps) { return steps <= 0; }) && gone.size() >= crowd.size()) return moved;
  }
  return {};
}

void Pool::Repairing::move() {
  int tries = kDestinations;
  std::vector<Repair> each;
  for (const Near& near : near_) {
    if (tries == 0 || each.size() == std::max<std::size_t>(kOffered, lacking_)) break;
    Repair repair;
    repair.kind = RepairKind::kMove;
    repair.claims = moved_from(near, tries);
    if (!repair.claims.empty()) each.push_back(std::move(repair));
  }
  if (each.size() < lacking_) return;
  for (std::size_t i = 1; i < lacking_; ++i) std::ranges::move(each[i].claims, std::back_inserter(each.front().claims));
  if (lacking_ > 1) each.resize(1);
  for (Repair& repair : each) {
    std::vector<std::string> parts;
    for (const RepairedClaim& claim : repair.claims)
      parts.push_back(named(claim, origin_) + " from '" + claim.instance + "' to '" + claim.to + "'");
    repair.text = "move " + joined(parts);
    repair.cost = static_cast<double>(repair.claims.size());
    offer(std::move(repair));
  }
}

// --- when

// By halves: what ends makes room, so where one moment is late enough the later ones nearly always are.
void Pool::Repairing::wait() {
  std::set<VersionId> versions;
  if (plan_ && !tree_) {
    for (const VersionPlan& version : plan_->versions) versions.insert(version.version->id);
  }
  std::vector<Time> moments;
  for (const DueQueue::Entry& entry : sections_.ledger.upcoming(kLookedAt)) {
    const bool matters = versions.empty() || versions.contains(sections_.ledger.find(entry.claim)->instance.version);
    if (!matters || entry.time <= now_ || (!moments.empty() && moments.back() == entry.time)) continue;
    if (moments.size() == kMoments) break;
    moments.push_back(entry.time);
  }
  const std::vector<Time> reopenings = pool_.reopenings(now_, kMoments);
  moments.insert(moments.end(), reopenings.begin(), reopenings.end());
  std::ranges::sort(moments);
  moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
  if (moments.size() > kMoments) moments.resize(kMoments);
  const auto at = [&](Time time) {
    Repair repair;
    repair.kind = RepairKind::kWait;
    repair.cost = 2;
    repair.until = time;
    repair.text = "wait " + units_text((time - now_) / 1000, Step{1, 1'000'000}) + " s: " +
                  (reopenings.empty() ? "claims or marks end by then" : "claims, marks or maintenance end by then");
    return repair;
  };
  if (moments.empty() || !cures(at(moments.back()))) return;
  std::size_t early = 0;
  std::size_t late = moments.size() - 1;  // known to be late enough
  while (early < late) {
    const std::size_t middle = (early + late) / 2;
    if (cures(at(moments[middle]))) {
      late = middle;
    } else {
      early = middle + 1;
    }
  }
  found_.push_back(at(moments[late]));
}

}  // namespace apportion
