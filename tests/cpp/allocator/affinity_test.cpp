#include "apportion/allocator/affinity.hpp"

#include <gtest/gtest.h>

#include <random>

#include "affinity_twin.hpp"
#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

constexpr const char* kTypes = R"({'types': {'zone': {}, 'rack': {},
    'vm': {'dimensions': {'gb': {}}, 'fields': {'tier': {'kind': 'string'}}},
    'db': {'dimensions': {'gb': {}}, 'fields': {'tier': {'kind': 'string'}}}}})";

using Random = std::mt19937_64;

std::string pick(Random& random, std::initializer_list<const char*> words) {
  return *(words.begin() + random() % words.size());
}

// The word's value, in the document's form and the twin's.
void place(Random& random, InstanceSpec& spec, TwinInstance& twin) {
  twin.domains = {{"id", {spec.id}}};
  spec.fields.clear();
  if (random() % 5 != 0) {
    spec.parent = "r" + std::to_string(random() % 3);
    twin.domains["rack"] = {*spec.parent};
    twin.domains["parent"] = {*spec.parent};
  } else {
    spec.parent = "";
  }
  spec.location = random() % 6 == 0 ? "" : "z" + std::to_string(random() % 2);
  if (!spec.location->empty()) twin.domains["location"] = {*spec.location};
  spec.groups = std::vector<std::string>();
  for (const char* group : {"g1", "g2", "g3"}) {
    if (random() % 3 != 0) continue;
    spec.groups->push_back(group);
    twin.domains["groups"].insert(group);
  }
  spec.fields.emplace_back("tier", Node(pick(random, {"gold", "tin"})));
  twin.domains["tier"] = {*spec.fields.front().second.text()};
}

AffinityDefinition random_affinity(Random& random, const std::string& name, bool preference) {
  AffinityDefinition affinity;
  affinity.name = name;
  const auto types = [&] {
    return random() % 3 == 0 ? std::vector<std::string>{"vm", "db"} : std::vector{pick(random, {"vm", "db"})};
  };
  affinity.binds.types = types();
  if (random() % 2 == 0) affinity.binds.labels = {{"app", pick(random, {"web", "shop"})}};
  affinity.counts = affinity.binds;
  if (random() % 3 == 0) affinity.counts.types = types();
  if (random() % 3 == 0) affinity.counts.labels = {{"app", pick(random, {"web", "shop"})}};
  if (random() % 3 == 0) affinity.alike.push_back("consumer");
  if (random() % 3 == 0) affinity.alike.push_back("labels.app");
  affinity.per = pick(random, {"id", "rack", "parent", "location", "groups", "tier"});
  affinity.rule = static_cast<AffinityDefinition::Rule>(random() % 3);
  affinity.number = static_cast<std::uint32_t>(1 + random() % 3);
  if (affinity.rule == AffinityDefinition::Rule::kAtMost && random() % 4 == 0) affinity.number = 0;
  if (preference) affinity.weight = Decimal(static_cast<std::int64_t>(1 + random() % 3));
  affinity.enabled = random() % 8 != 0;
  return affinity;
}

// A site, its twin, and the same site without an index.
struct Site {
  std::shared_ptr<Pool> pool = indexing_pool(kTypes, kEnoughIndex, 2);
  std::shared_ptr<Pool> scanned = indexing_pool(kTypes, 0);
  AffinityTwin twin;
  std::vector<ClaimId> ids;  // of the twin's claims

  explicit Site(Random& random) {
    for (int i = 0; i < 3; ++i) add(instance("r" + std::to_string(i), "rack", {}));
    for (std::uint64_t i = 0, end = 4 + random() % 8; i < end; ++i) {
      const int gb = static_cast<int>(1 + random() % 6);
      InstanceSpec spec = instance("i" + std::to_string(i), pick(random, {"vm", "vm", "db"}), {{"gb", dec(gb)}});
      TwinInstance its{spec.id, spec.type, gb, {}};
      place(random, spec, its);
      add(spec);
      twin.instances.push_back(its);
    }
  }

