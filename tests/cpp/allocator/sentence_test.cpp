#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

TEST(Sentence, NamesTheStageTheSumAndTheClass) {
  const auto pool = disks({10, 20});
  grant(*pool, ask_gb("ada", 8));
  EXPECT_EQ(
      denial(*pool, ask_gb("bob", 21)).message,
      "stage 'capacity' (gb 21) leaves none of 2 candidates; gb 21 > largest limit 20; 30 in all on 2 instances; an "
      "empty pool could not serve it either");
  EXPECT_EQ(
      denial(*pool, ask_gb("bob", 5, 2)).message,
      "2 instances are asked for and 1 can serve; gb 5 is free on 1; 22 free in all on 2 instances; there is enough "
      "in sum, but not in one place");
}

TEST(Sentence, AnEmptyTypeHasNoStages) {
  const auto pool = make_pool(kDiskType);
  EXPECT_EQ(denial(*pool, ask_gb("bob", 1)).message, "the pool has no 'disk'; an empty pool could not serve it either");
}

}  // namespace
}  // namespace apportion
