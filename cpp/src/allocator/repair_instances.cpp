// Repairs of what there is: instances that come online, and new ones.
#include <algorithm>
#include <bit>

#include "pool_repairing.hpp"

namespace apportion {
namespace {

constexpr std::size_t kOnlineTried = 3;

Node permitted(const FieldDefinition& state) {
  const std::string& value = state.allow.front();
  return state.kind == FieldKind::kBoolean ? Node(value == "true") : Node(value);
}

std::string value_text(const Node& value) { return value.text() != nullptr ? *value.text() : to_json(value); }

}  // namespace

// Of those that lack nothing else: fewest fields first.
void Pool::Repairing::online() {
  const std::uint64_t states = constraints_->mask({Constraints::Kind::kState});
  std::vector<const Candidate*> closed;
  for (const Candidate& candidate : constraints_->candidates()) {
    if (candidate.failed != 0 && (candidate.failed & ~states) == 0) closed.push_back(&candidate);
  }
  std::ranges::stable_sort(closed, {}, [](const Candidate* c) { return std::popcount(c->failed); });
  if (closed.size() < lacking_) return;
  closed.resize(std::min(closed.size(), std::max<std::size_t>(kOnlineTried, lacking_)));
  std::vector<Repair> each;
  for (const Candidate* candidate : closed) {
    const TypeDefinition& type = candidate->version->version->definition;
    InstanceSpec spec;
    spec.id = sections_.inventory.id_of(candidate->instance);
    std::string text;
    for (std::size_t s = 0; s < type.states.size(); ++s) {
      if (candidate->version->rules.permits(*candidate->version->table, s, candidate->instance.row)) continue;
      spec.state.emplace_back(type.states[s].name, permitted(type.states[s]));
      text += (text.empty() ? "set " : " and ") + type.states[s].name + " of '" + spec.id + "' to " +
              value_text(spec.state.back().second);
    }
    if (each.empty() || lacking_ == 1) {
      Repair& repair = each.emplace_back();
      repair.kind = RepairKind::kOnline;
      repair.cost = 2.5;
      repair.text = text;
      repair.instances = {spec};
    } else if (each.front().instances.size() < lacking_) {
      each.front().cost += 2.5;
      each.front().text += "; " + text;
      each.front().instances.push_back(std::move(spec));
    }
  }
  for (Repair& repair : each) offer(std::move(repair));
}

// An instance with room, like one that lacks only room, a state or a place among its consumers; as bare as can be where
// there is none.
InstanceSpec Pool::Repairing::like(const Candidate* model) const {
  const VersionPlan& version = model != nullptr ? *model->version : plan_->versions.back();
  const TypeDefinition& type = version.version->definition;
  InstanceSpec spec;
  if (model != nullptr) {
    const InstanceSpec known = sections_.inventory.spec_of(model->instance);
    spec.version = known.version;
    spec.location = known.location;
    spec.labels = known.labels;
    spec.groups = known.groups;
    spec.policy = known.policy;
    spec.fields = known.fields;
    spec.capacity = known.capacity;
  }
  spec.type = type.name;
  for (const FieldDefinition& state : type.states) {
    if (!state.allow.empty()) spec.state.emplace_back(state.name, permitted(state));
  }
  for (std::size_t d = 0; d < type.dimensions.size(); ++d) {
    const DimensionDefinition& dimension = type.dimensions[d];
    const Steps asked = version.values.amounts[d];
    const auto held =
        std::ranges::find_if(spec.capacity, [&](const auto& capacity) { return capacity.first == dimension.name; });
    const Result<Steps> there =
        held == spec.capacity.end() ? Result<Steps>(0) : to_steps(held->second, dimension.step, Rounding::kDown);
    if (asked <= 0 || (there && *there >= asked)) continue;
    if (held != spec.capacity.end()) spec.capacity.erase(held);
    spec.capacity.emplace_back(dimension.name, units_decimal(asked, dimension.step));
  }
  return spec;
}

void Pool::Repairing::add() {
  using Kind = Constraints::Kind;
  const std::uint64_t mend = constraints_->mask({Kind::kCapacity, Kind::kState, Kind::kService, Kind::kConsumers});
  const Candidate* model = nullptr;
  for (const Candidate& candidate : constraints_->candidates()) {
    if ((candidate.failed & ~mend) != 0) continue;
    if (model == nullptr || std::popcount(candidate.failed) < std::popcount(model->failed)) model = &candidate;
  }
  Repair repair;
  repair.kind = RepairKind::kAdd;
  const InstanceSpec spec = like(model);
  if (lacking_ > 1000 || spec.type.empty()) return;
  for (std::uint32_t number = 1; repair.instances.size() < lacking_; ++number) {
    repair.instances.push_back(spec);
    repair.instances.back().id = spec.type + "-new-" + std::to_string(number);
    if (sections_.inventory.find(repair.instances.back().id).valid()) repair.instances.pop_back();
  }
  repair.cost = 8.0 * lacking_;
  repair.text =
      "add " + (lacking_ == 1 ? "an instance" : std::to_string(lacking_) + " instances") + " of '" + spec.type + "'";
  std::string capacity;
  for (const auto& [name, value] : spec.capacity)
    capacity += (capacity.empty() ? " with " : ", ") + name + " " + value.text();
  repair.text += capacity;
  if (model != nullptr) repair.text += ", like '" + std::string(sections_.inventory.id_of(model->instance)) + "'";
  offer(std::move(repair));
}

}  // namespace apportion
