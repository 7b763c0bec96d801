// The rows of `apportion bench allocator` that need no Python: allocator_bench [ROWS [SECONDS [INSTANCES]]].
#include "apportion/bench/allocator_bench.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

int main(int count, char** arguments) {
  apportion::BenchOptions options;
  if (count > 1) options.rows = arguments[1];
  if (count > 2) options.seconds_each = std::atof(arguments[2]);
  if (count > 3) options.instances = std::strtoul(arguments[3], nullptr, 10);
  options.on_row = [](const apportion::BenchRow& row) {
    std::printf("%-34s %12.4g %-9s %10.3g x %10.4g, %s (%s)\n", row.name.c_str(), row.value, row.unit.c_str(),
                row.ratio, row.yardstick, row.against.c_str(), row.note.c_str());
    std::fflush(stdout);
  };
  try {
    apportion::run_allocator_bench(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "allocator_bench: %s\n", error.what());
    return 2;
  }
}
