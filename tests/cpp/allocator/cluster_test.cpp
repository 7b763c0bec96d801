// Nodes with cards inside, chosen by what is left of both: against a model that is written out.
#include "apportion/allocator/cluster.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

struct Card {
  int free = 10;
};

struct CardNode {
  int cores = 8;
  std::vector<Card> cards;
  bool old = false;
  std::map<std::string, int> kinds;  // of consumers with claims on it
};

constexpr const char* kFragments =
    "'fragmentation': {'parts': 'card', 'dimension': 'milli', 'profile': ["
    "{'weight': 3, 'cores': 2, 'part': 5, 'count': 1}, {'weight': 2, 'cores': 4, 'part': 10, 'count': 2},"
    "{'weight': 1, 'cores': 1, 'part': 3, 'count': 1, 'where': 'self.old'}, {'weight': 2, 'cores': 1}]}";

std::string document(const std::string& policy, const char* inner) {
  return "{'policies': {'mine': {" + policy +
         "}}, 'consumer_kinds': {'share': {}, 'whole': {}}, 'types': {"
         "'node': {'dimensions': {'cores': {}}, 'fields': {'old': {'kind': 'boolean'}}, 'policy': 'mine'},"
         "'card': {'dimensions': {'milli': {}}},"
         "'pod': {'dimensions': {'cores': {}, 'milli': {}, 'cards': {}}, 'needs': ["
         "{'type': 'node', 'cores': 'request.cores'},"
         "{'type': 'card', 'on': 'node', 'milli': 'request.milli', 'count': 'request.cards', 'policy': '" +
         inner + "'}]}}}";
}

class CardFarm {
 public:
  CardFarm(std::uint64_t seed, const std::string& policy, const char* inner, std::size_t index)
      : random_(seed), pool_(indexing_pool(document(policy, inner), index, 1)) {
    for (std::size_t n = 0; n < 6; ++n) {
      CardNode node;
      node.old = random_() % 2 == 0;
      InstanceSpec spec = instance("n" + std::to_string(n), "node", {{"cores", dec(node.cores)}});
      spec.fields.emplace_back("old", Node(node.old));
      EXPECT_EQ(error_of(pool_->add(spec)), "");
      for (std::uint64_t c = 0; c < 1 + random_() % 4; ++c) {
        InstanceSpec card = instance(name(n, c), "card", {{"milli", dec(10)}});
        card.parent = "n" + std::to_string(n);
        EXPECT_EQ(error_of(pool_->add(card)), "");
        node.cards.emplace_back();
      }
      nodes_.push_back(node);
    }
    for (const char* kind : {"share", "whole"})
      EXPECT_EQ(error_of(pool_->add_consumer({std::string("a ") + kind, kind, {}})), "");
  }

  static std::string name(std::size_t node, std::size_t card) {
    return "n" + std::to_string(node) + "c" + std::to_string(card);
  }
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  std::mt19937_64 random_;
  std::shared_ptr<Pool> pool_;
  std::vector<CardNode> nodes_;
};

struct Pod {
  int cores = 0;
  int milli = 0;
  int cards = 0;
};

int fragments(const CardNode& node) {
  int all = 0;
  for (const Card& card : node.cards) all += card.free;
  const auto of = [&](int weight, int cores, int part, int count, bool allowed) {
    int large = 0, small = 0;
    for (const Card& card : node.cards) card.free >= part ? large += 1 : small += card.free;
    return weight * (allowed && large >= count && cores <= node.cores ? small : all);
  };
  return of(3, 2, 5, 1, true) + of(2, 4, 10, 2, true) + of(1, 1, 3, 1, node.old) + 2 * all;
}

// Cards that would be chosen: the tightest, or the first ones; nothing where there are not so many.
std::optional<std::vector<std::size_t>> cards_of(const CardNode& node, const Pod& pod, bool tightest) {
  std::vector<std::size_t> fitting;
  for (std::size_t c = 0; c < node.cards.size(); ++c)
    if (node.cards[c].free >= pod.milli) fitting.push_back(c);
  if (fitting.size() < static_cast<std::size_t>(pod.cards) || node.cores < pod.cores) return std::nullopt;
  if (tightest) std::ranges::stable_sort(fitting, {}, [&](std::size_t c) { return node.cards[c].free; });
  fitting.resize(static_cast<std::size_t>(pod.cards));
  return fitting;
}

void take(CardNode& node, const Pod& pod, const std::vector<std::size_t>& cards) {
  node.cores -= pod.cores;
  for (const std::size_t c : cards) node.cards[c].free -= pod.milli;
}

using Choice = std::pair<std::size_t, std::vector<std::size_t>>;

// `rate` says the score of a node for a choice of cards; the highest wins, then the first node, then the first card.
template <class Rate>
std::optional<Choice> best(const std::vector<CardNode>& nodes, const Pod& pod, bool tightest, bool together,
                           const Rate& rate) {
  std::optional<Choice> best;
  double lead = 0;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const auto cards = cards_of(nodes[n], pod, tightest);
    if (!cards) continue;
    std::vector<std::vector<std::size_t>> choices{*cards};
    if (together && pod.cards == 1) {
      choices.clear();
      for (std::size_t c = 0; c < nodes[n].cards.size(); ++c)
        if (nodes[n].cards[c].free >= pod.milli) choices.push_back({c});
    }
    for (const auto& choice : choices) {
      const double score = rate(nodes[n], choice);
      if (best && score <= lead) continue;
      best = Choice{n, choice};
      lead = score;
    }
  }
  return best;
}

