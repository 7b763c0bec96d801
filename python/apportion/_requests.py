"""Requests, as the core takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from . import _core
from ._errors import RequestError, UnknownName

__all__ = [
    "NS",
    "Amount",
    "Request",
    "When",
    "claim_key",
    "clock_ns",
    "core_member",
    "core_request",
    "datetime_of",
    "merged_amounts",
    "time_ns",
]

Amount = int | float | Decimal
When = datetime | timedelta | float

NS: Final = 1_000_000_000
_CLAIM_ID: Final = re.compile(r"c(\d+)\.(\d{1,10})\.(\d{1,10})", re.ASCII)
# Of `Pool.allocate`, beside those that `core_request` takes out.
_ARGUMENTS: Final = frozenset({"consumer", "count", "policy", "where", "labels", "key", "actor", "whole"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _span_ns(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * NS + span.microseconds * 1000


def _number_ns(seconds: float, message: str) -> int:
    if not hasattr(seconds, "__float__"):  # text, above all: a product with it is a very long text
        raise RequestError(message)
    try:
        return round(seconds * NS)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(message) from error


def time_ns(when: When | None, now: int, name: str) -> int | None:
    """Nanoseconds since the epoch; numbers and timedeltas count from `now`."""
    if when is None:
        return None
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise RequestError(f"{name}: a datetime needs a time zone, such as datetime.now(UTC); got {when!r}")
        return _span_ns(when - _EPOCH)
    if isinstance(when, timedelta):
        return now + _span_ns(when)
    return now + _number_ns(when, f"{name}: expected a datetime, a timedelta or seconds from now, got {when!r}")


def datetime_of(time: int) -> datetime:
    """Give the datetime of nanoseconds since the epoch, rounded down to microseconds."""
    return _EPOCH + timedelta(microseconds=time // 1000)


def clock_ns(clock: float | None) -> int | None:
    """Nanoseconds at which a pool's own clock stands, or None for the machine's clock."""
    if clock is None:
        return None
    time = _number_ns(clock, f"clock: expected seconds since the epoch, found {clock!r}")
    if time < 0:
        raise RequestError(f"clock: time starts at 0, 1970-01-01 UTC, found {clock!r}")
    return time


def claim_key(claim: object, origin: str) -> tuple[int, int]:
    """Slot and generation of a claim by its id, or by a row of answers; `origin` is that of the pool."""
    parts: tuple[Any, ...] = ()
    if isinstance(claim, Mapping):
        parts = claim.get("slot"), claim.get("generation")
    elif isinstance(claim, str) and (found := _CLAIM_ID.fullmatch(claim)):
        if found[1] != origin:
            raise UnknownName(f"claim {claim!r} is of another journal: those of this pool begin with 'c{origin}.'")
        parts = found.groups()[1:]
    try:
        slot, generation = (int(part) for part in parts)
    except (TypeError, ValueError, OverflowError):  # a row that was denied, among others
        slot = -1
    if not (0 <= slot < 2**32 and 0 <= generation < 2**32):
        raise RequestError(f'expected the id of a claim such as "c0.12.3", or a row that was granted, found {claim!r}')
    return slot, generation


def merged_amounts(amounts: object, dimensions: Mapping[str, Any]) -> dict[str, Any]:
    """Give the units by dimension of the mapping `amounts`, which must not name one of `dimensions` again.

    Parameters
    ----------
    amounts : mapping of str to number, or None
    dimensions : mapping of str to number
        What was given by keywords. Not part of the answer.
    """
    if amounts is None:
        return {}
    if not isinstance(amounts, Mapping):
        raise RequestError(f"amounts: expected a mapping of dimensions to numbers, found {amounts!r}")
    for name in amounts:
        if name in dimensions:
            raise RequestError(f"{name} is given twice: {amounts[name]!r} in amounts, and {name}={dimensions[name]!r}")
    return dict(amounts)


class Request:
    """A request that is decided together with others, see `Pool.allocate_all`.

    Takes the arguments of `Pool.allocate` but `key`: a call as a whole is all or nothing. Times count from the moment
    of the call that decides.

    Examples
    --------
    >>> Request("disk", gb=10, consumer="ada")
    Request('disk', gb=10, consumer='ada')
    """

    __slots__ = ("_arguments", "_type")

    def __init__(self, type: str = "", /, *, consumer: str, **arguments: Any) -> None:
        self._type = type
        self._arguments = {**arguments, "consumer": consumer}

    def __repr__(self) -> str:
        parts = [repr(self._type), *(f"{name}={value!r}" for name, value in self._arguments.items())]
        return f"Request({', '.join(parts)})"


def core_request(
    type: str, arguments: Mapping[str, Any], clock: Callable[[], int], expires: When | None = None
) -> _core.Request:
    """Build the core's request from the arguments of `Pool.allocate`; names it does not know are dimensions.

    `clock` gives the pool's time in ns and is only asked when a time counts from now.
    """
    rest = dict(arguments)
    amounts = rest.pop("amounts", None)
    starts, ends = rest.pop("starts", None), rest.pop("ends", None)
    patience = rest.pop("patience", None)
    if isinstance(patience, datetime):
        raise RequestError(f"patience: expected a timedelta or seconds, got {patience!r}")
    now = 0 if starts is ends is expires is None else clock()
    try:
        return _core.Request(
            type,
            rest,
            merged_amounts(amounts, {name: value for name, value in rest.items() if name not in _ARGUMENTS}),
            time_ns(starts, now, "starts"),
            time_ns(ends, now, "ends"),
            expires is not None,
            time_ns(expires, now, "expires"),
            time_ns(patience, 0, "patience"),
        )
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, RequestError) else RequestError(str(error)) from error


def core_member(request: Request, clock: Callable[[], int]) -> _core.Request:
    """Build the core's request from a `Request`."""
    if not isinstance(request, Request):
        raise RequestError(f"expected apportion.Request, found {request!r}")
    return core_request(request._type, request._arguments, clock)
