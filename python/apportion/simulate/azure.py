"""The trace: virtual machines with arrival and departure, as in the Azure packing sample, or made up in its form.

A file has the columns ``vmId,tenantId,cores,ram,vmTypeId,starttime,endtime``: cores in hundredths of a core, memory in
GB, times in days. The end ``inf`` means still alive when the trace ends. Machines that were there before the trace
begins have a negative start.
"""

from __future__ import annotations

import csv
import gzip
import math
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Literal, NamedTuple, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from apportion._errors import RequestError

__all__ = ["Columns", "Event", "Trace", "Vm", "find", "read", "synthetic", "write"]

FILE_NAME = "packing_1pct_batched_0.csv.gz"
"""The file of the Azure packing sample."""

_COLUMNS = ("vmId", "tenantId", "cores", "ram", "vmTypeId", "starttime", "endtime")
_CORE_PARTS = 100  # the file counts hundredths of a core
_DAYS = 14  # arrivals of a made-up trace
_BINS_PER_DAY = 288  # its times lie on a grid of five minutes, so that many are equal
# Sizes of a made-up trace: cores, GB, weight.
_SIZES = ((0.42, 7.0, 12), (1.0, 14.0, 22), (1.0, 32.0, 10), (2.0, 28.0, 24), (4.0, 56.0, 14), (8.0, 112.0, 10))
_LARGE_SIZES = ((8.0, 64.0, 4), (16.0, 128.0, 3), (16.0, 512.0, 1))


@dataclass(frozen=True, slots=True)
class Vm:
    """A virtual machine: one request, held from `start` to `end`.

    Attributes
    ----------
    id, tenant : str
    cores, ram_gb : float
        What it asks for; two decimals are exact.
    start, end : float
        In days; `end` is after `start`, infinite when it outlives the trace.
    """

    id: str
    tenant: str
    cores: float
    ram_gb: float
    start: float
    end: float


class Event(NamedTuple):
    """An arrival or a departure; the order of events is the order of these tuples."""

    time: float
    """In days."""
    arrives: bool
    """False sorts first: at equal times, departures come before arrivals."""
    vm: int
    """Index in the trace: the order of the file."""


class Columns(NamedTuple):
    """A trace as `Pool.run` takes it: machines by rows, and events in their order."""

    tenant: list[str]
    """Of each machine, as the next two."""
    cores: NDArray[np.float64]
    ram_gb: NDArray[np.float64]
    vm: NDArray[np.int64]
    """Of each event, as the next two: the row of its machine, which stands here first when it arrives."""
    arrives: NDArray[np.bool_]
    time: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trace:
    """Virtual machines in the order of their file.

    Attributes
    ----------
    name : str
    source : str
        The file it came from, or how it was made.
    vms : tuple of Vm

    Examples
    --------
    >>> trace = Trace("two", "by hand", (Vm("a", "t", 1, 2, 0.0, 1.0), Vm("b", "t", 1, 2, 1.0, float("inf"))))
    >>> [("arrives" if event.arrives else "departs", event.vm) for event in trace.events()]
    [('arrives', 0), ('departs', 0), ('arrives', 1)]
    """

    name: str
    source: str
    vms: tuple[Vm, ...]
    _columns: Columns | None = field(default=None, init=False, repr=False, compare=False)

    def events(self) -> list[Event]:
        """Give all arrivals and departures by time; departures before arrivals, then the order of the file."""
        columns = self.columns
        return list(map(Event, columns.time.tolist(), columns.arrives.tolist(), columns.vm.tolist()))

    @property
    def columns(self) -> Columns:
        """The same in columns, made once."""
        if self._columns is None:
            object.__setattr__(self, "_columns", self._make_columns())
        return cast(Columns, self._columns)

    def _make_columns(self) -> Columns:
        start, end, cores, ram_gb = (
            np.array([getattr(vm, name) for vm in self.vms], np.float64) for name in ("start", "end", "cores", "ram_gb")
        )
        leaving = np.flatnonzero(np.isfinite(end))
        time = np.concatenate([start, end[leaving]])
        vm = np.concatenate([np.arange(len(self.vms)), leaving])
        arrives = np.arange(len(time)) < len(self.vms)
        order = np.lexsort((vm, arrives, time))
        return Columns([vm.tenant for vm in self.vms], cores, ram_gb, vm[order], arrives[order], time[order])

    @property
    def window(self) -> tuple[float, float]:
        """The days of means: from the first arrival, or day 0 if that lies between, to the last arrival."""
        starts = [vm.start for vm in self.vms] or [0.0]
        first, last = min(starts), max(starts)
        return (0.0 if first < 0 < last else first), last


