#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "apportion/allocator/selector.hpp"
#include "builders.hpp"
#include "sandbox.hpp"

namespace apportion {
namespace {

/// An instance of the small universe, with one dimension.
struct Small {
  int capacity = 0;
  int used = 0;
  bool online = true;
};

std::vector<Small> all_small() {
  std::vector<Small> all;
  for (int capacity = 0; capacity <= 3; ++capacity) {
    for (int used = 0; used <= capacity; ++used) {
      for (const bool online : {true, false}) all.push_back({capacity, used, online});
    }
  }
  return all;
}

std::shared_ptr<Pool> build(const Pool& blank, const std::vector<Small>& instances) {
  auto pool = blank.fork();
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const std::string id = "d" + std::to_string(i + 1);
    EXPECT_EQ(error_of(pool->add(instance(id, "disk", {{"gb", dec(instances[i].capacity)}}))), "");
    if (instances[i].used > 0) {
      Request request = ask_gb("other", instances[i].used);
      request.where = "self.id == '" + id + "'";
      EXPECT_EQ(chosen(*pool, request), id);
    }
    if (!instances[i].online) {
      InstanceSpec spec;
      spec.id = id;
      spec.state = {{"status", Node("offline")}};
      EXPECT_EQ(error_of(pool->change(spec)), "");
    }
  }
  return pool;
}

// docs/decisions/0008-denial-classes.md, word by word.
DenialClass class_of(const std::vector<Small>& instances, int amount, int count) {
  int when_empty = 0;
  int eligible_free = 0;
  for (const Small& s : instances) {
    if (s.capacity >= amount) ++when_empty;
    if (s.online) eligible_free += s.capacity - s.used;
  }
  if (when_empty < count) return DenialClass::kNever;
  if (eligible_free >= count * amount) return DenialClass::kFragmented;
  return DenialClass::kNotNow;
}

void compare(Pool& pool, const std::vector<Small>& instances, int amount, int count) {
  int able = 0;
  int online = 0;
  int free = 0;
  int used = 0;
  int capacity = 0;
  int largest = 0;
  for (const Small& s : instances) {
    if (!s.online) continue;
    ++online;
    able += s.capacity - s.used >= amount ? 1 : 0;
    free += s.capacity - s.used;
    used += s.used;
    capacity += s.capacity;
    largest = std::max(largest, s.capacity - s.used);
  }
  const Result<Outcome> outcome = pool.allocate(ask_gb("new", amount, static_cast<std::uint32_t>(count)));
  ASSERT_TRUE(outcome);
  ASSERT_EQ(std::holds_alternative<Grant>(*outcome), able >= count);
  if (able >= count) {
    std::vector<ClaimId> claims;
    for (const GrantedClaim& claim : std::get<Grant>(*outcome).claims) claims.push_back(claim.claim);
    ASSERT_EQ(error_of(pool.release(claims)), "");
    return;
  }
  const Denial& denial = std::get<Denial>(*outcome);
  ASSERT_EQ(class_name(denial.denial_class), class_name(class_of(instances, amount, count))) << denial.message;
  ASSERT_EQ(denial.stages.size(), 4U);
  const std::pair<const char*, int> after[] = {{"type", static_cast<int>(instances.size())},
                                               {"state.status", online},
                                               {"state.security_status", online},
                                               {"capacity", able}};
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(denial.stages[i].name, after[i].first);
    ASSERT_EQ(denial.stages[i].after, static_cast<std::uint64_t>(after[i].second));
    if (i > 0) {
      ASSERT_EQ(denial.stages[i].before, denial.stages[i - 1].after);
    }
  }
  ASSERT_EQ(denial.binding.size(), online == 0 ? 0U : 1U) << "a sum over nobody says nothing";
  if (online == 0) return;
  const BindingSum& sum = denial.binding[0];
  ASSERT_EQ(sum.requested, std::to_string(amount));
  ASSERT_EQ(sum.largest_free, std::to_string(largest));
  ASSERT_EQ(sum.total_free, std::to_string(free));
  ASSERT_EQ(sum.total_used, std::to_string(used));
  ASSERT_EQ(sum.total_limit, std::to_string(capacity));
  ASSERT_EQ(sum.total_capacity, std::to_string(capacity));
  ASSERT_EQ(sum.instances, static_cast<std::uint64_t>(online));
  ASSERT_EQ(sum.short_of_it, static_cast<std::uint64_t>(online - able));
}

