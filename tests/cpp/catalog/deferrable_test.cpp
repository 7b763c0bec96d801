#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

TEST(DeferrableReads, EveryPart) {
  const auto read = [](std::string_view json) { return disk_type(tree(json)).deferrable; };
  EXPECT_EQ(read("{}"), std::nullopt);
  EXPECT_EQ(read("{'deferrable': {'patience_s': 2}}"),
            (DeferrableDefinition{2 * kSecond, 2 * kSecond, Missed::kReleaseAll}))
      << "a claim is thought to last as long as one is ready to wait";
  EXPECT_EQ(read("{'deferrable': {'patience_s': 0.5, 'held_s': 0.0000000001, 'missed': 'extend'}}"),
            (DeferrableDefinition{kSecond / 2, 1, Missed::kExtend}))
      << "rounded up";
}

// Law: read(to_node(x)) is x.
TEST(DeferrableReads, WhatItWrote) {
  for (const Missed missed : {Missed::kReleaseAll, Missed::kKeep, Missed::kExtend}) {
    for (const Time held : {2 * kSecond, Time{1}}) {
      TypeDefinition type;
      type.name = "disk";
      type.deferrable = DeferrableDefinition{2 * kSecond, held, missed};
      type.states = predefined_states();
      EXPECT_EQ(disk_type(to_node(type)), type);
    }
  }
}

TEST(DeferrableReads, NothingElse) {
  const std::string place = "types.disk.deferrable";
  expect_refused({
      {with_type("'deferrable': 2"), place, "expected a table"},
      {with_type("'deferrable': {}"), place, "patience_s"},
      {with_type("'deferrable': {'patience_s': 0}"), place + ".patience_s", "more than 0 and at most 2592000"},
      {with_type("'deferrable': {'patience_s': -1}"), place + ".patience_s", "found -1"},
      {with_type("'deferrable': {'patience_s': 2592001}"), place + ".patience_s", "30 days"},
      {with_type("'deferrable': {'patience_s': 1, 'held_s': 'a'}"), place + ".held_s", "expected a number"},
      {with_type("'deferrable': {'patience_s': 1, 'missed': 'drop'}"), place + ".missed",
       "expected release_all, keep or extend"},
      {with_type("'deferrable': {'patience_s': 1, 'queue': 1}"), place + ".queue", "unknown"},
      {with_type("'deferrable': {'patience_s': 1}, 'needs': [{'type': 'rack', 'as': 'r'}]"), place,
       "a type with needs cannot be deferred"},
  });
}

TEST(DeferrableReads, IsNoLayout) {
  const TypeDefinition plain = disk_type(tree("{}"));
  EXPECT_TRUE(plain.same_layout(disk_type(tree("{'deferrable': {'patience_s': 2}}"))));
}

}  // namespace
}  // namespace apportion
