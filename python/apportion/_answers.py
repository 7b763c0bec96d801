"""What a pool answers: grants, denials, explanations. Frozen values at a revision."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from ._core import Claim, Grant
from ._errors import AllocationDenied

__all__ = ["Claim", "Denial", "Explanation", "Grant"]


class _Frozen:
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


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return ["  " + "  ".join(row).rstrip() for row in padded]


class _Report(_Frozen):
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


class Denial(_Report):
    """Why a request was refused. Always false; data first, prose second.

    Attributes
    ----------
    data : Mapping
        Everything, as in ``docs/reference/denial.schema.json``.

    Examples
    --------
    >>> import apportion as ap
    >>> pool = ap.Pool()
    >>> pool.apply({"types": {"disk": {"dimensions": {"gb": {"unit": "GB"}}}}})
    >>> pool.add("d1", type="disk", capacity={"gb": 10})
    >>> denial = pool.allocate("disk", gb=40, consumer="ada")
    >>> denial.code
    'never'
    >>> denial.message.split("; ")[1]
    'gb 40 GB > largest limit 10 GB'
    >>> denial.binding[0]["requested"], denial.binding[0]["largest_free"]
    ('40', '10')
    """

    __slots__ = ()

    @property
    def code(self) -> str:
        """The class: ``never``, ``not_now``, ``fragmented``, ``conflict`` or ``search_bound``."""
        code: str = self.data["class"]
        return code

    @property
    def message(self) -> str:
        """One sentence with the sum that fails."""
        message: str = self.data["message"]
        return message

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The stages with the candidates ``before`` and ``after`` each."""
        return list(self.data["stages"])

    @property
    def binding(self) -> list[dict[str, Any]]:
        """Per dimension what was requested and what is free, used and there at all, in units as exact text."""
        return list(self.data["binding"])

    @property
    def closest(self) -> list[dict[str, Any]]:
        """The instances that came closest, with what each lacks."""
        return list(self.data["closest"])

    @property
    def member(self) -> int:
        """For ``allocate_all``: the index of the request that failed."""
        member: int = self.data["member"]
        return member

    @property
    def slot(self) -> str:
        """Of a request for a tree: the path of the slot that nothing fills; else empty."""
        slot: str = self.data["slot"]
        return slot

    def raise_for_denial(self) -> None:
        """Raise `AllocationDenied` with this denial."""
        raise AllocationDenied(self)

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return f"Denial({self.code}: {self.message})"

    def __str__(self) -> str:
        lines = [f"Denied, {self.code}: {self.message}.", *_aligned(self._stage_rows())]
        if self.binding:
            lines.append("sums over the candidates before the capacity stage:")
            lines += _aligned(self._binding_rows())
        if self.closest:
            lines.append("closest:")
            lines += _aligned(self._closest_rows())
        return "\n".join(lines)

    def _binding_rows(self) -> list[tuple[str, ...]]:
        names = ("dimension", "requested", "largest_free", "total_free", "total_used", "total_limit", "unit")
        return [names, *(tuple(str(row[name]) for name in names) for row in self.binding)]

    def _closest_rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("instance", "location", "lacks")]
        for miss in self.closest:
            lacks = "; ".join(_lack(lack) for lack in miss["lacks"])
            rows.append((miss["instance"], miss["location"], lacks))
        return rows

    def _repr_html_(self) -> str:
        parts = [f"<p><b>Denied, {html.escape(self.code)}</b>: {html.escape(self.message)}.</p>"]
        tables = (self._stage_rows(), self._binding_rows(), self._closest_rows())
        parts += [html_table(rows[0], list(rows[1:])) for rows in tables if len(rows) > 1]
        return "".join(parts)


