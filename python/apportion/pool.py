"""The pool: everything that can be asked of apportion in one process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from . import _core, metadata
from ._answers import Claim, Denial, Explanation, Grant
from ._columns import columns_of
from ._errors import RequestError
from .journal import Journal
from .table import Table

__all__ = ["Pool", "Request", "load"]

Amount = int | float | Decimal
When = datetime | timedelta | float
Source = str | bytes | os.PathLike[str] | Mapping[str, Any]

_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REQUEST_COLUMNS: Final = frozenset({"type", "consumer", "count", "policy", "where", "key"})


def _span_ns(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * _NS + span.microseconds * 1000


def _time_ns(when: When | None, now: int, name: str) -> int | None:
    """Nanoseconds since the epoch; numbers and timedeltas count from `now`."""
    if when is None:
        return None
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise RequestError(f"{name}: a datetime needs a time zone, such as datetime.now(UTC); got {when!r}")
        return _span_ns(when - _EPOCH)
    if isinstance(when, timedelta):
        return now + _span_ns(when)
    try:
        return now + round(when * _NS)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(f"{name}: expected a datetime, a timedelta or seconds from now, got {when!r}") from error


class Request:
    """A request that is decided together with others, see `Pool.allocate_all`.

    Takes the arguments of `Pool.allocate` but `key`: a call as a whole is all or nothing. Times count from the moment
    of the call that decides.

    Examples
    --------
    >>> Request("disk", gb=10, consumer="ada")
    Request('disk', gb=10, consumer='ada')
    """

    __slots__ = ("_arguments", "_type")

    def __init__(self, type: str = "", /, *, consumer: str, **arguments: Any) -> None:
        self._type = type
        self._arguments = {**arguments, "consumer": consumer}

    def __repr__(self) -> str:
        parts = [repr(self._type), *(f"{name}={value!r}" for name, value in self._arguments.items())]
        return f"Request({', '.join(parts)})"


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


class Pool:
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

    def __init__(self, *, origin: int = 0, journal_bytes: int = 64 << 20, clock: float | None = None) -> None:
        self._core = _core.Pool(origin, journal_bytes, None if clock is None else round(clock * _NS))

    @classmethod
    def _wrap(cls, core: _core.Pool) -> Pool:
        pool = cls.__new__(cls)
        pool._core = core
        return pool

    # --- metadata and inventory

    def apply(self, document: Source) -> None:
        """Apply a document, whole or not at all: types, policies, kinds, relationships, instances, consumers.

        Parameters
        ----------
        document : path, str, bytes or dict
            A path ending in ``.toml`` or ``.json``; TOML or JSON text; or a dict.

        Raises
        ------
        DocumentError
            With every problem and its line; the pool is unchanged.
        """
        parsed = metadata.parse(document)
        found = self._core.apply(parsed.tree)
        if found:
            raise metadata.error(parsed, found)

    def add(
        self,
        id: str,
        /,
        *,
        type: str,
        capacity: Mapping[str, Amount] | None = None,
        version: int | None = None,
        address: str | None = None,
        location: str | None = None,
        parent: str | None = None,
        labels: Mapping[str, str] | None = None,
        groups: Sequence[str] | None = None,
        state: Mapping[str, Any] | None = None,
        fields: Mapping[str, Any] | None = None,
        relationships: Mapping[str, Sequence[str]] | None = None,
        reserved: Mapping[str, Amount] | None = None,
        ratio: Mapping[str, Amount] | None = None,
        usage: Mapping[str, Amount] | None = None,
        policy: str | None = None,
    ) -> None:
        """Add an instance.

        Parameters
        ----------
        id : str
            Unique in the pool, 1 to 200 bytes.
        type : str
            Its resource type.
        capacity : mapping of str to number, optional
            Units per dimension; what is left out is 0. Rounded down to whole steps.
        version : int, optional
            Of the type; default the newest.
        address, location : str, optional
            Free text. Grants name them.
        parent : str, optional
            The id of another instance.
        labels : mapping of str to str, optional
        groups : sequence of str, optional
        state, fields : mapping, optional
            Values of the type's state fields and fields.
        relationships : mapping of str to sequence of ids, optional
        reserved : mapping of str to number, optional
            Units that are not given away.
        ratio : mapping of str to number, optional
            What may be given is ``floor((capacity - reserved) * ratio)`` steps; default 1.
        usage : mapping of str to number, optional
            Measured usage in units.
        policy : str, optional
            Scores this instance instead of the type's policy.

        Raises
        ------
        RequestError, UnknownName
            When something does not fit the type; nothing is added.
        """
        self._core.add([_spec({"id": id, **{k: v for k, v in locals().items() if k not in {"self", "id"}}})])

    def add_many(self, instances: Any, *, type: str | None = None) -> int:
        """Add instances from columns, all or none.

        Parameters
        ----------
        instances : dict of columns, DataFrame, Arrow table, structured array
            Columns ``id``, ``type``, ``version``, ``address``, ``location``, ``parent``, ``groups``, ``policy``, and
            ``capacity.gb``, ``reserved.gb``, ``ratio.gb``, ``usage.gb``, ``state.status``, ``fields.name``,
            ``labels.tier`` for the members of tables.
        type : str, optional
            The type of all, instead of a column.

        Returns
        -------
        int
            How many were added.

        Raises
        ------
        RequestError, UnknownName
            Naming the row; nothing is added.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 20]}, type="disk")
        2
        """
        columns = columns_of(instances)
        if type is not None:
            columns = {**columns, "type": [type] * _rows_of(columns)}
        specs = [_nested(columns, row) for row in range(_rows_of(columns))]
        self._core.add(specs)
        return len(specs)

    def change(self, id: str, /, **members: Any) -> None:
        """Change an instance: the members of `add` that are given replace what is known.

        Tables (``capacity``, ``state``, ``fields`` ...) are merged name by name; ``labels`` and ``groups`` are replaced.
        A limit may fall below what is used: the instance then takes nothing more until enough was released.

        Raises
        ------
        UnknownName, RequestError
            The instance is unchanged.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> pool.change("d1", state={"status": "draining"})
        >>> pool.instance("d1")["state"]["status"]
        'draining'
        """
        self._core.change(_spec({"id": id, **members}))

    def remove(self, id: str, /) -> None:
        """Remove an instance that has no claims and is no instance's parent.

        Raises
        ------
        UnknownName, RequestError
        """
        self._core.remove(id)

    def add_consumer(self, id: str, /, *, kind: str = "", **attributes: Any) -> None:
        """Add a consumer, or describe one anew. A consumer that was never added appears with its first claim.

        Parameters
        ----------
        id : str
        kind : str, optional
            A consumer kind of the metadata.
        **attributes
            Values of the kind's attributes.
        """
        self._core.add_consumer({"id": id, **({"kind": kind} if kind else {}), "attributes": attributes})

    def remove_consumer(self, id: str, /) -> None:
        """Remove a consumer that has no claims."""
        self._core.remove_consumer(id)

    # --- allocation

    def allocate(
        self,
        type: str = "",
        /,
        *,
        consumer: str,
        count: int = 1,
        policy: str | Mapping[str, Any] | None = None,
        where: str = "",
        key: str = "",
        actor: str = "",
        starts: When | None = None,
        ends: When | None = None,
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
        key : str, optional
            Makes the call idempotent for 24 hours: the same key with the same request gives the same grant again.
        actor : str, optional
            Who calls; keys of different actors are different.
        starts, ends : datetime, timedelta or float, optional
            Numbers are seconds from now. The claim ends at `ends`; default never. The capacity is held from now on.
        amounts : mapping of str to number, optional
            Units per dimension, for dimensions whose names are taken by the arguments above.
        **dimensions : number
            Units per dimension. Rounded up to whole steps.

        Returns
        -------
        Grant or Denial
            A denial is false; `Denial.raise_for_denial` makes an exception of it.

        Raises
        ------
        RequestError, UnknownName
            When the request makes no sense.
        IdempotencyError
            When the key was used for another request.
        """
        request = self._request(
            type, {**(amounts or {}), **dimensions}, consumer, count, policy, where, key, actor, starts, ends, None
        )
        return self._answer(self._core.allocate(request))

    def mark(self, type: str = "", /, *, expires: When, **arguments: Any) -> Grant | Denial:
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
        request = self._request_from(type, arguments, expires)
        return self._answer(self._core.allocate(request))

    def commit(self, mark: Grant) -> Grant:
        """Make a mark a claim.

        Raises
        ------
        StaleHandle
            When the mark has expired.
        """
        self._core.commit([claim._key for claim in mark.claims])
        return mark.refresh()

    def allocate_all(self, requests: Iterable[Request]) -> list[Grant] | Denial:
        """Decide several requests as one: all are granted or none.

        Each request meets the claims of those before it. A denial's `member` says which one failed.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> denial = pool.allocate_all([Request("disk", gb=6, consumer="a"), Request("disk", gb=6, consumer="b")])
        >>> denial.code, denial.member
        ('conflict', 1)
        """
        made = [self._request_from(r._type, r._arguments, r._arguments.get("expires")) for r in requests]
        answer = self._core.allocate_all(made)
        if isinstance(answer, dict):
            return Denial(answer)
        return [Grant(self, data) for data in answer]

    def allocate_many(self, requests: Any, *, type: str = "") -> Table:
        """Decide many requests, each on its own, in order, in one call.

        Parameters
        ----------
        requests : dict of columns, DataFrame, Arrow table, structured array
            Columns ``consumer``, the dimensions, and if wanted ``type``, ``count``, ``policy``, ``where``, ``key``.
        type : str, optional
            The type of all, instead of a column.

        Returns
        -------
        Table
            A row per request: ``granted``, ``instance``, ``slot`` and ``generation`` of its (first) claim, and for a
            refused one the class in ``denial``. `release_many` takes it.

        Examples
        --------
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> answers = pool.allocate_many({"consumer": ["a", "b", "c"], "gb": [4, 4, 4]}, type="disk")
        >>> answers["granted"].tolist()
        [True, True, False]
        >>> pool.release_many(answers)
        2
        """
        columns = columns_of(requests)
        return Table(self._core.allocate_many(columns, type, _rows_of(columns)), "answers", self.revision)

    def release_many(self, answers: Table) -> int:
        """Release what `allocate_many` granted, all or none; the number of claims released."""
        granted = answers["granted"]
        slots, generations = answers["slot"], answers["generation"]
        keys = [(int(slots[i]), int(generations[i])) for i in range(len(answers)) if granted[i]]
        self._core.release(self._whole_grants(keys))
        return len(keys)

    def _whole_grants(self, keys: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(c[0], c[1]) for key in keys for c in self._core.grant(key)[3]]

    def release(self, held: Grant | Claim | Iterable[Grant | Claim]) -> None:
        """Give back a grant, a claim, or several of them, all or none.

        Raises
        ------
        StaleHandle
            When one is gone already; nothing is released.
        """
        self._core.release(list(_keys(held)))

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
        """
        claim = _single(held)
        denial = self._core.resize(claim._key, {**(amounts or {}), **dimensions})
        return self._grant(claim._key) if denial is None else Denial(denial)

    def transfer(self, held: Grant | Claim, /, *, consumer: str) -> Grant | Denial:
        """Hand a claim to another consumer, where it is."""
        claim = _single(held)
        denial = self._core.transfer(claim._key, consumer)
        return self._grant(claim._key) if denial is None else Denial(denial)

    def explain(self, type: str = "", /, *, limit: int = 10, **arguments: Any) -> Explanation:
        """Say how a request would be decided now, without deciding it.

        Parameters
        ----------
        type : str
        limit : int, default 10
            Rows of the ranking.
        **arguments
            As for `allocate`.
        """
        return Explanation(self._core.explain(self._request_from(type, arguments, None), limit))

    def tick(self, now: datetime | float | None = None) -> int:
        """End the claims and marks whose time has come; how many there were.

        Parameters
        ----------
        now : datetime or float, optional
            For a pool with a clock of its own: the new time, in seconds since the epoch.
        """
        return self._core.tick(_time_ns(now, 0, "now"))

    # --- what is

    @property
    def revision(self) -> str:
        """``origin.incarnation.number`` of the last change."""
        return self._core.revision()

    @property
    def hash(self) -> str:
        """The state's hash, 32 hexadecimal digits: equal states have equal hashes, whatever their history."""
        return self._core.hash()

    @property
    def now(self) -> float:
        """The pool's time, in seconds since the epoch."""
        return self._core.now() / _NS

    @property
    def journal(self) -> Journal:
        """The kept changes, newest last."""
        return Journal(self._core)

    @property
    def instances(self) -> Table:
        """A row per instance, in order of arrival."""
        return Table(self._core.instances(), "instances", self.revision)

    @property
    def claims(self) -> Table:
        """A row per claim and mark."""
        return Table(self._core.claims(), "claims", self.revision)

    @property
    def consumers(self) -> Table:
        """A row per consumer."""
        return Table(self._core.consumers(), "consumers", self.revision)

    @property
    def types(self) -> Table:
        """A row per version of a type."""
        return Table(self._core.types(), "types", self.revision)

    @property
    def metadata(self) -> dict[str, Any]:
        """The definitions in force, as a document writes them."""
        return dict(self._core.metadata())

    def policy(self, name: str, /) -> dict[str, Any]:
        """The definition of a policy: print it, copy it, change it.

        Examples
        --------
        >>> Pool().policy("balance_count")["score"]
        'self.consumers'
        """
        policies = self._core.metadata()["policies"]
        if name not in policies:
            from ._errors import UnknownName

            raise UnknownName(f"there is no policy {name!r}; there are {', '.join(sorted(policies))}")
        return dict(policies[name])

    def instance(self, id: str, /) -> dict[str, Any]:
        """Everything known of one instance.

        Raises
        ------
        UnknownName
        """
        return dict(self._core.instance(id))

    def memory(self) -> dict[str, int]:
        """Bytes of instances, claims, consumers and the journal."""
        return dict(self._core.memory())

    # --- other states

    def fork(self) -> Pool:
        """A copy that goes its own way; costs microseconds, whatever the size. Its journal starts here."""
        return Pool._wrap(self._core.fork())

    def at(self, revision: int | str | datetime, /) -> Pool:
        """The pool as it was.

        Parameters
        ----------
        revision : int, str or datetime
            A number, a revision such as ``"0.0.12"``, or a time: then the newest change that is not after it.

        Raises
        ------
        UnknownName
            When the revision is older than the oldest kept, which is named.
        """
        if isinstance(revision, datetime):
            number = self._core.number_at(_time_ns(revision, 0, "revision") or 0)
        elif isinstance(revision, str):
            number = int(revision.rpartition(".")[2])
        else:
            number = revision
        return Pool._wrap(self._core.at(number))

    def snapshot(self) -> bytes:
        """The whole state as bytes; `restore` makes a pool of them."""
        return self._core.snapshot()

    @staticmethod
    def restore(snapshot: bytes, *, journal_bytes: int = 64 << 20, clock: float | None = None) -> Pool:
        """Make a pool from a snapshot.

        Raises
        ------
        SnapshotError
            When a single bit of it is damaged; nothing is half loaded.
        """
        return Pool._wrap(_core.Pool.restore(snapshot, journal_bytes, None if clock is None else round(clock * _NS)))

    def __repr__(self) -> str:
        types = {row["type"] for row in self.types}
        kinds = f"{len(types)} type{'' if len(types) == 1 else 's'}"
        return f"Pool({kinds}, {len(self.instances)} instances, {len(self.claims)} claims, revision {self.revision})"

    def _repr_html_(self) -> str:
        return self.types._repr_html_() + self.instances._repr_html_()

    # --- inside

    def _grant(self, key: tuple[int, int]) -> Grant:
        return Grant(self, self._core.grant(key))

    def _answer(self, answer: Any) -> Grant | Denial:
        return Denial(answer) if isinstance(answer, dict) else Grant(self, answer)

    def _request_from(self, type: str, arguments: Mapping[str, Any], expires: When | None) -> _core.Request:
        rest = {name: value for name, value in arguments.items() if name != "expires"}
        taken = {name: rest.pop(name, default) for name, default in _DEFAULTS.items()}
        amounts = {**(rest.pop("amounts", None) or {}), **rest}
        return self._request(type, amounts, *taken.values(), expires)

    def _request(
        self,
        type: str,
        amounts: Mapping[str, Amount],
        consumer: str,
        count: int,
        policy: str | Mapping[str, Any] | None,
        where: str,
        key: str,
        actor: str,
        starts: When | None,
        ends: When | None,
        expires: When | None,
    ) -> _core.Request:
        now = 0 if starts is ends is expires is None else self._core.now()
        try:
            return _core.Request(
                type,
                dict(amounts),
                consumer,
                count,
                dict(policy) if isinstance(policy, Mapping) else policy,
                where,
                key,
                actor,
                _time_ns(starts, now, "starts"),
                _time_ns(ends, now, "ends"),
                expires is not None,
                _time_ns(expires, now, "expires"),
            )
        except (TypeError, ValueError) as error:
            raise error if isinstance(error, RequestError) else RequestError(str(error)) from error


