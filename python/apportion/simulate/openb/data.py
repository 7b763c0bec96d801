"""The cluster and the pods: those of the public trace "openb", or made up in their form.

A file of nodes has the columns ``sn,cpu_milli,memory_mib,gpu,model``, a list of pods ``name,cpu_milli,memory_mib,
num_gpu,gpu_milli`` and, if pods are particular, ``gpu_spec``: the models that a pod may have, with ``|`` between. A pod
asks for a part of one GPU in thousandths, or for several whole ones. Rows count in the order of their names.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apportion._errors import RequestError

__all__ = ["GPU_MILLI", "LISTS", "Nodes", "Pods", "Reference", "Workload", "find", "published", "read", "synthetic"]

GPU_MILLI = 1000
"""What a whole GPU has to give."""

LISTS = ("default", "cpu250", "gpushare100", "gpuspec33", "multigpu50")
"""The lists of pods of the public trace."""

_NODES = "openb_node_list_gpu_node.csv.gz"
_PUBLISHED = "published_results.csv"
_NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
_POD_COLUMNS = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli")
_PUBLISHED_COLUMNS = ("metric", "workload", "policy", "arrived_percent", "mean", "stdev", "seeds")
_MEASURES = {"gpu_allocation_percent": "allocation", "fragmentation_ratio_percent": "fragmentation"}
_THEIR_NAMES = {
    "Random": "random",
    "BestFit": "best_fit",
    "DotProd": "dot_product",
    "GpuPacking": "gpu_packing",
    "GpuClustering": "gpu_clustering",
    "FGD": "fgd",
}
# Of a made-up cluster: millicores, MiB, GPUs, model, weight.
_NODE_SIZES = (
    (96_000, 384 << 10, 8, "M1", 5),
    (104_000, 512 << 10, 2, "M2", 4),
    (16_000, 120 << 10, 2, "M3", 1),
    (64_000, 256 << 10, 8, "M4", 1),
    (8_000, 32 << 10, 1, "M4", 1),
)
# Of made-up pods: millicores, MiB, GPUs, thousandths of each, weight.
_POD_SIZES = (
    (4_000, 15_258, 0, 0, 9),
    (16_000, 40_000, 0, 0, 3),
    (2_000, 4_096, 1, 120, 4),
    (4_000, 12_288, 1, 250, 8),
    (6_000, 12_288, 1, 460, 12),
    (8_000, 30_517, 1, 500, 8),
    (8_000, 30_517, 1, 810, 5),
    (8_000, 50_000, 1, 1_000, 20),
    (24_000, 65_536, 1, 1_000, 5),
    (12_000, 65_536, 2, 1_000, 4),
    (36_000, 200_000, 4, 1_000, 2),
    (80_000, 300_000, 8, 1_000, 3),
)
_PARTICULAR = (("M2",), ("M1",), ("M1", "M4"))  # a seventh of those who want GPUs


class Nodes(NamedTuple):
    """Nodes as columns."""

    name: list[str]
    millicores: NDArray[np.int64]
    mib: NDArray[np.int64]
    """Memory."""
    gpus: NDArray[np.int64]
    """How many, each of `GPU_MILLI`."""
    model: list[str]
    """Of its GPUs."""


class Pods(NamedTuple):
    """Pods as columns."""

    name: list[str]
    millicores: NDArray[np.int64]
    mib: NDArray[np.int64]
    gpus: NDArray[np.int64]
    """How many GPUs; 0 for a pod that wants none."""
    milli: NDArray[np.int64]
    """Of each of them, in thousandths; below 1000 only where `gpus` is 1."""
    models: list[tuple[str, ...]]
    """Allowed models; empty: any."""


@dataclass(frozen=True, eq=False)
class Workload:
    """A cluster and the list of pods that it is filled from.

    Attributes
    ----------
    name : str
        Of the list.
    source : str
        The folder it came from, or how it was made.
    nodes : Nodes
    pods : Pods

    Examples
    --------
    >>> made = synthetic(20, seed=1)
    >>> bool(made.capacity == made.nodes.gpus.sum() * 1000)
    True
    """

    name: str
    source: str
    nodes: Nodes
    pods: Pods

    @property
    def capacity(self) -> int:
        """All GPUs in thousandths."""
        return int(self.nodes.gpus.sum()) * GPU_MILLI

    @property
    def asked(self) -> NDArray[np.int64]:
        """What each pod asks of all its GPUs together, in thousandths."""
        return self.pods.milli * self.pods.gpus

    @property
    def kinds(self) -> list[str]:
        """The kind of each pod: ``share`` for a part of a GPU, ``whole_2`` for two whole ones, empty for none."""
        return [
            "" if not gpus else "share" if milli < GPU_MILLI else f"whole_{gpus}"
            for gpus, milli in zip(self.pods.gpus.tolist(), self.pods.milli.tolist(), strict=True)
        ]


class Reference(NamedTuple):
    """What was published of one list, policy and measure, per percent of arrived load."""

    percent: NDArray[np.int64]
    mean: NDArray[np.float64]
    """In percent, over `seeds` runs."""
    deviation: NDArray[np.float64]
    """Of single runs, in percentage points."""
    seeds: int


def find(data: str | os.PathLike[str] | None = None) -> Path:
    """Find the folder of the trace.

    Parameters
    ----------
    data : path, optional
        The folder, or the one above. Default ``$APPORTION_DATA``, else ``../shared/data``.

    Returns
    -------
    Path

    Raises
    ------
    RequestError
        When it is not there.
    """
    root = Path(data or os.environ.get("APPORTION_DATA") or Path("..", "shared", "data"))
    for folder in (root / "openb", root):
        if (folder / _NODES).is_file():
            return folder
    raise RequestError(
        f"no {_NODES} in {root} or {root / 'openb'}: "
        "give the folder with --data or $APPORTION_DATA, or make a cluster up with --synthetic 60"
    )


def read(folder: str | os.PathLike[str], pods: str = "default") -> Workload:
    """Read the cluster and one list of pods.

    Parameters
    ----------
    folder : path
        As `find` gives it.
    pods : str, default "default"
        The list: ``openb_pod_list_<pods>.csv.gz``.

    Returns
    -------
    Workload

    Raises
    ------
    RequestError
        Naming the line that cannot be read, or the lists that there are.
    """
    folder = Path(folder)
    path = folder / f"openb_pod_list_{pods}.csv.gz"
    if not path.is_file():
        there = sorted(each.name[15:-7] for each in folder.glob("openb_pod_list_*.csv.gz"))
        raise RequestError(f"there is no list of pods {pods!r} in {folder}; there are {', '.join(there) or 'none'}")
    return Workload(pods, folder.name, _nodes(folder / _NODES), _pods(path))


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the number and the columns of each line."""
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        try:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise RequestError(f"{path.name}, line 1: no column {', '.join(missing)}; expected {','.join(columns)}")
            for row in reader:
                if any(row[name] is None for name in columns):
                    raise RequestError(f"{path.name}, line {reader.line_num}: expected {','.join(columns)}")
                yield reader.line_num, row
        except (gzip.BadGzipFile, EOFError, UnicodeDecodeError) as error:
            raise RequestError(f"{path.name} cannot be read: {error}") from error


