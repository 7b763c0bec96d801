// Where slots may lie, against brute force: every assignment of a small data centre, in the order that the search
// promises.
#include "apportion/allocator/slot_bound.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

struct Machine {
  std::string id;
  std::string type;   // "rack", "node" or "card"
  int parent = -1;    // a machine before it
  std::string model;  // "": none
  std::vector<std::string> groups;
  int size = 0;
  int used = 0;
};

struct Wish {
  std::string type;
  int amount = 0;
  int count = 1;
  int on = -1;  // an earlier wish
  std::vector<std::string> same;
  std::vector<std::string> different;
  bool optional = false;
};

using Picked = std::vector<std::vector<std::size_t>>;  // by wish: machines

class Centre {
 public:
  explicit Centre(std::uint64_t seed) : random_(seed) {
    for (std::size_t rack = 0; rack < 1 + draw(3); ++rack) {
      const int r = add("rack", -1);
      for (std::size_t node = 0; node < draw(3); ++node) {
        const int n = add("node", draw(8) == 0 ? -1 : r);
        for (std::size_t card = 0; card < draw(4); ++card) add("card", n);
      }
    }
    for (std::size_t i = 0; i < 1 + draw(3); ++i) wishes_.push_back(wish(i));
    drop_lonely(&Wish::same);
    drop_lonely(&Wish::different);
  }

  // A word that one slot alone says is refused.
  void drop_lonely(std::vector<std::string> Wish::* member) {
    const auto says = [member](const Wish& wish, const std::string& word) {
      return std::ranges::find(wish.*member, word) != (wish.*member).end();
    };
    for (Wish& wish : wishes_) {
      std::erase_if(wish.*member, [&](const std::string& word) {
        const auto saying = std::ranges::count_if(wishes_, [&](const Wish& other) { return says(other, word); });
        return wish.count == 1 && saying == 1;
      });
    }
  }

  [[nodiscard]] std::string document() const {
    std::string text = "{'types': {";
    for (const char* type : {"rack", "node", "card"})
      text += std::string("'") + type + "': {'dimensions': {'size': {}}, 'fields': {'model': {'kind': 'string'}}}, ";
    text += "'site': {'needs': [";
    for (std::size_t i = 0; i < wishes_.size(); ++i) text += (i == 0 ? "" : ", ") + need(i);
    return text + "]}}}";
  }

  void fill(Pool& pool) {
    for (const Machine& machine : machines_) {
      InstanceSpec spec = instance(machine.id, machine.type, {{"size", dec(machine.size)}});
      if (machine.parent >= 0) spec.parent = machines_[static_cast<std::size_t>(machine.parent)].id;
      if (!machine.model.empty()) spec.fields.emplace_back("model", machine.model);
      spec.groups = machine.groups;
      ASSERT_EQ(error_of(pool.add(spec)), "");
    }
    for (Machine& machine : machines_) {
      if (machine.size == 0 || draw(3) != 0) continue;
      machine.used = 1 + static_cast<int>(draw(static_cast<std::size_t>(machine.size)));
      Request request;
      request.type = machine.type;
      request.consumer = "other";
      request.amounts = {{"size", dec(machine.used)}};
      ASSERT_TRUE(std::holds_alternative<Grant>(pool.place(machine.id, request).value()));
    }
  }

  [[nodiscard]] std::optional<Picked> first(bool empty) const {
    std::vector<int> free;
    for (const Machine& machine : machines_) free.push_back(machine.size - (empty ? 0 : machine.used));
    Picked picked;
    std::optional<Picked> found;
    walk(free, picked, found);
    return found;
  }

  [[nodiscard]] std::vector<std::string> ids(const Picked& picked) const {
    std::vector<std::string> ids;
    for (const auto& of : picked)
      for (const std::size_t machine : of) ids.push_back(machines_[machine].id);
    return ids;
  }

 private:
  std::size_t draw(std::size_t below) { return random_() % below; }

