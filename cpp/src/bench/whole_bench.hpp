// The rows of whole requests: trees, affinities to other claims, limits on consumers. Private to the area.
#pragma once

#include <cstddef>

#include "apportion/bench/allocator_bench.hpp"

namespace apportion {

/// Trees of three levels with ten leaves over so many instances, allocated and released; beside the leaves' requests
/// one by one.
BenchRow bench_trees(double seconds, std::size_t instances);
/// Ten claims per host, each apart from those of its application, spread over zones and with at most three in a rack;
/// beside the same requests without labels.
BenchRow bench_affinities(double seconds, std::size_t instances);
/// Instances that serve at most three consumers, most of them full; beside instances that serve any number.
BenchRow bench_holdings(double seconds, std::size_t instances);

}  // namespace apportion
