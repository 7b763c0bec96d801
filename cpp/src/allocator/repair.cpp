#include "apportion/allocator/repair.hpp"

#include <algorithm>

#include "apportion/catalog/document.hpp"

namespace apportion {
namespace {

Node repaired_node(const RepairedClaim& claim, std::uint32_t origin) {
  Node::Map map{{"claim", "c" + std::to_string(origin) + "." + std::to_string(claim.claim.slot) + "." +
                              std::to_string(claim.claim.generation)},
                {"consumer", claim.consumer},
                {"instance", claim.instance},
                {"amounts", claim.amounts},
                {"mark", claim.mark}};
  if (!claim.to.empty()) map.emplace_back("to", claim.to);
  return map;
}

Node instead_node(const Instead& instead) {
  Node::Map map;
  if (instead.type) map.emplace_back("type", *instead.type);
  if (instead.count) map.emplace_back("count", std::int64_t{*instead.count});
  if (instead.where) map.emplace_back("where", *instead.where);
  if (instead.policy) map.emplace_back("policy", to_node(*instead.policy));
  if (!instead.amounts.empty()) {
    Node::Map amounts;
    for (const auto& [name, value] : instead.amounts) amounts.emplace_back(name, value);
    map.emplace_back("amounts", std::move(amounts));
  }
  return map;
}

}  // namespace

std::string_view kind_name(RepairKind kind) {
  static constexpr std::string_view kNames[] = {"move",  "wait",        "online",  "smaller", "fewer",
                                                "relax", "alternative", "release", "add"};
  return kNames[static_cast<std::size_t>(kind)];
}

Request repaired(const Request& request, const Repair& repair) {
  Request asked = request;
  const Instead& instead = repair.instead;
  asked.type = instead.type.value_or(asked.type);
  asked.count = instead.count.value_or(asked.count);
  asked.where = instead.where.value_or(asked.where);
  if (instead.policy) asked.own_policy = instead.policy;
  for (const auto& [name, value] : instead.amounts) {
    const auto held =
        std::ranges::find_if(asked.amounts, [&name = name](const auto& amount) { return amount.first == name; });
    if (held != asked.amounts.end()) {
      held->second = value;
    } else {
      asked.amounts.emplace_back(name, value);  // a rule's default was meant
    }
  }
  return asked;
}

Node to_node(const Repair& repair, std::uint32_t origin) {
  Node::Map map{
      {"kind", kind_name(repair.kind)}, {"cost", Decimal::from_double(repair.cost).value()}, {"text", repair.text}};
  Node::List claims;
  for (const RepairedClaim& claim : repair.claims) claims.push_back(repaired_node(claim, origin));
  Node::List instances;
  for (const InstanceSpec& spec : repair.instances) instances.push_back(to_node(spec));
  if (!claims.empty()) map.emplace_back("claims", std::move(claims));
  if (!instances.empty()) map.emplace_back("instances", std::move(instances));
  if (repair.kind == RepairKind::kWait) map.emplace_back("until", std::int64_t{repair.until});
  if (Node instead = instead_node(repair.instead); !instead.map()->empty())
    map.emplace_back("instead", std::move(instead));
  if (repair.type) map.emplace_back("types", Node::Map{{repair.type->name, to_node(*repair.type)}});
  return map;
}

}  // namespace apportion
