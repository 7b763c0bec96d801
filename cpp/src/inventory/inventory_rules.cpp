// What is said of few instances: rules for claims, layers of ratios, missing parts, named instances they need.
#include <algorithm>
#include <charconv>

#include "apportion/base/json.hpp"
#include "apportion/catalog/document.hpp"
#include "inventory_row.hpp"

namespace apportion {
namespace {

constexpr std::uint32_t kRareFlags = RareRow::kWhole | RareRow::kClosed;
constexpr std::uint32_t kClaimFlags = ClaimCell::kGiven | ClaimCell::kRoundUp;
constexpr std::size_t kMaxNeedsText = 65'536;

bool is_amount(Steps steps) { return steps >= 0 && steps <= kMaxSteps; }

ListId intern_layers(const NamedDecimals& layers, const Interner& intern) {
  std::vector<Symbol> items;
  for (const auto& [name, factor] : layers) {
    items.push_back(intern.text(name));
    items.push_back(intern.text(factor.text()));
  }
  return intern.list(items);
}

ClaimCell cell_of(const ClaimSteps& rule, const Interner& intern) {
  std::vector<Symbol> amounts;
  for (const Steps amount : rule.amounts) amounts.push_back(intern.text(std::to_string(amount)));
  return {rule.minimum,  rule.maximum,         rule.step,
          rule.standard, intern.list(amounts), ClaimCell::kGiven | (rule.round_up ? ClaimCell::kRoundUp : 0U)};
}

// Whether reading it later will give what was meant.
bool is_cell(const ClaimCell& cell, const Symbols& symbols) {
  const bool numbers = is_amount(cell.minimum) && is_amount(cell.maximum) && is_amount(cell.step) &&
                       is_amount(cell.standard) && (cell.flags & ~kClaimFlags) == 0;
  if (!numbers || !symbols.has_list(cell.amounts)) return false;
  if (!cell.given()) return cell == ClaimCell{};
  const std::span<const Symbol> texts = symbols.list(cell.amounts);
  Steps last = 0;
  for (const Symbol item : texts) {
    const std::string_view text = symbols.text(item);
    Steps amount = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || amount <= last || amount > kMaxSteps)
      return false;
    last = amount;
  }
  return texts.size() <= kMaxClaimAmounts;
}

}  // namespace

void Inventory::Row::put(Writer& writer, const Dimension& d) {
  writer.put(d.capacity).put(d.reserved).put(d.ratio).put(d.usage).put(d.predicted);
  writer.put(static_cast<std::uint8_t>(d.ruled() ? 1 : 0));
  if (!d.ruled()) return;
  writer.put(d.claim.minimum).put(d.claim.maximum).put(d.claim.step).put(d.claim.standard);
  writer.put(d.claim.amounts).put(d.claim.flags).put(d.layers);
}

Inventory::Row::Dimension Inventory::Row::get_dimension(Reader& reader) {
  Dimension d;
  d.capacity = reader.get<Steps>();
  d.reserved = reader.get<Steps>();
  d.ratio = reader.get<Ppm>();
  d.usage = reader.get<double>();
  d.predicted = reader.get<double>();
  if (reader.get<std::uint8_t>() == 0) return d;
  for (Steps* const member : {&d.claim.minimum, &d.claim.maximum, &d.claim.step, &d.claim.standard})
    *member = reader.get<Steps>();
  d.claim.amounts = reader.get<ListId>();
  d.claim.flags = reader.get<std::uint32_t>();
  d.layers = reader.get<ListId>();
  return d;
}

