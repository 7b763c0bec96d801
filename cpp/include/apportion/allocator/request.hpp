// What is asked of a pool, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apportion/catalog/definitions.hpp"
#include "apportion/journal/change.hpp"
#include "apportion/ledger/records.hpp"

namespace apportion {

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
  std::string key;                             ///< idempotency; "": none
  std::string actor;                           ///< who calls; keys of different actors are different
  std::optional<Time> starts;
  Time ends = kForever;
  bool mark = false;  ///< reserve only, until `expires`
  Time expires = kForever;
};

/// A claim as an answer names it: identity and location of what was given.
struct GrantedClaim {
  ClaimId claim;
  std::string instance;
  std::string address;
  std::string location;
  std::string type;
  std::uint32_t version = 0;                            ///< of the type
  std::vector<std::pair<std::string, double>> amounts;  ///< in units, by dimension
};

/// Given: all instances of one request.
struct Grant {
  Revision revision;
  std::string consumer;
  bool mark = false;
  std::vector<GrantedClaim> claims;
};

}  // namespace apportion
