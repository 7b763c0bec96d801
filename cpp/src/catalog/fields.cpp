#include "fields.hpp"

#include <algorithm>
#include <array>

#include "pattern.hpp"

namespace apportion {
namespace {

constexpr std::array<std::string_view, 8> kKinds = {"string", "integer", "number", "boolean",
                                                    "guid",   "enum",    "list",   "timestamp"};
constexpr TextRule kPatternRule{1, 1000, false};
constexpr TextRule kValueRule{1, 200, false};
constexpr std::size_t kMaxValues = 1000;

// Which keys a kind has beside those of all kinds.
struct KindKeys {
  bool range;
  bool length;
  bool pattern;
  bool values;
};

KindKeys keys_of(FieldKind kind) {
  const bool numeric = kind == FieldKind::kInteger || kind == FieldKind::kNumber;
  const bool text = kind == FieldKind::kString;
  return {numeric, text || kind == FieldKind::kList, text, kind == FieldKind::kEnum};
}

// True when `key` may be read; else reports it if it is there.
bool applies(TableReader& table, std::string_view key, bool allowed, std::string_view kinds) {
  if (!allowed && table.any(key) != nullptr) {
    table.report(key,
                 "'" + std::string(key) + "' belongs to " + std::string(kinds) + " only; remove it or change the kind");
  }
  return allowed;
}

void read_bound(TableReader& table, std::string_view key, FieldKind kind, std::optional<Decimal>& bound) {
  const Decimal* value = table.number(key);
  if (value == nullptr) return;
  if (kind == FieldKind::kInteger && !value->to_int64()) {
    return table.report(key, "expected a whole number of 64 bits, found " + value->text());
  }
  bound = *value;
}

void read_range(TableReader& table, FieldDefinition& field) {
  read_bound(table, "min", field.kind, field.minimum);
  read_bound(table, "max", field.kind, field.maximum);
  if (field.minimum && field.maximum && *field.minimum > *field.maximum) {
    table.report("max",
                 "the largest value " + field.maximum->text() + " is below the smallest, " + field.minimum->text());
  }
}

void read_pattern(TableReader& table, FieldDefinition& field) {
  field.pattern = table.text("pattern", kPatternRule).value_or("");
  if (field.pattern.empty()) return;
  if (Status status = check_pattern(field.pattern); !status) table.report("pattern", status.error().message);
}

void read_values(TableReader& table, FieldDefinition& field) {
  table.require("values");
  const auto values = table.texts("values", kValueRule);
  if (!values) return;
  field.values = *values;
  if (field.values.size() > kMaxValues) table.report("values", "an enum may have at most 1000 values");
  if (table.any("values")->list()->empty()) table.report("values", "an enum needs at least one value");
}

void read_default(TableReader& table, FieldDefinition& field) {
  const Node* value = table.any("default");
  if (value == nullptr) return;
  const Result<Node> checked = check_value(field, *value);
  if (checked) {
    field.default_value = *checked;
  } else {
    table.problems().push_back({table.place("default") + checked.error().place, checked.error().message});
  }
}

// The keys that only some kinds have.
void read_limits(TableReader& table, FieldDefinition& field) {
  const KindKeys keys = keys_of(field.kind);
  const bool low = applies(table, "min", keys.range, "integers and numbers");
  const bool high = applies(table, "max", keys.range, "integers and numbers");
  if (low && high) read_range(table, field);
  if (applies(table, "max_length", keys.length, "strings and lists")) {
    field.max_length = static_cast<std::uint32_t>(table.integer("max_length", 1, kMaxTextBytes).value_or(0));
  }
  if (applies(table, "pattern", keys.pattern, "strings")) read_pattern(table, field);
  if (applies(table, "values", keys.values, "enums")) read_values(table, field);
}

void ask_for(TableReader& table, std::span<const std::string_view> keys) {
  for (const std::string_view key : keys) table.any(key);
}

constexpr std::array<std::string_view, 6> kKindKeys = {"min", "max", "max_length", "pattern", "values", "default"};

FieldDefinition read_field(std::string_view name, const Node& tree, const std::string& place,
                           std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  FieldDefinition field;
  field.name = name;
  TableReader table(tree, place, problems);
  table.require("kind");
  const auto kind = table.choice("kind", kKinds);
  field.description = table.text("description", kDescriptionRule).value_or("");
  field.required = table.flag("required");
  if (kind) {
    field.kind = static_cast<FieldKind>(*kind);
    read_limits(table, field);
    // Against a broken definition every default would look wrong too.
    if (problems.size() == before) read_default(table, field);
  }
  ask_for(table, kKindKeys);
  table.finish();
  return field;
}

std::string allow_text(const Node& value) {
  if (const bool* truth = value.boolean()) return *truth ? "true" : "false";
  return value.text() == nullptr ? "" : *value.text();
}

void read_allow(TableReader& table, FieldDefinition& field) {
  const Node::List* items = table.list("allow");
  if (items == nullptr) return;
  field.allow.clear();
  for (std::size_t i = 0; i < items->size(); ++i) {
    const Result<Node> value = check_value(field, (*items)[i]);
    std::string fault = value ? "" : value.error().message;
    const std::string word = value ? allow_text(*value) : "";
    const bool twice = std::find(field.allow.begin(), field.allow.end(), word) != field.allow.end();
    if (fault.empty() && twice) fault = quoted(word) + " stands twice";
    if (fault.empty()) {
      field.allow.push_back(word);
    } else {
      table.problems().push_back({join_place(table.place("allow"), i), std::move(fault)});
    }
  }
  if (items->empty()) table.report("allow", "at least one value must permit allocation");
}

// The values of a state field, and what follows from them when the document says no more.
void read_state_values(TableReader& table, FieldDefinition& state) {
  if (applies(table, "values", state.kind == FieldKind::kEnum, "enums")) read_values(table, state);
  state.allow = state.kind == FieldKind::kEnum ? state.values : std::vector<std::string>{"false", "true"};
  state.default_value = state.kind == FieldKind::kBoolean ? Node(false)
                        : state.values.empty()            ? Node()
                                                          : Node(state.values.front());
}

void read_state_rest(TableReader& table, FieldDefinition& state, std::size_t before) {
  if (table.problems().size() == before) {
    read_default(table, state);
    read_allow(table, state);
  }
  constexpr std::array<std::string_view, 2> kRest = {"default", "allow"};
  ask_for(table, kRest);
  table.finish();
}

FieldDefinition read_state(std::string_view name, const Node& tree, const std::string& place,
                           std::vector<Problem>& problems) {
  constexpr std::array<std::string_view, 2> kStateKinds = {"enum", "boolean"};
  const std::size_t before = problems.size();
  FieldDefinition state;
  state.name = name;
  TableReader table(tree, place, problems);
  table.require("kind");
  const auto kind = table.choice("kind", kStateKinds);
  state.kind = kind == std::size_t{1} ? FieldKind::kBoolean : FieldKind::kEnum;
  state.description = table.text("description", kDescriptionRule).value_or("");
  if (kind) read_state_values(table, state);
  table.any("values");
  read_state_rest(table, state, before);
  return state;
}

// A predefined state may get more values, another default and other allowed values; the rest stays.
void change_predefined(FieldDefinition& state, const Node& tree, const std::string& place,
                       std::vector<Problem>& problems) {
  constexpr std::array<std::string_view, 1> kEnum = {"enum"};
  const std::size_t before = problems.size();
  TableReader table(tree, place, problems);
  table.choice("kind", kEnum);
  if (auto description = table.text("description", kDescriptionRule)) state.description = *description;
  const std::vector<std::string> needed = state.values;
  if (table.has("values")) read_values(table, state);
  table.any("values");
  for (const std::string& value : needed) {
    if (std::find(state.values.begin(), state.values.end(), value) != state.values.end()) continue;
    table.report("values", "the value '" + value + "' of the predefined state '" + state.name + "' must stay");
  }
  read_state_rest(table, state, before);
}

void add_text(Node::Map& map, const char* key, const std::string& text) {
  if (!text.empty()) map.emplace_back(key, text);
}

Node field_to_node(const FieldDefinition& field) {
  Node::Map map = {{"kind", kKinds[static_cast<std::size_t>(field.kind)]}};
  add_text(map, "description", field.description);
  if (field.required) map.emplace_back("required", true);
  if (field.minimum) map.emplace_back("min", *field.minimum);
  if (field.maximum) map.emplace_back("max", *field.maximum);
  if (field.max_length != 0) map.emplace_back("max_length", std::int64_t{field.max_length});
  add_text(map, "pattern", field.pattern);
  if (!field.values.empty()) map.emplace_back("values", texts_to_node(field.values));
  if (!field.default_value.is_null()) map.emplace_back("default", field.default_value);
  return map;
}

Node allow_to_node(const FieldDefinition& state) {
  if (state.kind != FieldKind::kBoolean) return texts_to_node(state.allow);
  Node::List list;
  for (const std::string& word : state.allow) list.emplace_back(word == "true");
  return list;
}

}  // namespace

void check_not_reserved(std::string_view name, std::span<const std::string_view> reserved, const std::string& place,
                        std::vector<Problem>& problems) {
  if (std::find(reserved.begin(), reserved.end(), name) == reserved.end()) return;
  problems.push_back({place, quoted(name) + " is reserved; choose another name"});
}

std::vector<FieldDefinition> read_fields(TableReader& table, std::string_view key,
                                         std::span<const std::string_view> reserved) {
  std::vector<FieldDefinition> fields;
  for (const auto& [name, tree] : table.table(key)) {
    const std::string place = join_place(table.place(key), name);
    check_name(name, "a field", place, table.problems());
    check_not_reserved(name, reserved, place, table.problems());
    fields.push_back(read_field(name, tree, place, table.problems()));
  }
  if (fields.size() > kMaxFields) {
    table.report(key,
                 std::to_string(fields.size()) + " fields; at most " + std::to_string(kMaxFields) + " are allowed");
  }
  return fields;
}

std::vector<FieldDefinition> read_states(TableReader& table, std::span<const std::string_view> reserved) {
  std::vector<FieldDefinition> states = predefined_states();
  const std::size_t predefined = states.size();
  for (const auto& [name, tree] : table.table("state")) {
    const std::string place = join_place(table.place("state"), name);
    const auto last = states.begin() + static_cast<std::ptrdiff_t>(predefined);
    const auto found =
        std::find_if(states.begin(), last, [&wanted = name](const FieldDefinition& s) { return s.name == wanted; });
    if (found != last) {
      change_predefined(*found, tree, place, table.problems());
      continue;
    }
    check_name(name, "a state field", place, table.problems());
    check_not_reserved(name, reserved, place, table.problems());
    states.push_back(read_state(name, tree, place, table.problems()));
  }
  if (states.size() > kMaxFields) {
    table.report("state", std::to_string(states.size()) + " state fields; at most " + std::to_string(kMaxFields) +
                              " are allowed");
  }
  return states;
}

Node::Map fields_to_node(const std::vector<FieldDefinition>& fields) {
  Node::Map map;
  for (const FieldDefinition& field : fields) map.emplace_back(field.name, field_to_node(field));
  return map;
}

Node::Map states_to_node(const std::vector<FieldDefinition>& states) {
  Node::Map map;
  for (const FieldDefinition& state : states) {
    const auto& known = predefined_states();
    if (std::find(known.begin(), known.end(), state) != known.end()) continue;
    Node node = field_to_node(state);
    node.map()->emplace_back("allow", allow_to_node(state));
    map.emplace_back(state.name, std::move(node));
  }
  return map;
}

}  // namespace apportion
