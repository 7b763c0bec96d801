#include <algorithm>
#include <set>

#include "apportion/catalog/request_words.hpp"
#include "apportion/catalog/scope.hpp"
#include "apportion/expr/program.hpp"
#include "needs.hpp"

namespace apportion {
namespace {

constexpr std::string_view kNeedWords[] = {"any_of", "as",     "count",   "different", "on",  "optional",
                                           "policy", "prefer", "require", "same",      "type"};

constexpr std::string_view kOwnNeedWords[] = {"any_of",   "as",     "different", "on",
                                              "optional", "prefer", "require",   "same"};

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

// Every key that is no word of needs is a dimension of the needed type.
NamedText read_amounts(TableReader& table, const Node& tree) {
  NamedText amounts;
  const Node::Map* map = tree.map();
  for (std::size_t i = 0; map != nullptr && i < map->size(); ++i) {
    const std::string& key = (*map)[i].first;
    if (std::ranges::find(kNeedWords, key) == std::end(kNeedWords))
      amounts.emplace_back(key, read_quantity(table, key, "0"));
  }
  std::ranges::sort(amounts);
  return amounts;
}

NeedDefinition read_need(const Node& tree, const std::string& place, std::vector<Problem>& problems, bool branch) {
  NeedDefinition need;
  TableReader table(tree, place, problems);
  need.type = table.name("type", "a type").value_or("");
  if (!branch) {
    need.role = table.name("as", "a role").value_or(need.type);
    need.any_of = read_branches(table);
  }
  need.amounts = read_amounts(table, tree);
  need.count = read_quantity(table, "count", "1");
  need.require = read_rule(table, "require");
  need.prefer = read_rule(table, "prefer");
  need.policy = table.name("policy", "a policy").value_or("");
  need.on = read_path(table, "on");
  need.same = read_words(table, "same");
  need.different = read_words(table, "different");
  need.optional = !branch && table.flag("optional");
  table.finish();
  const bool alternatives = !branch && table.has("any_of");
  if (table.has("type") == alternatives && tree.map() != nullptr)
    problems.push_back({place, alternatives ? "'type' and 'any_of' stand together; name one type, or alternatives"
                                            : std::string("the key 'type' is missing")});
  if (alternatives && tree.map() != nullptr) {
    if (!table.has("as"))
      problems.push_back({place, "the key 'as' is missing: alternatives have no name of their own"});
    for (const std::string_view key : {"count", "require", "prefer", "policy", "on", "same", "different"})
      if (table.has(key)) table.report(key, "belongs into each alternative");
    if (!need.amounts.empty()) table.report(need.amounts.front().first, "amounts belong into each alternative");
    if (need.any_of.empty()) table.report("any_of", "no alternative");
  }
  return need;
}

Node need_to_node(const NeedDefinition& need) {
  Node::Map map;
  if (!need.type.empty()) map.emplace_back("type", need.type);
  if (!need.role.empty()) map.emplace_back("as", need.role);
  for (const auto& [dimension, amount] : need.amounts) map.emplace_back(dimension, amount);
  if (need.count != "1") map.emplace_back("count", need.count);
  if (!need.require.empty()) map.emplace_back("require", need.require);
  if (!need.prefer.empty()) map.emplace_back("prefer", need.prefer);
  if (!need.policy.empty()) map.emplace_back("policy", need.policy);
  if (!need.on.empty()) map.emplace_back("on", need.on);
  if (!need.same.empty()) map.emplace_back("same", texts_to_node(need.same));
  if (!need.different.empty()) map.emplace_back("different", texts_to_node(need.different));
  if (need.optional) map.emplace_back("optional", true);
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

Node needs_to_node(const std::vector<NeedDefinition>& needs) {
  Node::List list;
  for (const NeedDefinition& need : needs) list.push_back(need_to_node(need));
  return list;
}

}  // namespace apportion
