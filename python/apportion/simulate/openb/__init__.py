"""A cluster with GPUs that fills up: which policy leaves the fewest of them to waste.

The experiment is that of the public trace "openb": pods arrive one after the other, none leaves, and those for which
there is no room are gone. A pod is an outcome of two slots: cores and memory of a node, and GPUs inside that node.

Examples
--------
>>> from apportion.simulate import openb
>>> workload = openb.synthetic(20, seed=1)
>>> policies = openb.policies_in()
>>> spread, packed = (openb.run(workload, policies[name], seed=1) for name in ("random", "fgd"))
>>> bool(spread.curves.allocation[100] < packed.curves.allocation[100])
True
"""

from .curves import Curves, Placements, fragmentation, measure
from .data import GPU_MILLI, LISTS, Nodes, Pods, Reference, Workload, find, published, read, synthetic
from .notation import as_toml
from .policies import SHIPPED, Policy, Typical, document, policies_in, scarcity, typical
from .report import chart, write_chart
from .run import LOAD, Arrivals, Outcome, arrivals, decide, make_pool, run
from .study import MEASURES, Mean, means, runs, tolerance
from .sweeps import Variant, sweep, variants

__all__ = [
    "Arrivals",
    "Curves",
    "GPU_MILLI",
    "LISTS",
    "LOAD",
    "MEASURES",
    "Mean",
    "Nodes",
    "Outcome",
    "Placements",
    "Pods",
    "Policy",
    "Reference",
    "SHIPPED",
    "Typical",
    "Variant",
    "Workload",
    "arrivals",
    "as_toml",
    "chart",
    "decide",
    "document",
    "find",
    "fragmentation",
    "make_pool",
    "means",
    "measure",
    "policies_in",
    "published",
    "read",
    "run",
    "runs",
    "scarcity",
    "sweep",
    "synthetic",
    "tolerance",
    "typical",
    "variants",
    "write_chart",
]
