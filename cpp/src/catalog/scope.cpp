#include "apportion/catalog/scope.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace apportion {
namespace {

struct Quantity {
  std::string_view root;
  Column units;
  Column steps;
  bool has_units = true;
  bool has_vector = true;
};

constexpr std::array kQuantities{
    Quantity{"used", Column::kUsed, Column::kUsedSteps},
    Quantity{"free", Column::kFree, Column::kFreeSteps},
    Quantity{"limit", Column::kLimit, Column::kLimitSteps},
    Quantity{"capacity", Column::kCapacity, Column::kCapacitySteps},
    Quantity{"reserved", Column::kReserved, Column::kReservedSteps},
    Quantity{"usage", Column::kUsage, Column::kUsageSteps},
    Quantity{"predicted", Column::kPredicted, Column::kPredictedSteps},
    Quantity{"request", Column::kRequest, Column::kRequestSteps},
    Quantity{"ratio", Column::kRatio, Column::kRatio, true, false},
    Quantity{"scale", Column::kScaleSteps, Column::kScaleSteps, false, true},
};

struct Named {
  std::string_view name;
  Column column;
  ValueType type;
};

constexpr std::array kOfInstance{
    Named{"id", Column::kId, ValueType::kString},
    Named{"type", Column::kType, ValueType::kString},
    Named{"address", Column::kAddress, ValueType::kString},
    Named{"location", Column::kLocation, ValueType::kString},
    Named{"parent", Column::kParent, ValueType::kString},
    Named{"groups", Column::kGroups, ValueType::kList},
    Named{"consumers", Column::kConsumers, ValueType::kNumber},
    Named{"claims", Column::kClaims, ValueType::kNumber},
    Named{"ordinal", Column::kOrdinal, ValueType::kNumber},
    Named{"granted", Column::kGranted, ValueType::kNumber},
};

constexpr std::array kOfGroup{
    Named{"members", Column::kGroupMembers, ValueType::kNumber},
    Named{"claims", Column::kGroupClaims, ValueType::kNumber},
    Named{"load", Column::kGroupLoad, ValueType::kNumber},
};

constexpr std::array kOfGroupAndDimension{
    Named{"used", Column::kGroupUsed, ValueType::kNumber},
    Named{"free", Column::kGroupFree, ValueType::kNumber},
    Named{"limit", Column::kGroupLimit, ValueType::kNumber},
    Named{"capacity", Column::kGroupCapacity, ValueType::kNumber},
};

constexpr std::array kOfInside{
    InsideName{"inside", "members", Column::kInsideMembers},
    InsideName{"inside", "idle", Column::kInsideIdle},
    InsideName{"inside", "free", Column::kInsideFree, true},
    InsideName{"inside", "used", Column::kInsideUsed, true},
    InsideName{"chosen", "members", Column::kChosenMembers},
    InsideName{"chosen", "idle", Column::kChosenIdle},
    InsideName{"chosen", "free", Column::kChosenFree, true},
    InsideName{"chosen", "request", Column::kChosenRequest, true},
};

// Read with what lies inside, under names of their own.
constexpr std::array kOfCandidate{
    Named{"fragmentation.before", Column::kFragmentationBefore, ValueType::kNumber},
    Named{"fragmentation.after", Column::kFragmentationAfter, ValueType::kNumber},
    Named{"fragmentation.rise", Column::kFragmentationRise, ValueType::kNumber},
    Named{"claims.kinds", Column::kClaimKinds, ValueType::kNumber},
    Named{"claims.of_kind", Column::kClaimsOfKind, ValueType::kNumber},
};

template <class Table>
auto place_of(const Table& table, std::string_view name) {
  return std::ranges::find_if(table, [&](const auto& row) { return row.name == name; });
}

std::optional<std::uint32_t> index_of(const std::vector<FieldDefinition>& fields, std::string_view name) {
  const auto found = std::ranges::find_if(fields, [&](const FieldDefinition& field) { return field.name == name; });
  if (found == fields.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - fields.begin());
}

bool is_uniform(Read read) {
  return read == Read::kRequest || read == Read::kConsumer || read == Read::kSlot || read == Read::kTime;
}

}  // namespace

std::span<const InsideName> inside_names() { return kOfInside; }

std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return {path, {}};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

ValueType value_type(FieldKind kind) {
  switch (kind) {
    case FieldKind::kBoolean:
      return ValueType::kBoolean;
    case FieldKind::kInteger:
    case FieldKind::kNumber:
    case FieldKind::kTimestamp:
      return ValueType::kNumber;
    case FieldKind::kList:
      return ValueType::kList;
    default:
      return ValueType::kString;
  }
}

bool changes_by_itself(Column column) {
  switch (column) {
    case Column::kConsumers:
    case Column::kClaims:
    case Column::kGranted:
    case Column::kUsed:
    case Column::kFree:
    case Column::kUsage:
    case Column::kPredicted:
    case Column::kUsedSteps:
    case Column::kFreeSteps:
    case Column::kUsageSteps:
    case Column::kPredictedSteps:
      return true;
    default:
      return false;
  }
}

