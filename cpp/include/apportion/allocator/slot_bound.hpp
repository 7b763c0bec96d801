// Where slots may lie: inside the instance of another slot, by values that they share or do not, by the claims that are
// there, or nowhere as long as a quota is used up.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apportion/allocator/affinity.hpp"
#include "apportion/inventory/neighbours.hpp"

namespace apportion {

/// A bound on the instances that may fill a slot, by their values. See Neighbours for words and values.
struct SlotBound {
  enum class Kind : std::uint8_t { kOn, kSame, kDifferent, kAffinity, kQuota };
  Kind kind = Kind::kOn;
  std::string word;
  std::vector<double> values;  ///< on, same: it has one of these; different: it has a value, and none of these
  bool open = false;           ///< same: any value, as no slot before it has one
  std::shared_ptr<const AffinityTest> affinity = nullptr;
  std::string quota = {};  ///< what is used up, in words
  bool never = false;      ///< quota: the request alone asks for more

  /// True when an instance is in or out by its values alone, whatever is claimed.
  [[nodiscard]] bool by_values() const { return kind <= Kind::kDifferent; }
  /// As the stage of a denial: "on", "same", "different", "affinity", "quota".
  [[nodiscard]] const char* name() const;
  /// What it asks for, in words.
  [[nodiscard]] std::string text(const std::string& values_text) const;
};

/// Values by the bound's word as people read them: those of instances of the type.
[[nodiscard]] std::string values_text(const SlotBound& bound, std::span<const double> values,
                                      const TypeDefinition& type, const Symbols& symbols);

[[nodiscard]] bool within(const SlotBound& bound, const Neighbours& neighbours, InstanceRef instance,
                          View view = View::kPresent);

/// What the slots of one frame that are filled leave to those that have to be the same or to differ. A value: whoever
/// goes back puts an earlier copy in its place.
class Relations {
 public:
  /// Of the next slot of a need, behind those that are there.
  void add_bounds(const NeedDefinition& need, std::vector<SlotBound>& bounds) const;
  /// A slot of the need was filled.
  void add(const NeedDefinition& need, const Neighbours& neighbours, InstanceRef instance);

 private:
  /// held_.size() where there is none.
  [[nodiscard]] std::size_t place(SlotBound::Kind kind, std::string_view word) const;

  std::vector<SlotBound> held_;
};

}  // namespace apportion
