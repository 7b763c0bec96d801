"""When instances are out of service: windows, single or recurring, of instances or of groups."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from . import _core
from ._errors import RequestError
from ._requests import datetime_of, time_ns
from .table import Table

__all__ = ["Maintenance"]

_YEAR: Final = timedelta(days=366)
_MOST: Final = 100_000  # occurrences of a rule


class Maintenance:
    """The maintenance of a pool: named series of windows. `Pool.maintenance` gives it.

    From a window's begin until its end, and from the type's ``lead_s`` before it, an instance takes nothing new. What
    is claimed stays where it is. A claim that ends may begin before a window as long as it ends in time.

    Examples
    --------
    >>> import apportion as ap
    >>> pool = ap.Pool(clock=0)
    >>> pool.apply({"types": {"disk": {"dimensions": {"gb": {}}, "lead_s": 600}}})
    >>> pool.add("d1", type="disk", capacity={"gb": 10})
    >>> pool.maintenance.set("nightly", instance="d1", start=3600, duration=900, rule="FREQ=DAILY;COUNT=3")
    3
    >>> pool.tick(3000)
    0
    >>> pool.allocate("disk", gb=1, consumer="ada").data["stage"]
    'maintenance'
    >>> pool.maintenance.remove("nightly")
    >>> pool.allocate("disk", gb=1, consumer="ada")
    Grant(ada: d1 gb=1)
    """

    def __init__(self, core: _core.Pool, table: Callable[[_core.Table], Table]) -> None:
        self._core = core
        self._make = table

    def set(
        self,
        name: str,
        /,
        *,
        instance: str | Iterable[str] = (),
        group: str | Iterable[str] = (),
        start: datetime | timedelta | float,
        duration: timedelta | float,
        rule: str = "",
        horizon: timedelta | float = _YEAR,
    ) -> int:
        """Put a series of windows in the place of the one of this name; how many windows it has.

        Parameters
        ----------
        name : str
            Of the series.
        instance, group : str or iterable of str
            Whose windows they are. A group stands for whoever is in it at the time.
        start : datetime, timedelta or float
            When the first window begins; numbers are seconds from now. A rule goes by the clock of its time zone.
        duration : timedelta or float
            How long each lasts, in seconds.
        rule : str, optional
            When it comes again, by RFC 5545: ``"FREQ=MONTHLY;BYDAY=2TU"``. Expanded here; the pool knows intervals.
        horizon : timedelta or float, default 366 days
            So far from now windows are made by a rule. A series without end is to be set again before.

        Raises
        ------
        RequestError, UnknownName
            When the rule makes no sense, there is no such instance, or nobody is named. Nothing has changed then.
        """
        now = self._core.now()
        first = start if isinstance(start, datetime) else datetime_of(time_ns(start, now, "start") or 0)
        if first.tzinfo is None:
            raise RequestError(f"start: a datetime needs a time zone, such as datetime.now(UTC); got {start!r}")
        lasts = time_ns(duration, 0, "duration") or 0
        if lasts <= 0:
            raise RequestError(f"duration: a window lasts longer than 0 s; got {duration!r}")
        begins = _occurrences(rule, first, datetime_of(now - lasts), _end(now, horizon))
        targets = [(each, False) for each in _names(instance)] + [(each, True) for each in _names(group)]
        if not targets:
            raise RequestError("a series names an instance or a group")
        spans = [(time_ns(begin, 0, "start") or 0, (time_ns(begin, 0, "start") or 0) + lasts) for begin in begins]
        windows = [(target, grouped, begin, end) for begin, end in spans for target, grouped in targets]
        self._core.set_maintenance(name, windows)
        return len(windows)

    def remove(self, name: str, /) -> None:
        """Forget a series; one that is not there is no error."""
        self._core.set_maintenance(name, [])

    @property
    def table(self) -> Table:
        """A row per window: ``name``, ``instance`` or ``group``, ``from`` and ``until``."""
        return self._make(self._core.maintenance())

    def __repr__(self) -> str:
        windows = len(self.table)
        return f"Maintenance({windows} window{'' if windows == 1 else 's'})"


def _names(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _end(now: int, horizon: timedelta | float) -> datetime:
    try:
        return datetime_of(now + (time_ns(horizon, 0, "horizon") or 0))
    except (OverflowError, ValueError) as error:
        raise RequestError(f"horizon: {horizon!r} from now is beyond the end of the calendar") from error


def _occurrences(rule: str, first: datetime, since: datetime, until: datetime) -> list[datetime]:
    if not rule:
        return [first]
    if re.search(r"INTERVAL=0*(\D|$)", rule, re.IGNORECASE):
        raise RequestError(f"rule: {rule!r} never moves on: INTERVAL is at least 1")
    found: list[datetime] = []
    try:
        from dateutil.rrule import rrulestr  # a part of a second, which only rules need

        parsed: Any = rrulestr(rule, dtstart=first)
        for each in itertools.islice(parsed.xafter(since.astimezone(first.tzinfo), inc=True), _MOST + 1):
            if each > until:
                break
            found.append(each.astimezone(UTC))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RequestError(f"rule: {rule!r} is no recurrence rule of RFC 5545: {error}") from error
    if len(found) > _MOST:
        raise RequestError(f"rule: {rule!r} comes more than {_MOST} times before {until:%Y-%m-%d}")
    if not found:
        raise RequestError(f"rule: {rule!r} from {first} on has no window before {until:%Y-%m-%d}, the horizon")
    return found
