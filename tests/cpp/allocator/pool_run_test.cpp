// Requests and releases in one call: the same changes as one by one, and misuse is found before anything happens.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "apportion/base/node.hpp"
#include "request_lists.hpp"

namespace apportion {
namespace {

using Booleans = TableColumn::Booleans;
using Integers = TableColumn::Integers;

constexpr Time kSecond = 1'000'000'000;

Table run(Pool& pool, const RequestColumns& requests, const std::vector<std::int64_t>& order,
          const std::vector<Time>& times = {}) {
  const Result<Table> answers = pool.run(requests, {order, times});
  if (!answers) ADD_FAILURE() << answers.error().text();
  return answers ? *answers : Table{};
}

TEST(Run, ReleasesWhereARowStandsAgain) {
  const auto pool = disks({10});
  const std::array<std::int64_t, 4> gb = {6, 6, 6, 11};
  // a has 6 of 10: b is denied, and its release is no event; c comes when a has left.
  const Table answers = run(*pool, disk_requests({"a", "b", "c", "d"}, gb), {0, 1, 1, 0, 2, 3, 3});
  EXPECT_EQ(values<Booleans>(answers, "granted"), (Booleans{1, 0, 1, 0}));
  EXPECT_EQ(column(answers, "slot")->valid, (Booleans{1, 0, 1, 0}));
  EXPECT_EQ(values<PackedTexts>(answers, "instance")[0], "d1") << "also of one that has left";
  EXPECT_EQ(values<PackedTexts>(answers, "denial")[1], "not_now");
  EXPECT_EQ(values<PackedTexts>(answers, "denial")[3], "never");
  EXPECT_EQ(values<TableColumn::Texts>(pool->claims(), "consumer"), (TableColumn::Texts{"c"}));
  EXPECT_EQ(answers.revision, pool->revision().text());
}

TEST(Run, RowsNeedNotComeInTheirOrder) {
  const auto pool = disks({10});
  const std::array<std::int64_t, 3> gb = {6, 5, 4};
  const Table answers = run(*pool, disk_requests({"a", "b", "c"}, gb), {2, 1, 0});
  EXPECT_EQ(values<Booleans>(answers, "granted"), (Booleans{0, 1, 1}));
}

TEST(Run, NothingIsNoEvent) {
  const auto pool = disks({10});
  const Hash128 hash = pool->hash();
  EXPECT_EQ(run(*pool, {}, {}).columns.size(), 5);
  EXPECT_EQ(pool->hash(), hash);
}

TEST(Run, TheClockGoesToEachEvent) {
  const auto pool = disks({10});
  Request early = ask_gb("early", 5);
  early.ends = 5 * kSecond;
  static_cast<void>(grant(*pool, early));
  const std::array<std::int64_t, 3> gb = {6, 6, 6};
  const Table answers =
      run(*pool, disk_requests({"a", "b", "c"}, gb), {0, 1, 1, 2}, {0, 5 * kSecond, 7 * kSecond, 7 * kSecond});
  EXPECT_EQ(values<Booleans>(answers, "granted"), (Booleans{0, 1, 1})) << "the early claim has ended at 5 s";
  EXPECT_EQ(pool->now(), 7 * kSecond);
}

TEST(Run, MisuseIsRefusedBeforeAnythingHappens) {
  const auto pool = disks({10});
  ASSERT_TRUE(pool->tick(3 * kSecond));
  const std::array<std::int64_t, 3> gb = {1, 1, 1};
  RequestColumns requests = disk_requests({"a", "b", "c"}, gb);
  const Hash128 hash = pool->hash();
  const auto refused = [&](const std::vector<std::int64_t>& order, const std::vector<Time>& times = {}) {
    const std::string error = error_of(pool->run(requests, {order, times}));
    EXPECT_EQ(pool->hash(), hash);
    EXPECT_EQ(pool->now(), 3 * kSecond);
    return error;
  };
  EXPECT_EQ(refused({0, 1, 3}), "order[2]: row 3 of 3 requests");
  EXPECT_EQ(refused({0, -1}), "order[1]: row -1 of 3 requests");
  EXPECT_EQ(refused({0, 0, 1, 0}),
            "order[3]: row 0 stands in the order for the third time: the first asks for it, the second releases what "
            "it was granted");
  EXPECT_EQ(refused({0, 2}), "requests[1]: the order does not name this row");
  EXPECT_EQ(refused({}), "requests[0]: the order does not name this row");
  EXPECT_EQ(refused({0, 1, 2}, {4 * kSecond}), "times: there are 3 events and 1 times; each event has one");
  EXPECT_EQ(refused({0, 1, 2}, {2 * kSecond, 4 * kSecond, 4 * kSecond}), "times[0]: time cannot go back");
  EXPECT_EQ(refused({0, 1, 2}, {4 * kSecond, 5 * kSecond, 4 * kSecond}), "times[2]: time cannot go back");
  requests.consumer = TextColumn(Texts{"a", "", "c"});
  EXPECT_TRUE(refused({0, 1, 2}).starts_with("requests[1].consumer: a consumer's id"));
}

TEST(Run, TheMachinesClockGoesByItself) {
  const auto pool = std::make_shared<Pool>();
  apply_document(*pool, kDiskType);
  const std::array<std::int64_t, 1> gb = {1};
  const std::vector<std::int64_t> order = {0, 0};
  const std::vector<Time> times = {0, 0};
  EXPECT_TRUE(error_of(pool->run(disk_requests({"a"}, gb), {order, times})).starts_with("times: this pool follows"));
  EXPECT_EQ(run(*pool, disk_requests({"a"}, gb), order).rows, 1);
}

TEST(Run, RowsOfOneKeyShareAGrant) {
  const auto pool = disks({10});
  const std::array<std::int64_t, 3> gb = {4, 4, 4};
  RequestColumns requests = disk_requests({"a", "a", "b"}, gb);
  requests.key = TextColumn(Texts{"k", "k", ""});
  const Hash128 hash = pool->hash();
  const auto refused = [&](const std::vector<std::int64_t>& order) {
    const std::string error = error_of(pool->run(requests, {order, {}}));
    EXPECT_EQ(pool->hash(), hash);
    return error;
  };
  const std::string rule = ": order[1] releases what the key 'k' was answered with; no later event may use it";
  EXPECT_EQ(refused({0, 0, 1, 2}), "order[2]" + rule) << "asked for again";
  EXPECT_EQ(refused({0, 0, 2, 1}), "order[3]" + rule);
  const std::string later = ": order[2] releases what the key 'k' was answered with; no later event may use it";
  EXPECT_EQ(refused({0, 1, 0, 1, 2}), "order[3]" + later) << "released twice";
  requests.key = TextColumn(Texts{"k", "", "k"});
  EXPECT_EQ(refused({0, 2, 1}), "requests[2].key: the key 'k' was used for another request");
  requests.key = TextColumn(Texts{"k", "k", ""});
  const Table answers = run(*pool, requests, {0, 1, 2, 1});
  EXPECT_EQ(values<Integers>(answers, "slot")[0], values<Integers>(answers, "slot")[1]);
  EXPECT_EQ(values<TableColumn::Texts>(pool->claims(), "consumer"), (TableColumn::Texts{"b"}));
}

TEST(Run, AGrantThatEndsMeanwhileIsFoundOutAtItsTurn) {
  const auto pool = disks({10});
  Request before = ask_gb("a", 4);
  before.key = "k";
  before.ends = 5 * kSecond;
  static_cast<void>(grant(*pool, before));
  const std::array<std::int64_t, 2> gb = {4, 1};
  RequestColumns requests = disk_requests({"a", "b"}, gb);
  requests.key = TextColumn(Texts{"k", ""});
  const std::vector<std::int64_t> order = {0, 1, 0};
  const std::vector<Time> times = {kSecond, 2 * kSecond, 6 * kSecond};
  const Result<Table> answers = pool->run(requests, {order, times});
  ASSERT_TRUE(answers.has_error());
  EXPECT_EQ(answers.error().code, ErrorCode::kStale);
  EXPECT_EQ(answers.error().place, "order[2]");
  EXPECT_EQ(values<TableColumn::Texts>(pool->claims(), "consumer"), (TableColumn::Texts{"b"}));
}

constexpr const char* kManyWays = R"({
  'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}, 'policy': 'dice', 'max_consumers': 4},
            'seat': {'dimensions': {'gb': {}}, 'policy': 'round'}},
  'policies': {'dice': {'score': 'self.consumers', 'ties': 'seeded', 'seed': 7},
               'round': {'ties': 'rotating'},
               'soon': {'score': 'used.gb * (now % 7 - 3)'}}})";

