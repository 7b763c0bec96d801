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
    std::size_t entries = 0;
    std::size_t bytes = 0;
    std::size_t actions = 0;
  };

  /// kForget keeps nothing: for building a state that is thrown away when it fails.
  enum class Keep { kLog, kForget };

  explicit Transaction(Keep keep = Keep::kLog) : logging_(keep == Keep::kLog) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Remembers `old` as the value of cell `index` of `container`; `restore` writes it back.
  template <class T>
  void save(void* container, void (*restore)(void*, std::uint64_t, const void*), std::uint64_t index, const T& old) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (!logging_) return;
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &old, sizeof(T));
    entries_.push_back({restore, container, index, at});
  }

  /// Remembers an action for what is no plain cell (a definition, a table that appears).
  void on_rollback(std::function<void()> action) {
    if (!logging_) return;
    entries_.push_back({nullptr, nullptr, actions_.size(), bytes_.size()});
    actions_.push_back(std::move(action));
  }

  [[nodiscard]] Mark mark() const { return {entries_.size(), bytes_.size(), actions_.size()}; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }

  /// Makes everything final.
  void commit() { drop(Mark{}); }
  /// Undoes everything after `mark`; safe to call when there is nothing.
  void rollback(const Mark& mark);
  void rollback() { rollback(Mark{}); }

 private:
  struct Entry {
    void (*restore)(void*, std::uint64_t, const void*);
    void* container;
    std::uint64_t index;
    std::size_t at;
  };

  void drop(const Mark& mark);

  bool logging_;
  std::vector<Entry> entries_;
  std::vector<std::byte> bytes_;
  std::vector<std::function<void()>> actions_;
};

}  // namespace apportion
