"""What people hear when a request makes no sense: the argument or the row, what was found, what is expected."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import apportion as ap


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {"step": 0.001}}}}}, clock=1000)
    pool.add("d1", type="disk", capacity={"gb": 10})
    return pool


@pytest.mark.parametrize("amount", [0.3, Decimal("0.3"), Decimal("3e-1"), np.float32(0.3), np.float64(0.3)])
def test_amounts_are_exact(pool: ap.Pool, amount: Any) -> None:
    grant = pool.allocate("disk", gb=amount, consumer="a")
    assert isinstance(grant, ap.Grant)
    assert grant.claims[0].amounts["gb"] == pool.instance("d1")["used"]["gb"] == 0.3


def test_amounts_round_up_to_steps(pool: ap.Pool) -> None:
    grant = pool.allocate("disk", consumer="a", amounts={"gb": Decimal("0.0001")})
    assert isinstance(grant, ap.Grant)
    assert grant.claims[0].amounts["gb"] == 0.001


MISTAKES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"count": 0}, ap.RequestError, "count: count is 0, expected 1 to 100000"),
    ({"count": -1}, ap.RequestError, "count: expected a whole number, found -1"),
    ({"count": 2.5}, ap.RequestError, "count: expected a whole number, found 2.5"),
    ({"key": 5}, ap.RequestError, "key: expected text, found 5"),
    ({"where": None}, ap.RequestError, "where: expected text, found None"),
    ({"where": "1 +"}, ap.RequestError, "where: line 1, column 4: found the end of the text, expected a value"),
    ({"where": "gb > 1"}, ap.RequestError, "where: line 1, column 1: found the unknown name 'gb'"),
    ({"where": "used.gb"}, ap.RequestError, "expected a boolean"),
    ({"consumer": ""}, ap.RequestError, "consumer: a consumer's id has 1 to 200 bytes"),
    ({"consumer": "a\n"}, ap.RequestError, "consumer: a consumer's id has 1 to 200 bytes"),
    ({"consumer": 5}, ap.RequestError, "consumer: expected text, found 5"),
    ({"consumer": "\ud800"}, ap.RequestError, "consumer: text with a lone surrogate"),
    ({"policy": 5}, ap.RequestError, "policy: expected text, found 5"),
    ({"policy": "frist"}, ap.UnknownName, "policy: there is no policy 'frist'; did you mean 'first'?"),
    ({"policy": {"scor": "0"}}, ap.RequestError, "policy.scor: unknown key 'scor'; did you mean 'score'?"),
    ({"policy": {"score": "used.gb +"}}, ap.RequestError, "score: line 1, column 10: found the end of the text"),
    ({"policy": {"score": "used"}}, ap.RequestError, "found a vector"),
    ({"gb": "x"}, ap.RequestError, "amounts.gb: a value of type str is not a number"),
    ({"gb": True}, ap.RequestError, "amounts.gb: a value of type bool is not a number"),
    ({"gb": float("nan")}, ap.RequestError, "amounts.gb: NaN is not a quantity"),
    ({"gb": -1}, ap.RequestError, "amounts.gb: -1 is negative"),
    ({"gb": 1e300}, ap.RequestError, "is more than 2^53 - 1 steps"),
    ({"gbb": 1}, ap.UnknownName, "amounts: type 'disk' has no dimension 'gbb'; did you mean 'gb'?"),
    ({"amounts": 5}, ap.RequestError, "amounts: expected a mapping of dimensions to numbers, found 5"),
    ({"ends": 0}, ap.RequestError, "ends: a claim must end after now"),
    ({"starts": 10, "ends": 5}, ap.RequestError, "ends: a claim must end after now and after it starts"),
    ({"ends": "noon"}, ap.RequestError, "ends: expected a datetime, a timedelta or seconds from now, got 'noon'"),
    ({"ends": float("inf")}, ap.RequestError, "ends: expected a datetime"),
    ({"ends": datetime(2030, 1, 1)}, ap.RequestError, "ends: a datetime needs a time zone"),
]


@pytest.mark.parametrize(("mistake", "error", "message"), MISTAKES)
def test_mistakes_are_named(pool: ap.Pool, mistake: dict[str, Any], error: type[Exception], message: str) -> None:
    before, revision = pool.hash, pool.revision
    with pytest.raises(error) as caught:
        pool.allocate("disk", **{"consumer": "a", **mistake})
    assert isinstance(caught.value, ap.ApportionError)
    assert message in str(caught.value)
    assert "\n    1. " not in str(caught.value), "no signature of the extension"
    assert (pool.hash, pool.revision) == (before, revision)


def test_a_request_needs_a_type_or_a_filter(pool: ap.Pool) -> None:
    with pytest.raises(ap.RequestError, match="type: name a type, or say by `where` which instances may serve"):
        pool.allocate(gb=1, consumer="a")
    with pytest.raises(ap.UnknownName, match="type: there is no type 'dsk'; did you mean 'disk'"):
        pool.allocate("dsk", gb=1, consumer="a")


@pytest.mark.parametrize(
    ("expires", "message"), [(None, "a mark needs a time"), (-5, "must expire after now"), ("x", "got 'x'")]
)
def test_marks_need_an_end(pool: ap.Pool, expires: Any, message: str) -> None:
    with pytest.raises(ap.RequestError, match=f"expires: .*{message}"):
        pool.mark("disk", gb=1, consumer="a", expires=expires)


GROUPS: list[tuple[list[Any], str]] = [
    ([], "requests: there is no request to decide"),
    ([5], "expected apportion.Request, found 5"),
    ([ap.Request("disk", consumer="a", key="k")], "requests[0].key: requests of one call take no keys"),
    ([ap.Request("disk", consumer="a"), ap.Request("disk", consumer="a", count=0)], "requests[1].count: count is 0"),
]


@pytest.mark.parametrize(("group", "message"), GROUPS)
def test_requests_that_are_decided_together(pool: ap.Pool, group: list[Any], message: str) -> None:
    with pytest.raises(ap.RequestError) as caught:
        pool.allocate_all(group)
    assert message in str(caught.value)
    assert len(pool.claims) == 0


COLUMNS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"consumer": ["a", None]}, ap.RequestError, "requests[1].consumer: a consumer's id"),
    ({"consumer": ["a", 5]}, ap.RequestError, "requests[1].consumer: expected text, found 5"),
    ({"gb": [1]}, ap.RequestError, "requests[0].consumer: a consumer's id"),
    ({"consumer": ["a"], "count": [1.5]}, ap.RequestError, "requests[0].count: expected a whole number, found 1.5"),
    ({"consumer": ["a"], "where": ["1 +"]}, ap.RequestError, "requests[0].where: line 1, column 4"),
    ({"consumer": ["a"], "gbb": [1]}, ap.UnknownName, "requests[0].amounts: type 'disk' has no dimension 'gbb'"),
    ({"consumer": ["a"], "gb": [1, 2]}, ap.RequestError, "columns of unequal length"),
]


@pytest.mark.parametrize(("columns", "error", "message"), COLUMNS)
def test_columns_name_the_row(pool: ap.Pool, columns: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        pool.allocate_many(columns, type="disk")
    assert message in str(caught.value)
    assert len(pool.claims) == 0


@pytest.mark.parametrize("when", ["x", "0.0.x", "", -1, 1.5, None, True, 2**64])
def test_a_revision_that_is_none(pool: ap.Pool, when: Any) -> None:
    with pytest.raises(ap.RequestError, match="revision: expected a number"):
        pool.at(when)


def test_a_snapshot_that_is_none() -> None:
    with pytest.raises(ap.RequestError, match="a snapshot is bytes, not str"):
        ap.Pool.restore("x")  # type: ignore[arg-type]


def test_rankings_may_be_short_and_scores_infinite(pool: ap.Pool) -> None:
    assert repr(pool.explain("disk", gb=1, consumer="a", limit=0)) == "Explanation(a: granted, 1 candidates)"
    endless = pool.explain("disk", gb=1, consumer="a", policy={"score": "1e308 * 10"})
    assert endless.ranking[0]["score"] == "infinity"
    assert "infinity" in str(endless) and "infinity" in endless._repr_html_()
    with pytest.raises(ap.RequestError, match="limit is -1"):
        pool.explain("disk", gb=1, consumer="a", limit=-1)


def test_no_value_puts_a_candidate_out(pool: ap.Pool) -> None:
    denial = pool.allocate("disk", gb=1, consumer="a", policy={"score": "usage.gb"})
    assert isinstance(denial, ap.Denial)
    assert denial.stages[-1] == {"name": "score", "detail": "usage.gb", "before": 1, "after": 0}
    assert {"what": "score", "need": "usage.gb", "have": "no value"} in denial.closest[0]["lacks"]
    pool.change("d1", usage={"gb": 1})
    assert pool.allocate("disk", gb=1, consumer="a", policy={"score": "usage.gb"})


def test_a_dimension_without_unit_reads_well(pool: ap.Pool) -> None:
    denial = pool.allocate("disk", gb=40, consumer="a")
    assert isinstance(denial, ap.Denial)
    assert "  " not in denial.message and " ;" not in denial.message and " ," not in denial.message
