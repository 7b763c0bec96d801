#include "apportion/journal/transaction.hpp"

namespace apportion {

void Transaction::rollback(const Mark& mark) {
  while (entries_.size() > mark.entries) {
    const Entry& entry = entries_.back();
    if (entry.restore == nullptr) {
      actions_[entry.index]();
    } else {
      entry.restore(entry.container, entry.index, bytes_.data() + entry.at);
    }
    entries_.pop_back();
  }
  drop(mark);
}

void Transaction::drop(const Mark& mark) {
  entries_.resize(mark.entries);
  bytes_.resize(mark.bytes);
  actions_.resize(mark.actions);
}

}  // namespace apportion
