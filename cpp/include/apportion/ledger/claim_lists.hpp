// The claims of a consumer and on an instance: kept from the first question on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "apportion/inventory/instance_table.hpp"
#include "apportion/journal/chunk_vector.hpp"

namespace apportion {

/// Lists of slots, each of which stands in one list at most. Forks and rolls back like the vectors below it.
/// Thread-compatible.
class SlotLists {
 public:
  /// By list: its first slot + 1; 0: it is empty.
  using Heads = ChunkVector<std::uint32_t>;

  /// REQUIRES: the slot stands in no list.
  void add(Transaction& log, Heads& heads, std::size_t list, std::uint32_t slot);
  /// REQUIRES: it stands in this one.
  void remove(Transaction& log, Heads& heads, std::size_t list, std::uint32_t slot);
  /// In rising order.
  [[nodiscard]] std::vector<std::uint32_t> of(const Heads& heads, std::size_t list) const;
  [[nodiscard]] std::size_t bytes() const { return links_.bytes(); }

 private:
  struct Link {
    std::uint32_t next = 0;  // slots + 1
    std::uint32_t prev = 0;
  };

  ChunkVector<Link> links_;
};

/// Most claims come and go and nobody asks for these lists, which would be six more places in memory a pair: they are
/// made when they are first wanted, from all claims, and follow from then on. Not a part of the state: it is the same
/// with and without them. Thread-compatible.
class ClaimLists {
 public:
  [[nodiscard]] bool kept() const { return kept_; }
  /// From now on every claim is added and removed. REQUIRES: every claim there is was added.
  void keep() { kept_ = true; }
  void forget();

  /// `instance` is invalid for a pending claim, which stands in the consumer's list alone.
  void add(Transaction& log, std::uint32_t slot, InstanceRef instance, std::uint32_t consumer);
  void remove(Transaction& log, std::uint32_t slot, InstanceRef instance, std::uint32_t consumer);

  /// Slots in rising order. REQUIRES: kept().
  [[nodiscard]] std::vector<std::uint32_t> of_consumer(std::uint32_t consumer) const;
  [[nodiscard]] std::vector<std::uint32_t> on(InstanceRef instance) const;
  [[nodiscard]] std::size_t bytes() const;

 private:
  bool kept_ = false;
  SlotLists by_consumer_;
  SlotLists by_instance_;
  SlotLists::Heads consumers_;
  std::deque<SlotLists::Heads> instances_;  // by version; they stay where they are while a rollback may want them
};

}  // namespace apportion
