"""What this machine reaches: figures, each beside a yardstick that was measured in the same run.

A figure alone says as much about the machine as about the program. The ratio to the yardstick, which is the least that
any program of this kind would have to pay, travels better. The rows are explained in docs/areas/bench.md.
"""

from __future__ import annotations

import random
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, Final

from . import _core
from ._answers import Grant
from ._errors import RequestError
from .pool import Pool, load

__all__ = ["ALLOCATOR", "Row", "measure", "names"]

ALLOCATOR: Final = "allocator"
STATE: Final = "state"
SUITES: Final = (ALLOCATOR, STATE)

_SINGLE, _COLUMNS = "pairs.python.single", "pairs.python.columns"
_STATE_ROWS: Final = ("snapshot", "restore", "load_document")
_CORE_ROW = "pairs.hot16.closest_capacity"
_SEED = 1
_ROUNDS = 5
_SAMPLE = 20_000  # live claims that Python holds as grants
_SHAPES = 16
_BATCH = 256  # requests of one call by columns
_BATCHES = 4  # answers that are live, of which a random one is released
_DOCUMENT_INSTANCES = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """A figure.

    Attributes
    ----------
    name : str
    value : float
    unit : str
        Rates (``pairs/s``): more is better. Times (``us``, ``ns``) and ``bytes``: less is better.
    yardstick : float
        In the same unit.
    ratio : float
        value / yardstick.
    against : str
        What the yardstick is.
    note : str
        Under which circumstances: the share of machines that fit, how many requests were denied.
    """

    name: str
    value: float
    unit: str
    yardstick: float
    ratio: float
    against: str
    note: str


Tell = Callable[[Row], object]


def names(suite: str = ALLOCATOR, rows: str = "", instances: int = 100_000) -> list[str]:
    """Give the names of a suite's rows that contain `rows`, in order.

    Examples
    --------
    >>> names("state")
    ['snapshot', 'restore', 'load_document']
    >>> names(rows="python")
    ['pairs.python.single', 'pairs.python.columns']
    """
    if suite not in SUITES:
        raise RequestError(f"there is no suite {suite!r}; there are {', '.join(SUITES)}")
    known = [*_core.bench_allocator_rows(instances), _SINGLE, _COLUMNS] if suite == ALLOCATOR else _STATE_ROWS
    return [name for name in known if rows in name]


def measure(
    suite: str = ALLOCATOR, *, rows: str = "", seconds: float = 1.0, instances: int = 100_000, tell: Tell | None = None
) -> list[Row]:
    """Measure the rows of a suite whose names contain `rows`.

    Parameters
    ----------
    suite : str, default "allocator"
        ``"allocator"``: allocation, forks, replay, memory. ``"state"``: snapshots and documents.
    rows : str, optional
        Part of a name; default all.
    seconds : float, default 1
        About how long each row takes, preparation aside.
    instances : int, default 100,000
        Machines, at least 100. The scale rows have a hundredth, a tenth, as many and ten times as many.
    tell : callable, optional
        Called with each row when it is measured.

    Returns
    -------
    list of Row

    Raises
    ------
    RequestError
        When no row has such a name, or the numbers make no sense.
    """
    wanted = names(suite, rows, instances)
    if not wanted:
        raise RequestError(f"no row is called like {rows!r}; there are {', '.join(names(suite, '', instances))}")
    if suite == STATE:
        return list(_told(_state(wanted, seconds), tell))
    core = _core_rows(rows, seconds, instances, tell)
    return [*core, *_told(_python_rows(wanted, core, seconds, instances), tell)]


def _told(rows: Iterator[Row], tell: Tell | None) -> Iterator[Row]:
    for row in rows:
        if tell is not None:
            tell(row)
        yield row


def _row(name: str, value: float, unit: str, yardstick: float, against: str, note: str) -> Row:
    return Row(name, value, unit, yardstick, value / yardstick, against, note)


def _seconds_per_call(work: Callable[[], object], budget_s: float) -> float:
    """Give the median of some rounds that take `budget_s` together, in computed seconds; each calls at least once."""
    rounds = []
    for _ in range(_ROUNDS):
        calls, end, start = 0, time.perf_counter() + budget_s / _ROUNDS, time.process_time()
        while True:
            work()
            calls += 1
            if time.perf_counter() >= end:
                break
        rounds.append((time.process_time() - start) / calls)
    return median(rounds)


# --- the allocator: the core's rows, and what crossing the border to Python adds


def _core_rows(rows: str, seconds: float, instances: int, tell: Tell | None) -> list[Row]:
    on_row = None if tell is None else lambda data: tell(Row(**data))
    return [Row(**data) for data in _core.bench_allocator(rows, seconds, instances, on_row)]


