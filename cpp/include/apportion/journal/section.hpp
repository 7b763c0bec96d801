// What an area contributes to the state. The journal knows sections, not domains.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "apportion/base/hash.hpp"
#include "apportion/base/node.hpp"
#include "apportion/journal/change.hpp"
#include "apportion/journal/transaction.hpp"

namespace apportion {

class State;

/// Receives the records of a snapshot: kind and payload.
using Emit = std::function<void(Kind kind, std::string_view payload)>;

/// A part of the state under its own change kinds, made of the containers of chunk_vector.hpp.
/// Thread-compatible: a State and its sections are used by one thread at a time, two forks by two.
class Section {
 public:
  Section() = default;
  Section& operator=(const Section&) = delete;
  virtual ~Section() = default;

  /// A copy that shares all chunks. Its links point nowhere until `link`.
  [[nodiscard]] virtual std::unique_ptr<Section> fork() const = 0;
  /// Finds the sections this one reads or changes; called once after the state is complete and after each fork.
  virtual void link(State& state) = 0;
  /// Checks and performs one change. Deterministic: reads no clock and nothing outside the state. On an error the
  /// caller rolls `log` back, so a half-done apply leaves nothing. Never crashes on hostile payloads.
  virtual Status apply(const Change& change, Transaction& log) = 0;
  /// Asks for the memory that applying the change soon will touch: first what the payload names, then, some changes
  /// later, what is found there. The payload is one that was applied before.
  enum class Ahead { kFirst, kThen };
  virtual void prefetch(const Change&, Ahead) const {}
  /// Emits records that `apply` turns back into this section when they are applied, as restored ones, to an empty
  /// state.
  virtual void snapshot(const Emit& emit) const = 0;
  /// Called after the last record of a snapshot: fails when the records do not make a whole.
  [[nodiscard]] virtual Status check_whole() const { return {}; }
  /// The sum over the section's logical cells; independent of slots and of history.
  [[nodiscard]] virtual Hash128 hash() const = 0;
  /// The change as a tree a person can read; names are resolved in the present state.
  [[nodiscard]] virtual Node describe(const Change& change) const = 0;

 protected:
  Section(const Section&) = default;
};

}  // namespace apportion
