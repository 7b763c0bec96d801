#include "apportion/allocator/named_needs.hpp"

#include <algorithm>

namespace apportion {

const std::vector<NeedDefinition>& NamedNeeds::of(InstanceRef instance) {
  const Symbol text = sections_.inventory.table(instance.version)->rare[instance.row].needs;
  const auto known = known_.find(text);
  if (known != known_.end()) return known->second;
  return known_.emplace(text, sections_.inventory.needs_of(instance)).first->second;
}

Result<NamedNeeds::Ask> NamedNeeds::ask(const NeedDefinition& need, const TypeVersion& owner,
                                        std::span<const Steps> asked, const std::string& consumer) const {
  Ask ask;
  ask.instance = sections_.inventory.find(need.instance);
  if (!ask.instance.valid()) return unknown("there is no instance '" + need.instance + "' any more");
  const TypeDefinition& type = sections_.catalog.version(ask.instance.version).definition;
  ask.role = need.role.empty() ? type.name : need.role;
  ask.amounts.resize(type.dimensions.size());
  for (const auto& [name, text] : need.amounts) {
    const auto dimension = std::ranges::find(type.dimensions, name, &DimensionDefinition::name);
    if (dimension == type.dimensions.end())
      return unknown("type '" + type.name + "' of '" + need.instance + "' has no dimension '" + name + "'", name);
    const Result<Steps> steps = quantities_.steps(owner, asked, text, dimension->step);
    if (!steps) return Error{steps.error().code, steps.error().message, name};
    ask.amounts[static_cast<std::size_t>(dimension - type.dimensions.begin())] = *steps;
    ask.request.amounts.emplace_back(name, units_decimal(*steps, dimension->step));
  }
  ask.request.type = type.name;
  ask.request.consumer = consumer;
  ask.request.whole = need.whole;
  return ask;
}

std::optional<std::string> NamedNeeds::missing(InstanceRef instance, std::span<const Steps> asked,
                                               const std::string& consumer) {
  const TypeVersion& owner = sections_.catalog.version(instance.version);
  for (const NeedDefinition& need : of(instance)) {
    const Result<Ask> wanted = ask(need, owner, asked, consumer);
    if (!wanted) return "'" + need.instance + "': " + wanted.error().message;
    const InstanceRef other = wanted->instance;
    const InstanceTable& table = *sections_.inventory.table(other.version);
    const TypeDefinition& type = sections_.catalog.version(other.version).definition;
    if (!StateRules(type, sections_.symbols).permits(table, other.row)) return "'" + need.instance + "' as it permits";
    const Portion portion(type, wanted->amounts, ~0U, need.whole, sections_.symbols);
    if (portion.fits(table, other.row)) continue;
    const Amounts amounts = portion.wanted(table, other.row);
    for (std::size_t d = 0; d < amounts.size(); ++d) {
      const DimensionDefinition& dimension = type.dimensions[d];
      const Steps free = table.dimensions[d].limit[other.row] - table.dimensions[d].used[other.row];
      if (amounts[d] > free)
        return dimension.name + " " + units_text(amounts[d], dimension.step) + " of '" + need.instance + "', free " +
               units_text(std::max<Steps>(free, 0), dimension.step);
    }
    return "'" + need.instance + "' by its rules";
  }
  return std::nullopt;
}

}  // namespace apportion
