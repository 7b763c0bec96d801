// Claims for others, in one update.
#include <utility>

#include "pool_update.hpp"

namespace apportion {

Result<std::variant<std::vector<Grant>, Denial>> Pool::replace(const std::vector<ClaimId>& ended,
                                                               const std::vector<Request>& requests) {
  using Answer = std::variant<std::vector<Grant>, Denial>;
  const std::lock_guard lock(mutex_);
  if (requests.empty()) return invalid("there is no request to decide", "requests");
  const Time now = clock();
  APPORTION_TRY(expire(now));
  std::vector<Grant> grants(requests.size());
  std::optional<Denial> denial;
  {
    Update update(*this, now);
    if (!ended.empty()) APPORTION_TRY(update.write(Ledger::kRelease, Ledger::payload(ended)));
    for (std::size_t i = 0; i < requests.size() && !denial; ++i) {
      const std::string place = "requests[" + std::to_string(i) + "]";
      if (!requests[i].key.empty()) return invalid("requests of one call take no keys of their own", place + ".key");
      Result<Decision> decision = decide(update, requests[i]);
      if (!decision)
        return Error{decision.error().code, decision.error().message, place + "." + decision.error().place};
      if (std::holds_alternative<Denial>(*decision)) {
        denial = std::move(std::get<Denial>(*decision));
        denial->member = static_cast<std::uint32_t>(i);
      } else {
        set_grant(grants[i], record_);
      }
    }
    if (!denial) {
      update.commit();
      return Answer(std::move(grants));
    }
  }
  APPORTION_TRY(record_denial(*denial, requests[denial->member]));
  return Answer(std::move(*denial));
}

}  // namespace apportion
