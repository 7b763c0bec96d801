// What metadata says once it has been checked. Plain values; immutable once they are in the catalogue.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/base/node.hpp"
#include "apportion/base/quantity.hpp"
#include "apportion/base/time.hpp"
#include "apportion/catalog/claim_rule.hpp"

namespace apportion {

inline constexpr std::size_t kMaxDimensions = 16;
/// Steps per dimension of a type version.
using Amounts = boost::container::static_vector<Steps, kMaxDimensions>;
inline constexpr std::size_t kMaxFields = 256;
inline constexpr std::size_t kMaxIdBytes = 200;

enum class FieldKind : std::uint8_t { kString, kInteger, kNumber, kBoolean, kGuid, kEnum, kList, kTimestamp };

/// A field of a type, a state field, or an attribute of a consumer kind.
struct FieldDefinition {
  std::string name;
  FieldKind kind = FieldKind::kString;
  std::string description;
  bool required = false;
  Node default_value;              ///< null: none
  std::optional<Decimal> minimum;  ///< of integers and numbers
  std::optional<Decimal> maximum;
  std::uint32_t max_length = 0;     ///< bytes of a string, items of a list; 0: 65,536
  std::string pattern;              ///< a regular expression (Perl syntax) that the whole string matches; "": any
  std::vector<std::string> values;  ///< of an enum, in the order of the document
  std::vector<std::string>
      allow;  ///< of a state field: values with which allocation is permitted ("true"/"false" for booleans)

  friend bool operator==(const FieldDefinition&, const FieldDefinition&) = default;
};

struct DimensionDefinition {
  std::string name;
  std::string unit;
  std::string description;
  Step step;
  ClaimRule claim;  ///< of instances that have no rule of their own

  friend bool operator==(const DimensionDefinition&, const DimensionDefinition&) = default;
};

enum class Order : std::uint8_t { kMin, kMax };
enum class Ties : std::uint8_t { kLowestId, kHighestId, kRotating, kSeeded };

/// What is asked for typically: measures how much of what is free in a candidate is of no use to it. The method is that
/// of fragmentation gradient descent (Weng et al., USENIX ATC 2023).
struct FragmentationDefinition {
  struct Typical {
    std::uint32_t weight = 1;                              ///< how often, compared with the others
    std::vector<std::pair<std::string, Decimal>> amounts;  ///< of the candidate itself, by dimension
    Decimal part;                                          ///< of each part
    std::uint32_t count = 0;                               ///< parts; 0: it asks for none
    std::string where;                                     ///< the candidates that it may have; "": all

    friend bool operator==(const Typical&, const Typical&) = default;
  };
  std::string parts;      ///< type of the instances inside a candidate whose free amounts are measured
  std::string dimension;  ///< of the parts
  std::vector<Typical> profile;

  friend bool operator==(const FragmentationDefinition&, const FragmentationDefinition&) = default;
};
inline constexpr std::size_t kMaxTypical = 1024;

/// As the policy of a need with `on`: the instance is chosen together with the one it lies in, by that one's policy.
inline constexpr std::string_view kTogether = "together";

/// An allocation algorithm as metadata.
struct PolicyDefinition {
  std::string name;
  std::string description;
  std::string where;  ///< "": every candidate
  std::string score;  ///< "0": all equal, the tie rule decides
  Order order = Order::kMin;
  double quantum = 0;  ///< > 0: scores are counted in multiples of it, rounded down; 0: off
  Ties ties = Ties::kLowestId;
  std::uint64_t seed = 0;
  std::optional<FragmentationDefinition> fragmentation;  ///< what `fragmentation.` in the score means

  friend bool operator==(const PolicyDefinition&, const PolicyDefinition&) = default;
};

using NamedText = std::vector<std::pair<std::string, std::string>>;
using NamedDecimals = std::vector<std::pair<std::string, Decimal>>;

/// How claims lie towards claims that are there already, of whomever: a rule or, with a weight, a preference. It looks
/// at the claims that it counts within one domain, which is all instances that share a value by the word `per`.
struct AffinityDefinition {
  enum class Rule : std::uint8_t {
    kAtMost,   ///< so many of them in the domain, a claim that is to come included if it is counted
    kAtLeast,  ///< so many before it comes, or as many as any domain has if that is fewer and it is counted itself
    kSkew      ///< with it at most so many more than the domain that has fewest
  };
  /// Claims by the types of their instances and the labels of their requests.
  struct Selection {
    std::vector<std::string> types;  ///< one of them
    NamedText labels;                ///< all of them