std::string path_of(const Binding& binding, const TypeDefinition& type) {
  switch (binding.column) {
    case Column::kLabel:
      return "self.labels." + binding.name;
    case Column::kField:
      return "self." + type.fields[binding.index].name;
    case Column::kState:
      return "self." + type.states[binding.index].name;
    case Column::kRelationship:
      return "self." + binding.name;
    case Column::kConsumerId:
      return "consumer.id";
    case Column::kConsumerKind:
      return "consumer.kind";
    case Column::kConsumerAttribute:
      return "consumer." + binding.name;
    case Column::kSlotValue:
      return binding.name;
    case Column::kRequestCount:
      return "request.count";
    case Column::kNow:
      return "now";
    default:
      break;
  }
  const auto of_instance = std::ranges::find(kOfInstance, binding.column, &Named::column);
  if (of_instance != kOfInstance.end()) return "self." + std::string(of_instance->name);
  const auto quantity =
      std::ranges::find_if(kQuantities, [&](const Quantity& q) { return q.has_units && q.units == binding.column; });
  if (quantity == kQuantities.end()) return {};
  return std::string(quantity->root) + "." + type.dimensions[binding.index].name;
}

Ref TypeScope::bind(Read read, ValueType type, Binding binding) const {
  const Ref ref{read, type, static_cast<std::uint32_t>(bindings_.size()), is_uniform(read)};
  bindings_.push_back(std::move(binding));
  return ref;
}

std::optional<std::uint32_t> TypeScope::dimension(std::string_view name) const {
  const auto found = place_of(type_.dimensions, name);
  if (found == type_.dimensions.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - type_.dimensions.begin());
}

std::optional<Ref> TypeScope::resolve(std::string_view path) const {
  if (const auto known = resolved_.find(path); known != resolved_.end()) return known->second;
  const auto [root, rest] = split_path(path);
  std::optional<Ref> ref;
  if (root == "self") {
    ref = self(rest);
  } else if (root == "consumer") {
    ref = consumer(rest);
  } else if (path == "now") {
    ref = bind(Read::kTime, ValueType::kNumber, {Column::kNow, 0, {}});
  } else if (path == "request.count") {
    ref = bind(Read::kRequest, ValueType::kNumber, {Column::kRequestCount, 0, {}});
  } else if (root == "inside" || root == "chosen") {
    ref = inside(path);
  } else if (const auto found = place_of(kOfCandidate, path); found != kOfCandidate.end()) {
    ref = bind(Read::kInside, found->type, {found->column, 0, {}});
  } else {
    ref = rest.empty() ? vector(root) : quantity(root, rest);
  }
  if (!ref) return std::nullopt;
  return remember(path, *ref);
}

Ref TypeScope::remember(std::string_view path, const Ref& ref) const {
  resolved_.emplace(path, ref);
  return ref;
}

std::optional<Ref> TypeScope::self(std::string_view name) const {
  if (const auto found = place_of(kOfInstance, name); found != kOfInstance.end()) {
    return bind(Read::kRow, found->type, {found->column, 0, {}});
  }
  if (name.starts_with("labels.") && name.size() > 7) {
    return bind(Read::kRow, ValueType::kString, {Column::kLabel, 0, std::string(name.substr(7))});
  }
  if (const auto field = index_of(type_.fields, name)) {
    return bind(Read::kRow, value_type(type_.fields[*field].kind), {Column::kField, *field, {}});
  }
  if (const auto state = index_of(type_.states, name)) {
    return bind(Read::kRow, value_type(type_.states[*state].kind), {Column::kState, *state, {}});
  }
  const Revised<RelationshipDefinition>* relationship = catalog_.find_relationship(name);
  if (relationship == nullptr || relationship->definition.from != type_.name) return std::nullopt;
  return bind(Read::kRow, ValueType::kList, {Column::kRelationship, 0, std::string(name)});
}

std::optional<Ref> TypeScope::consumer(std::string_view name) const {
  if (name == "id") return bind(Read::kConsumer, ValueType::kString, {Column::kConsumerId, 0, {}});
  if (name == "kind") return bind(Read::kConsumer, ValueType::kString, {Column::kConsumerKind, 0, {}});
  std::optional<ValueType> type;
  for (const auto& kind : catalog_.consumer_kinds()) {
    const std::vector<FieldDefinition>& attributes = kind->definition.attributes;
    const auto index = index_of(attributes, name);
    if (!index) continue;
    const ValueType found = value_type(attributes[*index].kind);
    // Two kinds that disagree about a name's type leave it without meaning; lists of consumers are not offered.
    if (found == ValueType::kList || (type && *type != found)) return std::nullopt;
    type = found;
  }
  if (!type) return std::nullopt;
  return bind(Read::kConsumer, *type, {Column::kConsumerAttribute, 0, std::string(name)});
}

