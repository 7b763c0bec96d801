#include "deferrable.hpp"

#include <array>

namespace apportion {
namespace {

constexpr std::array<std::string_view, 3> kMissed{"release_all", "keep", "extend"};

}  // namespace

std::optional<Time> read_seconds(TableReader& table, std::string_view key) {
  const Decimal* const seconds = table.number(key);
  if (seconds == nullptr) return std::nullopt;
  constexpr std::int64_t kLongest = 30 * 24 * 3600;
  if (seconds->negative() || seconds->zero() || *seconds > Decimal(kLongest)) {
    table.report(key, "expected more than 0 and at most 2592000 seconds (30 days), found " + seconds->text());
    return std::nullopt;
  }
  return to_steps(*seconds, Step{1, kSecond}, Rounding::kUp).value();
}

Node seconds_to_node(Time time) { return units_decimal(time, Step{1, kSecond}); }

std::optional<DeferrableDefinition> read_deferrable(TableReader& type) {
  const Node* const tree = type.any("deferrable");
  if (tree == nullptr) return std::nullopt;
  DeferrableDefinition deferrable;
  TableReader table(*tree, type.place("deferrable"), type.problems());
  table.require("patience_s");
  deferrable.patience = read_seconds(table, "patience_s").value_or(kSecond);
  deferrable.held = read_seconds(table, "held_s").value_or(deferrable.patience);
  deferrable.missed = static_cast<Missed>(table.choice("missed", kMissed).value_or(0));
  table.finish();
  return deferrable;
}

Node to_node(const DeferrableDefinition& deferrable) {
  Node::Map map{{"patience_s", seconds_to_node(deferrable.patience)}};
  if (deferrable.held != deferrable.patience) map.emplace_back("held_s", seconds_to_node(deferrable.held));
  if (deferrable.missed != Missed::kReleaseAll)
    map.emplace_back("missed", kMissed[static_cast<std::size_t>(deferrable.missed)]);
  return map;
}

}  // namespace apportion
