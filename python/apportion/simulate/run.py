"""One run: a fleet of equal servers, a trace, a policy; what was placed, and how well it was packed."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from apportion import metadata
from apportion._errors import DocumentError, RequestError, UnknownName
from apportion.pool import Pool

from .azure import Trace

__all__ = ["Fleet", "Outcome", "decide", "make_pool", "measure", "policies_in", "run"]

_STEPS = 1000  # per core and per GB
_MAX_SERVERS = 1_000_000  # each takes a kilobyte while the pool is made
_MAX_SIZE = 1_000_000_000
_DAY_S = 86_400.0

Progress = Callable[[int], object]
"""Called with the number of events that were decided since the last call."""


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
        Wall time of the call to the pool; reading the trace and making the pool are not in it.
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

    One call of `Pool.run`.

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
    columns = trace.columns
    requests = {"consumer": columns.tenant, "cores": columns.cores, "gb": columns.ram_gb}
    times = (columns.time - columns.time[:1]) * _DAY_S
    start = time.perf_counter()
    answers = pool.run(requests, columns.vm, times=times, type="server")
    seconds = time.perf_counter() - start
    if progress is not None:
        progress(len(columns.vm))
    return cast("list[str | None]", answers["instance"]), seconds


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
    columns = trace.columns
    server = _numbered(servers)
    placed = server[columns.vm] >= 0
    vm, moments = columns.vm[placed], columns.time[placed]
    if not len(vm):
        return 0, 0, 0.0
    signs = np.where(columns.arrives[placed], 1, -1)
    used = [np.cumsum(signs * _steps_up(asked)[vm]) for asked in (columns.cores, columns.ram_gb)]
    occupied = _occupied(server[vm], signs)
    bound = max(int(np.max(-(-sums // size))) for sums, size in zip(used, fleet.steps, strict=True))
    first, last = trace.window
    spans = np.minimum(np.append(moments[1:], math.inf), last) - np.maximum(moments, first)
    counts = (spans > 0) & (occupied > 0)
    shares = [sums[counts] / (size * occupied[counts]) for sums, size in zip(used, fleet.steps, strict=True)]
    # One after the other: sums of floats depend on the order, and NumPy's `sum` takes another one.
    area, span = (np.cumsum(each)[-1:].sum() for each in (spans[counts] * np.maximum(*shares), spans[counts]))
    return int(occupied.max()), bound, float(area / span) if span else 0.0


def _numbered(servers: Sequence[str | None]) -> NDArray[np.int64]:
    """Give each name a number, and None -1."""
    numbers: dict[str | None, int] = {None: -1}
    return np.array([numbers.setdefault(server, len(numbers) - 1) for server in servers], np.int64)


def _steps_up(units: NDArray[np.float64]) -> NDArray[Any]:
    """Round up to whole steps, one size after the other: few come often."""
    sizes, which = np.unique(units, return_inverse=True)
    steps = [math.ceil(round(size * _STEPS, 6)) for size in sizes.tolist()]
    small = max(steps, default=0) * len(units) < 2**62  # what no sum exceeds
    return np.array(steps, np.int64 if small else object)[which]


def _occupied(servers: NDArray[np.int64], signs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the servers that hold something after each event: a sign is 1 where a machine comes, -1 where it goes."""
    by_server = np.argsort(servers, kind="stable")
    signs, servers = signs[by_server], servers[by_server]
    sums = np.cumsum(signs)
    starts = np.flatnonzero(np.diff(servers, prepend=-1))
    residents = sums - np.repeat(sums[starts] - signs[starts], np.diff(starts, append=len(servers)))
    changes = np.empty_like(signs)
    # The first to come occupies a server, the last to go frees it.
    changes[by_server] = np.where(residents == np.where(signs > 0, 1, 0), signs, 0)
    return np.cumsum(changes)


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
        Called with the number of events when they are decided.

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
    there = np.array([server is not None for server in servers], np.bool_)
    events = int(np.count_nonzero(trace.columns.arrives | there[trace.columns.vm]))
    placed = int(np.count_nonzero(there))
    rate = events / seconds if seconds > 0 else 0.0
    return Outcome(policy, placed, len(servers) - placed, peak, bound, utilisation, seconds, rate)
