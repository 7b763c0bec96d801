# Options, and the flags that every target of the project shares through apportion_flags.
include(ApportionPython)

if(SKBUILD)
  set(APPORTION_PYTHON_DEFAULT ON)
else()
  set(APPORTION_PYTHON_DEFAULT OFF)
endif()
option(APPORTION_PYTHON "Build the extension module apportion._core" ${APPORTION_PYTHON_DEFAULT})
option(APPORTION_TESTS "Build the C++ tests" OFF)
option(APPORTION_BENCH "Build the benchmarks" OFF)
option(APPORTION_FUZZ "Build the fuzz targets (clang only; left out with other compilers)" OFF)
# Errors in CI (.ci/run sets the variable); a newer compiler's new warnings must not stop a newcomer.
option(APPORTION_WERROR "Treat warnings as errors; the environment variable of this name is the default" "$ENV{APPORTION_WERROR}")
# The preset `tsan` builds the core without it, so that a missing #include is still seen.
option(APPORTION_PCH "Precompile the headers that nearly every file reads" ${APPORTION_PYTHON_DEFAULT})
# For who builds everything once: a third of the work, but a changed file is compiled with its whole area.
option(APPORTION_UNITY "Compile the core an area at a time; the environment variable of this name is the default" "$ENV{APPORTION_UNITY}")
set(APPORTION_SANITIZE "" CACHE STRING "Sanitizers as -fsanitize takes them, such as address,undefined")

# Release is -O3: the expression blocks and column scans are loops, and at -O2 g++ 12 vectorises only
# those whose trip count it knows. Floating-point results are the same at every level (see below).
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

find_program(APPORTION_CCACHE ccache)
if(APPORTION_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${APPORTION_CCACHE})
endif()

if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
   OR (CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14))
  message(FATAL_ERROR "${CMAKE_CXX_COMPILER} is too old: apportion needs g++ >= 12 or clang++ >= 14.")
endif()

if(APPORTION_FUZZ AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(STATUS "Fuzz targets need clang++: left out (CXX=clang++ builds them)")
  set(APPORTION_FUZZ OFF)
endif()

# What the core's users must compile with too: a contracted multiply-add would change scores.
add_library(apportion_flags INTERFACE)
target_compile_features(apportion_flags INTERFACE cxx_std_20)
target_compile_options(apportion_flags INTERFACE -ffp-contract=off)

add_library(apportion_warnings INTERFACE)
target_compile_options(apportion_warnings INTERFACE -Wall -Wextra -Wconversion $<$<BOOL:${APPORTION_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # At -O3 g++ 12 warns of an overlap or an impossible size inside std::string's own operator+ (its bug 105651).
  target_compile_options(apportion_warnings INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
                                                        -Wno-array-bounds)
endif()

if(APPORTION_SANITIZE)
  add_compile_options(-fsanitize=${APPORTION_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${APPORTION_SANITIZE})
endif()
if(APPORTION_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
