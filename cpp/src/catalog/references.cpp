#include "references.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "apportion/catalog/named_policies.hpp"
#include "needs.hpp"
#include "reading.hpp"

namespace apportion {
namespace {

template <class Row>
using Index = std::unordered_map<std::string_view, const Row*>;

template <class Row>
Index<Row> index_by_name(const std::vector<Row>& rows) {
  Index<Row> index;
  for (const Row& row : rows) index.emplace(row.name, &row);
  return index;
}

template <class Row>
const Row* find_in(const Index<Row>& index, std::string_view name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

std::vector<std::string> joined(std::vector<std::string> left, const std::vector<std::string>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

bool has_column(const TypeDefinition& type, std::string_view name) {
  const auto same = [&](const FieldDefinition& field) { return field.name == name; };
  return std::any_of(type.fields.begin(), type.fields.end(), same) ||
         std::any_of(type.states.begin(), type.states.end(), same);
}

// Borrows the document and the known names; lives for one check.
class ReferenceChecker {
 public:
  ReferenceChecker(const Document& document, const KnownNames& known, std::vector<Problem>& problems)
      : document_(document),
        known_(known),
        problems_(problems),
        types_(index_by_name(document.types)),
        policies_(index_by_name(document.policies)),
        kinds_(index_by_name(document.consumer_kinds)),
        relationships_(index_by_name(document.relationships)),
        type_names_(joined(known.type_names, names_of(document.types))),
        policy_names_(joined(known.policy_names, names_of(document.policies))) {}

  void check_all() {
    for (const TypeDefinition& type : document_.types) {
      check_policy(type.policy, definition_place("types", type.name));
      check_needs(type);
    }
    for (const PolicyDefinition& policy : named_policies()) check_not_redefined(policy.name);
    check_not_redefined(std::string(kTogether));
    for (const PolicyDefinition& policy : document_.policies) check_fragmentation(policy);
    for (const AffinityDefinition& affinity : document_.affinities) check_affinity(affinity);
    for (const QuotaDefinition& quota : document_.quotas) check_quota(quota);
    for (const RelationshipDefinition& relationship : document_.relationships) check_relationship(relationship);
    index_instances();
    for (std::size_t i = 0; i < document_.instances.size(); ++i) check_row(i);
    check_parent_cycles();
    check_consumers();
  }

 private:
  void report(std::string place, std::string message) { problems_.push_back({std::move(place), std::move(message)}); }

  static std::string definition_place(const char* table, std::string_view name) { return join_place(table, name); }
  static std::string instance_place(std::size_t i) { return join_place("instances", i); }

  // The newest of a type: the document's own, which becomes the newest.
  const TypeDefinition* newest_type(std::string_view name) const {
    if (const TypeDefinition* own = find_in(types_, name)) return own;
    return known_type(name, 0);
  }
  const TypeDefinition* known_type(std::string_view name, std::uint32_t version) const {
    return known_.type ? known_.type(name, version) : nullptr;
  }
  // A numbered version is a known one, or the next one if this document defines it.
  const TypeDefinition* numbered_type(std::string_view name, std::uint32_t version) const {
    if (const TypeDefinition* found = known_type(name, version)) return found;
    const bool next = version == 1 ? known_type(name, 0) == nullptr : known_type(name, version - 1) != nullptr;
    return next ? find_in(types_, name) : nullptr;
  }
  const RelationshipDefinition* relationship(std::string_view name) const {
    if (const RelationshipDefinition* own = find_in(relationships_, name)) return own;
    return known_.relationship ? known_.relationship(name) : nullptr;
  }
  const ConsumerKindDefinition* consumer_kind(std::string_view name) const {
    if (const ConsumerKindDefinition* own = find_in(kinds_, name)) return own;
    return known_.consumer_kind ? known_.consumer_kind(name) : nullptr;
  }
  bool in_pool(std::string_view id) const { return known_.instance && known_.instance(id) != nullptr; }

  // An empty name was reported when it was read, or stands for the type's.
  void check_policy(const std::string& name, const std::string& place) {
    if (name.empty() || find_in(policies_, name) != nullptr || (known_.policy && known_.policy(name))) return;
    report(join_place(place, "policy"),
           "there is no policy " + quoted(name) + hint(name, problems_, [&] { return policy_names_; }));
  }

  void check_needs(const TypeDefinition& type) {
    const std::string place = join_place(definition_place("types", type.name), "needs");
    bool sound = true;
    for (std::size_t i = 0; i < type.needs.size(); ++i) {
      const NeedDefinition& need = type.needs[i];
      const std::string at = join_place(place, i);
      if (need.any_of.empty()) sound = check_need(need, at) && sound;
      for (std::size_t k = 0; k < need.any_of.size(); ++k)
        sound = check_need(need.any_of[k], join_place(join_place(at, "any_of"), k)) && sound;
    }
    std::vector<std::string_view> path{type.name};
    if (sound && !cyclic_.contains(type.name)) check_acyclic(type, path, place);
  }

  bool check_need(const NeedDefinition& need, const std::string& place) {
    check_type_name(need.type, join_place(place, "type"));
    if (need.policy != kTogether) check_policy(need.policy, place);
    const TypeDefinition* type = need.type.empty() ? nullptr : newest_type(need.type);
    if (type == nullptr) return false;
    for (const auto& [name, amount] : need.amounts) {
      const auto known = std::ranges::find(type->dimensions, name, &DimensionDefinition::name);
      if (known != type->dimensions.end()) continue;
      std::vector<std::string> names = names_of(type->dimensions);
      names.insert(names.end(), need_words().begin(), need_words().end());
      report(join_place(place, name), "the type " + quoted(need.type) + " has no dimension " + quoted(name) +
                                          ", and needs have no such key" +
                                          hint(name, problems_, [&] { return names; }));
    }
    return true;
  }

  // Along the needs of the newest versions. A cycle is new only if it leads through a type of this document.
  bool check_acyclic(const TypeDefinition& type, std::vector<std::string_view>& path, const std::string& place) {
    const auto visit = [&](const NeedDefinition& need) {
      const TypeDefinition* next = need.type.empty() ? nullptr : newest_type(need.type);
      if (next == nullptr) return true;
      path.push_back(next->name);
      bool right = true;
      if (next->name == path.front()) {
        std::string text;
        for (const std::string_view name : path) text += (text.empty() ? "" : " -> ") + quoted(name);
        report(place, "a type cannot need itself: " + text);
        cyclic_.insert(path.begin(), path.end());
        right = false;
      } else if (walked_.insert(std::string(path.front()) + " " + next->name).second) {
        right = check_acyclic(*next, path, place);
      }
      path.pop_back();
      return right;
    };
    return std::ranges::all_of(type.needs, [&](const NeedDefinition& need) {
      return need.any_of.empty() ? visit(need) : std::ranges::all_of(need.any_of, visit);
    });
  }

  void check_fragmentation(const PolicyDefinition& policy) {
    if (!policy.fragmentation) return;
    const FragmentationDefinition& fragmentation = *policy.fragmentation;
    const std::string place = join_place(definition_place("policies", policy.name), "fragmentation");
    check_type_name(fragmentation.parts, join_place(place, "parts"));
    const TypeDefinition* const type = fragmentation.parts.empty() ? nullptr : newest_type(fragmentation.parts);
    if (type == nullptr || fragmentation.dimension.empty()) return;
    if (std::ranges::find(type->dimensions, fragmentation.dimension, &DimensionDefinition::name) ==
        type->dimensions.end())
      report(join_place(place, "dimension"),
             "the type " + quoted(type->name) + " has no dimension " + quoted(fragmentation.dimension) +
                 hint(fragmentation.dimension, problems_, [&] { return names_of(type->dimensions); }));
  }

  void check_affinity(const AffinityDefinition& affinity) {
    const std::string place = definition_place("affinities", affinity.name);
    for (std::size_t i = 0; i < affinity.binds.types.size(); ++i)
      check_type_name(affinity.binds.types[i], join_place(join_place(place, "types"), i));
    if (affinity.counts.types == affinity.binds.types) return;
    for (std::size_t i = 0; i < affinity.counts.types.size(); ++i)
      check_type_name(affinity.counts.types[i], join_place(join_place(join_place(place, "counts"), "types"), i));
  }

  const QuotaDefinition* quota(std::string_view name) const {
    const auto own = std::ranges::find(document_.quotas, name, &QuotaDefinition::name);
    if (own != document_.quotas.end()) return &*own;
    return known_.quota ? known_.quota(name) : nullptr;
  }

  // Also that the parts guaranteed to those below a group fit into what it has itself.
  void check_quota(const QuotaDefinition& quota) {
    const std::string place = definition_place("quotas", quota.name);
    for (const QuotaDefinition::Part& part : quota.parts) check_quota_part(part, place);
    if (quota.parent.empty()) return;
    if (this->quota(quota.parent) == nullptr)
      return report(join_place(place, "parent"),
                    "there is no quota " + quoted(quota.parent) +
                        hint(quota.parent, problems_, [&] { return names_of(document_.quotas); }));
    constexpr int kMostLevels = 32;
    int level = 0;
    for (const QuotaDefinition* at = &quota; at != nullptr && !at->parent.empty(); at = this->quota(at->parent)) {
      if (++level > kMostLevels && std::exchange(circles_, true)) return;  // each of a circle would say the same
      if (level > kMostLevels)
        return report(join_place(place, "parent"),
                      "the groups above " + quoted(quota.name) + " form a circle or more than 32 levels");
    }
  }

  void check_quota_part(const QuotaDefinition::Part& part, const std::string& place) {
    for (const auto& [key, given] : {std::pair("guaranteed", part.guaranteed), {"maximum", part.maximum}}) {
      if (!given) continue;
      const std::string at = join_place(join_place(place, key), part.type);
      check_type_name(part.type, at);
      const TypeDefinition* const type = part.type.empty() ? nullptr : newest_type(part.type);
      if (type == nullptr) continue;
      if (std::ranges::find(type->dimensions, part.dimension, &DimensionDefinition::name) == type->dimensions.end())
        report(join_place(at, part.dimension),
               "the type " + quoted(type->name) + " has no dimension " + quoted(part.dimension) +
                   hint(part.dimension, problems_, [&] { return names_of(type->dimensions); }));
    }
  }

  void check_not_redefined(const std::string& named) {
    if (find_in(policies_, named) == nullptr) return;
    report(definition_place("policies", named), "'" + named + "' is a named policy; copy it under another name");
  }

  void check_type_name(const std::string& name, const std::string& place) {
    if (name.empty() || newest_type(name) != nullptr) return;
    report(place, "there is no type " + quoted(name) + hint(name, problems_, [&] { return type_names_; }));
  }

  void check_relationship(const RelationshipDefinition& relationship) {
    const std::string place = definition_place("relationships", relationship.name);
    check_type_name(relationship.from, join_place(place, "from"));
    check_type_name(relationship.to, join_place(place, "to"));
    const TypeDefinition* from = newest_type(relationship.from);
    if (from == nullptr || !has_column(*from, relationship.name)) return;
    report(place, "the type " + quoted(from->name) + " has a field " + quoted(relationship.name) +
                      " too; choose another name");
  }

  void index_instances() {
    for (std::size_t i = 0; i < document_.instances.size(); ++i) {
      const std::string& id = document_.instances[i].id;
      if (id.empty()) continue;  // reported when it was read
      const auto [first, fresh] = ids_.emplace(id, i);
      if (!fresh) {
        report(join_place(instance_place(i), "id"),
               "the id " + quoted(id) + " stands twice, first at " + instance_place(first->second));
      }
    }
  }

  void check_row(std::size_t i) {
    const InstanceSpec& instance = document_.instances[i];
    const std::string place = instance_place(i);
    // An instance that the pool has is changed, under the version it is pinned to.
    const TypeDefinition* pinned = known_.instance ? known_.instance(instance.id) : nullptr;
    const TypeDefinition* type = pinned != nullptr ? pinned : type_of(instance, place);
    if (type != nullptr) check_instance(instance, *type, pinned == nullptr, place, problems_);
    if (instance.policy) check_policy(*instance.policy, place);
    check_parent(instance, place);
    for (const auto& [name, ids] : instance.relationships) {
      check_links(instance, name, ids, join_place(join_place(place, "relationships"), name));
    }
  }

  const TypeDefinition* type_of(const InstanceSpec& instance, const std::string& place) {
    if (instance.type.empty()) return nullptr;
    const TypeDefinition* newest = newest_type(instance.type);
    if (newest == nullptr || !instance.version) {
      check_type_name(instance.type, join_place(place, "type"));
      return newest;
    }
    const TypeDefinition* found = numbered_type(instance.type, *instance.version);
    if (found == nullptr) {
      report(join_place(place, "version"),
             "the type " + quoted(instance.type) + " has no version " + std::to_string(*instance.version));
    }
    return found;
  }

  void check_parent(const InstanceSpec& instance, const std::string& place) {
    if (!instance.parent || instance.parent->empty()) return;
    if (!ids_.contains(*instance.parent) && !in_pool(*instance.parent)) {
      report(join_place(place, "parent"),
             "there is no instance " + quoted(*instance.parent) + " in this document or in the pool");
    }
  }

  void check_links(const InstanceSpec& instance, const std::string& name, const std::vector<std::string>& ids,
                   const std::string& place) {
    const RelationshipDefinition* found = relationship(name);
    if (found == nullptr) {
      return report(place, "there is no relationship " + quoted(name) +
                               hint(name, problems_, [&] { return names_of(document_.relationships); }));
    }
    if (!instance.type.empty() && instance.type != found->from) {
      report(place,
             quoted(name) + " leads from the type " + quoted(found->from) + ", not from " + quoted(instance.type));
    }
    if (!found->many && ids.size() > 1) {
      report(place, std::to_string(ids.size()) + " targets, but " + quoted(name) + " leads to one (many = false)");
    }
    for (const std::string& id : ids) check_target(*found, id, place);
  }

  void check_target(const RelationshipDefinition& relationship, const std::string& id, const std::string& place) {
    const auto found = ids_.find(id);
    if (found == ids_.end()) {
      if (!in_pool(id)) report(place, "there is no instance " + quoted(id) + " in this document or in the pool");
      return;
    }
    const std::string& type = document_.instances[found->second].type;
    if (type == relationship.to || type.empty()) return;
    report(place, quoted(relationship.name) + " leads to the type " + quoted(relationship.to) + ", but " + quoted(id) +
                      " is of the type " + quoted(type));
  }

  // Walks up from every instance; each is visited once, so this is linear.
  void check_parent_cycles() {
    std::vector<std::size_t> visitor(document_.instances.size(), 0);
    for (std::size_t start = 0; start < document_.instances.size(); ++start) {
      for (std::optional<std::size_t> at = start; at; at = parent_index(*at)) {
        if (visitor[*at] == start + 1) {
          report(join_place(instance_place(*at), "parent"),
                 quoted(document_.instances[*at].id) + " would be its own parent, directly or through others");
        }
        if (visitor[*at] != 0) break;
        visitor[*at] = start + 1;
      }
    }
  }

  std::optional<std::size_t> parent_index(std::size_t i) const {
    const auto& parent = document_.instances[i].parent;
    const auto found = parent ? ids_.find(*parent) : ids_.end();
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }

  void check_consumers() {
    std::unordered_map<std::string_view, std::size_t> seen;
    for (std::size_t i = 0; i < document_.consumers.size(); ++i) {
      const ConsumerSpec& consumer = document_.consumers[i];
      const std::string place = join_place("consumers", i);
      const auto [first, fresh] = seen.emplace(consumer.id, i);
      if (!fresh && !consumer.id.empty()) {
        report(join_place(place, "id"),
               "the id " + quoted(consumer.id) + " stands twice, first at " + join_place("consumers", first->second));
      }
      check_kind(consumer, place);
    }
  }

  void check_kind(const ConsumerSpec& consumer, const std::string& place) {
    if (consumer.kind.empty()) {
      if (consumer.attributes.empty()) return;
      return report(join_place(place, "attributes"), "attributes need a kind that defines them; add the key 'kind'");
    }
    if (const ConsumerKindDefinition* kind = consumer_kind(consumer.kind)) {
      return check_consumer(consumer, *kind, place, problems_);
    }
    report(join_place(place, "kind"),
           "there is no consumer kind " + quoted(consumer.kind) +
               hint(consumer.kind, problems_, [&] { return names_of(document_.consumer_kinds); }));
  }

  const Document& document_;
  const KnownNames& known_;
  std::vector<Problem>& problems_;
  Index<TypeDefinition> types_;
  Index<PolicyDefinition> policies_;
  Index<ConsumerKindDefinition> kinds_;
  Index<RelationshipDefinition> relationships_;
  std::vector<std::string> type_names_;
  std::vector<std::string> policy_names_;
  std::unordered_map<std::string_view, std::size_t> ids_;  // of the document's instances
  bool circles_ = false;                                   // of quotas: reported
  std::set<std::string_view> cyclic_;                      // types of cycles that were reported
  std::set<std::string> walked_;                           // needing type and type, of the search for cycles
};

}  // namespace

void check_references(const Document& document, const KnownNames& known, std::vector<Problem>& problems) {
  ReferenceChecker(document, known, problems).check_all();
}

}  // namespace apportion