/// A pool of disks and seats, with claims that end while the events below happen.
std::shared_ptr<Pool> many_ways() {
  auto pool = make_pool(kManyWays);
  for (int i = 0; i < 14; ++i) {
    InstanceSpec spec = instance("i" + std::to_string(i), i % 2 == 0 ? "disk" : "seat", {{"gb", dec(3 + i % 5)}});
    spec.location = i % 3 == 0 ? "x" : "y";
    EXPECT_EQ(error_of(pool->add(spec)), "");
    Request early = ask_gb("early", 1);
    if (i % 2 == 1) early.type = "seat";
    early.ends = (40 + 20 * i) * kSecond;
    static_cast<void>(grant(*pool, early));
  }
  return pool;
}

/// Random requests, some of them repeated with their key, and events: most that come also go.
struct Events : RequestLists {
  std::vector<std::int64_t> order;
  std::vector<Time> times;

  Events(std::uint64_t seed, std::size_t events) : random_(seed) {
    Time now = 0;
    while (order.size() < events) {
      now += static_cast<Time>(random_() % 3) * kSecond;
      times.push_back(now);
      if (!held_.empty() && random_() % 5 < 2) {
        leave();
      } else {
        arrive();
      }
    }
  }

 private:
  void arrive() {
    const std::size_t row = consumers.size();
    const std::size_t again = row == 0 ? 0 : random_() % row;
    if (row > 0 && !keys[again].empty() && !gone_.contains(keys[again])) {
      repeat(again);
    } else {
      draw();
    }
    order.push_back(static_cast<std::int64_t>(row));
    held_.push_back(row);
  }
  void repeat(std::size_t row) {
    const auto add = [row](auto&... lists) { (lists.push_back(lists[row]), ...); };
    add(consumers, keys, types, policies, filters, counts, gb);
  }
  void draw() {
    const std::size_t row = consumers.size();
    consumers.push_back("c" + std::to_string(random_() % 9));
    keys.push_back(random_() % 4 == 0 ? "k" + std::to_string(row) : "");
    types.emplace_back(random_() % 2 == 0 ? "disk" : "seat");
    policies.emplace_back(std::array{"", "", "first", "soon", "closest_capacity"}[random_() % 5]);
    filters.emplace_back(random_() % 4 == 0 ? "self.location == 'x'" : "");
    counts.push_back(static_cast<std::uint32_t>(1 + random_() % 5 / 4));
    gb.push_back(random_() % 20 == 0 ? 7.5 : static_cast<double>(random_() % 40) / 10);  // 7.5: more than any has
  }
  void leave() {
    std::swap(held_[random_() % held_.size()], held_.back());
    const std::size_t row = held_.back();
    held_.pop_back();
    order.push_back(static_cast<std::int64_t>(row));
    if (keys[row].empty()) return;
    gone_.insert(keys[row]);
    std::erase_if(held_, [&](std::size_t other) { return keys[other] == keys[row]; });
  }

