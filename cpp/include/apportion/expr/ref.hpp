// What an expression may refer to: types, kinds of reading, references. Plain values; thread-compatible.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace apportion {

/// The static types of the language. Every value travels as a double (or, for a vector, one per dimension); NaN is "no
/// value".
enum class ValueType : std::uint8_t {
  kNumber,   ///< an IEEE double
  kBoolean,  ///< 0, 1 or NaN
  kString,   ///< a symbol number (see Source::symbol) or NaN
  kList,     ///< strings; only Source knows the items
  kVector,   ///< a number per dimension, unrolled by the compiler
};

/// "number", "boolean", "string", "list", "vector".
std::string_view type_name(ValueType type);

/// What has to be known before a reference can be read; an expression depends on exactly the kinds it reads.
enum class Read : std::uint8_t { kRow, kGroup, kRequest, kConsumer, kSlot, kTime, kInside };

/// "row", "group", "request", "consumer", "slot", "time", "inside": other instances in the candidate, and its claims.
std::string_view read_name(Read read);

/// A resolved path. `id` is the host's own number: expr hands it back to Source and never looks at it, with one rule:
/// a Ref of type kVector stands for the numbers id, id + 1, ... id + dimensions() - 1, in order of dimension, and
/// Source only ever meets these components, with type kNumber.
struct Ref {
  Read read = Read::kRow;
  ValueType type = ValueType::kNumber;
  std::uint32_t id = 0;
  /// The same for all candidates of an evaluation (request, consumer, time): read once, not per lane. For the result of
  /// a host function: it depends on the arguments alone.
  bool uniform = false;

  friend bool operator==(const Ref&, const Ref&) = default;
};

/// A function of the host, such as `group(<string>).used.gb`.
struct HostFunction {
  Ref result;
  std::vector<ValueType> parameters;  ///< numbers, booleans or strings
};

}  // namespace apportion
