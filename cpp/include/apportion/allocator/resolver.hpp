// Which instances for a request whose type has needs: all slots of the tree, or none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apportion/allocator/deferral.hpp"
#include "apportion/allocator/index.hpp"

namespace apportion {

/// One slot with the instance that fills it.
struct FilledSlot {
  InstanceRef instance;      ///< of a pending slot: none
  Amounts amounts;           ///< steps of the instance's version
  std::string role;          ///< path with the version of the tree
  std::uint64_t cursor = 0;  ///< as Plan::cursor_key
  std::size_t frame = 0;     ///< the list of needs that it is a slot of, counted from 1; 0: of none
  std::optional<PendingRecord> pending = std::nullopt;  ///< it has no instance yet; texts of the request are left out
};

/// True when the type says that a part of it is worth waiting for.
[[nodiscard]] inline bool is_deferrable(const TypeVersion& type) { return type.definition.deferrable.has_value(); }

/// Looks for the assignment whose slots, in the order of the document, are best by their policies: no assignment that
/// exists has a better first slot, none with the same first slot a better second one, and so on; an optional slot stays
/// empty only where it can be filled by nothing, and a later alternative is taken only where no earlier one can be had.
/// Finds one whenever there is one, unless `bound` is met. With `defer` a slot that no instance fills besides those
/// before it is pending where that is worth the wait; not in an optional need, and of alternatives only when none can
/// be filled at once. Thread-compatible; one search.
class Resolver {
 public:
  /// Slots of one request.
  static constexpr std::size_t kMaxSlots = 1000;
  /// Needs of one request that are looked at one inside the other, those that ask for nothing included.
  static constexpr std::size_t kMaxNeeds = 3000;

  struct Options {
    std::uint64_t number = 0;                         ///< of the change that will record the answer
    std::uint64_t bound = 10'000;                     ///< choices that are made in vain
    std::optional<std::size_t> watch = std::nullopt;  ///< the slot, counted, that `watched()` is to tell of
    std::size_t limit = 1;                            ///< so many assignments are looked for
    bool defer = false;  ///< a slot that nothing fills now may be pending, where it is worth the wait
  };

  /// Where the search came to its farthest end: the slot that nothing fills when those before it are filled so.
  struct Failure {
    Request request;  ///< for one instance; `where` is the rule of the need
    std::optional<SlotContext> context;
    std::string role;
    std::vector<FilledSlot> before;
    std::optional<Stage> together;  ///< some instances fill the slot, but not so many together: then this is why
    bool bounded = false;           ///< the search was given up
    std::shared_ptr<const Deferral> deferral = {};  ///< why it is not waited for
  };

  Resolver(Sections sections, Expressions& expressions, Index& index, const Options& options)
      : sections_(sections), expressions_(expressions), index_(index), options_(options) {}

  /// The slots, or nothing: then `failure()` says where it failed. Errors: quantities without value, too many slots,
  /// rules that do not compile. `request` is one whose type has needs. Leaves the state as it was; `log` may hold more.
  Result<std::optional<std::vector<FilledSlot>>> resolve(const Request& request, Time now, Transaction& log);
  /// The same, once that found nothing: with slots that may be pending. See Options::defer.
  Result<std::optional<std::vector<FilledSlot>>> resolve_deferring(const Request& request, Time now, Transaction& log) {
    options_.defer = true;
    return resolve(request, now, log);
  }
  [[nodiscard]] Failure& failure() { return failure_; }
  /// Every assignment that was found, in the order in which they were, up to `limit` of them. The first is the one that
  /// a grant would have.
  [[nodiscard]] const std::vector<std::vector<FilledSlot>>& found() const { return found_; }
  /// What the watched slot asked for and what stood before it, when it was filled last.
  [[nodiscard]] Failure& watched() { return watched_; }

 private:
  class Search;

  Sections sections_;
  Expressions& expressions_;
  Index& index_;
  Options options_;
  Failure failure_;
  Failure watched_;
  std::vector<std::vector<FilledSlot>> found_;
};

}  // namespace apportion
