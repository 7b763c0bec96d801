// The catalogue: every definition in force, old versions beside the new.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/catalog/areas.hpp"
#include "apportion/catalog/definitions.hpp"
#include "apportion/catalog/document.hpp"
#include "apportion/journal/section.hpp"

namespace apportion {

/// The index of a type version in the catalogue, over all types; instances and claims are pinned to one.
using VersionId = std::uint32_t;

/// One version of a type. `definition` may be replaced by another of the same layout; `revision` counts that.
struct TypeVersion {
  VersionId id = 0;
  std::uint32_t number = 1;    ///< within the type, from 1
  std::uint32_t revision = 1;  ///< of the definition, over all versions of the type
  TypeDefinition definition;
};

/// A definition that is replaced as a whole; `revision` counts how often.
template <class Definition>
struct Revised {
  std::uint32_t revision = 1;
  Definition definition;
};

/// A section. Definitions are immutable once in; pointers stay valid as long as this catalogue or a fork holds them.
/// Thread-compatible.
class Catalog : public Section {
 public:
  static constexpr Kind kDefineType = make_kind(2, 1);  ///< payload of all: name, revision, encoded Node
  static constexpr Kind kDefinePolicy = make_kind(2, 2);
  static constexpr Kind kDefineConsumerKind = make_kind(2, 3);
  static constexpr Kind kDefineRelationship = make_kind(2, 4);
  static constexpr Kind kDefineAffinity = make_kind(2, 5);
  static constexpr Kind kDefineQuota = make_kind(2, 6);
  static constexpr Kind kDefinePairTable = make_kind(2, 7);

  /// Starts with the named policies.
  Catalog();

  [[nodiscard]] std::size_t version_count() const { return data_->versions.size(); }
  /// REQUIRES: id < version_count().
  [[nodiscard]] const TypeVersion& version(VersionId id) const { return *data_->versions[id]; }
  /// The same, for whoever may outlive the catalogue.
  [[nodiscard]] const std::shared_ptr<const TypeVersion>& shared(VersionId id) const { return data_->versions[id]; }
  /// The versions of a type, oldest first; empty for an unknown name.
  [[nodiscard]] std::vector<const TypeVersion*> versions_of(std::string_view type) const;
  /// The newest version, or the one with this number; nullptr when there is none.
  [[nodiscard]] const TypeVersion* find_type(std::string_view type, std::uint32_t number = 0) const;
  [[nodiscard]] const Revised<PolicyDefinition>* find_policy(std::string_view name) const;
  [[nodiscard]] const Revised<ConsumerKindDefinition>* find_consumer_kind(std::string_view name) const;
  [[nodiscard]] const Revised<RelationshipDefinition>* find_relationship(std::string_view name) const;
  [[nodiscard]] const Revised<AffinityDefinition>* find_affinity(std::string_view name) const;
  [[nodiscard]] const Revised<QuotaDefinition>* find_quota(std::string_view name) const;
  [[nodiscard]] const Revised<PairTableDefinition>* find_pair_table(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> type_names() const;
  [[nodiscard]] std::vector<std::string> policy_names() const;
  [[nodiscard]] const std::vector<std::shared_ptr<const Revised<ConsumerKindDefinition>>>& consumer_kinds() const {
    return data_->consumer_kinds;
  }
  [[nodiscard]] const std::vector<std::shared_ptr<const Revised<RelationshipDefinition>>>& relationships() const {
    return data_->relationships;
  }
  [[nodiscard]] const std::vector<std::shared_ptr<const Revised<AffinityDefinition>>>& affinities() const {
    return data_->affinities;
  }
  [[nodiscard]] const std::vector<std::shared_ptr<const Revised<QuotaDefinition>>>& quotas() const {
    return data_->quotas;
  }
  [[nodiscard]] const std::vector<std::shared_ptr<const Revised<PairTableDefinition>>>& pair_tables() const {
    return data_->pair_tables;
  }
  /// The stamp of the last change of a type, an affinity or a quota.
  [[nodiscard]] std::uint64_t counting_stamp() const { return data_->counting_stamp; }
  /// Rises with every change of the catalogue in this process; for caches of compiled expressions. Not part of the
  /// state.
  [[nodiscard]] std::uint64_t stamp() const { return data_->stamp; }

  /// The payload of a define change; revision 0 counts on from the last one.
  static std::string payload(std::string_view name, const Node& definition, std::uint32_t revision = 0);

  [[nodiscard]] std::unique_ptr<Section> fork() const override { return std::make_unique<Catalog>(*this); }
  void link(State&) override {}
  Status apply(const Change& change, Transaction& log) override;
  void snapshot(const Emit& emit) const override;
  [[nodiscard]] Hash128 hash() const override;
  [[nodiscard]] Node describe(const Change& change) const override;

 private:
  struct Data {
    std::vector<std::shared_ptr<const TypeVersion>> versions;
    std::vector<std::shared_ptr<const Revised<PolicyDefinition>>> policies;
    std::vector<std::shared_ptr<const Revised<ConsumerKindDefinition>>> consumer_kinds;
    std::vector<std::shared_ptr<const Revised<RelationshipDefinition>>> relationships;
    std::vector<std::shared_ptr<const Revised<AffinityDefinition>>> affinities;
    std::vector<std::shared_ptr<const Revised<QuotaDefinition>>> quotas;
    std::vector<std::shared_ptr<const Revised<PairTableDefinition>>> pair_tables;
    std::uint64_t stamp = 0;
    std::uint64_t counting_stamp = 0;
  };

  static void define_type(Data& data, TypeDefinition definition, std::uint32_t revision);

  std::shared_ptr<const Data> data_;
};

/// Reports affinities whose word tells instances of their types not apart.
void check_affinities(const Catalog& catalog, std::vector<Problem>& problems);
/// Reports groups whose maximum is less than what is guaranteed to the groups below.
void check_quotas(const Catalog& catalog, std::vector<Problem>& problems);

}  // namespace apportion