template <class Rate>
void play(const std::string& policy, const char* inner, bool together, const Rate& rate) {
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(tries(12)); ++seed) {
    CardFarm world(seed, policy, inner, seed % 3 == 0 ? 0 : kEnoughIndex);
    const bool tightest = std::string(inner) == "closest_capacity";
    std::vector<std::tuple<Grant, Choice, Pod>> given;
    int denied = 0;
    for (int i = 0; i < 120; ++i) {
      if (!given.empty() && world.draw(3) == 0) {
        const std::size_t at = world.draw(given.size());
        const auto [grant, choice, pod] = given[at];
        std::vector<ClaimId> claims;
        for (const GrantedClaim& claim : grant.claims) claims.push_back(claim.claim);
        ASSERT_EQ(error_of(world.pool_->release(claims)), "");
        CardNode& node = world.nodes_[choice.first];
        node.cores += pod.cores;
        for (const std::size_t c : choice.second) node.cards[c].free += pod.milli;
        const std::string kind = pod.milli < 10 ? "share" : "whole";
        if (pod.cards > 0 && --node.kinds[kind] == 0) node.kinds.erase(kind);
        given.erase(given.begin() + static_cast<std::ptrdiff_t>(at));
      }
      Pod pod{1 + static_cast<int>(world.draw(3)), 0, 0};
      if (world.draw(6) != 0) {
        pod.cards = world.draw(2) == 0 ? 1 : static_cast<int>(1 + world.draw(3));
        pod.milli = pod.cards == 1 && world.draw(3) != 0 ? static_cast<int>(1 + world.draw(9)) : 10;
      }
      const std::string kind = pod.milli < 10 ? "share" : "whole";
      Request request;
      request.type = "pod";
      request.consumer = pod.cards == 0 ? "nobody" : "a " + kind;
      request.amounts = {{"cores", dec(pod.cores)}, {"milli", dec(pod.milli)}, {"cards", dec(pod.cards)}};
      const auto expected = best(world.nodes_, pod, tightest, together,
                                 [&](const CardNode& node, const auto& cards) { return rate(node, pod, cards, kind); });
      const Result<Outcome> outcome = world.pool_->allocate(request);
      ASSERT_EQ(error_of(outcome), "");
      const Grant* const grant = std::get_if<Grant>(&*outcome);
      ASSERT_EQ(grant != nullptr, expected.has_value()) << "seed " << seed << " step " << i;
      if (grant == nullptr) {
        ++denied;
        continue;
      }
      std::vector<std::string> ids{"n" + std::to_string(expected->first)};
      for (const std::size_t c : expected->second) ids.push_back(CardFarm::name(expected->first, c));
      std::vector<std::string> found = instances_of(*world.pool_, *grant);
      std::ranges::sort(found);
      std::ranges::sort(ids);
      ASSERT_EQ(found, ids) << "seed " << seed << " step " << i;
      take(world.nodes_[expected->first], pod, expected->second);
      if (pod.cards > 0) ++world.nodes_[expected->first].kinds[kind];
      given.emplace_back(*grant, *expected, pod);
    }
    EXPECT_GT(given.size(), 3U);
  }
}

TEST(Cluster, LeastFragmentsWithTheCardChosenTogether) {
  play(std::string("'score': 'floor(100 / (1 + exp(fragmentation.rise / 2)))', 'order': 'max', ") + kFragments,
       "together", true,
       [](const CardNode& node, const Pod& pod, const std::vector<std::size_t>& cards, const std::string&) {
         CardNode after = node;
         take(after, pod, cards);
         return std::floor(100 / (1 + std::exp((fragments(after) - fragments(node)) / 8.0 / 2)));
       });
}

TEST(Cluster, ReadsWhatIsInsideAndWhatWouldBeChosen) {
  play(
      "'score': 'inside.card.free.milli - 3 * inside.card.idle + 100 * chosen.card.idle - 7 * chosen.card.free.milli + "
      "1000 * chosen.card.members + chosen.card.request.milli + 11 * inside.card.used.milli - 2 * inside.card.members'",
      "closest_capacity", false,
      [](const CardNode& node, const Pod& pod, const std::vector<std::size_t>& cards, const std::string&) {
        int free = 0, idle = 0, used = 0, chosen_idle = 0, chosen_free = 0;
        for (const Card& card : node.cards) free += card.free, used += 10 - card.free, idle += card.free == 10 ? 1 : 0;
        for (const std::size_t c : cards)
          chosen_free += node.cards[c].free, chosen_idle += node.cards[c].free == 10 ? 1 : 0;
        const auto chosen = static_cast<int>(cards.size());
        return -(free - 3 * idle + 100 * chosen_idle - 7 * chosen_free + 1000 * chosen + chosen * pod.milli +
                 11 * used - 2 * static_cast<int>(node.cards.size()));
      });
}

TEST(Cluster, ReadsTheKindsOfConsumers) {
  play("'score': '(claims.of_kind > 0 ? 10 : 0) - claims.kinds', 'order': 'max'", "first", false,
       [](const CardNode& node, const Pod& pod, const std::vector<std::size_t>&, const std::string& kind) {
         const bool of_kind = pod.cards > 0 && node.kinds.contains(kind);
         return (of_kind ? 10 : 0) - static_cast<int>(node.kinds.size());
       });
}

TEST(Cluster, APolicyThatReadsFragmentsSaysOfWhat) {
  Pool pool;
  const std::vector<std::string> problems = problems_of(
      pool, "{'policies': {'mine': {'score': 'fragmentation.rise'}}, 'types': {'node': {'policy': 'mine'}}}");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems.front().find("no table 'fragmentation'"), std::string::npos) << problems.front();
}

}  // namespace
}  // namespace apportion
