// The laws of the design over pools with everything on: L1 conservation, L3 determinism, L4 all or nothing, L5 undo.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "random_changes.hpp"
#include "random_pool.hpp"

namespace apportion {
namespace {

void expect_equal(const Table& a, const Table& b) {
  ASSERT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.columns.size(), b.columns.size());
  for (std::size_t i = 0; i < a.columns.size(); ++i) {
    ASSERT_EQ(a.columns[i].name, b.columns[i].name);
    ASSERT_EQ(a.columns[i].valid, b.columns[i].valid) << a.columns[i].name;
    const bool equal = std::visit(
        [&](const auto& held) {
          const auto& other = std::get<std::decay_t<decltype(held)>>(b.columns[i].values);
          if constexpr (requires { held.values; }) {
            return held.values == other.values;
          } else {
            return held == other;
          }
        },
        a.columns[i].values);
    ASSERT_TRUE(equal) << a.columns[i].name;
  }
}

bool has(const TableColumn* held, std::size_t row) {
  return held != nullptr && (held->valid.empty() || held->valid[row] != 0);
}
double number(const TableColumn* held, std::size_t row) { return std::get<TableColumn::Numbers>(held->values)[row]; }

/// What the claims alone say about an instance.
struct Sums {
  std::map<std::string, double> used;
  std::set<std::string> consumers;
  std::int64_t claims = 0;
};

// Everything that is kept beside the claims, recomputed from the table of claims.
void check_sums(const Client& client) {
  const Table instances = client.pool().instances();
  const Table claims = client.pool().claims();
  const Table consumers = client.pool().consumers();
  std::map<std::string, Sums> of_instance;
  std::map<std::string, std::int64_t> of_consumer;
  for (std::size_t row = 0; row < claims.rows; ++row) {
    Sums& sums = of_instance[values<TableColumn::Texts>(claims, "instance")[row]];
    const std::string& consumer = values<TableColumn::Texts>(claims, "consumer")[row];
    ++sums.claims;
    ++of_consumer[consumer];
    sums.consumers.insert(consumer);
    for (const char* name : {"gb", "iops", "cpu", "ram", "gpu"}) {
      if (const TableColumn* held = column(claims, name); has(held, row)) sums.used[name] += number(held, row);
    }
  }
  for (std::size_t row = 0; row < instances.rows; ++row) {
    const std::string& id = values<TableColumn::Texts>(instances, "id")[row];
    const Sums& sums = of_instance[id];
    ASSERT_EQ(values<TableColumn::Integers>(instances, "claims")[row], sums.claims) << id;
    ASSERT_EQ(values<TableColumn::Integers>(instances, "consumers")[row],
              static_cast<std::int64_t>(sums.consumers.size()))
        << id;
    ASSERT_GE(values<TableColumn::Integers>(instances, "granted")[row], sums.claims) << id;
    for (const char* name : {"gb", "iops", "cpu", "ram", "gpu"}) {
      const TableColumn* used = column(instances, std::string("used.") + name);
      if (!has(used, row)) continue;
      // Sums of doubles: off by far less than the smallest step, 0.001.
      ASSERT_NEAR(number(used, row), sums.used.contains(name) ? sums.used.at(name) : 0, 1e-6) << id << " " << name;
      const double limit = number(column(instances, std::string("limit.") + name), row);
      ASSERT_TRUE(number(used, row) <= limit + 1e-9 || client.lowered().contains(id))
          << id << " is over and was never lowered";
    }
  }
  for (std::size_t row = 0; row < consumers.rows; ++row) {
    const std::string& id = values<TableColumn::Texts>(consumers, "id")[row];
    ASSERT_EQ(values<TableColumn::Integers>(consumers, "claims")[row], of_consumer[id]) << id;
    ASSERT_TRUE(of_consumer[id] > 0 || values<TableColumn::Booleans>(consumers, "explicit")[row] != 0) << id;
  }
  ASSERT_EQ(consumers.rows, of_consumer.size()) << "every consumer of a claim is there";
}

// A snapshot gives the same state, down to everything derived, and the same future.
void check_restored(const Client& client, int steps) {
  const auto copy = restored(client.pool());
  ASSERT_TRUE(copy);
  ASSERT_EQ(copy->hash(), client.pool().hash());
  ASSERT_EQ(copy->revision(), client.pool().revision());
  expect_equal(copy->instances(), client.pool().instances());
  expect_equal(copy->claims(), client.pool().claims());
  expect_equal(copy->consumers(), client.pool().consumers());
  Client original = client.on(client.pool().fork());
  Client second = client.on(copy);
  for (int i = 0; i < steps; ++i) {
    const std::string line = original.step();
    ASSERT_EQ(second.step(), line);
    ASSERT_EQ(copy->hash(), original.pool().hash()) << line;
  }
}

class Laws : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Laws, HoldOverRandomOperations) {
  Client client(make_pool(kEverything), GetParam());
  std::map<std::uint64_t, Hash128> hashes;
  Hash128 hash = client.pool().hash();
  std::map<std::string, int> kinds;
  constexpr int kUsual = 10'000;
  const int steps = random_steps(kUsual);
  for (int i = 1; i <= steps; ++i) {
    const std::string line = client.step();
    const Hash128 after = client.pool().hash();
    if (!client.succeeded()) {
      ASSERT_EQ(after, hash) << "L4: " << line;
    }
    hash = after;
    hashes[client.pool().revision().number] = hash;
    ++kinds[line.substr(0, line.find(' '))];
    if (i % 1000 == 0 || i == steps) {
      check_sums(client);
      check_restored(client, 60);
    }
    if (HasFatalFailure()) return;
  }
  // L3: the journal, replayed from its base, gives every state back.
  const auto [first, last] = client.pool().journal_range();
  ASSERT_EQ(first, 1U);
  for (std::uint64_t number = last; number > 0 && hashes.contains(number); number = number * 2 / 3) {
    while (number > 0 && !hashes.contains(number)) --number;
    const auto then = client.pool().at(number);
    ASSERT_TRUE(then) << error_of(then);
    ASSERT_EQ((*then)->hash(), hashes[number]) << number;
  }
  // The generator is worth something only if it does all of it.
  if (steps < kUsual) return;
  for (const char* kind : {"granted", "denied", "released", "committed", "resized", "transferred", "moved", "ended",
                           "many", "added", "changed", "removed", "consumer", "applied", "migrated", "error"}) {
    EXPECT_GE(kinds[kind], 3) << kind;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Laws, testing::Range<std::uint64_t>(1, 11));

TEST(Undo, EveryKindOfChangeGivesTheStateBack) {
  World world;
  RandomChanges changes(world, 1);
  std::map<Kind, int> applied;
  for (int i = 0; i < tries(6000); ++i) {
    const auto [kind, payload] = changes.next();
    const std::string before = i % 10 == 0 ? world.state().snapshot() : std::string();
    const Status tried = world.try_write(kind, payload);
    if (i % 10 == 0) {
      ASSERT_EQ(world.state().snapshot(), before) << kind;
    }
    const Hash128 hash = world.hash();
    const Status written = world.write(kind, payload);
    ASSERT_EQ(written.has_value(), tried.has_value());
    ASSERT_EQ(message_of(written), message_of(tried));
    if (written.has_value()) {
      ++applied[kind];
    } else {
      ASSERT_EQ(world.hash(), hash) << kind << ": " << message_of(written);
    }
    if (i % 1000 == 0) world.restored();
  }
  for (const Kind kind : RandomChanges::kinds())
    EXPECT_GE(applied[kind], tries(3)) << int{area_of(kind)} << "/" << (kind & 0xff);
}

// Whatever happens to claims, the lists say what a look at all of them says.
TEST(Lists, SayWhatALookAtAllClaimsSays) {
  World with, without;
  RandomChanges changes(with, 3);
  Transaction none;
  with.ledger().keep_lists(none);
  std::uint64_t most = 0;
  for (int i = 0; i < tries(3000); ++i) {
    const auto [kind, payload] = changes.next();
    if (i % 3 == 0) static_cast<void>(with.try_write(kind, payload));  // and takes it back
    ASSERT_EQ(with.write(kind, payload).has_value(), without.write(kind, payload).has_value());
    ASSERT_TRUE(with.ledger().keeps_lists());
    ASSERT_FALSE(without.ledger().keeps_lists());
    most = std::max(most, with.ledger().claim_count());
    if (i % 20 != 0) continue;
    for (std::uint32_t slot = 0; slot < with.ledger().consumers().slots(); ++slot)
      ASSERT_EQ(with.ledger().claims_of_consumer(slot), without.ledger().claims_of_consumer(slot)) << i;
    std::vector<InstanceRef> all;
    for (VersionId version = 0; version < with.catalog().version_count(); ++version) {
      const InstanceTable* table = with.inventory().table(version);
      for (std::uint32_t row = 0; table != nullptr && row < table->rows(); ++row) all.push_back({version, row});
    }
    const auto each = without.ledger().claims_on(all);
    for (std::size_t k = 0; k < all.size(); ++k) {
      ASSERT_EQ(with.ledger().claims_on(all[k]), without.ledger().claims_on(all[k])) << i;
      ASSERT_EQ(each[k], with.ledger().claims_on(all[k]));
    }
  }
  EXPECT_GT(most, 5U);
}

TEST(Undo, ManyChangesAtOnce) {
  World world;
  RandomChanges changes(world, 2);
  for (int round = 0; round < 60; ++round) {
    const std::string before = world.state().snapshot();
    Transaction log;
    for (int i = 0; i < 30; ++i) {
      const auto [kind, payload] = changes.next();
      const Transaction::Mark mark = log.mark();
      if (world.state().apply(world.change(kind, payload), log).has_error()) log.rollback(mark);
    }
    log.rollback();
    ASSERT_EQ(world.state().snapshot(), before);
    for (int i = 0; i < 20; ++i) {
      const auto [kind, payload] = changes.next();
      static_cast<void>(world.write(kind, payload));
    }
  }
}

TEST(Laws, AForkNeverSeesLaterWrites) {
  Client client(make_pool(kEverything), 77);
  std::vector<std::pair<std::shared_ptr<Pool>, Hash128>> forks;
  for (int i = 0; i < 2000; ++i) {
    static_cast<void>(client.step());
    if (i % 200 == 0) forks.emplace_back(client.pool().fork(), client.pool().hash());
  }
  for (const auto& [fork, hash] : forks) {
    EXPECT_EQ(fork->hash(), hash);
    const auto copy = restored(*fork);
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->hash(), hash);
  }
}

TEST(Laws, AFoldedJournalStillGivesItsStates) {
  Client client(make_pool(kEverything, 40'000), 5);
  std::map<std::uint64_t, Hash128> hashes;
  for (int i = 0; i < 3000; ++i) {
    static_cast<void>(client.step());
    hashes[client.pool().revision().number] = client.pool().hash();
  }
  const auto [first, last] = client.pool().journal_range();
  EXPECT_GT(first, 1U);
  EXPECT_TRUE(client.pool().at(first - 2).has_error());
  for (std::uint64_t number = first - 1; number <= last; number += 7) {
    const auto then = client.pool().at(number);
    ASSERT_TRUE(then);
    if (hashes.contains(number)) {
      ASSERT_EQ((*then)->hash(), hashes[number]);
    }
  }
}

}  // namespace
}  // namespace apportion
