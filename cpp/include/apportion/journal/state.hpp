// The state at one revision: sections, and the one way to change them.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "apportion/journal/chunk_vector.hpp"
#include "apportion/journal/section.hpp"

namespace apportion {

/// Owns its sections. Thread-compatible: guard a live state by one mutex; forks are independent objects.
class State {
 public:
  /// `origin` names the journal this state belongs to.
  explicit State(std::uint32_t origin = 0) : position_(Position{{origin, 0, 0}, 0}) {}
  State& operator=(const State&) = delete;

  /// Adds a section under an area number in [1, 15]. REQUIRES: the number is free; `link_all` follows the last one.
  void add(std::uint8_t area, std::unique_ptr<Section> section) { sections_.at(area) = std::move(section); }
  void link_all();

  /// The section of an area; REQUIRES: it was added as an S.
  template <class S>
  [[nodiscard]] S& section(std::uint8_t area) const {
    return static_cast<S&>(*sections_.at(area));
  }
  /// The section that a kind belongs to, or nullptr.
  [[nodiscard]] Section* section_of(Kind kind) const;

  [[nodiscard]] const Revision& revision() const { return position_.get().revision; }
  /// The time of the last change.
  [[nodiscard]] Time time() const { return position_.get().time; }

  /// Applies a recorded change whole, or leaves the state as it was. The change must carry the next number and a time
  /// that is not earlier than the last one.
  Status apply(const Change& change);

  /// The live writer's form: the effects go to `log` and the caller rolls back or commits. Sets revision and time.
  Status apply(const Change& change, Transaction& log);

  /// The same where the writer has at hand what the payload says: `effect()` does what applying the payload would do.
  template <class Effect>
  Status apply(const Change& change, Transaction& log, const Effect& effect) {
    APPORTION_TRY(check_next(change));
    APPORTION_TRY(effect());
    position_.edit(log) = {change.revision, change.time};
    return {};
  }

  /// As Section::prefetch.
  void prefetch(const Change& change, Section::Ahead ahead) const {
    if (const Section* section = section_of(change.kind)) section->prefetch(change, ahead);
  }

  /// A copy that shares all chunks: microseconds.
  [[nodiscard]] std::unique_ptr<State> fork() const;

  /// Sum of the sections' hashes: equal states have equal hashes, whatever their history.
  [[nodiscard]] Hash128 hash() const;

  /// Bytes of a snapshot: a header with revision, time and hash, then records.
  [[nodiscard]] std::string snapshot() const;
  /// Loads a snapshot into this state. REQUIRES: sections are added and empty. Fails with kCorrupt on any damage, also
  /// when the rebuilt state has another hash than the header says; this state is then unusable.
  Status restore(std::string_view bytes);

 private:
  struct Position {
    Revision revision;
    Time time = 0;
  };

  State(const State&) = default;
  [[nodiscard]] Status check_next(const Change& change) const;
  Status restore_records(std::string_view bytes, std::uint64_t count);

  std::array<std::shared_ptr<Section>, 16> sections_;
  Cell<Position> position_;
};

}  // namespace apportion