  int add(const char* type, int parent) {
    Machine machine;
    machine.id = std::string(type) + std::to_string(machines_.size());
    machine.type = type;
    machine.parent = parent;
    if (draw(4) != 0) machine.model = std::string(1, static_cast<char>('a' + draw(2)));
    for (const char* group : {"g", "h"})
      if (draw(2) == 0) machine.groups.emplace_back(group);
    machine.size = static_cast<int>(draw(5));
    machines_.push_back(machine);
    return static_cast<int>(machines_.size()) - 1;
  }

  Wish wish(std::size_t i) {
    Wish wish;
    wish.type = draw(3) == 0 ? "node" : "card";
    wish.amount = static_cast<int>(draw(4));
    wish.count = draw(2) == 0 ? 1 : static_cast<int>(1 + draw(3));
    std::vector<int> single;
    for (std::size_t k = 0; k < i; ++k)
      if (wishes_[k].count == 1) single.push_back(static_cast<int>(k));
    if (!single.empty() && draw(2) == 0) wish.on = single[draw(single.size())];
    for (const char* word : {"rack", "node", "model", "parent", "groups"}) {
      if (draw(6) == 0) wish.same.emplace_back(word);
      if (draw(8) == 0) wish.different.emplace_back(word);
    }
    wish.optional = draw(6) == 0;
    return wish;
  }

  [[nodiscard]] std::string need(std::size_t i) const {
    const Wish& wish = wishes_[i];
    std::string text = "{'as': 'w" + std::to_string(i) + "', 'type': '" + wish.type +
                       "', 'size': " + std::to_string(wish.amount) + ", 'count': " + std::to_string(wish.count);
    if (wish.on >= 0) text += ", 'on': 'w" + std::to_string(wish.on) + "'";
    const auto words = [&](const char* key, const std::vector<std::string>& of) {
      if (of.empty()) return;
      text += std::string(", '") + key + "': [";
      for (std::size_t k = 0; k < of.size(); ++k) text += (k == 0 ? "'" : ", '") + of[k] + "'";
      text += "]";
    };
    words("same", wish.same);
    words("different", wish.different);
    if (wish.optional) text += ", 'optional': true";
    return text + "}";
  }

  [[nodiscard]] std::set<std::string> values(std::size_t machine, const std::string& word) const {
    const Machine& it = machines_[machine];
    if (word == "model") return it.model.empty() ? std::set<std::string>() : std::set{it.model};
    if (word == "groups") return {it.groups.begin(), it.groups.end()};
    const auto parent = static_cast<std::size_t>(it.parent);
    if (word == "parent") return it.parent < 0 ? std::set<std::string>() : std::set{machines_[parent].id};
    if (it.type == word) return {it.id};
    return it.parent < 0 ? std::set<std::string>() : values(parent, word);
  }

  [[nodiscard]] bool lies_in(std::size_t machine, std::size_t other) const {
    for (int at = static_cast<int>(machine); at >= 0; at = machines_[static_cast<std::size_t>(at)].parent)
      if (at == static_cast<int>(other)) return true;
    return false;
  }

  // All rules of `same` and `different` over what is picked, and of `on`.
  [[nodiscard]] bool keeps_rules(const Picked& picked) const {
    for (std::size_t i = 0; i < picked.size(); ++i) {
      if (wishes_[i].on < 0) continue;
      const auto& anchor = picked[static_cast<std::size_t>(wishes_[i].on)];
      for (const std::size_t machine : picked[i])
        if (anchor.empty() || !lies_in(machine, anchor.front())) return false;
    }
    for (const char* word : {"rack", "node", "model", "parent", "groups"}) {
      std::optional<std::set<std::string>> common;
      std::set<std::string> met;
      for (std::size_t i = 0; i < picked.size(); ++i) {
        const auto says = [&](const std::vector<std::string>& words) {
          return std::ranges::find(words, word) != words.end();
        };
        for (const std::size_t machine : picked[i]) {
          const std::set<std::string> its = values(machine, word);
          if (says(wishes_[i].same)) {
            if (!common) common = its;
            std::erase_if(*common, [&](const std::string& value) { return !its.contains(value); });
            if (common->empty()) return false;
          }
          if (says(wishes_[i].different)) {
            if (its.empty()) return false;
            for (const std::string& value : its)
              if (!met.insert(value).second) return false;
          }
        }
      }
    }
    return true;
  }

