#include "apportion/catalog/named_policies.hpp"

namespace apportion {
namespace {

PolicyDefinition policy(std::string name, std::string description, std::string score, Order order = Order::kMin,
                        Ties ties = Ties::kLowestId) {
  PolicyDefinition definition;
  definition.name = std::move(name);
  definition.description = std::move(description);
  definition.score = std::move(score);
  definition.order = order;
  definition.ties = ties;
  return definition;
}

}  // namespace

// `used / limit` has no value where the limit is 0, and reducers skip components without value: a dimension in which an
// instance can give nothing contributes nothing, neither to a sum nor to the divisor of a mean.
const std::vector<PolicyDefinition>& named_policies() {
  static const std::vector<PolicyDefinition> policies{
      policy("least_utilised", "the instance whose mean utilisation before placement is lowest", "mean(used / limit)"),
      policy("most_utilised", "the instance whose mean utilisation before placement is highest", "mean(used / limit)",
             Order::kMax),
      policy("balance", "the choice that leaves the sum of squared utilisations over all instances smallest",
             "sum(square((used + request) / limit) - square(used / limit))"),
      policy("balance_count", "the instance with the fewest consumers", "self.consumers"),
      policy("closest_capacity",
             "the instance that is left with the least free capacity, measured against the type's largest",
             "sum((free - request) / scale)"),
      policy("first", "the instance that was added first", "0"),
      policy("last", "the instance that was added last", "0", Order::kMin, Ties::kHighestId),
  };
  return policies;
}

}  // namespace apportion
