#include <algorithm>
#include <set>

#include "apportion/catalog/request_words.hpp"
#include "apportion/catalog/scope.hpp"
#include "apportion/expr/program.hpp"
#include "needs.hpp"

namespace apportion {
namespace {

constexpr std::string_view kNeedWords[] = {"any_of", "as",      "count", "different", "on",   "optional", "policy",
                                           "prefer", "require", "same",  "same_as",   "type", "whole"};

constexpr std::string_view kOwnNeedWords[] = {"any_of", "as",      "different", "on",     "optional",
                                              "prefer", "require", "same",      "same_as"};

// What expressions call otherwise.
constexpr std::string_view kRoots[] = {"capacity", "consumer", "free",      "group", "limit",
                                       "now",      "parent",   "predicted", "ratio", "request",
                                       "reserved", "scale",    "self",      "usage", "used"};

// A number, or an expression.
std::string read_quantity(TableReader& table, std::string_view key, std::string otherwise) {
  const Node* node = table.any(key);
  if (node == nullptr) return otherwise;
  if (const Decimal* number = node->number()) return number->text();
  const auto text = table.text(key, kExpressionRule);
  if (!text) return otherwise;
  if (const Status syntax = check_syntax(*text); syntax.has_error()) table.report(key, syntax.error().message);
  return *text;
}

std::string read_rule(TableReader& table, std::string_view key) {
  const auto text = table.text(key, kExpressionRule);
  if (!text) return {};
  if (const Status syntax = check_syntax(*text); syntax.has_error()) table.report(key, syntax.error().message);
  return *text;
}

// A path of names, "store.node".
std::string read_path(TableReader& table, std::string_view key) {
  const auto text = table.text(key, kIdRule);
  if (!text) return {};
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto [head, tail] = split_path(rest);
    check_name(head, "a role", table.place(key), table.problems());
    rest = tail;
  }
  return *text;
}

// One word, or a list of them.
std::vector<std::string> read_words(TableReader& table, std::string_view key) {
  const Node* node = table.any(key);
  if (node == nullptr) return {};
  if (node->list() != nullptr) return table.texts(key, kIdRule).value_or(std::vector<std::string>());
  const auto text = table.text(key, kIdRule);
  return text ? std::vector{*text} : std::vector<std::string>();
}

NeedDefinition read_need(const Node& tree, const std::string& place, std::vector<Problem>& problems, bool branch);

std::vector<NeedDefinition> read_branches(TableReader& table) {
  std::vector<NeedDefinition> branches;
  const Node::List* items = table.list("any_of");
  for (std::size_t i = 0; items != nullptr && i < items->size(); ++i)
    branches.push_back(read_need((*items)[i], join_place(table.place("any_of"), i), table.problems(), true));
  if (branches.size() > kMaxNeeds) table.report("any_of", "more than " + std::to_string(kMaxNeeds) + " alternatives");
  return branches;
}

// Every key that is none of the words is a dimension of the needed type.
NamedText read_amounts(TableReader& table, const Node& tree, std::span<const std::string_view> words) {
  NamedText amounts;
  const Node::Map* map = tree.map();
  for (std::size_t i = 0; map != nullptr && i < map->size(); ++i) {
    const std::string& key = (*map)[i].first;
    if (std::ranges::find(words, key) == words.end()) amounts.emplace_back(key, read_quantity(table, key, "0"));
  }
  std::ranges::sort(amounts);
  return amounts;
}

// A quantity; or a range, of which as many as can be had are taken; or "all".
void read_count(TableReader& table, NeedDefinition& need) {
  const Node* const node = table.any("count");
  need.count = "1";
  if (node == nullptr) return;
  if (node->text() != nullptr && *node->text() == "all") {
    need.all = true;
  } else if (node->map() == nullptr) {
    need.count = read_quantity(table, "count", "1");
  } else {
    TableReader range(*node, table.place("count"), table.problems());
    need.all = range.flag("all");
    need.count = read_quantity(range, "min", "1");
    need.most = read_quantity(range, "max", "");
    need.by = read_quantity(range, "step", "");
    if (!need.all && !range.has("max")) range.report("max", "a range says how many there may be at most");
    if (need.all && (range.has("min") || range.has("step")))
      range.report("all", "'all' stands with 'max' alone: what matches says how many there are");
    range.finish();
  }
}

Node count_to_node(const NeedDefinition& need) {
  if (need.all && need.most.empty()) return "all";
  if (!need.all && need.most.empty()) return need.count;
  Node::Map map;
  if (need.all) map.emplace_back("all", true);
  if (!need.all) map.emplace_back("min", need.count);
  map.emplace_back("max", need.most);
  if (!need.by.empty()) map.emplace_back("step", need.by);
  return map;
}

// An earlier role; or a table of roles of the needed outcome, each with an earlier role.
void read_same_as(TableReader& table, NeedDefinition& need) {
  const Node* const node = table.any("same_as");
  if (node == nullptr) return;
  if (node->map() == nullptr) {
    need.same_as = read_path(table, "same_as");
    return;
  }
  TableReader roles(*node, table.place("same_as"), table.problems());
  for (const auto& [role, path] : *node->map()) need.shares.emplace_back(role, read_path(roles, role));
}

NeedDefinition read_need(const Node& tree, const std::string& place, std::vector<Problem>& problems, bool branch) {
  NeedDefinition need;
  TableReader table(tree, place, problems);
  need.type = table.name("type", "a type").value_or("");
  if (!branch) {
    need.role = table.name("as", "a role").value_or(need.type);
    need.any_of = read_branches(table);
  }
  need.amounts = read_amounts(table, tree, kNeedWords);
  read_count(table, need);
  need.require = read_rule(table, "require");
  need.prefer = read_rule(table, "prefer");
  need.policy = table.name("policy", "a policy").value_or("");
  need.on = read_path(table, "on");
  read_same_as(table, need);
  need.same = read_words(table, "same");
  need.different = read_words(table, "different");
  need.optional = !branch && table.flag("optional");
  need.whole = table.flag("whole");
  table.finish();
  const bool alternatives = !branch && table.has("any_of");
  if (table.has("type") == alternatives && tree.map() != nullptr)
    problems.push_back({place, alternatives ? "'type' and 'any_of' stand together; name one type, or alternatives"
                                            : std::string("the key 'type' is missing")});
  if (alternatives && tree.map() != nullptr) {
    if (!table.has("as"))
      problems.push_back({place, "the key 'as' is missing: alternatives have no name of their own"});
    for (const std::string_view key :
         {"count", "require", "prefer", "policy", "on", "same", "same_as", "different", "whole"})
      if (table.has(key)) table.report(key, "belongs into each alternative");
    if (!need.amounts.empty()) table.report(need.amounts.front().first, "amounts belong into each alternative");
    if (need.any_of.empty()) table.report("any_of", "no alternative");
  }
  return need;
}

Node need_to_node(const NeedDefinition& need) {
  Node::Map map;
  if (!need.instance.empty()) map.emplace_back("instance", need.instance);
  if (!need.type.empty()) map.emplace_back("type", need.type);
  if (!need.role.empty()) map.emplace_back("as", need.role);
  for (const auto& [dimension, amount] : need.amounts) map.emplace_back(dimension, amount);
  if (need.count != "1" || need.all || !need.most.empty()) map.emplace_back("count", count_to_node(need));
  if (!need.require.empty()) map.emplace_back("require", need.require);
  if (!need.prefer.empty()) map.emplace_back("prefer", need.prefer);
  if (!need.policy.empty()) map.emplace_back("policy", need.policy);
  if (!need.on.empty()) map.emplace_back("on", need.on);
  if (!need.same.empty()) map.emplace_back("same", texts_to_node(need.same));
  if (!need.same_as.empty()) map.emplace_back("same_as", need.same_as);
  Node::Map shares;
  for (const auto& [role, path] : need.shares) shares.emplace_back(role, path);
  if (!shares.empty()) map.emplace_back("same_as", std::move(shares));
  if (!need.different.empty()) map.emplace_back("different", texts_to_node(need.different));
  if (need.optional) map.emplace_back("optional", true);
  if (need.whole) map.emplace_back("whole", true);
  if (need.any_of.empty()) return map;
  Node::List branches;
  for (const NeedDefinition& branch : need.any_of) branches.push_back(need_to_node(branch));
  map.emplace_back("any_of", std::move(branches));
  return map;
}

}  // namespace