std::optional<Ref> TypeScope::quantity(std::string_view root, std::string_view name) const {
  const auto found = std::ranges::find_if(kQuantities, [&](const Quantity& q) { return q.root == root; });
  const auto index = dimension(name);
  if (found == kQuantities.end() || !found->has_units || !index) return std::nullopt;
  return bind(root == "request" ? Read::kRequest : Read::kRow, ValueType::kNumber, {found->units, *index, {}});
}

std::optional<Ref> TypeScope::inside(std::string_view path) const {
  const auto [root, of] = split_path(path);
  const auto [type_name, rest] = split_path(of);
  const auto [name, dimension] = split_path(rest);
  const TypeVersion* const type = catalog_.find_type(type_name);
  const auto found = std::ranges::find_if(kOfInside, [&, root = root, name = name](const InsideName& each) {
    return each.root == root && each.name == name;
  });
  if (type == nullptr || found == kOfInside.end() || found->dimension == dimension.empty()) return std::nullopt;
  const auto& dimensions = type->definition.dimensions;
  const auto at = std::ranges::find(dimensions, dimension, &DimensionDefinition::name);
  if (found->dimension && at == dimensions.end()) return std::nullopt;
  const auto index = found->dimension ? static_cast<std::uint32_t>(at - dimensions.begin()) : 0;
  return bind(Read::kInside, ValueType::kNumber, {found->column, index, std::string(type_name)});
}

std::optional<Ref> TypeScope::vector(std::string_view root) const {
  const auto found = std::ranges::find_if(kQuantities, [&](const Quantity& q) { return q.root == root; });
  if (found == kQuantities.end() || !found->has_vector) return std::nullopt;
  const Read read = root == "request" || root == "scale" ? Read::kRequest : Read::kRow;
  const Ref first{read, ValueType::kVector, static_cast<std::uint32_t>(bindings_.size()), is_uniform(read)};
  for (std::uint32_t i = 0; i < dimensions(); ++i) bind(read, ValueType::kNumber, {found->steps, i, {}});
  return first;
}

std::optional<HostFunction> TypeScope::resolve_function(std::string_view root, std::string_view path) const {
  if (path.empty() && catalog_.find_pair_table(root) != nullptr) {
    const Ref result = bind(Read::kRow, ValueType::kNumber, {Column::kPair, 0, std::string(root)});
    return HostFunction{{result.read, result.type, result.id, true}, {ValueType::kString, ValueType::kString}};
  }
  if (root != "group") return std::nullopt;
  const auto [member, name] = split_path(path);
  std::optional<Binding> binding;
  if (const auto found = place_of(kOfGroup, path); found != kOfGroup.end()) {
    binding = Binding{found->column, 0, {}};
  } else if (const auto with = place_of(kOfGroupAndDimension, member); with != kOfGroupAndDimension.end()) {
    if (const auto index = dimension(name)) binding = Binding{with->column, *index, {}};
  }
  if (!binding) return std::nullopt;
  return HostFunction{bind(Read::kGroup, ValueType::kNumber, *binding), {ValueType::kString}};
}

std::vector<std::string> TypeScope::names() const {
  std::vector<std::string> names{"now", "request.count", "consumer.id", "consumer.kind"};
  for (const Named& named : kOfInstance) names.push_back("self." + std::string(named.name));
  for (const FieldDefinition& field : type_.fields) names.push_back("self." + field.name);
  for (const FieldDefinition& state : type_.states) names.push_back("self." + state.name);
  for (const auto& relationship : catalog_.relationships()) names.push_back("self." + relationship->definition.name);
  for (const auto& kind : catalog_.consumer_kinds()) {
    for (const FieldDefinition& attribute : kind->definition.attributes) names.push_back("consumer." + attribute.name);
  }
  for (const Quantity& quantity : kQuantities) {
    if (quantity.has_vector) names.emplace_back(quantity.root);
    if (!quantity.has_units) continue;
    for (const DimensionDefinition& d : type_.dimensions) names.push_back(std::string(quantity.root) + "." + d.name);
  }
  for (const Named& named : kOfCandidate) names.emplace_back(named.name);
  for (const auto& pairs : catalog_.pair_tables()) names.push_back(pairs->definition.name + "()");
  for (const Named& named : kOfGroup) names.push_back("group()." + std::string(named.name));
  for (const Named& named : kOfGroupAndDimension) {
    for (const DimensionDefinition& d : type_.dimensions)
      names.push_back("group()." + std::string(named.name) + "." + d.name);
  }
  return names;
}

Status check_policy(const Catalog& catalog, const TypeDefinition& type, const PolicyDefinition& policy) {
  const std::string place = "policies." + policy.name;
  const TypeScope scope(catalog, type);
  if (!policy.where.empty()) {
    const Result<Program> where = compile(policy.where, ValueType::kBoolean, scope);
    if (!where) return invalid(where.error().message + " (for type '" + type.name + "')", place + ".where");
  }
  const Result<Program> score = compile(policy.score, ValueType::kNumber, scope);
  if (!score) return invalid(score.error().message + " (for type '" + type.name + "')", place + ".score");
  return {};
}

}  // namespace apportion
