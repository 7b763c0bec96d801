// Marks on instances that may not be allocated any more: they are released, with the reason.
#include <algorithm>

#include "pool_update.hpp"
#include "readings.hpp"

namespace apportion {
namespace {

// How far back a reason is looked for.
constexpr std::uint64_t kRemembered = 100'000;

}  // namespace

// The first state field that does not permit, as "status is offline"; "" when all do.
std::string Pool::closed_by(InstanceRef instance) const {
  const InstanceTable& table = *sections_.inventory.table(instance.version);
  const TypeDefinition& type = sections_.catalog.version(instance.version).definition;
  const StateRules rules(type, sections_.symbols);
  for (std::size_t state = 0; state < type.states.size(); ++state) {
    if (rules.permits(table, state, instance.row)) continue;
    const Node value = sections_.inventory.value_of(table.states[state], instance.row);
    const std::string* const text = value.text();
    return type.states[state].name + " is " + (text != nullptr ? *text : to_json(value));
  }
  return {};
}

// What is claimed stays; what was only reserved is promised to nobody.
Status Pool::withdraw(Update& update, const std::vector<InstanceSpec>& changed) {
  const Ledger& ledger = sections_.ledger;
  if (ledger.mark_count() == 0) return {};
  std::vector<InstanceRef> closed;
  for (const InstanceSpec& spec : changed) {
    const InstanceRef instance = sections_.inventory.find(spec.id);
    if (!instance.valid() || sections_.inventory.table(instance.version)->claims[instance.row] == 0) continue;
    const bool known = std::ranges::find(closed, instance) != closed.end();
    if (!known && !closed_by(instance).empty()) closed.push_back(instance);
  }
  if (closed.empty()) return {};
  const std::vector<std::vector<ClaimId>> claims = ledger.claims_on(closed);
  for (std::size_t i = 0; i < closed.size(); ++i) {
    std::vector<ClaimId> marks = claims[i];
    std::erase_if(marks, [&](ClaimId claim) { return ledger.find(claim)->state != ClaimState::kMark; });
    if (marks.empty()) continue;
    const std::string reason =
        "'" + std::string(sections_.inventory.id_of(closed[i])) + "' went out of service: " + closed_by(closed[i]);
    APPORTION_TRY(update.write(Ledger::kWithdraw, Ledger::withdraw_payload(reason, marks)));
  }
  return {};
}

Status Pool::check_service(const Ledger::ClaimRow& mark) const {
  const std::string id(sections_.inventory.id_of(mark.instance));
  if (const std::string why = closed_by(mark.instance); !why.empty())
    return conflict("the mark is on '" + id + "', whose " + why + ": release it and ask again");
  const InstanceTable& table = *sections_.inventory.table(mark.instance.version);
  if (table.in_service(mark.instance.row, sections_.ledger.terms(mark).ends)) return {};
  return conflict("the mark is on '" + id + "', which " +
                  (table.in_service(mark.instance.row) ? "goes out of service before the claim ends"
                                                       : "is out of service for maintenance") +
                  ": release it and ask again");
}

// Says of marks that are gone why they were withdrawn, as far as the journal remembers; and refuses those whose
// instance may not be allocated.
Status Pool::check_marks(const std::vector<ClaimId>& marks) const {
  for (const ClaimId mark : marks) {
    const Ledger::ClaimRow* const row = sections_.ledger.find(mark);
    if (row != nullptr && sections_.ledger.is_pending(*row)) return pending(mark);
    if (row != nullptr && row->state == ClaimState::kMark) APPORTION_TRY(check_service(*row));
    if (row != nullptr) continue;
    const std::uint64_t last = journal_.last_number();
    const std::uint64_t first = std::max(journal_.base_number() + 1, last - std::min(last, kRemembered));
    for (std::uint64_t number = last; number >= first && number > 0; --number) {
      const Result<Change> change = journal_.change(number);
      if (!change || change->kind != Ledger::kWithdraw) continue;
      Reader reader(change->payload);
      const std::string reason(reader.get_text());
      const std::vector<ClaimId> withdrawn = decode_claims(reader);
      if (std::ranges::find(withdrawn, mark) == withdrawn.end()) continue;
      return Error{ErrorCode::kStale, stale(mark).message + ": the mark was withdrawn, as " + reason, {}};
    }
    return stale(mark);
  }
  return {};
}

}  // namespace apportion
