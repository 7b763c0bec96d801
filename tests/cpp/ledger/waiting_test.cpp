#include "apportion/ledger/waiting.hpp"

#include <gtest/gtest.h>

#include "catalog/json_tree.hpp"

namespace apportion {
namespace {

TEST(Waiting, KeepsWhatIsPendingAndDealsOutTickets) {
  Transaction log;
  Waiting waiting;
  Waiting::Row row;
  row.claim = 7, row.version = 1, row.patience = 5;
  const Steps amounts[] = {3};
  const ClaimId beside[] = {{1, 2}, {0xfffffffe, 0xffffffff}};
  const std::uint32_t first = waiting.add(log, row, beside, amounts, false);
  const std::uint32_t second = waiting.add(log, row, {}, amounts, true);
  EXPECT_EQ(waiting.count(), 2U);
  EXPECT_EQ(waiting.row(first).ticket, 1U);
  EXPECT_EQ(waiting.row(second).ticket, 2U);
  EXPECT_EQ(waiting.beside(waiting.row(first)), (std::vector<ClaimId>{{1, 2}, {0xfffffffe, 0xffffffff}}));
  EXPECT_EQ(waiting.queue(0), nullptr);
  ASSERT_NE(waiting.queue(1), nullptr);
  EXPECT_EQ(waiting.queue(1)->first(0, {})->row, first);
  EXPECT_EQ(waiting.queue(1)->first(0, {})->sort, 0U);
  EXPECT_EQ(waiting.queue(1)->first(1, {})->sort, WaitingQueue::kNoSort) << "others may decide what serves it";
  const Transaction::Mark mark = log.mark();
  waiting.remove(log, first);
  EXPECT_EQ(waiting.queue(1)->first(0, {})->row, second);
  EXPECT_EQ(waiting.add(log, row, {}, amounts, true), first) << "a free row is used again";
  EXPECT_EQ(waiting.row(first).ticket, 3U) << "and a ticket never";
  log.rollback(mark);
  EXPECT_EQ(waiting.queue(1)->first(0, {})->row, first);
  EXPECT_EQ(waiting.next_ticket(), 3U);
}

TEST(Waiting, TurnoverIsTheMeanOfTheLastClaims) {
  Transaction log;
  Waiting waiting;
  EXPECT_EQ(waiting.hash(), Hash128{});
  waiting.observe(log, 2, 100);
  EXPECT_EQ(waiting.turnover(2), (Waiting::Turnover{1, 100}));
  waiting.observe(log, 2, 50);
  EXPECT_EQ(waiting.turnover(2), (Waiting::Turnover{2, 75})) << "100 - 50 / 2";
  for (int i = 0; i < 400; ++i) waiting.observe(log, 2, 3200);
  EXPECT_GT(waiting.turnover(2).mean, 3160) << "what was before fades: a new one counts 1 of 32";
  EXPECT_EQ(waiting.turnover(0), Waiting::Turnover{});
  Writer writer;
  waiting.encode(writer);
  Waiting copy;
  Reader reader(writer.bytes());
  ASSERT_TRUE(copy.decode(reader, 3, log).has_value());
  EXPECT_EQ(copy.hash(), waiting.hash());
  Reader few(writer.bytes());
  EXPECT_TRUE(Waiting().decode(few, 2, log).has_error()) << "of a version that there is not";
}

}  // namespace
}  // namespace apportion
