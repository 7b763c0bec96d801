"""The pool: everything that can be asked of apportion in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from inspect import isfunction
from typing import Any, Final, ParamSpec, TypeVar, cast

from . import _core
from ._answers import Claim, Denial, Explanation, Grant
from ._choices import PoolChoices
from ._errors import RequestError
from ._inventory import Source
from ._requests import (
    Amount,
    Request,
    When,
    claim_key,
    clock_ns,
    core_member,
    core_request,
    merged_amounts,
    time_ns,
)

__all__ = ["Pool", "Request", "load"]

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def load(source: Source, **options: Any) -> Pool:
    """Make a pool from a document.

    Parameters
    ----------
    source : path, str, bytes or dict
        As for `Pool.apply`.
    **options
        Arguments of `Pool`.

    Returns
    -------
    Pool

    Raises
    ------
    DocumentError
        With every problem of the document and its line.

    Examples
    --------
    >>> load({"types": {"disk": {"dimensions": {"gb": {"step": 0.001}}}}})
    Pool(1 type, 0 instances, 0 claims, revision 0.0.1)
    """
    pool = Pool(**options)
    pool.apply(source)
    return pool


# What the core does not read itself.
_PREPARED: Final = frozenset({"amounts", "starts", "ends", "patience"})


def _passed_whole(allocate: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Keep the signature of `Pool.allocate`, and hand usual arguments to the core as they come, in one dict.

    To bind a dimension among the named arguments, Python compares it with each name: with four dimensions that takes
    longer than the core may take to decide.
    """

    @wraps(allocate)
    def passed(self: Any, type: str = "", /, **arguments: Any) -> Any:
        if "consumer" in arguments and _PREPARED.isdisjoint(arguments):
            return self._core.allocate(self, type, arguments)
        return allocate(self, type, **arguments)  # type: ignore[arg-type]

    return cast("Callable[Arguments, Answer]", passed)