    friend bool operator==(const Selection&, const Selection&) = default;
  };
  std::string name;
  std::string description;
  Selection binds;                 ///< the claims that have to follow it
  Selection counts;                ///< the claims that are counted
  std::vector<std::string> alike;  ///< "consumer", "labels.<key>": by these it counts only claims like the one to come
  std::string per = "id";          ///< see Neighbours for words
  Rule rule = Rule::kAtMost;
  std::uint32_t number = 1;
  std::optional<Decimal> weight;  ///< of a preference: what one claim too many, or too few, adds to the score
  bool enabled = true;

  friend bool operator==(const AffinityDefinition&, const AffinityDefinition&) = default;
};
inline constexpr std::size_t kMaxAlike = 2;
inline constexpr std::string_view kAlikeConsumer = "consumer";
inline constexpr std::string_view kAlikeLabel = "labels.";
inline constexpr std::size_t kMaxLabels = 64;

/// What a group of consumers may hold, all its members and all groups below it together.
struct QuotaDefinition {
  struct Part {
    std::string type;
    std::string dimension;
    std::optional<Decimal> guaranteed;  ///< in units: kept for it out of what the group above may hold
    std::optional<Decimal> maximum;     ///< in units; none: what the group above leaves

    friend bool operator==(const Part&, const Part&) = default;
  };
  std::string name;  ///< of the group
  std::string description;
  std::string parent;  ///< the group above; "": none
  std::vector<Part> parts;

  friend bool operator==(const QuotaDefinition&, const QuotaDefinition&) = default;
};

/// A function of two texts, for expressions: what a transfer between two places costs.
struct PairTableDefinition {
  struct Entry {
    std::string from;
    std::string to;
    Decimal value;

    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::string name;
  std::string description;
  bool symmetric = true;             ///< from and to may change places
  std::optional<Decimal> otherwise;  ///< of pairs that it does not hold; none: they have no value
  std::vector<Entry> entries;

  friend bool operator==(const PairTableDefinition&, const PairTableDefinition&) = default;
};

inline constexpr std::size_t kMaxNeeds = 64;

/// What a type requires of another: one slot of the tree that a request for it expands to, or `count` of them.
struct NeedDefinition {
  std::string role;     ///< what expressions of later needs call it; unique within the type
  std::string type;     ///< "": one of `any_of`
  NamedText amounts;    ///< dimension of `type` -> quantity expression over the request for the needing type
  std::string count;    ///< quantity expression: so many different instances; 0: none; of a range: the fewest
  std::string most;     ///< of a range: as many as can be had, up to so many; "": no range
  std::string by;       ///< of a range: the fewest, or so many more each; "": 1
  bool all = false;     ///< every instance that the rule and the bounds speak of, and `most` at most
  std::string require;  ///< rule over the candidate and the slots of earlier roles; "": none
  std::string policy;   ///< "": that of the instance, else of `type`
  std::string
      prefer;      ///< expression as `require`, a number: how much better one suits, in units of the score; "": none
  std::string on;  ///< an earlier role, or "parent": the instance lies in that one, or is it; "": anywhere
  std::vector<std::string> same;       ///< words: all instances of the type's needs that say so have a value in common
  std::vector<std::string> different;  ///< words: they have none in common
  bool optional = false;
  std::string same_as;                 ///< an earlier role: the very instance of that slot; "": any
  NamedText shares;                    ///< roles of the needed type, each filled by the instance of an earlier slot
  bool whole = false;                  ///< the whole instance is taken, whatever the amounts are
  std::string instance;                ///< of a need that an instance has: the id of the only one that fills it
  std::vector<NeedDefinition> any_of;  ///< the first that can be had; their roles are ""