// Every pool of one to three instances, up to their order, and every request of 1 to 4 for one or two of them.
TEST(Diagnosis, IsRightOnASmallUniverse) {
  const auto blank = make_pool(kDiskType);
  const std::vector<Small> all = all_small();
  ASSERT_EQ(all.size(), 20U);
  std::vector<std::vector<Small>> pools;
  for (std::size_t i = 0; i < all.size(); ++i) {
    pools.push_back({all[i]});
    for (std::size_t j = i; j < all.size(); ++j) {
      pools.push_back({all[i], all[j]});
      for (std::size_t k = j; k < all.size(); ++k) pools.push_back({all[i], all[j], all[k]});
    }
  }
  ASSERT_EQ(pools.size(), 20U + 210 + 1540);
  for (const std::vector<Small>& instances : pools) {
    const auto pool = build(*blank, instances);
    for (int amount = 1; amount <= 4 && !testing::Test::HasFatalFailure(); ++amount) {
      for (int count = 1; count <= 2; ++count) compare(*pool, instances, amount, count);
    }
  }
}

TEST(Diagnosis, OfAnEmptyPool) {
  const auto pool = make_pool(kDiskType);
  const Denial why = denial(*pool, ask_gb("a", 1));
  EXPECT_EQ(why.denial_class, DenialClass::kNever);
  EXPECT_EQ(why.message, "the pool has no 'disk'; an empty pool could not serve it either");
  EXPECT_TRUE(why.closest.empty());
}

TEST(Diagnosis, TheSumIsExactInSteps) {
  // 0.7 + 0.1 + 0.2 is 1.0 in tenths, and 0.9999999999999999 in doubles.
  const auto pool = make_pool("{'types': {'disk': {'dimensions': {'gb': {'step': 0.1}}}}}");
  for (const char* gb : {"0.7", "0.1", "0.2", "1"}) {
    ASSERT_EQ(error_of(pool->add(instance("d" + std::string(gb), "disk", {{"gb", dec(gb)}}))), "");
  }
  Request full = ask("a", {{"gb", dec("1")}});
  full.where = "self.id == 'd1'";
  ASSERT_EQ(chosen(*pool, full), "d1");
  EXPECT_EQ(denial(*pool, ask("b", {{"gb", dec("1")}})).denial_class, DenialClass::kFragmented);
}

TEST(Diagnosis, NamesTheStageThatLeavesNone) {
  const auto pool = disks({10, 10},
                          "{'types': {'disk': {'dimensions': {'gb': {}}, 'max_consumers': 1}}, 'policies': "
                          "{'none': {'where': 'self.claims > 5'}, 'void': {'score': '1 / used.gb'}}}");
  struct Row {
    const char* stage;
    std::function<void(Request&)> edit;
    DenialClass denial_class;
  };
  const Row rows[] = {
      {"where", [](Request& r) { r.where = "self.id == 'd9'"; }, DenialClass::kNever},
      {"policy", [](Request& r) { r.policy = "none"; }, DenialClass::kNever},  // an empty pool has no claims
      {"score", [](Request& r) { r.policy = "void"; }, DenialClass::kNever},   // nothing is used: no value
      {"capacity", [](Request& r) { r.amounts = {{"gb", dec(11)}}; }, DenialClass::kNever},
  };
  for (const Row& row : rows) {
    Request request = ask_gb("a", 1);
    row.edit(request);
    const Denial why = denial(*pool, request);
    const auto stage = std::ranges::find_if(why.stages, [](const Stage& s) { return s.after == 0; });
    ASSERT_NE(stage, why.stages.end());
    EXPECT_EQ(stage->name, row.stage);
    EXPECT_EQ(stage->before, 2U);
    EXPECT_EQ(why.denial_class, row.denial_class);
    EXPECT_NE(why.message.find("stage '" + std::string(row.stage) + "'"), std::string::npos) << why.message;
  }
  grant(*pool, ask_gb("a", 1, 2));
  const Denial shared = denial(*pool, ask_gb("b", 1));
  EXPECT_EQ(shared.stages[3].name, "consumers");
  EXPECT_EQ(shared.stages[3].after, 0U);
  EXPECT_EQ(shared.denial_class, DenialClass::kNotNow);
  EXPECT_EQ(shared.closest[0].lacks[0].what, "consumers");
  grant(*pool, ask_gb("a", 1, 2));  // its own consumer may come again
}

