// Decimals and 128-bit numbers as the tests of `base` write them.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <cstdlib>
#include <string_view>

#include "apportion/base/decimal.hpp"

namespace apportion {

using boost::multiprecision::cpp_int;

inline Decimal dec(std::string_view text) { return Decimal::parse(text).value(); }

inline cpp_int big(Int128 value) {
  const bool negative = value < 0;
  cpp_int result = 0;
  cpp_int place = 1;
  for (; value != 0; value /= 10, place *= 10) result += place * std::abs(static_cast<int>(value % 10));
  return negative ? -result : result;
}

}  // namespace apportion
