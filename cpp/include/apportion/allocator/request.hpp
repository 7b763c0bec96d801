// What is asked of a pool, and what it answers.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apportion/allocator/slot_bound.hpp"
#include "apportion/catalog/catalog.hpp"
#include "apportion/catalog/need_scope.hpp"
#include "apportion/journal/change.hpp"
#include "apportion/ledger/records.hpp"

namespace apportion {

struct Plan;

/// What fills a slot of a tree: which need it is, what its rule reads of other slots, and where it may lie.
struct SlotContext {
  NeedRef need;
  bool root = false;                                        ///< it is asked for by name: no need says anything of it
  std::vector<std::pair<std::string, double>> values = {};  ///< by path; see NeedScope
  std::vector<SlotBound> bounds = {};
  /// False: with this instance later slots cannot be filled, so it is not chosen. None: nobody knows.
  std::function<bool(InstanceRef)> promising = {};
  const Plan* parts = nullptr;  ///< of what else is wanted inside the instance, and counts for its choice
  std::uint32_t parts_count = 0;
  bool parts_together = false;  ///< chosen with the instance, by its policy
  InstanceRef preferred = {};   ///< chosen with the instance that it lies in; invalid: none

  /// Without what lives no longer than the search.
  void forget() { promising = {}, parts = nullptr, parts_count = 0, parts_together = false; }
};

/// A request as people write it. Names a type, or leaves the type to `where`: then every type that has the named
/// dimensions takes part.
struct Request {
  std::string type;       ///< "": any
  NamedDecimals amounts;  ///< per instance, in units; dimensions left out are 0
  std::string consumer;
  std::uint32_t count = 1;                     ///< so many different instances
  std::string policy;                          ///< name; "": that of the instance, else of the type
  std::optional<PolicyDefinition> own_policy;  ///< instead of a name
  std::string where;                           ///< expression over candidates; "": all
  NamedText labels;                            ///< of its claims, sorted by key: what affinities tell them apart by
  std::string key;                             ///< idempotency; "": none
  std::string actor;                           ///< who calls; keys of different actors are different
  std::optional<Time> starts;
  Time ends = kForever;
  bool whole = false;  ///< takes all that an instance has, which is at least what is asked for
  bool mark = false;   ///< reserve only, until `expires`
  Time expires = kForever;
  std::optional<Time> patience;       ///< how long a slot may wait, in ns; none: what its deferrable type says; 0: not
  const SlotContext* slot = nullptr;  ///< set while a tree is resolved: `where` is the rule of a need
  std::vector<Taken> beside;          ///< by the slots that are filled, where affinities or quotas want to know
  std::optional<Leaving> leaving;     ///< a claim that is to go when this one comes
};

/// What a claim that was granted just in time waits for.
struct PendingPart {
  Time deadline = 0;
  Time expected = 0;  ///< how long it was expected to wait when it was granted
};

/// A claim as an answer names it. Identity and location of what was given are symbols: `Pool::places_of` reads them.
struct GrantedClaim {
  ClaimId claim;
  Symbol instance = 0;
  Symbol address = 0;
  Symbol location = 0;
  Symbol role = 0;                             ///< of a slot in a tree
  std::shared_ptr<const TypeVersion> version;  ///< of the instance's type
  Amounts steps;
  std::optional<PendingPart> pending = {};  ///< it has no instance yet

  [[nodiscard]] const std::string& type() const { return version->definition.name; }
  /// In units, by dimension.
  [[nodiscard]] std::vector<std::pair<std::string, double>> amounts() const;
};

/// Identity and location of an instance, as they were when it was given, and what it was given as.
struct Place {
  std::string instance;
  std::string address;
  std::string location;
  std::string role;  ///< of a slot in a tree: its path, "mailbox@1/primary"; else ""
};

/// The need whose rule the request's filter is, or nullptr.
inline const NeedRef* rule_of(const Request& request) {
  return request.slot == nullptr || request.slot->root ? nullptr : &request.slot->need;
}

/// Given: all instances of one request.
struct Grant {
  Revision revision;
  std::string consumer;
  bool mark = false;
  boost::container::small_vector<GrantedClaim, 1> claims;
};

}  // namespace apportion
