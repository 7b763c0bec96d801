#include "apportion/ledger/quota_sums.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/random_steps.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

// A group's use by the definition: members, and of each group below what it uses or is guaranteed.
struct QuotaTwin {
  struct Group {
    int parent = -1;
    int guaranteed = 0;
    int maximum = -1;
    int own = 0;
  };
  std::vector<Group> groups;

  [[nodiscard]] int used(int group) const {
    int sum = groups[static_cast<std::size_t>(group)].own;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if (groups[g].parent == group) sum += std::max(used(static_cast<int>(g)), groups[g].guaranteed);
    }
    return sum;
  }
  // Whether every group may hold what it would hold. One whose use does not rise is not asked.
  [[nodiscard]] bool fits(int group, int more) const {
    QuotaTwin after = *this;
    after.groups[static_cast<std::size_t>(group)].own += more;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const int now = after.used(static_cast<int>(g));
      if (groups[g].maximum >= 0 && now > used(static_cast<int>(g)) && now > groups[g].maximum) return false;
    }
    return true;
  }
};

std::string name_of(int group) { return "g" + std::to_string(group); }

TEST(QuotaSums, AreWhatBruteForceAddsUp) {
  std::mt19937_64 random(5);
  for (int round = 0; round < tries(200); ++round) {
    QuotaTwin twin;
    Node::Map quotas;
    bool spoken_of = false;  // by some quota: else nothing is counted
    for (int g = 0; g < 6; ++g) {
      QuotaTwin::Group group;
      group.parent = g == 0 || random() % 4 == 0 ? -1 : static_cast<int>(random() % static_cast<std::uint64_t>(g));
      Node::Map said;
      if (group.parent >= 0) said.emplace_back("parent", name_of(group.parent));
      const auto amount = [](int cards) { return Node::Map{{"gpu", Node::Map{{"cards", std::int64_t{cards}}}}}; };
      if (random() % 2 == 0) {
        group.guaranteed = static_cast<int>(random() % 5);
        said.emplace_back("guaranteed", amount(group.guaranteed));
      }
      if (random() % 2 == 0) {
        group.maximum = group.guaranteed + static_cast<int>(random() % 12);
        said.emplace_back("maximum", amount(group.maximum));
      }
      spoken_of = spoken_of || said.size() > (group.parent >= 0 ? 1U : 0U);
      twin.groups.push_back(group);
      quotas.emplace_back(name_of(g), std::move(said));
    }
    World world;
    ASSERT_TRUE(
        world.write(Catalog::kDefineType, Catalog::payload("gpu", tree("{'dimensions': {'cards': {}}}"))).has_value());
    for (const auto& [name, definition] : quotas)
      ASSERT_TRUE(world.write(Catalog::kDefineQuota, Catalog::payload(name, definition)).has_value());
    Transaction log;
    QuotaSums sums;
    sums.begin(log, world.catalog(), 0);
    ASSERT_EQ(sums.kept(), true);
    for (int step = 0; step < 60; ++step) {
      const int group = static_cast<int>(random() % 6);
      const std::string name = name_of(group);
      const std::string_view names[] = {name};
      const Steps cards = static_cast<Steps>(random() % 5);
      const Taking taking{0, std::span(&cards, 1)};
      QuotaTwin::Group& own = twin.groups[static_cast<std::size_t>(group)];
      if (random() % 3 == 0 && own.own >= cards) {
        sums.add(log, names, taking, -1);
        own.own -= static_cast<int>(cards);
      } else {
        const bool fits = twin.fits(group, static_cast<int>(cards));
        ASSERT_EQ(!sums.excess(names, std::span(&taking, 1)).has_value(), fits) << "round " << round;
        if (fits || random() % 4 == 0) {  // a limit may come after the claims
          sums.add(log, names, taking, 1);
          own.own += static_cast<int>(cards);
        }
      }
      for (int g = 0; g < 6; ++g) {
        ASSERT_EQ(sums.used(name_of(g), "gpu", "cards"), spoken_of ? twin.used(g) : 0);
      }
    }
    log.rollback();
    EXPECT_FALSE(sums.kept());
  }
}

}  // namespace
}  // namespace apportion
