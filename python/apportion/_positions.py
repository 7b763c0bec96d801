"""Where the places of a document stand in its text.

The parsers of the standard library keep no positions, so the text is parsed once more, by the tree-sitter grammars of
TOML and JSON. That happens only when there is something to report.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["Format", "Locator", "split_place"]

Format = Literal["toml", "json"]

_STEP = re.compile(r'\.?(?:(?P<bare>[A-Za-z0-9_-]+)|(?P<quoted>"(?:[^"\\]|\\.)*")|\[(?P<index>\d+)\])')
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*+"|-?(?:NaN|Infinity)')
_DEEPEST = 200


def split_place(place: str) -> list[str | int]:
    """Take a place apart into its keys and indices.

    Parameters
    ----------
    place : str
        Such as ``instances[3].labels."a.b"``.

    Returns
    -------
    list of str or int
        Up to the first part that has not the form of places.

    Examples
    --------
    >>> split_place('instances[3].labels."a.b"')
    ['instances', 3, 'labels', 'a.b']
    """
    steps: list[str | int] = []
    at = 0
    while at < len(place) and (match := _STEP.match(place, at)):
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(match["bare"] if match["bare"] is not None else json.loads(match["quoted"]))
        at = match.end()
    return steps


class _Spot:
    """A key or an item of the document: its position and what lies below it."""

    __slots__ = ("at", "children", "tables")

    def __init__(self, at: tuple[int, int]) -> None:
        self.at = at  # row and byte column, from 0
        self.children: dict[str | int, _Spot] = {}
        self.tables = 0  # elements written as [[key]]

    def below(self, key: str | int, at: tuple[int, int]) -> _Spot:
        return self.children.setdefault(key, _Spot(at))

    def newest(self) -> _Spot:
        """Give the element that the following text fills, for an array of tables; else the spot itself."""
        return self.children[self.tables - 1] if self.tables else self


class Locator:
    r"""Answers where a place stands in one text.

    Parameters
    ----------
    text : str
        The document.
    notation : {"toml", "json"}
        Its notation.

    Raises
    ------
    ImportError
        When the grammars are not installed.

    Examples
    --------
    >>> Locator('a = 1\nb = { c = 2 }', "toml").locate("b.c")
    (2, 7)
    """

    def __init__(self, text: str, notation: Format) -> None:
        self._lines = text.split("\n")
        self._root = _Spot((0, 0))
        tree = _parse(text, notation)
        if notation == "json":
            for value in tree.named_children:
                _add_value(self._root, value, 0)
        else:
            _add_document(self._root, tree)

    def locate(self, place: str) -> tuple[int, int]:
        """Give line and column of a place, or of its nearest ancestor that the text holds.

        Parameters
        ----------
        place : str
            As in ``Problem.place``.

        Returns
        -------
        line, column : int
            Counted from 1, in characters.
        """
        spot = self._root
        for step in split_place(place):
            below = spot.children.get(step)
            if below is None:
                break
            spot = below
        row, column = spot.at
        line = self._lines[row] if row < len(self._lines) else ""
        return row + 1, len(line.encode()[:column].decode(errors="replace")) + 1


def _parse(text: str, notation: Format) -> Node:
    """Parse; the constants that Python's JSON knows beyond the standard stand as numbers of the same length."""
    from tree_sitter import Language, Parser

    if notation == "json":
        import tree_sitter_json

        language = tree_sitter_json.language()
        text = _CONSTANT.sub(lambda found: found[0] if found[0][0] == '"' else "1" * len(found[0]), text)
    else:
        import tree_sitter_toml

        language = tree_sitter_toml.language()
    return Parser(Language(language)).parse(text.encode()).root_node


def _start(node: Node) -> tuple[int, int]:
    return node.start_point[0], node.start_point[1]


def _source(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _add_document(root: _Spot, document: Node) -> None:
    """Add a TOML document: the pairs at its top, then its tables."""
    for child in document.named_children:
        if child.type == "pair":
            _add_pair(root, child, 0)
        elif child.type in ("table", "table_array_element"):
            _add_table(root, child)


def _add_table(root: _Spot, table: Node) -> None:
    named = table.named_children
    if not named:
        return
    spot = _descend(root, _toml_keys(named[0]))
    if table.type == "table_array_element":
        spot.children[spot.tables] = _Spot(_start(table))
        spot.tables += 1
        spot = spot.newest()
    else:
        spot.at = _start(named[0])  # the header itself, though a table below it may have come first
    for pair in named[1:]:
        if pair.type == "pair":
            _add_pair(spot, pair, 0)


def _add_pair(parent: _Spot, pair: Node, depth: int) -> None:
    named = [child for child in pair.named_children if child.type != "comment"]
    if len(named) < 2:
        return
    _add_value(_descend(parent, _toml_keys(named[0])), named[1], depth)


def _descend(spot: _Spot, keys: Iterator[tuple[str, tuple[int, int]]]) -> _Spot:
    """Follow the keys of a header or pair; an array of tables is entered at its newest element."""
    for key, at in keys:
        spot = spot.newest().below(key, at)
    return spot


def _toml_keys(node: Node) -> Iterator[tuple[str, tuple[int, int]]]:
    """Give the parts of a key, each with the position at which the part stands."""
    parts: list[Node] = []
    while node.type == "dotted_key":  # nests to the left
        *first, last = node.named_children
        parts.append(last)
        node = first[0]
    parts.append(node)
    return ((_toml_key(part), _start(part)) for part in reversed(parts))


def _toml_key(node: Node) -> str:
    source = _source(node)
    if node.type != "quoted_key":
        return source
    try:
        return str(tomllib.loads(f"k = {source}")["k"])
    except tomllib.TOMLDecodeError:
        return source


def _add_value(spot: _Spot, value: Node, depth: int) -> None:
    """Add what lies in a value of either notation."""
    if depth > _DEEPEST:
        return
    if value.type == "inline_table":
        for pair in value.named_children:
            if pair.type == "pair":
                _add_pair(spot, pair, depth + 1)
    elif value.type == "object":
        for pair in value.named_children:
            _add_json_pair(spot, pair, depth + 1)
    elif value.type == "array":
        items = [item for item in value.named_children if item.type != "comment"]
        for index, item in enumerate(items):
            _add_value(spot.below(index, _start(item)), item, depth + 1)


def _add_json_pair(spot: _Spot, pair: Node, depth: int) -> None:
    key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
    if key is None or value is None:
        return
    try:
        name = str(json.loads(_source(key), strict=False))
    except json.JSONDecodeError:
        return
    below = spot.below(name, _start(key))
    below.at = _start(key)  # of a key that stands twice, the second is the fault
    _add_value(below, value, depth)
