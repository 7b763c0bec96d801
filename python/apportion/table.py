"""Tables: how a pool's instances, claims, consumers and types leave it for people and data frames."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from apportion._errors import RequestError, UnknownName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apportion import _core

__all__ = ["Table"]

_BLOCK_ROWS = 1024
_SHOWN_ROWS = 10
_SHOWN_CHARACTERS = 60
_LINE_CHARACTERS = 120
_CELL_CHARACTERS = 32


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Table:
    """Named columns of equal length, as they were at one revision of a pool.

    A table never changes: a later revision of the pool has other tables. Anything that reads the Arrow PyCapsule
    interface takes it as it is and copies no numbers: ``polars.DataFrame(table)``, ``pyarrow.table(table)``,
    ``pandas.DataFrame.from_arrow(table)`` (with pandas before 3.0, ``pyarrow.table(table).to_pandas()``).

    Parameters
    ----------
    core : _core.Table
        The columns.
    name : str, default "table"
        What the rows are: ``"instances"``, ``"claims"``.
    revision : str, default ""
        The revision of the pool that the table shows, or nothing.

    Examples
    --------
    >>> from apportion import _core
    >>> table = Table(_core._example_table(3), "examples", "0.0.12")
    >>> table
    Table(examples: 3 rows x 14 columns, revision 0.0.12)
    >>> table["number"]
    array([0. , 0.5, 1. ])
    >>> table["some_integer"]  # the first row has none
    array([nan,  1.,  2.])
    >>> len(table)
    3

    Printed, it shows its first and last rows, and as many columns as a line has room for.

    >>> print(table)  # doctest: +ELLIPSIS
    Table(examples: 3 rows x 14 columns, revision 0.0.12)
    integer  number  boolean  text   texts         time ...
    0        0       False    zoë-0  ...
    """

    core: _core.Table
    name: str = "table"
    revision: str = ""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order.

        Examples
        --------
        >>> from apportion import _core
        >>> Table(_core._example_table(3)).columns[:3]
        ['integer', 'number', 'boolean']
        """
        return self.core.column_names

    def __len__(self) -> int:
        return self.core.num_rows

    def __getitem__(self, name: str) -> NDArray[Any] | list[Any]:
        """Give one column.

        Parameters
        ----------
        name : str
            One of `columns`.

        Returns
        -------
        ndarray, shape (rows,), or list
            Numbers, booleans and times (``datetime64[ns]``, UTC) as a read-only array that shares the table's memory.
            Rows without a value make of numbers a new array of float64 with NaN, and are NaT among times. Text, lists
            of text, and booleans with rows without a value are a list of Python objects, None for no value.

        Raises
        ------
        UnknownName
            The table has no such column.
        """
        if name not in self.columns:
            raise UnknownName(f"no column {name!r}; the columns are {', '.join(self.columns) or 'none'}")
        return self.core.column(name)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Walk over the rows as dictionaries, of the values that `to_dict` gives."""
        for start in range(0, len(self), _BLOCK_ROWS):
            yield from self._rows(start, start + _BLOCK_ROWS)

    def rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Give the first rows as dictionaries.

        Parameters
        ----------
        limit : int or None, default None
            At most so many rows; None for all.

        Returns
        -------
        list of dict
            Of the values that `to_dict` gives.

        Raises
        ------
        RequestError
            A negative `limit`.

        Examples
        --------
        >>> from apportion import _core
        >>> [row["text"] for row in Table(_core._example_table(3)).rows(limit=2)]
        ['zoë-0', 'zoë-1']
        """
        if limit is not None and limit < 0:
            raise RequestError(f"limit is {limit}; give the number of rows, 0 or more")
        return self._rows(0, len(self) if limit is None else limit)

    def to_dict(self) -> dict[str, list[Any]]:
        """Give all columns as lists of Python objects.

        Returns
        -------
        dict of str to list
            int, float, bool, str, list of str, or ``datetime`` in UTC (microseconds, rounded down); None where there is
            no value.

        Examples
        --------
        >>> from apportion import _core
        >>> Table(_core._example_table(3)).to_dict()["texts"]
        [[], ['a€1'], ['a€2', 'a€2']]
        """
        return self.core.to_dict()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give a capsule with the columns as an Arrow C stream of one batch, which keeps them alive.

        Parameters
        ----------
        requested_schema : capsule or None, default None
            Not honoured, as the interface allows: consumers cast what they get.
        """
        return self.core.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        revision = f", revision {self.revision}" if self.revision else ""
        rows, columns = len(self), len(self.columns)
        return f"Table({self.name}: {_count(rows, 'row')} x {_count(columns, 'column')}{revision})"

    def __str__(self) -> str:
        """Show the first and last rows below the line that `repr` gives."""
        half, rows = _SHOWN_ROWS // 2, len(self)
        shown = self.rows(_SHOWN_ROWS) if rows <= _SHOWN_ROWS else self.rows(half) + self._rows(rows - half, rows)
        cells = [[_text(value, _CELL_CHARACTERS) for value in row.values()] for row in shown]
        if rows > _SHOWN_ROWS:
            cells.insert(half, ["..."] * len(self.columns))
        return "\n".join([repr(self), *_lines([self.columns, *cells])]) if self.columns else repr(self)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>" for row in self.rows(_SHOWN_ROWS))
        more = f"<p>and {len(self) - _SHOWN_ROWS} more</p>" if len(self) > _SHOWN_ROWS else ""
        return (
            f"<table><caption>{html.escape(repr(self))}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
        )

    def _rows(self, start: int, stop: int) -> list[dict[str, Any]]:
        columns = self.core.to_dict(start, stop)
        if not columns:
            return [{} for _ in range(start, min(stop, len(self)))]
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _text(value: object, longest: int) -> str:
    """Give a value as short text; nothing for no value."""
    if value is None:
        return ""
    if isinstance(value, float):
        text = np.format_float_positional(value, precision=6, trim="-", fractional=False)
    else:
        text = ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _lines(rows: list[list[str]]) -> list[str]:
    """Align columns, as many as a line has room for; the first is always shown."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    fitting = [end for end in accumulate(width + 2 for width in widths) if end - 2 <= _LINE_CHARACTERS - 4]
    count = max(1, len(fitting))
    more = " ..." if count < len(widths) else ""
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row[:count], widths, strict=False)) for row in rows)
    return [f"{line}{more}".rstrip() for line in lines]


def _cell(value: object) -> str:
    """Give a cell of HTML; numbers to the right, long text cut."""
    if value is None:
        return "<td></td>"
    text = _text(value, _SHOWN_CHARACTERS)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    opening = '<td style="text-align: right">' if number else "<td>"
    return f"{opening}{html.escape(text)}</td>"
