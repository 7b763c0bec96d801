// The area numbers of the sections an allocation pool is made of: the high byte of their change kinds.
#pragma once

#include <cstdint>

namespace apportion {

inline constexpr std::uint8_t kSymbolsArea = 1;
inline constexpr std::uint8_t kCatalogArea = 2;
inline constexpr std::uint8_t kInventoryArea = 3;
inline constexpr std::uint8_t kLedgerArea = 4;

}  // namespace apportion
