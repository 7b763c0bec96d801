// Windows, and what they keep requests off: examples, and a twin that looks at every window for every request.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "support/random_steps.hpp"
#include "waiting_pool.hpp"

namespace apportion {
namespace {

constexpr const char* kLead = "{'types': {'disk': {'dimensions': {'gb': {}}, 'lead_s': 10}}}";

Status maintain(Pool& pool, const char* name, std::vector<MaintenanceSpec::Window> windows) {
  return pool.set_maintenance({name, std::move(windows)});
}

Request until(Time ends) {
  Request request = ask_gb("a", 1);
  request.ends = ends;
  return request;
}

TEST(Maintenance, FromTheLeadBeforeAWindowUntilItsEnd) {
  const auto pool = disks({10, 10}, kLead);
  ASSERT_EQ(error_of(maintain(*pool, "nightly", {{"d1", false, ms(60'000), ms(90'000)}})), "");
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d1");
  EXPECT_EQ(chosen(*pool, until(ms(50'000))), "d1") << "ends 10 s before the window";
  EXPECT_EQ(chosen(*pool, until(ms(50'001))), "d2");
  ASSERT_TRUE(pool->tick(ms(49'999)));
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d1");
  ASSERT_TRUE(pool->tick(ms(50'000)));
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d2");
  ASSERT_TRUE(pool->tick(ms(89'999)));
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d2");
  ASSERT_TRUE(pool->tick(ms(90'000)));
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d1");
  EXPECT_EQ((*pool->at(pool->revision().number))->hash(), pool->hash());
  EXPECT_EQ(restored(*pool)->hash(), pool->hash());
}

TEST(Maintenance, OfAGroupAsItIsThen) {
  const auto pool = disks({10, 10}, kLead);
  InstanceSpec spec;
  spec.id = "d1";
  spec.groups = std::vector<std::string>{"rack"};
  ASSERT_EQ(error_of(maintain(*pool, "rack", {{"rack", true, ms(0) + 1, ms(90'000)}})), "");
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d1");
  ASSERT_TRUE(pool->change(spec).has_value());
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d2");
  InstanceSpec fresh = instance("d0", "disk", {{"gb", dec(1)}});
  fresh.groups = spec.groups;
  ASSERT_TRUE(pool->add(fresh).has_value());
  EXPECT_EQ(chosen(*pool, ask("a", {{"gb", dec(10)}})), "") << "neither the one that is there nor a new one";
  spec.groups = std::vector<std::string>{};
  ASSERT_TRUE(pool->change(spec).has_value());
  EXPECT_EQ(chosen(*pool, ask_gb("a", 1)), "d1");
  ASSERT_EQ(error_of(maintain(*pool, "rack", {})), "");
  EXPECT_EQ(pool->maintenance().rows, 0U);
}

TEST(Maintenance, ADenialSaysSoAndWhenItIsOver) {
  const auto pool = disks({10}, kLead);
  ASSERT_EQ(error_of(maintain(*pool, "nightly", {{"d1", false, ms(5'000), ms(90'000)}})), "");
  const Denial why = denial(*pool, ask_gb("a", 1));
  EXPECT_EQ(why.denial_class, DenialClass::kNotNow);
  EXPECT_EQ(why.stage, "maintenance");
  EXPECT_EQ(why.message,
            "stage 'maintenance' (in service) leaves out the only candidate; an empty pool could serve it");
  ASSERT_EQ(why.closest.size(), 1U);
  EXPECT_EQ(why.closest[0].lacks[0].have, "out of service");
  ASSERT_EQ(why.core.size(), 1U);
  EXPECT_EQ(why.core[0].name, "maintenance");
  const Repairs repairs = pool->repairs(ask_gb("a", 1)).value();
  const auto wait = std::ranges::find(repairs.list, RepairKind::kWait, &Repair::kind);
  ASSERT_NE(wait, repairs.list.end());
  EXPECT_EQ(wait->until, ms(90'000));
  EXPECT_EQ(wait->text, "wait 90 s: claims, marks or maintenance end by then");
  const Result<Outcome> cured = pool->repair(ask_gb("a", 1), *wait);
  ASSERT_TRUE(cured) << error_of(cured);
  EXPECT_TRUE(std::holds_alternative<Grant>(*cured));
}

TEST(Maintenance, AMarkIsNotCommittedWhereItWouldNotBeGranted) {
  const auto pool = disks({10}, kLead);
  Request mark = ask_gb("a", 1);
  mark.mark = true;
  mark.expires = ms(80'000);
  const Grant open = grant(*pool, mark);
  mark.ends = ms(75'000);
  const Grant bounded = grant(*pool, mark);
  ASSERT_EQ(error_of(maintain(*pool, "nightly", {{"d1", false, ms(60'000), ms(70'000)}})), "");
  EXPECT_EQ(error_of(pool->commit(ids_of(bounded))),
            "the mark is on 'd1', which goes out of service before the claim ends: release it and ask again");
  ASSERT_TRUE(pool->tick(ms(55'000)));
  EXPECT_EQ(error_of(pool->commit(ids_of(open))),
            "the mark is on 'd1', which is out of service for maintenance: release it and ask again");
  ASSERT_TRUE(pool->tick(ms(70'000)));
  EXPECT_TRUE(pool->commit(ids_of(open)).has_value());
}

TEST(Maintenance, IsLookedAtAgainAtActivation) {
  const auto pool = make_pool(kUpload);
  const Grant bob = grant(*pool, ask_line("bob"));
  const Grant ada = grant(*pool, ask_upload("ada"));
  ASSERT_EQ(error_of(maintain(*pool, "lines", {{"ch1", false, ms(100), ms(500)}})), "");
  ASSERT_TRUE(pool->tick(ms(200)));
  ASSERT_TRUE(pool->release(ids_of(bob)).has_value());
  EXPECT_EQ(holds(*pool, ada), "d1 -");
  ASSERT_TRUE(pool->tick(ms(500)));
  EXPECT_EQ(holds(*pool, ada), "d1 ch1");
}

TEST(Maintenance, BadWindowsAreRefusedWhole) {
  const auto pool = disks({10}, kLead);
  const Hash128 before = pool->hash();
  EXPECT_EQ(error_of(maintain(*pool, "", {})),
            "name: a series has a name of 1 to 200 bytes without control characters");
  EXPECT_EQ(error_of(maintain(*pool, "n", {{"d1", false, 1, 2}, {"d9", false, 1, 2}})),
            "windows[1]: there is no instance 'd9'");
  EXPECT_EQ(error_of(maintain(*pool, "n", {{"d1", false, 2, 2}})),
            "windows[0]: a window ends after it begins, and begins after 1970");
  EXPECT_EQ(error_of(maintain(*pool, "n", {{"", true, 1, 2}})), "windows[0]: a window is of an instance or a group");
  EXPECT_EQ(pool->hash(), before);
}

// The first that has room, by a look at every window for every request.
class HoursDriver {
 public:
  static constexpr Time kLeadTime = 7;
  static constexpr const char* kTypes = R"({'types': {
    'disk': {'dimensions': {'gb': {}}, 'lead_s': 0.000000007},
    'pair': {'needs': [{'type': 'disk', 'as': 'one', 'gb': 1},
                       {'type': 'disk', 'as': 'two', 'gb': 1, 'require': 'self.id != one.id'}]}}})";

  explicit HoursDriver(std::uint64_t seed)
      : random_(seed), pool_(indexing_pool(kTypes, seed % 2 == 0 ? 0 : kEnoughIndex, 1)), groups_(6) {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      InstanceSpec spec = instance("d" + std::to_string(i), "disk", {{"gb", dec(1'000'000)}});
      spec.groups = groups_[i] = {"g" + std::to_string(i % 3)};
      EXPECT_EQ(error_of(pool_->add(spec)), "");
    }
  }

  void step() {
    const int what = below(100);
    if (what < 8) return maintain();
    if (what < 14) return regroup();
    if (what < 30) {
      now_ += below(25);
      ASSERT_TRUE(pool_->tick(now_));
      return;
    }
    Request request = ask_gb("c", 1);
    request.ends = below(2) == 0 ? kForever : now_ + 1 + below(90);
    const std::string expected = serving(request.ends);
    denials_ += expected.empty() ? 1 : 0;
    if (what < 90) {
      ASSERT_EQ(chosen(*pool_, request), expected.substr(0, 2)) << "at " << now_ << " until " << request.ends;
    } else {
      request.type = "pair";
      request.amounts.clear();
      ASSERT_EQ(both(request), expected.size() < 5 ? "" : expected.substr(0, 5)) << "at " << now_;
    }
  }

  [[nodiscard]] Pool& pool() const { return *pool_; }
  [[nodiscard]] int denials() const { return denials_; }

 private:
  int below(std::uint64_t n) { return static_cast<int>(random_() % n); }

  // All that serve, in order: "d0 d3".
  [[nodiscard]] std::string serving(Time ends) const {
    std::string all;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (serves(i, ends)) all += (all.empty() ? "" : " ") + ("d" + std::to_string(i));
    }
    return all;
  }
  [[nodiscard]] bool serves(std::size_t disk, Time ends) const {
    for (const auto& [name, windows] : series_) {
      for (const MaintenanceSpec::Window& window : windows) {
        const bool of = window.group ? std::ranges::find(groups_[disk], window.target) != groups_[disk].end()
                                     : window.target == "d" + std::to_string(disk);
        const Time closes = window.from - kLeadTime;
        if (of && now_ < window.until && (ends == kForever ? closes <= now_ : closes < ends)) return false;
      }
    }
    return true;
  }
  std::string both(const Request& request) {
    const Result<Outcome> outcome = pool_->allocate(request);
    EXPECT_TRUE(outcome) << error_of(outcome);
    const Grant* const given = std::get_if<Grant>(&*outcome);
    if (given == nullptr) return "";
    return instances_of(*pool_, *given)[0] + " " + instances_of(*pool_, *given)[1];
  }

  void maintain() {
    std::vector<MaintenanceSpec::Window> windows(static_cast<std::size_t>(below(4)));
    for (MaintenanceSpec::Window& window : windows) {
      window.group = below(3) == 0;
      window.target = (window.group ? "g" : "d") + std::to_string(below(window.group ? 3 : 6));
      window.from = now_ + below(60);
      window.until = window.from + 1 + below(40);
    }
    const std::string name = "s" + std::to_string(below(4));
    ASSERT_EQ(error_of(pool_->set_maintenance({name, windows})), "");
    series_[name] = windows;
  }
  void regroup() {
    const auto disk = static_cast<std::size_t>(below(6));
    InstanceSpec spec;
    spec.id = "d" + std::to_string(disk);
    spec.groups = groups_[disk] = {"g" + std::to_string(below(3))};
    ASSERT_EQ(error_of(pool_->change(spec)), "");
  }

  std::mt19937_64 random_;
  std::shared_ptr<Pool> pool_;
  std::vector<std::vector<std::string>> groups_;
  std::map<std::string, std::vector<MaintenanceSpec::Window>> series_;
  Time now_ = 0;
  int denials_ = 0;
};

class MaintenanceTwin : public testing::TestWithParam<std::uint64_t> {};

TEST_P(MaintenanceTwin, KeepsOffWhatEveryWindowSays) {
  HoursDriver driver(GetParam());
  for (int step = 0; step < random_steps(3000); ++step) {
    driver.step();
    ASSERT_FALSE(HasFailure()) << "step " << step;
    if (step % 400 != 0) continue;
    ASSERT_EQ(restored(driver.pool())->hash(), driver.pool().hash());
    ASSERT_EQ((*driver.pool().at(driver.pool().revision().number))->hash(), driver.pool().hash());
  }
  if (random_steps(3000) == 3000) {
    EXPECT_GT(driver.denials(), 20);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MaintenanceTwin, testing::Range<std::uint64_t>(1, 7));

}  // namespace
}  // namespace apportion
