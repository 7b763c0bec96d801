// An expression compiled for one type version.
#pragma once

#include <vector>

#include "apportion/catalog/scope.hpp"

namespace apportion {

struct CompiledFilter {
  Program program;
  std::vector<Binding> bindings;
};

}  // namespace apportion
