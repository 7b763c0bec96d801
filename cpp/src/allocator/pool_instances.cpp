// What is asked of an instance before it is written.
#include <algorithm>

#include "apportion/catalog/request_words.hpp"
#include "pool_update.hpp"

namespace apportion {
namespace {

Error placed(const std::string& place, const Error& error) { return {error.code, error.message, place}; }

}  // namespace

// What is named exists, has what is asked for, and is another instance.
Status Pool::check_named_needs(const InstanceSpec& spec, const TypeVersion& owner) {
  for (std::size_t i = 0; i < spec.needs->size(); ++i) {
    const NeedDefinition& need = (*spec.needs)[i];
    const std::string place = "needs[" + std::to_string(i) + "]";
    const InstanceRef other = sections_.inventory.find(need.instance);
    if (need.instance == spec.id) return invalid("'" + spec.id + "' would need itself", place);
    if (!other.valid()) return unknown("there is no instance '" + need.instance + "'", place + ".instance");
    const TypeDefinition& type = sections_.catalog.version(other.version).definition;
    for (const auto& [name, text] : need.amounts) {
      if (std::ranges::find(type.dimensions, name, &DimensionDefinition::name) == type.dimensions.end())
        return placed(place, unknown_dimension(type, name));
      const auto quantity = expressions_.quantity(sections_.catalog, owner.id, text);
      if (quantity.has_error()) return placed(place + "." + name, quantity.error());
    }
  }
  return {};
}

// What was said of an instance since it was looked at must not be overwritten.
Status Pool::check_generation(const InstanceSpec& spec, InstanceRef old) const {
  if (!spec.generation) return {};
  const std::uint64_t now = old.valid() ? sections_.inventory.generation_of(old) : 0;
  if (now == *spec.generation) return {};
  const std::string text = "'" + spec.id + "' ";
  return Error{ErrorCode::kStale,
               text + (now == 0 ? "does not exist; generation " + std::to_string(*spec.generation) + " was expected"
                                : "is at generation " + std::to_string(now) + ", expected " +
                                      (*spec.generation == 0 ? "a new instance" : std::to_string(*spec.generation)) +
                                      ": look at it again"),
               "generation"};
}

}  // namespace apportion
