// Claim rules and layered ratios in documents. Private to the area.
#pragma once

#include <string>

#include "reading.hpp"

namespace apportion {

/// One rule; its form alone.
ClaimRule read_claim_rule(const Node& tree, const std::string& place, std::vector<Problem>& problems);
Node to_node(const ClaimRule& rule);

/// The key `claim` of an instance: rules by dimension.
NamedClaimRules read_claim_rules(TableReader& instance);

/// The key `ratio` of an instance: numbers, or tables of named factors, of which `instance.ratio` holds the product.
void read_ratios(TableReader& table, InstanceSpec& instance);
Node ratios_to_node(const InstanceSpec& instance);

/// Reports what a rule says against the steps of the dimension.
void check_claim_rule(const ClaimRule& rule, Step size, const std::string& place, std::vector<Problem>& problems);

}  // namespace apportion