def _python_rows(wanted: list[str], core: list[Row], seconds: float, instances: int) -> Iterator[Row]:
    if _SINGLE not in wanted and _COLUMNS not in wanted:
        return
    border = _Border(instances)
    if _SINGLE in wanted:
        yield border.single(seconds)
    if _COLUMNS in wanted:
        known = [row for row in core if row.name == _CORE_ROW] or _core_rows(_CORE_ROW, seconds, instances, None)
        yield border.columns(seconds, known[0].value)


class _Border:
    """Pairs through the surface, on a pool that the core has filled."""

    def __init__(self, instances: int) -> None:
        core, shapes, live = _core.bench_fleet(instances, _SHAPES, _SEED)
        self._shapes: Sequence[Mapping[str, Any]] = shapes
        self._pool = Pool._wrap(core)
        self._random = random.Random(_SEED)
        keys = self._random.sample(live, min(_SAMPLE, len(live)))
        self._held: list[Grant] = [self._pool._grant(key) for key in keys]
        self._consumers = [f"c{number}" for number in range(1000)]
        self._denied = 0

    def _pair(self) -> None:
        """Allocate one, release a random live one; never the one just granted."""
        shape, at = self._random.choice(self._shapes), self._random.randrange(len(self._held))
        grant = self._pool.allocate("machine", consumer=self._random.choice(self._consumers), **shape)
        if not grant:
            self._denied += 1
            return
        self._pool.release(self._held[at])
        self._held[at] = grant

    def _nothing(self) -> None:
        """Do what a pair does, with two calls that do nothing."""
        shape, at = self._random.choice(self._shapes), self._random.randrange(len(self._held))
        _core.bench_nothing("machine", consumer=self._random.choice(self._consumers), **shape)
        _core.bench_nothing(self._held[at])

    def single(self, seconds: float) -> Row:
        for _ in range(4 * len(self._shapes)):  # what is admitted by use is then there
            self._pair()
        self._denied = 0
        pair = _seconds_per_call(self._pair, seconds)
        empty = _seconds_per_call(self._nothing, seconds / 4)
        note = f"a sample of {len(self._held)} claims; {self._denied} denied"
        return _row(_SINGLE, 1 / pair, "pairs/s", 1 / empty, "empty bound calls with the same arguments", note)

    def _columns(self) -> dict[str, list[Any]]:
        chosen = self._random.choices(self._shapes, k=_BATCH)
        columns: dict[str, list[Any]] = {name: [shape[name] for shape in chosen] for name in chosen[0]}
        columns["consumer"] = self._random.choices(self._consumers, k=_BATCH)
        return columns

    def columns(self, seconds: float, core_rate: float) -> Row:
        requests = [self._columns() for _ in range(_BATCHES)]
        answers = [self._pool.allocate_many(each, type="machine") for each in requests]
        granted = 0

        def batch() -> None:
            nonlocal granted
            at = self._random.randrange(_BATCHES)
            fresh = self._pool.allocate_many(self._random.choice(requests), type="machine")
            granted += self._pool.release_many(answers[at])
            answers[at] = fresh

        start = time.process_time()
        per_batch = _seconds_per_call(batch, seconds)
        rate = granted / (time.process_time() - start)
        note = f"{_BATCH} requests a call, {1e6 * per_batch:,.0f} us each; releases a batch at a time"
        return _row(_COLUMNS, rate, "pairs/s", core_rate, f"{_CORE_ROW}, in C++", note)


# --- the state: snapshots and documents


def _document() -> str:
    """Write a document with a type and 1,000 instances."""
    instances = (
        f'[[instances]]\nid = "d{n}"\ntype = "disk"\nlocation = "zone-{n % 5}"\ncapacity = {{ gb = {50 + n % 50} }}\n'
        for n in range(_DOCUMENT_INSTANCES)
    )
    return '[types.disk]\ndimensions.gb = { unit = "GB", step = 0.001 }\n' + "".join(instances)


def _state(wanted: list[str], seconds: float) -> Iterator[Row]:
    text = _document()
    core, _, live = _core.bench_fleet(_DOCUMENT_INSTANCES, _SHAPES, _SEED)
    pool = Pool._wrap(core)
    data = pool.snapshot()
    copy, parse = partial(bytearray, data), partial(tomllib.loads, text)
    megabytes, note = len(data) / 1e6, f"{_DOCUMENT_INSTANCES} instances, {len(live)} claims"
    works: dict[str, tuple[Callable[[], object], Callable[[], object], float, str, str]] = {
        "snapshot": (pool.snapshot, copy, megabytes, "MB/s", "copying its bytes"),
        "restore": (partial(Pool.restore, data), copy, megabytes, "MB/s", "copying its bytes"),
        "load_document": (partial(load, text.encode()), parse, _DOCUMENT_INSTANCES, "instances/s", "parsing its TOML"),
    }
    for name in wanted:
        work, least, amount, unit, against = works[name]
        rate, yardstick = (amount / _seconds_per_call(each, seconds / 2) for each in (work, least))
        yield _row(name, rate, unit, yardstick, against, note)
