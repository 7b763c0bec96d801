// The delta log of unfinished work: what every touched cell held before.
// Thread-compatible; owned by whoever mutates a state. See docs/decisions/0003-delta-log-instead-of-revert.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>
#include <vector>

namespace apportion {

/// Collects old cells while containers are edited. Either `commit` (forget them) or `rollback` (write them back,
/// newest first). The containers must outlive the transaction and stay where they are in memory.
class Transaction {
 public:
  /// A position in the log, for rolling back a part of the work.
  struct Mark {
    std::size_t bytes = 0;
    std::size_t actions = 0;
  };

  /// kForget keeps nothing: for building a state that is thrown away when it fails.
  enum class Keep { kLog, kForget };

  explicit Transaction(Keep keep = Keep::kLog) : logging_(keep == Keep::kLog) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Writes `bytes` bytes back as they were at `index` of a container.
  using Restore = void (*)(void* container, std::uint64_t index, const void* old, std::size_t bytes);

  /// Remembers `old` as the value of cell `index` of `container`.
  template <class T>
  void save(void* container, Restore restore, std::uint64_t index, const T& old) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (logging_) std::memcpy(enter(container, restore, index, sizeof(T)), &old, sizeof(T));
  }
  /// Remembers `bytes` bytes.
  void save(void* container, Restore restore, std::uint64_t index, const void* old, std::size_t bytes) {
    if (logging_) std::memcpy(enter(container, restore, index, bytes), old, bytes);
  }

  /// Remembers an action for what is no plain cell (a definition, a table that appears).
  void on_rollback(std::function<void()> action) {
    if (!logging_) return;
    actions_.push_back(std::move(action));
    const Entry entry{nullptr, nullptr, actions_.size() - 1, 0};
    std::memcpy(room(sizeof entry), &entry, sizeof entry);
  }

  [[nodiscard]] Mark mark() const { return {used_, actions_.size()}; }
  [[nodiscard]] bool empty() const { return used_ == 0; }

  /// Makes everything final.
  void commit() { drop(Mark{}); }
  /// Undoes everything after `mark`; safe to call when there is nothing.
  void rollback(const Mark& mark);
  void rollback() { rollback(Mark{}); }

 private:
  // Stands behind the old cell, so that the log is read from its end.
  struct Entry {
    Restore restore;
    void* container;
    std::uint64_t index;
    std::size_t bytes;  // of the old cell, which takes whole words
  };

  // Where the old cell goes. Not inlined: it is called from dozens of places in a row.
  std::byte* enter(void* container, Restore restore, std::uint64_t index, std::size_t bytes);
  std::byte* enter_grown(void* container, Restore restore, std::uint64_t index, std::size_t bytes);
  std::byte* room(std::size_t bytes) {
    if (used_ + bytes > bytes_.size()) [[unlikely]]
      grow(bytes);
    std::byte* at = bytes_.data() + used_;
    used_ += bytes;
    return at;
  }
  void grow(std::size_t bytes);
  void drop(const Mark& mark);

  bool logging_;
  std::vector<std::byte> bytes_;  // the first used_ of them hold entries; the rest waits for more
  std::size_t used_ = 0;
  std::vector<std::function<void()>> actions_;
};

}  // namespace apportion
