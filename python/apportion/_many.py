"""Requests in bulk: columns in, a table of answers out."""

from __future__ import annotations

from typing import Any

from ._columns import Column, claim_columns, columns_of, event_columns
from ._errors import RequestError
from ._inventory import PoolInventory
from ._specs import rows_of
from .table import Table

__all__ = ["PoolMany"]


class PoolMany(PoolInventory):
    """The part of `apportion.Pool` that decides many requests in one call."""

    def allocate_many(
        self, requests: Any, *, type: str = "", policy: str = "", where: str = "", threads: int = 1
    ) -> Table:
        """Decide many requests, each on its own, in order, in one call.

        Parameters
        ----------
        requests : dict of columns, DataFrame, Arrow table, structured array
            Columns ``consumer``, the dimensions, and if wanted ``type``, ``count``, ``policy``, ``where``, ``key``,
            ``labels.<key>``.
            Arrays of NumPy with int64 or float64 are read where they lie.
        type, policy, where : str, optional
            Those of all rows, instead of a column.
        threads : int, optional
            So many look together where thousands of instances have to be looked at: for requests of a kind that was
            not asked for before. The answers are the same. From 1 to 256; what comes often needs one.

        Returns
        -------
        Table
            A row per request: ``granted``, ``instance``, ``slot`` and ``generation`` of its (first) claim, and for a
            refused one the class in ``denial``. `release_many` takes it, or some of its rows; `grant` takes one.

        Raises
        ------
        RequestError, UnknownName, IdempotencyError
            When one row makes no sense, which is named; nothing is decided.

        Examples
        --------
        >>> from apportion import load
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> answers = pool.allocate_many({"consumer": ["a", "b", "c"], "gb": [4, 4, 4]}, type="disk")
        >>> answers["granted"].tolist()
        [True, True, False]
        >>> pool.release_many(answers)
        2
        """
        columns = _request_columns(requests)
        core = self._core.allocate_many(columns, rows_of(columns), type, policy, where, threads)
        return Table(core, "answers", core.revision)

    def run(
        self,
        requests: Any,
        order: Any,
        *,
        times: Any = None,
        type: str = "",
        policy: str = "",
        where: str = "",
        threads: int = 1,
    ) -> Table:
        """Let requests come and go in one call: each is asked for at its turn, and what it was granted released.

        Parameters
        ----------
        requests : dict of columns, DataFrame, Arrow table, structured array
            As for `allocate_many`.
        order : sequence of int
            What happens, as rows of `requests`: where a row stands for the first time it is asked for, where it stands
            again its whole grant is released. The release of a denied row is no event. Every row stands there once or
            twice.
        times : sequence of float or datetime64, optional
            For a pool with a clock of its own: to where it moves before each event, as `tick` does. Numbers are seconds
            since the epoch. Default: the clock stays.
        type, policy, where : str, optional
            Those of all rows, instead of a column.
        threads : int, optional
            As for `allocate_many`.

        Returns
        -------
        Table
            A row per request, as of `allocate_many`, also of those that were released since.

        Raises
        ------
        RequestError, UnknownName, IdempotencyError
            When a row or an event makes no sense, which is named; nothing has happened. Rows with one key share one
            grant: once released, the key is not used again in the same call.
        StaleHandle
            When the grant that a key stood for before the call came to its end meanwhile. The events before it stand.

        Examples
        --------
        Two want 6 of 10 GB; the second is only granted because the first has left.

        >>> from apportion import load
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> answers = pool.run({"consumer": ["a", "b"], "gb": [6, 6]}, order=[0, 0, 1], type="disk")
        >>> answers["granted"].tolist(), pool.claims["consumer"]
        ([True, True], ['b'])
        """
        columns = _request_columns(requests)
        turns, moments = event_columns(order, times)
        core = self._core.run(columns, rows_of(columns), turns, moments, type, policy, where, threads)
        return Table(core, "answers", core.revision)

    def release_many(self, answers: Any) -> int:
        """Release whole grants by rows of `allocate_many`'s answers, all or none.

        Parameters
        ----------
        answers : Table, DataFrame, dict of columns, Arrow table, structured array
            What `allocate_many` gave, or some of its rows. Columns ``slot`` and ``generation``; with a column
            ``granted``, rows where it is false are left out.

        Returns
        -------
        int
            The number of grants released.

        Raises
        ------
        StaleHandle
            When one is gone already, or named twice; nothing is released.

        Examples
        --------
        >>> from apportion import load
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> answers = pool.allocate_many({"consumer": ["a", "b"], "gb": [4, 4]}, type="disk")
        >>> pool.release_many({name: answers[name][:1] for name in answers.columns})
        1
        """
        slots, generations = claim_columns(answers)
        self._core.release_grants(slots, generations)
        return len(slots)


def _request_columns(requests: Any) -> dict[str, Column]:
    columns = columns_of(requests)
    if "consumer" not in columns:
        raise RequestError(f"requests need a column 'consumer'; the columns are {', '.join(columns) or 'none'}")
    return columns