TEST(Diagnosis, StagesOfOlderVersionsCountToo) {
  const auto pool = disks({10, 10},
                          "{'types': {'disk': {'dimensions': {'gb': {}}, 'max_consumers': 1, 'state': {'health': "
                          "{'kind': 'enum', 'values': ['ok', 'worn'], 'default': 'ok', 'allow': ['ok']}}}}}");
  InstanceSpec worn;
  worn.id = "d1";
  worn.state = {{"health", Node("worn")}};
  ASSERT_EQ(error_of(pool->change(worn)), "");
  grant(*pool, ask_gb("a", 1));
  apply_document(*pool, kDiskType);  // version 2 has neither the state field nor the maximum
  const Denial why = denial(*pool, ask_gb("b", 1));
  std::string stages;
  for (const Stage& stage : why.stages) stages += stage.name + " " + std::to_string(stage.after) + ", ";
  EXPECT_EQ(stages, "type 2, state.status 2, state.security_status 2, state.health 1, consumers 0, capacity 0, ");
  EXPECT_EQ(why.denial_class, DenialClass::kNotNow);
}

TEST(Diagnosis, TheClosestComeFirstAndSayWhatTheyLack) {
  const auto pool = disks({4, 8, 20, 6});
  InstanceSpec offline;
  offline.id = "d3";
  offline.location = "zone-c";
  offline.state = {{"status", Node("offline")}};
  ASSERT_EQ(error_of(pool->change(offline)), "");
  const Denial why = denial(*pool, ask_gb("a", 10));
  ASSERT_EQ(why.closest.size(), 4U);
  // Missing of 10: d2 2, d4 4, d1 6; d3 has enough and the wrong state.
  const char* order[] = {"d2", "d4", "d1", "d3"};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(why.closest[i].instance, order[i]);
  EXPECT_EQ(why.closest[0].lacks[0].what, "gb");
  EXPECT_EQ(why.closest[0].lacks[0].need, "10");
  EXPECT_EQ(why.closest[0].lacks[0].have, "8");
  EXPECT_EQ(why.closest[3].lacks[0].what, "state.status");
  EXPECT_EQ(why.closest[3].lacks[0].need, "online");
  EXPECT_EQ(why.closest[3].lacks[0].have, "offline");
  EXPECT_EQ(why.closest[3].location, "zone-c");
}

TEST(Diagnosis, AnInstanceThatIsOverSaysSo) {
  const auto pool = make_pool(
      "{'types': {'disk': {'dimensions': {'gb': {}, 'iops': {}}}}, 'instances': [{'id': 'd1', "
      "'type': 'disk', 'capacity': {'gb': 10, 'iops': 10}}]}");
  grant(*pool, ask_gb("a", 8));
  InstanceSpec less;
  less.id = "d1";
  less.capacity = {{"gb", dec(5)}};
  ASSERT_EQ(error_of(pool->change(less)), "");
  const Denial why = denial(*pool, ask("b", {{"iops", dec(1)}}));
  ASSERT_EQ(why.closest.size(), 1U);
  EXPECT_EQ(why.closest[0].lacks[0].what, "over");
}

TEST(Diagnosis, NeverNamesWhatAnEmptyPoolFailsBy) {
  const auto pool = disks({50, 50}, "{'types': {'disk': {'dimensions': {'gb': {}}, 'max_consumers': 1}}}");
  grant(*pool, ask_gb("a", 10, 2));
  const Denial why = denial(*pool, ask_gb("b", 500));
  EXPECT_EQ(why.denial_class, DenialClass::kNever);
  EXPECT_EQ(
      why.message,
      "stage 'capacity' (gb 500) leaves none of 2 candidates; gb 500 > largest limit 50; 100 in all on 2 instances; "
      "an empty pool could not serve it either");
  EXPECT_EQ(why.stages[3].name, "consumers") << "the stages are those of the pool as it is";
  EXPECT_EQ(why.stages[3].after, 0U);
}