  /// True when it is one slot, whatever is asked for.
  [[nodiscard]] bool single() const { return any_of.empty() && count == "1" && most.empty() && !all; }
  friend bool operator==(const NeedDefinition&, const NeedDefinition&) = default;
};

/// What happens to a slot that was granted just in time when nothing was free by its deadline.
enum class Missed : std::uint8_t { kReleaseAll, kKeep, kExtend };

/// A type held briefly by many: a request that finds it short may wait for a part of it. See
/// docs/design/05-deferred-slot.md.
struct DeferrableDefinition {
  Time patience = kSecond;              ///< how long a slot may wait, unless its request says; in ns
  Time held = kSecond;                  ///< how long a claim is thought to last before any has ended
  Missed missed = Missed::kReleaseAll;  ///< the whole grant ends; the slot alone; or it waits as long again

  friend bool operator==(const DeferrableDefinition&, const DeferrableDefinition&) = default;
};

/// One version of a resource type. `states` starts with `status` and `security_status`.
struct TypeDefinition {
  std::string name;
  std::string description;
  std::vector<DimensionDefinition> dimensions;
  std::vector<FieldDefinition> fields;
  std::vector<FieldDefinition> states;
  std::string policy = "first";
  std::optional<std::uint32_t> max_consumers;
  std::vector<NeedDefinition> needs;  ///< in the order in which their slots are filled
  bool outcome = false;               ///< it has needs and no instances
  std::optional<DeferrableDefinition> deferrable = {};
  Time lead = 0;  ///< so long before maintenance an instance takes nothing new, in ns

  /// True when both describe the same columns and needs, so that one version can serve for both.
  [[nodiscard]] bool same_layout(const TypeDefinition& other) const;
  friend bool operator==(const TypeDefinition&, const TypeDefinition&) = default;
};

struct ConsumerKindDefinition {
  std::string name;
  std::string description;
  std::vector<FieldDefinition> attributes;

  friend bool operator==(const ConsumerKindDefinition&, const ConsumerKindDefinition&) = default;
};

/// A kind of link from an instance of `from` to instances of `to`; shows as a list of ids on the instance.
struct RelationshipDefinition {
  std::string name;
  std::string from;
  std::string to;
  bool many = false;
  std::string description;
  friend bool operator==(const RelationshipDefinition&, const RelationshipDefinition&) = default;
};

using NamedNodes = Node::Map;
using NamedClaimRules = std::vector<std::pair<std::string, ClaimRule>>;

/// An instance as a person writes it; names and values are checked against the type when it is added.
/// In a change of an existing instance only the members that are set are changed.
struct InstanceSpec {
  std::string id;
  std::string type;                      ///< "" in a change
  std::optional<std::uint32_t> version;  ///< of the type; none: the newest
  std::optional<std::string> address;
  std::optional<std::string> location;
  std::optional<std::string> parent;  ///< id of another instance; "": none
  std::optional<NamedText> labels;
  std::optional<std::vector<std::string>> groups;
  std::optional<std::string> policy;  ///< "": the type's
  NamedNodes state;
  NamedNodes fields;
  std::vector<std::pair<std::string, std::vector<std::string>>> relationships;
  NamedDecimals capacity;  ///< in units
  NamedDecimals reserved;
  NamedDecimals ratio;
  std::vector<std::pair<std::string, NamedDecimals>> ratio_layers;  ///< of a ratio that is a product: its factors
  NamedDecimals usage;                                              ///< measured, in units
  NamedClaimRules claim;                                            ///< instead of those of its type
  std::optional<bool> whole;                                        ///< whoever takes of it takes all of it
  std::optional<std::uint32_t> parts;  ///< so many instances have to have it as their parent; fewer offer nothing
  std::optional<std::vector<NeedDefinition>> needs;  ///< named instances that whoever is given this one needs too
  std::optional<std::uint64_t> generation;  ///< how often it was said anew, counted from 1; in a change: it has to be
                                            ///< this one, 0: new

  friend bool operator==(const InstanceSpec&, const InstanceSpec&) = default;
};

struct ConsumerSpec {
  std::string id;
  std::string kind;  ///< "": none
  NamedNodes attributes;
  std::vector<std::string> groups = {};  ///< of consumers, that have quotas

  friend bool operator==(const ConsumerSpec&, const ConsumerSpec&) = default;
};

}  // namespace apportion
