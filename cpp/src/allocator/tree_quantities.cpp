#include "apportion/allocator/tree_quantities.hpp"

#include <limits>

namespace apportion {

class TreeQuantities::Source : public ExactSource {
 public:
  Source(const TreeQuantities& quantities, const TypeVersion& owner, std::span<const Steps> asked,
         const std::vector<Binding>& bindings)
      : quantities_(quantities), owner_(owner), asked_(asked), bindings_(bindings) {}

  [[nodiscard]] ExactValue read(const Ref& ref) const override {
    const Binding& binding = bindings_[ref.id];
    switch (binding.column) {
      case Column::kRequest: {
        const Step step = owner_.definition.dimensions[binding.index].step;
        return Fraction{Int128{asked_[binding.index]} * step.numerator, step.denominator};
      }
      case Column::kRequestCount:
        return Fraction{quantities_.request_.count, 1};
      case Column::kConsumerId:
        return std::string_view(quantities_.request_.consumer);
      default:
        return quantities_.of_consumer(binding, ref.type);
    }
  }

 private:
  const TreeQuantities& quantities_;
  const TypeVersion& owner_;
  std::span<const Steps> asked_;
  const std::vector<Binding>& bindings_;
};

ExactValue TreeQuantities::of_consumer(const Binding& binding, ValueType type) const {
  const Consumers& consumers = sections_.ledger.consumers();
  if (consumer_ == Consumers::kNone || consumers.row(consumer_).explicit_ == 0) return {};
  if (binding.column == Column::kConsumerKind) {
    const std::string_view kind = sections_.symbols.text(consumers.row(consumer_).kind);
    return kind.empty() ? ExactValue() : ExactValue(kind);
  }
  for (const Attribute& attribute : consumers.attributes(consumer_)) {
    if (sections_.symbols.text(attribute.name) != binding.name) continue;
    if (attribute.symbolic) return sections_.symbols.text(static_cast<Symbol>(attribute.lane));
    if (type == ValueType::kBoolean) return attribute.lane != 0;
    return exact_value(attribute.lane);
  }
  return {};
}

Result<Steps> TreeQuantities::steps(const TypeVersion& owner, std::span<const Steps> asked, std::string_view text,
                                    Step step) const {
  const auto compiled = expressions_.quantity(sections_.catalog, owner.id, text);
  if (!compiled) return compiled.error();
  return (*compiled)->program.steps(Source(*this, owner, asked, (*compiled)->bindings), step);
}

Result<std::uint32_t> TreeQuantities::count(const TypeVersion& owner, std::span<const Steps> asked,
                                            std::string_view text, std::uint32_t most) const {
  const auto compiled = expressions_.quantity(sections_.catalog, owner.id, text);
  if (!compiled) return compiled.error();
  return (*compiled)->program.count(Source(*this, owner, asked, (*compiled)->bindings), most);
}

double lane_of(const Sections& sections, InstanceRef instance, std::string_view name, ValueType type) {
  double lane = std::numeric_limits<double>::quiet_NaN();
  if (!instance.valid()) return lane;
  const InstanceTable& table = *sections.inventory.table(instance.version);
  const TypeScope scope(sections.catalog, sections.catalog.version(instance.version).definition);
  const std::optional<Ref> ref = scope.resolve("self." + std::string(name));
  if (!ref || ref->type != type) return lane;
  const RequestValues none;
  RowSource source(sections.inventory, sections.symbols, sections.catalog, table, none);
  source.use(scope.bindings());
  source.set(std::span(&instance.row, 1));
  source.read(*ref, 1, &lane);
  return lane;
}

}  // namespace apportion
