// The resolver against brute force: every assignment of a small universe, in the order that the search promises.
#include "apportion/allocator/resolver.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {
namespace {

struct Disk {
  std::string id;
  std::string zone;
  int gb = 0;    // free
  int size = 0;  // of it when nothing is claimed
  bool online = true;
};

// A slot of the flat tree: so many disks with so much, by a rule over an earlier slot of one disk.
struct Slot {
  int gb = 0;
  int count = 1;
  int other = -1;  // the slot its rule speaks of; -1: no rule
  bool same = false;
  bool optional = false;
  int other_gb = -1;  // >= 0: an alternative that asks for this instead
};

using Chosen = std::vector<std::vector<std::size_t>>;  // by slot: disks; an empty slot stands for none

class Universe {
 public:
  explicit Universe(std::uint64_t seed) : random_(seed) {
    for (std::size_t i = 0; i < 3 + draw(3); ++i) {
      const int size = 1 + static_cast<int>(draw(8));
      disks_.push_back(
          {"d" + std::to_string(i), std::string(1, static_cast<char>('a' + draw(3))), size, size, draw(6) != 0});
    }
    for (std::size_t i = 0; i < 1 + draw(4); ++i) {
      Slot slot;
      slot.gb = static_cast<int>(draw(6));
      slot.count = draw(4) == 0 ? static_cast<int>(draw(3)) : 1;
      std::vector<int> single;
      for (std::size_t k = 0; k < i; ++k)
        if (slots_[k].count == 1 && slots_[k].other_gb < 0) single.push_back(static_cast<int>(k));
      if (!single.empty() && draw(2) == 0) slot.other = single[draw(single.size())];
      slot.same = draw(3) == 0;
      slot.optional = draw(4) == 0;
      if (draw(5) == 0) slot.other_gb = static_cast<int>(draw(4));
      slots_.push_back(slot);
    }
  }

  // The last slots stand in an outcome of their own when `nested`.
  [[nodiscard]] std::string document(bool nested) const {
    const std::size_t outer = nested ? slots_.size() / 2 : slots_.size();
    std::string text = "{'types': {'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}}}, ";
    if (!nested) return text + "'tree': {'needs': [" + needs(0, outer) + "]}}}";
    text += "'part': {'needs': [" + needs(outer, slots_.size()) + "]}, ";
    return text + "'tree': {'needs': [" + needs(0, outer) + (outer == 0 ? "" : ", ") + "{'type': 'part'}]}}}";
  }
  // A rule that would reach out of the part.
  [[nodiscard]] bool can_nest() const {
    const auto half = static_cast<int>(slots_.size() / 2);
    for (std::size_t i = slots_.size() / 2; i < slots_.size(); ++i) {
      if (slots_[i].other >= 0 && slots_[i].other < half) return false;
    }
    return true;
  }

  void fill(Pool& pool) const {
    for (const Disk& disk : disks_) {
      InstanceSpec spec = instance(disk.id, "disk", {{"gb", dec(disk.size)}});
      spec.fields.emplace_back("zone", disk.zone);
      if (!disk.online) spec.state.emplace_back("status", "offline");
      ASSERT_EQ(error_of(pool.add(spec)), "");
    }
  }

  // Somebody else takes some of it.
  void disturb(Pool& pool) {
    Disk& disk = disks_[draw(disks_.size())];
    if (!disk.online || disk.gb == 0) return;
    const int gb = 1 + static_cast<int>(draw(static_cast<std::size_t>(disk.gb)));
    if (std::holds_alternative<Grant>(pool.place(disk.id, ask_gb("other", gb)).value())) disk.gb -= gb;
  }

  // The first assignment in the order of slots, alternatives and disks that keeps every rule.
  [[nodiscard]] std::optional<Chosen> first(bool empty) const {
    std::vector<int> free;
    for (const Disk& disk : disks_) free.push_back(empty ? disk.size : disk.online ? disk.gb : -1);
    std::optional<Chosen> found;
    Chosen chosen;
    walk(free, chosen, found);
    return found;
  }

