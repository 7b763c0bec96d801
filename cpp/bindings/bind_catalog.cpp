#include "apportion/allocator/pool.hpp"
#include "apportion/catalog/named_policies.hpp"
#include "convert.hpp"
#include "errors.hpp"

namespace apportion {
namespace {

py::list problems_list(const std::vector<Problem>& problems) {
  py::list list;
  for (const Problem& problem : problems) list.append(py::make_tuple(problem.place, problem.message));
  return list;
}

// A document is checked by applying it to a pool of its own: what passes here passes there.
py::list check_document(const py::handle& tree) {
  const Node node = node_from(tree);
  std::vector<Problem> problems;
  {
    // The tree is C++ by now, and checking a large document takes time.
    const py::gil_scoped_release release;
    Pool pool;
    const Status status = pool.apply(node, problems);
    if (status.has_error() && problems.empty()) problems.push_back({status.error().place, status.error().message});
  }
  return problems_list(problems);
}

py::dict policies() {
  py::dict dict;
  for (const PolicyDefinition& policy : named_policies()) dict[py::str(policy.name)] = object_from(to_node(policy));
  return dict;
}

}  // namespace

void bind_catalog(py::module_& m) {
  m.def("check_document", &check_document, py::arg("tree"),
        "The problems of a document as (place, message) pairs; empty when it is valid.");
  m.def("named_policies", &policies, "The definitions of the named policies by name.");
}

}  // namespace apportion
