"""Instances as people write them, in the form of a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._errors import RequestError

__all__ = ["given", "nested", "rows_of", "usage_readings"]


def given(members: Mapping[str, Any]) -> dict[str, Any]:
    """Give the members that are set, in the form of a document."""
    return {name: value for name, value in members.items() if value is not None}


def rows_of(columns: Mapping[str, Any]) -> int:
    return len(next(iter(columns.values()))) if columns else 0


def nested(columns: Mapping[str, Any], row: int) -> dict[str, Any]:
    """One row, with ``capacity.gb`` as a member of a table ``capacity``; missing values are left out."""
    spec: dict[str, Any] = {}
    for name, values in columns.items():
        value = values[row]
        if value is None or value != value:  # NaN is "no value"
            continue
        table, dot, member = name.partition(".")
        if dot:
            spec.setdefault(table, {})[member] = value
        else:
            spec[name] = list(value) if isinstance(value, tuple) else value
    return spec


def usage_readings(columns: Mapping[str, Any]) -> list[tuple[str, str, bool, float]]:
    """Give (id, dimension, predicted, units) for every value of columns such as ``usage.gb`` and ``predicted.gb``."""
    if "id" not in columns:
        raise RequestError("readings need a column 'id'")
    readings = []
    for name, values in columns.items():
        kind, _, dimension = name.partition(".")
        if name == "id":
            continue
        if kind not in {"usage", "predicted"} or not dimension:
            raise RequestError(f"expected columns such as 'usage.gb' and 'predicted.gb', found {name!r}")
        for id, value in zip(columns["id"], values, strict=True):
            if value is not None and value == value:  # NaN is "no value"
                readings.append((str(id), dimension, kind == "predicted", float(value)))
    return readings
