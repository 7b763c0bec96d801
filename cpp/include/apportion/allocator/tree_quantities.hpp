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
      : sections_(sections), expressions_(expressions), request_(request) {}

  /// What `text` asks for, in steps: an amount of a need of `owner`, which is itself asked for `asked`.
  [[nodiscard]] Result<Steps> steps(const TypeVersion& owner, std::span<const Steps> asked, std::string_view text,
                                    Step step) const;
  /// A count, at most `most`.
  [[nodiscard]] Result<std::uint32_t> count(const TypeVersion& owner, std::span<const Steps> asked,
                                            std::string_view text, std::uint32_t most) const;

 private:
  Sections sections_;
  Expressions& expressions_;
  const Request& request_;
};

}  // namespace apportion
