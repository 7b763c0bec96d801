#include <gtest/gtest.h>

#include "waiting_pool.hpp"

namespace apportion {
namespace {

TEST(Grants, TellOfClaimsAsTheyAreNow) {
  const auto pool = make_pool(kUpload);
  const Grant bob = grant(*pool, ask_line("bob", 60));
  EXPECT_EQ(bob.claims[0].amounts(), (std::vector<std::pair<std::string, double>>{{"mbit", 60}}));
  EXPECT_EQ(bob.claims[0].type(), "channel");
  const Grant ada = grant(*pool, ask_upload("ada"));
  EXPECT_EQ(ada.claims[1].type(), "channel");
  EXPECT_EQ(ada.claims[1].amounts()[0].second, 100) << "of what is pending too";
  EXPECT_EQ(pool->places_of(ada)[1].instance, "");
  EXPECT_EQ(pool->places_of(ada)[1].role, "upload@1/line");
  const Grant again = pool->find_grant(ada.claims[1].claim).value();
  EXPECT_EQ(again.claims[0].pending->deadline, ada.claims[1].pending->deadline);
  EXPECT_EQ(again.claims[0].pending->expected, ada.claims[1].pending->expected);
  EXPECT_EQ(again.revision.number, ada.revision.number);
  ASSERT_TRUE(pool->resize(bob.claims[0].claim, {{"mbit", dec(1)}}).has_value());
  EXPECT_EQ(pool->find_grant(bob.claims[0].claim)->claims[0].amounts()[0].second, 1);
  ASSERT_TRUE(pool->release(ids_of(bob)).has_value());
  EXPECT_FALSE(pool->find_grant(ada.claims[1].claim)->claims[0].pending);
  EXPECT_EQ(error_of(pool->find_grant(bob.claims[0].claim)), "claim 0.0 is gone: it was released or it expired");
}

}  // namespace
}  // namespace apportion
