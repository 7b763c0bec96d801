#include "apportion/allocator/selector.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "apportion/catalog/named_policies.hpp"
#include "builders.hpp"
#include "selection_twin.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

using Random = std::mt19937_64;
using twin::Number;

constexpr const char* kSteps[] = {"1", "0.001", "1/3"};

// So many steps of dimension d in units, as a decimal that reads back to exactly these steps: rounded up a little for a
// capacity in thirds, down for an amount.
Decimal units(std::size_t d, Number steps, bool amount) {
  if (d == 0) return dec(steps);
  if (d == 1) return Decimal::from_parts(steps, -3).value();
  const Number thousandths = steps * 1000 / 3;
  return Decimal::from_parts(amount || steps % 3 == 0 ? thousandths : thousandths + 1, -3).value();
}

/// A pool and its twin under the same operations.
class Pair {
 public:
  Pair(const Pool& blank, std::size_t dimensions, Random& random)
      : pool_(blank.fork()), dimensions_(dimensions), type_("disk" + std::to_string(dimensions)), random_(random) {
    const std::uint64_t count = 1 + random_() % 8;
    for (std::uint64_t i = 0; i < count; ++i) add(i);
    for (std::uint64_t i = random_() % 12; i > 0; --i) place();
    for (twin::Row& row : rows_) disturb(row);
  }

  // One random request: the choice of the core is the twin's.
  void compare(const twin::Rule& rule) {
    const std::vector<Number> asked = amounts(3);
    const std::string consumer = "c" + std::to_string(random_() % 5);
    const auto order = twin::ranking(rows_, rule, asked, consumer, kMaxConsumers, cursors_[rule.policy]);
    Request request = request_for(asked, consumer);
    request.count = static_cast<std::uint32_t>(1 + random_() % 2);
    set_policy(request, rule);
    const Result<Outcome> outcome = pool_->allocate(request);
    ASSERT_TRUE(outcome) << outcome.error().text();
    const auto* given = std::get_if<Grant>(&*outcome);
    ASSERT_EQ(given != nullptr, order.size() >= request.count) << rule.policy;
    if (given == nullptr) return;
    const std::vector<std::string> ids = instances_of(*pool_, *given);
    for (std::size_t i = 0; i < request.count; ++i) {
      ASSERT_EQ(ids[i], order[i]->id) << rule.policy << " " << rule.ties << " choice " << i;
    }
    for (std::size_t i = 0; i < request.count; ++i) take(const_cast<twin::Row&>(*order[i]), asked, consumer);
    if (rule.ties == "rotating") cursors_[rule.policy] = order[request.count - 1]->ordinal;
  }

 private:
  static constexpr Number kMaxConsumers = 3;

  std::vector<Number> amounts(Number most) {
    std::vector<Number> asked(dimensions_);
    for (Number& a : asked) a = static_cast<Number>(random_() % static_cast<std::uint64_t>(most + 1));
    return asked;
  }

  Request request_for(const std::vector<Number>& asked, const std::string& consumer) const {
    Request request;
    request.type = type_;
    request.consumer = consumer;
    for (std::size_t d = 0; d < dimensions_; ++d) request.amounts.emplace_back(name(d), units(d, asked[d], true));
    return request;
  }

  static void set_policy(Request& request, const twin::Rule& rule) {
    const auto found = std::ranges::find_if(named_policies(), [&](const auto& p) { return p.name == rule.policy; });
    if (rule.ties == "lowest_id" && rule.quantum == 0) {
      request.policy = rule.policy;
      return;
    }
    request.own_policy = *found;
    request.own_policy->name = "own_" + rule.policy;
    request.own_policy->quantum = rule.quantum;
    if (rule.policy != "last") {
      request.own_policy->ties = rule.ties == "rotating"     ? Ties::kRotating
                                 : rule.ties == "highest_id" ? Ties::kHighestId
                                                             : Ties::kLowestId;
    }
  }

  static std::string name(std::size_t d) { return std::string(1, static_cast<char>('a' + d)); }

