"""Runs against a simulation in plain Python that is obviously right."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from apportion import simulate

SIZE = (20, 300)  # cores and GB of a server: either may be the scarce one
Servers = list[list[Fraction]]  # per server, what is free of both dimensions
Choice = Callable[[Servers, list[int], list[Fraction]], int]


def _first(free: Servers, fitting: list[int], asked: list[Fraction]) -> int:
    return fitting[0]


def _closest(free: Servers, fitting: list[int], asked: list[Fraction]) -> int:
    """The smallest sum of (free - asked) / scale; all servers are equal, so scale is the size of one."""
    return min(fitting, key=lambda s: (sum((free[s][d] - asked[d]) / SIZE[d] for d in (0, 1)), s))


def _by_hand(trace: simulate.Trace, servers: int, choose: Choice) -> list[int | None]:
    """Every moment in turn: first all that leave, then all that arrive, in the order of the trace."""
    free = [[Fraction(size) for size in SIZE] for _ in range(servers)]
    asked = [[Fraction(str(vm.cores)), Fraction(str(vm.ram_gb))] for vm in trace.vms]
    placed: list[int | None] = [None] * len(trace.vms)
    for moment in sorted({time for vm in trace.vms for time in (vm.start, vm.end)}):
        for number, vm in enumerate(trace.vms):
            server = placed[number]
            if vm.end == moment and server is not None:
                free[server] = [f + a for f, a in zip(free[server], asked[number], strict=True)]
        for number, vm in enumerate(trace.vms):
            if vm.start == moment:
                fitting = [
                    s for s in range(servers) if all(f >= a for f, a in zip(free[s], asked[number], strict=True))
                ]
                if fitting:
                    placed[number] = server = choose(free, fitting, asked[number])
                    free[server] = [f - a for f, a in zip(free[server], asked[number], strict=True)]
    return placed


@pytest.mark.parametrize(("policy", "choose"), [("first", _first), ("closest_capacity", _closest)])
@pytest.mark.parametrize(("vms", "servers", "seed"), [(300, 6, 1), (400, 5, 2)])
def test_decisions_equal_those_by_hand(policy: str, choose: Choice, vms: int, servers: int, seed: int) -> None:
    trace = simulate.synthetic(vms, seed)
    fleet = simulate.Fleet(servers, *SIZE)
    decided, _ = simulate.decide(trace, simulate.make_pool(fleet, policy))
    expected = [None if s is None else f"server{s}" for s in _by_hand(trace, servers, choose)]
    assert decided == expected
    assert 0 < sum(server is None for server in expected) < vms, "the case must have both answers"


def test_real_trace_is_read(data_folder: Path) -> None:
    trace = simulate.read(simulate.find(data_folder))
    assert len(trace.vms) == 52_314
    assert (trace.vms[1].cores, trace.vms[1].ram_gb, trace.vms[1].start) == (0.42, 7.0, -1497.0)
    events = trace.events()
    assert [(e.time, e.arrives) for e in events] == sorted((e.time, e.arrives) for e in events)


def test_real_trace_has_these_figures(data_folder: Path) -> None:
    """Those of the guide."""
    trace = simulate.read(simulate.find(data_folder))
    outcome = simulate.run(trace, simulate.Fleet(480, cores=96, ram_gb=2048), "closest_capacity")
    assert (outcome.placed, outcome.denied) == (51_807, 507)
    assert (outcome.peak_instances, outcome.lower_bound) == (480, 447)
    assert outcome.mean_utilisation == 0.9046543218338297


def test_real_trace_runs(data_folder: Path) -> None:
    """A part of it, on so few servers that some are denied."""
    whole = simulate.read(simulate.find(data_folder))
    trace = simulate.Trace(whole.name, whole.source, whole.vms[::50])
    outcome = simulate.run(trace, simulate.Fleet(8, cores=96, ram_gb=2048), "first")
    assert outcome.placed + outcome.denied == len(trace.vms)
    assert outcome.lower_bound <= outcome.peak_instances <= 8
    assert outcome.denied > 0
    assert 0 < outcome.mean_utilisation <= 1
