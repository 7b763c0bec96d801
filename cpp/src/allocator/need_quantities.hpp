// What amounts and counts of needs read. Private to the area.
#pragma once

#include <span>
#include <vector>

#include "apportion/allocator/plan.hpp"
#include "apportion/expr/quantity_program.hpp"

namespace apportion {

/// What was asked of the type that has the needs.
struct NeedingType {
  const TypeVersion* type;
  std::span<const Steps> asked;
};

/// The request for the needing type, and its consumer. All must outlive it.
class NeedQuantities : public ExactSource {
 public:
  NeedQuantities(const Sections& sections, const Request& request, const NeedingType& needing,
                 const std::vector<Binding>& bindings)
      : sections_(sections), request_(request), needing_(needing), bindings_(bindings) {}

  [[nodiscard]] ExactValue read(const Ref& ref) const override;

 private:
  [[nodiscard]] ExactValue of_consumer(const Binding& binding, ValueType type) const;

  const Sections& sections_;
  const Request& request_;
  NeedingType needing_;
  const std::vector<Binding>& bindings_;
};

}  // namespace apportion
