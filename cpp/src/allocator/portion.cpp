#include "apportion/allocator/portion.hpp"

#include <algorithm>

namespace apportion {

Portion::Portion(const TypeDefinition& type, std::vector<Steps> asked, std::uint32_t named, bool whole,
                 const Symbols& symbols)
    : symbols_(&symbols), asked_(std::move(asked)), named_(named), whole_(whole) {
  const auto has_rule = [](const DimensionDefinition& dimension) { return !dimension.claim.empty(); };
  if (std::ranges::any_of(type.dimensions, has_rule)) {
    for (const DimensionDefinition& dimension : type.dimensions)
      rules_.push_back(in_steps(dimension.claim, dimension.step).value());  // checked with the document
  }
  usual_ = least_ = asked_;
  for (std::size_t d = 0; d < rules_.size(); ++d) {
    const std::optional<Steps> steps = taken(rules_[d], d);
    refused_ = refused_ || !steps;
    usual_[d] = steps.value_or(asked_[d]);
  }
}

void Portion::keep(std::span<const Steps> held) {
  asked_.assign(held.begin(), held.end());
  usual_ = least_ = asked_;
  whole_ = false;
  kept_ = true;
  named_ = ~0U;
  refused_ = false;
  for (std::size_t d = 0; d < rules_.size(); ++d) refused_ = refused_ || rules_[d].taken(asked_[d]) != asked_[d];
}

ClaimSteps Portion::rule(const InstanceTable& table, std::uint32_t row, std::size_t d) const {
  const ClaimCell& own = table.dimensions[d].claim[row];
  if (own.given()) return own.steps(*symbols_);
  return rules_.empty() ? ClaimSteps() : rules_[d];
}

std::optional<Steps> Portion::taken(const ClaimSteps& rule, std::size_t d) const {
  if (asked_[d] == 0 && (named_ >> d & 1U) == 0) return rule.standard;
  const std::optional<Steps> steps = rule.taken(asked_[d]);
  return kept_ && steps != asked_[d] ? std::nullopt : steps;
}

std::optional<Amounts> Portion::of(const InstanceTable& table, std::uint32_t row) const {
  Amounts amounts(asked_.size());
  bool takes = whole_;
  for (std::size_t d = 0; d < amounts.size(); ++d) {
    const std::optional<Steps> steps = taken(rule(table, row, d), d);
    if (!steps) return std::nullopt;
    amounts[d] = *steps;
    takes = takes || *steps > 0;
  }
  // Who takes nothing looks on.
  if (!takes || !(whole_ || table.rare[row].whole())) return amounts;
  bool some = false;
  for (std::size_t d = 0; d < amounts.size(); ++d) {
    const Steps limit = table.dimensions[d].limit[row];
    some = some || limit > 0;
    if (kept_ && amounts[d] != limit) return std::nullopt;
    amounts[d] = std::max(amounts[d], limit);
  }
  return some ? std::optional(amounts) : std::nullopt;
}

Amounts Portion::wanted(const InstanceTable& table, std::uint32_t row) const {
  if (picks(table)) {
    if (const std::optional<Amounts> amounts = of(table, row)) return *amounts;
  }
  return {usual_.begin(), usual_.end()};
}

std::vector<Lack> Portion::refusals(const InstanceTable& table, std::uint32_t row, const TypeDefinition& type) const {
  std::vector<Lack> lacks;
  if (!ruled(table) || of(table, row)) return lacks;
  for (std::size_t d = 0; d < asked_.size(); ++d) {
    const ClaimSteps its = rule(table, row, d);
    const Step size = type.dimensions[d].step;
    if (!taken(its, d))
      lacks.push_back({"claim." + type.dimensions[d].name, units_text(asked_[d], size), its.text(size)});
  }
  if (lacks.empty()) lacks.push_back({"claim", "all that the instance has", "there is nothing to take"});
  return lacks;
}

std::string Portion::text(const TypeDefinition& type) const {
  std::string text;
  for (std::size_t d = 0; d < rules_.size(); ++d) {
    if (rules_[d] == ClaimSteps{}) continue;
    text += (text.empty() ? "" : "; ") + type.dimensions[d].name + ": " + rules_[d].text(type.dimensions[d].step);
  }
  if (whole_) text += text.empty() ? "whole instances" : "; whole instances";
  return text.empty() ? "the rules of the instances" : text;
}

}  // namespace apportion
