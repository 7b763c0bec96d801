// Claims and marks that end at a known time, earliest first.
#pragma once

#include <algorithm>
#include <tuple>
#include <vector>

#include "apportion/base/time.hpp"
#include "apportion/journal/chunk_vector.hpp"
#include "apportion/ledger/records.hpp"

namespace apportion {

/// A binary heap on a chunk vector. An entry may outlive its claim; who pops looks whether the claim still ends then.
/// Derived from the claims, so not part of the state hash. Thread-compatible.
class DueQueue {
 public:
  struct Entry {
    Time time = 0;
    ClaimId claim;
    friend bool operator==(const Entry&, const Entry&) = default;
    friend bool operator<(const Entry& a, const Entry& b) {
      return std::tie(a.time, a.claim.slot, a.claim.generation) < std::tie(b.time, b.claim.slot, b.claim.generation);
    }
  };

  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  [[nodiscard]] std::size_t bytes() const { return heap_.bytes(); }

  void push(Transaction& log, const Entry& entry) {
    std::size_t at = heap_.size();
    heap_.push_back(log, entry);
    while (at > 0 && entry < heap_[(at - 1) / 2]) {
      heap_.set(log, at, heap_[(at - 1) / 2]);
      at = (at - 1) / 2;
    }
    heap_.set(log, at, entry);
  }

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  /// REQUIRES: not empty.
  [[nodiscard]] const Entry& front() const { return heap_[0]; }

  /// Removes the earliest entry. REQUIRES: not empty.
  void pop(Transaction& log) {
    const Entry last = heap_[heap_.size() - 1];
    heap_.resize(log, heap_.size() - 1);
    if (heap_.empty()) return;
    std::size_t at = 0;
    for (std::size_t child = 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
      if (!(heap_[child] < last)) break;
      heap_.set(log, at, heap_[child]);
      at = child;
    }
    heap_.set(log, at, last);
  }

  /// The earliest entries, in their order; at most so many.
  [[nodiscard]] std::vector<Entry> first(std::size_t most) const {
    std::vector<Entry> found;
    std::vector<std::size_t> open;  // a heap of places whose parents were taken
    const auto later = [this](std::size_t a, std::size_t b) { return heap_[b] < heap_[a]; };
    const auto meet = [&](std::size_t at) {
      if (at >= heap_.size()) return;
      open.push_back(at);
      std::push_heap(open.begin(), open.end(), later);
    };
    for (meet(0); !open.empty() && found.size() < most;) {
      std::pop_heap(open.begin(), open.end(), later);
      const std::size_t at = open.back();
      open.pop_back();
      found.push_back(heap_[at]);
      meet(2 * at + 1);
      meet(2 * at + 2);
    }
    return found;
  }

  /// Every entry that is due at `now`, earliest first.
  [[nodiscard]] std::vector<Entry> due(Time now) const {
    std::vector<Entry> found;
    collect(0, now, found);
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  // A child is never due before its parent, so whole branches are left out.
  void collect(std::size_t at, Time now, std::vector<Entry>& found) const {
    if (at >= heap_.size() || heap_[at].time > now) return;
    found.push_back(heap_[at]);
    collect(2 * at + 1, now, found);
    collect(2 * at + 2, now, found);
  }

  ChunkVector<Entry> heap_;
};

}  // namespace apportion
