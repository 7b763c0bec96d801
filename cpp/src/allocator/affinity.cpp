#include "apportion/allocator/affinity.hpp"

#include <algorithm>

namespace apportion {
namespace {

using Rule = AffinityDefinition::Rule;

constexpr std::uint8_t kCounts = 1;
constexpr std::uint8_t kBinds = 2;

std::size_t of(View view) { return view == View::kEmpty ? 1 : 0; }

void add(std::vector<std::pair<double, std::int64_t>>& own, double domain, int difference) {
  const auto known = std::ranges::find(own, domain, [](const auto& each) { return each.first; });
  if (known == own.end()) {
    own.emplace_back(domain, difference);
  } else {
    known->second += difference;
  }
}

}  // namespace

AffinityTest::AffinityTest(const Ledger& ledger, std::size_t affinity, const Asker& asker, Likeness like,
                           Neighbours& neighbours, std::span<const VersionId> versions)
    : ledger_(ledger),
      affinity_(affinity),
      definition_(&ledger.affinity_counts().definition(affinity)),
      weight_(definition_->weight ? definition_->weight->to_double() : 0),
      like_(like),
      view_(asker.view) {
  const AffinityCounts& counts = ledger.affinity_counts();
  const auto look = [&](VersionId version) {
    if (version >= sides_.size()) sides_.resize(version + 1);
    sides_[version] =
        static_cast<std::uint8_t>((counts.selects(affinity, Side::kCounted, version, asker.labels) ? kCounts : 0) |
                                  (counts.selects(affinity, Side::kBound, version, asker.labels) ? kBinds : 0));
  };
  for (const VersionId version : versions) look(version);
  const auto add_own = [&](InstanceRef instance, int difference) {
    look(instance.version);
    for (const double domain : neighbours.values(instance, definition_->per)) {
      if (selects(Side::kCounted, instance.version)) add(counted_, domain, difference);
      if (selects(Side::kBound, instance.version)) add(bound_, domain, difference);
    }
  };
  for (const Taken& taken : asker.beside) add_own(taken.instance, 1);
  const bool personal = std::ranges::find(definition_->alike, kAlikeConsumer) != definition_->alike.end();
  if (asker.leaving && (!personal || asker.leaving->consumer == asker.consumer)) add_own(asker.leaving->instance, -1);
  if (definition_->rule != Rule::kAtMost) find_extremes(neighbours, versions);
}

bool AffinityTest::selects(Side side, VersionId version) const {
  return version < sides_.size() && (sides_[version] & (side == Side::kBound ? kBinds : kCounts)) != 0;
}

std::uint32_t AffinityTest::count(Side side, double domain, View view) const {
  const Own& own = side == Side::kBound ? bound_ : counted_;
  const auto known = std::ranges::find(own, domain, [](const auto& each) { return each.first; });
  std::int64_t sum = known == own.end() ? 0 : known->second;
  if (view == View::kPresent && view_ == View::kPresent)
    sum += ledger_.affinity_counts().count(affinity_, side, like_, domain);
  return static_cast<std::uint32_t>(std::max<std::int64_t>(sum, 0));
}

// Over the domains where some instance may be given: what is down is no place to wait for.
void AffinityTest::find_extremes(Neighbours& neighbours, std::span<const VersionId> versions) {
  const bool least = definition_->rule == Rule::kSkew;
  for (const View view : {View::kPresent, View::kEmpty}) {
    std::uint32_t& extreme = extreme_[of(view)];
    bool any = false;
    for (const VersionId version : versions) {
      const InstanceTable* const table = neighbours.inventory().table(version);
      if (table == nullptr || !selects(Side::kBound, version)) continue;
      const StateRules rules(neighbours.catalog().version(version).definition, neighbours.symbols());
      for (const double domain : neighbours.values(version, definition_->per)) {
        const auto serves = [&](std::uint32_t row) { return rules.permits(*table, row); };
        if (least && view == View::kPresent &&
            std::ranges::none_of(neighbours.rows(version, definition_->per, domain), serves))
          continue;
        const std::uint32_t found = count(Side::kCounted, domain, view);
        extreme = !any ? found : least ? std::min(extreme, found) : std::max(extreme, found);
        any = true;
      }
    }
  }
  if (least) return;
  for (const VersionId version : versions) {
    if (!selects(Side::kBound, version)) continue;
    for (const double domain : neighbours.values(version, definition_->per)) {
      const bool enough =
          count(Side::kCounted, domain, View::kPresent) >= wanted(selects(Side::kCounted, version), View::kPresent);
      if (enough && std::ranges::find(domains_, domain) == domains_.end()) domains_.push_back(domain);
    }
  }
}

// Of at_least. The first of those that count themselves have nobody to join.
std::uint32_t AffinityTest::wanted(bool counts, View view) const {
  if (!counts) return view == View::kEmpty || view_ == View::kEmpty ? 0 : definition_->number;
  return std::min(definition_->number, extreme_[of(view)]);
}

std::uint32_t AffinityTest::excess_in(double domain, bool binds, bool counts, View view) const {
  const std::uint32_t found = count(Side::kCounted, domain, view);
  const std::uint32_t after = found + (counts ? 1 : 0);
  const auto above = [](std::uint32_t number, std::uint32_t most) { return number > most ? number - most : 0U; };
  if (!binds) {
    // It would disturb those that are bound and there already.
    if (definition_->rule != Rule::kAtMost || count(Side::kBound, domain, view) == 0) return 0;
    return above(after, definition_->number);
  }
  switch (definition_->rule) {
    case Rule::kAtMost:
      return above(after, definition_->number);
    case Rule::kAtLeast:
      return above(wanted(counts, view), found);
    default:
      return above(after, definition_->number + extreme_[of(view)]);
  }
}

// An instance without a value shares no domain with anybody.
std::uint32_t AffinityTest::excess(const Neighbours& neighbours, InstanceRef candidate, View view) const {
  const bool binds = selects(Side::kBound, candidate.version);
  const bool counts = selects(Side::kCounted, candidate.version);
  if (!binds && !counts) return 0;
  const std::vector<double> domains = neighbours.values(candidate, definition_->per);
  if (domains.empty()) return binds && definition_->rule != Rule::kAtMost ? 1 : 0;
  const bool any = definition_->rule == Rule::kAtLeast;
  std::uint32_t worst = excess_in(domains.front(), binds, counts, view);
  for (const double domain : domains) {
    const std::uint32_t each = excess_in(domain, binds, counts, view);
    worst = any ? std::min(worst, each) : std::max(worst, each);
  }
  return worst;
}

// Of at_least one good domain is enough, so that none rules out anybody.
std::vector<double> AffinityTest::full_domains(const Neighbours& neighbours, InstanceRef candidate) const {
  std::vector<double> domains;
  if (definition_->rule == Rule::kAtLeast) return domains;
  const bool binds = selects(Side::kBound, candidate.version);
  const bool counts = selects(Side::kCounted, candidate.version);
  for (const double domain : neighbours.values(candidate, definition_->per)) {
    if ((binds || counts) && excess_in(domain, binds, counts, View::kPresent) > 0) domains.push_back(domain);
  }
  return domains;
}

std::string AffinityTest::text() const {
  static constexpr const char* kRules[] = {"at most ", "at least ", "at most "};
  std::string text = definition_->name + ": " + kRules[static_cast<std::size_t>(definition_->rule)] +
                     std::to_string(definition_->number);
  if (definition_->rule == Rule::kSkew) text += " more than elsewhere";
  std::string whom;
  for (const std::string& word : definition_->alike) whom += (whom.empty() ? " of the same " : " and ") + word;
  return text + whom + " per " + definition_->per;
}

std::string AffinityTest::found_text(const Neighbours& neighbours, InstanceRef candidate) const {
  std::string text;
  for (const double domain : neighbours.values(candidate, definition_->per)) {
    text += (text.empty() ? "" : ", ") + std::to_string(count(Side::kCounted, domain, View::kPresent)) + " there";
    if (definition_->rule == Rule::kSkew) text += ", " + std::to_string(extreme_[0]) + " where there are fewest";
  }
  return text.empty() ? "no " + definition_->per : text;
}

std::vector<std::shared_ptr<const AffinityTest>> affinities_of(const Ledger& ledger, const AffinityTest::Asker& asker,
                                                               Neighbours& neighbours,
                                                               std::span<const VersionId> versions) {
  const AffinityCounts& counts = ledger.affinity_counts();
  std::vector<std::shared_ptr<const AffinityTest>> found;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto concerns = [&](VersionId version) {
      return counts.selects(i, AffinityCounts::Side::kBound, version, asker.labels) ||
             counts.selects(i, AffinityCounts::Side::kCounted, version, asker.labels);
    };
    if (std::ranges::none_of(versions, concerns)) continue;
    const std::optional<Likeness> like = counts.likeness(i, asker.labels, asker.consumer, neighbours.symbols());
    if (like) found.push_back(std::make_shared<AffinityTest>(ledger, i, asker, *like, neighbours, versions));
  }
  return found;
}

}  // namespace apportion
