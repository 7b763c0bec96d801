#include "pending_request.hpp"

#include <algorithm>
#include <cmath>

#include "apportion/base/json.hpp"
#include "apportion/catalog/document.hpp"
#include "slot_values.hpp"

namespace apportion {

Status read_policy_text(std::string_view text, Request& request) {
  request.own_policy.reset();
  request.policy.clear();
  if (!text.starts_with('{')) {
    request.policy = text;
    return {};
  }
  const Result<Node> tree = from_json(text);
  if (!tree) return tree.error();
  std::vector<Problem> problems;
  request.own_policy = read_policy("own", *tree, "policy", problems);
  return problems.empty() ? Status() : Status(invalid(problems.front().message, problems.front().place));
}

Status PendingRequest::set(const Ledger::ClaimRow& claim) {
  const Waiting::Row& row = sections_.ledger.pending(claim);
  const TypeDefinition& type = sections_.catalog.version(row.version).definition;
  request_.type = type.name;
  set_amounts(claim, type);
  request_.consumer = sections_.ledger.consumers().name(claim.consumer);
  request_.labels = sections_.ledger.label_texts(sections_.ledger.labels(claim));
  request_.whole = row.whole != 0;
  context_ = SlotContext{.need = {}, .root = true};
  avoid_needing(type.name);
  request_.ends = sections_.ledger.terms(claim).ends;
  excluded_.clear();
  if (row.apart != 0) exclude(claim);
  if (row.need.owner != PendingRecord::kNone) return set_need(claim, row);
  request_.where = sections_.symbols.text(row.where);
  return read_policy_text(sections_.symbols.text(row.policy), request_);
}

void PendingRequest::set_amounts(const Ledger::ClaimRow& claim, const TypeDefinition& type) {
  const std::span<const Steps> steps = sections_.ledger.amounts(claim);
  request_.amounts.clear();
  for (std::size_t d = 0; d < steps.size(); ++d) {
    if (steps[d] > 0)
      request_.amounts.emplace_back(type.dimensions[d].name, units_decimal(steps[d], type.dimensions[d].step));
  }
}

void PendingRequest::exclude(const Ledger::ClaimRow& claim) {
  std::uint32_t other = claim.grant_next;
  for (const Ledger::ClaimRow* row = &sections_.ledger.row(other); row != &claim;
       other = row->grant_next, row = &sections_.ledger.row(other)) {
    if (row->role == claim.role && row->instance.valid()) excluded_.push_back(row->instance);
  }
}

InstanceRef PendingRequest::instance_of(ClaimId claim) const {
  const Ledger::ClaimRow* const row = sections_.ledger.find(claim);
  return row == nullptr || !row->instance.valid() ? InstanceRef{} : row->instance;
}

Status PendingRequest::set_need(const Ledger::ClaimRow& claim, const Waiting::Row& row) {
  const TypeVersion& owner = sections_.catalog.version(row.need.owner);
  const NeedDefinition& need = row.need.in(owner.definition);
  request_.where = need.require;
  request_.own_policy.reset();
  request_.policy = need.policy == kTogether ? std::string() : need.policy;
  context_.need = row.need, context_.root = false;
  request_.slot = &context_;
  const std::string role(sections_.symbols.text(claim.role));
  const std::string list = role.substr(0, role.rfind('/'));
  parent_ = instance_of(row.parent);
  find_beside(row, list);
  neighbours_.catch_up();
  if (!need.on.empty()) bind(SlotBound::Kind::kOn, std::string(kInside), need.on);
  if (!need.same_as.empty()) bind(SlotBound::Kind::kSame, "id", need.same_as);
  add_relations(row.need, need);
  return read_slots(row, need);
}

// It lies in, or is, what has the role; nowhere while that has no instance.
void PendingRequest::bind(SlotBound::Kind kind, std::string word, const std::string& role) {
  const double id = value_of(role + ".id", ValueType::kString);
  context_.bounds.push_back(
      {kind, std::move(word), std::isnan(id) ? std::vector<double>() : std::vector<double>{id}, false});
}

// What the need's rule, and what it prefers, read of other slots.
Status PendingRequest::read_slots(const Waiting::Row& row, const NeedDefinition& need) {
  const auto read = [&](const CompiledFilter& expression) {
    for (const Ref& ref : expression.program.reads().refs) {
      if (ref.read != Read::kSlot) continue;
      const std::string& path = expression.bindings[ref.id].name;
      context_.values.emplace_back(path, value_of(path, ref.type));
    }
  };
  if (!need.require.empty()) {
    const auto rule = expressions_.filter(sections_.catalog, row.version, need.require, &row.need);
    if (!rule) return rule.error();
    read(**rule);
  }
  if (need.prefer.empty()) return {};
  const TypeDefinition& type = sections_.catalog.version(row.version).definition;
  const std::string& name = request_.policy.empty() ? type.policy : request_.policy;
  const auto policy = expressions_.policy(sections_.catalog, row.version, name, &row.need);
  if (!policy) return policy.error();
  read((*policy)->score);
  return {};
}

// An activation takes one instance: none that needs others that it names.
void PendingRequest::avoid_needing(const std::string& type) {
  request_.slot = nullptr;
  const auto needing = [this](const TypeVersion* version) {
    const InstanceTable* const table = sections_.inventory.table(version->id);
    return table != nullptr && table->needing.get() > 0;
  };
  if (std::ranges::none_of(sections_.catalog.versions_of(type), needing)) return;
  request_.slot = &context_;
  context_.promising = [this](InstanceRef instance) {
    return sections_.inventory.table(instance.version)->rare[instance.row].needs == 0;
  };
}

// By role as seen from the list of needs.
void PendingRequest::find_beside(const Waiting::Row& row, std::string_view list) {
  beside_.clear();
  for (const ClaimId id : sections_.ledger.waiting().beside(row)) {
    const InstanceRef instance = instance_of(id);
    if (!instance.valid()) continue;
    const std::string_view role = sections_.symbols.text(sections_.ledger.find(id)->role);
    if (role.size() > list.size()) beside_[std::string(role.substr(list.size() + 1))].push_back(instance);
  }
}

// The longest beginning of the path that is a role; of a role that several have, the last.
double PendingRequest::value_of(std::string_view path, ValueType type) const {
  const auto [head, rest] = split_path(path);
  if (head == "parent") return slot_value(sections_, parent_, rest, type);
  std::string role(head);
  std::string_view name = rest;
  for (;;) {
    const auto inner = split_path(name);
    const std::string deeper = role + "/" + std::string(inner.first);
    const auto next = beside_.lower_bound(deeper);
    const bool goes_on = !inner.second.empty() && next != beside_.end() &&
                         (next->first == deeper || next->first.starts_with(deeper + "/"));
    if (!goes_on) break;
    role = deeper, name = inner.second;
  }
  const auto found = beside_.find(role);
  return slot_value(sections_, found == beside_.end() ? InstanceRef{} : found->second.back(), name, type);
}

// Of the same list, before it and behind it.
void PendingRequest::add_relations(const NeedRef& ref, const NeedDefinition& need) {
  if (need.same.empty() && need.different.empty()) return;
  Relations relations;
  for (const NeedDefinition& whole : sections_.catalog.version(ref.owner).definition.needs) {
    const auto theirs = beside_.find(whole.role);
    if (theirs == beside_.end()) continue;
    for (const InstanceRef instance : theirs->second) {
      const std::string& type = sections_.catalog.version(instance.version).definition.name;
      const auto branch = std::ranges::find(whole.any_of, type, &NeedDefinition::type);
      relations.add(branch == whole.any_of.end() ? whole : *branch, neighbours_, instance);
    }
  }
  relations.add_bounds(need, context_.bounds);
}

}  // namespace apportion
