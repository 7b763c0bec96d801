"""One run: a fleet of equal servers, a trace, a policy; what was placed, and how well it was packed."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from apportion import metadata
from apportion._answers import Grant
from apportion._errors import DocumentError, RequestError, UnknownName
from apportion.pool import Pool

from .azure import Event, Trace

__all__ = ["Fleet", "Outcome", "decide", "make_pool", "measure", "policies_in", "run"]

_STEPS = 1000  # per core and per GB
_MAX_SERVERS = 1_000_000  # each takes a kilobyte while the pool is made
_MAX_SIZE = 1_000_000_000
_DAY_S = 86_400.0
_PROGRESS_EVENTS = 500

Progress = Callable[[int], object]
"""Called with the number of events since the last call."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Equal servers.

    Attributes
    ----------
    servers : int
        How many.
    cores, ram_gb : float
        Of each.

    Examples
    --------
    >>> Fleet(servers=480, cores=96, ram_gb=2048).steps
    (96000, 2048000)
    """

    servers: int
    cores: float
    ram_gb: float

    def __post_init__(self) -> None:
        if not 1 <= self.servers <= _MAX_SERVERS:
            raise RequestError(f"{self}: a fleet has 1 to {_MAX_SERVERS:,} servers")
        for name, size in (("cores", self.cores), ("memory", self.ram_gb)):
            if not 1 / _STEPS <= size <= _MAX_SIZE:  # NaN is not either
                raise RequestError(f"{self}: a server has from {1 / _STEPS} to {_MAX_SIZE:,} of {name}")

    @property
    def steps(self) -> tuple[int, int]:
        """The size of a server in steps of 0.001 core and 0.001 GB."""
        return math.floor(self.cores * _STEPS), math.floor(self.ram_gb * _STEPS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy made of a trace.

    Attributes
    ----------
    policy : str
    placed, denied : int
        Virtual machines; their sum is the length of the trace. The departure of a denied one is no event.
    peak_instances : int
        The most servers that held something at one moment.
    lower_bound : int
        The fewest servers that could have held what this policy placed, by the two sums of capacity: the largest, over
        all moments and both dimensions, of ceil(sum of the machines alive / size of a server). No packing needs fewer.
    mean_utilisation : float
        In [0, 1]: used / capacity of the *occupied* servers in the dimension that is scarcer at the moment, averaged
        over the time of `Trace.window` in which some server is occupied.
    seconds : float
        Wall time of all calls to the pool; reading the trace and making the pool are not in it.
    events_per_second : float
        Arrivals, and departures of placed machines, per second.
    """

    policy: str
    placed: int
    denied: int
    peak_instances: int
    lower_bound: int
    mean_utilisation: float
    seconds: float
    events_per_second: float


def make_pool(fleet: Fleet, policy: str, policies: str | os.PathLike[str] | None = None) -> Pool:
    """Make a pool of empty servers whose clock stands at 0.

    Parameters
    ----------
    fleet : Fleet
    policy : str
        A named policy, or one of `policies`.
    policies : path, optional
        A document that defines policies.

    Returns
    -------
    Pool

    Raises
    ------
    DocumentError, UnknownName, RequestError
    """
    pool = Pool(clock=0.0)
    dimensions = {"cores": {"unit": "cores", "step": 0.001}, "gb": {"unit": "GB", "step": 0.001}}
    if policies is not None:
        pool.apply(policies)
    known = pool.metadata["policies"]
    if policy not in known:
        raise UnknownName(f"there is no policy {policy!r}; there are {', '.join(sorted(known))}")
    try:
        pool.apply({"types": {"server": {"dimensions": dimensions, "policy": policy}}})
    except DocumentError as error:  # the policy does not fit: it stands in the other document
        if policies is None:
            raise
        found = [(problem.place, problem.message) for problem in error.problems]
        raise metadata.error(metadata.parse(policies), found) from None
    ids = [f"server{number}" for number in range(fleet.servers)]
    capacity = {"capacity.cores": [fleet.cores] * fleet.servers, "capacity.gb": [fleet.ram_gb] * fleet.servers}
    pool.add_many({"id": ids, **capacity}, type="server")
    return pool


def policies_in(path: str | os.PathLike[str]) -> list[str]:
    """Name the policies that a document defines.

    Raises
    ------
    DocumentError, OSError
        When it cannot be read.
    """
    return list(metadata.read(path).get("policies", {}))