// A rule that is said again stays as it was to the step.
Status Inventory::encode_rules(const InstanceSpec& spec, const TypeDefinition& type, const Interner& intern,
                               Row& row) const {
  const InstanceRef held = find(spec.id);
  const NamedClaimRules known =
      !spec.claim.empty() && held.valid() && held.version == row.version ? spec_of(held).claim : NamedClaimRules();
  const auto dimension_of = [&](const std::string& name) {
    return static_cast<std::size_t>(std::ranges::find(type.dimensions, name, &DimensionDefinition::name) -
                                    type.dimensions.begin());
  };
  for (const auto& [name, rule] : spec.claim) {
    const std::size_t d = dimension_of(name);
    const std::string place = "claim." + name;
    if (d == type.dimensions.size()) return unknown("type '" + type.name + "' has no dimension '" + name + "'", place);
    if (rule.empty()) continue;
    const auto same = find_pair(known, name);
    if (same != known.end() && same->second == rule) {
      row.dimensions[d].claim = tables_[held.version]->dimensions[d].claim[held.row];
      continue;
    }
    const Result<ClaimSteps> steps = in_steps(rule, type.dimensions[d].step);
    if (!steps) return Error{steps.error().code, steps.error().message, place + "." + steps.error().place};
    row.dimensions[d].claim = cell_of(*steps, intern);
  }
  for (const auto& [name, layers] : spec.ratio_layers) {
    const std::size_t d = dimension_of(name);
    if (d < type.dimensions.size()) row.dimensions[d].layers = intern_layers(layers, intern);
  }
  if (spec.whole.value_or(false) && type.dimensions.empty())
    return invalid("type '" + type.name + "' has no dimension: nothing of it can be taken whole", "whole");
  row.rare.flags = spec.whole.value_or(false) ? RareRow::kWhole : 0;
  row.rare.parts = spec.parts.value_or(0);
  if (!spec.needs || spec.needs->empty()) return {};
  InstanceSpec needs;
  needs.needs = spec.needs;
  const std::string text = to_json(*to_node(needs).find("needs"));
  if (text.size() > kMaxNeedsText) return invalid("the needs of an instance are too long", "needs");
  row.rare.needs = intern.text(text);
  return {};
}

void Inventory::add_rules(InstanceSpec& spec, InstanceRef ref) const {
  const InstanceTable& table = *tables_[ref.version];
  const TypeDefinition& type = catalog_->version(ref.version).definition;
  for (std::size_t d = 0; d < table.dimensions.size(); ++d) {
    const ClaimCell& cell = table.dimensions[d].claim[ref.row];
    if (cell.given())
      spec.claim.emplace_back(type.dimensions[d].name, in_units(cell.steps(*symbols_), type.dimensions[d].step));
    const std::span<const Symbol> layers = symbols_->list(table.dimensions[d].layers[ref.row]);
    if (layers.empty()) continue;
    NamedDecimals& factors = spec.ratio_layers.emplace_back(type.dimensions[d].name, NamedDecimals()).second;
    for (std::size_t i = 0; i + 1 < layers.size(); i += 2)
      factors.emplace_back(symbols_->text(layers[i]), Decimal::parse(symbols_->text(layers[i + 1])).value());
  }
  const RareRow& rare = table.rare[ref.row];
  if (rare.whole()) spec.whole = true;
  if (rare.parts > 0) spec.parts = rare.parts;
  if (rare.needs != 0) spec.needs = needs_of(ref);
}

std::uint64_t Inventory::generation_of(InstanceRef instance) const {
  return std::uint64_t{tables_[instance.version]->rare[instance.row].generation} + 1;
}

std::vector<NeedDefinition> Inventory::needs_of(InstanceRef instance) const {
  const Symbol text = tables_[instance.version]->rare[instance.row].needs;
  if (text == 0) return {};
  const Result<Node> list = from_json(symbols_->text(text));
  std::vector<Problem> problems;
  const Node::Map spec{{"id", "?"}, {"needs", list ? *list : Node(Node::List())}};
  return read_instance(spec, "", problems).needs.value_or(std::vector<NeedDefinition>());
}

// What a record says has to be readable.
bool Inventory::rules_known(const Row& row) const {
  for (const Row::Dimension& d : row.dimensions) {
    if (!is_cell(d.claim, *symbols_) || !symbols_->has_list(d.layers)) return false;
    const std::span<const Symbol> layers = symbols_->list(d.layers);
    for (std::size_t i = 1; i < layers.size(); i += 2) {
      if (!Decimal::parse(symbols_->text(layers[i]))) return false;
    }
  }
  const std::uint32_t flags = row.restored() ? kRareFlags : RareRow::kWhole;
  if ((row.rare.flags & ~flags) != 0 || !symbols_->has(row.rare.needs)) return false;
  if (row.rare.needs == 0) return true;
  const Result<Node> list = from_json(symbols_->text(row.rare.needs));
  if (!list) return false;
  std::vector<Problem> problems;
  static_cast<void>(read_instance(Node::Map{{"id", "?"}, {"needs", *list}}, "", problems));
  return problems.empty();
}

