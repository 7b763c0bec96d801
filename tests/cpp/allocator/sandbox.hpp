// A state of its own whose tables a test may write as it likes, and what follows the tables has to notice.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apportion/allocator/plan.hpp"
#include "builders.hpp"

namespace apportion {

/// A hundred disks with 0 to 6 gb and up to 10^11 iops, or so many times less, at most two consumers each, in three
/// groups; taken over from a pool's snapshot.
struct Sandbox {
  std::unique_ptr<State> state = four_sections();
  std::unique_ptr<Sections> sections;
  Expressions expressions;

  explicit Sandbox(std::int64_t less = 1) {
    const auto pool = make_pool(R"({'types': {'disk': {'dimensions': {'gb': {}, 'iops': {}}, 'max_consumers': 2}},
                                    'policies': {'own': {'score': 'self.ordinal * 7 % 5', 'order': 'max'}}})");
    for (int i = 0; i < 100; ++i) {
      InstanceSpec spec = instance("d" + std::to_string(i), "disk",
                                   {{"gb", dec(i % 7)}, {"iops", dec(1'000'000'000LL / less * i + 1)}});
      spec.location = "z" + std::to_string(i % 3);
      spec.groups = std::vector<std::string>{*spec.location};
      if (i == 50) spec.policy = "own";
      EXPECT_EQ(error_of(pool->add(spec)), "");
    }
    EXPECT_EQ(error_of(state->restore(pool->snapshot())), "");
    sections = std::make_unique<Sections>(Sections::of(*state));
    static_cast<void>(table().touched.watch());
  }

  InstanceTable& table() { return *sections->inventory.table(0); }
  const TypeDefinition& type() { return sections->catalog.version(0).definition; }

  Neighbours& neighbours() {
    if (!held) held.emplace(sections->inventory, sections->symbols, sections->catalog);
    held->catch_up();
    return *held;
  }

  Plan plan(const Request& request) {
    Result<Plan> made = Planner(*sections, expressions, neighbours()).plan(request, 0);
    if (!made) ADD_FAILURE() << made.error().text();
    return *made;
  }

  std::optional<Neighbours> held;

  /// Writes a row as claims would, only more wildly: now and then it is over.
  void disturb(Transaction& log, std::uint32_t row, std::uint64_t dice) {
    table().touched.add_claimed(log, row);
    table().dimensions[0].used.edit(log, row) = static_cast<Steps>(dice % 9);
    table().consumers.edit(log, row) = static_cast<std::uint32_t>(dice / 9 % 4);
    table().claims.edit(log, row) = static_cast<std::uint32_t>(dice / 36 % 5);
  }
};

}  // namespace apportion