class Pool(PoolChoices):
    """The running state of one journal: types, instances, consumers and claims.

    Every mutation is one change of the journal, whole or not at all. Methods may be called from any number of threads;
    the pool decides one at a time, in the order in which they arrive.

    Parameters
    ----------
    origin : int, default 0
        Names the journal; part of every revision and claim id.
    journal_bytes : int, default 64 MiB
        Changes kept in memory, for `at` and `journal`. When they exceed it, the older half is folded away.
    clock : float or None, default None
        None: the machine's clock. A number: seconds since the epoch at which time stands still until `tick` moves it,
        so that a run can be repeated exactly.
    index_bytes : int, default 256 MiB
        For the index of request shapes that come often; see `index_stats`. 0: every choice looks at every instance. The
        choice is the same either way.

    Examples
    --------
    >>> pool = Pool()
    >>> pool.apply('''
    ... [types.disk]
    ... dimensions.gb = { unit = "GB", step = 0.001 }
    ... policy = "closest_capacity"
    ... ''')
    >>> pool.add("d1", type="disk", capacity={"gb": 100}, location="zone-a")
    >>> pool.allocate("disk", gb=0.3, consumer="ada")
    Grant(ada: d1 in zone-a gb=0.3)
    """

    def __init__(
        self,
        *,
        origin: int = 0,
        journal_bytes: int = 64 << 20,
        clock: float | None = None,
        index_bytes: int = 256 << 20,
    ) -> None:
        for name, value in (("origin", origin), ("journal_bytes", journal_bytes), ("index_bytes", index_bytes)):
            if not isinstance(value, int) or not 0 <= value < 2**32 * (1 if name == "origin" else 2**31):
                raise RequestError(f"{name}: expected a whole number, 0 or more, found {value!r}")
        self._core = _core.Pool(origin, journal_bytes, clock_ns(clock), index_bytes)

    @_passed_whole
    def allocate(
        self,
        type: str = "",
        /,
        *,
        consumer: str,
        count: int = 1,
        policy: str | Mapping[str, Any] | None = None,
        where: str = "",
        labels: Mapping[str, str] | None = None,
        key: str = "",
        actor: str = "",
        starts: When | None = None,
        ends: When | None = None,
        whole: bool = False,
        patience: timedelta | float | None = None,
        amounts: Mapping[str, Amount] | None = None,
        **dimensions: Amount,
    ) -> Grant | Denial:
        """Ask for a portion of one instance, or of `count` different ones.

        Parameters
        ----------
        type : str
            The resource type. Empty: any type that has the dimensions, if `where` says which instances may serve.
        consumer : str
            Who receives.
        count : int, default 1
            So many different instances, each with the amounts; all or none.
        policy : str or mapping, optional
            A policy by name, or a definition as in a document. Default: the instance's own, else the type's.
        where : str, optional
            A boolean expression over candidates, such as ``'self.location == "zone-a"'``.
        labels : mapping of str to str, optional
            What affinities tell the claims apart by, such as ``{"app": "web"}``; every claim of the grant has them.
        key : str, optional
            Makes the call idempotent for 24 hours: the same key and request give the same grant again, as it is now.
        actor : str, optional
            Who calls; keys of different actors are different.
        starts, ends : datetime, timedelta or float, optional
            Numbers are seconds from now. The claim ends at `ends`; default never. The capacity is held from now on.
        whole : bool, default False
            Take all that an instance has; the amounts are what it has to have at least.
        patience : timedelta or float, optional
            How long slots of a deferrable type may be pending, in seconds; default what the type says, 0: not at all.
        amounts : mapping of str to number, optional
            Units per dimension, instead of keywords; a dimension may stand in one of the two.
        **dimensions : number
            Units per dimension, rounded up to whole steps, and further where a claim rule says so. Left out: a rule's
            default, or 0. A claim that takes nothing is only a consumer of its instance (see ``max_consumers``).

        Returns
        -------
        Grant or Denial
            A denial is false; `Denial.raise_for_denial` makes an exception of it.

        Raises
        ------
        RequestError, UnknownName
            When the request makes no sense.
        IdempotencyError, StaleHandle
            When the key was used for another request, or its grant is gone.
        """
        arguments = {
            **dimensions,
            "amounts": amounts,
            "consumer": consumer,
            "count": count,
            "policy": policy,
            "where": where,
            "labels": labels,
            "key": key,
            "actor": actor,
            "starts": starts,
            "ends": ends,
            "whole": whole,
            "patience": patience,
        }
        return self._core.decide(core_request(type, arguments, self._core.now), self)

    def mark(self, type: str = "", /, *, consumer: str, expires: When, **arguments: Any) -> Grant | Denial:
        """Reserve without committing: as `allocate`, until `expires` (a number: seconds from now).

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> mark = pool.mark("disk", gb=4, consumer="ada", expires=60)
        >>> mark
        Grant(mark)(ada: d1 gb=4)
        >>> pool.commit(mark)
        Grant(ada: d1 gb=4)
        """
        if expires is None:
            raise RequestError("expires: a mark needs a time at which it ends")
        asked = {**arguments, "consumer": consumer}
        return self._core.decide(core_request(type, asked, self._core.now, expires), self)

    def commit(self, mark: Grant) -> Grant:
        """Make a mark a claim.

        Raises
        ------
        StaleHandle
            When the mark has expired, or is of another pool (see `release`).
        """
        if not isinstance(mark, Grant):
            raise RequestError(f"expected a mark, as Pool.mark gives it, found {mark!r}")
        self._core.commit(mark)
        return self._grant(mark.claims[0]._key)

    def allocate_all(self, requests: Iterable[Request]) -> list[Grant] | Denial:
        """Decide several requests as one: all are granted, whenever there is a way to grant all, or none.

        Each request meets the claims of those before it, where that leads to grants for all. A denial's `member` says
        which one failed then.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> denial = pool.allocate_all([Request("disk", gb=6, consumer="a"), Request("disk", gb=6, consumer="b")])
        >>> denial.code, denial.member
        ('conflict', 1)
        """
        made = [core_member(request, self._core.now) for request in requests]
        return self._core.allocate_all(made, self)

    def grant(self, claim: str | Mapping[str, Any], /) -> Grant:
        """Give the grant that a claim belongs to, as it is now.

        Parameters
        ----------
        claim : str or mapping
            The id of a claim, such as ``"c0.12.3"``, or a row of `allocate_many`'s answers.

        Raises
        ------
        StaleHandle
            When the claim was released or has expired.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> answers = pool.allocate_many({"consumer": ["a", "b"], "gb": [4, 4]}, type="disk")
        >>> for row in answers:
        ...     print(pool.grant(row))
        Grant(a: d1 gb=4)
        Grant(b: d1 gb=4)
        >>> pool.grant("c0.1.0").consumer
        'b'
        """
        return self._grant(claim_key(claim, self.revision.partition(".")[0]))

    def release(self, held: Grant | Claim | Iterable[Grant | Claim]) -> None:
        """Give back a grant, a claim, or several of them, all or none.

        Parameters
        ----------
        held : Grant, Claim or iterable of them
            Given by this pool, or by another that has the same claim: a fork and its original share those made before
            the fork, and so do a pool and what `at` and `restore` make of it.

        Raises
        ------
        StaleHandle
            When one is gone already, or another pool gave it and this one has no such claim; nothing is released.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> grant = pool.allocate("disk", gb=4, consumer="ada")
        >>> trial = pool.fork()
        >>> trial.release(grant)
        >>> len(trial.claims), len(pool.claims)
        (0, 1)
        """
        self._core.release(held)

    def resize(
        self, held: Grant | Claim, /, amounts: Mapping[str, Amount] | None = None, **dimensions: Amount
    ) -> Grant | Denial:
        """Change the amounts of a claim where it is.

        Parameters
        ----------
        held : Grant or Claim
            A grant of one claim.
        amounts, **dimensions
            New units; dimensions left out keep theirs.

        Returns
        -------
        Grant or Denial
            The grant as it is now, or why its instance cannot hold more.

        Raises
        ------
        StaleHandle
            When it is gone, or of another pool (see `release`).
        RequestError, UnknownName
            When the amounts make no sense.
        """
        claim = _single(held)
        denial = self._core.resize(claim, {**merged_amounts(amounts, dimensions), **dimensions})
        return self._grant(claim._key) if denial is None else denial

    def transfer(self, held: Grant | Claim, /, *, consumer: str) -> Grant | Denial:
        """Hand a claim to another consumer, where it is.

        Raises
        ------
        StaleHandle
            When it is gone, or of another pool (see `release`).
        """
        claim = _single(held)
        denial = self._core.transfer(claim, consumer)
        return self._grant(claim._key) if denial is None else denial

    def move(self, held: Grant | Claim, /, instance: str) -> Grant | Denial:
        """Move a claim to another instance of the same version of its type.

        It keeps its id, its grant, its consumer, its amounts and its end. No policy is asked, and the filter of the
        request that made it neither.

        Parameters
        ----------
        held : Grant or Claim
            A grant of one claim.
        instance : str
            The id of the new instance. Where the claim is already, nothing changes.

        Returns
        -------
        Grant or Denial
            The grant as it is now, or why the instance cannot take the claim: a state field, its consumers, its
            capacity.

        Raises
        ------
        StaleHandle
            When it is gone, or of another pool (see `release`).
        UnknownName
            When there is no such instance.
        RequestError
            When that is of another type, or another version of the type: migrate first.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 3]}, type="disk")
        2
        >>> grant = pool.allocate("disk", gb=4, consumer="ada")
        >>> pool.move(grant, "d2").message
        "'d2' cannot take the claim: gb needs 4, has 3; it is too small even when empty"
        """
        claim = _single(held)
        denial = self._core.move(claim, instance)
        return self._grant(claim._key) if denial is None else denial

    def why(self, held: Grant | Claim | str | Mapping[str, Any], /, *, limit: int = 10) -> Explanation:
        """Say why a claim is where it is, and not elsewhere.

        The request that made it is looked at once more, in the state that it met then: every candidate with its score
        and the score's parts. Of a slot of a tree these are the slot's; candidates above the one chosen led nowhere.

        Parameters
        ----------
        held : Grant, Claim, str or mapping
            A grant of one claim; a claim, its id, or a row of `allocate_many`'s answers.
        limit : int, default 10
            Rows of the ranking.

        Returns
        -------
        Explanation
            `Explanation.chosen` says what was chosen, when, and where it stood in the ranking.

        Raises
        ------
        StaleHandle
            When it is gone, or of another pool (see `release`).
        UnknownName
            When the journal does not keep the change that made it: it is older than ``journal_bytes`` reaches back, or
            than this pool, if that is a fork or was restored.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}, "policy": "least_utilised"}}})
        >>> pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 20]}, type="disk")
        2
        >>> first, second = (pool.allocate("disk", gb=4, consumer=name) for name in ("ada", "bob"))
        >>> pool.why(second)
        Explanation(bob: d2 was number 1, 2 candidates)
        >>> [(row["instance"], row["score"]) for row in pool.why(second).ranking]
        [('d2', 0), ('d1', 0.4)]
        """
        if limit < 0:
            raise RequestError(f"limit is {limit}; give the number of rows, 0 or more")
        if isinstance(held, Grant | Claim):
            return Explanation(self._core.why(_single(held), limit))
        return Explanation(self._core.why(claim_key(held, self.revision.partition(".")[0]), limit))

    def explain(self, type: str = "", /, *, consumer: str = "anyone", limit: int = 10, **arguments: Any) -> Explanation:
        """Say how a request would be decided now, without deciding it.

        Parameters
        ----------
        type : str
        consumer : str, default "anyone"
            Who would receive.
        limit : int, default 10
            Rows of the ranking.
        **arguments
            As for `allocate`.
        """
        if limit < 0:
            raise RequestError(f"limit is {limit}; give the number of rows, 0 or more")
        request = core_request(type, {**arguments, "consumer": consumer}, self._core.now)
        return Explanation(self._core.explain(request, limit), self, request)

    def tick(self, now: datetime | float | None = None) -> int:
        """End the claims and marks whose time has come; how many there were.

        Parameters
        ----------
        now : datetime or float, optional
            For a pool with a clock of its own: the new time, in seconds since the epoch.
        """
        return self._core.tick(time_ns(now, 0, "now"))

    def _grant(self, key: tuple[int, int]) -> Grant:
        return self._core.grant(key, self)


def _single(held: Grant | Claim) -> Claim:
    if isinstance(held, Claim):
        return held
    if not isinstance(held, Grant):
        raise RequestError(f"expected a grant or a claim, found {held!r}")
    if len(held.claims) != 1:
        raise RequestError(f"this grant has {len(held.claims)} claims: name one of grant.claims")
    return held.claims[0]


# People call these on a Pool: what Python says of wrong arguments should name it so.
for _base in Pool.__mro__[1:-1]:
    for _name, _member in vars(_base).items():
        if isfunction(_member):
            _member.__qualname__ = f"Pool.{_name}"
del _base, _name, _member
