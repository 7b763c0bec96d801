// What is asked of a pool, and what it answers.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apportion/catalog/catalog.hpp"
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

/// A claim as an answer names it. Identity and location of what was given are symbols: `Pool::places_of` reads them.
struct GrantedClaim {
  ClaimId claim;
  Symbol instance = 0;
  Symbol address = 0;
  Symbol location = 0;
  std::shared_ptr<const TypeVersion> version;  ///< of the instance's type
  Amounts steps;

  [[nodiscard]] const std::string& type() const { return version->definition.name; }
  /// In units, by dimension.
  [[nodiscard]] std::vector<std::pair<std::string, double>> amounts() const;
};

/// Identity and location of an instance, as they were when it was given.
struct Place {
  std::string instance;
  std::string address;
  std::string location;
};

/// Given: all instances of one request.
struct Grant {
  Revision revision;
  std::string consumer;
  bool mark = false;
  boost::container::small_vector<GrantedClaim, 1> claims;
};

}  // namespace apportion
