// Rows of requests as lists: the columns that a bulk call takes, and the same rows as single requests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "allocator/builders.hpp"

namespace apportion {

struct RequestLists {
  using Texts = std::vector<std::string_view>;

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
