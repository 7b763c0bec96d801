// Compiled policies and filters, kept between requests.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/allocator/fragmentation.hpp"
#include "apportion/catalog/need_scope.hpp"
#include "apportion/expr/quantity_program.hpp"

namespace apportion {

/// An amount or a count of a need, compiled for the version that has the need.
struct CompiledQuantity {
  QuantityProgram program;
  std::vector<Binding> bindings;
};

/// A policy compiled for one type version.
struct CompiledPolicy {
  PolicyDefinition definition;
  std::optional<CompiledFilter> where;
  CompiledFilter score;
  std::shared_ptr<const Fragmentation> fragmentation;  ///< what the score reads of it; or nullptr

  /// True when choosing one instance may change the score of another.
  [[nodiscard]] bool reads_groups() const;
};

/// A cache; not part of the state. Forgets everything when the catalogue changes and when it holds too much.
/// Thread-compatible; guarded by the pool's mutex.
class Expressions {
 public:
  /// The named policy for this version. Fails when it does not exist or does not fit the type. With a need, what that
  /// prefers counts in the score.
  Result<std::shared_ptr<const CompiledPolicy>> policy(const Catalog& catalog, VersionId version, std::string_view name,
                                                       const NeedRef* need = nullptr);
  /// A boolean expression over candidates of this version; the rule of a need may read other slots.
  Result<std::shared_ptr<const CompiledFilter>> filter(const Catalog& catalog, VersionId version, std::string_view text,
                                                       const NeedRef* need = nullptr);
  /// An amount or a count of a need of this version.
  Result<std::shared_ptr<const CompiledQuantity>> quantity(const Catalog& catalog, VersionId owner,
                                                           std::string_view text);
  /// A policy that is not in the catalogue; not kept.
  static Result<std::shared_ptr<const CompiledPolicy>> compile_policy(const Catalog& catalog, VersionId version,
                                                                      const PolicyDefinition& policy,
                                                                      const NeedRef* need = nullptr);

 private:
  using Key = std::pair<VersionId, std::string>;

  void refresh(const Catalog& catalog);

  std::uint64_t stamp_ = 0;
  std::map<std::pair<Key, std::optional<NeedRef>>, std::shared_ptr<const CompiledPolicy>> policies_;
  std::map<Key, std::shared_ptr<const CompiledQuantity>> quantities_;
  std::map<std::pair<Key, std::optional<NeedRef>>, std::shared_ptr<const CompiledFilter>> filters_;
};

}  // namespace apportion
