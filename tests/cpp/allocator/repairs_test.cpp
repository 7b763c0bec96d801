#include <gtest/gtest.h>

#include "random_pool.hpp"
#include "repair_checks.hpp"

namespace apportion {
namespace {

class RepairLaw : public testing::TestWithParam<std::uint64_t> {};

// L6 over pools with everything on.
TEST_P(RepairLaw, EveryRepairTurnsItsDenialIntoAGrant) {
  Client client(make_pool(kEverything), GetParam());
  std::map<RepairKind, int> kinds;
  int denials = 0;
  client.on_denial = [&](const Request& request) {
    if (++denials % 2 == 0) check_repairs(client.pool(), request, kinds);
  };
  const int steps = random_steps(1500);
  for (int i = 0; i < steps && !HasFatalFailure(); ++i) static_cast<void>(client.step());
  if (steps < 1500) return;
  for (const RepairKind kind : {RepairKind::kMove, RepairKind::kWait, RepairKind::kOnline, RepairKind::kSmaller,
                                RepairKind::kFewer, RepairKind::kRelax, RepairKind::kRelease, RepairKind::kAdd})
    EXPECT_GT(kinds[kind], 0) << kind_name(kind);
}
INSTANTIATE_TEST_SUITE_P(Seeds, RepairLaw, testing::Range<std::uint64_t>(1, 7));

// The index follows what trials wrote and took back: two clients, one with repairs asked for on the way, stay equal.
TEST(Repairs, LeaveNothingBehind) {
  Client asked(indexing_pool(kEverything, kEnoughIndex, 1), 31, 3);
  Client plain(make_pool(kEverything), 31, 3);
  asked.on_denial = [&](const Request& request) { static_cast<void>(repairs_of(asked.pool(), request)); };
  for (int i = 0; i < tries(3000); ++i) {
    ASSERT_EQ(asked.step(), plain.step()) << i;
    ASSERT_EQ(asked.pool().hash(), plain.pool().hash()) << i;
  }
}

TEST(Repairs, TheExampleOfTheDesign) {
  const auto pool = disks({100, 100}, "{'types': {'disk': {'dimensions': {'gb': {'unit': 'GB'}}}}}");
  grant(*pool, ask_gb("ada", 40));
  grant(*pool, ask_gb("bob", 20));
  grant(*pool, ask_gb("eve", 60));
  EXPECT_EQ(texts_of(repairs_of(*pool, ask_gb("zoe", 60))),
            (std::vector<std::string>{
                "move: move claim c0.1.0 of 'bob' (gb 20) from 'd1' to 'd2'",
                "smaller: ask for gb 40 instead of 60",
                "release: release claim c0.1.0 of 'bob' (gb 20) on 'd1'",
                "release: release claim c0.2.0 of 'eve' (gb 60) on 'd2'",
                "add: add an instance of 'disk' with gb 100, like 'd1'",
            }));
}

TEST(Repairs, NothingIsOfferedForWhatWouldBeGranted) {
  const auto pool = disks({10});
  EXPECT_TRUE(repairs_of(*pool, ask_gb("ada", 10)).empty());
  EXPECT_TRUE(pool->repairs(ask_gb("", 10)).has_error());
  EXPECT_TRUE(pool->repairs(ask("ada", {{"tb", dec(1)}})).has_error());
}

TEST(Repairs, AreDoneWithTheRequestOrNotAtAll) {
  const auto pool = disks({10, 10});
  const Grant held = grant(*pool, ask_gb("ada", 6));
  grant(*pool, ask_gb("bob", 6));
  const Request request = ask_gb("eve", 5);
  static_cast<void>(denial(*pool, request));
  const Repair release = of_kind(repairs_of(*pool, request), RepairKind::kRelease).front();
  const auto before = pool->fork();
  const std::uint64_t number = pool->revision().number;
  ASSERT_TRUE(std::holds_alternative<Grant>(*pool->repair(request, release)));
  EXPECT_EQ(pool->revision().number, number + 2) << "the release and the grant";
  // The same repair once more: its claim is gone.
  const Result<Outcome> again = pool->repair(request, release);
  ASSERT_TRUE(again.has_error());
  EXPECT_EQ(again.error().code, ErrorCode::kStale);
  // Somebody was faster: a denial, and nothing released.
  Request faster = ask_gb("zoe", 4);
  faster.where = "self.id == 'd1'";
  grant(*before, faster);
  const Hash128 hash = before->hash();
  const Result<Outcome> late = before->repair(ask_gb("eve", 7), release);
  ASSERT_TRUE(late) << error_of(late);
  EXPECT_TRUE(std::holds_alternative<Denial>(*late));
  EXPECT_EQ(before->hash(), hash);
  EXPECT_TRUE(before->find_grant(held.claims[0].claim));
}

TEST(Repairs, AWaitIsDoneWhereTimeCanBeMoved) {
  const auto pool = disks({10});
  Request until = ask_gb("ada", 6);
  until.ends = 100;
  grant(*pool, until);
  const Request request = ask_gb("eve", 5);
  const Repair wait = of_kind(repairs_of(*pool, request), RepairKind::kWait).front();
  EXPECT_EQ(wait.until, 100);
  ASSERT_TRUE(std::holds_alternative<Grant>(*pool->repair(request, wait)));
  EXPECT_EQ(pool->now(), 100);
  Pool live;
  apply_document(live, kDiskType);
  ASSERT_TRUE(live.add(instance("d1", "disk", {{"gb", dec(10)}})));
  until.ends = live.now() + 3600 * kSecond;
  grant(live, until);
  const Repair hour = of_kind(repairs_of(live, request), RepairKind::kWait).front();
  EXPECT_EQ(error_of(live.repair(request, hour)),
            "repair: a wait until a later time cannot be done in advance: ask again then");
}

TEST(Repairs, AreKeptFewWhereThereAreMany) {
  const auto pool = disks(std::vector<int>(40, 10), R"({'types': {'disk': {'dimensions': {'gb': {}}},
      'tape': {'dimensions': {'gb': {}}}, 'tube': {'dimensions': {'gb': {}}}}})");
  for (int i = 0; i < 80; ++i) {
    Request half = ask_gb("c" + std::to_string(i), 4);
    half.ends = 1000 + i;
    grant(*pool, half);
  }
  for (const char* type : {"tape", "tube"}) ASSERT_TRUE(pool->add(instance(type, type, {{"gb", dec(10)}})));
  for (const char* id : {"x1", "x2", "x3", "x4"}) {
    InstanceSpec spec = instance(id, "disk", {{"gb", dec(10)}});
    spec.state = {{"status", Node("offline")}};
    ASSERT_TRUE(pool->add(spec));
  }
  for (const char* id : {"r1", "r2"}) ASSERT_TRUE(pool->add(instance(id, "disk", {{"gb", dec(10)}})));
  Request request = ask_gb("eve", 6);
  request.where = "self.ordinal > 0 && self.id != 'r1' && self.id != 'r2'";
  const std::vector<Repair> repairs = repairs_of(*pool, request);
  std::map<RepairKind, int> kinds;
  check_repairs(*pool, request, kinds);
  EXPECT_EQ(repairs.size(), Repairs::kMost);
  EXPECT_EQ(kinds[RepairKind::kOnline], 3) << "of four";
  EXPECT_EQ(kinds[RepairKind::kRelax], 2);
  EXPECT_EQ(kinds[RepairKind::kMove], 2) << "to r1 and r2, which the movers' own requests do not exclude";
  EXPECT_EQ(kinds[RepairKind::kAlternative], 1) << "of two";
  EXPECT_EQ(kinds[RepairKind::kRelease], 0) << "which are dearer";
}

