// The lane operations: pairs of doubles in GCC's and clang's portable vector types, which become SSE2, NEON or scalar
// code with the same IEEE results. Internal to expr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace apportion::kernels {

typedef double Pack __attribute__((vector_size(16)));
typedef std::int64_t Mask __attribute__((vector_size(16)));
typedef double PackInMemory __attribute__((vector_size(16), may_alias));

inline constexpr Pack kNoValue = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
inline constexpr Pack kOne = {1, 1};
inline constexpr Pack kZero = {0, 0};

/// REQUIRES: 16-byte alignment, which every register has.
inline Pack load(const double* from) { return *reinterpret_cast<const PackInMemory*>(from); }
inline void store(double* to, Pack value) { *reinterpret_cast<PackInMemory*>(to) = value; }

inline Mask bits(Pack value) { return (Mask)value; }
inline Pack pack(Mask value) { return (Pack)value; }
inline Mask absent(Pack value) { return value != value; }
/// All bits set is a NaN, so a mask is or-ed onto a value to take it away.
inline Pack without(Pack value, Mask where) { return pack(bits(value) | where); }
/// 1 where the mask holds, else 0.
inline Pack truth(Mask where) { return pack(where & bits(kOne)); }
inline Pack choose(Mask where, Pack yes, Pack no) { return pack((bits(yes) & where) | (bits(no) & ~where)); }

inline constexpr Mask kSign = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::min()};
inline Pack magnitude(Pack value) { return pack(bits(value) & ~kSign); }
inline Pack with_sign_of(Pack value, Pack sign) { return pack((bits(value) & ~kSign) | (bits(sign) & kSign)); }

/// The integer nearest to |value| (ties to even), with the sign of `value`: adding 2^52 leaves no bits for a fraction.
/// From 2^52 on every double is an integer.
inline Pack nearest(Pack value) {
  constexpr Pack kLimit = {0x1p52, 0x1p52};
  const Pack size = magnitude(value);
  const Pack rounded = with_sign_of((size + kLimit) - kLimit, value);
  return choose(size < kLimit, rounded, value);
}

struct Negate {
  Pack operator()(Pack a) const { return -a; }
};
struct Not {
  Pack operator()(Pack a) const { return kOne - a; }
};
struct Abs {
  Pack operator()(Pack a) const { return magnitude(a); }
};
struct Has {
  Pack operator()(Pack a) const { return truth(a == a); }
};
struct Floor {
  Pack operator()(Pack a) const {
    const Pack near = nearest(a);
    return with_sign_of(choose(near > a, near - kOne, near), a);
  }
};
struct Ceil {
  Pack operator()(Pack a) const {
    const Pack near = nearest(a);
    return with_sign_of(choose(near < a, near + kOne, near), a);
  }
};
/// Half away from zero: truncate |a|, then add one when the exact rest is a half or more.
struct Round {
  Pack operator()(Pack a) const {
    constexpr Pack kHalf = {0.5, 0.5};
    const Pack size = magnitude(a), whole = Floor()(size);
    return with_sign_of(choose(size - whole >= kHalf, whole + kOne, whole), a);
  }
};

struct Add {
  Pack operator()(Pack a, Pack b) const { return a + b; }
};
struct Subtract {
  Pack operator()(Pack a, Pack b) const { return a - b; }
};
struct Multiply {
  Pack operator()(Pack a, Pack b) const { return a * b; }
};
struct Divide {
  Pack operator()(Pack a, Pack b) const { return without(a / b, b == kZero); }
};
struct Min {
  Pack operator()(Pack a, Pack b) const { return without(choose(b < a, b, a), absent(b)); }
};
struct Max {
  Pack operator()(Pack a, Pack b) const { return without(choose(b > a, b, a), absent(b)); }
};
struct Equal {
  Pack operator()(Pack a, Pack b) const { return without(truth(a == b), absent(a) | absent(b)); }
};
struct NotEqual {
  Pack operator()(Pack a, Pack b) const { return without(truth(a != b), absent(a) | absent(b)); }
};
struct Less {
  Pack operator()(Pack a, Pack b) const { return without(truth(a < b), absent(a) | absent(b)); }
};
struct LessEqual {
  Pack operator()(Pack a, Pack b) const { return without(truth(a <= b), absent(a) | absent(b)); }
};
/// Kleene: false wins over no value. The product of 0, 1 and NaN is right wherever no operand is false.
struct And {
  Pack operator()(Pack a, Pack b) const { return pack(bits(a * b) & ~((a == kZero) | (b == kZero))); }
};
/// Kleene: true wins over no value. Without a true operand the sum is 0 or NaN.
struct Or {
  Pack operator()(Pack a, Pack b) const {
    const Mask yes = (a == kOne) | (b == kOne);
    return pack((bits(a + b) & ~yes) | (bits(kOne) & yes));
  }
};
struct Coalesce {
  Pack operator()(Pack a, Pack b) const { return choose(absent(a), b, a); }
};
struct AddPresent {
  Pack operator()(Pack a, Pack b) const { return a + pack(bits(b) & (b == b)); }
};
struct CountPresent {
  Pack operator()(Pack a, Pack b) const { return a + truth(b == b); }
};
struct MinPresent {
  Pack operator()(Pack a, Pack b) const { return choose((b < a) | absent(a), b, a); }
};
struct MaxPresent {
  Pack operator()(Pack a, Pack b) const { return choose((b > a) | absent(a), b, a); }
};

struct Select {
  Pack operator()(Pack condition, Pack yes, Pack no) const {
    return without(choose(condition == kOne, yes, no), absent(condition));
  }
};

}  // namespace apportion::kernels
