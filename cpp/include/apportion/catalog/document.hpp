// Reading documents: from a plain tree to definitions, with every problem and its place.
// Pure functions of their arguments; thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/catalog/definitions.hpp"

namespace apportion {

/// One thing that is wrong with a document. `place` is a path of keys and indices: "types.disk.dimensions.gb.step",
/// "instances[3].capacity.gb".
/// Keys that are not bare (letters, digits, '-', '_') stand in double quotes: `instances[0].labels."a.b"`.
struct Problem {
  std::string place;
  std::string message;
};

/// Everything one document defines, in the order of the text.
struct Document {
  std::string description;
  std::vector<TypeDefinition> types;
  std::vector<PolicyDefinition> policies;
  std::vector<ConsumerKindDefinition> consumer_kinds;
  std::vector<RelationshipDefinition> relationships;
  std::vector<AffinityDefinition> affinities;
  std::vector<QuotaDefinition> quotas;
  std::vector<PairTableDefinition> pair_tables;
  std::vector<InstanceSpec> instances;
  std::vector<ConsumerSpec> consumers;
};

/// What a document may refer to without defining it itself. The functions return nullptr / false for unknown names.
struct KnownNames {
  std::function<const TypeDefinition*(std::string_view type, std::uint32_t version)> type;  ///< version 0: the newest
  std::function<const ConsumerKindDefinition*(std::string_view)> consumer_kind;
  std::function<const RelationshipDefinition*(std::string_view)> relationship;
  std::function<bool(std::string_view)> policy;
  std::function<const QuotaDefinition*(std::string_view)> quota;
  std::function<const TypeDefinition*(std::string_view id)> instance;  ///< the type version that it is pinned to
  std::vector<std::string> type_names;                                 ///< for "did you mean"
  std::vector<std::string> policy_names;
};

/// Reads `tree` whole. Appends every problem found; the returned document is usable only if none was appended.
Document read_document(const Node& tree, const KnownNames& known, std::vector<Problem>& problems);

/// The parts on their own, as `Pool.add`, requests with a policy of their own and the journal use them.
TypeDefinition read_type(std::string_view name, const Node& tree, const std::string& place,
                         std::vector<Problem>& problems);
PolicyDefinition read_policy(std::string_view name, const Node& tree, const std::string& place,
                             std::vector<Problem>& problems);
ConsumerKindDefinition read_consumer_kind(std::string_view name, const Node& tree, const std::string& place,
                                          std::vector<Problem>& problems);
RelationshipDefinition read_relationship(std::string_view name, const Node& tree, const std::string& place,
                                         std::vector<Problem>& problems);
AffinityDefinition read_affinity(std::string_view name, const Node& tree, const std::string& place,
                                 std::vector<Problem>& problems);
QuotaDefinition read_quota(std::string_view name, const Node& tree, const std::string& place,
                           std::vector<Problem>& problems);
PairTableDefinition read_pair_table(std::string_view name, const Node& tree, const std::string& place,
                                    std::vector<Problem>& problems);
InstanceSpec read_instance(const Node& tree, const std::string& place, std::vector<Problem>& problems);
ConsumerSpec read_consumer(const Node& tree, const std::string& place, std::vector<Problem>& problems);

/// Checks an instance against the version of its type that it is pinned to: fields, states, dimensions, amounts.
/// `whole` is false for a change, which need not hold the required fields.
void check_instance(const InstanceSpec& instance, const TypeDefinition& type, bool whole, const std::string& place,
                    std::vector<Problem>& problems);
/// Checks the attributes of a consumer against its kind.
void check_consumer(const ConsumerSpec& consumer, const ConsumerKindDefinition& kind, const std::string& place,
                    std::vector<Problem>& problems);

/// Back to trees, such that read_x(name, to_node(x)) gives x again. The predefined state fields are left out unless
/// changed.
Node to_node(const TypeDefinition& type);
Node to_node(const PolicyDefinition& policy);
Node to_node(const ConsumerKindDefinition& kind);
Node to_node(const RelationshipDefinition& relationship);
Node to_node(const AffinityDefinition& affinity);
Node to_node(const QuotaDefinition& quota);
Node to_node(const PairTableDefinition& pairs);
Node to_node(const InstanceSpec& instance);
Node to_node(const ConsumerSpec& consumer);

/// Checks one value against its field: kind, range, length, pattern. Gives the value in normal form (guid in lower
/// case, timestamp as a decimal of seconds since the epoch) or says what was found and what was expected.
Result<Node> check_value(const FieldDefinition& field, const Node& value);

/// The table's number for two texts; none: it says nothing of them. REQUIRES: read_pair_table made it.
[[nodiscard]] std::optional<double> value_of(const PairTableDefinition& pairs, std::string_view from,
                                             std::string_view to);

/// Labels of a request: keys and values as those of instances, sorted by key.
[[nodiscard]] Status check_labels(const NamedText& labels);

/// The predefined state fields, `status` and `security_status`.
const std::vector<FieldDefinition>& predefined_states();

/// "did you mean 'limit'?" or "" when nothing is close.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// True for `[a-z][a-z0-9_]{0,63}`, the form of every name in metadata.
bool is_name(std::string_view text);
/// True for valid UTF-8 without control characters.
bool is_clean_text(std::string_view text);

}  // namespace apportion
