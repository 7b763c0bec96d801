#include "apportion/allocator/tree_quantities.hpp"

#include "need_quantities.hpp"

namespace apportion {

Result<Steps> TreeQuantities::steps(const TypeVersion& owner, std::span<const Steps> asked, std::string_view text,
                                    Step step) const {
  const auto compiled = expressions_.quantity(sections_.catalog, owner.id, text);
  if (!compiled) return compiled.error();
  return (*compiled)->program.steps(NeedQuantities(sections_, request_, {&owner, asked}, (*compiled)->bindings), step);
}

Result<std::uint32_t> TreeQuantities::count(const TypeVersion& owner, std::span<const Steps> asked,
                                            std::string_view text, std::uint32_t most) const {
  const auto compiled = expressions_.quantity(sections_.catalog, owner.id, text);
  if (!compiled) return compiled.error();
  return (*compiled)->program.count(NeedQuantities(sections_, request_, {&owner, asked}, (*compiled)->bindings), most);
}

}  // namespace apportion
