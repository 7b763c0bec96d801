"""All ways to grant a request, and claims for others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._answers import Claim, Denial, Grant
from ._many import PoolMany
from ._requests import Request, core_member, core_request

__all__ = ["PoolChoices"]


class PoolChoices(PoolMany):
    """What `apportion.Pool` can do besides deciding requests one by one."""

    def replace(
        self, held: Grant | Claim | Iterable[Grant | Claim], requests: Iterable[Request]
    ) -> list[Grant] | Denial:
        """End claims of any consumers and decide requests after that, in one update: all of it, or nothing.

        Parameters
        ----------
        held : Grant, Claim or iterable of these
            What ends. A grant stands for all of its claims.
        requests : iterable of Request
            Granted whenever there is a way to grant all of them in the room that the ended claims left.

        Returns
        -------
        list of Grant, or Denial
            A denial says in ``member`` which request failed; then everything is as it was.

        Raises
        ------
        StaleHandle
            When something of `held` is gone.

        Examples
        --------
        >>> import apportion as ap
        >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> ada = pool.allocate("disk", gb=6, consumer="ada")
        >>> pool.replace(ada, [ap.Request("disk", gb=4, consumer="ada"), ap.Request("disk", gb=6, consumer="bob")])
        [Grant(ada: d1 gb=4), Grant(bob: d1 gb=6)]
        """
        return self._core.replace(held, [core_member(request, self._core.now) for request in requests], self)

    def candidates(
        self, type: str = "", /, *, consumer: str = "anyone", limit: int = 10, **arguments: Any
    ) -> list[list[dict[str, Any]]]:
        """List the ways in which a request could be granted now, without deciding it.

        Parameters
        ----------
        type, consumer, **arguments
            As of `allocate`.
        limit : int, default 10
            At most so many, up to 10,000.

        Returns
        -------
        list
            Of ways; each is a list of slots with ``role``, ``instance``, ``location`` and ``amounts``. The first is
            what `allocate` would give; the others follow as the search finds them. Empty where it would be denied.

        Examples
        --------
        >>> import apportion as ap
        >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 20]}, type="disk")
        2
        >>> [[slot["instance"] for slot in way] for way in pool.candidates("disk", gb=5)]
        [['d1'], ['d2']]
        """
        request = core_request(type, {**arguments, "consumer": consumer}, self._core.now)
        ways: list[list[dict[str, Any]]] = self._core.candidates(request, limit)
        return ways
