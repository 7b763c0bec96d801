// How long things take: repeated until they have taken long enough to be believed.
#pragma once

#include <time.h>

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

/// Seconds that the process has computed, all its threads together. What is measured stays the same when the machine
/// has other things to do.
inline double bench_cpu() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + 1e-9 * static_cast<double>(spent.tv_nsec);
}

/// The value below which `share` of the values lie; reorders them. REQUIRES: not empty; share in [0, 1].
template <class Number>
Number quantile(std::vector<Number>& values, double share) {
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

/// Calls `work` until `seconds` have passed, `minimum` times at least; the median of the calls, in computed seconds.
template <class Work>
double median_call(double seconds, std::size_t minimum, const Work& work) {
  std::vector<double> calls;
  for (const double start = bench_now(); calls.size() < minimum || bench_now() - start < seconds;) {
    const double before = bench_cpu();
    work();
    calls.push_back(bench_cpu() - before);
  }
  return quantile(calls, 0.5);
}

/// A run of pairs.
struct PairTimes {
  double seconds = 0;  ///< computed, mean per pair, denied ones included
  double p99_s = 0;    ///< of the clock: the process may have waited
  std::uint64_t pairs = 0;
};

/// Calls `work`, one pair, until `seconds` have passed, `minimum` times at least. Reads the clock once per pair.
template <class Work>
PairTimes time_pairs(double seconds, std::size_t minimum, const Work& work) {
  std::vector<float> each;
  const double computed = bench_cpu();
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
  times.seconds = (bench_cpu() - computed) / static_cast<double>(each.size());
  times.p99_s = static_cast<double>(quantile(each, 0.99));
  return times;
}

}  // namespace apportion
