#include "apportion/ledger/affinity_counts.hpp"

#include <algorithm>
#include <bit>

#include "apportion/ledger/consumers.hpp"

namespace apportion {
namespace {

constexpr std::uint8_t kCounts = 1;
constexpr std::uint8_t kBinds = 2;

// The value of a label; 0: none.
Symbol label_of(std::span<const Symbol> labels, std::string_view key, const Symbols& symbols) {
  for (std::size_t i = 0; i + 1 < labels.size(); i += 2) {
    if (symbols.text(labels[i]) == key) return labels[i + 1];
  }
  return 0;
}

bool has_labels(const NamedText& wanted, std::span<const Symbol> labels, const Symbols& symbols) {
  return std::ranges::all_of(wanted, [&](const auto& label) {
    const Symbol value = label_of(labels, label.first, symbols);
    return value != 0 && symbols.text(value) == label.second;
  });
}

const NamedText& labels_of(const AffinityDefinition& affinity, AffinityCounts::Side side) {
  return side == AffinityCounts::Side::kBound ? affinity.binds.labels : affinity.counts.labels;
}

std::uint32_t rule_of(std::size_t affinity, AffinityCounts::Side side) {
  return static_cast<std::uint32_t>(2 * affinity) + (side == AffinityCounts::Side::kBound ? 2U : 1U);
}

}  // namespace

std::uint64_t AffinityCounts::Count::hash() const {
  return mix64(mix64(like, rule), std::bit_cast<std::uint64_t>(domain));
}

AffinityCounts::Stamp AffinityCounts::stamp_of(const Catalog& catalog, const Inventory& inventory) {
  const auto in_force = [](const auto& affinity) { return affinity->definition.enabled; };
  if (std::ranges::none_of(catalog.affinities(), in_force)) return {};
  return {catalog.counting_stamp(), inventory.regrouped() + 1};
}

bool AffinityCounts::holds(const Catalog& catalog, const Inventory& inventory) const {
  return (catalog.affinities().empty() && !kept()) || stamp_.get() == stamp_of(catalog, inventory);
}

void AffinityCounts::begin(Transaction& log, const Catalog& catalog, const Inventory& inventory) {
  auto counts = std::make_shared<ChunkMap<Count>>();
  std::vector<Rule> rules;
  for (const auto& held : catalog.affinities()) {
    const AffinityDefinition& definition = held->definition;
    if (!definition.enabled) continue;
    Rule rule{held, &definition, definition.counts == definition.binds, {}};
    for (VersionId id = 0; id < catalog.version_count(); ++id) {
      const auto names = [&](const std::vector<std::string>& types) {
        return std::ranges::find(types, catalog.version(id).definition.name) != types.end();
      };
      rule.versions.push_back(static_cast<std::uint8_t>((names(definition.counts.types) ? kCounts : 0) |
                                                        (names(definition.binds.types) ? kBinds : 0)));
    }
    rules.push_back(std::move(rule));
  }
  // Noted before anything is done: whatever fails from here on, the old numbers come back.
  log.on_rollback([this, counts, old = rules_] {
    std::swap(counts_, *counts);
    rules_ = old;
  });
  std::swap(counts_, *counts);
  rules_ = std::move(rules);
  stamp_.edit(log) = stamp_of(catalog, inventory);
}

bool AffinityCounts::looks_at(std::size_t affinity, Side side, VersionId version) const {
  const std::vector<std::uint8_t>& versions = rules_[affinity].versions;
  return version < versions.size() && (versions[version] & (side == Side::kBound ? kBinds : kCounts)) != 0;
}

bool AffinityCounts::selects(std::size_t affinity, Side side, VersionId version, std::span<const Symbol> labels,
                             const Symbols& symbols) const {
  return looks_at(affinity, side, version) && has_labels(labels_of(definition(affinity), side), labels, symbols);
}

bool AffinityCounts::selects(std::size_t affinity, Side side, VersionId version, const NamedText& labels) const {
  return looks_at(affinity, side, version) &&
         std::ranges::all_of(labels_of(definition(affinity), side),
                             [&](const auto& wanted) { return std::ranges::find(labels, wanted) != labels.end(); });
}

std::optional<Likeness> AffinityCounts::likeness(std::size_t affinity, std::span<const Symbol> labels,
                                                 std::uint32_t consumer, const Symbols& symbols) const {
  static_assert(kMaxAlike == 2, "two values of 32 bits make a likeness");
  Likeness like = 0;
  for (const std::string& word : definition(affinity).alike) {
    const bool by_label = word.starts_with(kAlikeLabel);
    const std::uint32_t value =
        by_label ? label_of(labels, std::string_view(word).substr(kAlikeLabel.size()), symbols) : consumer + 1;
    if (value == 0) return std::nullopt;
    like = like << 32 | value;
  }
  return like;
}

std::optional<Likeness> AffinityCounts::likeness(std::size_t affinity, const NamedText& labels, std::uint32_t consumer,
                                                 const Symbols& symbols) const {
  constexpr std::uint32_t kNobody = 0xfffffffe;
  Likeness like = 0;
  for (const std::string& word : definition(affinity).alike) {
    std::uint32_t value = consumer == Consumers::kNone ? kNobody : consumer + 1;
    if (word.starts_with(kAlikeLabel)) {
      const auto key = std::string_view(word).substr(kAlikeLabel.size());
      const auto label = std::ranges::find(labels, key, [](const auto& each) { return std::string_view(each.first); });
      if (label == labels.end()) return std::nullopt;
      const Symbol known = symbols.find(label->second);
      value = known != 0 ? known : kNobody;
    }
    like = like << 32 | value;
  }
  return like;
}

void AffinityCounts::add(Transaction& log, const CountedClaim& claim, const Neighbours& neighbours, int difference) {
  const Symbols& symbols = neighbours.symbols();
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const bool counted = selects(i, Side::kCounted, claim.instance.version, claim.labels, symbols);
    const bool bound = !rules_[i].one_side && selects(i, Side::kBound, claim.instance.version, claim.labels, symbols);
    if (!counted && !bound) continue;
    const std::optional<Likeness> like = likeness(i, claim.labels, claim.consumer, symbols);
    if (!like) continue;
    for (const double domain : neighbours.values(claim.instance, definition(i).per)) {
      if (counted) add_to(log, {*like, domain, rule_of(i, Side::kCounted), 1}, difference);
      if (bound) add_to(log, {*like, domain, rule_of(i, Side::kBound), 1}, difference);
    }
  }
}

void AffinityCounts::add_to(Transaction& log, const Count& key, int difference) {
  const auto same = [&](const Count& held) {
    return held.like == key.like && held.domain == key.domain && held.rule == key.rule;
  };
  const std::optional<std::size_t> held = counts_.find_slot(key.hash(), same);
  if (!held) {
    if (difference > 0) counts_.insert(log, key);
  } else if (difference < 0 && counts_[*held].claims == 1) {
    counts_.erase(log, *held);
  } else {
    counts_.edit(log, *held).claims += difference < 0 ? -1U : 1U;
  }
}

std::uint32_t AffinityCounts::count(std::size_t affinity, Side side, Likeness like, double domain) const {
  const Side of = rules_[affinity].one_side ? Side::kCounted : side;
  const Count key{like, domain, rule_of(affinity, of), 0};
  const Count* const held = counts_.find(key.hash(), [&](const Count& other) {
    return other.like == key.like && other.domain == key.domain && other.rule == key.rule;
  });
  return held == nullptr ? 0 : held->claims;
}

}  // namespace apportion
