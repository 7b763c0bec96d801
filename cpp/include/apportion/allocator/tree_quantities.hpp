// Amounts and counts of needs, evaluated for one place of a tree.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "apportion/allocator/expressions.hpp"
#include "apportion/allocator/request.hpp"
#include "apportion/allocator/scorer.hpp"

namespace apportion {

/// Thread-compatible; of one request, which outlives it.
class TreeQuantities {
 public:
  TreeQuantities(Sections sections, Expressions& expressions, const Request& request)
      : sections_(sections),
        expressions_(expressions),
        request_(request),
        consumer_(sections.ledger.consumers().find(request.consumer)) {}

  /// What `text` asks for, in steps: an amount of a need of `owner`, which is itself asked for `asked`.
  [[nodiscard]] Result<Steps> steps(const TypeVersion& owner, std::span<const Steps> asked, std::string_view text,
                                    Step step) const;
  /// A count, at most `most`.
  [[nodiscard]] Result<std::uint32_t> count(const TypeVersion& owner, std::span<const Steps> asked,
                                            std::string_view text, std::uint32_t most) const;

 private:
  class Source;

  [[nodiscard]] ExactValue of_consumer(const Binding& binding, ValueType type) const;

  Sections sections_;
  Expressions& expressions_;
  const Request& request_;
  std::uint32_t consumer_;
};

/// What a rule reads of the instance in another slot: `self.<name>` of it as a lane. No value where its version of its
/// type means something else by the name.
[[nodiscard]] double lane_of(const Sections& sections, InstanceRef instance, std::string_view name, ValueType type);

}  // namespace apportion
