// Claims on a named instance: the same as a filter that only this instance passes.
#include <gtest/gtest.h>

#include "random_pool.hpp"

namespace apportion {
namespace {

std::string answer(const Pool& pool, const Result<Outcome>& outcome) {
  if (!outcome) return "error " + outcome.error().text();
  if (const Denial* denial = std::get_if<Denial>(&*outcome)) return to_json(to_node(*denial));
  const Grant& grant = std::get<Grant>(*outcome);
  std::string line = grant.revision.text() + " " + grant.consumer;
  const std::vector<std::string> ids = instances_of(pool, grant);
  for (std::size_t i = 0; i < ids.size(); ++i) line += " " + ids[i] + " " + std::to_string(grant.claims[i].claim.slot);
  return line;
}

std::string placed(Pool& pool, std::string_view instance, const Request& request) {
  return answer(pool, pool.place(instance, request));
}

TEST(PoolPlace, TakesTheNamedInstanceWhateverThePolicyPrefers) {
  const auto pool = disks({10, 20, 30});
  Request request = ask_gb("ada", 4);
  request.policy = "first";
  const Result<Outcome> outcome = pool->place("d3", request);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(instances_of(*pool, std::get<Grant>(*outcome)), std::vector<std::string>{"d3"});
  EXPECT_EQ(chosen(*pool, request), "d1");
}

TEST(PoolPlace, IsDeniedWhatDoesNotFitThereAndSaysSo) {
  const auto pool = disks({10, 20});
  ASSERT_EQ(placed(*pool, "d1", ask_gb("ada", 7)), "0.0.8 ada d1 0");
  const Hash128 hash = pool->hash();
  const Result<Outcome> outcome = pool->place("d1", ask_gb("bob", 4));  // 7 + 4 > 10, although d2 has 20
  ASSERT_TRUE(outcome && std::holds_alternative<Denial>(*outcome));
  const Denial& denial = std::get<Denial>(*outcome);
  EXPECT_EQ(denial.denial_class, DenialClass::kNotNow);
  EXPECT_EQ(denial.stages.back().after, 0U);
  EXPECT_EQ(pool->hash(), hash);
}

TEST(PoolPlace, NeedsAnInstanceThatExists) {
  const auto pool = disks({10});
  EXPECT_EQ(error_of(pool->place("d2", ask_gb("ada", 1))), "instance: there is no instance 'd2'");
  EXPECT_EQ(pool->place("d2", ask_gb("ada", 1)).error().code, ErrorCode::kUnknown);
}

TEST(PoolPlace, AnIdMayHoldQuotesAndBackslashes) {
  const auto pool = make_pool(kDiskType);
  for (const char* id : {R"(a"b)", R"(c\d)", R"(e'f)"}) {
    ASSERT_EQ(error_of(pool->add(instance(id, "disk", {{"gb", dec(9)}}))), "");
    const Result<Outcome> outcome = pool->place(id, ask_gb("ada", 1));
    ASSERT_TRUE(outcome.has_value()) << error_of(outcome);
    EXPECT_EQ(instances_of(*pool, std::get<Grant>(*outcome)), std::vector<std::string>{id});
  }
}

TEST(PoolPlace, AKeyStandsForTheInstanceToo) {
  const auto pool = disks({10, 10});
  Request request = ask_gb("ada", 1);
  request.key = "k";
  EXPECT_EQ(placed(*pool, "d2", request), "0.0.8 ada d2 0");
  EXPECT_EQ(placed(*pool, "d2", request), "0.0.8 ada d2 0") << "the same answer, no second claim";
  EXPECT_EQ(pool->place("d1", request).error().code, ErrorCode::kIdempotency);
}

Request random_request(std::mt19937_64& random) {
  static const std::vector<std::string> policies{"", "", "closest_capacity", "round", "dice", "fast", "calm"};
  static const std::vector<std::string> filters{"", "", "self.claims < 3", "self.location == 'z1' || self.claims == 0"};
  Request request;
  request.type = random() % 2 == 0 ? "disk" : "node";
  request.amounts = {{request.type == "disk" ? "gb" : "cpu", Decimal(static_cast<std::int64_t>(random() % 5))}};
  if (random() % 6 == 0) request.type.clear();
  request.consumer = "c" + std::to_string(random() % 12);
  request.policy = policies[random() % policies.size()];
  request.where = filters[random() % filters.size()];
  request.count = random() % 9 == 0 ? 2 : 1;
  if (random() % 5 == 0) request.key = "p" + std::to_string(random() % 6);
  return request;
}

// Two forks of pools with everything on: one places, the other allocates by filter.
TEST(PoolPlace, EqualsAFilterForTheInstance) {
  std::mt19937_64 random(11);
  std::size_t granted = 0, denied = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Client client(make_pool(kEverything), seed);
    for (int round = 0; round < 40; ++round) {
      for (int step = 0; step < 10; ++step) client.step();
      const Table table = client.pool().instances();
      if (table.rows == 0) continue;
      const std::string id = values<TableColumn::Texts>(table, "id")[random() % table.rows];
      const Request request = random_request(random);
      Request filtered = request;
      filtered.where = "self.id == \"" + id + "\"" + (request.where.empty() ? "" : " && (" + request.where + ")");
      const auto fast = client.pool().fork();
      const auto slow = client.pool().fork();
      const std::string expected = answer(*slow, slow->allocate(filtered));
      ASSERT_EQ(placed(*fast, id, request), expected);
      ASSERT_EQ(fast->snapshot(), slow->snapshot());
      granted += expected.starts_with("0.") ? 1 : 0;
      denied += expected.starts_with("{") ? 1 : 0;
    }
  }
  EXPECT_GT(granted, 30U);
  EXPECT_GT(denied, 30U);
}

}  // namespace
}  // namespace apportion