class Explanation(_Report):
    """How a request would be decided now: stages, the ranking with each score and its parts, or the denial.

    Attributes
    ----------
    data : Mapping
        ``granted``, ``policy``, ``stages``, ``ranking``, ``candidates``, ``slots`` and ``denial``.

    Examples
    --------
    >>> import apportion as ap
    >>> pool = ap.Pool()
    >>> pool.apply({"types": {"disk": {"dimensions": {"gb": {}}, "policy": "least_utilised"}}})
    >>> pool.add("d1", type="disk", capacity={"gb": 10})
    >>> why = pool.explain("disk", gb=4, consumer="ada")
    >>> why.granted, [row["instance"] for row in why.ranking]
    (True, ['d1'])
    """

    __slots__ = ()

    @property
    def granted(self) -> bool:
        """Whether the request would be granted."""
        granted: bool = self.data["granted"]
        return granted

    @property
    def ranking(self) -> list[dict[str, Any]]:
        """The best candidates in order, each with ``instance``, ``score``, ``policy`` and ``parts``."""
        return list(self.data["ranking"])

    @property
    def slots(self) -> list[dict[str, Any]]:
        """Of a request whose type has needs: what fills each slot, with ``role``, ``instance`` and ``location``."""
        return list(self.data["slots"])

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The stages with the candidates ``before`` and ``after`` each."""
        return list(self.data["stages"])

    @property
    def policy(self) -> dict[str, Any]:
        """The definition of the policy that decides."""
        return dict(self.data["policy"])

    @property
    def denial(self) -> Denial | None:
        """The denial that the request would meet, or None."""
        return None if self.data["denial"] is None else Denial(self.data["denial"])

    def __repr__(self) -> str:
        best = "denied" if not self.granted else self.ranking[0]["instance"] if self.ranking else "granted"
        return f"Explanation({self.data['consumer']}: {best}, {self._counted()})"

    def _counted(self) -> str:
        return f"{len(self.slots)} slots" if self.slots else self._candidates()

    def _candidates(self) -> str:
        number = self.data["candidates"]
        return f"{number} candidate{'' if number == 1 else 's'}"

    def _slot_rows(self) -> list[tuple[str, ...]]:
        return [("slot", "instance", "location"), *((s["role"], s["instance"], s["location"]) for s in self.slots)]

    def _ranking_rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("rank", "instance", "location", "score", "policy", "parts")]
        for rank, row in enumerate(self.ranking, 1):
            parts = "; ".join(_part(part) for part in row["parts"])
            rows.append((str(rank), row["instance"], row["location"], _number(row["score"]), row["policy"], parts))
        return rows

    def __str__(self) -> str:
        verdict = "would be granted" if self.granted else "would be denied"
        lines = [f"{self.data['consumer']}: {verdict}; {self._counted()}."]
        if self.stages:
            lines += _aligned(self._stage_rows())
        if self.slots:
            lines += _aligned(self._slot_rows())
        if self.ranking:
            lines += _aligned(self._ranking_rows())
        if self.denial is not None:
            lines.append(str(self.denial))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if self.slots:
            slots = self._slot_rows()
            return html_table(slots[0], list(slots[1:]))
        stages, ranking = self._stage_rows(), self._ranking_rows()
        parts = [html_table(stages[0], list(stages[1:])), html_table(ranking[0], list(ranking[1:]))]
        if self.denial is not None:
            parts.append(self.denial._repr_html_())
        return "".join(parts)


def _lack(lack: Mapping[str, str]) -> str:
    """Say what an instance lacks; of a filter that reads no single values, that it does not hold."""
    holds_not = lack["what"] in {"where", "policy"} and lack["have"] == "false"
    return f"{lack['what']}: needs {lack['need']}, " + ("which does not hold" if holds_not else f"has {lack['have']}")


def _number(value: float | str | None) -> str:
    """Show a score; infinities are text already, as JSON has none."""
    return "no value" if value is None else value if isinstance(value, str) else f"{value:.6g}"


def _part(part: Mapping[str, Any]) -> str:
    value = _number(part["value"])
    inner = ", ".join(f"{name} {_number(v)}" for name, v in part["dimensions"].items() if v is not None)
    return f"{part['term']} = {value}" + (f" ({inner})" if inner else "")
