#include "apportion/journal/transaction.hpp"

#include <algorithm>

namespace apportion {

// Not inlined: it is called from dozens of places in a row, and code that fits the instruction cache is worth more than
// a call. Most of what it copies is a word or a few.
void Transaction::save(void* container, Restore restore, std::uint64_t index, const void* old, std::size_t bytes) {
  if (!logging_) return;
  const std::size_t cells = (bytes + 7) / 8 * 8;
  std::byte* const at = room(cells + sizeof(Entry));
  std::size_t done = 0;
  for (; done + 8 <= bytes; done += 8) std::memcpy(at + done, static_cast<const std::byte*>(old) + done, 8);
  for (; done < bytes; ++done) at[done] = static_cast<const std::byte*>(old)[done];
  const Entry entry{restore, container, index, bytes};
  std::memcpy(at + cells, &entry, sizeof entry);
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
