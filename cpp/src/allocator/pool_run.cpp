// Requests and the releases of what they were granted, in one call and in any order.
#include <algorithm>
#include <array>
#include <map>

#include "pool_update.hpp"
#include "request_rows.hpp"

namespace apportion {
namespace {

constexpr std::size_t kNever = ~std::size_t{0};

std::string event_place(const char* list, std::size_t event) {
  return std::string(list) + "[" + std::to_string(event) + "]";
}

Status check_times(const RequestEvents& events, std::optional<Time> clock) {
  if (events.times.empty()) return {};
  if (!clock) {
    return invalid("this pool follows the machine's clock: make it with a clock of its own to set the time", "times");
  }
  if (events.times.size() != events.order.size()) {
    return invalid("there are " + std::to_string(events.order.size()) + " events and " +
                       std::to_string(events.times.size()) + " times; each event has one",
                   "times");
  }
  Time before = *clock;
  for (std::size_t i = 0; i < events.times.size(); ++i) {
    if (events.times[i] < before) return invalid("time cannot go back", event_place("times", i));
    before = events.times[i];
  }
  return {};
}

// Where each row stands in the order: its request, then its release.
class Turns {
 public:
  using Pair = std::array<std::size_t, 2>;

  explicit Turns(std::size_t rows) : of_(rows, Pair{kNever, kNever}) {}

  Status read(std::span<const std::int64_t> order) {
    for (std::size_t i = 0; i < order.size(); ++i) APPORTION_TRY(read(order[i], i));
    for (std::size_t row = 0; row < of_.size(); ++row) {
      if (of_[row][0] == kNever) return invalid("the order does not name this row", row_place(row));
    }
    return {};
  }

  [[nodiscard]] const Pair& of(std::size_t row) const { return of_[row]; }

 private:
  Status read(std::int64_t row, std::size_t event) {
    if (row < 0 || static_cast<std::uint64_t>(row) >= of_.size()) {
      return invalid("row " + std::to_string(row) + " of " + std::to_string(of_.size()) + " requests",
                     event_place("order", event));
    }
    Pair& turns = of_[static_cast<std::size_t>(row)];
    std::size_t* const free = std::ranges::find(turns, kNever);
    if (free == turns.end()) {
      return invalid("row " + std::to_string(row) + " stands in the order for the third time: " +
                         "the first asks for it, the second releases what it was granted",
                     event_place("order", event));
    }
    *free = event;
    return {};
  }

  std::vector<Pair> of_;
};

// Rows of one key share one grant: it is released once, and the key is not used any more then.
Status check_keys(const RequestColumns& requests, std::span<const std::int64_t> order, const Turns& turns) {
  if (requests.key.uniform() && requests.key[0].empty()) return {};
  std::map<std::string_view, std::size_t> released;  // by which event
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto row = static_cast<std::size_t>(order[i]);
    const std::string_view key = requests.key[row];
    if (key.empty()) continue;
    const auto found = released.find(key);
    if (found != released.end()) {
      return invalid("order[" + std::to_string(found->second) + "] releases what the key '" + std::string(key) +
                         "' was answered with; no later event may use it",
                     event_place("order", i));
    }
    if (turns.of(row)[1] == i) released.emplace(key, i);
  }
  return {};
}

}  // namespace

Status Pool::check_events(const RequestColumns& requests, const RequestEvents& events) const {
  APPORTION_TRY(check_times(events, options_.clock));
  Turns turns(requests.rows);
  APPORTION_TRY(turns.read(events.order));
  return check_keys(requests, events.order, turns);
}

Result<Table> Pool::run(const RequestColumns& requests, const RequestEvents& events) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(check_threads(requests));
  APPORTION_TRY(check_events(requests, events));
  count_claims();
  if (requests.rows > 0) APPORTION_TRY(check_rows(requests));
  Answers answers(requests.rows);
  std::vector<bool> asked(requests.rows);
  const Index::Help help(index_, static_cast<std::size_t>(requests.threads));
  RowReader rows(requests);
  for (std::size_t i = 0; i < events.order.size(); ++i) {
    const auto row = static_cast<std::size_t>(events.order[i]);
    const Time now = events.times.empty() ? clock() : events.times[i];
    if (!events.times.empty()) options_.clock = now;
    APPORTION_TRY(expire(now));
    if (!asked[row]) {
      asked[row] = true;
      APPORTION_TRY(answer(rows, row, answers));
    } else if (answers.granted(row)) {
      const ClaimId claim = answers.claim(row);
      const Status released = release_whole(std::span(&claim, 1), now);
      if (released.has_error()) {
        return Error{released.error().code, released.error().message, event_place("order", i)};
      }
    }
  }
  return answers.table(sections_.inventory, state_->revision());
}

}  // namespace apportion
