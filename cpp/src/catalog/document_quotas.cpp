#include <algorithm>
#include <array>

#include "apportion/catalog/catalog.hpp"
#include "reading.hpp"

// Quotas: what groups of consumers may hold.

namespace apportion {
namespace {

using Part = QuotaDefinition::Part;

Part& part_of(QuotaDefinition& quota, const std::string& type, const std::string& dimension) {
  const auto found = std::ranges::find_if(
      quota.parts, [&](const Part& part) { return part.type == type && part.dimension == dimension; });
  if (found != quota.parts.end()) return *found;
  return quota.parts.emplace_back(Part{type, dimension, {}, {}});
}

// `guaranteed` or `maximum`: types, dimensions, quantities.
void read_amounts(TableReader& table, std::string_view key, QuotaDefinition& quota,
                  std::optional<Decimal> Part::* member) {
  for (const auto& [type, dimensions] : table.table(key)) {
    const std::string place = join_place(table.place(key), type);
    TableReader inner(dimensions, place, table.problems());
    if (dimensions.map() == nullptr) continue;
    for (const auto& [dimension, amount] : *dimensions.map()) {
      const Decimal* const value = inner.number(dimension);
      if (value == nullptr) continue;
      if (value->negative()) inner.report(dimension, "expected 0 or more, found " + value->text());
      part_of(quota, type, dimension).*member = *value;
    }
  }
}

void check_order(const QuotaDefinition& quota, const std::string& place, std::vector<Problem>& problems) {
  for (const Part& part : quota.parts) {
    if (!part.guaranteed || !part.maximum || *part.guaranteed <= *part.maximum) continue;
    problems.push_back({join_place(join_place(join_place(place, "guaranteed"), part.type), part.dimension),
                        part.guaranteed->text() + " are guaranteed, but the maximum is " + part.maximum->text()});
  }
}

Node amounts_to_node(const QuotaDefinition& quota, std::optional<Decimal> Part::* member) {
  Node::Map types;
  for (const Part& part : quota.parts) {
    if (!(part.*member)) continue;
    auto type = std::ranges::find(types, part.type, [](const auto& entry) { return entry.first; });
    if (type == types.end()) type = types.insert(types.end(), {part.type, Node::Map{}});
    Node::Map dimensions = *type->second.map();
    dimensions.emplace_back(part.dimension, *(part.*member));
    type->second = std::move(dimensions);
  }
  return types;
}

}  // namespace

void check_quotas(const Catalog& catalog, std::vector<Problem>& problems) {
  for (const auto& held : catalog.quotas()) {
    for (const Part& part : held->definition.parts) {
      const TypeVersion* const type = catalog.find_type(part.type);
      if (!part.maximum || type == nullptr) continue;
      const auto& dimensions = type->definition.dimensions;
      const auto dimension = std::ranges::find(dimensions, part.dimension, &DimensionDefinition::name);
      if (dimension == dimensions.end()) continue;
      const Result<Steps> maximum = to_steps(*part.maximum, dimension->step, Rounding::kDown);
      Steps below = 0;
      for (const auto& other : catalog.quotas()) {
        if (other->definition.parent != held->definition.name) continue;
        for (const Part& its : other->definition.parts) {
          if (its.type != part.type || its.dimension != part.dimension || !its.guaranteed) continue;
          const Result<Steps> more = to_steps(*its.guaranteed, dimension->step, Rounding::kUp);
          below = more ? std::min(kMaxSteps, below + *more) : kMaxSteps;
        }
      }
      if (!maximum || below <= *maximum) continue;
      problems.push_back(
          {join_place(join_place(join_place(join_place("quotas", held->definition.name), "maximum"), part.type),
                      part.dimension),
           "the groups below are guaranteed " + units_text(below, dimension->step) +
               ", which is more than the maximum of " + part.maximum->text()});
    }
  }
}

QuotaDefinition read_quota(std::string_view name, const Node& tree, const std::string& place,
                           std::vector<Problem>& problems) {
  QuotaDefinition quota;
  quota.name = name;
  if (const std::string fault = text_fault(name, kIdRule); !fault.empty()) problems.push_back({place, fault});
  TableReader table(tree, place, problems);
  quota.description = table.text("description", kDescriptionRule).value_or("");
  quota.parent = table.text("parent", kIdRule).value_or("");
  read_amounts(table, "guaranteed", quota, &Part::guaranteed);
  read_amounts(table, "maximum", quota, &Part::maximum);
  std::ranges::sort(quota.parts, {}, [](const Part& part) { return std::pair(part.type, part.dimension); });
  check_order(quota, place, problems);
  table.finish();
  return quota;
}

Node to_node(const QuotaDefinition& quota) {
  Node::Map map;
  if (!quota.description.empty()) map.emplace_back("description", quota.description);
  if (!quota.parent.empty()) map.emplace_back("parent", quota.parent);
  for (const auto& [key, member] : {std::pair("guaranteed", &Part::guaranteed), {"maximum", &Part::maximum}}) {
    Node amounts = amounts_to_node(quota, member);
    if (!amounts.map()->empty()) map.emplace_back(key, std::move(amounts));
  }
  return map;
}

}  // namespace apportion
