import datetime
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from apportion import metadata
from apportion._errors import DocumentError, Problem

DISK = """\
description = "disks"

[types.disk]
dimensions.gb = { unit = "GB", step = 0.001 }
dimensions.third = { step = "1/3" }
fields.name = { kind = "string", max_length = 32, pattern = "[a-z]+" }
fields.slots = { kind = "integer", min = 0, max = 10, required = true, default = 3 }
fields.born = { kind = "timestamp", default = 2024-02-29T12:30:00Z }
state.health = { kind = "enum", values = ["ok", "worn"], default = "ok", allow = ["ok"] }
state.locked = { kind = "boolean", allow = [false] }
state.status = { allow = ["online", "draining"] }
policy = "coolest"
max_consumers = 500

[policies.coolest]
where = "self.slots > 1"
score = "used.gb / capacity.gb"
order = "min"
quantum = 0.01
ties = "seeded"
seed = 7

[consumer_kinds.user]
attributes.speed = { kind = "number" }

[relationships.replica_of]
from = "disk"
to = "disk"
many = true

[[instances]]
id = "d1"
type = "disk"
labels = { tier = "a", "app/name" = "x" }
groups = ["g1"]
capacity = { gb = 0.3 }
ratio = { gb = 1.5 }
state = { status = "offline" }

[[instances]]
id = "d2"
type = "disk"
parent = "d1"
relationships = { replica_of = ["d1"] }

[[consumers]]
id = "alice"
kind = "user"
attributes = { speed = 3 }
"""


def refusal(source: Any) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        metadata.read(source)
    return caught.value


def only(source: Any) -> Problem:
    problems = refusal(source).problems
    assert len(problems) == 1, problems
    return problems[0]


# --- what is read -----------------------------------------------------------------------------------------------


def test_numbers_of_text_are_exact() -> None:
    toml = metadata.read("a = 0.1\nb = 123456789.123456789123456789\nc = 1_000.5\nd = 1e-7\ne = 12")
    assert toml == {
        "a": Decimal("0.1"),
        "b": Decimal("123456789.123456789123456789"),
        "c": Decimal("1000.5"),
        "d": Decimal("1e-7"),
        "e": 12,
    }
    assert metadata.read('{"a": 0.1, "b": 9007199254740993, "c": null, "d": true}') == {
        "a": Decimal("0.1"),
        "b": 9007199254740993,
        "c": None,
        "d": True,
    }


def test_numbers_of_mappings_are_shortest_decimals() -> None:
    tree = metadata.read(
        {"a": 0.3, "b": np.float64(0.1), "c": np.int32(5), "d": Decimal("0.1"), "e": (1, 2), "f": np.float32(0.5)}
    )
    assert tree == {
        "a": Decimal("0.3"),
        "b": Decimal("0.1"),
        "c": 5,
        "d": Decimal("0.1"),
        "e": [1, 2],
        "f": Decimal("0.5"),
    }
    assert type(tree["c"]) is int


def test_times_become_text() -> None:
    tree = metadata.read("a = 2024-02-29T12:30:00Z\nb = 2024-02-29 12:30:00.5\nc = 2024-02-29\nd = 12:30:00")
    assert tree == {
        "a": "2024-02-29T12:30:00+00:00",
        "b": "2024-02-29T12:30:00.500000",
        "c": "2024-02-29",
        "d": "12:30:00",
    }
    assert metadata.read({"a": datetime.date(2024, 2, 29)}) == {"a": "2024-02-29"}


def test_sources(tmp_path: Path) -> None:
    toml = tmp_path / "a.toml"
    toml.write_text("description = 'x'", encoding="utf-8")
    upper = tmp_path / "b.JSON"
    upper.write_bytes(b'\xef\xbb\xbf{"description": "x"}')  # a byte order mark is no fault
    for source in (toml, str(toml), upper, "description = 'x'", b'\n {"description": "x"}', {"description": "x"}):
        assert metadata.read(source) == {"description": "x"}
    assert metadata.read("") == {}
    assert metadata.parse(toml).name == "a.toml"
    with pytest.raises(FileNotFoundError):
        metadata.read("missing.toml")
    with pytest.raises(TypeError, match="not int"):
        metadata.read(5)  # type: ignore[arg-type]


def test_mappings_are_copied() -> None:
    source = {"instances": [{"id": "a"}]}
    tree = metadata.read(source)
    tree["instances"][0]["id"] = "b"
    assert source == {"instances": [{"id": "a"}]}


# --- what is refused --------------------------------------------------------------------------------------------

