// What would turn a denial into a grant. See docs/decisions/0020-repairs.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/allocator/request.hpp"
#include "apportion/base/node.hpp"

namespace apportion {

/// In the order of their costs, which are those below for one claim, one instance, or one request.
enum class RepairKind : std::uint8_t {
  kMove,         ///< 1 a claim: to another instance, where its own request would put it
  kWait,         ///< 2: until claims or marks end by themselves
  kOnline,       ///< 2.5 an instance: its state fields get values that permit
  kSmaller,      ///< 3 and the share that is given up: less of a dimension, as much as fits
  kFewer,        ///< 3 and the share that is given up: fewer instances, as many as there are
  kRelax,        ///< 4 a condition of the request's filter or policy that is dropped, 7 of a need, for every request
  kAlternative,  ///< 5: another type that has the same dimensions
  kRelease,      ///< 3 a mark, 5 a claim that ends some day, 6 another claim
  kAdd,          ///< 8 an instance like those that are there
};

/// What is asked instead; members that are not set stay.
struct Instead {
  std::optional<std::string> type;
  std::optional<std::uint32_t> count;
  std::optional<std::string> where;
  std::optional<PolicyDefinition> policy;
  NamedDecimals amounts;  ///< of some dimensions, in units
};

/// A claim that is released or moved.
struct RepairedClaim {
  ClaimId claim;
  std::string consumer;
  std::string instance;  ///< where it is
  std::string to;        ///< where it goes; "": it is released
  std::string amounts;   ///< "gb 20", for people
  bool mark = false;
};

/// One change, or one other request, with which the request was granted in a trial: the state that was denied, the
/// repair and the request, all taken back. A value at a revision.
struct Repair {
  RepairKind kind = RepairKind::kMove;
  double cost = 0;
  std::string text;                     ///< one sentence
  std::vector<RepairedClaim> claims;    ///< of kMove and kRelease
  std::vector<InstanceSpec> instances;  ///< of kOnline: ids and states; of kAdd: the whole
  Time until = 0;                       ///< of kWait, ns since the epoch
  Instead instead;                      ///< of kSmaller, kFewer, kRelax and kAlternative
  std::optional<TypeDefinition> type;   ///< of kRelax, in a tree: the type as it is to be defined
};

/// What a pool knows against one denial, cheapest first.
struct Repairs {
  /// So many at most; of each kind, its cheapest.
  static constexpr std::size_t kMost = 10;

  Revision revision;  ///< of the state that they were tried in
  std::vector<Repair> list;
};

/// "move", "wait", "online", "smaller", "fewer", "relax", "alternative", "release", "add".
std::string_view kind_name(RepairKind kind);
/// The request as it is to be asked with the repair.
[[nodiscard]] Request repaired(const Request& request, const Repair& repair);
/// The published form, docs/reference/repair.schema.json; `origin` names the journal in the ids of claims.
Node to_node(const Repair& repair, std::uint32_t origin);

}  // namespace apportion
