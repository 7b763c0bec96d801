// Results that must be looked at: a value, or an Error that says what, where and what to do.
// Values are immutable after construction; everything here is thread-compatible.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace apportion {

/// What kind of misuse or damage an Error reports. A denial is not an error: see allocator/denial.hpp.
enum class ErrorCode {
  kInvalid,      ///< the input is malformed or out of range
  kUnknown,      ///< a name or number that nothing carries
  kConflict,     ///< well formed, but refused in this state (a duplicate, an instance in use)
  kStale,        ///< a handle to something that is gone
  kIdempotency,  ///< a key that was used for another request
  kCorrupt,      ///< damaged or foreign bytes
  kOverflow,     ///< a number that does not fit
};

/// `message` holds the offending value and what to do; `place` a path such as "types.disk.policy", or "".
struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string message;
  std::string place;

  /// The one-line text shown to people: "place: message", or the message alone.
  [[nodiscard]] std::string text() const { return place.empty() ? message : place + ": " + message; }
};

/// Thrown where a Result is read without having been checked, and at the edge of the bindings.
class ErrorException : public std::runtime_error {
 public:
  explicit ErrorException(Error error) : std::runtime_error(error.text()), error_(std::move(error)) {}
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

/// Found by Boost.System when `value()` meets an error.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw ErrorException(error);
}

/// A value of type T or an Error. `if (!result) return result.error();`
template <class T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
 public:
  using boost::system::result<T, Error>::result;
};

/// Success, or an Error.
using Status = Result<void>;

/// Shorthands that keep the place of an error readable at the call.
inline Error invalid(std::string message, std::string place = {}) {
  return {ErrorCode::kInvalid, std::move(message), std::move(place)};
}
inline Error unknown(std::string message, std::string place = {}) {
  return {ErrorCode::kUnknown, std::move(message), std::move(place)};
}
inline Error conflict(std::string message, std::string place = {}) {
  return {ErrorCode::kConflict, std::move(message), std::move(place)};
}
inline Error corrupt(std::string message, std::string place = {}) {
  return {ErrorCode::kCorrupt, std::move(message), std::move(place)};
}

}  // namespace apportion

/// Leaves the function with the error of `expression`, a Status or Result.
#define APPORTION_TRY(expression)                                      \
  do {                                                                 \
    if (auto status_ = (expression); status_.has_error()) [[unlikely]] \
      return status_.error();                                          \
  } while (false)