SYNTAX = [
    ("a = 1\nb = ", 2, 5, "not TOML: invalid value"),
    ("[a]\nx = 1\n[a]\n", 3, 3, "not TOML: cannot declare"),
    ("a = 1\na = 2", 2, 3, "not TOML: cannot overwrite"),
    ("a = {", 1, 1, "not TOML"),
    ('{"a": 1,\n "b" 2}', 2, 6, "not JSON: expecting ':' delimiter"),
    ('{"a": 1} x', 1, 10, "not JSON: extra data"),
    ("mail", 1, 1, "not TOML: .*; to read a file, give a path that ends in .toml or .json"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), SYNTAX)
def test_bad_syntax_has_a_position(text: str, line: int, column: int, message: str) -> None:
    problem = only(text)
    assert problem.line == line
    assert problem.column is not None
    assert abs(problem.column - column) <= 4, "parsers of different versions point a little before or behind"
    assert re.match(message, problem.message), problem.message


FOUND = [
    ("a.b = nan", "a.b", "finite number, found NaN", 1, 3),
    ("a = [1, -inf]", "a[1]", "finite number, found -Infinity", 1, 9),
    ('{"a": NaN}', "a", "finite number", 1, 2),
    ('{"a": {"x": 1,\n "x": 2}}', "a.x", "the key 'x' stands twice", 2, 2),
    ('{"a": 1' + "0" * 34 + "1}", "a", "at most 34 digits", 1, 2),
    ("a = 1e401", "a", "exponents from -400 to 400", 1, 1),
    ("a = 1e99999999999999999999999", "a", "does not fit|finite", 1, 1),
    ("a = 0.12345678901234567890123456789012345", "a", "at most 34 digits", 1, 1),
    ('{"a": "\\ud800"}', "a", "surrogate", 1, 2),
]


@pytest.mark.parametrize(("text", "place", "message", "line", "column"), FOUND)
def test_values_without_plain_form(text: str, place: str, message: str, line: int, column: int) -> None:
    problem = only(text)
    assert problem.place == place
    assert re.search(message, problem.message), problem.message
    assert (problem.line, problem.column) == (line, column)


def test_all_of_them_are_reported_in_order() -> None:
    problems = refusal('{"b": NaN, "a": [Infinity],\n"c": 1, "c": 2}').problems
    assert [problem.place for problem in problems] == ["b", "a[0]", "c"]


def test_zeros_are_no_digits() -> None:
    assert metadata.read("a = 1" + "0" * 300 + ".0") == {"a": Decimal("1e300")}
    assert metadata.read({"a": Decimal("0E-9999")}) == {"a": 0}


@pytest.mark.parametrize("size", [metadata.MAX_BYTES + 1, metadata.MAX_BYTES * 2])
def test_too_long(size: int, tmp_path: Path) -> None:
    assert "longer than 10,000,000 bytes" in only(b"#" * size).message
    path = tmp_path / "long.toml"
    path.write_bytes(b"#" * size)
    problem = refusal(path)
    assert problem.name == "long.toml"


def test_the_longest_is_read() -> None:
    assert metadata.read(b"#" * metadata.MAX_BYTES) == {}


DEEP = {
    "json arrays": '{"a": ' + "[" * 1000 + "]" * 1000 + "}",
    "json objects": '{"a":' * 1000 + "1" + "}" * 1000,
    "toml arrays": "a = " + "[" * 1000 + "]" * 1000,
    "toml inline tables": "a = " + "{a = " * 1000 + "1" + "}" * 1000,
    "toml dotted keys": ".".join(["a"] * 1000) + " = 1",
    "toml header": "[" + ".".join(["a"] * 1000) + "]",
    "json 100,000": '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "toml 100,000": "a = " + "[" * 100_000,
    "a key of a million parts": "a." * 1_000_000 + "a = 1",
    "json just over": '{"a": ' + "[" * 100 + "]" * 100 + "}",
    "toml just over": "a = " + "[" * 100 + "]" * 100,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_too_deep(text: str) -> None:
    problems = refusal(text).problems
    assert len(problems) == 1
    assert "more than 100 levels" in problems[0].message
    assert problems[0].line == 1


def test_a_hundred_levels_are_read() -> None:
    assert metadata.read('{"a": ' + "[" * 99 + "]" * 99 + "}")
    assert metadata.read("a = " + "[" * 99 + "]" * 99)


def test_mappings_that_hold_themselves_are_too_deep() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = loop
    assert "more than 100 levels" in only(loop).message


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"a = 1\nb = '\xff'")
    problem = only(path)
    assert problem.message == "the document is not UTF-8: byte 0xff in line 2"
    assert "surrogate" in only("a = '\ud800'").message