def _numbers(path: Path, line: int, row: dict[str, str], columns: Iterable[str]) -> list[int]:
    try:
        found = [int(row[name]) for name in columns]
    except ValueError as error:
        raise RequestError(f"{path.name}, line {line}: {error}") from error
    if min(found) < 0:
        raise RequestError(f"{path.name}, line {line}: {min(found)} is negative")
    return found


def _nodes(path: Path) -> Nodes:
    found = []
    for line, row in _rows(path, _NODE_COLUMNS):
        found.append((row["sn"], *_numbers(path, line, row, _NODE_COLUMNS[1:4]), row["model"]))
    return _as_nodes(found, path.name)


def _as_nodes(found: list[tuple[Any, ...]], name: str) -> Nodes:
    if not sum(row[3] for row in found):
        raise RequestError(f"{name} holds no GPUs")
    names, cores, mib, gpus, model = zip(*sorted(found), strict=True)
    numbers = np.array([cores, mib, gpus], np.int64)
    return Nodes(list(names), numbers[0], numbers[1], numbers[2], list(model))


def _pods(path: Path) -> Pods:
    found = []
    for line, row in _rows(path, _POD_COLUMNS):
        cores, mib, gpus, milli = _numbers(path, line, row, _POD_COLUMNS[1:])
        whole = milli == GPU_MILLI
        if gpus and not (whole or (gpus == 1 and 0 < milli < GPU_MILLI)):
            raise RequestError(
                f"{path.name}, line {line}: {gpus} x {milli} thousandths of a GPU; "
                "a pod asks for a part of one GPU, or for whole ones"
            )
        models = tuple(filter(None, (row.get("gpu_spec") or "").split("|"))) if gpus else ()
        found.append((row["name"], cores, mib, gpus, milli if gpus else 0, models))
    return _as_pods(found, path.name)


