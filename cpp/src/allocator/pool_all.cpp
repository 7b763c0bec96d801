// Several requests as one, after claims that end for them: all or nothing.
#include <algorithm>
#include <numeric>
#include <utility>

#include "apportion/allocator/resolver.hpp"
#include "pool_update.hpp"

namespace apportion {

// Looks for grants of all requests, each of which meets the claims of those before it: first in their order, then with
// those first that failed, then depth first over every way to grant each. Writes to a trial; what was found is in
// `members`, in the order in which it has to be granted.
class Pool::Together {
 public:
  struct Member {
    std::size_t request;
    GrantRecord record;
    std::vector<std::string> roles;
  };

  Together(Pool& pool, Update& trial, const std::vector<Request>& requests)
      : pool_(pool), trial_(trial), requests_(requests), start_(trial.mark()), order_(requests.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  Result<bool> run() {
    Result<std::optional<std::size_t>> failed = in_turn();
    if (!failed) return failed.error();
    if (!*failed) return true;
    if (denial_->denial_class == DenialClass::kNever || !may_help()) return false;
    std::vector<char> was_first(requests_.size());
    while (failed && *failed && was_first[order_[**failed]] == 0 && !is_spent()) {
      was_first[order_[**failed]] = 1;
      const auto at = order_.begin() + static_cast<std::ptrdiff_t>(**failed);
      std::rotate(order_.begin(), at, at + 1);
      failed = in_turn();
    }
    if (!failed) return failed.error();
    const bool found = !*failed || depth_first();
    if (!found) classify();
    return found;
  }

  [[nodiscard]] std::vector<Member>& members() { return members_; }
  /// Of the first that failed in the order of the requests.
  [[nodiscard]] Denial& denial() { return *denial_; }

 private:
  /// Decisions after the first round.
  static constexpr std::size_t kMostTries = 10'000;
  static constexpr std::size_t kFewWays = 8;
  static constexpr std::size_t kMostWays = 4096;

  // One request of the depth-first search: its ways to be granted, as far as they were looked for.
  struct Level {
    Update::Mark mark;
    std::vector<std::vector<FilledSlot>> ways;
    std::size_t next = 0;
    bool whole = false;
  };

  [[nodiscard]] bool is_spent() const { return tried_ >= kMostTries; }

  void keep(std::size_t request) { members_.push_back({request, pool_.record_, std::exchange(pool_.roles_, {})}); }

  // The position of the first that is denied.
  Result<std::optional<std::size_t>> in_turn() {
    trial_.take_back(start_);
    members_.clear();
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const std::size_t request = order_[i];
      if (denial_) ++tried_;
      Result<Decision> decision = pool_.decide(trial_, requests_[request], denial_ ? Why::kClass : Why::kWhole);
      if (!decision) return of_member(decision.error(), request);
      if (Denial* const denial = std::get_if<Denial>(&*decision)) {
        if (!denial_) denial_ = std::move(*denial), denial_->member = static_cast<std::uint32_t>(request);
        return std::optional(i);
      }
      keep(request);
    }
    return std::optional<std::size_t>();
  }

  static Error of_member(const Error& error, std::size_t request) {
    return Error{error.code, error.message, "requests[" + std::to_string(request) + "]." + error.place};
  }

  // As if it were the only request.
  bool fits_alone(std::size_t request) {
    trial_.take_back(start_);
    Request at_once = requests_[request];
    at_once.patience = 0;
    const Result<Decision> decision = pool_.decide(trial_, at_once, Why::kClass);
    trial_.take_back(start_);
    return decision && std::holds_alternative<std::monostate>(*decision);
  }

  bool all_fit_alone() {
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (!fits_alone(i)) return false;
    }
    return true;
  }

  // Others only take, unless an affinity asks for them.
  bool may_help() { return !pool_.sections_.catalog.affinities().empty() || (alone_ = all_fit_alone()); }

  void classify() {
    if (bounded_) {
      denial_->denial_class = DenialClass::kSearchBound;
      denial_->message = "the search for an arrangement of all requests was given up after " + std::to_string(tried_) +
                         " decisions; in their order: " + denial_->message;
    } else if (alone_ || all_fit_alone()) {
      denial_->denial_class = DenialClass::kConflict;
      denial_->message =
          "alone this request would fit; the other requests of the same call take its place: " + denial_->message;
    }
  }

