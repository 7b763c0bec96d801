"""The errors that apportion raises.

A refused request is not an error: it is a ``Denial``, a value that says why. Errors report misuse and bad input::

    ApportionError
    ├── DocumentError      a document cannot be read; ``problems`` holds each fault with its line
    ├── RequestError       a request or an argument makes no sense (also a ValueError)
    ├── UnknownName        nothing carries this name or id (also a LookupError)
    ├── StaleHandle        a grant, mark or claim that is gone
    ├── IdempotencyError   a key that was used for another request
    ├── SnapshotError      a snapshot is damaged or of another program
    ├── AllocationDenied   a denial that the caller asked to have raised
    └── MissingExtra       an optional part that is not installed (also an ImportError)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = [
    "AllocationDenied",
    "ApportionError",
    "DocumentError",
    "IdempotencyError",
    "MissingExtra",
    "Problem",
    "RequestError",
    "SnapshotError",
    "StaleHandle",
    "UnknownName",
]

_SHOWN = 20
_LINE_WIDTH = 100


class Problem(msgspec.Struct, frozen=True):
    """One fault of a document.

    Attributes
    ----------
    place : str
        Path of keys and indices, such as ``types.disk.policy`` or ``instances[3].capacity.gb``; empty for the whole.
    message : str
        What was found, what was expected and, where it can be guessed, what was meant.
    line, column : int or None
        Where in the text, counted from 1 in lines and characters; None when there is no text.

    Examples
    --------
    >>> print(Problem("types.disk.polcy", "unknown key 'polcy'", line=3, column=1))
    line 3, column 1: types.disk.polcy: unknown key 'polcy'
    """

    place: str
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.place, self.message]
        if self.line is not None:
            parts.insert(0, f"line {self.line}" + (f", column {self.column}" if self.column is not None else ""))
        return ": ".join(part for part in parts if part)


class ApportionError(Exception):
    """The base of every error that apportion raises.

    Examples
    --------
    >>> issubclass(DocumentError, ApportionError)
    True
    """


class DocumentError(ApportionError):
    """A document cannot be read; nothing of it was applied.

    Parameters
    ----------
    problems : iterable of Problem
        Every fault that was found, in the order of the text.
    text : str or None, default None
        The document's text, to show the faulty lines.
    name : str, default "document"
        What to call the document in messages: its file name.

    Attributes
    ----------
    problems : tuple of Problem
    name : str

    Examples
    --------
    >>> print(DocumentError([Problem("polcy", "unknown key 'polcy'", 1, 1)], text='polcy = "first"', name="a.toml"))
    a.toml: line 1, column 1: polcy: unknown key 'polcy'
        1 | polcy = "first"
          | ^
    """

    def __init__(self, problems: Iterable[Problem], text: str | None = None, name: str = "document") -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.name = name
        super().__init__(render_problems(self.problems, text, name))


class RequestError(ApportionError, ValueError):
    """A request or an argument makes no sense: a negative amount, an unknown dimension, a malformed expression."""


class UnknownName(ApportionError, LookupError):  # noqa: N818 - the name says it
    """Nothing in the pool carries this name or id."""


class StaleHandle(ApportionError):  # noqa: N818 - the name says it
    """A grant, mark or claim was used after it was released, expired or removed."""


class IdempotencyError(ApportionError):
    """A key was used before, for a different request."""


class SnapshotError(ApportionError):
    """A snapshot is truncated, damaged, or was written by a newer or a foreign program; nothing was loaded."""


class AllocationDenied(ApportionError):  # noqa: N818 - the name says it
    """A denial as an exception, raised only on request (``denial.raise_for_denial()``).

    Parameters
    ----------
    denial : Denial
        The refusal with its stages, numbers and class.

    Attributes
    ----------
    denial : Denial
    """

    def __init__(self, denial: Any) -> None:
        self.denial = denial
        super().__init__("\n".join(denial._lines()))


class MissingExtra(ApportionError, ImportError):  # noqa: N818 - the name says it
    """An optional part of apportion is needed and not installed.

    Parameters
    ----------
    extra : str
        The extra that brings it, such as ``"view"``.
    purpose : str
        What it was needed for.

    Examples
    --------
    >>> print(MissingExtra("view", "charts"))
    charts need more than the base installation: pip install 'apportion[view]'
    """

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(f"{purpose} need more than the base installation: pip install 'apportion[{extra}]'")


def render_problems(problems: Iterable[Problem], text: str | None = None, name: str = "document") -> str:
    """Give the text that people see: each problem, below it the line of the document with a mark.

    Parameters
    ----------
    problems : iterable of Problem
        The first 20 are shown, the others counted.
    text : str or None, default None
        The document's text; without it, no lines are shown.
    name : str, default "document"
        Stands in front of each problem.

    Returns
    -------
    str

    Examples
    --------
    >>> print(render_problems([Problem("a", "is wrong")], name="x.toml"))
    x.toml: a: is wrong
    """
    all_problems = list(problems)
    lines = text.split("\n") if text is not None else []
    shown = [f"{name}: {problem}" + _excerpt(problem, lines) for problem in all_problems[:_SHOWN]]
    if len(all_problems) > _SHOWN:
        shown.append(f"and {len(all_problems) - _SHOWN} more")
    return "\n".join(shown)


def _excerpt(problem: Problem, lines: list[str]) -> str:
    """Two lines, the faulty one and a mark below it; nothing when the line is not known."""
    if problem.line is None or not 0 < problem.line <= len(lines):
        return ""
    line = "".join(c if c.isprintable() else " " for c in lines[problem.line - 1].rstrip("\r"))
    column = problem.column or 1
    start = max(0, column - _LINE_WIDTH) if len(line) > _LINE_WIDTH else 0
    number = str(problem.line)
    mark = " " * (column - 1 - start) + "^"
    return f"\n    {number} | {line[start : start + _LINE_WIDTH]}\n    {' ' * len(number)} | {mark}"
