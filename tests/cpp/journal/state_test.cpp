#include "apportion/journal/state.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "numbers_section.hpp"

namespace apportion {
namespace {

void set(State& state, std::uint32_t index, std::int64_t value, Time time = 0) {
  const std::string payload = Numbers::payload(index, value);
  ASSERT_TRUE(state.apply(next_change(state, payload, std::max(time, state.time()))).has_value());
}

std::unique_ptr<State> sample() {
  auto state = numbers_state();
  set(*state, 2, 7, 5);
  set(*state, 0, -3, 6);
  set(*state, 1, 12, 6);
  return state;
}

TEST(State, TakesChangesInOrder) {
  const auto state = sample();
  EXPECT_EQ(state->revision(), (Revision{1, 0, 3}));
  EXPECT_EQ(state->time(), 6);
  EXPECT_EQ(numbers_of(*state).at(0), -3);
}

TEST(State, RefusesWhatDoesNotFollow) {
  const auto state = sample();
  const Hash128 hash = state->hash();
  const std::string payload = Numbers::payload(0, 1);
  const Change next = next_change(*state, payload, 6);
  struct Row {
    const char* what;
    std::function<void(Change&)> damage;
    const char* message;
  };
  const Row rows[] = {
      {"another origin", [](Change& c) { c.revision.origin = 2; }, "change 2.0.4 does not follow revision 1.0.3"},
      {"a number twice", [](Change& c) { c.revision.number = 3; }, "change 1.0.3 does not follow revision 1.0.3"},
      {"a gap", [](Change& c) { c.revision.number = 5; }, "change 1.0.5 does not follow revision 1.0.3"},
      {"time goes back", [](Change& c) { c.time = 5; }, "change 1.0.4 is earlier than the one before it"},
      {"an empty area", [](Change& c) { c.kind = make_kind(6, 1); }, "kind 6/1, which this version does not know"},
      {"an area beyond", [](Change& c) { c.kind = make_kind(200, 1); }, "kind 200/1, which this version does not know"},
      {"an unknown kind", [](Change& c) { c.kind = make_kind(5, 9); }, "not a number"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Change change = next;
    row.damage(change);
    const Status status = state->apply(change);
    ASSERT_TRUE(status.has_error());
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(status.error().message.find(row.message), std::string::npos) << status.error().message;
    EXPECT_EQ(state->hash(), hash);
    EXPECT_EQ(state->revision().number, 3U);
  }
  Change later = next;
  later.revision.incarnation = 1;
  EXPECT_TRUE(state->apply(later).has_value()) << "another writer took over";
  EXPECT_EQ(state->revision().text(), "1.1.4");
  later.revision = {1, 0, 5};
  EXPECT_TRUE(state->apply(later).has_error()) << "the former writer comes late";
}

TEST(State, AHalfDoneChangeLeavesNothing) {
  const auto state = sample();
  const Hash128 hash = state->hash();
  for (const std::string& payload : {Numbers::payload(Numbers::kBound, 1), std::string("\2\0", 2), std::string()}) {
    ASSERT_TRUE(state->apply(next_change(*state, payload, 6)).has_error());
    EXPECT_EQ(state->hash(), hash);
    EXPECT_EQ(numbers_of(*state).at(2), 7);
    EXPECT_EQ(state->revision().number, 3U);
  }
}

TEST(State, ALiveWriterRollsSeveralChangesBack) {
  const auto state = sample();
  const Hash128 hash = state->hash();
  Transaction log;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const std::string payload = Numbers::payload(i * 7 % 300, i + 1);
    ASSERT_TRUE(state->apply(next_change(*state, payload, 10 + i), log).has_value());
  }
  EXPECT_NE(state->hash(), hash);
  log.rollback();
  EXPECT_EQ(state->hash(), hash);
  EXPECT_EQ(state->revision().number, 3U);
  EXPECT_EQ(state->time(), 6);
  EXPECT_EQ(numbers_of(*state).size(), 3U);
}

TEST(State, AForkIsIndependent) {
  const auto state = sample();
  const auto fork = state->fork();
  const Hash128 hash = state->hash();
  EXPECT_EQ(fork->hash(), hash);
  set(*state, 0, 1);
  EXPECT_EQ(fork->hash(), hash);
  EXPECT_NE(state->hash(), hash);
  set(*fork, 0, 1);
  EXPECT_EQ(fork->hash(), state->hash()) << "the same change gives the same state";
}

TEST(State, EqualStatesHaveEqualHashesWhateverTheirHistory) {
  std::mt19937 random(3);
  auto there_and_back = numbers_state();
  for (int i = 0; i < 100; ++i) {
    const auto index = static_cast<std::uint32_t>(random() % 50);
    set(*there_and_back, index, 5);
    set(*there_and_back, index, -5);
  }
  EXPECT_EQ(there_and_back->hash(), numbers_state()->hash());
}

TEST(Snapshot, RestoresEverything) {
  const auto state = sample();
  const auto restored = numbers_state(9);
  ASSERT_TRUE(restored->restore(state->snapshot()).has_value());
  EXPECT_EQ(restored->hash(), state->hash());
  EXPECT_EQ(restored->revision(), state->revision());
  EXPECT_EQ(restored->time(), state->time());
  EXPECT_EQ(restored->snapshot(), state->snapshot());
  set(*restored, 1, 1);
}

TEST(Snapshot, OfAnEmptyState) {
  const auto restored = numbers_state();
  EXPECT_TRUE(restored->restore(numbers_state()->snapshot()).has_value());
}

TEST(Snapshot, IsRefusedAtEveryLength) {
  const std::string bytes = sample()->snapshot();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Status status = numbers_state()->restore(std::string_view(bytes).substr(0, size));
    ASSERT_TRUE(status.has_error()) << size;
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_TRUE(numbers_state()->restore(bytes + '\0').has_error()) << "and with a byte too many";
}

TEST(Snapshot, IsRefusedWithAnyBitFlipped) {
  std::string bytes = sample()->snapshot();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const char kept = bytes[bit / 8];
    bytes[bit / 8] = static_cast<char>(kept ^ (1 << (bit % 8)));
    ASSERT_TRUE(numbers_state()->restore(bytes).has_error()) << "bit " << bit;
    bytes[bit / 8] = kept;
  }
}

TEST(Snapshot, IsRefusedWhenItsSectionsAreNoWhole) {
  const auto state = numbers_state();
  set(*state, 0, 13);
  const Status status = numbers_state()->restore(state->snapshot());
  ASSERT_TRUE(status.has_error());
  EXPECT_EQ(status.error().message, "13 cannot come first");
}

TEST(Snapshot, SaysWhatIsWrong) {
  const auto message = [](std::string_view bytes) { return numbers_state()->restore(bytes).error().message; };
  EXPECT_EQ(message("hello"), "this is no apportion snapshot: it does not start with 'apportion snapshot 1'");
  const std::string bytes = sample()->snapshot();
  EXPECT_EQ(message(bytes.substr(0, 30)), "the snapshot is cut off in its header");
  EXPECT_NE(message(bytes.substr(0, bytes.size() - 1)).find("bytes of records and has"), std::string::npos);
}

}  // namespace
}  // namespace apportion