// Counts who is special. Whether parts are missing follows from the parents, which were written before, unless a
// snapshot says it: there they come later.
void Inventory::write_rare(InstanceTable& held, std::uint32_t at, const Row& row, Transaction& log) {
  const RareRow old = held.rare[at];
  const bool ruled = old.whole() || std::ranges::any_of(held.dimensions, [at](const DimensionColumns& d) {
                       return d.claim[at].given();
                     });
  const auto count = [&log](Cell<std::uint32_t>& cell, bool before, bool after) {
    if (before != after) cell.edit(log) += after ? 1U : -1U;
  };
  count(held.ruled, ruled, row.ruled());
  count(held.needing, old.needs != 0, row.rare.needs != 0);
  if ((old.parts > 0) != (row.rare.parts > 0)) sets_.edit(log) += row.rare.parts > 0 ? 1ULL : -1ULL;
  RareRow next = row.rare;
  next.flags = (row.rare.flags & ~RareRow::kClosed) | (old.flags & RareRow::kClosed);
  held.rare.set(log, at, next);
  if (row.restored_ordinal != 0) {
    set_closed(held, at, row.rare.closed(), log);
  } else if (sets_.get() > 0 || old.parts > 0 || old.closed()) {
    reopen(held, at, log);
  }
}

void Inventory::add_rare(CellHash& hash, const InstanceTable& held, std::uint32_t at) const {
  for (std::size_t d = 0; d < held.dimensions.size(); ++d) {
    const ClaimCell& cell = held.dimensions[d].claim[at];
    if (cell.given()) {
      hash.add(std::uint64_t{d}).add(cell.minimum).add(cell.maximum).add(cell.step).add(cell.standard);
      hash.add(std::uint64_t{cell.flags});
      add_list(hash, cell.amounts);
    }
    if (held.dimensions[d].layers[at] == 0) continue;
    hash.add(std::uint64_t{d} + kMaxDimensions);
    add_list(hash, held.dimensions[d].layers[at]);
  }
  RareRow rare = held.rare[at];
  rare.flags &= ~RareRow::kClosed;  // follows from others
  if (rare == RareRow{}) return;
  hash.add(std::uint64_t{rare.flags}).add(std::uint64_t{rare.parts});
  hash.add(symbols_->text(rare.needs)).add(std::uint64_t{rare.generation});
}

// --- missing parts

// Of it, or of what it lies in.
bool Inventory::is_closed(const InstanceTable& held, std::uint32_t at) const {
  const InstanceTable* table = &held;
  std::uint32_t row = at;
  for (;;) {
    if (table->children[row] < table->rare[row].parts) return true;
    const InstanceRef parent = table->parent[row] == 0 ? InstanceRef{} : find(table->parent[row]);
    if (!parent.valid()) return false;
    table = tables_[parent.version].get();
    row = parent.row;
  }
}

void Inventory::set_closed(InstanceTable& held, std::uint32_t at, bool closed, Transaction& log) {
  if (held.rare[at].closed() == closed) return;
  held.rare.edit(log, at).flags ^= RareRow::kClosed;
  held.closed.edit(log) += closed ? 1U : -1U;
  held.touched.add(log, at);
}

// It and what lies in it.
void Inventory::reopen(InstanceTable& held, std::uint32_t at, Transaction& log) {
  const bool closed = is_closed(held, at);
  if (held.rare[at].closed() == closed) return;
  set_closed(held, at, closed, log);
  if (held.children[at] == 0) return;
  const Symbol id = held.id[at];
  for (const auto& table : tables_) {
    for (std::uint32_t row = 0; table && row < table->rows(); ++row) {
      if (table->parent[row] == id && table->exists(row)) reopen(*table, row, log);
    }
  }
}

Status Inventory::check_parts(const InstanceTable& held) const {
  for (std::uint32_t at = 0; at < held.rows(); ++at) {
    if (held.exists(at) && held.rare[at].closed() != is_closed(held, at))
      return corrupt("what is said of the parts of an instance is damaged");
  }
  return {};
}

}  // namespace apportion
