// The extension module: a table of contents.
#include "errors.hpp"
#include "python.hpp"

namespace apportion {
void bind_table(py::module_& m);      // base: tables that leave through Arrow
void bind_catalog(py::module_& m);    // documents, expressions, named policies
void bind_allocator(py::module_& m);  // requests, grants, pools
void bind_bench(py::module_& m);      // what the allocator reaches
void bind_migration(py::module_& m);  // from a type version to another; after the pool
}  // namespace apportion

// The pool has one mutex for all its state, and everything else here is a value: see tests/python/test_threads.py.
PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ core of apportion. Not a surface for users: import apportion.";
  m.attr("__version__") = APPORTION_VERSION;
  apportion::register_errors(m);
  apportion::bind_table(m);
  apportion::bind_catalog(m);
  apportion::bind_allocator(m);
  apportion::bind_bench(m);
  apportion::bind_migration(m);
}
