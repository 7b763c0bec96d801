"""What a pool is told of: documents, instances, consumers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import metadata
from ._columns import columns_of
from ._migration import Migrated, ids_of, mapping_of
from ._requests import Amount
from ._specs import given, nested, rows_of, usage_readings
from ._state import PoolState

__all__ = ["PoolInventory", "Source"]

Source = str | bytes | os.PathLike[str] | Mapping[str, Any]


class PoolInventory(PoolState):
    """The part of `apportion.Pool` that is told what there is."""

    def apply(self, document: Source) -> None:
        """Apply a document, whole or not at all: definitions, instances and consumers.

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
        ratio: Mapping[str, Amount | Mapping[str, Amount]] | None = None,
        claim: Mapping[str, Mapping[str, Any]] | None = None,
        whole: bool | None = None,
        parts: int | None = None,
        needs: Sequence[Mapping[str, Any]] | None = None,
        generation: int | None = None,
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
        ratio : mapping of str to number, or to a mapping of layers, optional
            What may be given is ``floor((capacity - reserved) * ratio)`` steps; default 1. Layers such as
            ``{"threads": 2, "overcommit": 1.5}`` are multiplied.
        claim : mapping of str to mapping, optional
            What one claim may take of a dimension, instead of the type's rule: ``min``, ``max``, ``step``, ``amounts``,
            ``default``, ``round_up``.
        whole : bool, optional
            Whoever takes of it takes all of it.
        parts : int, optional
            So many instances have to have it as their parent; until then neither it nor what lies in it is offered.
        needs : sequence of mapping, optional
            Instances that whoever is given this one needs too: ``{"instance": "p1", "cores": "request.gb / 10"}``.
        generation : int, optional
            0 insists that it is new, as `add` does anyway; for `change` see there.
        usage : mapping of str to number, optional
            Measured usage in units.
        policy : str, optional
            Scores this instance instead of the type's policy.

        Raises
        ------
        RequestError, UnknownName
            When something does not fit the type; nothing is added.
        """
        self._core.add([given({"id": id, **{k: v for k, v in locals().items() if k not in {"self", "id"}}})])

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
        >>> import apportion as ap
        >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 20]}, type="disk")
        2
        """
        columns = columns_of(instances)
        if type is not None:
            columns = {**columns, "type": [type] * rows_of(columns)}
        specs = [nested(columns, row) for row in range(rows_of(columns))]
        self._core.add(specs)
        return len(specs)

    def change(self, id: str, /, **members: Any) -> None:
        """Change an instance: the members of `add` that are given replace what is known.

        Tables (``capacity``, ``state``, ``fields`` ...) are merged name by name; ``labels`` and ``groups`` are
        replaced. A limit may fall below what is used: the instance then takes nothing more until enough was released.
        With ``generation=n`` it is changed only if it is still at that generation, which counts how often something was
        said of it (``pool.instance(id)["generation"]``).

        Raises
        ------
        UnknownName, RequestError
            The instance is unchanged.
        StaleHandle
            It is at another generation, and unchanged.

        Examples
        --------
        >>> import apportion as ap
        >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> pool.change("d1", state={"status": "draining"})
        >>> pool.instance("d1")["state"]["status"]
        'draining'
        """
        self._core.change([given({"id": id, **members})])

    def remove(self, id: str, /) -> None:
        """Remove an instance that has no claims and is no instance's parent.

        Raises
        ------
        UnknownName, RequestError
        """
        self._core.remove([id])

    def change_many(self, instances: Any) -> int:
        """Change instances from columns, all or none: as `add_many`, with an ``id`` and what changes.

        Examples
        --------
        >>> import apportion as ap
        >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 20]}, type="disk")
        2
        >>> pool.change_many({"id": ["d1", "d2"], "state.status": ["offline", "draining"]})
        2
        """
        columns = columns_of(instances)
        specs = [nested(columns, row) for row in range(rows_of(columns))]
        self._core.change(specs)
        return len(specs)

    def remove_many(self, ids: Iterable[str]) -> int:
        """Remove instances, all or none; how many."""
        removed = [str(id) for id in ids]
        self._core.remove(removed)
        return len(removed)

    def migrate(
        self,
        type: str,
        /,
        *,
        to: int | None = None,
        instances: Iterable[str] | None = None,
        fields: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        capacity: Mapping[str, Amount] | None = None,
        dry_run: bool = False,
    ) -> Migrated:
        """Move instances, with their claims and marks, to another version of their type: all of them or none.

        Whatever does not depend on the version stays: ids, order, location, parents, groups, labels, links, claims and
        their holders and times. Capacities are rounded down to steps of the new version, reserved portions and claims
        up. Values that the new version accepts are kept.

        Parameters
        ----------
        type : str
        to : int, optional
            The version; default the newest.
        instances : iterable of str, optional
            Their ids; default all that have another version. One that has it already stays as it is.
        fields, state : mapping, optional
            Values for instances that have none, or one that the new version does not accept.
        capacity : mapping of str to number, optional
            Units per dimension that is new to an instance; default 0.
        dry_run : bool, default False
            Say what would be done, or why it is refused, and leave everything as it is.

        Returns
        -------
        Migrated

        Raises
        ------
        RequestError
            Naming the instance, when the new version does not accept a value or needs one, when claims would no longer
            fit after rounding, or when a dimension would go that has capacity or claims.
        UnknownName

        Examples
        --------
        >>> import apportion as ap
        >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add("d1", type="disk", capacity={"gb": 10})
        >>> grant = pool.allocate("disk", gb=4, consumer="ada")
        >>> pool.apply({"types": {"disk": {"dimensions": {"gb": {"step": 0.001}}}}})
        >>> pool.migrate("disk")
        Migrated(version=2, instances=1, claims=1, dropped={})
        >>> pool.instance("d1")["version"]
        2
        """
        ids = None if instances is None else ids_of(instances)
        values = mapping_of("state", state), mapping_of("fields", fields), mapping_of("capacity", capacity)
        return Migrated(*self._core.migrate(type, to, ids, values[0], values[1], values[2], bool(dry_run)))

    def update_usage(self, readings: Any) -> int:
        """Refresh measured and predicted usage in one change.

        Parameters
        ----------
        readings : dict of columns, DataFrame, Arrow table, structured array
            Column ``id``, and ``usage.gb``, ``predicted.gb`` ... in units. A missing value leaves what is known.

        Returns
        -------
        int
            How many values were taken.

        Examples
        --------
        >>> import apportion as ap
        >>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
        >>> pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 20]}, type="disk")
        2
        >>> pool.update_usage({"id": ["d1", "d2"], "usage.gb": [1.5, 3]})
        2
        >>> pool.instance("d1")["usage"]
        {'gb': 1.5}
        """
        values = usage_readings(columns_of(readings))
        self._core.update_usage(values)
        return len(values)

    def add_consumer(
        self, id: str, /, *, kind: str = "", groups: Sequence[str] | None = None, **attributes: Any
    ) -> None:
        """Add a consumer, or describe one anew. A consumer that was never added appears with its first claim.

        Parameters
        ----------
        id : str
        kind : str, optional
            A consumer kind of the metadata.
        groups : sequence of str, optional
            Groups of consumers it belongs to, whose quotas bind it.
        **attributes
            Values of the kind's attributes.
        """
        described: dict[str, Any] = {"id": id, "attributes": attributes}
        if kind:
            described["kind"] = kind
        if groups:
            described["groups"] = list(groups)
        self._core.add_consumer(described)

    def remove_consumer(self, id: str, /) -> None:
        """Remove a consumer that has no claims."""
        self._core.remove_consumer(id)
