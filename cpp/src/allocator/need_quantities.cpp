#include "need_quantities.hpp"

namespace apportion {

ExactValue NeedQuantities::read(const Ref& ref) const {
  const Binding& binding = bindings_[ref.id];
  switch (binding.column) {
    case Column::kRequest: {
      const Step step = needing_.type->definition.dimensions[binding.index].step;
      return Fraction{Int128{needing_.asked[binding.index]} * step.numerator, step.denominator};
    }
    case Column::kRequestCount:
      return Fraction{request_.count, 1};
    case Column::kConsumerId:
      return std::string_view(request_.consumer);
    default:
      return of_consumer(binding, ref.type);
  }
}

// Nothing of one that nobody described.
ExactValue NeedQuantities::of_consumer(const Binding& binding, ValueType type) const {
  const Consumers& consumers = sections_.ledger.consumers();
  const std::uint32_t slot = consumers.find(request_.consumer);
  if (slot == Consumers::kNone || consumers.row(slot).explicit_ == 0) return {};
  if (binding.column == Column::kConsumerKind) {
    const std::string_view kind = sections_.symbols.text(consumers.row(slot).kind);
    return kind.empty() ? ExactValue() : ExactValue(kind);
  }
  for (const Attribute& attribute : consumers.attributes(slot)) {
    if (sections_.symbols.text(attribute.name) != binding.name) continue;
    if (attribute.symbolic) return sections_.symbols.text(static_cast<Symbol>(attribute.lane));
    if (type == ValueType::kBoolean) return attribute.lane != 0;
    return exact_value(attribute.lane);
  }
  return {};
}

}  // namespace apportion