  void add(std::uint64_t i) {
    twin::Row row;
    row.id = "i" + std::to_string(i);
    row.ordinal = static_cast<Number>(i) + 1;
    InstanceSpec spec = instance(row.id, type_, {});
    for (std::size_t d = 0; d < dimensions_; ++d) {
      const auto capacity = static_cast<Number>(random_() % 13);
      const auto reserved = static_cast<Number>(random_() % 3);
      const auto tenths = static_cast<Number>(5 + random_() % 16);  // a ratio of 0.5 to 2
      spec.capacity.emplace_back(name(d), units(d, capacity, false));
      spec.reserved.emplace_back(name(d), units(d, reserved, true));
      spec.ratio.emplace_back(name(d), Decimal::from_parts(tenths, -1).value());
      row.capacity.push_back(capacity);
      row.limit.push_back(std::max<Number>(0, capacity - reserved) * tenths / 10);  // rounded down
    }
    row.used.resize(dimensions_);
    ASSERT_EQ(error_of(pool_->add(spec)), "");
    rows_.push_back(std::move(row));
  }

  // A claim on an instance chosen here, where the core allows one.
  void place() {
    twin::Row& row = rows_[random_() % rows_.size()];
    const std::vector<Number> asked = amounts(4);
    const std::string consumer = "c" + std::to_string(random_() % 5);
    Request request = request_for(asked, consumer);
    request.where = "self.id == '" + row.id + "'";
    request.policy = "first";
    const bool granted = !chosen(*pool_, request).empty();
    ASSERT_EQ(granted, twin::takes(row, asked, consumer, kMaxConsumers));
    if (granted) take(row, asked, consumer);
  }

  void take(twin::Row& row, const std::vector<Number>& asked, const std::string& consumer) {
    for (std::size_t d = 0; d < dimensions_; ++d) row.used[d] += asked[d];
    row.consumers.insert(consumer);
  }

  // Some go offline, and some limits sink, below what is used too.
  void disturb(twin::Row& row) {
    if (random_() % 6 == 0) {
      InstanceSpec spec;
      spec.id = row.id;
      spec.state = {{"status", Node("offline")}};
      ASSERT_EQ(error_of(pool_->change(spec)), "");
      row.online = false;
    }
    if (random_() % 6 == 0) {
      InstanceSpec spec;
      spec.id = row.id;
      spec.reserved = {{"a", dec(row.capacity[0])}};
      ASSERT_EQ(error_of(pool_->change(spec)), "");
      row.limit[0] = 0;
    }
  }

  std::shared_ptr<Pool> pool_;
  std::size_t dimensions_;
  std::string type_;
  Random& random_;
  std::vector<twin::Row> rows_;
  std::map<std::string, Number> cursors_;
};

std::shared_ptr<Pool> blank_pool() {
  std::string types;
  for (std::size_t dimensions = 1; dimensions <= 3; ++dimensions) {
    std::string list;
    for (std::size_t d = 0; d < dimensions; ++d) {
      list += std::string(d == 0 ? "" : ", ") + "'" + static_cast<char>('a' + d) + "': {'step': '" + kSteps[d] + "'}";
    }
    types += std::string(dimensions == 1 ? "" : ", ") + "'disk" + std::to_string(dimensions) +
             "': {'max_consumers': 3, 'dimensions': {" + list + "}}";
  }
  return make_pool("{'types': {" + types + "}}");
}

TEST(Selector, ChoosesWhatTheTwinChooses) {
  Random random(1);
  const auto blank = blank_pool();
  std::vector<twin::Rule> rules;
  for (const char* policy :
       {"least_utilised", "most_utilised", "balance", "balance_count", "closest_capacity", "first", "last"}) {
    for (const char* ties : {"lowest_id", "highest_id", "rotating"}) {
      for (const double quantum : {0.0, 0.1, 0.25}) rules.push_back({policy, ties, quantum});
    }
  }
  // `last` is its own tie rule.
  std::erase_if(rules, [](const twin::Rule& rule) { return rule.policy == "last" && rule.ties != "lowest_id"; });
  for (int round = 0; round < tries(1500) && !HasFailure(); ++round) {
    Pair pair(*blank, 1 + random() % 3, random);
    for (int i = 0; i < 8; ++i) pair.compare(rules[random() % rules.size()]);
  }
}

