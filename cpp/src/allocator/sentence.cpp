#include "sentence.hpp"

#include <algorithm>

namespace apportion {
namespace {

std::string unit_of(const BindingSum& sum) { return sum.unit.empty() ? "" : " " + sum.unit; }

std::string count_text(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string sum_text(const BindingSum& sum, bool empty) {
  const std::string unit = unit_of(sum);
  const std::uint64_t fit = sum.instances - sum.short_of_it;
  std::string text = sum.dimension + " " + sum.requested + unit;
  if (fit > 0) {
    text += (empty ? " is within the limit of " : " is free on ") + std::to_string(fit);
  } else {
    text += (empty ? " > largest limit " : " > largest free ") + sum.largest_free + unit;
  }
  return text + "; " + sum.total_free + unit + (empty ? " in all on " : " free in all on ") +
         count_text(sum.instances, "instance") + "; ";
}

std::string stage_text(const std::vector<Stage>& stages) {
  for (std::size_t i = 1; i < stages.size(); ++i) {
    const Stage& stage = stages[i];
    if (stage.after > 0 || stage.before == 0) continue;
    return "stage '" + stage.name + "' (" + stage.detail + ") leaves " +
           (stage.before == 1 ? "out the only candidate" : "none of " + std::to_string(stage.before) + " candidates") +
           "; ";
  }
  return {};
}

// Why an older version of the type is not among those that are asked.
std::string lack_of_version(const TypeDefinition& type, const Request& request) {
  for (const auto& [name, amount] : request.amounts) {
    if (std::ranges::find(type.dimensions, name, &DimensionDefinition::name) == type.dimensions.end())
      return "has no dimension '" + name + "'";
  }
  return "lacks a name that the filter or the policy uses";
}

}  // namespace

// Instances of the type that no version asked has.
std::string left_out(const Sections& sections, const Plan& plan) {
  std::string text;
  for (const TypeVersion* version : sections.catalog.versions_of(plan.request->type)) {
    const InstanceTable* table = sections.inventory.table(version->id);
    const bool asked =
        std::ranges::any_of(plan.versions, [&](const VersionPlan& other) { return other.version == version; });
    if (asked || table == nullptr) continue;
    std::uint64_t count = 0;
    for (std::uint32_t row = 0; row < table->rows(); ++row) count += table->exists(row) ? 1 : 0;
    if (count == 0) continue;
    text += count_text(count, "instance") + " of '" + plan.request->type + "' version " +
            std::to_string(version->number) + (count == 1 ? " takes" : " take") + " no part: that version " +
            lack_of_version(version->definition, *plan.request) + ", migrate moves " + (count == 1 ? "it" : "them") +
            " to another; ";
  }
  return text;
}

std::string sentence(const Denial& denial, const Reason& reason, const std::string& left_out) {
  std::string text;
  if (denial.count > 1) {
    text = count_text(denial.count, "instance") + " are asked for and " + std::to_string(reason.left) +
           (reason.empty ? " could serve; " : " can serve; ");
  }
  text += stage_text(reason.stages) + left_out;
  if (denial.stages.front().after == 0 && left_out.empty())
    text += "the pool has no " + (denial.type.empty() ? "instance" : "'" + denial.type + "'") + "; ";
  for (const BindingSum& sum : reason.binding) {
    if (sum.short_of_it > 0) text += sum_text(sum, reason.empty);
  }
  return text.append(class_text(denial.denial_class));
}

}  // namespace apportion
