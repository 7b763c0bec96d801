#include "apportion/allocator/expressions.hpp"

#include <algorithm>

#include "apportion/catalog/document.hpp"
#include "apportion/expr/diagnostic.hpp"

namespace apportion {
namespace {

constexpr std::size_t kMaxFilters = 1024;

Result<CompiledFilter> compile_for(const Catalog& catalog, VersionId version, std::string_view text, ValueType wanted,
                                   const std::string& place, const NeedRef* need = nullptr) {
  const TypeDefinition& type = catalog.version(version).definition;
  const auto compiled = [&](const TypeScope& scope) -> Result<CompiledFilter> {
    const Result<Program> program = compile(text, wanted, scope);
    if (!program) return invalid(program.error().message + " (for type '" + type.name + "')", place);
    return CompiledFilter{*program, scope.bindings()};
  };
  return need == nullptr ? compiled(TypeScope(catalog, type))
                         : compiled(NeedScope(catalog, type, catalog.version(need->owner), *need));
}

// What is close, else what there is.
std::string hint_or_all(std::string_view name, const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 12;
  if (std::string hint = name_hint(name, names); !hint.empty()) return hint;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) text += (i == 0 ? "; there are " : ", ") + names[i];
  return names.size() > kShown ? text + " and others" : text;
}

bool reads_fragmentation(const CompiledFilter& filter) {
  return std::ranges::any_of(filter.bindings, [](const Binding& binding) {
    return binding.column == Column::kFragmentationBefore || binding.column == Column::kFragmentationAfter ||
           binding.column == Column::kFragmentationRise;
  });
}

}  // namespace

bool CompiledPolicy::reads_groups() const {
  return score.program.reads().has(Read::kGroup) || (where && where->program.reads().has(Read::kGroup));
}

void Expressions::refresh(const Catalog& catalog) {
  if (stamp_ == catalog.stamp()) return;
  policies_.clear();
  filters_.clear();
  quantities_.clear();
  stamp_ = catalog.stamp();
}

Result<std::shared_ptr<const CompiledPolicy>> Expressions::compile_policy(const Catalog& catalog, VersionId version,
                                                                          const PolicyDefinition& policy,
                                                                          const NeedRef* need) {
  const std::string place = "policies." + policy.name;
  std::optional<CompiledFilter> where;
  if (!policy.where.empty()) {
    Result<CompiledFilter> compiled =
        compile_for(catalog, version, policy.where, ValueType::kBoolean, place + ".where");
    if (!compiled) return compiled.error();
    where = std::move(*compiled);
  }
  Result<CompiledFilter> score =
      compile_for(catalog, version, policy.score, ValueType::kNumber, place + ".score", need);
  if (!score) return score.error();
  Result<std::shared_ptr<const Fragmentation>> fragmentation(nullptr);
  if (policy.fragmentation) {
    fragmentation = Fragmentation::compile(catalog, version, *policy.fragmentation);
    if (!fragmentation)
      return Error{fragmentation.error().code, fragmentation.error().message,
                   place + ".fragmentation." + fragmentation.error().place};
  } else if (reads_fragmentation(*score) || (where && reads_fragmentation(*where))) {
    return invalid("the policy reads 'fragmentation', and has no table 'fragmentation' that says of what", place);
  }
  return std::make_shared<const CompiledPolicy>(
      CompiledPolicy{policy, std::move(where), std::move(*score), std::move(*fragmentation)});
}

Result<std::shared_ptr<const CompiledPolicy>> Expressions::policy(const Catalog& catalog, VersionId version,
                                                                  std::string_view name, const NeedRef* need) {
  refresh(catalog);
  const std::pair key{Key{version, std::string(name)}, need == nullptr ? std::nullopt : std::optional(*need)};
  if (const auto known = policies_.find(key); known != policies_.end()) return known->second;
  const Revised<PolicyDefinition>* found = catalog.find_policy(name);
  if (found == nullptr) {
    return unknown("there is no policy '" + std::string(name) + "'" + hint_or_all(name, catalog.policy_names()),
                   "policy");
  }
  PolicyDefinition definition = found->definition;
  if (need != nullptr) {
    const std::string& prefer = need->in(catalog.version(need->owner).definition).prefer;
    definition.score = definition.order == Order::kMin ? "(" + definition.score + ") - (" + prefer + ")"
                                                       : "(" + definition.score + ") + (" + prefer + ")";
  }
  Result<std::shared_ptr<const CompiledPolicy>> compiled = compile_policy(catalog, version, definition, need);
  if (compiled) policies_.emplace(key, *compiled);
  return compiled;
}

Result<std::shared_ptr<const CompiledQuantity>> Expressions::quantity(const Catalog& catalog, VersionId owner,
                                                                      std::string_view text) {
  refresh(catalog);
  const Key key{owner, std::string(text)};
  if (const auto known = quantities_.find(key); known != quantities_.end()) return known->second;
  const TypeScope scope(catalog, catalog.version(owner).definition);
  const Result<QuantityProgram> program = QuantityProgram::compile(text, scope);
  if (!program) return program.error();
  return quantities_
      .emplace(key, std::make_shared<const CompiledQuantity>(CompiledQuantity{*program, scope.bindings()}))
      .first->second;
}

Result<std::shared_ptr<const CompiledFilter>> Expressions::filter(const Catalog& catalog, VersionId version,
                                                                  std::string_view text, const NeedRef* need) {
  refresh(catalog);
  const std::pair key{Key{version, std::string(text)}, need == nullptr ? std::nullopt : std::optional(*need)};
  if (const auto known = filters_.find(key); known != filters_.end()) return known->second;
  Result<CompiledFilter> compiled = compile_for(catalog, version, text, ValueType::kBoolean, "where", need);
  if (!compiled) return compiled.error();
  if (filters_.size() >= kMaxFilters) filters_.clear();
  return filters_.emplace(key, std::make_shared<const CompiledFilter>(std::move(*compiled))).first->second;
}

}  // namespace apportion