TEST(Selector, RotatingTiesGoRound) {
  const auto pool = disks({10, 10, 10},
                          "{'types': {'disk': {'dimensions': {'gb': {}}, 'policy': 'round'}}, 'policies': "
                          "{'round': {'ties': 'rotating'}}}");
  std::string order;
  for (int i = 0; i < 7; ++i) order += chosen(*pool, ask_gb("a", 1)).substr(1);
  EXPECT_EQ(order, "1231231");
  ASSERT_EQ(error_of(pool->add(instance("d4", "disk", {{"gb", dec(10)}}))), "");
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d2");
  EXPECT_EQ(instances_of(*pool, grant(*pool, ask_gb("a", 1, 3))), (std::vector<std::string>{"d3", "d4", "d1"}));
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d2") << "behind the last of the three";
  static_cast<void>(denial(*pool, ask_gb("a", 99)));
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d3") << "a denial moves no cursor";
}

TEST(Selector, SeededTiesFollowSeedAndRevision) {
  const char* json =
      "{'types': {'disk': {'dimensions': {'gb': {}}}}, 'policies': {'s1': {'ties': 'seeded', 'seed': 1}, 's2': "
      "{'ties': "
      "'seeded', 'seed': 2}}}";
  const auto pool = disks(std::vector<int>(8, 1000), json);
  const auto twice = disks(std::vector<int>(8, 1000), json);
  std::map<std::string, int> counts;
  int different = 0;
  for (int i = 0; i < 800; ++i) {
    Request request = ask_gb("a", 1);
    request.policy = "s1";
    const auto fork = pool->fork();
    const std::string first = chosen(*pool, request);
    EXPECT_EQ(first, chosen(*twice, request)) << "the same seed at the same revision";
    request.policy = "s2";
    different += chosen(*fork, request) != first ? 1 : 0;
    ++counts[first];
  }
  EXPECT_GT(different, 600) << "of 800 about 7/8 differ";
  for (const auto& [id, count] : counts) EXPECT_NEAR(count, 100, 50) << id;
}

TEST(Selector, AnInstancesOwnPolicyScoresIt) {
  const auto pool = disks({10, 10, 10},
                          "{'types': {'disk': {'dimensions': {'gb': {}}}}, 'policies': {'good': {'score': "
                          "'-1'}, 'bad': {'score': '5'}, 'none': {'where': 'false'}}}");
  const auto set = [&](const char* id, const char* policy) {
    InstanceSpec spec;
    spec.id = id;
    spec.policy = policy;
    EXPECT_EQ(error_of(pool->change(spec)), "");
  };
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d1");
  set("d1", "bad");
  set("d3", "good");
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d3");
  set("d3", "none");
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d2");
  Request request = ask_gb("a", 1);
  request.policy = "last";
  EXPECT_EQ(chosen(*pool, request), "d3") << "the request's policy comes first";
  set("d3", "");
  set("d1", "");
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d1");
}

TEST(Selector, LaterChoicesOfARequestSeeTheEarlierOnes) {
  const auto pool = disks({});
  for (const auto& [id, rack] :
       {std::pair("a1", "a"), std::pair("a2", "a"), std::pair("b1", "b"), std::pair("b2", "b")}) {
    InstanceSpec spec = instance(id, "disk", {{"gb", dec(10)}});
    spec.location = rack;
    spec.groups = std::vector<std::string>{rack};
    ASSERT_EQ(error_of(pool->add(spec)), "");
  }
  Request apart = ask_gb("x", 1, 2);
  apart.where = "group(self.location).claims < 1";
  EXPECT_EQ(instances_of(*pool, grant(*pool, apart)), (std::vector<std::string>{"a1", "b1"}));
  const Denial third = denial(*pool, apart);
  EXPECT_EQ(third.denial_class, DenialClass::kNotNow);
  Request loaded = ask_gb("x", 4, 2);
  loaded.own_policy =
      PolicyDefinition{"calm", "", "", "group(self.location).load", Order::kMin, 0, Ties::kLowestId, 0, {}};
  EXPECT_EQ(instances_of(*pool, grant(*pool, loaded)), (std::vector<std::string>{"a1", "b1"}));
}

