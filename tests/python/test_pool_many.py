"""Requests and releases in bulk: every form of a table gives the same answers, read as they lie where that is exact."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import apportion as ap

DOCUMENT: dict[str, Any] = {
    "types": {
        "disk": {"dimensions": {"gb": {"step": 0.1}, "iops": {}}, "policy": "first"},
        "seat": {"dimensions": {"users": {}}},
    }
}
ROWS: dict[str, list[Any]] = {
    "consumer": ["ada", "bob", "zoë", "ada"],
    "gb": [4.5, 0.3, 100.0, 1.0],
    "iops": [10, 0, 5, 7],
}
ANSWERS = {
    "granted": [True, True, False, True],
    "instance": ["d1", "d1", None, "d1"],
    "slot": [0, 1, None, 2],
    "generation": [0, 0, None, 0],
    "denial": ["", "", "never", ""],
}


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load(DOCUMENT, clock=1000)
    pool.add("d1", type="disk", capacity={"gb": 10, "iops": 100}, location="here")
    pool.add("d2", type="disk", capacity={"gb": 10, "iops": 100}, location="there")
    pool.add("s1", type="seat", capacity={"users": 5})
    return pool


def every_second(values: list[Any]) -> Any:
    return np.repeat(np.array(values), 2)[::2]


FORMS: dict[str, Any] = {
    "lists": ROWS,
    "tuples": {name: tuple(values) for name, values in ROWS.items()},
    "arrays": {name: np.array(values) for name, values in ROWS.items()},
    "strided arrays": {name: every_second(values) for name, values in ROWS.items()},
    "narrow arrays": {**ROWS, "gb": np.array(ROWS["gb"], "f4"), "iops": np.array(ROWS["iops"], "u2")},
    "unsigned arrays": {**ROWS, "iops": np.array(ROWS["iops"], "u8")},
    "decimals": {**ROWS, "gb": [Decimal("4.5"), Decimal("0.3"), Decimal(100), Decimal(1)]},
    "mixed numbers": {**ROWS, "gb": [Decimal("4.5"), 0.3, 100, np.int16(1)]},
    "pandas": pd.DataFrame(ROWS),
    "polars": pl.DataFrame(ROWS),
    "pyarrow": pa.table(ROWS),
    "structured": np.array(list(zip(*ROWS.values(), strict=True)), [("consumer", "U8"), ("gb", "f8"), ("iops", "i4")]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_requests_gets_the_same_answers(pool: ap.Pool, form: str) -> None:
    answers = pool.allocate_many(FORMS[form], type="disk")
    assert answers.to_dict() == ANSWERS
    assert answers.revision == pool.revision
    # 4.5 + 0.3 + 1, exactly
    assert pool.instance("d1")["used"] == {"gb": 5.8, "iops": 17}


SELECTIONS: dict[str, Any] = {
    "table": lambda answers: answers,
    "dict": lambda answers: answers.to_dict(),
    "pandas": lambda answers: pa.table(answers).to_pandas(),
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "only keys": lambda answers: {name: answers[name][[0, 1, 3]] for name in ("slot", "generation")},
}


@pytest.mark.parametrize("form", SELECTIONS)
def test_every_form_of_answers_is_released(pool: ap.Pool, form: str) -> None:
    before = pool.instance("d1")["used"]
    answers = pool.allocate_many({**ROWS, "count": [2, 1, 1, 1]}, type="disk")
    assert len(pool.claims) == 4
    changes = len(pool.journal)
    assert pool.release_many(SELECTIONS[form](answers)) == 3
    assert (len(pool.claims), len(pool.journal)) == (0, changes + 1)
    assert pool.instance("d1")["used"] == before


def test_some_rows_are_released(pool: ap.Pool) -> None:
    frame = pl.DataFrame(pool.allocate_many(ROWS, type="disk"))
    assert pool.release_many(frame.filter(pl.col("slot") == 1)) == 1
    assert pool.claims["consumer"] == ["ada", "ada"]
    assert pool.release_many(frame.filter(~pl.col("granted"))) == 0
    with pytest.raises(ap.StaleHandle, match=r"claim 1\.0 is gone"):
        pool.release_many(frame)
    assert len(pool.claims) == 2


def test_one_row_is_released(pool: ap.Pool) -> None:
    rows = list(pool.allocate_many(ROWS, type="disk"))
    grant = pool.grant(rows[1])
    assert (grant.consumer, grant.instance) == ("bob", "d1")
    assert pool.grant("c0.1.0") == grant
    pool.release(grant)
    with pytest.raises(ap.StaleHandle):
        pool.grant(rows[1])


@pytest.mark.parametrize(
    "claim", ["c0.1", "0.1.0", "c0.1.0 ", "c0.-1.0", "c0.99999999999.0", "", 5, None, {}, {"slot": None}]
)
def test_a_claim_that_is_none(pool: ap.Pool, claim: Any) -> None:
    with pytest.raises(ap.RequestError, match="expected the id of a claim"):
        pool.grant(claim)


def test_a_claim_of_another_journal(pool: ap.Pool) -> None:
    pool.allocate("disk", gb=1, consumer="a")
    with pytest.raises(
        ap.UnknownName, match=r"claim 'c1\.0\.0' is of another journal: those of this pool begin with 'c0\.'"
    ):
        pool.grant("c1.0.0")


def test_what_all_rows_share_is_said_once(pool: ap.Pool) -> None:
    one = {"consumer": ["a"], "gb": [1]}
    assert pool.allocate_many(one, type="disk", policy="last")["instance"] == ["d2"]
    assert pool.allocate_many(one, type="disk", where="self.location == 'there'")["instance"] == ["d2"]
    # Instead of a column.
    assert pool.allocate_many({**one, "policy": ["first"]}, type="disk", policy="last")["instance"] == ["d2"]
    assert pool.allocate_many({**one, "policy": [None], "where": [""]}, type="disk")["instance"] == ["d1"]
    with pytest.raises(ap.UnknownName, match=r"^requests\[0\]\.policy: there is no policy 'lst'"):
        pool.allocate_many(one, type="disk", policy="lst")
    with pytest.raises(ap.RequestError, match=r"^type: expected text, found 5"):
        pool.allocate_many(one, type=5)  # type: ignore[arg-type]


def test_no_rows(pool: ap.Pool) -> None:
    answers = pool.allocate_many({"consumer": [], "gb": np.array([])}, type="disk")
    assert (len(answers), answers.columns) == (0, list(ANSWERS))
    assert pool.release_many(answers) == 0


RELEASES: list[tuple[Any, str]] = [
    ({"slot": [0]}, "rows of answers have a column 'generation'; the columns are slot"),
    ({"slot": [0.5], "generation": [0]}, "slot: expected whole numbers"),
    ({"slot": [-1], "generation": [0]}, "slot: expected whole numbers"),
    ({"slot": [2**32], "generation": [0]}, "slot: expected whole numbers"),
    ({"slot": ["x"], "generation": [0]}, "slot: expected whole numbers"),
    ({"slot": [0], "generation": [None]}, "generation: expected whole numbers"),
    ({"slot": [0], "generation": [0], "granted": ["no"]}, "granted: expected booleans"),
    (5, "is no table"),
]


@pytest.mark.parametrize(("answers", "message"), RELEASES)
def test_answers_that_are_none(pool: ap.Pool, answers: Any, message: str) -> None:
    pool.allocate("disk", gb=1, consumer="a")
    with pytest.raises(ap.RequestError, match=message):
        pool.release_many(answers)
    assert len(pool.claims) == 1


AMOUNTS: list[tuple[Any, str]] = [
    ([1, "x"], "requests[1].gb: a value of type str is not a number"),
    ([1, None], "requests[1].gb: a value of type NoneType is not a number"),
    ([1, True], "requests[1].gb: a value of type bool is not a number"),
    (np.array([True, False]), "requests[0].gb: a value of type bool"),
    (np.array([1, 2], "M8[s]"), "requests[0].gb: a value of type datetime64 is not a number"),
    ([1.0, float("inf")], "requests[1].gb: infinity is not a quantity"),
    (np.array([1.0, -0.5]), "requests[1].amounts.gb: -0.5 is negative"),
    ([1, 2**70], "requests[1].amounts.gb: 1.180591620717411303424e+21 in steps of 0.1"),
    (np.array([1, 2**62]), "requests[1].amounts.gb: 4611686018427387904 in steps of 0.1"),
]


@pytest.mark.parametrize(("amounts", "message"), AMOUNTS)
def test_amounts_name_the_row(pool: ap.Pool, amounts: Any, message: str) -> None:
    before, revision = pool.hash, pool.revision
    with pytest.raises(ap.RequestError) as caught:
        pool.allocate_many({"consumer": ["a", "b"], "gb": amounts}, type="disk")
    assert message in str(caught.value)
    assert (pool.hash, pool.revision) == (before, revision)


def test_a_list_of_claims_that_holds_itself(pool: ap.Pool) -> None:
    grant = pool.allocate("disk", gb=1, consumer="a")
    endless: list[Any] = [grant]
    endless.append(endless)
    with pytest.raises(RecursionError):
        pool.release(endless)
    assert len(pool.claims) == 1
    pool.release(iter([[grant]]))
    assert len(pool.claims) == 0


def test_columns_from_many_threads() -> None:
    threads, rows = 8, 500
    pool = ap.load(DOCUMENT)
    pool.add_many({"id": ["d1", "d2"], "capacity.gb": [threads * rows] * 2}, type="disk")
    start = threading.Barrier(threads)
    labels: list[bool] = []

    def churn(number: int) -> int:
        start.wait()
        held = 0
        for _ in range(3):
            columns = {"consumer": [f"c{number}"] * rows, "gb": np.ones(rows), "policy": ["balance"] * rows}
            answers = pool.allocate_many(columns, type="disk")
            table = pool.claims
            # The label is that of the rows, whatever the other threads wrote since.
            labels.append(len(table) == len(pool.at(table.revision).claims))
            held += len(answers)
            pool.release_many(answers) if number % 2 else None
        return held

    with ThreadPoolExecutor(threads) as executor:
        assert sum(executor.map(churn, range(threads))) == threads * rows * 3
    assert all(labels)
    assert len(pool.claims) <= threads // 2 * rows * 3
    assert pool.instances["used.gb"].sum() == len(pool.claims)  # type: ignore[union-attr]
    assert set(pool.consumers["id"]) == {f"c{n}" for n in range(0, threads, 2)}


def test_threads_answer_alike() -> None:
    sizes = np.random.default_rng(4).integers(1, 60, 9000)
    answers = []
    for threads in (1, 2, 5):
        pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}, "policy": "least_utilised"}}}, clock=1000)
        pool.add_many({"id": [f"d{n}" for n in range(9000)], "capacity.gb": sizes}, type="disk")
        requests = {"consumer": [f"c{n}" for n in range(40)], "gb": list(range(1, 41))}
        order = [row for row in range(40) for _ in range(2)]
        answers.append(
            (
                pool.allocate_many(requests, type="disk", threads=threads).to_dict(),
                pool.run(requests, order, type="disk", threads=threads).to_dict(),
                pool.hash,
            )
        )
        assert (pool.index_stats()["shared_scans"] > 0) == (threads > 1)
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("threads", [0, -3, 257, 2**40])
def test_threads_are_1_to_256(pool: ap.Pool, threads: int) -> None:
    with pytest.raises(ap.RequestError, match=f"give 1 to 256 threads, found {threads}"):
        pool.allocate_many(ROWS, type="disk", threads=threads)
    with pytest.raises(ap.RequestError, match="threads"):
        pool.run(ROWS, [0, 1, 2, 3], type="disk", threads=threads)
