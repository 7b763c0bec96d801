// Complaint: an instance that goes offline after marking releases the mark with its reason.
#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

InstanceSpec with_status(const char* id, const char* status) {
  InstanceSpec spec;
  spec.id = id;
  spec.state = {{"status", Node(status)}};
  return spec;
}

Request mark_gb(std::string consumer, int gb, std::uint32_t count = 1) {
  Request request = ask_gb(std::move(consumer), gb, count);
  request.mark = true;
  request.expires = 1000;
  return request;
}

TEST(Withdraw, AMarkGoesWithItsInstanceAndSaysWhy) {
  for (const char* status : {"offline", "draining"}) {
    const auto pool = disks({10, 10});
    const Grant claim = grant(*pool, ask_gb("a", 2));
    const Grant mark = grant(*pool, mark_gb("b", 3));
    const Grant both = grant(*pool, mark_gb("c", 1, 2));
    ASSERT_EQ(error_of(pool->change(with_status("d1", status))), "");
    EXPECT_TRUE(pool->find_grant(ids_of(claim)[0])) << "what is claimed stays";
    EXPECT_EQ(error_of(pool->commit(ids_of(mark))),
              "claim 1.0 is gone: it was released or it expired: the mark was withdrawn, as 'd1' went out of service: "
              "status is " +
                  std::string(status));
    EXPECT_TRUE(pool->find_grant(ids_of(both)[1])) << "the other part of it is where it was";
    EXPECT_TRUE(pool->commit({ids_of(both)[1]}).has_value());
    EXPECT_NE(journal_text(*pool).find("\"withdraw\": [\"1.0\", \"2.0\"], \"reason\": \"'d1' went out of service"),
              std::string::npos)
        << journal_text(*pool);
    EXPECT_EQ((*pool->at(pool->revision().number))->hash(), pool->hash());
    EXPECT_EQ(restored(*pool)->hash(), pool->hash());
  }
}

TEST(Withdraw, OfDocumentsAndOfSeveralAtOnce) {
  const auto pool = disks({10, 10, 10},
                          "{'types': {'disk': {'dimensions': {'gb': {}}, 'state': {'locked': {'kind': 'boolean', "
                          "'allow': [false], 'default': false}}}}}");
  const Grant three = grant(*pool, mark_gb("b", 3, 3));
  ASSERT_EQ(error_of(pool->change(std::vector{with_status("d1", "offline"), with_status("d2", "online")})), "");
  EXPECT_EQ(pool->claims().rows, 2U);
  apply_document(*pool, "{'instances': [{'id': 'd3', 'type': 'disk', 'state': {'locked': true}}]}");
  EXPECT_EQ(pool->claims().rows, 1U);
  EXPECT_TRUE(error_of(pool->commit(ids_of(three))).ends_with("went out of service: status is offline"));
  EXPECT_TRUE(error_of(pool->commit({ids_of(three)[2]})).ends_with("'d3' went out of service: locked is true"));
  ASSERT_EQ(error_of(pool->release({ids_of(three)[1]})), "");
  EXPECT_EQ(error_of(pool->commit({ids_of(three)[1]})), "claim 1.0 is gone: it was released or it expired");
}

TEST(Withdraw, AFailedChangeWithdrawsNothing) {
  const auto pool = disks({10});
  const Grant mark = grant(*pool, mark_gb("b", 3));
  const Hash128 before = pool->hash();
  EXPECT_TRUE(pool->change(std::vector{with_status("d1", "offline"), with_status("d9", "offline")}).has_error());
  EXPECT_EQ(pool->hash(), before);
  EXPECT_TRUE(pool->commit(ids_of(mark)).has_value());
}

}  // namespace
}  // namespace apportion
