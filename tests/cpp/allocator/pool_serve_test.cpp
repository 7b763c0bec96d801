// Who is activated when something becomes free: the order, what is looked at again, and a twin that is a plain list.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "support/random_steps.hpp"
#include "waiting_pool.hpp"

namespace apportion {
namespace {

// Everybody may wait for ever, and is ready to.
constexpr const char* kLines = R"({'types': {'channel': {
  'dimensions': {'mbit': {}}, 'fields': {'zone': {'kind': 'string'}},
  'deferrable': {'patience_s': 0.0000001, 'held_s': 0.000000001, 'missed': 'keep'}}}})";

/// Lines and those who want them, as lists. A request takes the first line that has room for it.
class LineTwin {
 public:
  struct Line {
    std::string id;
    std::string zone;
    int limit = 0;
    bool online = true;
    int used = 0;
  };
  struct Want {
    int mbit = 0;
    std::string zone;  // "": any
    Time ends = kForever;
    Time deadline = kForever;
    std::string line;  // "": it waits
  };

  std::vector<Line> lines;
  std::map<std::uint64_t, Want> wants;  // in the order in which they came

  [[nodiscard]] static bool serves(const Line& line, const Want& want) {
    return line.online && (want.zone.empty() || want.zone == line.zone);
  }
  [[nodiscard]] Line* find(const Want& want) {
    const auto found = std::ranges::find_if(lines, [&](const Line& line) {
      return serves(line, want) && line.used <= line.limit && line.used + want.mbit <= line.limit;
    });
    return found == lines.end() ? nullptr : &*found;
  }
  [[nodiscard]] bool worth_waiting(const Want& want) const {
    int largest = -1;
    int used = 0;
    int queued = 0;
    for (const Line& line : lines) {
      if (!serves(line, want) || line.limit < want.mbit) continue;
      largest = std::max(largest, std::max(0, line.limit - line.used));
      used += line.used;
    }
    for (const auto& [number, other] : wants) queued += other.line.empty() ? other.mbit : 0;
    return largest >= 0 && want.mbit > 0 && (queued + want.mbit - largest <= 0 || used > 0);
  }
  void take(Line& line, Want& want) {
    line.used += want.mbit;
    want.line = line.id;
  }
  void leave(std::uint64_t number) {
    const Want want = wants.at(number);
    wants.erase(number);
    for (Line& line : lines) line.used -= line.id == want.line ? want.mbit : 0;
  }
  // The first that can be served, until none can.
  void serve() {
    for (auto& [number, want] : wants) {
      if (!want.line.empty()) continue;
      Line* const line = find(want);
      if (line == nullptr) continue;
      take(*line, want);
      return serve();
    }
  }
  void tick(Time now) {
    for (;;) {
      Time next = kForever;
      for (const auto& [number, want] : wants) next = std::min({next, want.ends, due(want)});
      if (next > now) return;
      std::vector<std::uint64_t> ended;
      for (const auto& [number, want] : wants) {
        if (want.ends == next) ended.push_back(number);
      }
      for (const std::uint64_t number : ended) leave(number);
      serve();
      std::vector<std::uint64_t> missed;
      for (const auto& [number, want] : wants) {
        if (due(want) == next) missed.push_back(number);
      }
      for (const std::uint64_t number : missed) leave(number);
    }
  }

 private:
  static Time due(const Want& want) { return want.line.empty() ? want.deadline : kForever; }
};

// Does the same to a pool and to its twin, one random thing after the other.
class LineDriver {
 public:
  explicit LineDriver(std::uint64_t seed)
      : random_(seed), pool_(indexing_pool(kLines, seed % 2 == 0 ? 0 : kEnoughIndex, 1)) {
    for (std::size_t i = 0; i < 8; ++i) {
      twin_.lines.push_back({"l" + std::to_string(i), i % 3 == 0 ? "a" : "b", 10 + below(30)});
      InstanceSpec spec = instance(twin_.lines[i].id, "channel", {{"mbit", dec(twin_.lines[i].limit)}});
      spec.fields = {{"zone", Node(twin_.lines[i].zone)}};
      EXPECT_EQ(error_of(pool_->add(spec)), "");
    }
  }

  void step() {
    const int what = below(100);
    if (what < 50) {
      ask();
    } else if (what < 80) {
      release();
    } else if (what < 88) {
      now_ += below(30);
      ASSERT_TRUE(pool_->tick(now_));
      twin_.tick(now_);
    } else if (what < 96) {
      change(twin_.lines[static_cast<std::size_t>(below(8))], what < 92);
    } else {
      resize();
    }
    std::erase_if(claims_, [&](const auto& each) { return !twin_.wants.contains(each.first); });
  }