  void add(const InstanceSpec& spec) {
    for (Pool* each : {pool.get(), scanned.get()}) EXPECT_EQ(error_of(each->add(spec)), "");
  }

  void define(Random& random) {
    twin.affinities.clear();
    Node::Map affinities;
    for (std::uint64_t i = 0, end = 1 + random() % 3; i < 3; ++i) {
      AffinityDefinition affinity = random_affinity(random, "a" + std::to_string(i), random() % 3 == 0);
      affinity.enabled = affinity.enabled && i < end;
      affinities.emplace_back(affinity.name, to_node(affinity));
      twin.affinities.push_back(affinity);
    }
    for (Pool* each : {pool.get(), scanned.get()}) {
      std::vector<Problem> problems;
      EXPECT_EQ(error_of(each->apply(Node::Map{{"affinities", affinities}}, problems)), "");
      for (const Problem& problem : problems) ADD_FAILURE() << problem.place << ": " << problem.message;
    }
  }

  // What a claim there would be; nothing where there is no room or a rule forbids it.
  [[nodiscard]] bool may(const TwinClaim& claim, const std::string& type) const {
    const TwinInstance& at = twin.instance(claim.instance);
    return at.type == type && twin.used(claim.instance) + claim.gb <= at.gb && twin.allows(claim);
  }
};

Request request_of(const TwinClaim& claim, const std::string& type, std::uint32_t count = 1) {
  Request request = ask_gb(claim.consumer, claim.gb, count);
  request.type = type;
  request.labels = claim.labels;
  request.own_policy = PolicyDefinition{};
  request.own_policy->name = "own";
  request.own_policy->score = "used.gb";
  return request;
}

TwinClaim random_claim(Random& random) {
  TwinClaim claim{"", pick(random, {"ada", "ben", "eve"}), {}, static_cast<int>(random() % 3)};
  if (random() % 4 != 0) claim.labels = {{"app", pick(random, {"web", "shop"})}};
  return claim;
}

std::string answer_of(Pool& pool, const Request& request, std::vector<ClaimId>* ids = nullptr) {
  const Result<Outcome> outcome = pool.allocate(request);
  if (!outcome) return outcome.error().text();
  const Grant* const grant = std::get_if<Grant>(&*outcome);

  if (grant == nullptr) return "";
  std::string text;
  for (const std::string& id : instances_of(pool, *grant)) text += (text.empty() ? "" : " ") + id;
  if (ids != nullptr) *ids = ids_of(*grant);
  return text;
}

void ask_one(Random& random, Site& site) {
  TwinClaim claim = random_claim(random);
  const std::string type = pick(random, {"vm", "db"});
  std::string expected;
  std::pair<double, std::size_t> lead{1e300, 0};
  for (std::size_t i = 0; i < site.twin.instances.size(); ++i) {
    claim.instance = site.twin.instances[i].id;
    if (!site.may(claim, type)) continue;
    const std::pair<double, std::size_t> its{site.twin.used(claim.instance) + site.twin.penalty(claim), i};
    if (its < lead) lead = its, expected = claim.instance;
  }
  std::vector<ClaimId> ids;
  const std::string found = answer_of(*site.pool, request_of(claim, type), &ids);
  ASSERT_EQ(found, expected) << to_json(*site.pool->metadata().find("affinities")) << "\n"
                             << to_json(site.pool->explain(request_of(claim, type), 9).value());
  ASSERT_EQ(answer_of(*site.scanned, request_of(claim, type)), expected);
  if (found.empty()) return;
  claim.instance = found;
  site.twin.claims.push_back(claim);
  site.ids.push_back(ids.front());
}

void release_one(Random& random, Site& site) {
  if (site.ids.empty()) return;
  const std::size_t at = random() % site.ids.size();
  ASSERT_EQ(error_of(site.pool->release({site.ids[at]})), "");
  ASSERT_EQ(error_of(site.scanned->release({site.ids[at]})), "");
  site.ids.erase(site.ids.begin() + static_cast<std::ptrdiff_t>(at));
  site.twin.claims.erase(site.twin.claims.begin() + static_cast<std::ptrdiff_t>(at));
}

