// An operator new that fails when it is told to: the program's own, in failing_new.cpp.
#pragma once

namespace apportion {

/// How many allocations of this thread succeed before one fails; negative: all do. One that fails leaves -1 behind.
extern thread_local long allocations_left;

}  // namespace apportion