  /// Everybody has what the twin gave; how many wait.
  [[nodiscard]] std::size_t compare() const {
    std::size_t waits = 0;
    for (const auto& [number, claim] : claims_) {
      const std::string& line = twin_.wants.at(number).line;
      EXPECT_EQ(holds(*pool_, claim), line.empty() ? "-" : line) << "want " << number;
      waits += line.empty() ? 1 : 0;
    }
    return waits;
  }
  [[nodiscard]] Pool& pool() const { return *pool_; }

 private:
  int below(std::uint64_t n) { return static_cast<int>(random_() % n); }

  void ask() {
    LineTwin::Want want{1 + below(12), below(3) == 0 ? (below(2) == 0 ? "a" : "b") : "", kForever, kForever, ""};
    if (below(4) == 0) want.ends = now_ + 1 + below(60);
    Request request = ask_line("c" + std::to_string(below(5)), want.mbit);
    if (!want.zone.empty()) request.where = "self.zone == '" + want.zone + "'";
    request.ends = want.ends;
    const Time patience = below(2) == 0 ? 100 : 1 + below(200);
    if (patience != 100) request.patience = patience;
    want.deadline = std::min(now_ + patience, want.ends);
    LineTwin::Line* const line = twin_.find(want);
    const Result<Outcome> outcome = pool_->allocate(request);
    ASSERT_TRUE(outcome) << error_of(outcome);
    if (const Denial* why = std::get_if<Denial>(&*outcome)) {
      ASSERT_EQ(line, nullptr);
      ASSERT_TRUE(!twin_.worth_waiting(want) || why->deferral->expected > patience) << why->message;
      return;
    }
    if (line != nullptr) {
      twin_.take(*line, want);
    } else {
      ASSERT_TRUE(twin_.worth_waiting(want));
    }
    claims_[next_] = std::get<Grant>(*outcome).claims[0].claim;
    twin_.wants[next_++] = want;
  }

  void release() {
    if (claims_.empty()) return;
    const auto at = std::next(claims_.begin(), below(claims_.size()));
    ASSERT_EQ(error_of(pool_->release({at->second})), "");
    twin_.leave(at->first);
    twin_.serve();
  }

  void change(LineTwin::Line& line, bool size) {
    if (size) {
      line.limit = 5 + below(40);
    } else {
      line.online = !line.online;
    }
    InstanceSpec spec = instance(line.id, "", {{"mbit", dec(line.limit)}});
    spec.state = {{"status", Node(line.online ? "online" : "offline")}};
    ASSERT_EQ(error_of(pool_->change(spec)), "");
    twin_.serve();
  }

  void resize() {
    if (claims_.empty()) return;
    const auto at = std::next(claims_.begin(), below(claims_.size()));
    LineTwin::Want& want = twin_.wants.at(at->first);
    if (want.line.empty()) return;
    LineTwin::Line& line = *std::ranges::find(twin_.lines, want.line, &LineTwin::Line::id);
    const int mbit = 1 + below(12);
    const bool fits = mbit <= want.mbit || line.used - want.mbit + mbit <= line.limit;
    const auto denied = pool_->resize(at->second, {{"mbit", dec(mbit)}});
    ASSERT_TRUE(denied);
    ASSERT_EQ(!denied->has_value(), fits && (line.used <= line.limit || mbit <= want.mbit));
    if (denied->has_value()) return;
    line.used += mbit - want.mbit;
    want.mbit = mbit;
    twin_.serve();
  }

  std::mt19937_64 random_;
  std::shared_ptr<Pool> pool_;
  LineTwin twin_;
  std::map<std::uint64_t, ClaimId> claims_;
  Time now_ = 0;
  std::uint64_t next_ = 0;
};

class ServeTwin : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ServeTwin, GivesWhatAListGives) {
  LineDriver driver(GetParam());
  std::size_t waited = 0;
  for (int step = 0; step < random_steps(4000); ++step) {
    driver.step();
    waited = std::max(waited, driver.compare());
    ASSERT_FALSE(HasFailure()) << "step " << step;
    if (step % 500 != 0) continue;
    ASSERT_EQ(restored(driver.pool())->hash(), driver.pool().hash());
    ASSERT_EQ((*driver.pool().at(driver.pool().revision().number))->hash(), driver.pool().hash());
  }
  const std::string journal = journal_text(driver.pool());
  int activated = 0;
  for (std::size_t at = 0; (at = journal.find("\"activate\"", at)) != std::string::npos; ++at) ++activated;
  if (random_steps(4000) < 4000) return;
  EXPECT_GT(waited, 5U);
  EXPECT_GT(activated, 100);
  EXPECT_NE(journal.find("\"miss\""), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServeTwin, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace apportion
