"""What placements amount to: the two curves over arrived load, computed once all decisions are made."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .data import GPU_MILLI, Workload
from .policies import typical

__all__ = ["Curves", "Placements", "fragmentation", "measure"]

_STATES = 4096  # of nodes, for which fragmentation is computed at once


class Placements(NamedTuple):
    """What became of each arrival."""

    node: NDArray[np.int64]
    """Shape (arrivals,): row of the cluster, -1 for a pod that was denied."""
    taken: NDArray[np.int64]
    """Shape (arrivals, most GPUs of a node): thousandths taken of each GPU of the node."""
    seconds: float
    """Wall time of the decisions."""


class Curves(NamedTuple):
    """Measures at each whole percent of arrived load, from 0."""

    allocation: NDArray[np.float64]
    """Allocated share of all GPUs in percent; NaN where nothing arrived near that percent."""
    fragmentation: NDArray[np.float64]
    """Share of the idle GPUs, in percent, that typical pods have no use for; 0 when nothing is idle."""


def fragmentation(
    workload: Workload, nodes: NDArray[np.int64], millicores: NDArray[np.int64], milli: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count what typical pods have no use for, in states of nodes.

    A typical pod that asks for no GPU, may not have the node's model, or does not fit has no use for anything that is
    free; another one for what is free on GPUs that are too small for it.

    Parameters
    ----------
    workload : Workload
    nodes : ndarray of int, shape (states,)
        Rows of the cluster.
    millicores : ndarray of int, shape (states,)
        Free.
    milli : ndarray of int, shape (states, GPUs)
        Free of each GPU; 0 where the node has fewer.

    Returns
    -------
    ndarray of int, shape (states,)
        Thousandths of a GPU, summed over typical pods by their count; divide by the sum of `Typical.pods`.
    """
    kinds = typical(workload)
    allowed = np.array([[not m or model in m for m in kinds.models] for model in workload.nodes.model], np.bool_)
    total = np.empty(len(nodes), np.int64)
    for at in range(0, len(nodes), _STATES):
        part = slice(at, at + _STATES)
        free, everything = milli[part], milli[part].sum(axis=1)
        lost = np.empty((len(everything), len(kinds.pods)), np.int64)
        for size in np.unique(kinds.milli):
            of_size = kinds.milli == size
            large = free >= size
            enough = large.sum(axis=1)[:, None] >= kinds.gpus[of_size]
            fits = enough & (kinds.millicores[of_size] <= millicores[part, None]) & (kinds.gpus[of_size] > 0)
            small = np.where(large, 0, free).sum(axis=1)
            useful = fits & allowed[nodes[part]][:, of_size]
            lost[:, of_size] = np.where(useful, small[:, None], everything[:, None])
        total[part] = lost @ kinds.pods
    return total


def _rises(workload: Workload, pods: NDArray[np.int64], placed: Placements) -> NDArray[np.int64]:
    """Give what each arrival adds to fragmentation, and first what there is of it when all is empty."""
    nodes = workload.nodes
    most = placed.taken.shape[1]
    empty = np.where(np.arange(most) < nodes.gpus[:, None], GPU_MILLI, 0)
    start = fragmentation(workload, np.arange(len(nodes.name)), nodes.millicores, empty)
    by_node = np.argsort(placed.node, kind="stable")
    by_node = by_node[placed.node[by_node] >= 0]
    which = placed.node[by_node]
    first = np.flatnonzero(np.diff(which, prepend=-1))
    lengths = np.diff(first, append=len(which))

    def left(capacity: NDArray[np.int64], taken: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = np.cumsum(taken, axis=0)
        before = np.repeat(sums[first] - taken[first], lengths, axis=0)
        free: NDArray[np.int64] = capacity[which] - (sums - before)
        return free

    cores = left(nodes.millicores, workload.pods.millicores[pods[by_node]])
    after = fragmentation(workload, which, cores, left(empty, placed.taken[by_node]))
    before = np.roll(after, 1)
    before[first] = start[which[first]]
    rises = np.zeros(len(pods) + 1, np.int64)
    rises[0] = start.sum()
    rises[by_node + 1] = after - before
    return rises


def measure(workload: Workload, pods: NDArray[np.int64], placed: Placements) -> Curves:
    """Measure placements as the published experiment does.

    After every arrival there is a record of what has arrived, what is allocated, and what fragmentation there is. The
    value at a percent is the mean over the records whose arrived load rounds to it, or, where there is none, of those
    that lie one beside; the records themselves are rounded to hundredths of a percent.

    Parameters
    ----------
    workload : Workload
    pods : ndarray of int, shape (arrivals,)
        Rows of the list, in order.
    placed : Placements

    Returns
    -------
    Curves
        From 0 to the last whole percent that arrived.
    """
    capacity = workload.capacity
    arrived = np.cumsum(workload.asked[pods])
    used = np.cumsum(placed.taken.sum(axis=1))
    lost = np.cumsum(_rises(workload, pods, placed))[1:] / typical(workload).pods.sum()
    idle = capacity - used
    percent = np.rint(arrived / (capacity / 100)).astype(np.int64)
    allocated = np.array([round(each, 2) for each in (used / (capacity / 100)).tolist()])
    ratio = np.divide(100 * lost, idle, out=np.zeros(len(pods)), where=idle > 0)
    rounded = np.array([round(each, 2) for each in ratio.tolist()])
    return Curves(np.round(_by_percent(percent, allocated), 2), _by_percent(percent, rounded))


def _by_percent(percent: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    last = int(percent[-1])
    means = np.full(last + 1, np.nan)
    for each in range(last + 1):
        for near in (0, 1):
            there = np.abs(percent - each) <= near
            if there.any():
                means[each] = values[there].mean()
                break
    return means
