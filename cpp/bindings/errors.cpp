#include "errors.hpp"

namespace apportion {
namespace {

const char* class_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknown:
      return "UnknownName";
    case ErrorCode::kStale:
      return "StaleHandle";
    case ErrorCode::kIdempotency:
      return "IdempotencyError";
    case ErrorCode::kCorrupt:
      return "SnapshotError";
    default:
      return "RequestError";
  }
}

}  // namespace

void register_errors(py::module_& /*m*/) {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const ErrorException& error) {
      const py::object type = py::module_::import("apportion._errors").attr(class_name(error.error().code));
      py::set_error(type, error.what());
    }
  });
}

}  // namespace apportion
