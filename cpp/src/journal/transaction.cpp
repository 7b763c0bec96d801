#include "apportion/journal/transaction.hpp"

#include <algorithm>

namespace apportion {

std::byte* Transaction::enter(void* container, Restore restore, std::uint64_t index, std::size_t bytes) {
  const std::size_t cells = (bytes + 7) / 8 * 8;
  const std::size_t end = used_ + cells + sizeof(Entry);
  // Called at the end, so that the usual way saves no registers.
  if (end > bytes_.size()) [[unlikely]]
    return enter_grown(container, restore, index, bytes);
  std::byte* const at = bytes_.data() + used_;
  used_ = end;
  // Member by member: written together they would be read back from the stack before they got there.
  const auto put = [to = at + cells](std::size_t offset, const auto& member) {
    std::memcpy(to + offset, &member, sizeof member);
  };
  put(offsetof(Entry, restore), restore), put(offsetof(Entry, container), container);
  put(offsetof(Entry, index), index), put(offsetof(Entry, bytes), bytes);
  return at;
}

std::byte* Transaction::enter_grown(void* container, Restore restore, std::uint64_t index, std::size_t bytes) {
  grow(bytes + 8 + sizeof(Entry));
  return enter(container, restore, index, bytes);
}

void Transaction::grow(std::size_t bytes) {
  constexpr std::size_t kFirst = 4096;
  bytes_.resize(std::max({kFirst, bytes_.size() * 2, used_ + bytes}));
}

void Transaction::rollback(const Mark& mark) {
  while (used_ > mark.bytes) {
    Entry entry;
    std::memcpy(&entry, bytes_.data() + used_ - sizeof entry, sizeof entry);
    used_ -= sizeof entry + (entry.bytes + 7) / 8 * 8;
    if (entry.restore == nullptr) {
      actions_[entry.index]();
    } else {
      entry.restore(entry.container, entry.index, bytes_.data() + used_, entry.bytes);
    }
  }
  drop(mark);
}

// A log that has been large once does not keep its memory for ever.
void Transaction::drop(const Mark& mark) {
  constexpr std::size_t kKept = std::size_t{1} << 20;
  used_ = mark.bytes;
  actions_.resize(mark.actions);
  if (used_ == 0 && bytes_.size() > kKept) std::vector<std::byte>().swap(bytes_);
}

}  // namespace apportion