std::span<const std::string_view> need_words() { return kNeedWords; }
std::span<const std::string_view> own_need_words() { return kOwnNeedWords; }

std::vector<NeedDefinition> read_needs(TableReader& type) {
  std::vector<NeedDefinition> needs;
  const Node::List* items = type.list("needs");
  if (items == nullptr) return needs;
  std::set<std::string> roles;
  for (std::size_t i = 0; i < items->size() && i < kMaxNeeds; ++i) {
    const std::string place = join_place(type.place("needs"), i);
    NeedDefinition need = read_need((*items)[i], place, type.problems(), false);
    if (std::ranges::find(kRoots, need.role) != std::end(kRoots)) {
      type.problems().push_back(
          {place, quoted(need.role) + " means something else in expressions; choose another 'as'"});
    } else if (!need.role.empty() && !roles.insert(need.role).second) {
      type.problems().push_back(
          {place, "the role " + quoted(need.role) + " stands twice; say 'as' to tell them apart"});
    }
    needs.push_back(std::move(need));
  }
  if (items->size() > kMaxNeeds)
    type.report("needs",
                std::to_string(items->size()) + " needs; a type may have at most " + std::to_string(kMaxNeeds));
  return needs;
}

std::vector<NeedDefinition> read_instance_needs(TableReader& instance) {
  std::vector<NeedDefinition> needs;
  const Node::List* const items = instance.list("needs");
  for (std::size_t i = 0; items != nullptr && i < items->size() && i < kMaxNeeds; ++i) {
    NeedDefinition need;
    TableReader table((*items)[i], join_place(instance.place("needs"), i), instance.problems());
    table.require("instance");
    need.instance = table.text("instance", kIdRule).value_or("");
    need.role = table.name("as", "a role").value_or("");
    need.whole = table.flag("whole");
    constexpr std::string_view kWords[] = {"instance", "as", "whole"};
    need.amounts = read_amounts(table, (*items)[i], kWords);
    need.count = "1";
    table.finish();
    needs.push_back(std::move(need));
  }
  if (items != nullptr && items->size() > kMaxNeeds)
    instance.report(
        "needs", std::to_string(items->size()) + " needs; an instance may have at most " + std::to_string(kMaxNeeds));
  return needs;
}

Node needs_to_node(const std::vector<NeedDefinition>& needs) {
  Node::List list;
  for (const NeedDefinition& need : needs) list.push_back(need_to_node(need));
  return list;
}

}  // namespace apportion
