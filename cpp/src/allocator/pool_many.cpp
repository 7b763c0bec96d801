// Many requests in one call, as columns, and the release of many grants.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <tuple>

#include "pool_update.hpp"
#include "request_rows.hpp"

namespace apportion {
namespace {

// The least and the greatest amount; nothing when there is NaN.
template <class Value>
std::optional<std::array<Decimal, 2>> bounds_of(std::span<const Value> values) {
  if constexpr (std::is_same_v<Value, double>) {
    if (std::ranges::any_of(values, [](double value) { return std::isnan(value); })) return std::nullopt;
  }
  const auto [least, greatest] = std::ranges::minmax_element(values);
  Decimals decimal_of;
  const Result<Decimal> low = decimal_of(*least);
  const Result<Decimal> high = decimal_of(*greatest);
  if (!low || !high) return std::nullopt;
  return std::array{*low, *high};
}

// A row of each type, policy and filter that occurs.
std::vector<std::size_t> kinds_of(const RequestColumns& columns) {
  if (columns.type.uniform() && columns.policy.uniform() && columns.where.uniform()) return {0};
  using Kind = std::tuple<std::string_view, std::string_view, std::string_view>;
  std::set<Kind> seen;
  std::vector<std::size_t> rows;
  Kind previous;
  for (std::size_t row = 0; row < columns.rows; ++row) {
    const Kind kind(columns.type[row], columns.policy[row], columns.where[row]);
    if (row > 0 && kind == previous) continue;
    previous = kind;
    if (seen.insert(kind).second) rows.push_back(row);
  }
  return rows;
}

bool names_consumers(const RequestColumns& columns) {
  const std::size_t rows = columns.consumer.uniform() ? 1 : columns.rows;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::string_view consumer = columns.consumer[row];
    if (consumer.empty() || consumer.size() > kMaxIdBytes || !is_clean_text(consumer)) return false;
  }
  return true;
}

}  // namespace

Status Pool::check_row(const Request& request, Time now) {
  const Result<Plan> plan = Planner(sections_, expressions_, index_.neighbours()).plan(request, now);
  return plan ? Status() : Status(plan.error());
}

// Whether every row can be planned, found out without planning every row: what a plan can fail by is the type, the
// policy, the filter, the consumer's text, and numbers out of range; and when the least and the greatest number are
// within their range, so are those between. False means that some row may be wrong, and does not say which.
bool Pool::all_pass(const RequestColumns& requests, Time now) {
  if (!names_consumers(requests)) return false;
  // A label in some row may be wrong, however few there are.
  if (!requests.labels.empty()) return false;
  Request least;
  Request greatest;
  if (!requests.count.empty()) {
    least.count = std::ranges::min(requests.count);
    greatest.count = std::ranges::max(requests.count);
  }
  for (const AmountColumn& amount : requests.amounts) {
    const auto bounds = std::visit([](const auto& values) { return bounds_of(values); }, amount.values);
    if (!bounds) return false;
    least.amounts.emplace_back(amount.name, (*bounds)[0]);
    greatest.amounts.emplace_back(amount.name, (*bounds)[1]);
  }
  return std::ranges::all_of(kinds_of(requests), [&](std::size_t row) {
    for (Request* request : {&least, &greatest}) {
      request->type = requests.type[row];
      request->consumer = requests.consumer[row];
      request->policy = requests.policy[row];
      request->where = requests.where[row];
      if (check_row(*request, now).has_error()) return false;
    }
    return true;
  });
}

Status Pool::check_rows(const RequestColumns& requests) {
  const Time now = std::max(clock(), state_->time());
  const bool keys = !requests.key.uniform() || !requests.key[0].empty();
  const bool pass = all_pass(requests, now);
  if (pass && !keys) return {};
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> met;
  RowReader rows(requests);
  for (std::size_t row = 0; row < requests.rows; ++row) {
    const Result<const Request*> request = rows.read(row);
    Status status = request ? Status() : Status(request.error());
    if (status.has_value() && !pass) status = check_row(**request, now);
    if (status.has_value()) status = check_key(**request, met);
    if (status.has_error()) return in_row(row, status.error());
  }
  return {};
}

// Decides a row as `allocate` does; what comes of it is written to `answers`.
Status Pool::answer(RowReader& rows, std::size_t row, Answers& answers) {
  const Result<const Request*> request = rows.read(row);
  if (!request) return in_row(row, request.error());
  const Result<Decision> decision = decide_alone(**request, Why::kClass, nullptr, nullptr);
  if (!decision) return in_row(row, decision.error());
  if (const Denial* denial = std::get_if<Denial>(&*decision)) {
    answers.deny(row, denial->denial_class);
    return {};
  }
  const ClaimId* const before = std::get_if<ClaimId>(&*decision);
  const ClaimId claim = before != nullptr ? *before : record_.claims.front().claim;
  answers.grant(row, claim, sections_.ledger.find(claim)->instance);
  return {};
}

Result<Table> Pool::allocate_many(const RequestColumns& requests) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(check_threads(requests));
  Answers answers(requests.rows);
  count_claims();
  if (requests.rows > 0) APPORTION_TRY(check_rows(requests));
  const Index::Help help(index_, static_cast<std::size_t>(requests.threads));
  RowReader rows(requests);
  for (std::size_t row = 0; row < requests.rows; ++row) APPORTION_TRY(answer(rows, row, answers));
  return answers.table(sections_.inventory, state_->revision());
}

Status Pool::release_grants(std::span<const ClaimId> claims) {
  const std::lock_guard lock(mutex_);
  const Time now = clock();
  APPORTION_TRY(expire(now));
  return release_whole(claims, now);
}

// With each of these claims all others of its grant. REQUIRES: what is due has ended.
Status Pool::release_whole(std::span<const ClaimId> claims, Time now) {
  if (claims.empty()) return {};
  std::vector<ClaimId> all;
  all.reserve(claims.size());
  for (const ClaimId claim : claims) {
    const Ledger::ClaimRow* row = sections_.ledger.find(claim);
    if (row == nullptr || row->grant_next == claim.slot) {
      all.push_back(claim);  // alone in its grant; or gone, which the change below refuses
    } else {
      std::ranges::copy(sections_.ledger.grant_of(claim), std::back_inserter(all));
    }
  }
  Update update(*this, now);
  payload_.clear();
  encode(payload_, all);
  APPORTION_TRY(update.write(Ledger::kRelease, payload_.bytes(), [&](const Change& change, Transaction& log) {
    return sections_.ledger.release(all, change.time, log);
  }));
  update.commit();
  return {};
}

}  // namespace apportion
