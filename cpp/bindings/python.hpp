// All of pybind11, included in one place so that every binding sees the same casters.
#pragma once

#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

namespace py = pybind11;

namespace apportion {

/// Runs what takes the pool's mutex without the GIL: holding it would make every other thread wait for both.
template <class Work>
auto without_gil(const Work& work) {
  const py::gil_scoped_release release;
  return work();
}

}  // namespace apportion
