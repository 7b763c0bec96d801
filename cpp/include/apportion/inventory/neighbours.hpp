// What instances have in common: who lies inside which other, and who shares a value.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apportion/inventory/inventory.hpp"

namespace apportion {

/// By a word two instances are compared: a field or state field of theirs, "labels.<key>", "id", "location", "parent",
/// "groups", or the name of a type, which stands for the nearest instance of it that an instance is or lies in. The
/// empty word stands for all instances that it is or lies in. Values are lanes as expressions see them; an instance has
/// one, several (of lists), or none.
inline constexpr std::string_view kInside;

/// Finds instances by their values, as long as nothing is said of any instance without a look at each. Not a part of
/// the state. Thread-compatible.
class Neighbours {
 public:
  /// All three must outlive it.
  Neighbours(const Inventory& inventory, const Symbols& symbols, const Catalog& catalog)
      : inventory_(inventory), symbols_(symbols), catalog_(catalog) {}

  [[nodiscard]] const Inventory& inventory() const { return inventory_; }
  [[nodiscard]] const Symbols& symbols() const { return symbols_; }
  [[nodiscard]] const Catalog& catalog() const { return catalog_; }
  /// Of one instance, each once.
  [[nodiscard]] std::vector<double> values(InstanceRef instance, std::string_view word) const;

  /// Forgets what was found before something was said of an instance. REQUIRES: called after every write, before the
  /// next question below.
  void catch_up();
  /// Changes when something was forgotten.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// Rows of a version that have the value, rising. Valid until catch_up.
  [[nodiscard]] std::span<const std::uint32_t> rows(VersionId version, std::string_view word, double value);
  /// Rows of a version that have no value.
  [[nodiscard]] std::span<const std::uint32_t> without(VersionId version, std::string_view word);

  /// Rows of a version that lie inside an instance, itself not among them, rising.
  [[nodiscard]] std::span<const std::uint32_t> inside(InstanceRef instance, VersionId version);
  /// What rows of a version have, in order.
  [[nodiscard]] std::span<const double> values(VersionId version, std::string_view word);

  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Found {
    std::unordered_map<double, std::vector<std::uint32_t>> rows;
    std::vector<std::uint32_t> without;
    std::vector<double> values;
  };

  // Of all rows of one version, those of another inside each.
  struct Insides {
    std::vector<std::uint32_t> first;  // by row, and one more
    std::vector<std::uint32_t> rows;
  };

  const Insides& find_insides(VersionId outer, VersionId inner);
  const Found& find(VersionId version, std::string_view word);
  void add_lists(std::span<const Symbol> list, std::vector<double>& values) const;

  const Inventory& inventory_;
  const Symbols& symbols_;
  const Catalog& catalog_;
  std::uint64_t generation_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen_;     // by version: the touch log's identity and `said`
  std::vector<std::map<std::string, Found, std::less<>>> found_;  // by version and word
  std::vector<std::vector<std::unique_ptr<Insides>>> insides_;    // by outer and inner version
};

}  // namespace apportion
