// What a request would be answered, and why.
#include <algorithm>
#include <cmath>

#include "pool_update.hpp"

namespace apportion {
namespace {

Node number_node(double value) {
  if (std::isfinite(value)) return Decimal::from_double(value).value();
  return std::isnan(value) ? Node() : Node(value > 0 ? "infinity" : "-infinity");
}

// The terms of a score for one row; a term that reduces a vector shows its dimensions.
Node parts_node(const CompiledPolicy& policy, RowSource& source, std::uint32_t row, const TypeDefinition& type) {
  source.use(policy.score.bindings);
  source.set(std::span(&row, 1));
  Scratch scratch;
  Node::List parts;
  for (const ProgramPart& part : policy.score.program.parts()) {
    const double value = part.program.evaluate_one(source, scratch);
    Node::Map dimensions;
    for (std::size_t d = 0; d < part.components.size() && d < type.dimensions.size(); ++d) {
      dimensions.emplace_back(type.dimensions[d].name, number_node(part.components[d].evaluate_one(source, scratch)));
    }
    parts.emplace_back(Node::Map{{"term", part.program.text()},
                                 {"value", number_node(part.negative ? -value : value)},
                                 {"dimensions", std::move(dimensions)}});
  }
  return parts;
}

}  // namespace

// One row of an explanation, with the parts of its score.
Node Pool::ranked(const Plan& plan, const Scored& candidate) {
  const VersionPlan& version = plan.version_of(candidate.instance);
  const CompiledPolicy& policy = policy_of(sections_, expressions_, version, candidate.policy);
  RowSource source(sections_.inventory, sections_.symbols, sections_.catalog, *version.table, version.values);
  Cluster cluster(sections_, expressions_, version, index_.neighbours());
  source.use_inside(&cluster);
  return Node::Map{{"instance", std::string(sections_.inventory.id_of(candidate.instance))},
                   {"location", std::string(sections_.symbols.text(version.table->location[candidate.instance.row]))},
                   {"score", number_node(candidate.score)},
                   {"policy", policy.definition.name},
                   {"parts", parts_node(policy, source, candidate.instance.row, version.version->definition)}};
}

Result<Node> Pool::explain(const Request& request, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(expire(clock()));
  const Selector selector(sections_, expressions_, &index_.neighbours());
  const Time plan_time = std::max(clock(), state_->time());
  Result<Plan> plan = Planner(sections_, expressions_, index_.neighbours()).plan(request, plan_time);
  if (!plan) return plan.error();
  if (plan->tree) return explain_tree(request, *plan, plan_time);
  plan->number = state_->revision().number + 1;
  const std::vector<Scored> ranking = selector.ranking(*plan);
  Node::List rows;
  for (std::size_t i = 0; i < std::min(limit, ranking.size()); ++i) rows.push_back(ranked(*plan, ranking[i]));
  const PolicyDefinition& policy = plan->versions.back().policy->definition;
  Node::List stages;
  for (const Stage& stage : selector.stages(*plan)) stages.push_back(to_node(stage));
  // Several instances may be fewer than the ranking has: each choice counts for the next.
  Transaction log;
  const std::size_t found = request.count > 1 ? selector.choose(*plan, log).size() : ranking.size();
  bool granted = found >= request.count;
  Node denial;
  std::shared_ptr<const Deferral> deferral;
  if (!granted) {
    auto wait = wait_for(*plan, request, found, plan_time);
    if (!wait) return wait.error();
    deferral = std::move(*wait);
    granted = deferral && deferral->deferred;
  }
  if (!granted) {
    Denial why = selector.diagnose(*plan);
    why.revision = state_->revision();  // nothing is recorded
    why.wait_for(deferral);
    denial = to_node(why);
  }
  return Node(Node::Map{{"granted", granted},
                        {"type", request.type},
                        {"consumer", request.consumer},
                        {"count", std::int64_t{request.count}},
                        {"policy", to_node(policy)},
                        {"candidates", static_cast<std::int64_t>(ranking.size())},
                        {"stages", std::move(stages)},
                        {"ranking", std::move(rows)},
                        {"slots", Node::List{}},
                        {"deferral", deferral ? to_node(*deferral) : Node()},
                        {"denial", std::move(denial)}});
}

}  // namespace apportion