// To another instance, or to another consumer.
void hand_over(Random& random, Site& site) {
  if (site.ids.empty()) return;
  const std::size_t at = random() % site.ids.size();
  TwinClaim moved = site.twin.claims[at];
  const std::string type = site.twin.instance(moved.instance).type;
  AffinityTwin without = site.twin;
  without.claims.erase(without.claims.begin() + static_cast<std::ptrdiff_t>(at));
  const bool move = random() % 2 == 0;
  if (move) {
    moved.instance = site.twin.instances[random() % site.twin.instances.size()].id;
    if (site.twin.instance(moved.instance).type != type || moved.instance == site.twin.claims[at].instance) return;
  } else {
    moved.consumer = pick(random, {"ada", "ben", "eve"});
    if (moved.consumer == site.twin.claims[at].consumer) return;
  }
  const bool room = without.used(moved.instance) + moved.gb <= without.instance(moved.instance).gb;
  const bool expected = room && without.allows(moved);
  for (Pool* pool : {site.pool.get(), site.scanned.get()}) {
    const auto denied = move ? pool->move(site.ids[at], moved.instance) : pool->transfer(site.ids[at], moved.consumer);
    ASSERT_EQ(error_of(denied), "");
    ASSERT_EQ(!denied->has_value(), expected) << (*denied ? (*denied)->message : "was done");
  }
  if (expected) site.twin.claims[at] = moved;
}

void move_instance(Random& random, Site& site) {
  TwinInstance& twin = site.twin.instances[random() % site.twin.instances.size()];
  InstanceSpec spec;
  spec.id = twin.id;
  place(random, spec, twin);
  ASSERT_EQ(error_of(site.pool->change(spec)), "");
  ASSERT_EQ(error_of(site.scanned->change(spec)), "");
}

// Everything that can be done to a site with affinities, against the twin.
TEST(Affinities, AreWhatBruteForceFinds) {
  Random random(20);
  for (int round = 0; round < tries(60); ++round) {
    Site site(random);
    site.define(random);
    for (int step = 0; step < 120 && !testing::Test::HasFatalFailure(); ++step) {
      switch (random() % 12) {
        case 0:
          move_instance(random, site);
          break;
        case 1:
          site.define(random);
          break;
        case 2:
        case 3:
        case 4:
          release_one(random, site);
          break;
        case 5:
          hand_over(random, site);
          break;
        default:
          ask_one(random, site);
      }
    }
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "round " << round;
    ASSERT_EQ(site.pool->hash(), site.scanned->hash());
    ASSERT_EQ(journal_text(*site.pool), journal_text(*site.scanned));
    // Who comes to it later counts the same.
    const auto copy = restored(*site.pool);
    const auto fork = site.pool->fork();
    ASSERT_EQ(copy->hash(), site.pool->hash());
    for (int i = 0; i < 5; ++i) {
      const Request request = request_of(random_claim(random), "vm");
      const std::string found = answer_of(*site.pool, request);
      ASSERT_EQ(answer_of(*copy, request), found);
      ASSERT_EQ(answer_of(*fork, request), found);
    }
  }
}

// Several at once: granted whenever some order of some instances is right.
bool exists(Site& site, TwinClaim claim, const std::string& type, std::uint32_t count) {
  if (count == 0) return true;
  for (const TwinInstance& each : site.twin.instances) {
    claim.instance = each.id;
    const bool taken = std::ranges::any_of(
        site.twin.claims, [&](const TwinClaim& other) { return other.consumer == "new" && other.instance == each.id; });
    if (taken || !site.may(claim, type)) continue;
    site.twin.claims.push_back(claim);
    const bool found = exists(site, claim, type, count - 1);
    site.twin.claims.pop_back();
    if (found) return true;
  }
  return false;
}

