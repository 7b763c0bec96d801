// Many requests as columns: the same answers as one by one, checked before anything is decided.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "request_lists.hpp"

namespace apportion {
namespace {

using Booleans = TableColumn::Booleans;
using Integers = TableColumn::Integers;

constexpr const char* kTwoTypes =
    "{'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}, 'policy': 'least_utilised'},"
    " 'seat': {'dimensions': {'gb': {}}, 'policy': 'last'}}}";

Table answers_of(Pool& pool, const RequestColumns& columns) {
  const Result<Table> answers = pool.allocate_many(columns);
  if (!answers) ADD_FAILURE() << answers.error().text();
  return answers ? *answers : Table{};
}

std::vector<ClaimId> claims_of(const Table& answers) {
  std::vector<ClaimId> claims;
  for (std::size_t i = 0; i < answers.rows; ++i) {
    if (values<Booleans>(answers, "granted")[i] == 0) continue;
    claims.push_back({static_cast<std::uint32_t>(values<Integers>(answers, "slot")[i]),
                      static_cast<std::uint32_t>(values<Integers>(answers, "generation")[i])});
  }
  return claims;
}

TEST(AllocateMany, DecidesEachOnItsOwn) {
  const auto pool = disks({10});
  const std::array<std::int64_t, 4> gb = {6, 6, 4, 11};
  const Table answers = answers_of(*pool, disk_requests({"a", "b", "c", "d"}, gb));
  EXPECT_EQ(values<Booleans>(answers, "granted"), (Booleans{1, 0, 1, 0}));
  const auto& instances = values<PackedTexts>(answers, "instance");
  EXPECT_EQ(instances[0], "d1");
  EXPECT_EQ(instances[1], "");
  EXPECT_EQ(column(answers, "instance")->valid, (Booleans{1, 0, 1, 0}));
  const auto& denials = values<PackedTexts>(answers, "denial");
  EXPECT_EQ(denials[0], "");
  EXPECT_EQ(denials[1], "not_now");  // 6 + 6 > 10
  EXPECT_EQ(denials[3], "never");    // 11 > 10
  EXPECT_EQ(answers.revision, pool->revision().text());
}

TEST(AllocateMany, NoRowsAreNoRequest) {
  const auto pool = disks({10});
  const Table answers = answers_of(*pool, {});
  EXPECT_EQ(answers.rows, 0);
  EXPECT_EQ(answers.columns.size(), 5);
}

TEST(AllocateMany, ABadRowLeavesNothingHalfDone) {
  const auto pool = disks({10});
  const Hash128 hash = pool->hash();
  const auto refused = [&](const RequestColumns& columns) {
    const std::string error = error_of(pool->allocate_many(columns));
    EXPECT_EQ(pool->hash(), hash);
    return error;
  };
  const std::array<std::int64_t, 2> ones = {1, 1};
  const std::array<std::int64_t, 2> negative = {1, -1};
  EXPECT_TRUE(refused(disk_requests({"a", ""}, ones)).starts_with("requests[1].consumer: a consumer's id"));
  EXPECT_EQ(refused(disk_requests({"a", "b"}, negative)),
            "requests[1].amounts.gb: -1 is negative; quantities start at 0");
  RequestColumns columns = disk_requests({"a", "b"}, ones);
  columns.type = TextColumn(Texts{"disk", "dsk"});
  EXPECT_EQ(refused(columns), "requests[1].type: there is no type 'dsk'; did you mean 'disk'?");
  columns = disk_requests({"a", "b"}, ones);
  columns.policy = TextColumn(Texts{"", "frist"});
  EXPECT_TRUE(refused(columns).starts_with("requests[1].policy: there is no policy 'frist'"));
  columns = disk_requests({"a", "b"}, ones);
  columns.count = {1, 0};
  EXPECT_EQ(refused(columns), "requests[1].count: count is 0, expected 1 to 100000");
  const std::array<double, 2> strange = {1, std::nan("")};
  columns.count.clear();
  columns.amounts = {{"gb", std::span<const double>(strange)}};
  EXPECT_EQ(refused(columns), "requests[1].gb: NaN is not a quantity; give a number");
}

TEST(AllocateMany, NumbersBetweenTheExtremesOfAColumnMayBeOfSeveralTypes) {
  // 2^53 - 1 GB are too many steps of 0.5 for a disk, but not too many seats.
  const auto pool = make_pool(kTwoTypes);
  ASSERT_TRUE(pool->add(instance("s", "seat", {{"gb", dec(5)}})));
  const std::array<std::int64_t, 2> gb = {3, kMaxSteps};
  RequestColumns columns = disk_requests({"a", "b"}, gb);
  columns.type = TextColumn(Texts{"disk", "seat"});
  const Table answers = answers_of(*pool, columns);
  EXPECT_EQ(values<PackedTexts>(answers, "denial")[0], "never");
  EXPECT_EQ(values<PackedTexts>(answers, "denial")[1], "never");
}

TEST(AllocateMany, KeysAreAnsweredOnce) {
  const auto pool = disks({10});
  const std::array<std::int64_t, 2> differ = {1, 2};
  RequestColumns columns = disk_requests({"a", "a"}, differ);
  columns.key = TextColumn("new");
  const Hash128 hash = pool->hash();
  EXPECT_EQ(error_of(pool->allocate_many(columns)), "requests[1].key: the key 'new' was used for another request");
  EXPECT_EQ(pool->hash(), hash);
  const std::array<std::int64_t, 2> same = {1, 1};
  columns.amounts = {{"gb", std::span<const std::int64_t>(same)}};
  const std::vector<ClaimId> claims = claims_of(answers_of(*pool, columns));
  ASSERT_EQ(claims.size(), 2);
  EXPECT_EQ(claims[0], claims[1]);
}

struct Rows : RequestLists {
  explicit Rows(std::size_t rows) {
    std::mt19937_64 random(7);
    for (std::size_t i = 0; i < rows; ++i) {
      consumers.push_back("c" + std::to_string(random() % 20));
      types.emplace_back(random() % 2 == 0 ? "disk" : "seat");
      policies.emplace_back(std::array{"", "first", "balance"}[random() % 3]);
      filters.emplace_back(random() % 3 == 0 ? "self.location == 'x'" : "");
      counts.push_back(static_cast<std::uint32_t>(1 + random() % 3));
      gb.push_back(static_cast<double>(random() % 40) / 10);
    }
  }
};

TEST(AllocateMany, AnswersAsOneByOne) {
  const auto pool = make_pool(kTwoTypes);
  for (int i = 0; i < 12; ++i) {
    InstanceSpec spec = instance("i" + std::to_string(i), i % 2 == 0 ? "disk" : "seat", {{"gb", dec(20 + i)}});
    spec.location = i % 3 == 0 ? "x" : "y";
    ASSERT_TRUE(pool->add(spec));
  }
  const auto twin = pool->fork();
  const Rows rows(300);
  const Table answers = answers_of(*pool, rows.columns());
  std::size_t granted = 0;
  for (std::size_t i = 0; i < answers.rows; ++i) {
    const Outcome one = twin->allocate(rows.request(i)).value();
    const Grant* grant = std::get_if<Grant>(&one);
    ASSERT_EQ(values<Booleans>(answers, "granted")[i] != 0, grant != nullptr) << i;
    if (grant == nullptr) continue;
    ++granted;
    ASSERT_EQ(values<PackedTexts>(answers, "instance")[i], instances_of(*twin, *grant).front()) << i;
  }
  EXPECT_GT(granted, 50);
  EXPECT_LT(granted, 300);
  EXPECT_EQ(pool->hash(), twin->hash());
  ASSERT_TRUE(pool->release_grants(claims_of(answers)));
  EXPECT_EQ(pool->claims().rows, 0) << "whole grants, though an answer names one claim of each";
}

TEST(ReleaseGrants, EndsAllOrNone) {
  const auto pool = disks({10, 10});
  const std::vector<ClaimId> claims = {grant(*pool, ask_gb("a", 1, 2)).claims[1].claim,
                                       grant(*pool, ask_gb("b", 1)).claims[0].claim};
  const Hash128 hash = pool->hash();
  EXPECT_EQ(pool->release_grants(std::array{claims[0], ClaimId{9, 0}}).error().code, ErrorCode::kStale);
  EXPECT_EQ(pool->release_grants(std::array{claims[1], claims[1]}).error().code, ErrorCode::kStale) << "twice";
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_TRUE(pool->release_grants({}));
  EXPECT_TRUE(pool->release_grants(claims));
  EXPECT_EQ(pool->claims().rows, 0);
}

}  // namespace
}  // namespace apportion
