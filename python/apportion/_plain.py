"""Trees of plain values: what a parsed document or a caller's mapping becomes before the core sees it."""

from __future__ import annotations

import datetime
import json
import numbers
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

__all__ = ["JsonObject", "to_plain"]

_MAX_DIGITS = 34
_MAX_EXPONENT = 400
_MAX_SHOWN = 60
_MAX_PLACE_KEY = 200
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class JsonObject(dict[str, Any]):
    """A JSON object that remembers the keys that stand twice.

    Parameters
    ----------
    pairs : list of (key, value)
        In the order of the text.

    Attributes
    ----------
    repeated : list of str

    Examples
    --------
    >>> JsonObject([("a", 1), ("a", 2)]).repeated
    ['a']
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: list[str] = []
        if len(self) == len(pairs):
            return
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                self.repeated.append(key)
            seen.add(key)


def to_plain(tree: Mapping[str, Any], max_levels: int) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Copy a tree to dict, list, str, bool, int, Decimal and None.

    Parameters
    ----------
    tree : mapping
        Floats are read as their shortest decimals, times become RFC 3339 text, tuples become lists.
    max_levels : int
        How deep tables and lists may nest.

    Returns
    -------
    tree : dict
        Usable only when nothing was found.
    found : list of (place, message)
        Everything that has no plain form.

    Examples
    --------
    >>> to_plain({"gb": 0.3, "bad": [float("inf")]}, 100)
    ({'gb': Decimal('0.3'), 'bad': [0]}, [('bad[0]', 'expected a finite number, found Infinity')])
    """
    copier = _Copier(max_levels)
    return copier.table(tree), copier.found


class _Copier:
    """Walks a tree; keeps the path to where it is, and what it found."""

    def __init__(self, max_levels: int) -> None:
        self.found: list[tuple[str, str]] = []
        self._max_levels = max_levels
        self._path: list[str | int] = []

    def table(self, table: Mapping[Any, Any]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        if not self._fits():
            return plain
        for key in getattr(table, "repeated", ()):
            self._report(f"the key '{_shown(key)}' stands twice", key)
        for key, value in table.items():
            if isinstance(key, str):
                plain[self._text(key)] = self._inside(key, value)
            else:
                self._report(f"expected text as key, found {type(key).__name__}")
        return plain

    def _list(self, items: Iterable[Any]) -> list[Any]:
        return [self._inside(index, item) for index, item in enumerate(items)] if self._fits() else []

    def _inside(self, step: str | int, value: Any) -> Any:
        self._path.append(step)
        plain = self._value(value)
        self._path.pop()
        return plain

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return self.table(value)
        if isinstance(value, list | tuple):
            return self._list(value)
        if isinstance(value, Decimal | numbers.Real):
            return self._number(value)
        if isinstance(value, datetime.datetime | datetime.date | datetime.time):
            return value.isoformat()
        return self._report(f"expected plain values, found {type(value).__name__}")

    def _text(self, text: str) -> str:
        # A lone half of a surrogate pair has no UTF-8 form.
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            self._report("the text is not valid Unicode: it holds half of a surrogate pair")
            return ""
        return str(text)

    def _number(self, value: Decimal | numbers.Real) -> int | Decimal:
        plain = _plain_number(value)
        fault = _number_fault(plain)
        if fault:
            self._report(fault)
            return 0
        return plain

    def _fits(self) -> bool:
        if len(self._path) < self._max_levels:
            return True
        self._report(f"more than {self._max_levels} levels of nesting")
        return False

    def _report(self, message: str, *below: str) -> None:
        self.found.append((_place([*self._path, *below]), message))


def _plain_number(value: Decimal | numbers.Real) -> int | Decimal:
    """Integers of any kind as int, other numbers as the shortest decimal that reads back."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return Decimal(repr(float(value)))


def _number_fault(value: int | Decimal) -> str:
    """Say what is wrong with a number: it must be finite and fit 34 digits and exponents up to 400."""
    if isinstance(value, int):
        if -(10**_MAX_DIGITS) < value < 10**_MAX_DIGITS:
            return ""
        if value.bit_length() > 2000:
            return f"a number of about {value.bit_length() * 3 // 10} digits does not fit: at most {_MAX_DIGITS} digits"
        value = Decimal(value)
    if not value.is_finite():
        return f"expected a finite number, found {value}"
    _, digits, exponent = value.as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    power = int(exponent) + len(digits) - len(significant)
    significant = significant.lstrip("0")
    if not significant or (len(significant) <= _MAX_DIGITS and abs(power) <= _MAX_EXPONENT):
        return ""
    return (
        f"the number {_shown(str(value))} does not fit: at most {_MAX_DIGITS} digits "
        f"and exponents from -{_MAX_EXPONENT} to {_MAX_EXPONENT}"
    )


def _place(path: Iterable[str | int]) -> str:
    place = ""
    for step in path:
        if isinstance(step, int):
            place += f"[{step}]"
        else:
            place += ("." if place else "") + _part(step)
    return place


def _part(key: str) -> str:
    cut = key if len(key) <= _MAX_PLACE_KEY else key[:_MAX_PLACE_KEY] + "..."
    return cut if _BARE.fullmatch(cut) else json.dumps(cut, ensure_ascii=not cut.isprintable())


def _shown(text: str) -> str:
    cut = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
    return "".join(character if character.isprintable() else "?" for character in cut)
