// One all-or-nothing set of changes of a pool.
#pragma once

#include <string>
#include <utility>

#include "apportion/allocator/pool.hpp"

namespace apportion {

/// A claim that is gone.
Error stale(ClaimId claim);

/// A claim that has no instance yet.
Error pending(ClaimId claim);

/// Keys and values in turn.
ListId labels_list(const NamedText& labels, const Interner& interner);

/// Fails when a claim would end before it starts, or a mark expire before now.
Status check_times(const Request& request, Time now);

/// Applies changes to the live state as they are written and takes all of them back unless `commit` is called.
/// REQUIRES: the pool's mutex is held for its whole life.
class Pool::Update {
 public:
  explicit Update(Pool& pool) : Update(pool, pool.clock()) {}
  /// `now`: what the clock said a moment ago.
  Update(Pool& pool, Time now)
      : pool_(pool),
        start_(pool.state_->revision().number),
        now_(std::max(now, pool.state_->time())),
        log_(pool.update_log_),
        turned_(pool.turned_) {
    pool.journal_.prepare(*pool.state_);
  }
  Update(const Update&) = delete;
  Update& operator=(const Update&) = delete;
  ~Update() {
    if (committed_) return;
    log_.rollback();
    pool_.turned_ = turned_;
    pool_.journal_.drop_after(start_);
  }

  /// The time that every change of this update carries.
  [[nodiscard]] Time now() const { return now_; }
  /// The number of the next change.
  [[nodiscard]] std::uint64_t next_number() const { return pool_.state_->revision().number + 1; }
  [[nodiscard]] Transaction& log() { return log_; }

  Status write(Kind kind, std::string_view payload) {
    const Change change = next(kind, payload);
    APPORTION_TRY(pool_.state_->apply(change, log_));
    pool_.journal_.append(change);
    return {};
  }
  /// The same where it is known what the payload says: `effect(change, log)` does it.
  template <class Effect>
  Status write(Kind kind, std::string_view payload, const Effect& effect) {
    const Change change = next(kind, payload);
    APPORTION_TRY(pool_.state_->apply(change, log_, [&] { return effect(change, log_); }));
    pool_.journal_.append(change);
    return {};
  }

  /// A moment in the update.
  struct Mark {
    Transaction::Mark log;
    std::uint64_t number = 0;
  };
  [[nodiscard]] Mark mark() const { return {log_.mark(), pool_.state_->revision().number}; }
  /// What was written since.
  void take_back(const Mark& mark) {
    log_.rollback(mark.log);
    pool_.journal_.drop_after(mark.number);
  }

  /// What is decided will be taken back in any case: nothing new is given a number.
  void be_trial() { trial_ = true; }
  [[nodiscard]] bool trial() const { return trial_; }

  /// Numbers for texts and lists; new ones are written as changes of their own.
  [[nodiscard]] Interner interner();

  /// Who waits is served first.
  void commit() {
    pool_.serve(*this);
    log_.commit();
    committed_ = true;
  }

 private:
  [[nodiscard]] Change next(Kind kind, std::string_view payload) const {
    Revision revision = pool_.state_->revision();
    ++revision.number;
    return {kind, 1, revision, now_, payload};
  }

  Pool& pool_;
  std::uint64_t start_;
  Time now_;
  Transaction& log_;
  Turned turned_;  // as it was before
  bool committed_ = false;
  bool trial_ = false;
};

}  // namespace apportion