TEST(Repairs, OfATreeCureTheWholeTree) {
  const auto pool = make_pool(R"({
    'types': {
      'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}}},
      'mailbox': {'dimensions': {'gb': {}},
        'needs': [{'type': 'disk', 'as': 'primary', 'gb': 'request.gb'},
                  {'type': 'disk', 'as': 'backup', 'gb': 'request.gb * 2', 'require': 'self.zone != primary.zone'}]}},
    'instances': [
      {'id': 'd1', 'type': 'disk', 'fields': {'zone': 'a'}, 'capacity': {'gb': 30}},
      {'id': 'd2', 'type': 'disk', 'fields': {'zone': 'b'}, 'capacity': {'gb': 30}},
      {'id': 'd3', 'type': 'disk', 'fields': {'zone': 'b'}, 'state': {'status': 'offline'}, 'capacity': {'gb': 30}}]})");
  for (const auto& [id, ends] : {std::pair("d1", 50 * kSecond), std::pair("d2", 90 * kSecond)}) {
    Request request = ask_gb("ada", 20);
    request.where = std::string("self.id == '") + id + "'";
    request.ends = ends;
    grant(*pool, request);
  }
  Request request = ask_gb("eve", 10);
  request.type = "mailbox";
  std::map<RepairKind, int> kinds;
  check_repairs(*pool, request, kinds);
  EXPECT_EQ(texts_of(repairs_of(*pool, request)), (std::vector<std::string>{
                                                      "wait: wait 50 s: claims or marks end by then",
                                                      "online: set status of 'd3' to online",
                                                      "smaller: ask for gb 5 instead of 10",
                                                      "release: release claim c0.1.0 of 'ada' (gb 20) on 'd2'",
                                                      "add: add an instance of 'disk' with gb 30, like 'd2'",
                                                  }));
}