  void walk(std::vector<int>& free, Picked& picked, std::optional<Picked>& found) const {
    if (found) return;
    if (picked.size() == wishes_.size()) {
      found = picked;
      return;
    }
    picked.emplace_back();
    fill_one(0, free, picked, found);
    picked.pop_back();
    if (found || !wishes_[picked.size()].optional) return;
    picked.emplace_back();
    walk(free, picked, found);
    picked.pop_back();
  }

  // The last wish of `picked`, with machines from `from` on.
  void fill_one(std::size_t from, std::vector<int>& free, Picked& picked, std::optional<Picked>& found) const {
    const Wish& wish = wishes_[picked.size() - 1];
    if (picked.back().size() == static_cast<std::size_t>(wish.count)) return walk(free, picked, found);
    for (std::size_t machine = from; machine < machines_.size() && !found; ++machine) {
      if (machines_[machine].type != wish.type || free[machine] < wish.amount) continue;
      picked.back().push_back(machine);
      free[machine] -= wish.amount;
      if (keeps_rules(picked)) fill_one(machine + 1, free, picked, found);
      free[machine] += wish.amount;
      picked.back().pop_back();
    }
  }

  std::mt19937_64 random_;
  std::vector<Machine> machines_;
  std::vector<Wish> wishes_;
};

TEST(SlotBounds, FindWhatBruteForceFinds) {
  std::map<std::string, int> met;
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(tries(2500)); ++seed) {
    SCOPED_TRACE(seed);
    Centre centre(seed);
    const auto pool = indexing_pool(centre.document(), seed % 3 == 0 ? 0 : kEnoughIndex, 1);
    centre.fill(*pool);
    const std::optional<Picked> expected = centre.first(false);
    const Hash128 hash = pool->hash();
    Request request;
    request.type = "site";
    request.consumer = "ada";
    const Result<Outcome> outcome = pool->allocate(request);
    ASSERT_EQ(error_of(outcome), "");
    if (const Grant* grant = std::get_if<Grant>(&*outcome)) {
      ASSERT_TRUE(expected) << centre.document();
      ASSERT_EQ(instances_of(*pool, *grant), centre.ids(*expected)) << centre.document();
      ++met["granted"];
      continue;
    }
    const Denial& denial = std::get<Denial>(*outcome);
    ASSERT_TRUE(!expected || centre.ids(*expected).empty()) << centre.document() << denial.message;
    const std::optional<Picked> empty = centre.first(true);
    ASSERT_EQ(denial.denial_class == DenialClass::kNever, !empty || centre.ids(*empty).empty())
        << centre.document() << denial.message;
    ++met[std::string(class_name(denial.denial_class))];
    if (!denial.stages.empty()) ++met[denial.stages.back().name];
    ASSERT_EQ(pool->hash(), hash) << "all or nothing";
  }
  for (const char* what : {"granted", "never", "not_now", "conflict", "together", "capacity"})
    EXPECT_GT(met[what], 1) << what;
}

constexpr const char* kCluster = R"({'types': {
    'rack': {}, 'node': {'dimensions': {'cores': {}}},
    'gpu': {'dimensions': {'milli': {}}, 'fields': {'model': {'kind': 'string'}, 'board': {'kind': 'integer'}}},
    'pod': {'dimensions': {'cores': {}, 'milli': {}}, 'needs': [
        {'type': 'node', 'cores': 'request.cores'},
        {'type': 'gpu', 'on': 'node', 'milli': 'request.milli', 'count': 2, 'same': 'model', 'different': 'board'}]}}})";

