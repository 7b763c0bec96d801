"""What a migration from one version of a type to another did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ._errors import RequestError

__all__ = ["Migrated", "ids_of", "mapping_of"]


@dataclass(frozen=True)
class Migrated:
    """What `Pool.migrate` moved, or would move.

    Attributes
    ----------
    version : int
        The number of the type's version that they have now.
    instances : int
        How many were moved. Those that had the version already are not counted.
    claims : int
        Claims and marks that moved with them.
    dropped : dict of str to int
        Fields and state fields that the version lacks, such as ``fields.rack``, and how many of the moved instances had
        a value there. The values are gone.

    Examples
    --------
    >>> import apportion as ap
    >>> pool = ap.load({"types": {"disk": {"fields": {"rack": {"kind": "string"}}}}})
    >>> pool.add("d1", type="disk", fields={"rack": "r7"})
    >>> pool.apply({"types": {"disk": {}}})
    >>> pool.migrate("disk", dry_run=True).dropped
    {'fields.rack': 1}
    """

    version: int
    instances: int
    claims: int
    dropped: dict[str, int]


def ids_of(instances: Iterable[str]) -> list[str]:
    """Give the ids as a list. A lone text would be read letter by letter, so it is refused."""
    if isinstance(instances, str | bytes) or not isinstance(instances, Iterable):
        raise RequestError(f"instances: expected several ids, found {instances!r}")
    return list(instances)


def mapping_of(name: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give a plain dict, or say that `values` is no mapping."""
    if values is not None and not isinstance(values, Mapping):
        raise RequestError(f"{name}: expected a mapping of names to values, found {values!r}")
    return dict(values or {})
