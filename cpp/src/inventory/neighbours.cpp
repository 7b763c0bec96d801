#include "apportion/inventory/neighbours.hpp"

#include <algorithm>
#include <cmath>

namespace apportion {
namespace {

constexpr std::string_view kLabels = "labels.";

const FieldColumn* column_of(const TypeDefinition& type, const InstanceTable& table, std::string_view word) {
  const auto place = [&](const std::vector<FieldDefinition>& fields) {
    return static_cast<std::size_t>(std::ranges::find(fields, word, &FieldDefinition::name) - fields.begin());
  };
  if (const std::size_t field = place(type.fields); field < type.fields.size()) return &table.fields[field];
  if (const std::size_t state = place(type.states); state < type.states.size()) return &table.states[state];
  return nullptr;
}

void add(double lane, std::vector<double>& values) {
  if (!std::isnan(lane) && std::ranges::find(values, lane) == values.end()) values.push_back(lane);
}

void add_symbol(Symbol symbol, std::vector<double>& values) {
  if (symbol != 0) add(symbol, values);
}

}  // namespace

void Neighbours::add_lists(std::span<const Symbol> list, std::vector<double>& values) const {
  for (const Symbol symbol : list) add_symbol(symbol, values);
}

std::vector<double> Neighbours::values(InstanceRef instance, std::string_view word) const {
  std::vector<double> values;
  const InstanceTable& table = *inventory_.table(instance.version);
  const std::uint32_t row = instance.row;
  const TypeDefinition& type = catalog_.version(instance.version).definition;
  if (const FieldColumn* column = word.empty() ? nullptr : column_of(type, table, word)) {
    const double lane = column->lane(row);
    if (column->kind != FieldKind::kList) {
      add(lane, values);
    } else if (!std::isnan(lane)) {
      add_lists(symbols_.list(static_cast<ListId>(lane)), values);
    }
  } else if (word.starts_with(kLabels)) {
    const std::span<const Symbol> labels = symbols_.list(table.labels[row]);
    for (std::size_t i = 0; i + 1 < labels.size(); i += 2) {
      if (symbols_.text(labels[i]) == word.substr(kLabels.size())) add_symbol(labels[i + 1], values);
    }
  } else if (word == "id") {
    add_symbol(table.id[row], values);
  } else if (word == "location") {
    add_symbol(table.location[row], values);
  } else if (word == "parent") {
    add_symbol(table.parent[row], values);
  } else if (word == "groups") {
    add_lists(symbols_.list(table.groups[row]), values);
  } else {
    // Parents form no circle.
    for (InstanceRef at = instance; at.valid();) {
      const InstanceTable& its = *inventory_.table(at.version);
      const bool counts = word.empty() || catalog_.version(at.version).definition.name == word;
      if (counts) add_symbol(its.id[at.row], values);
      if (counts && !word.empty()) break;
      const Symbol parent = its.parent[at.row];
      at = parent == 0 ? InstanceRef{} : inventory_.find(parent);
    }
  }
  return values;
}

void Neighbours::catch_up() {
  std::vector<std::pair<std::uint64_t, std::uint64_t>>& seen = seen_;
  bool same = seen.size() == catalog_.version_count();
  seen.resize(catalog_.version_count());
  for (VersionId version = 0; version < seen.size(); ++version) {
    const InstanceTable* const table = inventory_.table(version);
    const std::pair<std::uint64_t, std::uint64_t> now =
        table == nullptr ? std::pair<std::uint64_t, std::uint64_t>{}
                         : std::pair{table->touched.identity(), table->touched.said()};
    same = same && seen[version] == now;
    seen[version] = now;
  }
  if (same) return;
  ++generation_;
  found_.clear();
  insides_.clear();
  found_.resize(seen.size());
}

const Neighbours::Found& Neighbours::find(VersionId version, std::string_view word) {
  const auto known = found_[version].find(word);
  if (known != found_[version].end()) return known->second;
  Found found;
  const InstanceTable* const table = inventory_.table(version);
  for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
    if (!table->exists(row)) continue;
    const std::vector<double> values = this->values({version, row}, word);
    for (const double value : values) found.rows[value].push_back(row);
    if (values.empty()) found.without.push_back(row);
  }
  for (const auto& [value, rows] : found.rows) found.values.push_back(value);
  std::ranges::sort(found.values);
  return found_[version].emplace(word, std::move(found)).first->second;
}

std::span<const std::uint32_t> Neighbours::rows(VersionId version, std::string_view word, double value) {
  const Found& found = find(version, word);
  const auto rows = found.rows.find(value);
  return rows == found.rows.end() ? std::span<const std::uint32_t>() : rows->second;
}

const Neighbours::Insides& Neighbours::find_insides(VersionId outer, VersionId inner) {
  insides_.resize(seen_.size());
  insides_[outer].resize(seen_.size());
  std::unique_ptr<Insides>& held = insides_[outer][inner];
  if (held) return *held;
  auto made = std::make_unique<Insides>();
  const InstanceTable* const table = inventory_.table(outer);
  for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) {
    made->first.push_back(static_cast<std::uint32_t>(made->rows.size()));
    if (!table->exists(row)) continue;
    for (const std::uint32_t other : rows(inner, kInside, table->id[row]))
      if (outer != inner || other != row) made->rows.push_back(other);
  }
  made->first.push_back(static_cast<std::uint32_t>(made->rows.size()));
  held = std::move(made);
  return *held;
}

std::span<const std::uint32_t> Neighbours::inside(InstanceRef instance, VersionId version) {
  const bool known = instance.version < insides_.size() && version < insides_[instance.version].size() &&
                     insides_[instance.version][version] != nullptr;
  const Insides& of = known ? *insides_[instance.version][version] : find_insides(instance.version, version);
  const std::uint32_t first = of.first[instance.row];
  return std::span(of.rows).subspan(first, of.first[instance.row + 1] - first);
}

std::span<const std::uint32_t> Neighbours::without(VersionId version, std::string_view word) {
  return find(version, word).without;
}

std::span<const double> Neighbours::values(VersionId version, std::string_view word) {
  return find(version, word).values;
}

std::size_t Neighbours::bytes() const {
  constexpr std::size_t kPerValue = 64;  // a list, and what the table of lists takes of it
  std::size_t total = 0;
  for (const auto& words : found_) {
    for (const auto& [word, found] : words) {
      total += found.without.capacity() * sizeof(std::uint32_t);
      for (const auto& [value, rows] : found.rows) total += kPerValue + rows.capacity() * sizeof(std::uint32_t);
    }
  }
  for (const auto& inner : insides_) {
    for (const auto& held : inner)
      total += held ? (held->first.capacity() + held->rows.capacity()) * sizeof(std::uint32_t) : 0;
  }
  return total;
}

}  // namespace apportion
