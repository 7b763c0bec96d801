// Slots in counted outcomes: which claims of the grant a pending slot has beside it.
#include <gtest/gtest.h>

#include "waiting_pool.hpp"

namespace apportion {
namespace {

constexpr const char* kPairs = R"({
  'types': {
    'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}}},
    'channel': {'dimensions': {'mbit': {}}, 'fields': {'zone': {'kind': 'string'}}, 'deferrable': {'patience_s': 60, 'held_s': 1}},
    'pair': {'needs': [{'type': 'disk', 'as': 'store', 'gb': 5},
                       {'type': 'channel', 'as': 'line', 'mbit': 10, 'require': 'self.zone == store.zone'}]},
    'server': {'dimensions': {'cpu': {}}, 'outcome': false,
               'fields': {'zone': {'kind': 'string'}},
               'needs': [{'type': 'channel', 'as': 'line', 'mbit': 10, 'require': 'self.zone == parent.zone'}]},
    'site': {'needs': [{'type': 'pair', 'as': 'pair', 'count': 2}]},
    'farm': {'needs': [{'type': 'server', 'as': 'server', 'count': 2, 'cpu': 1}]}},
  'instances': [
    {'id': 'da', 'type': 'disk', 'capacity': {'gb': 5}, 'fields': {'zone': 'a'}},
    {'id': 'db', 'type': 'disk', 'capacity': {'gb': 5}, 'fields': {'zone': 'b'}},
    {'id': 'sa', 'type': 'server', 'capacity': {'cpu': 1}, 'fields': {'zone': 'a'}},
    {'id': 'sb', 'type': 'server', 'capacity': {'cpu': 1}, 'fields': {'zone': 'b'}},
    {'id': 'la', 'type': 'channel', 'capacity': {'mbit': 10}, 'fields': {'zone': 'a'}},
    {'id': 'lb', 'type': 'channel', 'capacity': {'mbit': 10}, 'fields': {'zone': 'b'}}]})";

// Slots of the same role stand in lists of their own: each reads its own neighbour or parent.
TEST(SlotFrames, EachSlotReadsItsOwnList) {
  const std::pair<const char*, std::vector<std::string>> trees[] = {
      {"site", {"da - db -", "da - db lb", "da la db lb"}}, {"farm", {"sa - sb -", "sa - sb lb", "sa la sb lb"}}};
  for (const auto& [type, steps] : trees) {
    const auto pool = make_pool(kPairs);
    const Grant a = grant(*pool, ask_line("x", 10));
    const Grant b = grant(*pool, ask_line("y", 10));
    Request request;
    request.type = type;
    request.consumer = "ada";
    const Grant held = grant(*pool, request);
    EXPECT_EQ(holds(*pool, held), steps[0]);
    ASSERT_TRUE(pool->release(ids_of(b)).has_value());
    EXPECT_EQ(holds(*pool, held), steps[1]);
    ASSERT_TRUE(pool->release(ids_of(a)).has_value());
    EXPECT_EQ(holds(*pool, held), steps[2]);
    EXPECT_EQ(restored(*pool)->hash(), pool->hash());
  }
}

// A slot that would have more than 250 others beside it is not deferred.
TEST(SlotFrames, TooManyBeside) {
  for (const int disks : {249, 250}) {
    const auto pool = make_pool(R"({'types': {
      'disk': {'dimensions': {'gb': {}}},
      'channel': {'dimensions': {'mbit': {}}, 'deferrable': {'patience_s': 60, 'held_s': 1}},
      'crowd': {'needs': [{'type': 'disk', 'as': 'disk', 'count': ')" +
                                std::to_string(disks + 1) + R"('}, {'type': 'channel', 'as': 'line', 'mbit': 1}]}},
      'instances': [{'id': 'l1', 'type': 'channel', 'capacity': {'mbit': 1}}]})");
    std::vector<InstanceSpec> specs;
    for (int i = 0; i <= disks; ++i) specs.push_back(instance("d" + std::to_string(i), "disk", {}));
    ASSERT_TRUE(pool->add_many(specs).has_value());
    grant(*pool, ask_line("x", 1));
    Request request;
    request.type = "crowd";
    request.consumer = "ada";
    if (disks == 249) {
      EXPECT_EQ(grant(*pool, request).claims.size(), 251U);
    } else {
      EXPECT_EQ(denial(*pool, request).denial_class, DenialClass::kNotNow);
    }
  }
}

}  // namespace
}  // namespace apportion
