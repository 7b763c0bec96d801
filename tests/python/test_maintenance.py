"""Windows as Python gives them: single and recurring, of instances and groups; time zones; what makes no sense."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import apportion as ap

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.Pool(clock=START.timestamp())
    pool.apply({"types": {"disk": {"dimensions": {"gb": {}}, "lead_s": 60}}})
    for name in ("d1", "d2"):
        pool.add(name, type="disk", capacity={"gb": 10}, groups=["all"])
    return pool


def test_a_single_window(pool: ap.Pool) -> None:
    assert pool.maintenance.set("once", instance="d1", start=timedelta(hours=1), duration=600) == 1
    rows = pool.maintenance.table.to_dict()
    assert rows["from"] == [START + timedelta(hours=1)]
    assert rows["until"] == [START + timedelta(hours=1, minutes=10)]
    assert (rows["name"], rows["instance"], rows["group"]) == (["once"], ["d1"], [""])
    assert repr(pool.maintenance) == "Maintenance(1 window)"


def test_a_rule_goes_by_the_clock_of_its_zone(pool: ap.Pool) -> None:
    """The clocks go forward on 29 March 2026: two in the morning is an hour earlier after it."""
    first = datetime(2026, 3, 28, 2, tzinfo=ZoneInfo("Europe/Berlin"))
    made = pool.maintenance.set("nightly", group="all", start=first, duration=3600, rule="FREQ=DAILY;COUNT=3")
    assert made == 3
    hours = [begin.hour for begin in pool.maintenance.table.to_dict()["from"]]
    assert hours[0] == 1 and hours[2] == 0


def test_the_horizon_bounds_a_series_without_end(pool: ap.Pool) -> None:
    arguments = {"instance": ["d1", "d2"], "start": START, "duration": 60, "rule": "FREQ=WEEKLY"}
    assert pool.maintenance.set("weekly", **arguments, horizon=timedelta(days=15)) == 6
    assert len(pool.maintenance.table) == 6
    pool.maintenance.remove("weekly")
    pool.maintenance.remove("weekly")
    assert len(pool.maintenance.table) == 0


def test_a_window_that_is_on_when_the_rule_is_said(pool: ap.Pool) -> None:
    begun = START - timedelta(minutes=5)
    pool.maintenance.set("daily", instance="d1", start=begun, duration=timedelta(minutes=10), rule="FREQ=DAILY")
    assert pool.allocate("disk", gb=1, consumer="ada").instance == "d2"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "FREQ=SOMETIMES"}, "is no recurrence rule"),
        ({"rule": "every day"}, "is no recurrence rule"),
        ({"instance": ()}, "names an instance or a group"),
        ({"start": datetime(2026, 3, 1)}, "needs a time zone"),
        ({"duration": -1}, "duration: a window lasts longer than 0 s"),
        ({"rule": "FREQ=HOURLY;INTERVAL=0"}, "never moves on: INTERVAL is at least 1"),
        ({"rule": "FREQ=MINUTELY"}, "comes more than 100000 times before 2027-03-02"),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "horizon": 86400}, "has no window before 2026-03-02"),
        ({"rule": "FREQ=DAILY", "horizon": timedelta.max}, "horizon"),
        ({"duration": "long"}, "duration: expected"),
    ],
)
def test_what_makes_no_sense(pool: ap.Pool, arguments: dict[str, object], message: str) -> None:
    before = pool.hash
    with pytest.raises(ap.RequestError, match=message):
        pool.maintenance.set("x", **{"instance": "d1", "start": 10, "duration": 10, **arguments})
    assert pool.hash == before


def test_an_instance_that_is_not_there(pool: ap.Pool) -> None:
    with pytest.raises(ap.UnknownName, match="there is no instance 'd9'"):
        pool.maintenance.set("x", instance="d9", start=10, duration=10)
