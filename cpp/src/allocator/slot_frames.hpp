// Which slots of a search stand in which list of needs: what a pending slot remembers of those beside it. Private to
// the area.
#pragma once

#include <cstddef>
#include <vector>

#include "apportion/allocator/resolver.hpp"

namespace apportion {

/// The lists of needs that a search opened, counted from 1. Thread-compatible.
class SlotFrames {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  /// `frame`: the list in which the needing outcome or slot stands; 0: none. `slot`: the needing slot, or kNone.
  std::size_t open(std::size_t frame, std::size_t slot) {
    frames_.push_back({frame, slot});
    return frames_.size();
  }

  /// Tells every pending slot its parent and, of those in its list and in the lists below it, the claims that its rules
  /// may read. False when there are more than a record holds.
  [[nodiscard]] bool link(std::vector<FilledSlot>& slots) const;

 private:
  struct Frame {
    std::size_t outer;
    std::size_t slot;
  };

  [[nodiscard]] bool within(std::size_t frame, std::size_t outer) const;

  std::vector<Frame> frames_;
};

/// A slot that nothing fills.
struct EmptySlot {
  const std::string& path;
  std::size_t frame;
  std::uint32_t count;  ///< so many of its need are still to be filled, this one included
};

/// The slot as a pending one, where waiting for it is no longer than the request is ready to wait. What was decided
/// goes to `why`. `slots`: those before it.
[[nodiscard]] std::optional<FilledSlot> defer_slot(const Sections& sections, const Selector& selector, const Plan& plan,
                                                   const Request& request, const std::vector<FilledSlot>& slots,
                                                   const EmptySlot& empty, std::shared_ptr<const Deferral>& why);

}  // namespace apportion
