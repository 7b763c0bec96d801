"""The published schema of documents and the catalogue agree: on good documents, and on broken ones."""

import copy
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import given, settings
from test_metadata import DISK, REFUSED_BY_SCHEMA

from apportion import _core, metadata

VALIDATOR = jsonschema.Draft202012Validator(metadata.schema())
Path = tuple[str | int, ...]

# What only the catalogue can know: what names refer to, what is said twice, which values fit which fields.
MEANING = (
    "there is no",
    "has no",
    "stands twice",
    "requires the",
    "found",  # the value of a field; elsewhere the schema says the same of the form
    "is a named policy",
    "must stay",
    "leads",
    "its own parent",
    "is below",
    "is above",
    "does not match",
    "a seed needs",
    "bytes; at most",
    "unknown name",
)


def plain(value: Any) -> Any:
    """Decimals as floats, which is what JSON Schema knows."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def valid(tree: dict[str, Any]) -> bool:
    return bool(VALIDATOR.is_valid(plain(tree)))


def paths(tree: Any, at: Path = ()) -> list[Path]:
    """Every key and index of a tree."""
    items: Any = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path for key, item in items for path in ((*at, key), *paths(item, (*at, key)))]


def holder(tree: Any, path: Path) -> Any:
    for key in path[:-1]:
        tree = tree[key]
    return tree


TREE = metadata.read(DISK)
values = st.sampled_from(
    [None, True, -1, 0, 2, Decimal("0.5"), 5000, "", "x", "first", "a\n", "y" * 300, [], ["x"], {}, {"x": 1}]
)


@st.composite
def broken(draw: st.DrawFn) -> dict[str, Any]:
    """The example with one to three members replaced, removed, renamed or added."""
    tree = copy.deepcopy(TREE)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths(tree)))
        inside, key = holder(tree, path), path[-1]
        action = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if action == "replace":
            inside[key] = draw(values)
        elif action == "remove":
            del inside[key]
        elif isinstance(inside, dict):
            name = draw(st.sampled_from(["polcy", "kind", "step", "values", "Upper", "z" * 65, "seed", "max"]))
            inside[name] = inside.pop(key) if action == "rename" else draw(values)
        if not paths(tree):
            break
    return tree


def test_the_example_is_good_for_both() -> None:
    assert valid(TREE)
    assert _core.check_document(TREE) == []


@pytest.mark.parametrize("text", REFUSED_BY_SCHEMA)
def test_what_the_schema_refuses_the_catalogue_refuses(text: str) -> None:
    tree = metadata.read(text)
    assert not valid(tree)
    assert _core.check_document(tree)


@settings(max_examples=400)
@given(broken())
def test_broken_documents(tree: dict[str, Any]) -> None:
    problems = _core.check_document(tree)
    if valid(tree):
        assert all(any(word in message for word in MEANING) for _, message in problems), problems
    else:
        error = next(VALIDATOR.iter_errors(plain(tree)))
        assert problems, f"only the schema refuses it: {error.message} at {error.json_path}"
    for _, message in problems:
        assert message


names = st.from_regex(r"\A[a-z][a-z0-9_]{0,5}\Z").filter(
    lambda name: name not in {"in", "true", "false", "id", "type", "kind"}
)


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Documents that are good: types with dimensions and fields, policies, instances of them."""
    name, dimension = draw(names), "d_" + draw(names)
    fields: dict[str, Any] = {
        "f_text": {"kind": "string", "max_length": draw(st.integers(1, 65536))},
        "f_count": {"kind": "integer", "min": draw(st.integers(-9, 0)), "max": draw(st.integers(0, 9)), "default": 0},
        "f_enum": {
            "kind": "enum",
            "values": draw(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, unique=True)),
        },
        "f_flag": {"kind": "boolean", "required": draw(st.booleans()), "default": draw(st.booleans())},
    }
    kept = draw(st.lists(st.sampled_from(sorted(fields)), unique=True))
    step = draw(st.sampled_from([1, Decimal("0.001"), "1/3", 50]))
    policy = {
        "score": "0",
        "order": draw(st.sampled_from(["min", "max"])),
        "ties": draw(st.sampled_from(["rotating", "highest_id"])),
    }
    return {
        "description": draw(st.text("ab \n", max_size=20)),
        "types": {
            name: {"dimensions": {dimension: {"step": step}}, "fields": {f: fields[f] for f in kept}, "policy": "p_1"}
        },
        "policies": {"p_1": policy},
        "instances": [
            {"id": f"i{i}", "type": name, "capacity": {dimension: i}} for i in range(draw(st.integers(0, 3)))
        ],
    }


@settings(max_examples=100)
@given(definitions())
def test_good_documents(tree: dict[str, Any]) -> None:
    assert _core.check_document(tree) == []
    VALIDATOR.validate(plain(tree))
