"""Why not, and what would help: denials and their repairs."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from ._errors import AllocationDenied, ApportionError, RequestError
from ._reports import Report, aligned, html_table

if TYPE_CHECKING:
    from . import _core
    from ._core import Grant
    from .pool import Pool

__all__ = ["Denial", "Repair"]

_BAR_WIDTH: Final = 240


class Repair(Report):
    """What would turn a denial into a grant: one change, or another request, that was tried and taken back. Frozen.

    Attributes
    ----------
    data : Mapping
        Everything, as in ``docs/reference/repair.schema.json``: besides ``kind``, ``cost`` and ``text`` what it does,
        in ``claims``, ``instances``, ``until`` or ``instead``.
    revision : str
        Of the state in which it was tried. What has happened since may be in its way.

    Examples
    --------
    >>> import apportion as ap
    >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
    >>> pool.add("d1", type="disk", capacity={"gb": 10})
    >>> grant = pool.allocate("disk", gb=6, consumer="ada")
    >>> denial = pool.allocate("disk", gb=5, consumer="bob")
    >>> for repair in denial.repairs:
    ...     print(repair)
    ask for gb 4 instead of 5
    release claim c0.0.0 of 'ada' (gb 6) on 'd1'
    add an instance of 'disk' with gb 10, like 'd1'
    >>> denial.apply(denial.repairs[0])
    Grant(bob: d1 gb=4)
    """

    __slots__ = ("_held", "revision")

    _held: _core.Repair
    revision: str

    def __init__(self, core: _core.Repair, revision: str) -> None:
        super().__init__(core.data())
        self._set(_held=core, revision=revision)

    @property
    def kind(self) -> str:
        """What it does: move, wait, online, smaller, fewer, relax, alternative, release or add."""
        kind: str = self.data["kind"]
        return kind

    @property
    def cost(self) -> float:
        """What it takes from others and from who asks; a scale of its own, for comparing."""
        return float(self.data["cost"])

    def __repr__(self) -> str:
        return f"Repair({self.kind}, cost {self.cost:g}: {self})"

    def __str__(self) -> str:
        text: str = self.data["text"]
        return text


class Denial(Report):
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
    >>> denial.core
    [{'name': 'capacity', 'detail': 'gb 40 GB', 'excludes': 1}]
    """

    __slots__ = ("_found", "_pool", "_request")

    _found: tuple[Repair, ...] | None
    _pool: Pool | None
    _request: _core.Request | None

    def __init__(self, data: dict[str, Any], pool: Pool | None = None, request: _core.Request | None = None) -> None:
        super().__init__(data)
        self._set(_found=None, _pool=pool, _request=request)

    @property
    def code(self) -> str:
        """The class: ``never``, ``not_now``, ``fragmented``, ``quota``, ``conflict`` or ``search_bound``."""
        code: str = self.data["class"]
        return code

    @property
    def deferral(self) -> dict[str, Any] | None:
        """Of a deferrable type: the numbers by which it was decided not to wait, ``expected_s`` among them; or None."""
        return None if self.data["deferral"] is None else dict(self.data["deferral"])

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

    @property
    def stage(self) -> str:
        """The first stage that leaves too few candidates; empty when none does: then the choices exclude each other."""
        stage: str = self.data["stage"]
        return stage

    @property
    def dimension(self) -> str:
        """Of the stage ``capacity``: the dimension that most candidates lack; else empty."""
        dimension: str = self.data["dimension"]
        return dimension

    @property
    def core(self) -> list[dict[str, Any]]:
        """A smallest set of conditions that no candidate meets together, each with how many it ``excludes``.

        Filters are split where all parts must hold, capacity by dimension. Without any one of them, enough candidates
        would meet the others. For ``never`` the candidates are those of an empty pool.
        """
        return list(self.data["core"])

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """What would turn the denial into a grant, the cheapest first; at most ten.

        Looked for when it is first asked for, in the pool as it is then; each was tried there, with the request asked
        again, and taken back. Empty when nothing was found, or the request would be granted by now. The denial of
        several requests, of a resize, a transfer or a move has none.

        Raises
        ------
        RequestError
            When the request makes no sense any more: its end has passed.
        """
        if self._found is None:
            found: tuple[Repair, ...] = ()
            if self._pool is not None and self._request is not None:
                revision, repairs = self._pool._core.repairs(self._request)
                found = tuple(Repair(repair, revision) for repair in repairs)
            self._set(_found=found)
        return self._found or ()

    def apply(self, repair: Repair, /, *, pool: Pool | None = None) -> Grant | Denial:
        """Do what a repair says and ask again as it says, both or neither.

        Parameters
        ----------
        repair : Repair
            One of this denial's.
        pool : Pool, optional
            Where: a fork, to look first. Default: the pool that denied.

        Returns
        -------
        Grant or Denial
            Denied when something has come in the way; the pool is then as it was.

        Raises
        ------
        StaleHandle
            When a claim that it releases or moves is gone.
        RequestError
            For a wait, before its time: a pool that follows the machine's clock cannot be moved on. And when an
            instance takes the claim that is to move no longer.
        """
        where = self._pool if pool is None else pool
        if not isinstance(repair, Repair):
            raise RequestError(f"expected one of denial.repairs, found {repair!r}")
        if where is None or self._request is None:
            raise RequestError("this is no denial of one request: there is nothing to ask again")
        return where._core.repair(self._request, repair._held, where)

    def raise_for_denial(self) -> None:
        """Raise `AllocationDenied` with this denial."""
        raise AllocationDenied(self)

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return f"Denial({self.code}: {self.message})"

    def __str__(self) -> str:
        return "\n".join([*self._lines(), *self._repair_lines()])

    def _lines(self) -> list[str]:
        lines = [f"Denied, {self.code}: {self.message}.", *aligned(self._stage_rows())]
        if self.binding:
            lines.append("sums over the candidates before the capacity stage:")
            lines += aligned(self._binding_rows())
        if self.core:
            lines.append("cannot hold together:")
            lines += aligned(self._core_rows())
        if self.closest:
            lines.append("closest:")
            lines += aligned(self._closest_rows())
        return lines

    def _repair_lines(self) -> list[str]:
        rows = self._repair_rows()
        if len(rows) == 1:
            return []
        return [f"any one of these would do, at revision {self.repairs[0].revision}:", *aligned(rows)]

    def _repair_rows(self) -> list[tuple[str, ...]]:
        """Give the repairs, or none where they cannot be told any more: reading a report does not fail."""
        try:
            repairs = self.repairs
        except ApportionError:
            repairs = ()
        return [("kind", "cost", "what"), *((repair.kind, f"{repair.cost:g}", str(repair)) for repair in repairs)]

    def _core_rows(self) -> list[tuple[str, ...]]:
        return [
            ("stage", "condition", "rules out"),
            *((each["name"], each["detail"], str(each["excludes"])) for each in self.core),
        ]

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
        parts = [f"<p><b>Denied, {html.escape(self.code)}</b>: {html.escape(self.message)}.</p>", self._waterfall()]
        tables = {
            "sums over the candidates before the capacity stage": self._binding_rows(),
            "cannot hold together": self._core_rows(),
            "closest": self._closest_rows(),
            "any one of these would do": self._repair_rows(),
        }
        parts += [html_table(rows[0], rows[1:], caption) for caption, rows in tables.items() if len(rows) > 1]
        return "".join(parts)

    def _waterfall(self) -> str:
        """Draw a bar per stage: what came in, and of that what was left."""
        first = max((stage["before"] for stage in self.stages), default=0)
        rows = "".join(_bar(stage, first, stage["name"] == self.stage) for stage in self.stages)
        return f"<table><thead><tr><th>stage</th><th>left</th><th></th><th>asks for</th></tr></thead>{rows}</table>"


def _lack(lack: Mapping[str, str]) -> str:
    """Say what an instance lacks; of a filter that reads no single values, that it does not hold."""
    holds_not = lack["what"] in {"where", "policy"} and lack["have"] == "false"
    return f"{lack['what']}: needs {lack['need']}, " + ("which does not hold" if holds_not else f"has {lack['have']}")


def _bar(stage: Mapping[str, Any], first: int, binding: bool) -> str:
    """Give a row of the waterfall; the stage that leaves too few stands out."""
    came, left = (round(_BAR_WIDTH * stage[end] / max(first, 1)) for end in ("before", "after"))
    colour = "#a83b3b" if binding else "#1b6ca8"
    bar = (
        f'<div style="background:#d9dee3;width:{came}px;height:0.9em">'
        f'<div style="background:{colour};width:{left}px;height:0.9em"></div></div>'
    )
    name = html.escape(stage["name"])
    return (
        f"<tr><td>{f'<b>{name}</b>' if binding else name}</td><td>{stage['after']} of {stage['before']}</td>"
        f'<td style="text-align:left">{bar}</td><td style="text-align:left">{html.escape(stage["detail"])}</td></tr>'
    )
