// How much random tests try. APPORTION_STEPS is set under sanitizers, to fewer, and by `make laws`, to many more.
#pragma once

#include <cstdlib>

namespace apportion {

/// How many random operations a law is tried with.
inline int random_steps(int usual) {
  const char* asked = std::getenv("APPORTION_STEPS");
  return asked == nullptr ? usual : std::atoi(asked);
}

/// A third where somebody else's steps are counted: enough to let a sanitizer see every line.
inline int tries(int usual) { return std::getenv("APPORTION_STEPS") == nullptr ? usual : usual / 3; }

}  // namespace apportion