  std::mt19937_64 random_;
  std::vector<std::size_t> held_;
  std::set<std::string> gone_;
};

/// What single calls make of the same events: the grants of rows, as they were given.
std::map<std::size_t, Grant> one_by_one(Pool& pool, const Events& events) {
  std::map<std::size_t, Grant> grants;
  std::set<std::size_t> asked;
  for (std::size_t i = 0; i < events.order.size(); ++i) {
    const auto row = static_cast<std::size_t>(events.order[i]);
    EXPECT_EQ(error_of(pool.tick(events.times[i])), "");
    if (asked.insert(row).second) {
      const Result<Outcome> outcome = pool.allocate(events.request(row));
      EXPECT_EQ(error_of(outcome), "") << i;
      if (outcome && std::holds_alternative<Grant>(*outcome)) grants[row] = std::get<Grant>(*outcome);
    } else if (grants.contains(row)) {
      std::vector<ClaimId> claims;
      for (const GrantedClaim& claim : grants[row].claims) claims.push_back(claim.claim);
      EXPECT_EQ(error_of(pool.release(claims)), "") << i;
    }
  }
  return grants;
}

void expect_same_journal(const Pool& pool, const Pool& twin) {
  ASSERT_EQ(pool.journal_range(), twin.journal_range());
  for (auto [number, last] = pool.journal_range(); number <= last; ++number) {
    ASSERT_EQ(to_json(pool.journal_entry(number).value()), to_json(twin.journal_entry(number).value())) << number;
    ASSERT_EQ(pool.at(number).value()->hash(), twin.at(number).value()->hash()) << number;
  }
  EXPECT_EQ(pool.hash(), twin.hash());
  EXPECT_EQ(pool.snapshot(), twin.snapshot());
}

class RunLaw : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RunLaw, TheSameChangesAsOneByOne) {
  const auto pool = many_ways();
  const auto twin = many_ways();
  const Events events(GetParam(), 400);
  const Table answers = run(*pool, events.columns(), events.order, events.times);
  const std::map<std::size_t, Grant> grants = one_by_one(*twin, events);
  ASSERT_EQ(answers.rows, events.consumers.size());
  for (std::size_t row = 0; row < answers.rows; ++row) {
    ASSERT_EQ(values<Booleans>(answers, "granted")[row] != 0, grants.contains(row)) << row;
    if (!grants.contains(row)) continue;
    const GrantedClaim& first = grants.at(row).claims.front();
    EXPECT_EQ(values<PackedTexts>(answers, "instance")[row], instances_of(*twin, grants.at(row)).front()) << row;
    EXPECT_EQ(values<Integers>(answers, "slot")[row], first.claim.slot) << row;
    EXPECT_EQ(values<Integers>(answers, "generation")[row], first.claim.generation) << row;
  }
  expect_same_journal(*pool, *twin);
  // The generator is worth something only if it does all of it.
  EXPECT_GT(grants.size(), 80);
  EXPECT_GT(events.order.size() - answers.rows, 80);
  const auto& denials = values<PackedTexts>(answers, "denial");
  for (const std::string_view why : {"never", "not_now", "fragmented"}) {
    std::size_t denied = 0;
    for (std::size_t row = 0; row < answers.rows; ++row) denied += denials[row] == why ? 1 : 0;
    EXPECT_GE(denied, 1) << why;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RunLaw, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace apportion
