// Where those who wait are looked for: in what was written since, in every instance when the metadata has changed.
#include <gtest/gtest.h>

#include "waiting_pool.hpp"

namespace apportion {
namespace {

TEST(FreedRows, EveryWayInWhichRoomAppears) {
  const std::pair<const char*, std::function<void(Pool&, const Grant&)>> ways[] = {
      {"a release", [](Pool& pool, const Grant& held) { EXPECT_TRUE(pool.release(ids_of(held))); }},
      {"a resize",
       [](Pool& pool, const Grant& held) { EXPECT_TRUE(pool.resize(ids_of(held)[0], {{"mbit", dec(1)}})); }},
      {"a larger instance",
       [](Pool& pool, const Grant&) { EXPECT_TRUE(pool.change(instance("ch1", "", {{"mbit", dec(200)}}))); }},
      {"another instance",
       [](Pool& pool, const Grant&) { EXPECT_TRUE(pool.add(instance("ch2", "channel", {{"mbit", dec(100)}}))); }},
      {"one that comes online",
       [](Pool& pool, const Grant&) {
         InstanceSpec spec = instance("ch3", "", {});
         spec.state = {{"status", Node("online")}};
         EXPECT_TRUE(pool.change(spec));
       }},
      {"a move", [](Pool& pool, const Grant& held) { EXPECT_TRUE(pool.move(ids_of(held)[0], "ch4")); }},
      {"an end", [](Pool& pool, const Grant&) { EXPECT_TRUE(pool.tick(ms(1500))); }},
      {"a document",
       [](Pool& pool, const Grant&) {
         apply_document(pool, "{'instances': [{'id': 'ch1', 'type': 'channel', 'capacity': {'mbit': 200}}]}");
       }},
      {"a policy",
       [](Pool& pool, const Grant&) {
         apply_document(pool, "{'policies': {'large': {'where': 'capacity.mbit < 999'}}}");
       }},
      {"an instance of a new version",
       [](Pool& pool, const Grant&) {
         apply_document(pool, R"({'types': {'channel': {'dimensions': {'mbit': {'step': 0.5}}, 'policy': 'large',
           'deferrable': {'patience_s': 2}}}, 'instances': [{'id': 'new', 'type': 'channel', 'capacity': {'mbit': 100}}]})");
       }},
  };
  for (const auto& [way, happen] : ways) {
    SCOPED_TRACE(way);
    const auto pool = make_pool(R"({
      'types': {'channel': {'dimensions': {'mbit': {}}, 'policy': 'large', 'deferrable': {'patience_s': 2}}},
      'policies': {'large': {'where': 'capacity.mbit < 900'}},
      'instances': [{'id': 'ch1', 'type': 'channel', 'capacity': {'mbit': 100}},
                    {'id': 'ch4', 'type': 'channel', 'capacity': {'mbit': 50}},
                    {'id': 'ch3', 'type': 'channel', 'capacity': {'mbit': 100}, 'state': {'status': 'offline'}},
                    {'id': 'ch5', 'type': 'channel', 'capacity': {'mbit': 900}}]})");
    Request brief = ask_line("bob", 20);
    brief.ends = ms(1500);
    const Grant held = grant(*pool, brief);
    const Grant waits = grant(*pool, ask_line("ada", 90));
    EXPECT_EQ(holds(*pool, waits), "-");
    happen(*pool, held);
    EXPECT_NE(holds(*pool, waits), "-");
  }
}

}  // namespace
}  // namespace apportion
