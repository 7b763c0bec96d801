#include "apportion/inventory/touch_log.hpp"

#include <gtest/gtest.h>

namespace apportion {
namespace {

TEST(TouchLog, NothingIsKeptUntilSomebodyWatches) {
  TouchLog touched;
  Transaction log;
  touched.add_claimed(log, 3);
  EXPECT_EQ(touched.end(), 0U);
}

// Who begins to watch amid an update has read rows as the update left them.
TEST(TouchLog, ARollbackTouchesWhatWasWrittenBeforeAnybodyWatched) {
  TouchLog touched;
  Transaction log;
  touched.add_claimed(log, 3);
  const std::uint64_t seen = touched.watch();
  log.rollback();
  ASSERT_EQ(touched.end(), seen + 1);
  EXPECT_EQ(touched[seen], 3U);
}

TEST(TouchLog, CountsWhatIsSaidAndTakenBackWatchedOrNot) {
  for (const bool watched : {false, true}) {
    TouchLog touched;
    if (watched) static_cast<void>(touched.watch());
    Transaction log;
    touched.add(log, 3);
    touched.add_claimed(log, 3);
    touched.add_measured(log, 3);
    EXPECT_EQ(touched.said(), 1U);
    log.rollback();
    EXPECT_EQ(touched.said(), 2U);
    EXPECT_EQ(touched.end(), watched ? 6U : 0U);
  }
}

TEST(TouchLog, ARollbackTouchesAgain) {
  TouchLog touched;
  Transaction log;
  EXPECT_EQ(touched.watch(), 0U);
  touched.add(log, 3);
  touched.add(log, 4);
  log.rollback();
  ASSERT_EQ(touched.end(), 4U);
  EXPECT_EQ(touched[0], 3U);
  EXPECT_EQ(touched[1], 4U);
  EXPECT_EQ(touched[2], 4U);
  EXPECT_EQ(touched[3], 3U);
}

TEST(TouchLog, ForgetsTheOldest) {
  TouchLog touched;
  Transaction log(Transaction::Keep::kForget);
  static_cast<void>(touched.watch());
  for (std::uint32_t row = 0; row <= TouchLog::kKept; ++row) touched.add(log, row);
  EXPECT_FALSE(touched.reaches(0));
  EXPECT_TRUE(touched.reaches(1));
  EXPECT_EQ(touched[1], 1U);
  EXPECT_EQ(touched[TouchLog::kKept], TouchLog::kKept);
}

TEST(TouchLog, ACopyIsAnotherLogThatNobodyWatches) {
  TouchLog touched;
  Transaction log;
  static_cast<void>(touched.watch());
  touched.add(log, 1);
  TouchLog copy(touched);
  EXPECT_NE(copy.identity(), touched.identity());
  copy.add(log, 2);
  EXPECT_EQ(copy.end(), 0U);
  log.commit();
}

}  // namespace
}  // namespace apportion
