// A second selection, in plain loops over plain numbers: what the core's choice is compared with. The formulas are
// those of the reference, written without the expression language. They use the same double operations in the same
// order as the expressions do (sums from the first dimension on, starting at 0), so that scores are equal to the last
// bit and a difference is never rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace apportion::twin {

using Number = std::int64_t;

/// An instance in steps.
struct Row {
  std::string id;
  Number ordinal = 0;
  std::vector<Number> limit;
  std::vector<Number> capacity;
  std::vector<Number> used;
  std::multiset<std::string> consumers;  ///< one entry a claim
  bool online = true;

  [[nodiscard]] Number distinct() const {
    return static_cast<Number>(std::set(consumers.begin(), consumers.end()).size());
  }
};

struct Rule {
  std::string policy;
  std::string ties = "lowest_id";
  double quantum = 0;
};

inline bool takes(const Row& row, const std::vector<Number>& asked, const std::string& consumer, Number max_consumers) {
  bool over = false;
  bool anything = false;
  for (std::size_t d = 0; d < asked.size(); ++d) {
    if (row.used[d] > row.limit[d]) over = true;
    if (asked[d] > 0) anything = true;
    if (asked[d] > 0 && row.used[d] + asked[d] > row.limit[d]) return false;
  }
  if (anything && over) return false;
  const bool shares = max_consumers == 0 || row.distinct() < max_consumers || row.consumers.contains(consumer);
  return row.online && shares;
}

/// The score, or none where the formula has no value.
inline std::optional<double> score(const std::string& policy, const Row& row, const std::vector<Number>& asked,
                                   const std::vector<Number>& scale) {
  const auto real = [](Number n) { return static_cast<double>(n); };
  double sum = 0;
  int terms = 0;
  for (std::size_t d = 0; d < asked.size(); ++d) {
    if (policy == "least_utilised" || policy == "most_utilised") {
      if (row.limit[d] == 0) continue;
      sum += real(row.used[d]) / real(row.limit[d]);
      ++terms;
    } else if (policy == "balance") {
      if (row.limit[d] == 0) continue;
      const double after = (real(row.used[d]) + real(asked[d])) / real(row.limit[d]);
      const double before = real(row.used[d]) / real(row.limit[d]);
      sum += after * after - before * before;
    } else if (policy == "closest_capacity") {
      if (scale[d] == 0) continue;
      sum += (real(row.limit[d] - row.used[d]) - real(asked[d])) / real(scale[d]);
    }
  }
  if (policy == "balance_count") return real(row.distinct());
  if (policy == "least_utilised" || policy == "most_utilised") {
    if (terms == 0) return std::nullopt;
    return sum / terms;
  }
  return sum;
}

/// The rows in order of choice. `cursor` is the ordinal that a rotating rule chose last.
inline std::vector<const Row*> ranking(const std::vector<Row>& rows, const Rule& rule, const std::vector<Number>& asked,
                                       const std::string& consumer, Number max_consumers, Number cursor) {
  std::vector<Number> scale(asked.size());
  for (const Row& row : rows) {
    for (std::size_t d = 0; d < scale.size(); ++d) scale[d] = std::max(scale[d], row.capacity[d]);
  }
  struct Candidate {
    double key;
    Number rank;
    const Row* row;
  };
  const std::string ties = rule.policy == "last" ? "highest_id" : rule.ties;
  std::vector<Candidate> candidates;
  for (const Row& row : rows) {
    const std::optional<double> value = score(rule.policy, row, asked, scale);
    if (!value || !takes(row, asked, consumer, max_consumers)) continue;
    double key = rule.quantum > 0 ? std::floor(*value / rule.quantum) : *value;
    if (rule.policy == "most_utilised") key = -key;
    Number rank = row.ordinal;
    if (ties == "highest_id") rank = -row.ordinal;
    if (ties == "rotating" && row.ordinal <= cursor) rank = row.ordinal + 1'000'000;
    candidates.push_back({key, rank, &row});
  }
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.key != b.key ? a.key < b.key : a.rank < b.rank;
  });
  std::vector<const Row*> order;
  for (const Candidate& candidate : candidates) order.push_back(candidate.row);
  return order;
}

}  // namespace apportion::twin