std::shared_ptr<Pool> cluster() {
  auto pool = make_pool(kCluster);
  const auto add = [&](InstanceSpec spec, const char* parent) {
    if (*parent != 0) spec.parent = parent;
    EXPECT_EQ(error_of(pool->add(spec)), "");
  };
  const auto gpu = [&](const char* id, const char* node, const char* model, int board) {
    InstanceSpec spec = instance(id, "gpu", {{"milli", dec(1000)}});
    spec.fields.emplace_back("model", model);
    spec.fields.emplace_back("board", Node(std::int64_t{board}));
    add(spec, node);
  };
  add(instance("r", "rack", {}), "");
  for (const char* node : {"n1", "n2", "n3"}) add(instance(node, "node", {{"cores", dec(8)}}), "r");
  gpu("a", "n1", "v100", 1);
  gpu("b", "n1", "t4", 2);
  gpu("c", "n2", "t4", 1);
  gpu("d", "n2", "t4", 1);
  gpu("e", "n3", "t4", 1);
  gpu("f", "n3", "t4", 2);
  return pool;
}

Request pod(int cores, int milli) {
  Request request;
  request.type = "pod";
  request.consumer = "ada";
  request.amounts = {{"cores", dec(cores)}, {"milli", dec(milli)}};
  return request;
}

TEST(SlotBounds, PartsOfOneModelOnTwoBoardsOfOneNode) {
  const auto pool = cluster();
  EXPECT_EQ(instances_of(*pool, grant(*pool, pod(1, 600))), (std::vector<std::string>{"n3", "e", "f"}));
  const Denial none = denial(*pool, pod(1, 600));
  EXPECT_EQ(none.slot, "pod@1/gpu");
  EXPECT_EQ(none.denial_class, DenialClass::kNotNow) << none.message;
  const Denial large = denial(*pool, pod(1, 1200));
  EXPECT_EQ(large.denial_class, DenialClass::kNever);
}

TEST(SlotBounds, ADenialSaysThatThereIsNoRoomForSoManyTogether) {
  const auto pool = cluster();
  for (const char* gpu : {"a", "c", "e"}) {
    Request request;
    request.type = "gpu";
    request.consumer = "other";
    request.amounts = {{"milli", dec(1000)}};
    EXPECT_TRUE(std::holds_alternative<Grant>(pool->place(gpu, request).value()));
  }
  const Denial none = denial(*pool, pod(1, 600));
  EXPECT_EQ(none.stages.back().name, "together");
  EXPECT_EQ(none.stages.back().detail, "2 inside one 'node', at most 1 there: 'n1'");
  EXPECT_EQ(none.stages.back().before, 3U);
  ASSERT_EQ(none.core.size(), 1U);
  EXPECT_EQ(none.core[0].name, "together");
  EXPECT_EQ(none.core[0].excludes, 3U);
  EXPECT_NE(none.message.find("(2 inside one 'node', at most 1 there: 'n1') leaves none of 3 candidates"),
            std::string::npos)
      << none.message;
}

TEST(SlotBounds, SayWhatTheyAsk) {
  const auto pool = cluster();
  auto state = four_sections();
  ASSERT_EQ(error_of(state->restore(pool->snapshot())), "");
  const Sections sections = Sections::of(*state);
  const TypeDefinition& gpu = sections.catalog.find_type("gpu")->definition;
  const Neighbours neighbours(sections.inventory, sections.symbols, sections.catalog);
  const auto words = [&](SlotBound bound, const char* of) {
    const std::string held =
        values_text(bound, neighbours.values(sections.inventory.find(of), bound.word), gpu, sections.symbols);
    return std::string(bound.name()) + ": " + bound.text(held);
  };
  EXPECT_EQ(words({SlotBound::Kind::kOn, "node", {}, false}, "a"), "on: inside 'n1'");
  EXPECT_EQ(words({SlotBound::Kind::kOn, "groups", {}, false}, "a"), "on: inside a slot that is empty");
  EXPECT_EQ(words({SlotBound::Kind::kSame, "model", {}, false}, "a"), "same: model 'v100'");
  EXPECT_EQ(words({SlotBound::Kind::kSame, "groups", {}, true}, "a"), "same: any groups");
  EXPECT_EQ(words({SlotBound::Kind::kDifferent, "board", {}, false}, "b"), "different: board not 2");
  EXPECT_EQ(words({SlotBound::Kind::kSame, "rack", {}, false}, "b"), "same: rack 'r'");
}

}  // namespace
}  // namespace apportion
