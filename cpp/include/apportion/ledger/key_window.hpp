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
    std::uint64_t number = 0;  ///< of the change that answered
    Time time = 0;
    ClaimId first;  ///< of the grant's claims
    [[nodiscard]] bool used() const { return number != 0; }
    [[nodiscard]] std::uint64_t hash() const { return key.low; }
  };

  [[nodiscard]] const Entry* find(const Hash128& key) const {
    return entries_.find(key.low, [&](const Entry& entry) { return entry.key == key; });
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  /// REQUIRES: the key is not there; times do not go back.
  void add(Transaction& log, const Entry& entry) {
    forget(log, entry.time);
    const std::uint64_t at = end_.get() % kMaxKeys;
    if (at < order_.size()) {
      order_.set(log, at, entry.key);
    } else {
      order_.push_back(log, entry.key);
    }
    ++end_.edit(log);
    entries_.insert(log, entry);
    hash_.edit(log) += cell(entry);
  }

  /// Oldest first.
  [[nodiscard]] std::vector<Entry> entries() const {
    std::vector<Entry> all;
    for (std::uint64_t i = begin_.get(); i < end_.get(); ++i) all.push_back(*find(order_[i % kMaxKeys]));
    return all;
  }

  [[nodiscard]] Hash128 hash() const { return hash_.get(); }
  [[nodiscard]] std::size_t bytes() const { return entries_.bytes() + order_.bytes(); }

 private:
  static Hash128 cell(const Entry& entry) {
    return CellHash(43)
        .add(entry.key.high)
        .add(entry.key.low)
        .add(entry.digest)
        .add(entry.number)
        .add(entry.time)
        .add(std::uint64_t{entry.first.slot} << 32 | entry.first.generation)
        .value();
  }

  void forget(Transaction& log, Time now) {
    while (begin_.get() < end_.get()) {
      const Hash128 key = order_[begin_.get() % kMaxKeys];
      const Entry* oldest = find(key);
      if (end_.get() - begin_.get() < kMaxKeys && now - oldest->time < kKeyTime) return;
      hash_.edit(log) -= cell(*oldest);
      entries_.erase(log, key.low, [&](const Entry& entry) { return entry.key == key; });
      ++begin_.edit(log);
    }
  }

  ChunkMap<Entry> entries_;
  ChunkVector<Hash128> order_;  // a ring of kMaxKeys: positions begin_ to end_
  Cell<std::uint64_t> begin_;
  Cell<std::uint64_t> end_;
  Cell<Hash128> hash_;
};

}  // namespace apportion
