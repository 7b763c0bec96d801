"""The journal as a sequence: what happened, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from . import _core
from ._answers import html_table

__all__ = ["Journal"]

_SHOWN = 10


class Journal(Sequence[dict[str, Any]]):
    """The changes that a pool still keeps, oldest first.

    Each is a dict with ``revision``, ``time`` (ns since the epoch), ``area`` and what it did. Indexing counts kept
    changes, as in any sequence; `change` takes numbers.

    Examples
    --------
    >>> import apportion as ap
    >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
    >>> pool.journal
    Journal(changes 1 to 1)
    >>> pool.journal[-1]["define"], pool.journal[-1]["name"]
    ('type', 'disk')
    """

    def __init__(self, core: _core.Pool) -> None:
        self._core = core

    def change(self, number: int) -> dict[str, Any]:
        """Give the change with this number.

        Raises
        ------
        UnknownName
            When it is not kept any more, naming what is.
        """
        return dict(self._core.journal_entry(number))

    def __len__(self) -> int:
        first, last = self._core.journal_range()
        return last - first + 1

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        first, last = self._core.journal_range()
        numbers = range(first, last + 1)
        if isinstance(index, slice):
            return [self.change(number) for number in numbers[index]]
        try:
            number = numbers[index]
        except IndexError:
            kept = f"the kept changes are {first} to {last}" if numbers else "no change is kept"
            raise IndexError(f"journal[{index}]: {kept}; journal.change(number) takes the number of one") from None
        return self.change(number)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        first, last = self._core.journal_range()
        for number in range(first, last + 1):
            yield self.change(number)

    def __repr__(self) -> str:
        first, last = self._core.journal_range()
        return "Journal(no changes)" if last < first else f"Journal(changes {first} to {last})"

    def _repr_html_(self) -> str:
        rows: list[tuple[object, ...]] = []
        for change in self[-_SHOWN:]:
            rest = {k: v for k, v in change.items() if k not in {"revision", "time", "area"}}
            rows.append((change["revision"], change["area"], rest))
        return html_table(("revision", "area", "change"), rows, caption=repr(self))
