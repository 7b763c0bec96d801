// Affinities in plain words: every claim is looked at anew for every candidate.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apportion/catalog/definitions.hpp"

namespace apportion {

/// An instance or a claim, with everything by name: "rack" -> {"r1"}.
struct TwinInstance {
  std::string id;
  std::string type;
  int gb = 0;
  std::map<std::string, std::set<std::string>> domains;
};
struct TwinClaim {
  std::string instance;
  std::string consumer;
  NamedText labels;
  int gb = 0;
};

struct AffinityTwin {
  std::vector<TwinInstance> instances;
  std::vector<TwinClaim> claims;
  std::vector<AffinityDefinition> affinities;

  [[nodiscard]] const TwinInstance& instance(const std::string& id) const {
    return *std::ranges::find(instances, id, &TwinInstance::id);
  }
  [[nodiscard]] int used(const std::string& id) const {
    int sum = 0;
    for (const TwinClaim& claim : claims) sum += claim.instance == id ? claim.gb : 0;
    return sum;
  }

  static const std::string* label(const NamedText& labels, const std::string& key) {
    const auto found = std::ranges::find(labels, key, [](const auto& each) { return each.first; });
    return found == labels.end() ? nullptr : &found->second;
  }
  static bool selected(const AffinityDefinition::Selection& selection, const std::string& type,
                       const NamedText& labels) {
    return std::ranges::count(selection.types, type) > 0 && std::ranges::all_of(selection.labels, [&](const auto& one) {
             const std::string* const held = label(labels, one.first);
             return held != nullptr && *held == one.second;
           });
  }
  // What claims are told alike by; false where there is no such value.
  static bool alike(const AffinityDefinition& affinity, const TwinClaim& claim, std::vector<std::string>& values) {
    for (const std::string& word : affinity.alike) {
      const std::string* const value = word == "consumer" ? &claim.consumer : label(claim.labels, word.substr(7));
      if (value == nullptr) return false;
      values.push_back(*value);
    }
    return true;
  }
  [[nodiscard]] static std::set<std::string> domains_of(const TwinInstance& at, const AffinityDefinition& affinity) {
    const auto found = at.domains.find(affinity.per);
    return found == at.domains.end() ? std::set<std::string>() : found->second;
  }

  [[nodiscard]] int count(const AffinityDefinition& affinity, bool bound, const std::vector<std::string>& like,
                          const std::string& domain) const {
    int number = 0;
    for (const TwinClaim& claim : claims) {
      const TwinInstance& at = instance(claim.instance);
      std::vector<std::string> its;
      if (selected(bound ? affinity.binds : affinity.counts, at.type, claim.labels) && alike(affinity, claim, its) &&
          its == like && domains_of(at, affinity).contains(domain))
        ++number;
    }
    return number;
  }

  /// How many claims too many or too few there would be with this one.
  [[nodiscard]] int excess(const AffinityDefinition& affinity, const TwinClaim& asked) const {
    using Rule = AffinityDefinition::Rule;
    const TwinInstance& at = instance(asked.instance);
    const bool binds = selected(affinity.binds, at.type, asked.labels);
    const bool counts = selected(affinity.counts, at.type, asked.labels);
    std::vector<std::string> like;
    if (!affinity.enabled || (!binds && !counts) || !alike(affinity, asked, like)) return 0;
    const std::set<std::string> domains = domains_of(at, affinity);
    if (domains.empty()) return binds && affinity.rule != Rule::kAtMost ? 1 : 0;
    const int number = static_cast<int>(affinity.number);
    std::set<std::string> all;
    for (const TwinInstance& other : instances) {
      if (other.type == at.type) all.merge(domains_of(other, affinity));
    }
    int least = 1 << 30;
    int most = 0;
    for (const std::string& domain : all) {
      least = std::min(least, count(affinity, false, like, domain));
      most = std::max(most, count(affinity, false, like, domain));
    }
    std::vector<int> each;
    for (const std::string& domain : domains) {
      const int found = count(affinity, false, like, domain);
      const int after = found + (counts ? 1 : 0);
      if (!binds) {
        const bool disturbs = affinity.rule == Rule::kAtMost && count(affinity, true, like, domain) > 0;
        each.push_back(disturbs ? std::max(0, after - number) : 0);
      } else if (affinity.rule == Rule::kAtMost) {
        each.push_back(std::max(0, after - number));
      } else if (affinity.rule == Rule::kAtLeast) {
        each.push_back(std::max(0, (counts ? std::min(number, most) : number) - found));
      } else {
        each.push_back(std::max(0, after - number - least));
      }
    }
    return affinity.rule == Rule::kAtLeast ? std::ranges::min(each) : std::ranges::max(each);
  }

  /// True when no rule leaves the claim out; what the preferences add to its score.
  [[nodiscard]] bool allows(const TwinClaim& asked) const {
    return std::ranges::all_of(affinities,
                               [&](const auto& affinity) { return affinity.weight || excess(affinity, asked) == 0; });
  }
  [[nodiscard]] double penalty(const TwinClaim& asked) const {
    double sum = 0;
    for (const AffinityDefinition& affinity : affinities)
      sum += affinity.weight ? affinity.weight->to_double() * excess(affinity, asked) : 0;
    return sum;
  }
};

}  // namespace apportion
