#include <algorithm>
#include <map>
#include <tuple>

#include "apportion/expr/functions.hpp"
#include "reading.hpp"

// Pair tables: functions of two texts that expressions may call.

namespace apportion {
namespace {

constexpr std::size_t kMaxEntries = 100'000;

std::optional<PairTableDefinition::Entry> read_entry(const Node& node, const std::string& place,
                                                     std::vector<Problem>& problems) {
  const Node::List* const items = node.list();
  const bool whole = items != nullptr && items->size() == 3 && (*items)[0].text() != nullptr &&
                     (*items)[1].text() != nullptr && (*items)[2].number() != nullptr;
  if (!whole) {
    problems.push_back({place, "expected two texts and a number, as [\"a\", \"b\", 5], found " + shown(node)});
    return std::nullopt;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    if (const std::string fault = text_fault(*(*items)[i].text(), kIdRule); !fault.empty())
      problems.push_back({join_place(place, i), fault});
  }
  return PairTableDefinition::Entry{*(*items)[0].text(), *(*items)[1].text(), *(*items)[2].number()};
}

}  // namespace

PairTableDefinition read_pair_table(std::string_view name, const Node& tree, const std::string& place,
                                    std::vector<Problem>& problems) {
  PairTableDefinition pairs;
  pairs.name = name;
  check_name(name, "a pair table", place, problems);
  if (find_expression_function(name) != nullptr)
    problems.push_back({place, quoted(name) + " is a function of expressions already; choose another name"});
  TableReader table(tree, place, problems);
  pairs.description = table.text("description", kDescriptionRule).value_or("");
  pairs.symmetric = !table.has("symmetric") || table.flag("symmetric");
  if (const Decimal* otherwise = table.number("otherwise")) pairs.otherwise = *otherwise;
  table.require("pairs");
  const Node::List* items = table.list("pairs");
  for (std::size_t i = 0; items != nullptr && i < items->size() && i < kMaxEntries; ++i) {
    auto entry = read_entry((*items)[i], join_place(table.place("pairs"), i), problems);
    if (entry) pairs.entries.push_back(std::move(*entry));
  }
  if (items != nullptr && items->size() > kMaxEntries)
    table.report("pairs", std::to_string(items->size()) + " pairs; there may be " + std::to_string(kMaxEntries));
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> seen;
  for (std::size_t i = 0; i < pairs.entries.size(); ++i) {
    const std::string_view from = pairs.entries[i].from;
    const std::string_view to = pairs.entries[i].to;
    const bool swapped = pairs.symmetric && to < from;
    if (!seen.emplace(swapped ? std::pair(to, from) : std::pair(from, to), i).second)
      problems.push_back({join_place(join_place(place, "pairs"), i),
                          "the pair of " + quoted(from) + " and " + quoted(to) + " stands twice"});
  }
  table.finish();
  std::ranges::sort(pairs.entries, {}, [](const auto& entry) { return std::tie(entry.from, entry.to); });
  return pairs;
}

std::optional<double> value_of(const PairTableDefinition& pairs, std::string_view from, std::string_view to) {
  const auto find = [&](std::string_view first, std::string_view second) -> const PairTableDefinition::Entry* {
    const auto key = [](const auto& entry) {
      return std::pair(std::string_view(entry.from), std::string_view(entry.to));
    };
    const auto at = std::ranges::lower_bound(pairs.entries, std::pair(first, second), {}, key);
    return at != pairs.entries.end() && key(*at) == std::pair(first, second) ? &*at : nullptr;
  };
  const PairTableDefinition::Entry* found = find(from, to);
  if (found == nullptr && pairs.symmetric) found = find(to, from);
  if (found != nullptr) return found->value.to_double();
  return pairs.otherwise ? std::optional(pairs.otherwise->to_double()) : std::nullopt;
}

Node to_node(const PairTableDefinition& pairs) {
  Node::Map map;
  if (!pairs.description.empty()) map.emplace_back("description", pairs.description);
  if (!pairs.symmetric) map.emplace_back("symmetric", false);
  if (pairs.otherwise) map.emplace_back("otherwise", *pairs.otherwise);
  Node::List entries;
  for (const auto& [from, to, value] : pairs.entries) entries.emplace_back(Node::List{from, to, value});
  map.emplace_back("pairs", std::move(entries));
  return map;
}

}  // namespace apportion
