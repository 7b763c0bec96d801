#include "apportion/ledger/claim_lists.hpp"

#include <algorithm>

namespace apportion {

void SlotLists::add(Transaction& log, Heads& heads, std::size_t list, std::uint32_t slot) {
  if (list >= heads.size()) heads.resize(log, list + 1);
  if (slot >= links_.size()) links_.resize(log, std::size_t{slot} + 1);
  std::uint32_t& head = heads.edit(log, list);
  links_.edit(log, slot) = {head, 0};
  if (head != 0) links_.edit(log, head - 1).prev = slot + 1;
  head = slot + 1;
}

void SlotLists::remove(Transaction& log, Heads& heads, std::size_t list, std::uint32_t slot) {
  const Link link = links_[slot];
  if (link.prev != 0) {
    links_.edit(log, link.prev - 1).next = link.next;
  } else {
    heads.edit(log, list) = link.next;
  }
  if (link.next != 0) links_.edit(log, link.next - 1).prev = link.prev;
  links_.edit(log, slot) = {};
}

std::vector<std::uint32_t> SlotLists::of(const Heads& heads, std::size_t list) const {
  std::vector<std::uint32_t> slots;
  if (list >= heads.size()) return slots;
  for (std::uint32_t link = heads[list]; link != 0; link = links_[link - 1].next) slots.push_back(link - 1);
  std::ranges::sort(slots);
  return slots;
}

void ClaimLists::forget() {
  kept_ = false;
  by_consumer_ = {};
  by_instance_ = {};
  consumers_ = {};
  instances_.clear();
}

void ClaimLists::add(Transaction& log, std::uint32_t slot, InstanceRef instance, std::uint32_t consumer) {
  while (instance.valid() && instance.version >= instances_.size()) instances_.emplace_back();
  if (instance.valid()) by_instance_.add(log, instances_[instance.version], instance.row, slot);
  by_consumer_.add(log, consumers_, consumer, slot);
}

void ClaimLists::remove(Transaction& log, std::uint32_t slot, InstanceRef instance, std::uint32_t consumer) {
  if (instance.valid()) by_instance_.remove(log, instances_[instance.version], instance.row, slot);
  by_consumer_.remove(log, consumers_, consumer, slot);
}

std::vector<std::uint32_t> ClaimLists::of_consumer(std::uint32_t consumer) const {
  return by_consumer_.of(consumers_, consumer);
}

std::vector<std::uint32_t> ClaimLists::on(InstanceRef instance) const {
  if (instance.version >= instances_.size()) return {};
  return by_instance_.of(instances_[instance.version], instance.row);
}

std::size_t ClaimLists::bytes() const {
  std::size_t total = by_consumer_.bytes() + by_instance_.bytes() + consumers_.bytes();
  for (const SlotLists::Heads& heads : instances_) total += heads.bytes();
  return total;
}

}  // namespace apportion
