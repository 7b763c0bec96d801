"""What this machine reaches: a few figures, each beside a yardstick that was measured in the same run.

A figure alone says as much about the machine as about the program. The ratio to the yardstick, which is the least that
any program of this kind would have to pay, travels better.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

from .pool import Pool, load

__all__ = ["Row", "measure"]

INSTANCES = 1000
CLAIMS = 10_000
ROWS = 12
"""How many rows `measure` gives."""
_TYPE = '[types.disk]\ndimensions.gb = { unit = "GB", step = 0.001 }\n'
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A figure.

    Attributes
    ----------
    name : str
    value : float
        The median of five rounds.
    unit : str
        Rates: more is better. Times (``us``): less is better.
    yardstick : float
        In the same unit.
    ratio : float
        value / yardstick.
    against : str
        What the yardstick is.
    """

    name: str
    value: float
    unit: str
    yardstick: float
    ratio: float
    against: str


def _seconds_per_call(work: Callable[[], object], budget_s: float) -> float:
    """Give the median of some rounds that take `budget_s` together; every round calls at least once."""
    rounds = []
    for _ in range(_ROUNDS):
        calls, start = 0, time.perf_counter()
        while True:
            work()
            calls += 1
            spent = time.perf_counter() - start
            if spent >= budget_s / _ROUNDS:
                break
        rounds.append(spent / calls)
    return median(rounds)


def _rate(name: str, per_call: float, what: str, amount: float, yardstick: float, against: str) -> Row:
    """Make a row of `amount` things per call; `yardstick` is the seconds it takes for as much."""
    return Row(name, amount / per_call, f"{what}/s", amount / yardstick, yardstick / per_call, against)


def _time(name: str, per_call: float, yardstick: float, against: str) -> Row:
    return Row(name, 1e6 * per_call, "us", 1e6 * yardstick, per_call / yardstick, against)


def _disks() -> str:
    """Write a document with a type and 1,000 instances."""
    instances = (
        f'[[instances]]\nid = "d{n}"\ntype = "disk"\nlocation = "zone-{n % 5}"\ncapacity = {{ gb = {50 + n % 50} }}\n'
        for n in range(INSTANCES)
    )
    return _TYPE + "".join(instances)


def _half_full() -> Pool:
    """1,000 instances, each a third to two thirds full, 10,000 claims."""
    pool = load(_disks().encode(), clock=0.0)
    gb = [1 + n % 5 for n in range(CLAIMS)]
    consumers = [f"c{n % 2000}" for n in range(CLAIMS)]
    pool.allocate_many({"consumer": consumers, "gb": gb, "policy": ["balance"] * CLAIMS}, type="disk")
    return pool


def _pair(pool: Pool, policy: str) -> None:
    grant = pool.allocate("disk", gb=3, consumer="ada", policy=policy)
    grant.raise_for_denial() if not grant else pool.release(grant)


def _two_empty_calls(pool: Pool) -> None:
    pool._core.number()
    pool._core.number()


def _policy_rows(pool: Pool, budget_s: float) -> Iterator[Row]:
    policies = sorted(pool.metadata["policies"])
    empty = _seconds_per_call(partial(_two_empty_calls, pool), budget_s)
    for policy in policies:
        pair = _seconds_per_call(partial(_pair, pool, policy), budget_s)
        yield _rate(f"allocate and release, {policy}", pair, "pairs", 1, empty, "two empty calls")


def _state_rows(pool: Pool, budget_s: float) -> Iterator[Row]:
    empty = _seconds_per_call(pool._core.number, budget_s)
    yield _time("fork", _seconds_per_call(pool.fork, budget_s), empty, "an empty call")

    data = pool.snapshot()
    copy = _seconds_per_call(partial(bytearray, data), budget_s)
    megabytes = len(data) / 1e6
    yield _rate("snapshot", _seconds_per_call(pool.snapshot, budget_s), "MB", megabytes, copy, "copying its bytes")
    restore = _seconds_per_call(partial(Pool.restore, data), budget_s)
    yield _rate("restore", restore, "MB", megabytes, copy, "copying its bytes")


def _replay_row(pool: Pool, budget_s: float) -> Row:
    trial = pool.fork()
    for _ in range(1000):
        _pair(trial, "first")
    changes = len(trial.journal)
    last = trial.journal.change(int(trial.revision.rpartition(".")[2]))["revision"]
    replay = _seconds_per_call(partial(trial.at, last), budget_s)
    empty = _seconds_per_call(pool._core.number, budget_s)
    return _rate("replay", replay, "changes", changes, changes * empty, "an empty call per change")


def _document_row(budget_s: float) -> Row:
    text = _disks()
    parse = _seconds_per_call(partial(tomllib.loads, text), budget_s)
    whole = _seconds_per_call(partial(load, text.encode()), budget_s)
    return _rate("load a document", whole, "instances", INSTANCES, parse, "parsing its TOML")


def measure(seconds: float = 10.0, advance: Callable[[int], object] | None = None) -> list[Row]:
    """Measure what exists: pairs of allocate and release by scan, forks, snapshots, replay, documents.

    Parameters
    ----------
    seconds : float, default 10
        About how long it may take in all, preparation aside.
    advance : callable, optional
        Called with 1 after each row.

    Returns
    -------
    list of Row
    """
    pool = _half_full()
    budget_s = seconds / (ROWS + 5)  # so many measurements: one per row, and the yardsticks
    rows = []
    for row in _all_rows(pool, budget_s):
        rows.append(row)
        if advance is not None:
            advance(1)
    return rows


def _all_rows(pool: Pool, budget_s: float) -> Iterator[Row]:
    yield from _policy_rows(pool, budget_s)
    yield from _state_rows(pool, budget_s)
    yield _replay_row(pool, budget_s)
    yield _document_row(budget_s)