  void look_for_ways(Level& level, const Request& request) {
    const std::size_t limit = std::max(kFewWays, 4 * level.ways.size());
    if (level.whole || limit > kMostWays) {
      bounded_ = bounded_ || !level.whole;
      return;
    }
    Resolver resolver(pool_.sections_, pool_.expressions_, pool_.index_,
                      {.number = trial_.next_number(), .bound = kMostTries + limit, .limit = limit});
    static_cast<void>(resolver.resolve(request, trial_.now(), trial_.log()));
    bounded_ = bounded_ || resolver.failure().bounded;
    level.whole = resolver.found().size() < limit;
    level.ways = resolver.found();
  }

  bool depth_first() {
    std::vector<Level> levels(1);
    levels[0].mark = start_;
    while (!levels.empty()) {
      Level& level = levels.back();
      trial_.take_back(level.mark);
      members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(levels.size()) - 1, members_.end());
      const std::size_t request = order_[levels.size() - 1];
      if (level.next == level.ways.size()) look_for_ways(level, requests_[request]);
      if (level.next == level.ways.size()) {
        levels.pop_back();
        continue;
      }
      if (is_spent()) {
        bounded_ = true;
        return false;
      }
      ++tried_;
      const std::vector<FilledSlot>& way = level.ways[level.next++];
      if (way.empty() || pool_.take(trial_, requests_[request], way).has_error()) continue;
      keep(request);
      if (levels.size() == order_.size()) return true;
      levels.emplace_back().mark = trial_.mark();
    }
    return false;
  }

  Pool& pool_;
  Update& trial_;
  const std::vector<Request>& requests_;
  Update::Mark start_;
  std::vector<std::size_t> order_;
  std::vector<Member> members_;
  std::optional<Denial> denial_;
  std::size_t tried_ = 0;
  bool bounded_ = false;
  bool alone_ = false;  // each fits by itself
};

// Made in the middle of a trial they would go with it, each time.
void Pool::keep_lists_for(const std::vector<Request>& requests) {
  const auto shared = [this](const Request& request) {
    const TypeVersion* type = sections_.catalog.find_type(request.type);
    return type != nullptr ? type->definition.max_consumers.has_value() : request.type.empty();
  };
  if (options_.index_bytes > 0 && std::ranges::any_of(requests, shared)) sections_.ledger.keep_lists(update_log_);
}

Result<std::variant<std::vector<Grant>, Denial>> Pool::allocate_all(const std::vector<Request>& requests) {
  return replace({}, requests);
}

Result<std::variant<std::vector<Grant>, Denial>> Pool::replace(const std::vector<ClaimId>& ended,
                                                               const std::vector<Request>& requests) {
  using Answer = std::variant<std::vector<Grant>, Denial>;
  const std::lock_guard lock(mutex_);
  if (requests.empty()) return invalid("there is no request to decide", "requests");
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!requests[i].key.empty())
      return invalid("requests of one call take no keys of their own", "requests[" + std::to_string(i) + "].key");
  }
  const Time now = clock();
  APPORTION_TRY(expire(now));
  std::optional<Denial> denial;
  std::vector<Together::Member> members;
  {
    // Its changes are taken back in any case.
    Update trial(*this, now);
    trial.be_trial();
    keep_lists_for(requests);
    if (!ended.empty()) APPORTION_TRY(trial.write(Ledger::kRelease, Ledger::payload(ended)));
    Together together(*this, trial, requests);
    const Result<bool> found = together.run();
    if (!found) return found.error();
    if (*found) {
      members = std::move(together.members());
    } else {
      denial = std::move(together.denial());
    }
  }
  if (denial) {
    APPORTION_TRY(record_denial(*denial, requests[denial->member]));
    return Answer(std::move(*denial));
  }
  Update update(*this, now);
  if (!ended.empty()) APPORTION_TRY(update.write(Ledger::kRelease, Ledger::payload(ended)));
  const Interner interner = update.interner();
  std::vector<GrantRecord> records;
  for (Together::Member& member : members) {
    GrantRecord& record = records.emplace_back(std::move(member.record));
    for (std::size_t k = 0; k < member.roles.size(); ++k) record.claims[k].role = interner.text(member.roles[k]);
    record.request.labels = labels_list(requests[member.request].labels, interner);
    for (PendingRecord& pending : record.pending) {
      if (pending.need.owner != PendingRecord::kNone) continue;
      pending.where = interner.text(record.request.where);
      pending.policy = interner.text(record.request.policy);
    }
  }
  APPORTION_TRY(update.write(Ledger::kGrant, Ledger::payload(records)));
  std::vector<Grant> grants(requests.size());
  for (std::size_t i = 0; i < members.size(); ++i) set_grant(grants[members[i].request], records[i]);
  update.commit();
  return Answer(std::move(grants));
}

}  // namespace apportion
