// C++ errors as Python exceptions, in one place.
#pragma once

#include <utility>

#include "apportion/base/status.hpp"
#include "python.hpp"

namespace apportion {

/// Maps ErrorException to the classes of apportion._errors.
void register_errors(py::module_& m);

/// The value, or the exception of its error. May be called without the GIL.
template <class T>
T unwrap(Result<T> result) {
  if (result.has_error()) throw ErrorException(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace apportion
