// Grants as answers tell of them.
#include "pool_update.hpp"

namespace apportion {

std::vector<std::pair<std::string, double>> GrantedClaim::amounts() const {
  std::vector<std::pair<std::string, double>> units;
  for (std::size_t d = 0; d < steps.size(); ++d) {
    const DimensionDefinition& dimension = version->definition.dimensions[d];
    units.emplace_back(dimension.name, to_units(steps[d], dimension.step));
  }
  return units;
}

GrantedClaim Pool::granted(InstanceRef instance, ClaimId claim, Symbol role, std::span<const Steps> amounts) const {
  const InstanceTable& table = *sections_.inventory.table(instance.version);
  return {claim,
          table.id[instance.row],
          table.address[instance.row],
          table.location[instance.row],
          role,
          sections_.catalog.shared(instance.version),
          Amounts(amounts.begin(), amounts.end())};
}

std::vector<Place> Pool::places_of(const Grant& grant) const {
  const std::lock_guard lock(mutex_);
  const auto text = [this](Symbol symbol) { return std::string(sections_.symbols.text(symbol)); };
  std::vector<Place> places;
  for (const GrantedClaim& claim : grant.claims)
    places.push_back({text(claim.instance), text(claim.address), text(claim.location), text(claim.role)});
  return places;
}

void Pool::set_grant(Grant& grant, const GrantRecord& record) const {
  grant.revision = state_->revision();
  grant.consumer = record.request.consumer;
  grant.mark = record.request.mark;
  for (const ClaimEffect& effect : record.claims) {
    if (effect.pending == PendingRecord::kNone) {
      grant.claims.push_back(granted(effect.instance, effect.claim, effect.role, effect.amounts));
      continue;
    }
    const PendingRecord& pending = record.pending[effect.pending];
    grant.claims.push_back(granted_pending(effect.claim, effect.role, pending.version, effect.amounts,
                                           {state_->time() + pending.patience, pending.expected}));
  }
}

GrantedClaim Pool::granted_pending(ClaimId claim, Symbol role, VersionId version, std::span<const Steps> amounts,
                                   const PendingPart& part) const {
  return {claim, 0, 0, 0, role, sections_.catalog.shared(version), Amounts(amounts.begin(), amounts.end()), part};
}

Result<Grant> Pool::find_grant(ClaimId id) const {
  const std::lock_guard lock(mutex_);
  if (sections_.ledger.find(id) == nullptr) return stale(id);
  return grant_now(id);
}

// REQUIRES: the claim exists.
Grant Pool::grant_now(ClaimId id) const {
  const Ledger& ledger = sections_.ledger;
  const Ledger::ClaimRow& claim = *ledger.find(id);
  Grant grant;
  grant.revision = state_->revision();
  grant.revision.number = claim.revision;
  grant.consumer = ledger.consumers().name(claim.consumer);
  grant.mark = claim.state == ClaimState::kMark;
  for (const ClaimId member : ledger.grant_of(id)) {
    const Ledger::ClaimRow& row = *ledger.find(member);
    if (!ledger.is_pending(row)) {
      grant.claims.push_back(granted(row.instance, member, row.role, ledger.amounts(row)));
      continue;
    }
    const Waiting::Row& pending = ledger.pending(row);
    grant.claims.push_back(granted_pending(member, row.role, pending.version, ledger.amounts(row),
                                           {ledger.terms(row).expires, pending.expected}));
  }
  return grant;
}

}  // namespace apportion
