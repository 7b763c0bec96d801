"""What can be read of a pool, and the states it can be copied to."""

from __future__ import annotations

import operator
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Self

from ._core import Pool as CorePool
from ._core import Table as CoreTable
from ._errors import RequestError, UnknownName
from ._requests import NS, clock_ns, time_ns
from ._tree import Tree, tree_of
from .journal import Journal
from .maintenance import Maintenance
from .table import Table

__all__ = ["PoolState"]


class PoolState:
    """The reading half of `apportion.Pool`."""

    _core: CorePool

    @classmethod
    def _wrap(cls, core: CorePool) -> Self:
        pool = cls.__new__(cls)
        pool._core = core
        return pool

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
        return self._core.now() / NS

    @property
    def journal(self) -> Journal:
        """The kept changes, newest last."""
        return Journal(self._core)

    @property
    def instances(self) -> Table:
        """A row per instance, in order of arrival."""
        return _table(self._core.instances(), "instances")

    @property
    def claims(self) -> Table:
        """A row per claim and mark."""
        return _table(self._core.claims(), "claims")

    @property
    def consumers(self) -> Table:
        """A row per consumer."""
        return _table(self._core.consumers(), "consumers")

    @property
    def types(self) -> Table:
        """A row per version of a type."""
        return _table(self._core.types(), "types")

    @property
    def maintenance(self) -> Maintenance:
        """When instances and groups are out of service; see `Maintenance`."""
        return Maintenance(self._core, lambda table: _table(table, "maintenance"))

    @property
    def denials(self) -> Table:
        """How often requests were denied since this pool was made: a row per type, class, stage and dimension.

        The most frequent come first. Statistics, not state: a fork, a former state and a restored pool begin anew.
        Denials of `resize`, `transfer`, `move` and `explain` do not count.

        Examples
        --------
        >>> from apportion import load
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> answers = pool.allocate_many({"consumer": ["a", "b", "c"], "gb": [40, 4, 40]}, type="disk")
        >>> list(pool.denials)
        [{'type': 'disk', 'class': 'never', 'stage': 'capacity', 'dimension': 'gb', 'count': 2}]
        """
        return _table(self._core.denials(), "denials")

    @property
    def metadata(self) -> dict[str, Any]:
        """The definitions in force, as a document writes them."""
        return dict(self._core.metadata())

    def policy(self, name: str, /) -> dict[str, Any]:
        """Give the definition of a policy: print it, copy it, change it.

        Examples
        --------
        >>> import apportion as ap
        >>> ap.Pool().policy("balance_count")["score"]
        'self.consumers'
        """
        policies = self._core.metadata()["policies"]
        if name not in policies:
            close = get_close_matches(str(name), policies, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(policies))}"
            raise UnknownName(f"there is no policy {name!r}; {hint}")
        return dict(policies[name])

    def tree(self, type: str, /) -> Tree:
        """Show what a type needs, level by level: prints as text, shows as a drawing.

        Raises
        ------
        UnknownName

        Examples
        --------
        >>> import apportion as ap
        >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}},
        ...                           "pair": {"needs": [{"type": "disk", "gb": 5, "count": 2}]}}})
        >>> print(pool.tree("pair"))
        pair@1, an outcome
        └─ disk@1 x 2  gb = 5
        """
        metadata = self._core.metadata()
        if type not in metadata["types"]:
            close = get_close_matches(str(type), metadata["types"], 1)
            raise UnknownName(f"there is no type {type!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
        newest = {row["type"]: row["version"] for row in self.types}
        return tree_of(type, metadata, newest)

    def instance(self, id: str, /) -> dict[str, Any]:
        """Give everything known of one instance.

        Raises
        ------
        UnknownName
        """
        return dict(self._core.instance(id))

    def index_stats(self) -> dict[str, int]:
        """Say what the index of request shapes holds and did.

        A shape is what requests have in common that differ only in who asks: type, amounts, count, policy, filter. One
        that is asked for a third time within some thousand requests is indexed.

        Returns
        -------
        dict
            ``shapes`` known and ``indexed`` ones; ``bytes`` of these and their ``limit_bytes``; ``roster_bytes`` and
            ``group_bytes`` of what all shapes share; choices by the index (``hits``) and by looking at every instance
            that fits (``scans``), of which several threads did ``shared_scans``; ``evictions``, ``builds``, and
            ``rows_evaluated`` and ``blocks_evaluated`` to follow changes.

        Examples
        --------
        >>> from apportion import load
        >>> pool = load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> for name in "abcd":
        ...     grant = pool.allocate("disk", gb=1, consumer=name)
        >>> stats = pool.index_stats()
        >>> stats["scans"], stats["hits"]
        (2, 2)
        """
        return dict(self._core.index_stats())

    def memory(self) -> dict[str, int]:
        """Count the bytes of instances, claims, consumers and the journal."""
        return dict(self._core.memory())

    # --- other states

    def fork(self) -> Self:
        """Copy the pool, in microseconds whatever the size: the copy goes its own way, and its journal starts here."""
        return self._wrap(self._core.fork())

    def at(self, revision: int | str | datetime, /) -> Self:
        """Give the pool as it was.

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
            number = self._core.number_at(time_ns(revision, 0, "revision") or 0)
        else:
            number = _number_of(revision)
        return self._wrap(self._core.at(number))

    def snapshot(self) -> bytes:
        """Write the whole state as bytes; `restore` makes a pool of them."""
        return self._core.snapshot()

    @classmethod
    def restore(
        cls,
        snapshot: bytes,
        *,
        journal_bytes: int = 64 << 20,
        clock: float | None = None,
        index_bytes: int = 256 << 20,
    ) -> Self:
        """Make a pool from a snapshot.

        Raises
        ------
        SnapshotError
            When a single bit of it is damaged; nothing is half loaded.
        """
        if not isinstance(snapshot, bytes | bytearray | memoryview):
            raise RequestError(f"a snapshot is bytes, not {type(snapshot).__name__}")
        return cls._wrap(CorePool.restore(bytes(snapshot), journal_bytes, clock_ns(clock), index_bytes))

    def __repr__(self) -> str:
        numbers = {
            "type": len({row["type"] for row in self.types}),
            "instance": len(self.instances),
            "claim": len(self.claims),
        }
        counts = [f"{number} {what}{'' if number == 1 else 's'}" for what, number in numbers.items()]
        return f"Pool({', '.join(counts)}, revision {self.revision})"

    def _repr_html_(self) -> str:
        return self.types._repr_html_() + self.instances._repr_html_()


def _table(core: CoreTable, name: str) -> Table:
    """Name the rows; the revision is that of the state which was read, whatever was written since."""
    return Table(core, name, core.revision)


def _number_of(revision: int | str) -> int:
    """Read the number of a revision such as 12, "12" or "0.0.12"."""
    try:
        if isinstance(revision, str):
            last = revision.rpartition(".")[2]
            number = int(last) if last.isdecimal() else -1
        else:
            number = -1 if isinstance(revision, bool) else operator.index(revision)
    except TypeError:
        number = -1
    if not 0 <= number < 2**63:
        raise RequestError(f'revision: expected a number, text such as "0.0.12" or a datetime, found {revision!r}')
    return number