TEST(Affinities, OfSeveralInstancesAreKeptWheneverTheyCanBe) {
  Random random(21);
  int granted = 0;
  int denied = 0;
  for (int round = 0; round < tries(150); ++round) {
    Site site(random);
    site.define(random);
    for (int i = 0; i < 6; ++i) ask_one(random, site);
    ASSERT_FALSE(testing::Test::HasFatalFailure());
    TwinClaim claim = random_claim(random);
    claim.consumer = "new";
    const auto count = static_cast<std::uint32_t>(2 + random() % 3);
    const std::string type = pick(random, {"vm", "db"});
    const bool expected = exists(site, claim, type, count);
    const std::string found = answer_of(*site.pool, request_of(claim, type, count));
    ASSERT_EQ(!found.empty(), expected) << "round " << round << ": " << found;
    ASSERT_EQ(answer_of(*site.scanned, request_of(claim, type, count)), found);
    ++(expected ? granted : denied);
  }
  EXPECT_GT(granted, tries(150) / 5);
  EXPECT_GT(denied, tries(150) / 5);
}

std::shared_ptr<Pool> two_racks(const char* affinities) {
  auto pool = make_pool(kTypes);
  apply_document(*pool, std::string("{'affinities': ") + affinities + "}");
  for (const char* rack : {"r1", "r2"}) EXPECT_EQ(error_of(pool->add(instance(rack, "rack", {}))), "");
  for (int i = 1; i <= 4; ++i) {
    InstanceSpec spec = instance("h" + std::to_string(i), "vm", {{"gb", dec(10)}});
    spec.parent = i <= 2 ? "r1" : "r2";
    EXPECT_EQ(error_of(pool->add(spec)), "");
  }
  return pool;
}

Request web(const char* consumer) { return request_of({"", consumer, {{"app", "web"}}, 1}, "vm"); }

TEST(Affinities, ADenialNamesTheRuleAndWhatIsThere) {
  const auto pool = two_racks("{'apart': {'types': ['vm'], 'alike': ['labels.app'], 'per': 'rack', 'at_most': 1}}");
  EXPECT_EQ(chosen(*pool, web("a")), "h1");
  EXPECT_EQ(chosen(*pool, web("b")), "h3");
  const Denial why = denial(*pool, web("c"));
  EXPECT_EQ(why.stage, "affinity");
  EXPECT_EQ(why.denial_class, DenialClass::kNotNow);
  EXPECT_NE(why.message.find("apart: at most 1 of the same labels.app per rack"), std::string::npos) << why.message;
  ASSERT_FALSE(why.closest.empty());
  EXPECT_EQ(why.closest[0].lacks[0].have, "1 there");
  Request other = web("c");
  other.labels = {{"app", "shop"}};
  EXPECT_EQ(chosen(*pool, other), "h2");
  // Never: more than there are racks, whatever is claimed.
  const Denial never = denial(*pool, request_of({"", "d", {{"app", "new"}}, 1}, "vm", 3));
  EXPECT_EQ(never.denial_class, DenialClass::kNever) << never.message;
}

TEST(Affinities, PreferencesGiveWay) {
  const auto pool =
      two_racks("{'spread': {'types': ['vm'], 'alike': ['labels.app'], 'per': 'rack', 'at_most': 1, 'weight': 5}}");
  EXPECT_EQ(chosen(*pool, web("a")), "h1");
  EXPECT_EQ(chosen(*pool, web("b")), "h3");
  EXPECT_EQ(chosen(*pool, web("c")), "h2");
  EXPECT_EQ(chosen(*pool, web("d")), "h4");
}

TEST(Affinities, ThoseThatCameFirstAreNotDisturbed) {
  const auto pool = two_racks(
      "{'alone': {'types': ['vm'], 'labels': {'app': 'web'}, 'counts': {'labels': {'app': 'noisy'}}, 'at_most': 0}}");
  EXPECT_EQ(chosen(*pool, web("a")), "h1");
  Request noisy = web("b");
  noisy.labels = {{"app", "noisy"}};
  EXPECT_EQ(chosen(*pool, noisy), "h2");
  EXPECT_EQ(chosen(*pool, noisy), "h3");
}

}  // namespace
}  // namespace apportion