_DEFAULTS: Final[dict[str, Any]] = {
    "consumer": "",
    "count": 1,
    "policy": None,
    "where": "",
    "key": "",
    "actor": "",
    "starts": None,
    "ends": None,
}


def _spec(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are given, in the form of a document."""
    return {name: value for name, value in members.items() if value is not None}


def _rows_of(columns: Mapping[str, Any]) -> int:
    return len(next(iter(columns.values()))) if columns else 0


def _nested(columns: Mapping[str, Any], row: int) -> dict[str, Any]:
    """One row, with ``capacity.gb`` as a member of a table ``capacity``; missing values are left out."""
    spec: dict[str, Any] = {}
    for name, values in columns.items():
        value = values[row]
        if value is None or value != value:  # noqa: PLR0124 - NaN is "no value"
            continue
        table, dot, member = name.partition(".")
        if dot:
            spec.setdefault(table, {})[member] = value
        else:
            spec[name] = list(value) if isinstance(value, tuple) else value
    return spec


def _keys(held: Grant | Claim | Iterable[Grant | Claim]) -> Iterable[tuple[int, int]]:
    if isinstance(held, Claim):
        yield held._key
    elif isinstance(held, Grant):
        yield from (claim._key for claim in held.claims)
    else:
        for each in held:
            yield from _keys(each)


def _single(held: Grant | Claim) -> Claim:
    if isinstance(held, Claim):
        return held
    if len(held.claims) != 1:
        raise RequestError(f"this grant has {len(held.claims)} claims: name one of grant.claims")
    return held.claims[0]