  [[nodiscard]] std::vector<std::string> ids(const Chosen& chosen) const {
    std::vector<std::string> all;
    for (const auto& slot : chosen)
      for (const std::size_t disk : slot) all.push_back(disks_[disk].id);
    return all;
  }
  void take(const Chosen& chosen, const std::vector<int>& amounts) {
    std::size_t at = 0;
    for (const auto& slot : chosen)
      for (const std::size_t disk : slot) disks_[disk].gb -= amounts[at++];
  }

 private:
  std::size_t draw(std::size_t below) { return random_() % below; }

  [[nodiscard]] std::string needs(std::size_t from, std::size_t to) const {
    std::string text;
    for (std::size_t i = from; i < to; ++i) {
      const Slot& slot = slots_[i];
      const auto branch = [&](int gb) {
        std::string one = "'type': 'disk', 'gb': " + std::to_string(gb) + ", 'count': " + std::to_string(slot.count);
        const std::string role = "s" + std::to_string(slot.other);
        if (slot.other >= 0) {
          // A slot that stayed empty forbids nothing.
          one +=
              ", 'require': '!has(" + role + ".id) || self.zone " + (slot.same ? "==" : "!=") + " " + role + ".zone'";
        }
        return one;
      };
      text += std::string(i == from ? "" : ", ") + "{'as': 's" + std::to_string(i) + "'";
      if (slot.optional) text += ", 'optional': true";
      text += slot.other_gb < 0 ? ", " + branch(slot.gb)
                                : ", 'any_of': [{" + branch(slot.gb) + "}, {" + branch(slot.other_gb) + "}]";
      text += "}";
    }
    return text;
  }

  // Every way to fill the next slot, the preferred first.
  void walk(std::vector<int>& free, Chosen& chosen, std::optional<Chosen>& found) const {
    if (found) return;
    if (chosen.size() == slots_.size()) {
      found = chosen;
      return;
    }
    const Slot& slot = slots_[chosen.size()];
    for (const int gb : {slot.gb, slot.other_gb}) {
      if (gb < 0 || found) continue;
      sets(slot, gb, 0, {}, free, chosen, [&](const std::vector<std::size_t>& set) {
        for (const std::size_t disk : set) free[disk] -= gb;
        chosen.push_back(set);
        walk(free, chosen, found);
        chosen.pop_back();
        for (const std::size_t disk : set) free[disk] += gb;
        return found.has_value();
      });
    }
    if (found || !slot.optional) return;
    chosen.emplace_back();
    walk(free, chosen, found);
    chosen.pop_back();
  }

  // Sets of `count` disks that fit, in order; stops when `visit` says so.
  bool sets(const Slot& slot, int gb, std::size_t from, std::vector<std::size_t> set, const std::vector<int>& free,
            const Chosen& chosen, const std::function<bool(const std::vector<std::size_t>&)>& visit) const {
    if (set.size() == static_cast<std::size_t>(slot.count)) return visit(set);
    for (std::size_t disk = from; disk < disks_.size(); ++disk) {
      if (free[disk] < gb || !permitted(slot, disk, chosen)) continue;
      set.push_back(disk);
      if (sets(slot, gb, disk + 1, set, free, chosen, visit)) return true;
      set.pop_back();
    }
    return false;
  }

  [[nodiscard]] bool permitted(const Slot& slot, std::size_t disk, const Chosen& chosen) const {
    if (slot.other < 0 || chosen[static_cast<std::size_t>(slot.other)].empty()) return true;
    const Disk& other = disks_[chosen[static_cast<std::size_t>(slot.other)].front()];
    return (disks_[disk].zone == other.zone) == slot.same;
  }

