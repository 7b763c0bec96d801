// What a pending claim asks for, as a request that can be decided now. Private to the area.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "apportion/allocator/index.hpp"

namespace apportion {

/// Reads a request's policy as the journal keeps it: a name, or a definition as JSON text.
Status read_policy_text(std::string_view text, Request& request);

/// One at a time. The rules of a need are read against what the other slots of the grant hold now. Thread-compatible.
class PendingRequest {
 public:
  PendingRequest(Sections sections, Expressions& expressions, Neighbours& neighbours)
      : sections_(sections), expressions_(expressions), neighbours_(neighbours) {}
  PendingRequest(const PendingRequest&) = delete;
  PendingRequest& operator=(const PendingRequest&) = delete;

  /// Fails where the rule or the policy does not compile any more. REQUIRES: the claim is pending.
  Status set(const Ledger::ClaimRow& claim);
  [[nodiscard]] const Request& request() const { return request_; }
  /// Instances that it may not have, as other claims of its grant have them.
  [[nodiscard]] const std::vector<InstanceRef>& excluded() const { return excluded_; }

 private:
  Status set_need(const Ledger::ClaimRow& claim, const Waiting::Row& row);
  void bind(SlotBound::Kind kind, std::string word, const std::string& role);
  Status read_slots(const Waiting::Row& row, const NeedDefinition& need);
  void avoid_needing(const std::string& type);
  void set_amounts(const Ledger::ClaimRow& claim, const TypeDefinition& type);
  void find_beside(const Waiting::Row& row, std::string_view list);
  void exclude(const Ledger::ClaimRow& claim);
  [[nodiscard]] InstanceRef instance_of(ClaimId claim) const;
  [[nodiscard]] double value_of(std::string_view path, ValueType type) const;
  void add_relations(const NeedRef& ref, const NeedDefinition& need);

  Sections sections_;
  Expressions& expressions_;
  Neighbours& neighbours_;
  Request request_;
  SlotContext context_;
  std::vector<InstanceRef> excluded_;
  InstanceRef parent_;
  std::map<std::string, std::vector<InstanceRef>, std::less<>> beside_;  // by role
};

}  // namespace apportion
