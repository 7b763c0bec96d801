"""What is told of runs: plain data, and the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from .azure import Trace
from .run import Fleet, Outcome, measure

__all__ = ["HEADER", "as_dict", "rows", "summary"]

HEADER = ("policy", "placed", "denied", "peak", "bound", "use", "seconds", "events/s")
"""Of a table: `peak` and `bound` count servers, `use` is the mean utilisation."""


def as_dict(trace: Trace, fleet: Fleet, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Give the whole comparison as plain data.

    Parameters
    ----------
    trace : Trace
    fleet : Fleet
    outcomes : iterable of Outcome

    Returns
    -------
    dict
        ``trace``, ``fleet`` and ``policies``, a list with the attributes of each outcome. The trace's
        ``servers_needed`` is the lower bound for *all* its machines: a fleet below it must deny some.

    Examples
    --------
    >>> from apportion import simulate
    >>> fleet = simulate.Fleet(2, cores=96, ram_gb=2048)
    >>> sorted(as_dict(simulate.synthetic(10), fleet, []))
    ['fleet', 'policies', 'trace']
    """
    first, last = trace.window
    return {
        "trace": {
            "name": trace.name,
            "source": trace.source,
            "machines": len(trace.vms),
            "events": len(trace.columns.vm),
            "first_day": first,
            "last_day": last,
            "servers_needed": measure(trace, fleet, ["all"] * len(trace.vms))[1],
        },
        "fleet": asdict(fleet),
        "policies": [asdict(outcome) for outcome in outcomes],
    }


def summary(report: Mapping[str, Any]) -> str:
    """Give the two lines above the table.

    Parameters
    ----------
    report : mapping
        From `as_dict`.

    Returns
    -------
    str
    """
    trace, fleet = report["trace"], report["fleet"]
    return (
        f"{trace['name']} ({trace['source']}): {trace['machines']:,} machines, {trace['events']:,} events, "
        f"arrivals to day {trace['last_day']:.1f}\n"
        f"{fleet['servers']:,} servers of {fleet['cores']:g} cores and {fleet['ram_gb']:g} GB; "
        f"all machines together need {trace['servers_needed']:,} or more"
    )


def rows(outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    """Give the rows of a table below `HEADER`.

    Parameters
    ----------
    outcomes : iterable of Outcome

    Returns
    -------
    list of tuple of str

    Examples
    --------
    >>> rows([Outcome("first", 9_000, 0, 12, 10, 0.8125, 1.5, 12_000.0)])
    [('first', '9,000', '0', '12', '10', '81.2 %', '1.50', '12,000')]
    """
    return [
        (
            each.policy,
            f"{each.placed:,}",
            f"{each.denied:,}",
            f"{each.peak_instances:,}",
            f"{each.lower_bound:,}",
            f"{100 * each.mean_utilisation:.1f} %",
            f"{each.seconds:.2f}",
            f"{each.events_per_second:,.0f}",
        )
        for each in outcomes
    ]