def test_foreign_values_of_mappings() -> None:
    problem = only({"a": [object()]})
    assert (problem.place, problem.message) == ("a[0]", "expected plain values, found object")
    assert "expected text as key, found int" in only({"a": {5: 1}}).message
    assert only({"a": float("inf")}).place == "a"


def test_other_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1", encoding="utf-8")
    assert "must end in .toml or .json" in only(path).message
    assert "must end in .toml or .json" in only(Path("missing.yaml")).message
    assert "expected a table of definitions, found a list" in only(_json_file(tmp_path, "[1]")).message


def _json_file(folder: Path, text: str) -> Path:
    path = folder / "x.json"
    path.write_text(text, encoding="utf-8")
    return path


# --- problems with lines ----------------------------------------------------------------------------------------


def test_error_sorts_and_shows_the_lines() -> None:
    parsed = metadata.parse('[types.disk]\npolcy = "first"\nmax_consumers = 0\n')
    error = metadata.error(parsed, [("types.disk.max_consumers", "is 0"), ("types.disk.polcy", "unknown key 'polcy'")])
    assert [(problem.line, problem.column) for problem in error.problems] == [(2, 1), (3, 1)]
    assert str(error) == (
        "document: line 2, column 1: types.disk.polcy: unknown key 'polcy'\n"
        '    2 | polcy = "first"\n'
        "      | ^\n"
        "document: line 3, column 1: types.disk.max_consumers: is 0\n"
        "    3 | max_consumers = 0\n"
        "      | ^"
    )


def test_error_of_a_mapping_has_places_only() -> None:
    error = metadata.error(metadata.parse({"a": 1}), [("a", "unknown key 'a'")])
    assert str(error) == "document: a: unknown key 'a'"


# --- the schema -------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """Decimals as floats, which is what JSON Schema knows."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def _valid(tree: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(metadata.schema()).is_valid(_plain(tree)))


def test_the_schema_is_one_and_described() -> None:
    schema = metadata.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema is not metadata.schema()
    for name, part in schema["$defs"].items():
        assert part.get("description"), name


def test_the_schema_accepts_the_example() -> None:
    jsonschema.Draft202012Validator(metadata.schema()).validate(_plain(metadata.read(DISK)))
    assert json.loads(json.dumps(_plain(metadata.read(DISK))))["instances"][1]["parent"] == "d1"


REFUSED_BY_SCHEMA = [
    "polices = {}",
    "types.Disk = {}",
    "types.disk.polcy = 'x'",
    "types.disk.max_consumers = 0",
    "types.disk.dimensions.count = {}",
    "types.disk.dimensions.gb.step = 0",
    "types.disk.dimensions.gb.step = '1/x'",
    "types.disk.dimensions.gb.unit = 5",
    "types.disk.fields.x = {}",
    "types.disk.fields.x = { kind = 'strin' }",
    "types.disk.fields.x = { kind = 'string', min = 1 }",
    "types.disk.fields.x = { kind = 'integer', pattern = 'x' }",
    "types.disk.fields.x = { kind = 'enum' }",
    "types.disk.fields.x = { kind = 'string', values = ['a'] }",
    "types.disk.fields.x = { kind = 'boolean', max_length = 3 }",
    "types.disk.fields.id = { kind = 'string' }",
    "types.disk.state.x = { kind = 'string' }",
    "types.disk.state.x = { kind = 'boolean', default = 'a' }",
    "policies.p = { order = 'mni' }",
    "policies.p = { quantum = 0 }",
    "policies.p = { seed = 1 }",
    "policies.first = {}",
    "consumer_kinds.user.attributes.kind = { kind = 'string' }",
    "relationships.r = { from = 'a' }",
    "instances = [{ id = 'a' }]",
    "instances = [{ id = '', type = 'disk' }]",
    "instances = [{ id = 'a', type = 'disk', capacity = { gb = -1 } }]",
    "instances = [{ id = 'a', type = 'disk', ratio = { gb = 4001 } }]",
    "instances = [{ id = 'a', type = 'disk', labels = { A = 'x' } }]",
    'instances = [{ id = "a\\n", type = "disk" }]',
    "consumers = [{ kind = 'user' }]",
    "consumers = [{ id = 'a', attributes = { x = 1 } }]",
]


@pytest.mark.parametrize("text", REFUSED_BY_SCHEMA)
def test_the_schema_refuses(text: str) -> None:
    assert not _valid(metadata.read(text))
