"""What a pool answers: grants, denials, explanations. Frozen values at a revision."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._core import Claim, Grant
from ._denial import Denial, Repair
from ._reports import Report, aligned, html_table

if TYPE_CHECKING:
    from . import _core
    from .pool import Pool

__all__ = ["Claim", "Denial", "Explanation", "Grant", "Repair", "html_table"]


class Explanation(Report):
    """How a request would be decided now: stages, the ranking with each score and its parts, or the denial.

    True when the request would be granted, as a grant is, and false when it would be denied.

    Attributes
    ----------
    data : Mapping
        ``granted``, ``policy``, ``stages``, ``ranking``, ``candidates``, ``slots``, ``deferral`` and ``denial``; of
        `Pool.why` also ``chosen`` and ``now``.

    Examples
    --------
    >>> import apportion as ap
    >>> pool = ap.Pool()
    >>> pool.apply({"types": {"disk": {"dimensions": {"gb": {}}, "policy": "least_utilised"}}})
    >>> pool.add("d1", type="disk", capacity={"gb": 10})
    >>> why = pool.explain("disk", gb=4, consumer="ada")
    >>> bool(why), [row["instance"] for row in why.ranking]
    (True, ['d1'])
    """

    __slots__ = ("_pool", "_request")

    _pool: Pool | None
    _request: _core.Request | None

    def __init__(self, data: dict[str, Any], pool: Pool | None = None, request: _core.Request | None = None) -> None:
        super().__init__(data)
        self._set(_pool=pool, _request=request)

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
        """Of a request whose type has needs: what fills each slot, with ``role``, ``instance`` and ``location``.

        One that would be granted just in time has no instance, and numbers under ``pending``.
        """
        return list(self.data["slots"])

    @property
    def deferral(self) -> dict[str, Any] | None:
        """Of a deferrable type that is short: whether it would be ``deferred``, and the numbers; else None."""
        return None if self.data["deferral"] is None else dict(self.data["deferral"])

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
        return None if self.data["denial"] is None else Denial(self.data["denial"], self._pool, self._request)

    @property
    def chosen(self) -> dict[str, Any] | None:
        """Of `Pool.why`: the ``instance``, its ``rank`` from 1, the ``role``, ``revision`` and ``time``; else None."""
        return dict(self.data["chosen"]) if "chosen" in self.data else None

    def __bool__(self) -> bool:
        return self.granted

    def __repr__(self) -> str:
        if self.chosen is not None:
            where, rank = self.chosen["instance"], self.chosen["rank"]
            return f"Explanation({self.data['consumer']}: {where} was number {rank}, {self._counted()})"
        best = "denied" if not self.granted else self.ranking[0]["instance"] if self.ranking else "granted"
        return f"Explanation({self.data['consumer']}: {best}, {self._counted()})"

    def _counted(self) -> str:
        return f"{len(self.slots)} slots" if self.slots else self._candidates()

    def _candidates(self) -> str:
        number = self.data["candidates"]
        return f"{number} candidate{'' if number == 1 else 's'}"

    def _slot_rows(self) -> list[tuple[str, ...]]:
        return [("slot", "instance", "location"), *(_slot(slot) for slot in self.slots)]

    def _ranking_rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("rank", "instance", "location", "score", "policy", "parts")]
        for rank, row in enumerate(self.ranking, 1):
            parts = "; ".join(_part(part) for part in row["parts"])
            rows.append((str(rank), row["instance"], row["location"], _number(row["score"]), row["policy"], parts))
        return rows

    def _verdict(self) -> str:
        chosen = self.chosen
        if chosen is None:
            waits = "; " + str(self.deferral["message"]) if self.granted and self.deferral is not None else ""
            return "would be granted" + waits if self.granted else "would be denied"
        where, rank = chosen["instance"], chosen["rank"]
        verdict = f"was given {where}, number {rank} of the ranking, at revision {chosen['revision']}"
        now = self.data["now"]
        if (now["instance"], now["consumer"]) == (where, self.data["consumer"]):
            return verdict
        return f"{verdict}; now it is on {now['instance']} for {now['consumer']}"

    def __str__(self) -> str:
        verdict = self._verdict()
        lines = [f"{self.data['consumer']}: {verdict}; {self._counted()}."]
        if self.stages:
            lines += aligned(self._stage_rows())
        if self.slots:
            lines += aligned(self._slot_rows())
        if self.ranking:
            lines += aligned(self._ranking_rows())
        if self.denial is not None:
            lines.append(str(self.denial))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if self.slots:
            slots = self._slot_rows()
            return html_table(slots[0], list(slots[1:]))
        stages, ranking = self._stage_rows(), self._ranking_rows()
        told = f"<p>{html.escape(self.data['consumer'])}: {html.escape(self._verdict())}.</p>"
        if self.denial is not None:
            return told + self.denial._repr_html_()
        return told + html_table(stages[0], list(stages[1:])) + html_table(ranking[0], list(ranking[1:]))


def _slot(slot: Mapping[str, Any]) -> tuple[str, str, str]:
    return slot["role"], slot["instance"] if slot.get("pending") is None else "pending", slot["location"]


def _number(value: float | str | None) -> str:
    """Show a score; infinities are text already, as JSON has none."""
    return "no value" if value is None else value if isinstance(value, str) else f"{value:.6g}"


def _part(part: Mapping[str, Any]) -> str:
    value = _number(part["value"])
    inner = ", ".join(f"{name} {_number(v)}" for name, v in part["dimensions"].items() if v is not None)
    return f"{part['term']} = {value}" + (f" ({inner})" if inner else "")
