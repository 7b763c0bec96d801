#include "slot_frames.hpp"

namespace apportion {

bool SlotFrames::within(std::size_t frame, std::size_t outer) const {
  while (frame != 0 && frame != outer) frame = frames_[frame - 1].outer;
  return frame == outer;
}

bool SlotFrames::link(std::vector<FilledSlot>& slots) const {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].pending || slots[i].frame == 0) continue;
    PendingRecord& record = *slots[i].pending;
    const std::size_t parent = frames_[slots[i].frame - 1].slot;
    record.parent = parent == kNone ? PendingRecord::kNone : static_cast<std::uint32_t>(parent);
    record.beside.clear();
    for (std::size_t other = 0; other < slots.size(); ++other) {
      if (other == i || !within(slots[other].frame, slots[i].frame)) continue;
      if (record.beside.size() == PendingRecord::kMaxBeside) return false;
      record.beside.push_back(static_cast<std::uint32_t>(other));
    }
  }
  return true;
}

std::optional<FilledSlot> defer_slot(const Sections& sections, const Selector& selector, const Plan& plan,
                                     const Request& request, const std::vector<FilledSlot>& slots,
                                     const EmptySlot& empty, std::shared_ptr<const Deferral>& why) {
  const TypeVersion& type = *plan.versions.back().version;
  if (!is_deferrable(type)) return std::nullopt;
  std::vector<Steps> ahead(type.definition.dimensions.size());
  std::uint32_t others = 0;  // of the same need
  for (const FilledSlot& slot : slots) {
    const bool waits = slot.pending && slot.pending->version == type.id;
    for (std::size_t d = 0; waits && d < ahead.size(); ++d) ahead[d] += slot.amounts[d];
    if (slot.role == empty.path && slot.frame == empty.frame) ++others;
  }
  const auto wait = expected_wait(sections, selector, plan, {others + 1, 1, ahead, request.patience});
  if (!wait) return std::nullopt;
  why = std::make_shared<const Deferral>(*wait);
  if (!wait->deferred) return std::nullopt;
  const std::span<const Steps> steps = plan.versions.back().portion.named();
  FilledSlot slot{{}, Amounts(steps.begin(), steps.end()), empty.path, 0, empty.frame};
  slot.pending.emplace();
  slot.pending->version = type.id, slot.pending->apart = others + empty.count > 1;
  slot.pending->whole = plan.request->whole;
  slot.pending->patience = wait->patience, slot.pending->expected = wait->expected;
  return slot;
}

}  // namespace apportion
