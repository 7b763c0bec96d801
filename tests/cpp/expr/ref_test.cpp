#include "apportion/expr/ref.hpp"

#include <gtest/gtest.h>

namespace apportion {
namespace {

TEST(Ref, NamesOfTypesAndReadsAreThoseOfMessages) {
  EXPECT_EQ(type_name(ValueType::kNumber), "number");
  EXPECT_EQ(type_name(ValueType::kVector), "vector");
  EXPECT_EQ(read_name(Read::kRow), "row");
  EXPECT_EQ(read_name(Read::kTime), "time");
}

TEST(Ref, EqualInEveryMember) {
  const Ref ref{Read::kRow, ValueType::kNumber, 3, false};
  EXPECT_EQ(ref, (Ref{Read::kRow, ValueType::kNumber, 3, false}));
  EXPECT_NE(ref, (Ref{Read::kGroup, ValueType::kNumber, 3, false}));
  EXPECT_NE(ref, (Ref{Read::kRow, ValueType::kString, 3, false}));
  EXPECT_NE(ref, (Ref{Read::kRow, ValueType::kNumber, 4, false}));
  EXPECT_NE(ref, (Ref{Read::kRow, ValueType::kNumber, 3, true}));
}

}  // namespace
}  // namespace apportion