TEST(Selector, EveryVersionOfATypeTakesPart) {
  const auto pool = disks({5});
  apply_document(
      *pool,
      "{'types': {'disk': {'dimensions': {'gb': {'step': 0.5}, 'iops': {}}}}, 'instances': [{'id': 'new', 'type': "
      "'disk', 'capacity': {'gb': 9.5, 'iops': 10}}]}");
  EXPECT_EQ(chosen(*pool, ask_gb("a", 5)), "d1");
  EXPECT_EQ(chosen(*pool, ask("a", {{"gb", dec("9.5")}})), "new") << "10 of the old steps, 19 of the new";
  EXPECT_EQ(denial(*pool, ask("a", {{"iops", dec(11)}})).denial_class, DenialClass::kNever);
  EXPECT_EQ(chosen(*pool, ask("a", {{"iops", dec(10)}})), "new") << "the old version has no such dimension";
}

TEST(Selector, RefusesBadRequestsWithTheirPlace) {
  const auto pool = disks({10});
  struct Row {
    std::function<void(Request&)> edit;
    const char* error;
  };
  const Row rows[] = {
      {[](Request& r) { r.type = "disc"; }, "type: there is no type 'disc'; did you mean 'disk'?"},
      {[](Request& r) { r.type = ""; }, "type: name a type, or say by `where` which instances may serve"},
      {[](Request& r) { r.consumer = ""; }, "consumer: a consumer's id has 1 to 200 bytes"},
      {[](Request& r) { r.consumer = std::string(201, 'c'); }, "consumer: a consumer's id has 1 to 200 bytes"},
      {[](Request& r) { r.consumer = "a\tb"; }, "consumer: a consumer's id has 1 to 200 bytes"},
      {[](Request& r) { r.count = 0; }, "count: count is 0, expected 1 to 100000"},
      {[](Request& r) { r.count = 100'001; }, "count: count is 100001, expected 1 to 100000"},
      {[](Request& r) { r.amounts = {{"tb", dec(1)}}; },
       "amounts: type 'disk' has no dimension 'tb'; did you mean 'gb'?"},
      {[](Request& r) { r.amounts = {{"gb", dec(-1)}}; }, "amounts.gb: -1 is negative; quantities start at 0"},
      {[](Request& r) { r.amounts = {{"gb", dec("1e300")}}; }, "amounts.gb: 1e+300"},
      {[](Request& r) { r.policy = "lasst"; }, "policy: there is no policy 'lasst'; did you mean 'last'?"},
      {[](Request& r) { r.where = "used.gb >"; }, "where: line 1, column"},
      {[](Request& r) { r.where = "used.gb"; }, "where: line 1"},
      {[](Request& r) { r.where = "used.tb > 1"; }, "where: line 1, column 1"},
      {[](Request& r) {
         r.own_policy = PolicyDefinition{"own", "", "", "self.id", Order::kMin, 0, Ties::kLowestId, 0, {}};
       },
       "policies.own.score: line 1"},
      {[](Request& r) { r.ends = 0; }, "ends: a claim must end after now and after it starts"},
      {[](Request& r) { r.starts = 9, r.ends = 9; }, "ends: a claim must end after now and after it starts"},
      {[](Request& r) { r.mark = true, r.expires = 0; }, "expires: a mark must expire after now"},
  };
  const Hash128 hash = pool->hash();
  const Revision revision = pool->revision();
  for (const Row& row : rows) {
    Request request = ask_gb("a", 1);
    row.edit(request);
    EXPECT_TRUE(error_of(pool->allocate(request)).starts_with(row.error)) << error_of(pool->allocate(request));
  }
  EXPECT_EQ(pool->hash(), hash);
  EXPECT_EQ(pool->revision(), revision) << "misuse is no denial and is not recorded";
}

}  // namespace
}  // namespace apportion
