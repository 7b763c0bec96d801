// A hash table on a ChunkVector: open addressing, linear probing, deletion by shifting back (no tombstones, so random
// churn does not wear it out). Forks and rolls back like the vector below it. Thread-compatible.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "apportion/base/hash.hpp"
#include "apportion/journal/chunk_vector.hpp"

namespace apportion {

/// Entry is trivially copyable with `bool used() const` and `std::uint64_t hash() const`; Entry{} is unused.
/// What a key is, the caller says: look-ups take a hash and a predicate over entries.
template <class Entry>
class ChunkMap {
 public:
  [[nodiscard]] std::size_t size() const { return count_.get(); }

  /// The entry for which `matches` holds, or nullptr. Valid until the next edit.
  template <class Matches>
  [[nodiscard]] const Entry* find(std::uint64_t hash, const Matches& matches) const {
    const std::optional<std::size_t> slot = find_slot(hash, matches);
    return slot ? &entries_[*slot] : nullptr;
  }

  /// Asks for the memory where an entry with this hash stands or would stand.
  void prefetch(std::uint64_t hash) const {
    if (!entries_.empty()) entries_.prefetch(home(hash));
  }

  /// The entry for writing, or nullptr.
  template <class Matches>
  Entry* edit(Transaction& log, std::uint64_t hash, const Matches& matches) {
    const std::optional<std::size_t> slot = find_slot(hash, matches);
    return slot ? &entries_.edit(log, *slot) : nullptr;
  }

  /// REQUIRES: no entry with this key is present.
  void insert(Transaction& log, const Entry& entry) {
    if ((count_.get() + 1) * 5 > entries_.size() * 4) grow(log);
    place(log, entry);
    ++count_.edit(log);
  }

  /// Removes the entry for which `matches` holds; false when there is none.
  template <class Matches>
  bool erase(Transaction& log, std::uint64_t hash, const Matches& matches) {
    const std::optional<std::size_t> found = find_slot(hash, matches);
    if (found) erase(log, *found);
    return found.has_value();
  }

  /// The same in two steps, for who decides between them: where the entry is, until the next insertion or removal.
  template <class Matches>
  [[nodiscard]] std::optional<std::size_t> find_slot(std::uint64_t hash, const Matches& matches) const {
    if (entries_.empty()) return std::nullopt;
    const std::size_t slot = probe(hash, [&](const Entry& entry) { return !entry.used() || matches(entry); });
    return entries_[slot].used() ? std::optional(slot) : std::nullopt;
  }
  [[nodiscard]] const Entry& operator[](std::size_t slot) const { return entries_[slot]; }
  Entry& edit(Transaction& log, std::size_t slot) { return entries_.edit(log, slot); }
  void erase(Transaction& log, std::size_t slot) {
    close_gap(log, slot);
    --count_.edit(log);
  }

  /// Calls `visit(entry)` for every entry, in table order.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].used()) visit(entries_[i]);
    }
  }

  [[nodiscard]] std::size_t bytes() const { return entries_.bytes(); }

 private:
  // The first slot at or after the hash's home where `stops` says so.
  template <class Stops>
  [[nodiscard]] std::size_t probe(std::uint64_t hash, const Stops& stops) const {
    std::size_t slot = home(hash);
    for (;;) {
      std::size_t length = 0;
      const Entry* const entries = entries_.run(slot, length);
      for (std::size_t i = 0; i < length; ++i) {
        if (stops(entries[i])) return slot + i;
      }
      slot = (slot + length) & (entries_.size() - 1);
    }
  }

  [[nodiscard]] std::size_t home(std::uint64_t hash) const { return hash & (entries_.size() - 1); }
  [[nodiscard]] std::size_t next(std::size_t slot) const { return (slot + 1) & (entries_.size() - 1); }

  void place(Transaction& log, const Entry& entry) {
    entries_.edit(log, probe(entry.hash(), [](const Entry& held) { return !held.used(); })) = entry;
  }

  // Invariant of linear probing: no unused slot lies between an entry's home and the entry.
  void close_gap(Transaction& log, std::size_t gap) {
    for (std::size_t slot = next(gap); entries_[slot].used(); slot = next(slot)) {
      const std::size_t distance_home = (slot - home(entries_[slot].hash())) & (entries_.size() - 1);
      const std::size_t distance_gap = (slot - gap) & (entries_.size() - 1);
      if (distance_home < distance_gap) continue;
      entries_.edit(log, gap) = Entry(entries_[slot]);
      gap = slot;
    }
    entries_.edit(log, gap) = Entry{};
  }

  void grow(Transaction& log) {
    auto other = std::make_shared<ChunkVector<Entry>>();
    Transaction unlogged(Transaction::Keep::kForget);
    other->resize(unlogged, std::max<std::size_t>(16, entries_.size() * 2));
    // Noted before anything is done: whatever fails from here on, the old table comes back.
    log.on_rollback([this, other] { std::swap(entries_, *other); });
    std::swap(entries_, *other);
    place_all(*other, unlogged);
  }

  void place_all(const ChunkVector<Entry>& old, Transaction& unlogged) {
    for (std::size_t i = 0; i < old.size(); ++i) {
      if (old[i].used()) place(unlogged, old[i]);
    }
  }

  ChunkVector<Entry> entries_;
  Cell<std::uint64_t> count_;
};

}  // namespace apportion
