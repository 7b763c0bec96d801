// Idempotency: which keys were used lately, for which request, with which answer.
#pragma once

#include <vector>

#include "apportion/base/time.hpp"
#include "apportion/journal/chunk_map.hpp"
#include "apportion/ledger/records.hpp"

namespace apportion {

/// Remembers the last kMaxKeys keys for at most kKeyTime; older ones are forgotten when new ones come.
/// Thread-compatible.
class KeyWindow {
 public:
  static constexpr std::uint64_t kMaxKeys = 1 << 20;
  static constexpr Time kKeyTime = 24 * 3600 * kSecond;

  struct Entry {
    Hash128 key;
    std::uint64_t digest = 0;  ///< of the request
    Time time = 0;
    ClaimId first;  ///< of the grant's claims
  };

  [[nodiscard]] const Entry* find(const Hash128& key) const {
    const Slot* slot = slots_.find(hash_of(key), Is{*this, key});
    return slot == nullptr ? nullptr : &ring_[slot->place - 1];
  }
  [[nodiscard]] std::size_t size() const { return slots_.size(); }

  /// REQUIRES: the key is not there; times do not go back.
  void add(Transaction& log, const Entry& entry) {
    forget(log, entry.time);
    const std::uint64_t at = end_.get() % kMaxKeys;
    if (at == ring_.size()) ring_.resize(log, at + 1);
    ring_.edit(log, at) = entry;
    ++end_.edit(log);
    slots_.insert(log, {static_cast<std::uint32_t>(at + 1), hash_of(entry.key)});
    hash_.edit(log) += cell(entry);
  }

  /// Oldest first.
  [[nodiscard]] std::vector<Entry> entries() const {
    std::vector<Entry> all;
    for (std::uint64_t i = begin_.get(); i < end_.get(); ++i) all.push_back(ring_[i % kMaxKeys]);
    return all;
  }

  [[nodiscard]] Hash128 hash() const { return hash_.get(); }
  [[nodiscard]] std::size_t bytes() const { return slots_.bytes() + ring_.bytes(); }

 private:
  /// Where a key's entry stands in the ring.
  struct Slot {
    std::uint32_t place = 0;  // + 1
    std::uint32_t hash32 = 0;
    [[nodiscard]] bool used() const { return place != 0; }
    [[nodiscard]] std::uint64_t hash() const { return hash32; }
  };
  struct Is {
    const KeyWindow& window;
    const Hash128& key;
    bool operator()(const Slot& slot) const {
      return slot.hash32 == hash_of(key) && window.ring_[slot.place - 1].key == key;
    }
  };

  static std::uint32_t hash_of(const Hash128& key) { return static_cast<std::uint32_t>(key.low); }

  static Hash128 cell(const Entry& entry) {
    return CellHash(43)
        .add(entry.key.high)
        .add(entry.key.low)
        .add(entry.digest)
        .add(entry.time)
        .add(std::uint64_t{entry.first.slot} << 32 | entry.first.generation)
        .value();
  }

  void forget(Transaction& log, Time now) {
    while (begin_.get() < end_.get()) {
      const Entry& oldest = ring_[begin_.get() % kMaxKeys];
      if (end_.get() - begin_.get() < kMaxKeys && now - oldest.time < kKeyTime) return;
      hash_.edit(log) -= cell(oldest);
      slots_.erase(log, hash_of(oldest.key), Is{*this, oldest.key});
      ++begin_.edit(log);
    }
  }

  ChunkMap<Slot> slots_;
  ChunkVector<Entry> ring_;  // of kMaxKeys: positions begin_ to end_
  Cell<std::uint64_t> begin_;
  Cell<std::uint64_t> end_;
  Cell<Hash128> hash_;
};

}  // namespace apportion