TEST(Repairs, OfATreeMayBeThatItsRuleIsDropped) {
  const auto pool = make_pool(R"({
    'types': {
      'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}}},
      'mailbox': {'dimensions': {'gb': {}},
        'needs': [{'type': 'disk', 'as': 'primary', 'gb': 'request.gb'},
                  {'as': 'backup', 'any_of': [{'type': 'disk', 'gb': 'request.gb',
                   'require': 'self.zone != primary.zone && self.id != primary.id'}]}]}},
    'instances': [
      {'id': 'd1', 'type': 'disk', 'fields': {'zone': 'a'}, 'capacity': {'gb': 10}},
      {'id': 'd2', 'type': 'disk', 'fields': {'zone': 'a'}, 'capacity': {'gb': 10}}]})");
  Request request = ask_gb("eve", 10);
  request.type = "mailbox";
  std::map<RepairKind, int> kinds;
  check_repairs(*pool, request, kinds);
  const std::vector<Repair> relaxed = of_kind(repairs_of(*pool, request), RepairKind::kRelax);
  ASSERT_EQ(relaxed.size(), 1U) << "without the other condition there is still no other zone";
  EXPECT_EQ(relaxed[0].text, "drop `self.zone != primary.zone` from the need 'backup' of 'mailbox', for every request");
  const Result<Outcome> outcome = pool->repair(request, relaxed[0]);
  ASSERT_TRUE(outcome) << error_of(outcome);
  const Grant* held = std::get_if<Grant>(&*outcome);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(pool->places_of(*held).back().role, "mailbox@2/backup") << "another tree is another version";
  EXPECT_NE(to_json(pool->metadata()).find(R"("require": "self.id != primary.id")"), std::string::npos);
}

TEST(Repairs, DenialsAreCounted) {
  const auto pool = disks({10, 10});
  grant(*pool, ask_gb("ada", 8));
  for (int i = 0; i < 3; ++i) static_cast<void>(denial(*pool, ask_gb("bob", 11)));
  static_cast<void>(denial(*pool, ask_gb("bob", 9, 2)));
  Request nowhere = ask_gb("bob", 1);
  nowhere.where = "self.id == 'x'";
  static_cast<void>(denial(*pool, nowhere));
  const std::vector<Decimal> sizes{dec(11), dec(11)};
  RequestColumns columns;
  columns.rows = 2;
  columns.type = TextColumn("disk");
  columns.consumer = TextColumn("bob");
  columns.amounts.push_back({"gb", std::span<const Decimal>(sizes)});
  ASSERT_TRUE(pool->allocate_many(columns));
  ASSERT_TRUE(pool->explain(ask_gb("bob", 11), 1)) << "not a denial";
  static_cast<void>(repairs_of(*pool, ask_gb("bob", 11)));
  const Table counts = pool->denials();
  const auto text = [&](std::size_t row) {
    std::string line;
    for (const char* name : {"type", "class", "stage", "dimension"})
      line += values<TableColumn::Texts>(counts, name)[row] + " ";
    return line + std::to_string(values<TableColumn::Integers>(counts, "count")[row]);
  };
  ASSERT_EQ(counts.rows, 3U);
  EXPECT_EQ(text(0), "disk never capacity gb 5");
  EXPECT_EQ(text(1), "disk never where  1");
  EXPECT_EQ(text(2), "disk not_now capacity gb 1");
  EXPECT_EQ(pool->fork()->denials().rows, 0U);
}

}  // namespace
}  // namespace apportion
