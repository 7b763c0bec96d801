#include <gtest/gtest.h>

#include "builders.hpp"

namespace apportion {
namespace {

constexpr const char* kDisk =
    "{'types': {'disk': {'dimensions': {'gb': {'step': 0.5}}, 'fields': {'media': {'kind': 'string'}, 'rented': "
    "{'kind': "
    "'boolean'}, 'rpm': {'kind': 'integer'}, 'tags': {'kind': 'list'}}}}, 'instances': [{'id': 'd1', 'type': 'disk', "
    "'capacity': {'gb': 4.5}, 'labels': {'tier': 'b'}, 'fields': {'media': 'hdd', 'rented': true, 'tags': ['x']}}]}";

// What the only instance is said to have where the filter asks for something else.
std::string had(std::string_view where) {
  const auto pool = make_pool(kDisk);
  Request request = ask_gb("ada", 1);
  request.where = where;
  const Denial why = denial(*pool, request);
  if (why.closest.size() != 1 || why.closest[0].lacks.empty()) return "nothing is said";
  EXPECT_EQ(why.closest[0].lacks[0].need, where);
  return why.closest[0].lacks[0].have;
}

TEST(Readings, AreWhatTheFilterSawOnTheInstance) {
  EXPECT_EQ(had("self.media == 'ssd'"), R"(self.media = "hdd")");
  EXPECT_EQ(had("free.gb > 5 && self.labels.tier == 'a'"), R"(free.gb = 4.5, self.labels.tier = "b")");
  EXPECT_EQ(had("!self.rented"), "self.rented = true");
  EXPECT_EQ(had("self.rpm > 7200"), "self.rpm = no value");
  EXPECT_EQ(had("self.id == consumer.id"), R"(self.id = "d1", consumer.id = "ada")");
}

TEST(Readings, LeaveOutWhatIsNoSingleValue) {
  EXPECT_EQ(had("'y' in self.tags"), "false");
  EXPECT_EQ(had("sum(free) > 100"), "false");
  EXPECT_EQ(had("mean(free / used) < 0"), "no value");  // used is 0
}

TEST(Readings, CutLongTexts) {
  const auto pool = make_pool(kDisk);
  InstanceSpec spec;
  spec.id = "d1";
  spec.fields = {{"media", Node(std::string(59, 'x') + "\xc3\xa4 and more")}};
  ASSERT_EQ(error_of(pool->change(spec)), "");
  Request request = ask_gb("ada", 1);
  request.where = "self.media == 'ssd'";
  EXPECT_EQ(denial(*pool, request).closest[0].lacks[0].have, "self.media = \"" + std::string(59, 'x') + "...\"");
}

}  // namespace
}  // namespace apportion