def decide(trace: Trace, pool: Pool, progress: Progress | None = None) -> tuple[list[str | None], float]:
    """Drive a pool through a trace: an arrival allocates, a departure releases, the pool's clock follows.

    Parameters
    ----------
    trace : Trace
    pool : Pool
        With a clock of its own and a type ``server`` with dimensions ``cores`` and ``gb``.
    progress : callable, optional

    Returns
    -------
    servers : list of str or None
        The server of each machine, None for a denied one.
    seconds : float
        Wall time.
    """
    events = trace.events()
    origin = events[0].time if events else 0.0
    servers: list[str | None] = [None] * len(trace.vms)
    held: dict[int, Grant] = {}
    silent = 0
    start = time.perf_counter()
    for moment, group in groupby(events, key=lambda event: event.time):
        pool.tick((moment - origin) * _DAY_S)
        together = list(group)
        # What leaves at one moment leaves in one call; who arrives is decided one by one, in the order of the file.
        if leaving := [held.pop(event.vm) for event in together if not event.arrives and event.vm in held]:
            pool.release(leaving)
        for event in together:
            if event.arrives:
                vm = trace.vms[event.vm]
                grant = pool.allocate("server", consumer=vm.tenant, cores=vm.cores, gb=vm.ram_gb)
                if grant:
                    held[event.vm] = grant
                    servers[event.vm] = grant.instance
        silent += len(together)
        if progress is not None and silent >= _PROGRESS_EVENTS:
            progress(silent)
            silent = 0
    seconds = time.perf_counter() - start
    if progress is not None:
        progress(silent)
    return servers, seconds


class _Meter:
    """Running sums over the events of a run, in whole steps."""

    def __init__(self, trace: Trace, fleet: Fleet) -> None:
        self.size = fleet.steps
        self.window = trace.window
        self.used = [0, 0]
        self.residents: dict[str, int] = {}
        self.time = -math.inf
        self.peak = self.bound = 0
        self.area = self.span = 0.0

    def utilisation(self) -> float:
        return max(used / (size * len(self.residents)) for used, size in zip(self.used, self.size, strict=True))

    def advance(self, moment: float) -> None:
        first, last = self.window
        span = min(moment, last) - max(self.time, first)
        if span > 0 and self.residents:
            self.area += span * self.utilisation()
            self.span += span
        self.time = moment

    def count(self, server: str, steps: Sequence[int], sign: int) -> None:
        residents = self.residents.get(server, 0) + sign
        if residents:
            self.residents[server] = residents
        else:
            del self.residents[server]
        self.used = [used + sign * each for used, each in zip(self.used, steps, strict=True)]
        self.peak = max(self.peak, len(self.residents))
        self.bound = max(self.bound, *(-(-used // size) for used, size in zip(self.used, self.size, strict=True)))


def measure(trace: Trace, fleet: Fleet, servers: Sequence[str | None]) -> tuple[int, int, float]:
    """Measure placements.

    Parameters
    ----------
    trace : Trace
    fleet : Fleet
    servers : sequence of str or None
        The server of each machine of the trace; None for those that were denied.

    Returns
    -------
    peak_instances, lower_bound : int
    mean_utilisation : float
        As in `Outcome`.

    Examples
    --------
    Two machines of half a server each, on two servers, for a day; then one of them alone.

    >>> from apportion.simulate import Vm
    >>> vms = (Vm("a", "t", 4, 1, 0.0, 1.0), Vm("b", "t", 4, 1, 0.0, 3.0), Vm("c", "t", 0, 0, 2.0, 3.0))
    >>> measure(Trace("", "", vms), Fleet(2, cores=8, ram_gb=8), ["x", "y", None])
    (2, 1, 0.5)
    """
    meter = _Meter(trace, fleet)
    asked = [(_steps_up(vm.cores), _steps_up(vm.ram_gb)) for vm in trace.vms]
    for event in trace.events():
        server = servers[event.vm]
        if server is not None:
            meter.advance(event.time)
            meter.count(server, asked[event.vm], 1 if event.arrives else -1)
    meter.advance(math.inf)
    return meter.peak, meter.bound, meter.area / meter.span if meter.span else 0.0


def _steps_up(units: float) -> int:
    return math.ceil(round(units * _STEPS, 6))


def run(
    trace: Trace,
    fleet: Fleet,
    policy: str,
    policies: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Drive an empty fleet through a trace under one policy.

    Parameters
    ----------
    trace : Trace
    fleet : Fleet
    policy : str
    policies : path, optional
        A document that defines policies.
    progress : callable, optional
        Called now and then with the number of events since the last call.

    Returns
    -------
    Outcome

    Raises
    ------
    DocumentError, UnknownName, RequestError
        As `make_pool`.
    """
    pool = make_pool(fleet, policy, policies)
    servers, seconds = decide(trace, pool, progress)
    peak, bound, utilisation = measure(trace, fleet, servers)
    placed = sum(server is not None for server in servers)
    events = _count_events(trace.events(), servers)
    rate = events / seconds if seconds > 0 else 0.0
    return Outcome(policy, placed, len(servers) - placed, peak, bound, utilisation, seconds, rate)


def _count_events(events: Sequence[Event], servers: Sequence[str | None]) -> int:
    return sum(event.arrives or servers[event.vm] is not None for event in events)
