// The row of what is granted just in time. Private to the area.
#pragma once

#include <cstddef>

#include "apportion/bench/allocator_bench.hpp"

namespace apportion {

/// Releases that activate claims from a queue of so many, and the same from bare queues.
BenchRow bench_activations(double seconds, std::size_t queued);

}  // namespace apportion
