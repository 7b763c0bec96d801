"""Documents as TOML that people can read: what a policy looks like once the list of pods has been put in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

__all__ = ["as_toml"]


def as_toml(tree: Mapping[str, Any]) -> str:
    """Write a document as TOML: tables of tables by headers, lists of tables a line each.

    Parameters
    ----------
    tree : mapping
        Of mappings, lists, texts, numbers and booleans.

    Returns
    -------
    str

    Examples
    --------
    >>> print(as_toml({"types": {"disk": {"dimensions": {"gb": {"step": 1}}}}}))
    [types.disk]
    dimensions = { gb = { step = 1 } }
    """
    lines: list[str] = []
    for area, tables in tree.items():
        for name, table in tables.items():
            lines += ["", f"[{area}.{name}]"]
            lines += [f"{key} = {_toml_value(value)}" for key, value in table.items() if not _has_tables(value)]
            for key, value in table.items():
                if _has_tables(value):
                    lines += _toml_table(f"{area}.{name}.{key}", value)
    return "\n".join(lines[1:])


def _has_tables(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(each, list) for each in value.values())


def _toml_table(header: str, table: Mapping[str, Any]) -> list[str]:
    lines = ["", f"[{header}]"]
    for key, value in table.items():
        if isinstance(value, list):
            lines += [f"{key} = [", *(f"  {_toml_value(each)}," for each in value), "]"]
        else:
            lines.append(f"{key} = {_toml_value(value)}")
    return lines


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_toml_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, str) and "\n" in value and value.replace("\n", "").isprintable():
        return '"""\n' + value.replace("\\", "\\\\").replace('"', '\\"') + '"""'
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
