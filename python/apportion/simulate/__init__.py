"""Simulation: drive a pool from a trace of arrivals and departures, once per policy, and compare.

Examples
--------
>>> from apportion import simulate
>>> trace = simulate.synthetic(200, seed=1)
>>> fleet = simulate.Fleet(servers=4, cores=96, ram_gb=2048)
>>> outcome = simulate.run(trace, fleet, "first")
>>> outcome.placed + outcome.denied
200
"""

from .azure import Columns, Event, Trace, Vm, find, read, synthetic, write
from .report import HEADER, as_dict, rows, summary
from .run import Fleet, Outcome, decide, make_pool, measure, policies_in, run

__all__ = [
    "Columns",
    "Event",
    "Fleet",
    "HEADER",
    "Outcome",
    "Trace",
    "Vm",
    "as_dict",
    "decide",
    "find",
    "make_pool",
    "measure",
    "policies_in",
    "read",
    "rows",
    "run",
    "summary",
    "synthetic",
    "write",
]
