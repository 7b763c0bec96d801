# benchmark::benchmark_main: from the system, else downloaded.
find_package(benchmark QUIET)
if(benchmark_FOUND)
  message(STATUS "Google Benchmark: the system's ${benchmark_VERSION}")
  return()
endif()

message(STATUS "Google Benchmark: not on the system; downloading it (apt install libbenchmark-dev avoids this)")
include(FetchContent)
set(BENCHMARK_ENABLE_TESTING OFF CACHE BOOL "" FORCE)
set(BENCHMARK_ENABLE_INSTALL OFF CACHE BOOL "" FORCE)
FetchContent_Declare(benchmark GIT_REPOSITORY https://github.com/google/benchmark.git GIT_TAG v1.9.1 GIT_SHALLOW ON SYSTEM)
FetchContent_MakeAvailable(benchmark)
