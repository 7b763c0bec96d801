"""What people hear when a request makes no sense: the argument or the row, what was found, what is expected."""

import inspect
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import apportion as ap
from apportion import metadata


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
    ({"count": -1}, ap.RequestError, "count: expected a whole number from 1, found -1"),
    ({"count": 2.5}, ap.RequestError, "count: expected a whole number from 1, found 2.5"),
    ({"key": 5}, ap.RequestError, "key: expected text, found 5"),
    ({"where": None}, ap.RequestError, "where: expected text, found None"),
    ({"where": "1 +"}, ap.RequestError, "where: line 1, column 4: found the end of the text, expected a value"),
    ({"where": "gb > 1"}, ap.RequestError, "where: line 1, column 1: found the unknown name 'gb'"),
    ({"where": "location == 'x'"}, ap.RequestError, "expected a path; did you mean 'self.location'?"),
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
    ({"GB": 1}, ap.UnknownName, "type 'disk' has no dimension 'GB'; did you mean 'gb'?"),
    ({"polcy": "first"}, ap.RequestError, "not a number; give an int, a float or a Decimal; did you mean 'policy'?"),
    ({"were": "true"}, ap.RequestError, "did you mean 'where'?"),
    ({"cout": 2}, ap.UnknownName, "type 'disk' has no dimension 'cout'; did you mean 'count'?"),
    ({"expires": 5}, ap.UnknownName, "no dimension 'expires'; a mark expires, a claim has 'ends'"),
    ({"policy": "best"}, ap.UnknownName, "policy: there is no policy 'best'; there are least_utilised, most_"),
    ({"amounts": {"gb": 10}, "gb": 5}, ap.RequestError, "gb is given twice: 10 in amounts, and gb=5"),
    ({"amounts": {"count": 10}}, ap.UnknownName, "no dimension 'count'; that is an argument of its own"),
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
    ({"gb": [1]}, ap.RequestError, "requests need a column 'consumer'; the columns are gb"),
    ({"consmer": ["a"], "gb": [1]}, ap.RequestError, "the columns are consmer, gb"),
    ({"consumer": ["a"], "polcy": ["first"]}, ap.RequestError, "a float or a Decimal; did you mean 'policy'?"),
    ({"consumer": ["a"], "count": [1.5]}, ap.RequestError, "requests[0].count: expected a whole number from 1"),
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


def test_amounts_of_a_resize_stand_once(pool: ap.Pool) -> None:
    grant = pool.allocate("disk", gb=1, consumer="a")
    assert isinstance(grant, ap.Grant)
    with pytest.raises(ap.RequestError, match="gb is given twice: 2 in amounts, and gb=3"):
        pool.resize(grant, {"gb": 2}, gb=3)
    with pytest.raises(ap.UnknownName, match="no dimension 'GB'; did you mean 'gb'"):
        pool.resize(grant, GB=3)
    assert pool.resize(grant, {"gb": 2}).claims[0].amounts["gb"] == 2


def test_an_explanation_needs_no_consumer_and_a_mark_does(pool: ap.Pool) -> None:
    assert pool.explain("disk", gb=1).data["consumer"] == "anyone"
    with pytest.raises(TypeError, match=r"Pool.mark\(\) missing 1 required keyword-only argument: 'consumer'"):
        pool.mark("disk", gb=1, expires=5)  # type: ignore[call-arg]


def test_wrong_arguments_are_those_of_a_pool(pool: ap.Pool) -> None:
    with pytest.raises(TypeError, match=r"^Pool.add\(\) missing 1 required keyword-only argument: 'type'"):
        pool.add("d2")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"^Pool.at\(\)"):
        pool.at()  # type: ignore[call-arg]


def test_no_dimension_has_the_name_of_an_argument() -> None:
    calls = (ap.Pool.allocate, ap.Pool.mark, ap.Pool.explain, ap.Pool.resize, ap.Pool.transfer, ap.Request.__init__)
    taken = {
        name
        for call in calls
        for name, parameter in inspect.signature(call).parameters.items()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    } - {"self"}
    taken |= set(inspect.signature(ap.Pool.allocate_many).parameters) & {"type", "policy", "where"}
    assert {"actor", "limit", "amounts", "expires", "type"} <= taken
    dimensions = metadata.schema()["$defs"]["type"]["properties"]["dimensions"]
    assert taken <= set(dimensions["propertyNames"]["not"]["enum"])
    for name in dimensions["propertyNames"]["not"]["enum"]:
        with pytest.raises(ap.DocumentError, match=f"'{name}' is reserved"):
            ap.load({"types": {"disk": {"dimensions": {name: {}}}}})


@pytest.mark.parametrize("when", ["x", "0.0.x", "", -1, 1.5, None, True, 2**64])
def test_a_revision_that_is_none(pool: ap.Pool, when: Any) -> None:
    with pytest.raises(ap.RequestError, match="revision: expected a number"):
        pool.at(when)


def test_a_snapshot_that_is_none() -> None:
    with pytest.raises(ap.RequestError, match="a snapshot is bytes, not str"):
        ap.Pool.restore("x")  # type: ignore[arg-type]


def test_rankings_may_be_short_and_scores_infinite(pool: ap.Pool) -> None:
    assert repr(pool.explain("disk", gb=1, consumer="a", limit=0)) == "Explanation(a: granted, 1 candidate)"
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
