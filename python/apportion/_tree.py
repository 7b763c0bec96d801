"""What a type needs, drawn: in lines of text, and as a picture."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ._reports import Report

__all__ = ["Tree", "tree_of"]

_MOST_NODES: Final = 1000
_WORDS: Final = ("on", "same_as", "same", "different", "require", "prefer", "policy")
_KNOWN: Final = frozenset({*_WORDS, "type", "as", "count", "optional", "whole", "any_of"})
_LINE: Final = 24  # pixels
_INDENT: Final = 28
_LETTER: Final = 7.3


class Tree(Report):
    """The needs of a type, level by level, each with the version that a request would follow now. Frozen.

    Prints as text and shows as a drawing in a notebook. `to_dict` gives the nodes: ``role``, ``type``, ``version``,
    ``kind`` ("outcome", "type" or "any of"), ``amounts``, ``count``, ``words`` and ``needs``, a list of nodes.

    Examples
    --------
    >>> import apportion as ap
    >>> pool = ap.load({"types": {
    ...     "disk": {"dimensions": {"gb": {}}, "fields": {"zone": {"kind": "string"}}},
    ...     "mailbox": {"dimensions": {"gb": {}}, "needs": [
    ...         {"type": "disk", "as": "primary", "gb": "request.gb", "different": "zone"},
    ...         {"type": "disk", "as": "backup", "gb": "request.gb", "different": "zone"}]}}})
    >>> print(pool.tree("mailbox"))
    mailbox@1, an outcome
    ├─ primary: disk@1  gb = request.gb, different zone
    └─ backup: disk@1  gb = request.gb, different zone
    """

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join([_head(self.data, True), *_lines(self.data)])

    def __repr__(self) -> str:
        return f"Tree({self.data['type']}@{self.data['version']}, {sum(1 for _ in _nodes(self.data)) - 1} needs)"

    def _repr_html_(self) -> str:
        rows: list[tuple[int, int, str, str]] = []
        _add_rows(self.data, 0, 0, rows)
        width = max(_INDENT * depth + _LETTER * (len(head) + len(rest) + 2) for depth, _, head, rest in rows) + 16
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{_LINE * len(rows) + 8}" '
            'font-family="monospace" font-size="12" fill="currentColor">'
        ]
        for at, (depth, above, head, rest) in enumerate(rows):
            x, y = _INDENT * depth + 8, _LINE * at + 18
            if depth > 0:
                line = f"M{x - _INDENT + 6} {_LINE * above + 24}V{y - 4}H{x - 4}"
                parts.append(f'<path d="{line}" fill="none" stroke="currentColor" opacity=".4"/>')
            parts.append(
                f'<text x="{x}" y="{y}"><tspan font-weight="bold">{html.escape(head)}</tspan>'
                f'<tspan dx="8" opacity=".8">{html.escape(rest)}</tspan></text>'
            )
        return "".join([*parts, "</svg>"])


def tree_of(name: str, metadata: Mapping[str, Any], versions: Mapping[str, int]) -> Tree:
    """Build the tree of a type from the definitions in force and the newest version of each type."""
    left = [_MOST_NODES]
    return Tree(_type_node({"type": name}, metadata, versions, left))


def _type_node(
    need: Mapping[str, Any], metadata: Mapping[str, Any], versions: Mapping[str, int], left: list[int]
) -> dict[str, Any]:
    left[0] -= 1
    if "any_of" in need:
        inner = [_type_node(branch, metadata, versions, left) for branch in need["any_of"]]
        return {**_said(need), "type": "", "version": 0, "kind": "any of", "needs": inner}
    definition = metadata["types"].get(need["type"], {})
    needs = definition.get("needs", [])
    shown = needs if left[0] >= len(needs) else []  # a tree may be larger than anybody reads
    inner = [_type_node(each, metadata, versions, left) for each in shown]
    return {
        **_said(need),
        "type": need["type"],
        "version": versions.get(need["type"], 0),
        "kind": "outcome" if definition.get("outcome", bool(needs)) else "type",
        "needs": inner,
    }


def _said(need: Mapping[str, Any]) -> dict[str, Any]:
    words = {word: need[word] for word in _WORDS if word in need}
    words |= {word: True for word in ("optional", "whole") if need.get(word)}
    return {
        "role": need.get("as", need.get("type", "")),
        "amounts": {key: str(value) for key, value in need.items() if key not in _KNOWN},
        "count": need.get("count", 1),
        "words": words,
    }


def _head(node: Mapping[str, Any], root: bool) -> str:
    named = f"{node['type']}@{node['version']}" if node["type"] else "any of"
    if root:
        return named + (", an outcome" if node["kind"] == "outcome" else "")
    shown = named if node["role"] in {"", node["type"]} else f"{node['role']}: {named}"
    return shown if node["count"] == 1 else f"{shown} x {_count(node['count'])}"


def _count(count: Any) -> str:
    if not isinstance(count, Mapping):
        return str(count)
    step = f" by {count['step']}" if "step" in count else ""
    return f"({count.get('min', 1)} to {count.get('max', 'as many as there are')}{step})"


def _rest(node: Mapping[str, Any]) -> str:
    said = [f"{name} = {text}" for name, text in node["amounts"].items()]
    for word, value in node["words"].items():
        if isinstance(value, Mapping):
            value = [f"{role} = {path}" for role, path in value.items()]
        text = ", ".join(value) if isinstance(value, list) else value
        said.append(word if value is True else f"{word} {text}")
    return ", ".join(said)


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node["needs"]:
        yield from _nodes(inner)


def _lines(node: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Give what stands below a node, a line each."""
    for at, inner in enumerate(node["needs"]):
        last = at == len(node["needs"]) - 1
        rest = _rest(inner)
        yield f"{before}{'└─ ' if last else '├─ '}{_head(inner, False)}" + (f"  {rest}" if rest else "")
        yield from _lines(inner, before + ("   " if last else "│  "))


def _add_rows(node: Mapping[str, Any], depth: int, above: int, rows: list[tuple[int, int, str, str]]) -> None:
    """Add depth, the row of the node above, and both parts of the text, of every node from top to bottom."""
    here = len(rows)
    rows.append((depth, above, _head(node, depth == 0), _rest(node) if depth else ""))
    for inner in node["needs"]:
        _add_rows(inner, depth + 1, here, rows)
