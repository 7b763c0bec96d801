"""Requests that come and go in one call, against the same calls one by one. Columns as such are in test_pool_many."""

from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import apportion as ap
from apportion._many import PoolMany

DOCUMENT: dict[str, Any] = {
    "types": {"disk": {"dimensions": {"gb": {"step": 0.1}}, "policy": "dice"}},
    "policies": {"dice": {"score": "self.consumers", "ties": "seeded", "seed": 3}},
}
ROWS: dict[str, list[Any]] = {"consumer": ["ada", "bob", "eve"], "gb": [6, 6.5, 3]}


def make_pool(**options: Any) -> ap.Pool:
    pool = ap.load(DOCUMENT, **options)
    pool.add_many({"id": ["d1", "d2", "d3"], "capacity.gb": [10, 8, 4]}, type="disk")
    return pool


def test_it_is_a_part_of_the_pool() -> None:
    assert issubclass(ap.Pool, PoolMany)


FORMS: dict[str, tuple[Any, Any, Any]] = {
    "lists": (ROWS, [0, 0, 1, 2], [1, 2, 2, 3.5]),
    "arrays": (ROWS, np.array([0, 0, 1, 2], "u1"), np.array([1, 2, 2, 3.5])),
    "series": (pd.DataFrame(ROWS), pd.Series([0, 0, 1, 2]), pd.Series(pd.to_datetime([1e9, 2e9, 2e9, 3.5e9]))),
    "times": (ROWS, range(3), np.array([1000, 2000, 3500], "M8[ms]")),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_events(form: str) -> None:
    requests, order, times = FORMS[form]
    pool = make_pool(clock=0)
    answers = pool.run(requests, order, times=times, type="disk", policy="first")
    released = len(order) > 3
    assert list(answers["granted"]) == [True] * 3
    assert answers["instance"] == (["d1", "d1", "d1"] if released else ["d1", "d2", "d1"])
    assert pool.claims["consumer"] == (["bob", "eve"] if released else ["ada", "bob", "eve"])
    assert (pool.now, answers.revision) == (3.5, pool.revision)


def test_a_denied_one_is_not_released() -> None:
    pool = make_pool(clock=0)
    changes = len(pool.journal)
    answers = pool.run({"consumer": ["a"], "gb": [11]}, [0, 0], type="disk")
    assert answers["denial"] == ["never"]
    assert len(pool.journal) == changes + 1  # the denial


def test_no_events() -> None:
    answers = make_pool().run({"consumer": [], "gb": []}, [], type="disk")
    assert (len(answers), answers.columns) == (0, ["granted", "instance", "slot", "generation", "denial"])


def test_whole_grants_go() -> None:
    pool = make_pool()
    pool.run({"consumer": ["a"], "gb": [1], "count": [3]}, [0, 0], type="disk")
    assert len(pool.claims) == 0


MISUSE: list[tuple[Any, Any, str]] = [
    ([0, 1, 3], None, r"^order\[2\]: row 3 of 3 requests"),
    ([0, -1], None, r"^order\[1\]: row -1 of 3 requests"),
    ([0, 0, 0], None, r"^order\[2\]: row 0 stands in the order for the third time"),
    ([0, 1], None, r"^requests\[2\]: the order does not name this row"),
    ([0, 1, 2.5], None, "order: expected row numbers"),
    ([0, 1, None], None, "order: expected row numbers"),
    ([True, False, True], None, "order: expected row numbers"),
    ("012", None, "column 'order' is of type str"),
    (np.array([[0, 1, 2]]), None, "column 'order' has 2 dimensions"),
    ([0, 1, 2], [1, 2], "columns of unequal length: 'order' has 3 rows, 'times' has 2"),
    ([0, 1, 2], [1, 3, 2], r"^times\[2\]: time cannot go back"),
    ([0, 1, 2], [-1, 3, 2], r"^times\[0\]: time cannot go back"),
    ([0, 1, 2], [1, 2, "3"], "times: expected seconds"),
    ([0, 1, 2], [1, 2, float("nan")], "times: expected numbers of seconds"),
    ([0, 1, 2], [1, 2, 1e10], "times: expected numbers of seconds"),
    ([0, 1, 2], np.array([1, 2, "NaT"], "M8[s]"), "times: expected seconds"),
]


@pytest.mark.parametrize(("order", "times", "message"), MISUSE)
def test_misuse_leaves_everything_as_it_was(order: Any, times: Any, message: str) -> None:
    pool = make_pool(clock=0)
    before, revision = pool.hash, pool.revision
    with pytest.raises(ap.RequestError, match=message):
        pool.run(ROWS, order, times=times, type="disk")
    assert (pool.hash, pool.revision, pool.now) == (before, revision, 0)


def test_requests_need_consumers() -> None:
    with pytest.raises(ap.RequestError, match="requests need a column 'consumer'; the columns are gb"):
        make_pool().run({"gb": [1]}, [0], type="disk")


def test_times_are_for_a_clock_of_ones_own() -> None:
    with pytest.raises(ap.RequestError, match=r"^times: this pool follows the machine's clock"):
        make_pool().run(ROWS, [0, 1, 2], times=[0, 0, 0], type="disk")


def test_a_key_is_not_used_after_its_release() -> None:
    requests = {"consumer": ["a", "a"], "gb": [1, 1], "key": ["k", "k"]}
    pool = make_pool()
    with pytest.raises(ap.RequestError, match=r"^order\[2\]: order\[1\] releases what the key 'k' was answered with"):
        pool.run(requests, [0, 0, 1], type="disk")
    assert len(set(pool.run(requests, [0, 1], type="disk")["slot"])) == 1


@dataclass
class Events:
    """Requests, keys of some of them, and what happens when."""

    requests: dict[str, list[Any]]
    order: list[int]
    times: list[float]


@st.composite
def events(draw: st.DrawFn) -> Events:
    rows = draw(st.integers(1, 20))
    requests: dict[str, list[Any]] = {
        "consumer": [draw(st.sampled_from("abc")) for _ in range(rows)],
        "gb": [draw(st.integers(0, 110)) / 10 for _ in range(rows)],
        "count": [draw(st.integers(1, 2)) for _ in range(rows)],
        "key": [f"k{row}" if draw(st.booleans()) else "" for row in range(rows)],
    }
    for row in range(1, rows):  # some are asked again, and that one does not leave
        if requests["key"][row - 1] and draw(st.integers(0, 3)) == 0:
            for values in requests.values():
                values[row] = values[row - 1]
    keys = requests["key"]
    leaving = [row for row in range(rows) if (not keys[row] or keys.count(keys[row]) == 1) and draw(st.booleans())]
    order = draw(st.permutations([*range(rows), *leaving]))
    return Events(requests, order, sorted(draw(st.lists(st.integers(0, 99), min_size=len(order), max_size=len(order)))))


def one_by_one(pool: ap.Pool, made: Events) -> list[str | None]:
    held: dict[int, Any] = {}
    for row, moment in zip(made.order, made.times, strict=True):
        pool.tick(moment)
        if row not in held:
            asked = {name: values[row] for name, values in made.requests.items()}
            held[row] = pool.allocate("disk", **asked)
        elif held[row]:
            pool.release(held[row])
    return [held[row].instance if held[row] else None for row in range(len(held))]


@given(events())
def test_the_same_journal_as_one_by_one(made: Events) -> None:
    pool, twin = make_pool(clock=0), make_pool(clock=0)
    for each in (pool, twin):  # ends on the way
        each.allocate("disk", gb=2, consumer="early", ends=50)
    answers = pool.run(made.requests, made.order, times=made.times, type="disk")
    assert answers["instance"] == one_by_one(twin, made)
    assert list(pool.journal) == list(twin.journal)
    assert (pool.hash, pool.snapshot()) == (twin.hash, twin.snapshot())