def find(data: str | os.PathLike[str] | None = None) -> Path:
    """Find the file of the Azure packing sample.

    Parameters
    ----------
    data : path, optional
        The file, its folder, or the folder above. Default ``$APPORTION_DATA``, else ``../shared/data``.

    Returns
    -------
    Path

    Raises
    ------
    RequestError
        When it is not there.
    """
    root = Path(data or os.environ.get("APPORTION_DATA") or Path("..", "shared", "data"))
    for path in (root / "azure" / FILE_NAME, root / FILE_NAME, root):
        if path.is_file():
            return path
    raise RequestError(
        f"no {FILE_NAME} in {root} or {root / 'azure'}: "
        "give the folder with --data or $APPORTION_DATA, or make a trace up with --synthetic 5000"
    )


def read(path: str | os.PathLike[str]) -> Trace:
    """Read a trace in the form of the Azure packing sample.

    Parameters
    ----------
    path : path
        CSV, compressed if it ends in ``.gz``.

    Returns
    -------
    Trace

    Raises
    ------
    RequestError
        Naming the line that cannot be read.
    OSError
        When the file cannot be opened.
    """
    path = Path(path)
    with _open(path, "r") as file:
        try:
            vms = tuple(_vms(file, path.name))
        except (gzip.BadGzipFile, EOFError, UnicodeDecodeError) as error:
            raise RequestError(f"{path.name} cannot be read: {error}") from error
    if not vms:
        raise RequestError(f"{path.name} holds no virtual machines")
    return Trace("azure-packing", path.name, vms)


def _open(path: Path, mode: Literal["r", "w"]) -> TextIO:
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, f"{mode}t", encoding="utf-8", newline=""))
    return path.open(mode, encoding="utf-8", newline="")


def _vms(file: TextIO, name: str) -> Iterator[Vm]:
    reader = csv.reader(file)
    header = next(reader, [])
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise RequestError(f"{name}, line 1: no column {', '.join(missing)}; expected {','.join(_COLUMNS)}")
    pick = itemgetter(*map(header.index, _COLUMNS))
    for row in reader:
        if not row:
            continue
        try:
            if len(row) < len(header):
                raise ValueError(f"{len(row)} of {len(header)} columns")
            yield _vm(*pick(row))
        except ValueError as error:
            raise RequestError(f"{name}, line {reader.line_num}: {error}") from error


def _vm(id: str, tenant: str, cores_text: str, ram_text: str, _: str, start_text: str, end_text: str) -> Vm:
    cores, ram, start, end = float(cores_text), float(ram_text), float(start_text), float(end_text)
    if not (0 <= cores < math.inf and 0 <= ram < math.inf):
        raise ValueError(f"cores {cores:g} and ram {ram:g} must be 0 or more")
    if not (math.isfinite(start) and end > start):
        raise ValueError(f"the end {end:g} must be after the start {start:g}")
    return Vm(id, tenant, cores / _CORE_PARTS, ram, start, end)


def synthetic(vms: int, seed: int = 0) -> Trace:
    """Make a trace up: the form, and roughly the mixture, of the Azure packing sample; no line of it.

    Parameters
    ----------
    vms : int
        How many, 1 or more.
    seed : int, default 0
        Equal seeds give equal traces on every machine.

    Returns
    -------
    Trace
        An eighth is there before day 0, a twelfth outlives the trace, times lie on a grid of five minutes.

    Examples
    --------
    >>> synthetic(3, seed=7) == synthetic(3, seed=7)
    True
    """
    if vms < 1:
        raise RequestError(f"a trace of {vms} machines; give 1 or more")
    source = random.Random(seed)
    made = sorted((_made_up(i, vms, source) for i in range(vms)), key=lambda vm: vm.start)
    return Trace("synthetic", f"{vms} machines, seed {seed}", tuple(made))


def _made_up(number: int, vms: int, source: random.Random) -> Vm:
    bins = int(source.random() * _DAYS * _BINS_PER_DAY)
    early = source.random() < 1 / 8
    start = -1 - bins if early else bins
    lifetime = 1 + int(math.exp(source.random() * 8))
    end = math.inf if source.random() < 1 / 12 else (max(start, 0) + lifetime) / _BINS_PER_DAY
    cores, ram_gb = _pick(source)
    tenant = int(source.random() ** 2 * vms * 0.4)
    return Vm(f"vm{number}", f"tenant{tenant}", cores, ram_gb, start / _BINS_PER_DAY, end)


def _pick(source: random.Random) -> tuple[float, float]:
    sizes = _SIZES + _LARGE_SIZES
    at = source.random() * sum(weight for _, _, weight in sizes)
    for cores, ram_gb, weight in sizes:
        at -= weight
        if at < 0:
            return cores, ram_gb
    return sizes[-1][:2]


def write(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write a trace as `read` reads it.

    Parameters
    ----------
    trace : Trace
    path : path
        Compressed if it ends in ``.gz``.
    """
    with _open(Path(path), "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for vm in trace.vms:
            parts = round(vm.cores * _CORE_PARTS, 9)
            writer.writerow((vm.id, vm.tenant, parts, vm.ram_gb, 0, vm.start, vm.end))
