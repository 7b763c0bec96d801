"""What answers have in common: frozen values over a tree of plain data, with readable faces."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

__all__ = ["Frozen", "Report", "aligned", "html_table"]

_BREAK: Final = re.compile(r"\s*\n\s*")


class Frozen:
    """Attributes are set once, by ``__init__``."""

    __slots__ = ()

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be deleted")


def html_table(header: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> str:
    """Give a small HTML table with everything escaped."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Give a line per row; an expression of several lines becomes one."""
    rows = [tuple(_BREAK.sub(" ", cell) for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return ["  " + "  ".join(row).rstrip() for row in padded]


class Report(Frozen):
    """A tree of plain data with readable faces."""

    __slots__ = ("data",)

    data: Mapping[str, Any]

    def __init__(self, data: dict[str, Any]) -> None:
        self._set(data=MappingProxyType(data))

    def to_dict(self) -> dict[str, Any]:
        """Give the data as plain Python; see the published schema."""
        copy: dict[str, Any] = json.loads(self.to_json())
        return copy

    def to_json(self, indent: int | None = None) -> str:
        """Give the data as JSON text."""
        return json.dumps(dict(self.data), indent=indent, ensure_ascii=False)

    def _stage_rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("stage", "before", "after", "asks for")]
        rows += [(s["name"], str(s["before"]), str(s["after"]), s["detail"]) for s in self.data["stages"]]
        return rows
