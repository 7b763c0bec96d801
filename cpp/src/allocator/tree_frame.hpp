// What the search of the resolver knows of a place in the tree. Private to the resolver.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/allocator/index.hpp"
#include "slot_values.hpp"

namespace apportion {

/// What stands for a type in the tree: an outcome, or an instance that has needs.
struct TreeFrame {
  const TypeVersion* type;
  std::vector<Steps> asked;
  std::string path;
  InstanceRef instance;  // of an outcome: none
  struct Filled {
    InstanceRef instance;
    const TreeFrame* frame = nullptr;  // of an outcome, or of an instance that has needs
    InstanceRef part;                  // chosen together with it
  };
  std::map<std::string_view, Filled> roles;
  Relations relations;
  std::size_t number;                                                    // of its list of needs
  std::vector<std::pair<std::string, std::vector<double>>> shared = {};  // roles, and the ids of what fills them
};

/// As slots of it are named.
inline std::string name_of(const TypeVersion& type) { return type.definition.name + "@" + std::to_string(type.number); }

/// What a path means here, as a lane: see NeedScope.
[[nodiscard]] inline double value_of(const Sections& sections, const TreeFrame& frame, std::string_view path,
                                     ValueType type) {
  const auto [head, rest] = split_path(path);
  if (head == "parent") return slot_value(sections, frame.instance, rest, type);
  const auto found = frame.roles.find(head);
  if (found == frame.roles.end()) return std::numeric_limits<double>::quiet_NaN();
  const TreeFrame::Filled& filled = found->second;
  const auto inner = split_path(rest);
  if (filled.frame != nullptr && !inner.second.empty() && filled.frame->roles.contains(inner.first))
    return value_of(sections, *filled.frame, rest, type);
  return slot_value(sections, filled.instance, rest, type);
}

/// None where the slot stayed empty.
[[nodiscard]] inline std::vector<double> id_of(const Sections& sections, const TreeFrame& frame,
                                               const std::string& path) {
  const double id = value_of(sections, frame, path + ".id", ValueType::kString);
  return std::isnan(id) ? std::vector<double>() : std::vector<double>{id};
}

/// True when an outer list says which instance the slot is to be.
[[nodiscard]] inline bool shares_slot(const TreeFrame& frame, const NeedRef& need) {
  const std::string& role = frame.type->definition.needs[need.need].role;
  return std::ranges::any_of(frame.shared, [&](const auto& shared) { return shared.first == role; });
}

/// Tells `frame` what fills roles of the needed type besides. `need`, of `parent`, needs it.
inline void share(const Sections& sections, const TreeFrame* parent, const NeedDefinition* need, TreeFrame& frame) {
  if (parent == nullptr || need == nullptr) return;
  for (const auto& [role, path] : need->shares) frame.shared.emplace_back(role, id_of(sections, *parent, path));
}

/// Where a slot of the frame may lie.
inline void set_bounds(const Sections& sections, const TreeFrame& frame, const NeedDefinition& need,
                       SlotContext& context) {
  context.bounds.clear();
  if (!need.on.empty())
    context.bounds.push_back({SlotBound::Kind::kOn, std::string(kInside), id_of(sections, frame, need.on), false});
  if (!need.same_as.empty())
    context.bounds.push_back({SlotBound::Kind::kSame, "id", id_of(sections, frame, need.same_as), false});
  for (const auto& [role, ids] : frame.shared) {
    if (role == frame.type->definition.needs[context.need.need].role)
      context.bounds.push_back({SlotBound::Kind::kSame, "id", ids, false});
  }
  frame.relations.add_bounds(need, context.bounds);
}

}  // namespace apportion