TEST(Diagnosis, NeverCountsWhatAnEmptyPoolCouldServe) {
  const auto pool = disks({50, 5});
  grant(*pool, ask_gb("a", 45));
  EXPECT_EQ(denial(*pool, ask_gb("b", 40, 2)).message,
            "2 instances are asked for and 1 could serve; gb 40 is within the limit of 1; 55 in all on 2 instances; "
            "an empty pool could not serve it either");
}

TEST(Diagnosis, EveryDimensionThatIsShortIsNamed) {
  const auto pool = make_pool(
      "{'types': {'disk': {'dimensions': {'gb': {'unit': 'GB'}, 'iops': {}, 'slots': {}}}}, 'instances': [{'id': 'd1', "
      "'type': 'disk', 'capacity': {'gb': 10, 'iops': 10, 'slots': 10}}]}");
  grant(*pool, ask("a", {{"gb", dec(8)}, {"iops", dec(9)}}));
  const Denial why = denial(*pool, ask("b", {{"gb", dec(3)}, {"iops", dec(2)}, {"slots", dec(1)}}));
  EXPECT_EQ(
      why.message,
      "stage 'capacity' (gb 3, iops 2, slots 1) leaves out the only candidate; gb 3 GB > largest free 2 GB; 2 GB free "
      "in all on 1 instance; iops 2 > largest free 1; 1 free in all on 1 instance; an empty pool could serve it");
}

TEST(Diagnosis, InstancesOfVersionsThatCannotBeAskedAreNamed) {
  const auto pool = disks({10, 20});
  apply_document(*pool, "{'types': {'disk': {'dimensions': {'tb': {}}}}}");
  EXPECT_EQ(denial(*pool, ask("a", {{"tb", dec(1)}})).message,
            "2 instances of 'disk' version 1 take no part: that version has no dimension 'tb', migrate moves them to "
            "another; an empty pool could not serve it either");
  apply_document(*pool,
                 "{'types': {'disk': {'dimensions': {'tb': {}, 'gb': {}}, 'fields': {'media': {'kind': 'string'}}}}}");
  Request request = ask_gb("a", 1);
  request.where = "self.media == 'ssd'";
  EXPECT_NE(denial(*pool, request).message.find("that version lacks a name that the filter or the policy uses"),
            std::string::npos);
}

// One disk of the sandbox has a policy of its own.
TEST(Diagnosis, TheClassAloneIsThatOfTheWholeDenial) {
  Sandbox box;
  const Selector selector(*box.sections, box.expressions);
  std::mt19937_64 random(3);
  std::map<DenialClass, int> classes;
  std::set<std::string> stages;
  for (int i = 0; i < 3000; ++i) {
    Transaction log;
    box.disturb(log, static_cast<std::uint32_t>(random() % 100), random());
    log.commit();
    Request request = ask("c", {{"gb", dec(static_cast<int>(random() % 8))},
                                {"iops", dec(static_cast<std::int64_t>(random() % 3 * 40'000'000'000))}});
    request.count = static_cast<std::uint32_t>(1 + random() % 4 * 9);
    request.where = std::array{"", "self.location == 'z1'", "free.gb > 1"}[random() % 3];
    request.policy = std::array{"", "closest_capacity"}[random() % 2];
    const Plan plan = box.plan(request);
    const Denial whole = selector.diagnose(plan);
    const Denial brief = selector.brief(plan);
    ASSERT_EQ(brief.denial_class, whole.denial_class) << i;
    ASSERT_EQ(brief.stage, whole.stage) << i;
    ASSERT_EQ(brief.dimension, whole.dimension) << i;
    stages.insert(whole.stage);
    ++classes[whole.denial_class];
  }
  for (const DenialClass each : {DenialClass::kNever, DenialClass::kNotNow, DenialClass::kFragmented})
    EXPECT_GT(classes[each], 50) << class_name(each);
  EXPECT_EQ(stages, (std::set<std::string>{"", "where", "consumers", "capacity"})) << "\"\": it would be granted";
}

}  // namespace
}  // namespace apportion