  std::mt19937_64 random_;
  std::vector<Disk> disks_;
  std::vector<Slot> slots_;
};

Request ask_tree() {
  Request request;
  request.type = "tree";
  request.consumer = "ada";
  return request;
}

// A grant exactly where brute force finds one, and the same one; `never` exactly where an empty pool has none.
TEST(Resolver, FindsWhatBruteForceFinds) {
  std::map<std::string, int> met;
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(tries(1500)); ++seed) {
    SCOPED_TRACE(seed);
    Universe universe(seed);
    const bool nested = seed % 2 == 0 && universe.can_nest();
    const auto pool = indexing_pool(universe.document(nested), seed % 3 == 0 ? 0 : kEnoughIndex, 1);
    universe.fill(*pool);
    for (int i = 0; i < 3; ++i) universe.disturb(*pool);
    const std::optional<Chosen> expected = universe.first(false);
    const Hash128 hash = pool->hash();
    const Result<Outcome> outcome = pool->allocate(ask_tree());
    ASSERT_EQ(error_of(outcome), "");
    if (expected && universe.ids(*expected).empty()) {
      const std::optional<Chosen> empty = universe.first(true);
      const Denial& denial = std::get<Denial>(*outcome);
      ASSERT_NE(denial.message.find("came to none"), std::string::npos) << denial.message;
      ASSERT_EQ(denial.denial_class == DenialClass::kNever, universe.ids(*empty).empty());
      ++met["none"];
    } else if (const Grant* grant = std::get_if<Grant>(&*outcome)) {
      ASSERT_TRUE(expected);
      ASSERT_EQ(instances_of(*pool, *grant), universe.ids(*expected));
      ++met["granted"];
      continue;
    } else {
      const Denial& denial = std::get<Denial>(*outcome);
      ASSERT_FALSE(expected) << denial.message;
      ASSERT_EQ(denial.denial_class == DenialClass::kNever, !universe.first(true).has_value()) << denial.message;
      ASSERT_TRUE(denial.slot.starts_with("tree@1")) << denial.slot;
      ++met[std::string(class_name(denial.denial_class))];
    }
    ASSERT_EQ(pool->hash(), hash) << "all or nothing";
  }
  for (const char* what : {"granted", "never", "not_now", "conflict", "none"}) EXPECT_GT(met[what], 2) << what;
}

TEST(Resolver, GivesUpWhereItIsTold) {
  // Ten disks of one zone, and two slots that must differ in it: every pair is tried in vain.
  const auto pool = make_pool(R"({'types': {'disk': {'dimensions': {'gb': {}}}, 'tree': {'needs': [
      {'type': 'disk', 'as': 'a', 'gb': 1}, {'type': 'disk', 'as': 'b', 'gb': 1, 'require': 'self.location != a.location'}]}}})");
  for (int i = 0; i < 10; ++i) {
    InstanceSpec spec = instance("d" + std::to_string(i), "disk", {{"gb", dec(9)}});
    spec.location = "z";
    ASSERT_EQ(error_of(pool->add(spec)), "");
  }
  auto state = four_sections();
  ASSERT_EQ(error_of(state->restore(pool->snapshot())), "");
  const Sections sections = Sections::of(*state);
  Expressions expressions;
  Index index(sections, expressions, kEnoughIndex, 3);
  Transaction log;
  const Hash128 hash = state->hash();
  Resolver bounded(sections, expressions, index, {1, 4});
  const auto found = bounded.resolve(ask_tree(), 0, log);
  ASSERT_TRUE(found && !*found);
  EXPECT_TRUE(bounded.failure().bounded);
  EXPECT_EQ(bounded.failure().role, "tree@1/b");
  EXPECT_EQ(bounded.failure().before.size(), 1U);
  Resolver whole(sections, expressions, index, {1, 100});
  ASSERT_FALSE(whole.resolve(ask_tree(), 0, log)->has_value());
  EXPECT_FALSE(whole.failure().bounded);
  EXPECT_EQ(state->hash(), hash);
}

}  // namespace
}  // namespace apportion
