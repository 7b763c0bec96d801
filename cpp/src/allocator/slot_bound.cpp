#include "apportion/allocator/slot_bound.hpp"

#include <algorithm>

#include "apportion/catalog/scope.hpp"

namespace apportion {

const char* SlotBound::name() const {
  switch (kind) {
    case Kind::kOn:
      return "on";
    case Kind::kSame:
      return "same";
    case Kind::kAffinity:
      return "affinity";
    case Kind::kQuota:
      return "quota";
    default:
      return "different";
  }
}

std::string SlotBound::text(const std::string& values_text) const {
  if (kind == Kind::kAffinity) return affinity->text();
  if (kind == Kind::kQuota) return quota;
  if (kind == Kind::kOn) return "inside " + (values_text.empty() ? "a slot that is empty" : values_text);
  if (values_text.empty()) return "any " + word;
  return word + (kind == Kind::kSame ? " " : " not ") + values_text;
}

std::string values_text(const SlotBound& bound, std::span<const double> values, const TypeDefinition& type,
                        const Symbols& symbols) {
  const auto field_in = [&](const std::vector<FieldDefinition>& fields) {
    const auto found = std::ranges::find(fields, bound.word, &FieldDefinition::name);
    return found == fields.end() ? nullptr : &*found;
  };
  const FieldDefinition* const own = field_in(type.fields) != nullptr ? field_in(type.fields) : field_in(type.states);
  const ValueType of = own == nullptr ? ValueType::kString : value_type(own->kind);
  std::string text;
  for (const double value : values) {
    text += text.empty() ? "" : ", ";
    if (of == ValueType::kNumber) {
      text += Decimal::from_double(value).value().text();
    } else if (of == ValueType::kBoolean) {
      text += value != 0 ? "true" : "false";
    } else {
      text += "'" + std::string(symbols.text(static_cast<Symbol>(value))) + "'";
    }
  }
  return text;
}

bool within(const SlotBound& bound, const Neighbours& neighbours, InstanceRef instance, View view) {
  if (bound.kind == SlotBound::Kind::kQuota) return view == View::kEmpty && !bound.never;
  if (bound.kind == SlotBound::Kind::kAffinity) return bound.affinity->excess(neighbours, instance, view) == 0;
  const std::vector<double> values = neighbours.values(instance, bound.word);
  const bool meets = std::ranges::any_of(
      values, [&](double value) { return std::ranges::find(bound.values, value) != bound.values.end(); });
  return bound.kind == SlotBound::Kind::kDifferent || bound.open ? !values.empty() && !meets : meets;
}

std::size_t Relations::place(SlotBound::Kind kind, std::string_view word) const {
  const auto found =
      std::ranges::find_if(held_, [&](const SlotBound& other) { return other.kind == kind && other.word == word; });
  return static_cast<std::size_t>(found - held_.begin());
}

void Relations::add_bounds(const NeedDefinition& need, std::vector<SlotBound>& bounds) const {
  const auto add = [&](SlotBound::Kind kind, const std::string& word) {
    const std::size_t at = place(kind, word);
    bounds.push_back(at < held_.size() ? held_[at] : SlotBound{kind, word, {}, kind == SlotBound::Kind::kSame});
  };
  for (const std::string& word : need.same) add(SlotBound::Kind::kSame, word);
  for (const std::string& word : need.different) add(SlotBound::Kind::kDifferent, word);
}

void Relations::add(const NeedDefinition& need, const Neighbours& neighbours, InstanceRef instance) {
  const auto relate = [&](SlotBound::Kind kind, const std::string& word) {
    std::vector<double> values = neighbours.values(instance, word);
    const std::size_t at = place(kind, word);
    if (at == held_.size()) return held_.push_back({kind, word, std::move(values), false});
    std::vector<double>& held = held_[at].values;
    if (kind == SlotBound::Kind::kSame) {
      std::erase_if(held, [&](double value) { return std::ranges::find(values, value) == values.end(); });
    } else {
      held.insert(held.end(), values.begin(), values.end());
    }
  };
  for (const std::string& word : need.same) relate(SlotBound::Kind::kSame, word);
  for (const std::string& word : need.different) relate(SlotBound::Kind::kDifferent, word);
}

}  // namespace apportion
