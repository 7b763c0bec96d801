// How long things take: repeated until they have taken long enough to be believed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace apportion {

/// Seconds of a clock that never goes back.
inline double bench_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The value below which `share` of the values lie; reorders them. REQUIRES: not empty; share in [0, 1].
template <class Number>
Number quantile(std::vector<Number>& values, double share) {
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

/// Calls `work` until `seconds` have passed, `minimum` times at least; the median of the calls, in seconds.
template <class Work>
double median_call(double seconds, std::size_t minimum, const Work& work) {
  std::vector<double> calls;
  const double start = bench_now();
  for (double before = start; calls.size() < minimum || before - start < seconds;) {
    work();
    const double after = bench_now();
    calls.push_back(after - before);
    before = bench_now();
  }
  return quantile(calls, 0.5);
}

/// A run of pairs.
struct PairTimes {
  double seconds = 0;  ///< mean per pair, denied ones included
  double p99_s = 0;
  std::uint64_t pairs = 0;
};

/// Calls `work`, one pair, until `seconds` have passed, `minimum` times at least. Reads the clock once per pair.
template <class Work>
PairTimes time_pairs(double seconds, std::size_t minimum, const Work& work) {
  std::vector<float> each;
  const double start = bench_now();
  double before = start;
  while (each.size() < minimum || before - start < seconds) {
    work();
    const double after = bench_now();
    each.push_back(static_cast<float>(after - before));
    before = after;
  }
  PairTimes times;
  times.pairs = each.size();
  times.seconds = (before - start) / static_cast<double>(each.size());
  times.p99_s = static_cast<double>(quantile(each, 0.99));
  return times;
}

}  // namespace apportion
