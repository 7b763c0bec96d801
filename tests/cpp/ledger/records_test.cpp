#include "apportion/ledger/records.hpp"

#include <gtest/gtest.h>

#include <random>

namespace apportion {
namespace {

using Random = std::mt19937_64;

RequestRecord random_request(Random& random) {
  RequestRecord request;
  request.version = static_cast<VersionId>(random() % 5);
  request.amounts.resize(random() % 4);
  for (Steps& steps : request.amounts) steps = static_cast<Steps>(random() % 1000);
  request.count = static_cast<std::uint32_t>(1 + random() % 3);
  request.consumer = "consumer " + std::to_string(random() % 100);
  if (random() % 2 == 0) request.where = "used.gb > 1";
  if (random() % 2 == 0) request.policy = "last";
  if (random() % 2 == 0) request.starts = 17;
  if (random() % 2 == 0) request.ends = 99;
  request.mark = random() % 2 == 0;
  if (random() % 2 == 0) request.expires = 55;
  if (random() % 2 == 0) request.key = {{random() | 1, random()}, random()};
  return request;
}

void expect_equal(const RequestRecord& a, const RequestRecord& b) {
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.amounts, b.amounts);
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.consumer, b.consumer);
  EXPECT_EQ(a.where, b.where);
  EXPECT_EQ(a.policy, b.policy);
  EXPECT_EQ(a.starts, b.starts);
  EXPECT_EQ(a.ends, b.ends);
  EXPECT_EQ(a.expires, b.expires);
  EXPECT_EQ(a.mark, b.mark);
  EXPECT_EQ(a.key, b.key);
}

TEST(Records, MoreAmountsThanDimensionsCanBeAreDamage) {
  Writer writer;
  writer.put(std::uint8_t{0}).put(VersionId{0}).put(std::uint32_t{1}).put(std::uint8_t{kMaxDimensions + 1});
  for (std::size_t d = 0; d < 100; ++d) writer.put(Steps{1});
  Reader reader(writer.bytes());
  static_cast<void>(decode_grant(reader));
  EXPECT_TRUE(reader.failed());
}

TEST(Records, GrantsReadAsTheyWereWritten) {
  Random random(1);
  for (int round = 0; round < 500; ++round) {
    GrantRecord grant{random_request(random), random() % 2 == 0 ? random() : 0, {}};
    for (std::uint32_t i = 0; i < grant.request.count; ++i) {
      ClaimEffect effect{{1, i}, {i, 7}, grant.request.amounts};
      if (random() % 2 == 0) effect.amounts.assign(random() % 4, 5);  // of a version with other steps
      grant.claims.push_back(effect);
    }
    Writer writer;
    encode(writer, grant);
    Reader reader(writer.bytes());
    const GrantRecord read = decode_grant(reader);
    ASSERT_TRUE(reader.complete());
    expect_equal(read.request, grant.request);
    EXPECT_EQ(read.cursor, grant.cursor);
    ASSERT_EQ(read.claims.size(), grant.claims.size());
    for (std::size_t i = 0; i < read.claims.size(); ++i) {
      EXPECT_EQ(read.claims[i].instance, grant.claims[i].instance);
      EXPECT_EQ(read.claims[i].claim, grant.claims[i].claim);
      EXPECT_EQ(read.claims[i].amounts, grant.claims[i].amounts);
    }
    for (std::size_t size = 0; size < writer.bytes().size(); ++size) {
      Reader cut(std::string_view(writer.bytes()).substr(0, size));
      static_cast<void>(decode_grant(cut));
      ASSERT_TRUE(cut.failed()) << size;
    }
  }
}

TEST(Records, DenialsAndClaimsReadAsTheyWereWritten) {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    const DenialRecord denial{random_request(random), DenialClass::kFragmented};
    Writer writer;
    encode(writer, denial);
    Reader reader(writer.bytes());
    const DenialRecord read = decode_denial(reader);
    ASSERT_TRUE(reader.complete());
    expect_equal(read.request, denial.request);
    EXPECT_EQ(read.denial_class, DenialClass::kFragmented);
  }
  const std::vector<ClaimId> claims{{1, 2}, {3, 4}};
  Writer writer;
  encode(writer, claims);
  Reader reader(writer.bytes());
  EXPECT_EQ(decode_claims(reader), claims);
  EXPECT_TRUE(reader.complete());
}

TEST(Records, AUsualGrantIsSmall) {
  GrantRecord grant;
  grant.request.consumer = "alice";
  grant.request.amounts = {5};
  grant.request.starts = 1;
  grant.claims = {{{0, 1}, {2, 0}, {5}}};
  Writer writer;
  encode(writer, grant);
  // flags 1, version 4, count 4, amounts 1 + 8, consumer 4 + 5, times 3 x 8, cursor 8, claims 4, a claim 16 + 1
  EXPECT_EQ(writer.bytes().size(), 1U + 4 + 4 + 9 + 9 + 24 + 8 + 4 + 17);
}

}  // namespace
}  // namespace apportion