def _as_pods(found: list[tuple[Any, ...]], name: str) -> Pods:
    if not any(row[3] for row in found):
        raise RequestError(f"{name} holds no pod that asks for a GPU")
    names, *numbers, models = zip(*sorted(found), strict=True)
    cores, mib, gpus, milli = np.array(numbers, np.int64)
    return Pods(list(names), cores, mib, gpus, milli, list(models))


def published(folder: str | os.PathLike[str], pods: str) -> dict[tuple[str, str], Reference]:
    """Read what was published of a list.

    Parameters
    ----------
    folder : path
        As `find` gives it.
    pods : str
        The list.

    Returns
    -------
    dict of (str, str) to Reference
        By policy and measure, ``"allocation"`` or ``"fragmentation"``; empty where nothing was published.

    Raises
    ------
    RequestError
        Naming the line that cannot be read.
    """
    path = Path(folder) / _PUBLISHED
    found: dict[tuple[str, str], list[tuple[int, float, float, int]]] = {}
    for line, row in _rows(path, _PUBLISHED_COLUMNS) if path.is_file() else ():
        if row["workload"] != pods or row["metric"] not in _MEASURES:
            continue
        key = (_THEIR_NAMES.get(row["policy"], row["policy"]), _MEASURES[row["metric"]])
        try:
            point = (int(row["arrived_percent"]), float(row["mean"]), float(row["stdev"]), int(row["seeds"]))
        except ValueError as error:
            raise RequestError(f"{path.name}, line {line}: {error}") from error
        found.setdefault(key, []).append(point)
    return {key: _reference(points) for key, points in found.items()}


def _reference(points: list[tuple[int, float, float, int]]) -> Reference:
    percent, mean, deviation, seeds = zip(*sorted(points), strict=True)
    return Reference(np.array(percent, np.int64), np.array(mean), np.array(deviation), min(seeds))


def synthetic(nodes: int, seed: int = 0) -> Workload:
    """Make a cluster and pods up: the form, and roughly the mixture, of the trace; no line of it.

    Parameters
    ----------
    nodes : int
        How many, 1 or more.
    seed : int, default 0
        Equal seeds give equal workloads on every machine.

    Returns
    -------
    Workload
        Its pods ask for about as many GPUs as there are; a sixth ask for none, some are particular about the model.

    Examples
    --------
    >>> made = synthetic(30, seed=7)
    >>> bool(0.97 < made.asked.sum() / made.capacity <= 1.0)
    True
    """
    if nodes < 1:
        raise RequestError(f"a cluster of {nodes} nodes; give 1 or more")
    source = random.Random(seed)
    sizes = [_pick(_NODE_SIZES, source) for _ in range(nodes)]
    cluster = _as_nodes([(f"node{i:05}", *size) for i, size in enumerate(sizes)], "the cluster")
    left = int(cluster.gpus.sum()) * GPU_MILLI
    pods: list[tuple[Any, ...]] = []
    while not pods or left >= GPU_MILLI // 4:
        cores, mib, gpus, milli = _pick(_POD_SIZES, source)
        particular = source.random() < 1 / 7
        which = _PARTICULAR[int(source.random() * len(_PARTICULAR))]
        if gpus * milli <= left:
            pods.append((f"pod{len(pods):06}", cores, mib, gpus, milli, which if particular and gpus else ()))
            left -= gpus * milli
    return Workload("synthetic", f"{nodes} nodes, seed {seed}", cluster, _as_pods(pods, "the list"))


def _pick(sizes: Sequence[tuple[Any, ...]], source: random.Random) -> tuple[Any, ...]:
    at = source.random() * sum(size[-1] for size in sizes)
    for size in sizes:
        at -= size[-1]
        if at < 0:
            return size[:-1]
    return sizes[-1][:-1]
