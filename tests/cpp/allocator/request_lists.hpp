// Rows of requests as lists: the columns that a bulk call takes, and the same rows as single requests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/builders.hpp"

namespace apportion {

using Texts = std::vector<std::string_view>;

/// Requests for disks; the numbers must outlive them.
inline RequestColumns disk_requests(Texts consumers, std::span<const std::int64_t> gb) {
  RequestColumns columns;
  columns.rows = consumers.size();
  columns.type = TextColumn("disk");
  columns.consumer = TextColumn(std::move(consumers));
  columns.amounts.push_back({"gb", gb});
  return columns;
}

struct RequestLists {
  std::vector<std::string> consumers;
  std::vector<std::string> keys;  ///< empty: none in all rows
  Texts types, policies, filters;
  std::vector<std::uint32_t> counts;
  std::vector<double> gb;

  [[nodiscard]] RequestColumns columns() const {
    RequestColumns made;
    made.rows = consumers.size();
    made.type = TextColumn(types);
    made.consumer = TextColumn(Texts(consumers.begin(), consumers.end()));
    made.policy = TextColumn(policies);
    made.where = TextColumn(filters);
    made.key = TextColumn(Texts(keys.begin(), keys.end()));
    made.count = counts;
    made.amounts.push_back({"gb", std::span<const double>(gb)});
    return made;
  }
  [[nodiscard]] Request request(std::size_t row) const {
    Request made = ask(consumers[row], {{"gb", Decimal::from_double(gb[row]).value()}}, counts[row]);
    made.type = types[row];
    made.policy = policies[row];
    made.where = filters[row];
    if (!keys.empty()) made.key = keys[row];
    return made;
  }
};

}  // namespace apportion
