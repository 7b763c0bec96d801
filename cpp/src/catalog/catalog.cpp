#include "apportion/catalog/catalog.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

#include "apportion/catalog/named_policies.hpp"
#include "apportion/journal/codec.hpp"

namespace apportion {
namespace {

std::uint64_t next_stamp() {
  static std::atomic<std::uint64_t> stamp{0};
  return ++stamp;
}

template <class Definition>
const Revised<Definition>* find(const std::vector<std::shared_ptr<const Revised<Definition>>>& all,
                                std::string_view name) {
  const auto found = std::ranges::find_if(all, [&](const auto& item) { return item->definition.name == name; });
  return found == all.end() ? nullptr : found->get();
}

// A live change counts on; a snapshot says which revision it restores.
std::uint32_t next_revision(std::uint32_t last, std::uint32_t restored) { return restored != 0 ? restored : last + 1; }

// Replaces the definition of that name, or adds it behind the others.
template <class Definition>
void put(std::vector<std::shared_ptr<const Revised<Definition>>>& all, Definition definition, std::uint32_t revision) {
  const auto found =
      std::ranges::find_if(all, [&](const auto& item) { return item->definition.name == definition.name; });
  if (found == all.end()) {
    all.push_back(std::make_shared<const Revised<Definition>>(
        Revised<Definition>{std::max(revision, 1U), std::move(definition)}));
  } else {
    *found = std::make_shared<const Revised<Definition>>(
        Revised<Definition>{next_revision((*found)->revision, revision), std::move(definition)});
  }
}

template <class Definition>
Hash128 hash_of(std::string_view domain, const Definition& definition, std::uint32_t number) {
  return CellHash(2).add(domain).add(definition.name).add(number).add(encode_node(to_node(definition))).value();
}

bool is_named_policy(std::string_view name) {
  return std::ranges::any_of(named_policies(), [&](const PolicyDefinition& policy) { return policy.name == name; });
}

}  // namespace

Catalog::Catalog() {
  Data data;
  for (const PolicyDefinition& policy : named_policies()) put(data.policies, policy, 1);
  data.stamp = next_stamp();
  data_ = std::make_shared<const Data>(std::move(data));
}

std::vector<const TypeVersion*> Catalog::versions_of(std::string_view type) const {
  std::vector<const TypeVersion*> found;
  for (const auto& version : data_->versions) {
    if (version->definition.name == type) found.push_back(version.get());
  }
  return found;
}

const TypeVersion* Catalog::find_type(std::string_view type, std::uint32_t number) const {
  const TypeVersion* found = nullptr;
  for (const auto& version : data_->versions) {
    if (version->definition.name == type && (number == 0 || version->number == number)) found = version.get();
  }
  return found;
}

const Revised<PolicyDefinition>* Catalog::find_policy(std::string_view name) const {
  return find(data_->policies, name);
}

const Revised<ConsumerKindDefinition>* Catalog::find_consumer_kind(std::string_view name) const {
  return find(data_->consumer_kinds, name);
}

const Revised<RelationshipDefinition>* Catalog::find_relationship(std::string_view name) const {
  return find(data_->relationships, name);
}

const Revised<AffinityDefinition>* Catalog::find_affinity(std::string_view name) const {
  return find(data_->affinities, name);
}

const Revised<QuotaDefinition>* Catalog::find_quota(std::string_view name) const { return find(data_->quotas, name); }

const Revised<PairTableDefinition>* Catalog::find_pair_table(std::string_view name) const {
  return find(data_->pair_tables, name);
}

std::vector<std::string> Catalog::type_names() const {
  std::vector<std::string> names;
  for (const auto& version : data_->versions) {
    if (version->number == 1) names.push_back(version->definition.name);
  }
  return names;
}

std::vector<std::string> Catalog::policy_names() const {
  std::vector<std::string> names;
  for (const auto& policy : data_->policies) names.push_back(policy->definition.name);
  return names;
}

std::string Catalog::payload(std::string_view name, const Node& definition, std::uint32_t revision) {
  Writer writer;
  writer.put_text(name).put(revision).put_text(encode_node(definition));
  return writer.take();
}

Status Catalog::apply(const Change& change, Transaction& log) {
  Reader reader(change.payload);
  const std::string name(reader.get_text());
  const auto revision = reader.get<std::uint32_t>();
  const std::string_view encoded = reader.get_text();
  const bool named =
      change.kind == kDefineQuota ? !name.empty() && name.size() <= kMaxIdBytes && is_clean_text(name) : is_name(name);
  if (!reader.complete() || !named) return corrupt("a definition is damaged");
  const Result<Node> tree = decode_node(encoded);
  if (!tree) return tree.error();
  Data data = *data_;
  std::vector<Problem> problems;
  switch (change.kind) {
    case kDefineType:
      define_type(data, read_type(name, *tree, name, problems), revision);
      break;
    case kDefinePolicy:
      if (is_named_policy(name)) return corrupt("the named policy '" + name + "' cannot be defined anew");
      put(data.policies, read_policy(name, *tree, name, problems), revision);
      break;
    case kDefineConsumerKind:
      put(data.consumer_kinds, read_consumer_kind(name, *tree, name, problems), revision);
      break;
    case kDefineRelationship:
      put(data.relationships, read_relationship(name, *tree, name, problems), revision);
      break;
    case kDefineAffinity:
      put(data.affinities, read_affinity(name, *tree, name, problems), revision);
      break;
    case kDefineQuota:
      put(data.quotas, read_quota(name, *tree, name, problems), revision);
      break;
    case kDefinePairTable:
      put(data.pair_tables, read_pair_table(name, *tree, name, problems), revision);
      break;
    default:
      return corrupt("unknown kind of catalogue change");
  }
  if (!problems.empty())
    return corrupt("a definition is not valid: " + problems.front().message, problems.front().place);
  data.stamp = next_stamp();
  if (change.kind == kDefineType || change.kind == kDefineAffinity || change.kind == kDefineQuota)
    data.counting_stamp = data.stamp;
  log.on_rollback([this, old = data_] { data_ = old; });
  data_ = std::make_shared<const Data>(std::move(data));
  return {};
}

void Catalog::define_type(Data& data, TypeDefinition definition, std::uint32_t revision) {
  std::shared_ptr<const TypeVersion>* newest = nullptr;
  for (auto& version : data.versions) {
    if (version->definition.name == definition.name) newest = &version;
  }
  TypeVersion next{static_cast<VersionId>(data.versions.size()), 1, std::max(revision, 1U), std::move(definition)};
  if (newest == nullptr) {
    data.versions.push_back(std::make_shared<const TypeVersion>(std::move(next)));
    return;
  }
  const TypeVersion& old = **newest;
  next.revision = next_revision(old.revision, revision);
  if (old.definition.same_layout(next.definition)) {
    next.id = old.id;
    next.number = old.number;
    *newest = std::make_shared<const TypeVersion>(std::move(next));
  } else {
    next.number = old.number + 1;
    data.versions.push_back(std::make_shared<const TypeVersion>(std::move(next)));
  }
}

void Catalog::snapshot(const Emit& emit) const {
  for (const auto& version : data_->versions) {
    emit(kDefineType, payload(version->definition.name, to_node(version->definition), version->revision));
  }
  for (const auto& policy : data_->policies) {
    if (is_named_policy(policy->definition.name)) continue;
    emit(kDefinePolicy, payload(policy->definition.name, to_node(policy->definition), policy->revision));
  }
  for (const auto& kind : data_->consumer_kinds) {
    emit(kDefineConsumerKind, payload(kind->definition.name, to_node(kind->definition), kind->revision));
  }
  for (const auto& relationship : data_->relationships) {
    emit(kDefineRelationship,
         payload(relationship->definition.name, to_node(relationship->definition), relationship->revision));
  }
  for (const auto& affinity : data_->affinities)
    emit(kDefineAffinity, payload(affinity->definition.name, to_node(affinity->definition), affinity->revision));
  for (const auto& quota : data_->quotas)
    emit(kDefineQuota, payload(quota->definition.name, to_node(quota->definition), quota->revision));
  for (const auto& pairs : data_->pair_tables)
    emit(kDefinePairTable, payload(pairs->definition.name, to_node(pairs->definition), pairs->revision));
}

Hash128 Catalog::hash() const {
  Hash128 sum;
  for (const auto& version : data_->versions) sum += hash_of("type", version->definition, version->number);
  for (const auto& policy : data_->policies) sum += hash_of("policy", policy->definition, 0);
  for (const auto& kind : data_->consumer_kinds) sum += hash_of("consumer_kind", kind->definition, 0);
  for (const auto& relationship : data_->relationships) sum += hash_of("relationship", relationship->definition, 0);
  for (const auto& affinity : data_->affinities) sum += hash_of("affinity", affinity->definition, 0);
  for (const auto& quota : data_->quotas) sum += hash_of("quota", quota->definition, 0);
  for (const auto& pairs : data_->pair_tables) sum += hash_of("pair_table", pairs->definition, 0);
  return sum;
}

Node Catalog::describe(const Change& change) const {
  static constexpr std::string_view kWhat[] = {"",         "type",  "policy",    "consumer_kind", "relationship",
                                               "affinity", "quota", "pair_table"};
  Reader reader(change.payload);
  const std::string name(reader.get_text());
  static_cast<void>(reader.get<std::uint32_t>());
  const Result<Node> tree = decode_node(reader.get_text());
  const std::size_t operation = change.kind & 0xff;
  return Node::Map{{"define", std::string(operation < std::size(kWhat) ? kWhat[operation] : "")},
                   {"name", name},
                   {"definition", tree ? *tree : Node()}};
}

}  // namespace apportion
