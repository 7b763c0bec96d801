#include "apportion/allocator/group_readers.hpp"

#include <gtest/gtest.h>

#include "apportion/allocator/shape.hpp"
#include "sandbox.hpp"

namespace apportion {
namespace {

TEST(GroupReaders, FollowGroupsThatCandidatesNameThemselves) {
  Sandbox box;
  const auto indexable = [&](const char* score) { return Shape::indexable(box.plan(ask_by(score)).versions[0]); };
  EXPECT_TRUE(indexable("group(self.location).load"));
  EXPECT_TRUE(indexable("group(self.ordinal > 3 ? 'z1' : self.location).load"));
  EXPECT_FALSE(indexable("group('z1').load"));  // a change of one member changes the key of all
  EXPECT_FALSE(indexable("group(consumer.id).load"));
  EXPECT_FALSE(indexable("group(used.gb > 3 ? 'z1' : 'z2').load"));
  EXPECT_FALSE(indexable("group(group('z1').load > 1 ? self.location : 'z2').load"));
  EXPECT_FALSE(indexable("group(self.location).load + now"));
  EXPECT_FALSE(indexable("group(usage.gb > 3 ? self.location : 'z2').load"));
}

// Location z0, z1, z2, z0 ...; each is its group.
TEST(GroupReaders, AreFoundByWhatEachReads) {
  Sandbox box;
  Roster roster(box.table(), box.type());
  roster.catch_up(box.sections->symbols);
  GroupReaders readers;
  const Plan plan =
      box.plan(ask_by("group(self.ordinal > 50 ? 'z1' : self.location).claims + group(self.location).members"));
  readers.find(*box.sections, plan.versions[0], roster);
  const auto symbol = [&](const char* text) { return box.sections->symbols.find(text); };
  const auto z1 = readers.of(symbol("z1"));
  std::vector<std::uint32_t> expected;
  for (std::uint32_t position = 0; position < 100; ++position) {
    if (roster.ordinal(position) > 50 || position % 3 == 1) expected.push_back(position);
  }
  EXPECT_EQ(std::vector<std::uint32_t>(z1.begin(), z1.end()), expected) << "each once, though it reads two totals";
  EXPECT_EQ(readers.of(symbol("z2")).size(), 33U);
  EXPECT_TRUE(readers.of(symbol("disk")).empty());
  EXPECT_FALSE(readers.crowded());
  EXPECT_GT(readers.bytes(), 100 * sizeof(std::uint32_t));
}

}  // namespace
}  // namespace apportion
