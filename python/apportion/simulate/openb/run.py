"""One run: pods arrive one after the other and stay, as far as a pool finds room for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apportion import metadata
from apportion._errors import DocumentError, RequestError
from apportion.pool import Pool

from .curves import Curves, Placements, measure
from .data import GPU_MILLI, Workload
from .policies import Policy, document, scarcity, type_of

__all__ = [
    "Arrivals",
    "LOAD",
    "Outcome",
    "arrivals",
    "decide",
    "make_pool",
    "run",
]

LOAD = 1.3
"""What arrives, as a multiple of all GPUs."""

_AT_ONCE = 500  # arrivals of one call of the pool, between which a bar moves

Progress = Callable[[int], object]
"""Called with the number of arrivals that were decided since the last call."""


class Arrivals(NamedTuple):
    """Who arrives, and the order of the nodes."""

    pods: NDArray[np.int64]
    """Shape (arrivals,): rows of the list of pods, in order; a row may come several times."""
    nodes: NDArray[np.int64]
    """Shape (nodes,): rows of the cluster in the order in which they are added; ties go to the first."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a policy made of one order of arrivals.

    Attributes
    ----------
    pods, policy : str
        The names of the list and of the policy.
    seed : int
        Of the arrivals.
    placed, denied : int
        Pods; their sum is the number of arrivals.
    curves : Curves
    seconds : float
        Wall time of the decisions; reading, making the pool and measuring are not in it.
    """

    pods: str
    policy: str
    seed: int
    placed: int
    denied: int
    curves: Curves
    seconds: float

    @property
    def decisions_per_second(self) -> float:
        """Arrivals per second of wall time."""
        return (self.placed + self.denied) / self.seconds if self.seconds > 0 else 0.0


def arrivals(workload: Workload, seed: int, load: float = LOAD) -> Arrivals:
    """Draw who arrives, and in which order the nodes stand.

    The list comes once, shuffled. If that is more than `load` times all GPUs, pods are taken out at random until it is
    not. If it is less, pods drawn from the list with replacement follow, up to the first that would not fit, by what it
    asks of a single GPU, under that bound; this one does not come.

    Parameters
    ----------
    workload : Workload
    seed : int
        Equal seeds give equal arrivals.
    load : float, default 1.3
        Above 0.

    Returns
    -------
    Arrivals
    """
    if not 0 < load <= 1000:
        raise RequestError(f"a load of {load:g} times all GPUs; give more than 0, at most 1000")
    random = np.random.default_rng(seed)
    bound = load * workload.capacity
    asked, milli = workload.asked, workload.pods.milli
    order = random.permutation(len(asked)).tolist()
    total = int(asked.sum())
    while total > bound:
        total -= int(asked[order.pop(int(random.integers(len(order))))])
    while len(order) >= len(asked):
        drawn = int(random.integers(len(asked)))
        if total + milli[drawn] > bound:
            break
        total += int(asked[drawn])
        order.append(drawn)
    return Arrivals(np.array(order, np.int64), random.permutation(len(workload.nodes.name)).astype(np.int64))


def _gpu(node: str, number: int) -> str:
    return f"{node}/gpu{number}"


def make_pool(workload: Workload, policy: Policy, nodes: Sequence[int] | NDArray[np.int64], seed: int = 0) -> Pool:
    """Make a pool of empty nodes with their GPUs, and of one consumer per kind of pod.

    Parameters
    ----------
    workload : Workload
    policy : Policy
    nodes : sequence of int
        Rows of the cluster, in the order in which they are added.
    seed : int, default 0
        For policies that draw.

    Returns
    -------
    Pool
        Its clock stands at 0.

    Raises
    ------
    DocumentError, RequestError
        When the policy does not fit.
    """
    pool = Pool(clock=0.0)
    _apply(pool, workload, policy, seed)
    cluster, scarce = workload.nodes, scarcity(workload)
    rows = [int(row) for row in nodes]
    columns = {
        "id": [cluster.name[row] for row in rows],
        "fields.model": [cluster.model[row] for row in rows],
        "fields.scarcity": [scarce[cluster.model[row]] for row in rows],
        "capacity.millicores": cluster.millicores[rows],
        "capacity.mib": cluster.mib[rows],
    }
    pool.add_many(columns, type="node")
    inside = [(cluster.name[row], number) for row in rows for number in range(int(cluster.gpus[row]))]
    gpus = {
        "id": [_gpu(*each) for each in inside],
        "parent": [node for node, _ in inside],
        "capacity.milli": [GPU_MILLI] * len(inside),
    }
    pool.add_many(gpus, type="gpu")
    for kind in sorted(set(workload.kinds)):
        pool.add_consumer(_consumer(kind), kind=kind)
    return pool


def _apply(pool: Pool, workload: Workload, policy: Policy, seed: int) -> None:
    try:
        pool.apply(document(workload, policy, seed))
    except DocumentError as error:  # what is wrong stands in the policy's own file
        found = [(problem.place, problem.message) for problem in error.problems]
        if policy.file is None or not all(place.startswith("policies.") for place, _ in found):
            raise
        raise metadata.error(metadata.parse(policy.file), found) from None


def _consumer(kind: str) -> str:
    return kind or "without"


def decide(workload: Workload, pool: Pool, pods: NDArray[np.int64], progress: Progress | None = None) -> Placements:
    """Ask a pool for one pod after the other.

    Parameters
    ----------
    workload : Workload
    pool : Pool
        As `make_pool` makes it.
    pods : ndarray of int, shape (arrivals,)
        Rows of the list.
    progress : callable, optional

    Returns
    -------
    Placements
    """
    columns, kinds = workload.pods, [_consumer(kind) for kind in workload.kinds]
    types = [type_of(models) for models in columns.models]
    arrival_of: dict[int, int] = {}  # by the slot of a grant's first claim
    start = time.perf_counter()
    for at in range(0, len(pods), _AT_ONCE):
        rows = pods[at : at + _AT_ONCE]
        requests = {
            "type": [types[row] for row in rows.tolist()],
            "consumer": [kinds[row] for row in rows.tolist()],
            **{name: getattr(columns, name)[rows] for name in ("millicores", "mib", "milli", "gpus")},
        }
        answers = pool.allocate_many(requests)
        granted: Any = answers["granted"]
        slots: Any = answers["slot"]
        arrival_of |= {int(slots[i]): at + int(i) for i in np.flatnonzero(granted)}
        if progress is not None:
            progress(len(rows))
    return _placements(workload, pool, arrival_of, len(pods), time.perf_counter() - start)


def _placements(workload: Workload, pool: Pool, arrival_of: dict[int, int], arrived: int, seconds: float) -> Placements:
    """Read the claims of nodes and of GPUs; nothing leaves, so they are all there."""
    nodes = {name: row for row, name in enumerate(workload.nodes.name)}
    gpus = {_gpu(name, k): k for name, row in nodes.items() for k in range(int(workload.nodes.gpus[row]))}
    claims: Any = pool.claims
    arrival = np.array([arrival_of[int(grant.split(".")[1])] for grant in claims["grant"]], np.int64)
    names = claims["instance"]
    whose = np.array([name in nodes for name in names], np.bool_)
    node = np.full(arrived, -1, np.int64)
    node[arrival[whose]] = [nodes[name] for name in names if name in nodes]
    taken = np.zeros((arrived, int(workload.nodes.gpus.max())), np.int64)
    taken[arrival[~whose], [gpus[name] for name in names if name not in nodes]] = claims["milli"][~whose]
    return Placements(node, taken, seconds)


def run(workload: Workload, policy: Policy, seed: int, load: float = LOAD, progress: Progress | None = None) -> Outcome:
    """Fill an empty cluster under one policy.

    Parameters
    ----------
    workload : Workload
    policy : Policy
    seed : int
        Of the arrivals, and of policies that draw.
    load : float, default 1.3
        What arrives, as a multiple of all GPUs.
    progress : callable, optional

    Returns
    -------
    Outcome

    Raises
    ------
    DocumentError, RequestError
        When the policy does not fit.

    Examples
    --------
    >>> from apportion.simulate import openb
    >>> made = openb.synthetic(12, seed=1)
    >>> outcome = run(made, openb.policies_in()["best_fit"], seed=1)
    >>> bool(80 < outcome.curves.allocation[-1] <= 100)
    True
    """
    drawn = arrivals(workload, seed, load)
    pool = make_pool(workload, policy, drawn.nodes, seed)
    placed = decide(workload, pool, drawn.pods, progress)
    there = int(np.count_nonzero(placed.node >= 0))
    curves = measure(workload, drawn.pods, placed)
    return Outcome(workload.name, policy.title, seed, there, len(drawn.pods) - there, curves, placed.seconds)
