// Allocation on a named instance.
#include <algorithm>
#include <cmath>

#include "pool_update.hpp"

namespace apportion {
namespace {

std::string quoted(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + '"';
}

// The request that says where: what the journal keeps, and what a key stands for.
Request narrowed(const Request& request, std::string_view instance) {
  Request only = request;
  only.where = "self.id == " + quoted(instance);
  if (!request.where.empty()) only.where += " && (" + request.where + ")";
  return only;
}

}  // namespace

Result<Outcome> Pool::place(std::string_view instance, const Request& request) {
  const std::lock_guard lock(mutex_);
  const InstanceRef ref = sections_.inventory.find(instance);
  if (!ref.valid()) return unknown("there is no instance '" + std::string(instance) + "'", "instance");
  const Request filtered = narrowed(request, instance);
  const Only only{ref, request.type.empty() ? filtered : request};  // without a type, the filter says which
  return outcome_of(filtered, &only);
}

// The stages of a selection for one row, in any order: what `Selector::choose` gives for a filter that only this
// instance passes. The score matters only in that it has a value.
std::vector<InstanceRef> Pool::choose_only(const Plan& plan, InstanceRef only) {
  const auto version =
      std::ranges::find_if(plan.versions, [&](const VersionPlan& v) { return v.version->id == only.version; });
  if (version == plan.versions.end()) return {};
  const InstanceTable& table = *version->table;
  if (!version->fits(only.row) || !version->rules.permits(table, only.row) ||
      !table.in_service(only.row, plan.request->ends) || !shares(*version, only.row, sections_.ledger, plan.consumer))
    return {};
  double key = 0;
  Workspace work;
  Scorer(sections_, expressions_, *version, work).keys(std::span(&only.row, 1), &key);
  return std::isnan(key) ? std::vector<InstanceRef>() : std::vector{only};
}

}  // namespace apportion
