// A section for tests of the journal: an array of numbers under area 5. Setting a number is a change.
#pragma once

#include <memory>
#include <string>

#include "apportion/journal/chunk_vector.hpp"
#include "apportion/journal/codec.hpp"
#include "apportion/journal/state.hpp"

namespace apportion {

class Numbers : public Section {
 public:
  static constexpr std::uint8_t kArea = 5;
  static constexpr Kind kSet = make_kind(kArea, 1);
  static constexpr std::uint32_t kBound = 1000;

  static std::string payload(std::uint32_t index, std::int64_t value) {
    Writer writer;
    writer.put(index).put(value);
    return writer.take();
  }

  [[nodiscard]] std::size_t size() const { return cells_.size(); }
  [[nodiscard]] std::int64_t at(std::size_t index) const { return cells_[index]; }

  [[nodiscard]] std::unique_ptr<Section> fork() const override { return std::make_unique<Numbers>(*this); }
  void link(State&) override {}
  Status apply(const Change& change, Transaction& log) override {
    Reader reader(change.payload);
    const auto index = reader.get<std::uint32_t>();
    const auto value = reader.get<std::int64_t>();
    if (change.kind != kSet) return corrupt("not a number");
    if (index >= cells_.size() && index < kBound) cells_.resize(log, index + 1);
    if (!cells_.empty()) add(cells_.size() - 1, value, log);
    // Checked late on purpose: what was done so far has to be rolled back.
    if (!reader.complete() || index >= kBound) return corrupt("a number out of bounds");
    if (cells_.size() - 1 != index) {
      add(cells_.size() - 1, -value, log);
      add(index, value, log);
    }
    return {};
  }
  void snapshot(const Emit& emit) const override {
    for (std::uint32_t i = 0; i < cells_.size(); ++i) emit(kSet, payload(i, cells_[i]));
  }
  [[nodiscard]] Status check_whole() const override {
    return cells_.empty() || cells_[0] != 13 ? Status{} : Status{corrupt("13 cannot come first")};
  }
  [[nodiscard]] Hash128 hash() const override { return hash_.get(); }
  [[nodiscard]] Node describe(const Change& change) const override {
    return static_cast<std::int64_t>(change.payload.size());
  }

 private:
  void add(std::size_t index, std::int64_t value, Transaction& log) {
    const auto cell = [&] { return CellHash(5).add(std::uint64_t{index}).add(cells_[index]).value(); };
    if (cells_[index] != 0) hash_.edit(log) -= cell();
    cells_.edit(log, index) += value;
    if (cells_[index] != 0) hash_.edit(log) += cell();
  }

  ChunkVector<std::int64_t> cells_;
  Cell<Hash128> hash_;
};

inline std::unique_ptr<State> numbers_state(std::uint32_t origin = 1) {
  auto state = std::make_unique<State>(origin);
  state->add(Numbers::kArea, std::make_unique<Numbers>());
  state->link_all();
  return state;
}

inline const Numbers& numbers_of(const State& state) { return state.section<Numbers>(Numbers::kArea); }

/// The change that comes next, at `time`.
inline Change next_change(const State& state, std::string_view payload, Time time) {
  Revision revision = state.revision();
  ++revision.number;
  return {Numbers::kSet, 1, revision, time, payload};
}

}  // namespace apportion
