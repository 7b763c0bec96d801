// The data of an evaluation, supplied by the host. A block holds up to 256 candidates, called lanes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "apportion/expr/ref.hpp"

namespace apportion {

/// Reads the current block. The host sets the rows of the block before Program::evaluate; expr passes their count `n`
/// on. For a uniform Ref `n` is 1 and the call happens inside Program::begin, before any block. One Source serves one
/// thread at a time. No member may fail: what cannot be read is NaN.
///
/// Encodings of a lane: number = itself; boolean = 0 or 1; string = its symbol; NaN = no value in all of them.
class Source {
 public:
  virtual ~Source() = default;

  /// Writes out[0, n). A Ref of type kList gives the number of its items (NaN: the list has no value).
  virtual void read(const Ref& ref, std::uint32_t n, double* out) = 0;

  /// Calls a host function: arguments[k][lane], one array of `n` lanes per parameter. An argument may be NaN, and a
  /// string may be a negative symbol (a literal that nobody interned).
  virtual void call(const Ref& function, std::span<const double* const> arguments, std::uint32_t n, double* out) {
    static_cast<void>(function);
    static_cast<void>(arguments);
    std::fill_n(out, n, std::numeric_limits<double>::quiet_NaN());
  }

  /// out[lane] = 1 when the list of the lane holds symbols[lane], else 0; NaN when the list has no value. A symbol may
  /// be NaN or negative: it is in no list (expr itself turns a NaN symbol into no value).
  virtual void contains(const Ref& list, const double* symbols, std::uint32_t n, double* out) {
    static_cast<void>(list);
    static_cast<void>(symbols);
    std::fill_n(out, n, std::numeric_limits<double>::quiet_NaN());
  }

  /// The number of an interned string, an integer >= 0; any negative number when it is not interned (expr then gives
  /// the literal a number of its own, which equals nothing in the data). Called once per literal in Program::begin.
  virtual double symbol(std::string_view text) = 0;

  /// The text of a symbol >= 0 that this Source handed out; valid until the Source changes.
  virtual std::string_view text(double symbol) = 0;
};

}  // namespace apportion
