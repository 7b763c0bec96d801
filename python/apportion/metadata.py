"""Documents: TOML or JSON text that defines types, policies, instances and consumers.

Reading happens in two halves. This module turns text into a plain tree with exact numbers and refuses what is no
document at all; the catalogue then checks what the tree means and names each fault by its *place*, a path of keys and
indices, for which this module finds the line.

Examples
--------
>>> read('types.disk.dimensions.gb = { unit = "GB", step = 0.001 }')
{'types': {'disk': {'dimensions': {'gb': {'unit': 'GB', 'step': Decimal('0.001')}}}}}
"""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from ._errors import DocumentError, Problem
from ._plain import JsonObject, to_plain
from ._positions import Format, Locator

__all__ = ["MAX_BYTES", "MAX_LEVELS", "Parsed", "Problem", "Tree", "error", "locate", "parse", "read", "schema"]

MAX_BYTES = 10_000_000
"""The longest text of a document, in bytes."""

MAX_LEVELS = 100
"""How deep tables and lists may nest."""

Tree = dict[str, Any]
"""A document as plain Python: dict, list, str, bool, int, Decimal and None."""

_FORMATS: dict[str, Format] = {".toml": "toml", ".json": "json"}
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[\[\]{}]')
# The standard parser needs quadratic time for endless dotted keys, which would be refused as too deep anyway.
_ENDLESS_KEY = re.compile(r"(?<![\w-])(?:(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}")


class Parsed(msgspec.Struct, frozen=True):
    """A document that could be parsed, with what is needed to show where its faults are.

    Attributes
    ----------
    tree : dict
        The document as plain Python.
    name : str
        Its file name, or "document".
    text : str or None
        Its text; None for a document given as a dict.
    notation : {"toml", "json"} or None
        The notation of the text.
    """

    tree: Tree
    name: str = "document"
    text: str | None = None
    notation: Format | None = None


def read(source: str | os.PathLike[str] | bytes | Mapping[str, Any]) -> Tree:
    """Read a document to a plain tree.

    Parameters
    ----------
    source : path, str, bytes or mapping
        A path that ends in ``.toml`` or ``.json``; or the text itself, TOML unless it starts with ``{``; or a mapping
        of plain values, whose floats are read as their shortest decimals.

    Returns
    -------
    dict
        Of dict, list, str, bool, int, Decimal and None. Times are RFC 3339 text.

    Raises
    ------
    DocumentError
        When it is no document: bad syntax, not UTF-8, a key twice, more than 10 MB or 100 levels, not a finite number.
    OSError
        When the file cannot be read.

    Examples
    --------
    >>> read({"description": "nothing", "instances": [{"id": "d1", "capacity": {"gb": 0.3}}]})
    {'description': 'nothing', 'instances': [{'id': 'd1', 'capacity': {'gb': Decimal('0.3')}}]}
    """
    return parse(source).tree


def parse(source: str | os.PathLike[str] | bytes | Mapping[str, Any]) -> Parsed:
    """Read a document like `read`, and keep its text for messages.

    Parameters
    ----------
    source : path, str, bytes or mapping
        As for `read`.

    Returns
    -------
    Parsed

    Raises
    ------
    DocumentError, OSError
        As `read`.

    Examples
    --------
    >>> parse('{"description": "x"}').notation
    'json'
    """
    if isinstance(source, Mapping):
        return _checked(Parsed(tree=dict(source)))
    if isinstance(source, os.PathLike) or (isinstance(source, str) and _is_path(source)):
        path = Path(source)
        return _parse_text(_read_file(path), path.name, _format_of(path))
    if isinstance(source, bytes | bytearray | memoryview):
        return _parse_text(bytes(source), "document", None)
    if isinstance(source, str):
        return _parse_text(_encode(source), "document", None)
    raise TypeError(f"a document is a path, text, bytes or a mapping, not {type(source).__name__}")


def locate(text: str, notation: Format, place: str) -> tuple[int, int]:
    r"""Find the line and column of a place.

    Parameters
    ----------
    text : str
        The document.
    notation : {"toml", "json"}
        Its notation.
    place : str
        Such as ``types.disk.fields.name`` or ``instances[3].capacity.gb``.

    Returns
    -------
    line, column : int
        Counted from 1, in characters; of the nearest ancestor when the place is not in the text.

    Examples
    --------
    >>> locate('[types.disk]\npolicy = "first"', "toml", "types.disk.policy")
    (2, 1)
    """
    return Locator(text, notation).locate(place)


def error(parsed: Parsed, found: Iterable[tuple[str, str]]) -> DocumentError:
    r"""Make the error that reports what the catalogue found in a document.

    Parameters
    ----------
    parsed : Parsed
        The document.
    found : iterable of (place, message)
        The problems, in any order.

    Returns
    -------
    DocumentError
        With the problems in the order of the text.

    Examples
    --------
    >>> print(error(parse("a = 1\nb = 2"), [("b", "unknown key 'b'"), ("a", "unknown key 'a'")]).problems[0])
    line 1, column 1: a: unknown key 'a'
    """
    problems = [Problem(place, message) for place, message in found]
    if parsed.text is not None and parsed.notation is not None:
        problems = _located(problems, parsed.text, parsed.notation)
    return DocumentError(problems, parsed.text, parsed.name)


def schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of documents.

    Returns
    -------
    dict
        A fresh copy. It describes the form; what names mean to each other only the catalogue can check.

    Examples
    --------
    >>> sorted(schema()["properties"])[:3]
    ['affinities', 'consumer_kinds', 'consumers']
    """
    file = importlib.resources.files(__package__) / "schema" / "document.schema.json"
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def _located(problems: list[Problem], text: str, notation: Format) -> list[Problem]:
    try:
        locator = Locator(text, notation)
    except ImportError:  # the grammars are missing; the places alone must do
        return problems
    located = [Problem(p.place, p.message, *locator.locate(p.place)) for p in problems]
    return sorted(located, key=lambda p: (p.line or 0, p.column or 0))


def _refuse(
    message: str, name: str, text: str | None = None, line: int | None = None, column: int | None = None
) -> NoReturn:
    raise DocumentError([Problem("", message, line, column)], text, name)


def _is_path(text: str) -> bool:
    return "\n" not in text and not text.startswith(("{", "#")) and text.lower().endswith(tuple(_FORMATS))


def _format_of(path: Path) -> Format:
    notation = _FORMATS.get(path.suffix.lower())
    if notation is None:
        _refuse("the name of a document must end in .toml or .json", path.name)
    return notation


def _read_file(path: Path) -> bytes:
    _format_of(path)  # before anything is opened
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as fault:
        _refuse(f"the text is not UTF-8: character {fault.start + 1} is half of a surrogate pair", "document")


def _parse_text(data: bytes, name: str, notation: Format | None) -> Parsed:
    if len(data) > MAX_BYTES:
        _refuse(f"the document is longer than {MAX_BYTES:,} bytes; split it", name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        _refuse(f"the document is not UTF-8: byte {data[fault.start]:#04x} in line {line}", name)
    text = text.replace("\r\n", "\n")
    notation = notation or ("json" if text.lstrip().startswith("{") else "toml")
    load = _load_json if notation == "json" else _load_toml
    try:
        tree = load(text, name)
    except RecursionError:
        _refuse_depth(text, name)
    if not isinstance(tree, dict):
        _refuse(f"expected a table of definitions, found {_kind(tree)}", name, text, 1, 1)
    return _checked(Parsed(tree=tree, name=name, text=text, notation=notation))


def _load_toml(text: str, name: str) -> Any:
    if (endless := _ENDLESS_KEY.search(text)) is not None:
        _refuse_at(f"more than {MAX_LEVELS} levels in one key", name, text, endless.start())
    try:
        return tomllib.loads(text, parse_float=_decimal)
    except tomllib.TOMLDecodeError as fault:
        _refuse_toml(str(fault), name, text)
    except ValueError as fault:  # digits without end
        _refuse(f"a number cannot be read: {fault}", name, text)


def _refuse_toml(message: str, name: str, text: str) -> NoReturn:
    where = _TOML_PLACE.search(message)
    line, column = text.count("\n") + 1, 1
    if where is not None and where[1] is not None:
        line, column = int(where[1]), int(where[2])
    short = message[: where.start()] if where is not None else message
    hint = _foreign_hint(text)
    _refuse(f"not TOML: {short[:1].lower()}{short[1:]}{hint}", name, text, line, column)


def _foreign_hint(text: str) -> str:
    """Help those who passed a file name that is not recognised as one."""
    return "; to read a file, give a path that ends in .toml or .json" if re.fullmatch(r"[\w./\\ -]+", text) else ""


def _load_json(text: str, name: str) -> Any:
    try:
        return json.loads(text, parse_float=_decimal, parse_constant=_decimal, object_pairs_hook=JsonObject)
    except json.JSONDecodeError as fault:
        _refuse(f"not JSON: {fault.msg[:1].lower()}{fault.msg[1:]}", name, text, fault.lineno, fault.colno)
    except ValueError as fault:  # digits without end
        _refuse(f"a number cannot be read: {fault}", name, text)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what decimals know
        return Decimal("NaN")


def _refuse_at(message: str, name: str, text: str, offset: int) -> NoReturn:
    line = text.count("\n", 0, offset) + 1
    _refuse(message, name, text, line, offset - (text.rfind("\n", 0, offset) + 1) + 1)


def _refuse_depth(text: str, name: str) -> NoReturn:
    """Say where the nesting gets too deep; only brackets can exhaust a parser."""
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > MAX_LEVELS:
            _refuse_at(f"more than {MAX_LEVELS} levels of nesting", name, text, match.start())
    _refuse(f"more than {MAX_LEVELS} levels of nesting", name)


def _checked(parsed: Parsed) -> Parsed:
    """Give the document with its values in plain form, or report all that cannot be one."""
    tree, found = to_plain(parsed.tree, MAX_LEVELS)
    if found:
        raise error(parsed, found)
    return Parsed(tree=tree, name=parsed.name, text=parsed.text, notation=parsed.notation)


def _kind(value: Any) -> str:
    names = {list: "a list", str: "text", bool: "true or false", int: "a number", Decimal: "a number"}
    return names.get(type(value), "null")
