"""Denials of every class have the published form."""

import json
from pathlib import Path

import jsonschema
import pytest

import apportion as ap

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "reference" / "denial.schema.json").read_text(encoding="utf-8")
)
CLASSES = ("never", "not_now", "fragmented", "conflict")
DOCUMENT = """
[types.disk]
dimensions.gb = { unit = "GB", step = "1/3" }
fields.rank = { kind = "number" }
max_consumers = 1

[policies.ranked]
where = "self.rank < 5"
score = "self.rank"
"""


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load(DOCUMENT, clock=0)
    pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 10], "location": ["here", "there"]}, type="disk")
    return pool


def _denials(pool: ap.Pool) -> dict[str, object]:
    """By class, and by what else makes a denial's form special."""
    first = pool.allocate("disk", gb=6, consumer="ada")
    assert isinstance(first, ap.Grant)
    conflict = pool.allocate_all([ap.Request("disk", gb=7, consumer=name) for name in ("bob", "eve")])
    score = pool.allocate("disk", gb=1, consumer="eve", policy={"score": "self.rank"})
    assert pool.allocate("disk", gb=6, consumer="ada")
    return {
        "conflict": conflict,
        "score": score,
        "never": pool.allocate("disk", gb=40, consumer="eve"),
        "not_now": pool.allocate("disk", gb=9, consumer="ada"),
        "fragmented": pool.allocate("disk", gb=7, consumer="ada"),
        "filters": pool.allocate("disk", gb=1, consumer="eve", where="self.rank > 1", policy="ranked"),
        "any type": pool.allocate(gb=100, consumer="eve", where='self.id != ""'),
        "resize": pool.resize(first, gb=11),
        "move": pool.move(first, "d2"),
        "explained": pool.explain("disk", gb=40, consumer="eve").denial,
    }


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_denials_have_the_published_form(pool: ap.Pool) -> None:
    for wish, denial in _denials(pool).items():
        assert isinstance(denial, ap.Denial), wish
        assert wish not in CLASSES or denial.code == wish
        jsonschema.validate(denial.to_dict(), SCHEMA, jsonschema.Draft202012Validator)


def test_a_denied_transfer_has_the_published_form(pool: ap.Pool) -> None:
    first = pool.allocate("disk", gb=1, consumer="ada", where='self.id == "d1"')
    assert isinstance(first, ap.Grant)
    assert pool.allocate("disk", gb=1, consumer="ada", where='self.id == "d1"')
    denial = pool.transfer(first, consumer="bob")  # two consumers, where one may be
    assert isinstance(denial, ap.Denial)
    jsonschema.validate(denial.to_dict(), SCHEMA, jsonschema.Draft202012Validator)
