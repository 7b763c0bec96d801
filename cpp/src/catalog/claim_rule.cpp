#include "apportion/catalog/claim_rule.hpp"

#include <algorithm>

#include "claim_rules.hpp"

namespace apportion {
namespace {

Status read_steps(const std::optional<Decimal>& value, Step size, const char* key, Steps& out) {
  if (!value) return {};
  const Result<Steps> steps = to_steps(*value, size, Rounding::kExact);
  if (!steps) return Error{steps.error().code, steps.error().message, key};
  out = *steps;
  return {};
}

Status check_amounts(const ClaimRule& rule, const ClaimSteps& steps) {
  if (rule.amounts.size() > kMaxClaimAmounts)
    return invalid(std::to_string(rule.amounts.size()) + " amounts; at most 64 can be listed", "amounts");
  if (rule.minimum || rule.maximum || rule.step)
    return invalid("a list of amounts stands instead of 'min', 'max' and 'step'", "amounts");
  if (steps.amounts.front() <= 0 || !std::ranges::is_sorted(steps.amounts, std::ranges::less_equal()))
    return invalid("the amounts have to rise, from above 0", "amounts");
  return {};
}

std::optional<Decimal> read_amount(TableReader& table, std::string_view key) {
  const Decimal* const value = table.number(key);
  if (value == nullptr) return std::nullopt;
  if (!value->negative()) return *value;
  table.report(key, value->text() + " is negative; amounts start at 0");
  return std::nullopt;
}

constexpr std::size_t kMaxLayers = 16;

// The product of the factors, as far as it can be said exactly.
Result<Decimal> product_of(const NamedDecimals& layers) {
  Int128 digits = 1;
  int exponent = 0;
  for (const auto& [name, factor] : layers) {
    if (__builtin_mul_overflow(digits, factor.digits(), &digits))
      return invalid("the product of the layers has too many digits");
    exponent += factor.exponent();
  }
  return Decimal::from_parts(digits, exponent);
}

NamedDecimals read_layers(const Node& tree, const std::string& place, std::vector<Problem>& problems) {
  NamedDecimals layers;
  TableReader table(tree, place, problems);
  for (const auto& [name, value] : *tree.map()) {
    check_name(name, "a layer of a ratio", join_place(place, name), problems);
    if (const auto factor = read_amount(table, name)) layers.emplace_back(name, *factor);
  }
  if (tree.map()->empty() || tree.map()->size() > kMaxLayers) problems.push_back({place, "a ratio has 1 to 16 layers"});
  return layers;
}

Status check_range(const ClaimRule& rule, const ClaimSteps& steps) {
  if (rule.maximum && steps.maximum < std::max<Steps>(steps.minimum, 1))
    return invalid(rule.maximum->text() + " is below what every claim has to take", "max");
  if (rule.step && steps.step == 0) return invalid("a step is above 0", "step");
  return {};
}

}  // namespace

std::optional<Steps> ClaimSteps::taken(Steps asked) const {
  if (asked == 0) return 0;
  if (!amounts.empty()) {
    const auto next = std::ranges::lower_bound(amounts, asked);
    if (next == amounts.end() || (*next != asked && !round_up)) return std::nullopt;
    return *next;
  }
  Steps value = std::max(asked, minimum);
  if (const Steps rest = step == 0 ? 0 : (value - minimum) % step; rest != 0) value += step - rest;
  if ((value != asked && !round_up) || (maximum != 0 && value > maximum)) return std::nullopt;
  return value;
}

std::string ClaimSteps::text(Step size) const {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  for (const Steps amount : amounts) text += (text.empty() ? "one of " : ", ") + units_text(amount, size);
  if (minimum > 0) add("at least " + units_text(minimum, size));
  if (maximum > 0) add("at most " + units_text(maximum, size));
  if (step > 0) add("in steps of " + units_text(step, size));
  if (round_up) add("rounded up");
  return text.empty() ? "any amount" : text;
}

Result<ClaimSteps> in_steps(const ClaimRule& rule, Step size) {
  ClaimSteps steps;
  steps.round_up = rule.round_up;
  APPORTION_TRY(read_steps(rule.minimum, size, "min", steps.minimum));
  APPORTION_TRY(read_steps(rule.maximum, size, "max", steps.maximum));
  APPORTION_TRY(read_steps(rule.step, size, "step", steps.step));
  APPORTION_TRY(read_steps(rule.standard, size, "default", steps.standard));
  for (const Decimal& amount : rule.amounts)
    APPORTION_TRY(read_steps(amount, size, "amounts", steps.amounts.emplace_back()));
  APPORTION_TRY(steps.amounts.empty() ? check_range(rule, steps) : check_amounts(rule, steps));
  if (steps.taken(steps.standard) != steps.standard)
    return invalid(rule.standard->text() + " is no amount that may be claimed: " + steps.text(size), "default");
  return steps;
}

ClaimRule in_units(const ClaimSteps& rule, Step size) {
  ClaimRule units;
  const auto set = [size](Steps steps, std::optional<Decimal>& out) {
    if (steps > 0) out = units_decimal(steps, size);
  };
  set(rule.minimum, units.minimum);
  set(rule.maximum, units.maximum);
  set(rule.step, units.step);
  set(rule.standard, units.standard);
  for (const Steps amount : rule.amounts) units.amounts.push_back(units_decimal(amount, size));
  units.round_up = rule.round_up;
  return units;
}

ClaimRule read_claim_rule(const Node& tree, const std::string& place, std::vector<Problem>& problems) {
  ClaimRule rule;
  TableReader table(tree, place, problems);
  rule.minimum = read_amount(table, "min");
  rule.maximum = read_amount(table, "max");
  rule.step = read_amount(table, "step");
  rule.standard = read_amount(table, "default");
  rule.round_up = table.flag("round_up");
  const Node::List* const amounts = table.list("amounts");
  for (std::size_t i = 0; amounts != nullptr && i < amounts->size(); ++i) {
    const Node& item = (*amounts)[i];
    if (item.number() != nullptr && !item.number()->negative()) {
      rule.amounts.push_back(*item.number());
    } else {
      problems.push_back({join_place(table.place("amounts"), i), "expected an amount, found " + shown(item)});
    }
  }
  if (amounts != nullptr && amounts->empty()) table.report("amounts", "no amount is listed");
  table.finish();
  return rule;
}

Node to_node(const ClaimRule& rule) {
  Node::Map map;
  const auto add = [&map](const char* key, const std::optional<Decimal>& value) {
    if (value) map.emplace_back(key, *value);
  };
  add("min", rule.minimum);
  add("max", rule.maximum);
  add("step", rule.step);
  if (!rule.amounts.empty()) map.emplace_back("amounts", Node::List(rule.amounts.begin(), rule.amounts.end()));
  add("default", rule.standard);
  if (rule.round_up) map.emplace_back("round_up", true);
  return map;
}

NamedClaimRules read_claim_rules(TableReader& instance) {
  NamedClaimRules rules;
  for (const auto& [name, tree] : instance.table("claim")) {
    const std::string place = join_place(instance.place("claim"), name);
    check_name(name, "a dimension", place, instance.problems());
    rules.emplace_back(name, read_claim_rule(tree, place, instance.problems()));
  }
  return rules;
}

void read_ratios(TableReader& table, InstanceSpec& instance) {
  for (const auto& [name, value] : table.table("ratio")) {
    const std::string place = join_place(table.place("ratio"), name);
    check_name(name, "a dimension", place, table.problems());
    if (value.map() != nullptr) {
      const std::size_t before = table.problems().size();
      NamedDecimals layers = read_layers(value, place, table.problems());
      if (table.problems().size() != before) continue;
      const Result<Decimal> product = product_of(layers);
      if (!product) {
        table.problems().push_back({place, product.error().message});
        continue;
      }
      instance.ratio.emplace_back(name, *product);
      instance.ratio_layers.emplace_back(name, std::move(layers));
    } else if (value.number() == nullptr) {
      table.problems().push_back({place, "expected a number or a table of factors, found " + shown(value)});
    } else if (value.number()->negative()) {
      table.problems().push_back({place, value.number()->text() + " is negative; amounts start at 0"});
    } else {
      instance.ratio.emplace_back(name, *value.number());
    }
  }
}

Node ratios_to_node(const InstanceSpec& instance) {
  Node::Map map;
  for (const auto& [name, product] : instance.ratio) {
    const auto layers =
        std::ranges::find_if(instance.ratio_layers, [&name = name](const auto& l) { return l.first == name; });
    if (layers == instance.ratio_layers.end()) {
      map.emplace_back(name, product);
      continue;
    }
    Node::Map factors;
    for (const auto& [layer, factor] : layers->second) factors.emplace_back(layer, factor);
    map.emplace_back(name, std::move(factors));
  }
  return map;
}

void check_claim_rule(const ClaimRule& rule, Step size, const std::string& place, std::vector<Problem>& problems) {
  const Result<ClaimSteps> steps = in_steps(rule, size);
  if (!steps) problems.push_back({join_place(place, steps.error().place), steps.error().message});
}

}  // namespace apportion
