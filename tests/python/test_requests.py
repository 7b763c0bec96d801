"""Requests as the core takes them: times, amounts, messages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apportion import RequestError, _requests


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (None, None),
        (1.5, 7_000_000_000 + 1_500_000_000),  # seconds from now
        (timedelta(minutes=1), 7_000_000_000 + 60_000_000_000),
        (datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC), 2_000_000_000),  # absolute
        (datetime(2300, 1, 1, tzinfo=UTC), 10_413_792_000 * 10**9),  # no float rounds it
    ],
)
def test_times_are_nanoseconds(when: Any, expected: int | None) -> None:
    assert _requests.time_ns(when, 7_000_000_000, "ends") == expected


@pytest.mark.parametrize("when", [datetime(2026, 1, 1), "tomorrow", float("nan"), float("inf")])
def test_times_that_make_no_sense_name_the_argument(when: Any) -> None:
    with pytest.raises(RequestError, match=r"^ends: "):
        _requests.time_ns(when, 0, "ends")


def test_the_clock_is_asked_only_for_times() -> None:
    asked: list[int] = []

    def clock() -> int:
        asked.append(1)
        return 0

    _requests.core_request("disk", {"consumer": "a", "gb": 1}, clock)
    assert not asked
    _requests.core_request("disk", {"consumer": "a", "gb": 1, "ends": 5}, clock)
    assert asked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gb": "ten"}, r"gb"),
        ({"gb": float("nan")}, r"gb"),
        ({"gb": True}, r"gb"),
        ({"gb": 1, "count": -1}, r"count"),
        ({"gb": 1, "policy": {"scroe": "0"}}, r"scroe"),
    ],
)
def test_misuse_is_a_request_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        _requests.core_request("disk", {"consumer": "a", **arguments}, lambda: 0)


def test_a_request_shows_what_was_asked() -> None:
    assert repr(_requests.Request("disk", gb=1, consumer="a")) == "Request('disk', gb=1, consumer='a')"
