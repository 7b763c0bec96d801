// The payload of Inventory::kPut, decoded.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/inventory/inventory.hpp"

namespace apportion {

/// Of pairs whose first is a name, that with this one; the end when there is none.
template <class Pairs>
auto find_pair(const Pairs& pairs, std::string_view name) {
  return std::ranges::find_if(pairs, [&](const auto& pair) { return pair.first == name; });
}

/// `restored_*` are 0 in live changes: the inventory then chooses row and ordinal itself.
struct Inventory::Row {
  VersionId version = 0;
  std::uint32_t restored_row = 0;  // row + 1
  std::uint64_t restored_ordinal = 0;
  std::uint64_t restored_granted = 0;
  std::uint32_t restored_children = 0;
  Symbol id = 0;
  Symbol address = 0;
  Symbol location = 0;
  Symbol parent = 0;
  Symbol policy = 0;
  ListId labels = 0;
  ListId groups = 0;
  std::vector<double> states;  // lanes
  std::vector<double> fields;
  struct Dimension {
    Steps capacity = 0;
    Steps reserved = 0;
    Ppm ratio = kOne;
    double usage = Number{}.value;
    double predicted = Number{}.value;
    ClaimCell claim;
    ListId layers = 0;
    [[nodiscard]] bool ruled() const { return claim.given() || layers != 0; }
  };
  std::vector<Dimension> dimensions;
  RareRow rare;  // without what is derived; its generation is the inventory's to count
  std::vector<std::pair<Symbol, ListId>> relationships;

  [[nodiscard]] bool restored() const { return restored_row != 0 && restored_ordinal != 0; }
  [[nodiscard]] bool plain() const {
    return restored_row == 0 && restored_ordinal == 0 && restored_granted == 0 && restored_children == 0 &&
           rare.generation == 0;
  }
  /// True when somebody takes all of it, or by a rule of its own.
  [[nodiscard]] bool ruled() const {
    return rare.whole() || std::ranges::any_of(dimensions, [](const Dimension& d) { return d.claim.given(); });
  }
  static void put(Writer& writer, const Dimension& dimension);
  static Dimension get_dimension(Reader& reader);
  void encode(Writer& writer) const;
};

}  // namespace apportion
