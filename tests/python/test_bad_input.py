"""Bad documents and damaged snapshots are refused whole, with a message that names the place."""

import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import apportion as ap

GOOD = """\
[types.disk]
dimensions.gb = { unit = "GB", step = 0.001 }
fields.name = { kind = "string", max_length = 8, pattern = "[a-z]+" }
state.health = { kind = "enum", values = ["ok", "worn"], allow = ["ok"] }

[consumer_kinds.user]
attributes.speed = { kind = "number" }
"""


@pytest.fixture(scope="module")
def pool() -> ap.Pool:
    pool = ap.load(GOOD, clock=1000)
    pool.add("d1", type="disk", capacity={"gb": 10}, fields={"name": "abc"}, labels={"tier": "a"}, groups=["g"])
    pool.add_consumer("eve", kind="user", speed=2.5)
    assert pool.allocate("disk", gb=2, consumer="ada", count=1, ends=60, key="k")
    assert pool.mark("disk", gb=2, consumer="eve", expires=60)
    assert pool.allocate("disk", gb=1, consumer="bob", policy={"score": "0", "ties": "rotating"})
    return pool


def refusal(pool: ap.Pool, document: Any) -> ap.DocumentError:
    """The error; the pool is as it was, to the last bit of its snapshot."""
    before = (pool.hash, pool.revision, pool.snapshot())
    with pytest.raises(ap.DocumentError) as caught:
        pool.apply(document)
    assert (pool.hash, pool.revision, pool.snapshot()) == before
    assert caught.value.problems
    return caught.value


NEW = '[[instances]]\nid = "d2"\ntype = "disk"\n'
LONG = "x" * 201
# The text, the line of its first problem, the place, a part of the message.
TEXTS = {
    "unknown key": (NEW + "capcity = { gb = 1 }\n", 4, "instances[0].capcity", "unknown key 'capcity'; did you mean"),
    "unknown table": ("[typs.disk]\n", 1, "typs", "unknown key 'typs'; did you mean 'types'?"),
    "wrong type": (NEW + "capacity = 5\n", 4, "instances[0].capacity", "expected a table, found the number 5"),
    "text for a number": (NEW + 'capacity.gb = "5"\n', 4, "instances[0].capacity.gb", "a number, found text '5'"),
    "duplicate id": (NEW + NEW, 5, "instances[1].id", "the id 'd2' stands twice, first at instances[0]"),
    "duplicate consumer": ("consumers = [{ id = 'a' },\n{ id = 'a' }]", 2, "consumers[1].id", "stands twice"),
    "duplicate key": (NEW + 'id = "d3"\n', 4, "", "cannot overwrite"),
    "negative capacity": (NEW + "capacity = { gb = -1 }\n", 4, "instances[0].capacity.gb", "-1 is negative"),
    "huge capacity": (NEW + "capacity = { gb = 1e300 }\n", 4, "instances[0].capacity.gb", "more than 2^53 - 1 steps"),
    "no number": (NEW + "capacity = { gb = nan }\n", 4, "instances[0].capacity.gb", "finite number"),
    "huge ratio": (NEW + "ratio = { gb = 4001 }\n", 4, "instances[0].ratio.gb", "at most 4000"),
    "long id": (f'[[instances]]\nid = "{LONG}"\ntype = "disk"\n', 2, "instances[0].id", "201 bytes; at most 200"),
    "empty id": ('[[instances]]\nid = ""\ntype = "disk"\n', 2, "instances[0].id", "must not be empty"),
    "long name": (f"[types.{'x' * 65}]\n", 1, f"types.{'x' * 65}", "at most 64"),
    "bad name": ("[types.Disk]\n", 1, "types.Disk", "'Disk'"),
    "reserved name": ("[types.a]\ndimensions.count = {}\n", 2, "types.a.dimensions.count", "reserved"),
    "control characters": (NEW + 'location = "a\\u0007"\n', 4, "instances[0].location", "control character"),
    "control in id": ('[[instances]]\nid = "a\\n"\ntype = "disk"\n', 2, "instances[0].id", "control character"),
    "long field": (NEW + 'fields = { name = "abcdefghi" }\n', 4, "instances[0].fields.name", "at most 8"),
    "bad pattern": ('[types.a]\nfields.b = { kind = "string", pattern = "(" }\n', 2, "types.a.fields.b.pattern", ""),
    "bad field": (NEW + "fields = { name = 'A1' }\n", 4, "instances[0].fields.name", "does not match the pattern"),
    "unknown field": (NEW + "fields = { nme = 'a' }\n", 4, "instances[0].fields.nme", "did you mean 'name'?"),
    "bad state": (NEW + "state = { health = 'bad' }\n", 4, "instances[0].state.health", "expected ok or worn"),
    "unknown type": ('[[instances]]\nid = "d2"\ntype = "dsk"\n', 3, "instances[0].type", "did you mean 'disk'?"),
    "unknown parent": (NEW + 'parent = "x"\n', 4, "instances[0].parent", "there is no instance 'x'"),
    "own parent": (NEW + 'parent = "d2"\n', 4, "instances[0].parent", "its own parent"),
    "bad step": ("[types.a]\ndimensions.b = { step = 0 }\n", 2, "types.a.dimensions.b.step", "above 0"),
    "unknown policy": ('[types.a]\npolicy = "frist"\n', 2, "types.a.policy", "did you mean 'first'?"),
    "named policy": ('[policies.first]\nscore = "1"\n', 1, "policies.first", "copy it under another name"),
    "bad expression": ('[policies.p]\nscore = "1 +"\n', 2, "policies.p.score", "column 4: found the end of the text"),
    "deep expression": (
        f"[policies.p]\nscore = \"{'(' * 1000}1{')' * 1000}\"\n", 2, "policies.p.score", "more than 64 levels",
    ),
    "deep negation": (f"[policies.p]\nwhere = \"{'!' * 1000}true\"\n", 2, "policies.p.where", "more than 64 levels"),
    "long expression": (f"[policies.p]\nscore = \"1{'+1' * 9000}\"\n", 2, "policies.p.score", "16384"),
    "deep document": ("a = " + "[" * 1000 + "]" * 1000, 1, "", "more than 100 levels"),
    "attributes": ("consumers = [{ id = 'a', kind = 'user', attributes = { sped = 1 } }]", 1,
                   "consumers[0].attributes.sped", "did you mean 'speed'?"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "place", "message"), TEXTS.values(), ids=TEXTS)
def test_bad_documents(pool: ap.Pool, text: str, line: int, place: str, message: str) -> None:
    problem = refusal(pool, text).problems[0]
    assert (problem.line, problem.place) == (line, place), problem
    assert message in problem.message
    assert f"line {line}" in str(refusal(pool, text))


def test_expressions_that_fit_no_type(pool: ap.Pool) -> None:
    text = GOOD + '\n[policies.p]\nscore = "used.bg"\n\n[types.tape]\ndimensions.gb = {}\npolicy = "p"\n'
    problem = refusal(pool, text).problems[0]
    assert problem.place == "policies.p.score"
    assert problem.line == 10
    assert "did you mean 'used.gb'?" in problem.message


def test_all_problems_are_reported(pool: ap.Pool) -> None:
    error = refusal(pool, '[types.a]\npolcy = "x"\ndimensions.gb.step = 0\n' + NEW + "capacity = { gb = -1 }\n")
    assert [problem.line for problem in error.problems] == [2, 3, 7]
    assert str(error).count("\n") == 8


def test_the_good_part_of_a_bad_document_is_not_applied(pool: ap.Pool) -> None:
    refusal(pool, "[types.tape]\ndimensions.gb = {}\n" + NEW + "policy = 'frist'\n")
    assert "tape" not in pool.metadata["types"]


def test_ten_megabytes_and_not_utf8(pool: ap.Pool, tmp_path: Path) -> None:
    assert "longer than 10,000,000 bytes" in str(refusal(pool, b"#" * 10_000_001))
    path = tmp_path / "bad.toml"
    path.write_bytes(b'description = "\xff"')
    assert str(refusal(pool, path)).startswith("bad.toml: the document is not UTF-8: byte 0xff in line 1")
    many = {"instances": [{"id": f"x{i}", "type": "disk", "capacity": {"gb": -1}} for i in range(1000)]}
    error = refusal(pool, many)
    assert len(error.problems) == 1000
    assert str(error).endswith("and 980 more")


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"types": 5}, "types"),
        ({"types": {"a": None}}, "types.a"),
        ({"instances": {"id": "a"}}, "instances"),
        ({"instances": [5]}, "instances[0]"),
        ({"instances": [{"id": "a", "type": "disk", "labels": {"a.b": 5}}]}, 'instances[0].labels."a.b"'),
        ({"types": {"a": {"dimensions": {f"d{i}": {} for i in range(17)}}}}, "types.a.dimensions"),
        ({"types": {"a": {"max_consumers": 2**40}}}, "types.a.max_consumers"),
        ({"policies": {"p": {"quantum": -1}}}, "policies.p.quantum"),
        ({"policies": {"p": {"seed": 1}}}, "policies.p.seed"),
        ({"relationships": {"r": {"from": "disk", "to": "nothing"}}}, "relationships.r.to"),
    ],
)
def test_bad_trees(pool: ap.Pool, document: dict[str, Any], place: str) -> None:
    assert [problem.place for problem in refusal(pool, document).problems] == [place]
    if place:
        refusal(pool, json.dumps(document))


# --- snapshots ----------------------------------------------------------------------------------------------------


def test_a_snapshot_is_named_for_what_it_is() -> None:
    for data, message in ((b"", "no apportion snapshot"), (b"PK\x03\x04", "no apportion snapshot")):
        with pytest.raises(ap.SnapshotError, match=message):
            ap.Pool.restore(data)


def test_every_truncation_is_refused(pool: ap.Pool) -> None:
    data = pool.snapshot()
    for length in range(0, len(data), 1 + len(data) // 400):
        with pytest.raises(ap.SnapshotError):
            ap.Pool.restore(data[:length])
    with pytest.raises(ap.SnapshotError):
        ap.Pool.restore(data + b"\0")


@settings(max_examples=300)
@given(at=st.integers(0, 2**20), bit=st.integers(0, 7))
def test_every_flipped_bit_is_seen(at: int, bit: int) -> None:
    data = bytearray(_SNAPSHOT)
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(ap.SnapshotError):
        ap.Pool.restore(data)


@settings(max_examples=100)
@given(start=st.integers(0, 2**20), length=st.integers(1, 64), junk=st.binary(max_size=64))
def test_exchanged_parts_are_seen(start: int, length: int, junk: bytes) -> None:
    start %= len(_SNAPSHOT)
    damaged = _SNAPSHOT[:start] + junk + _SNAPSHOT[start + length :]
    if damaged != _SNAPSHOT:
        with pytest.raises(ap.SnapshotError):
            ap.Pool.restore(damaged)


def _snapshot() -> bytes:
    pool = ap.load(GOOD, clock=1000)
    pool.add("d1", type="disk", capacity={"gb": 10}, labels={"tier": "a"})
    assert pool.allocate("disk", gb=2, consumer="ada", ends=60, key="k")
    assert pool.mark("disk", gb=2, consumer="eve", expires=60)
    return pool.snapshot()


_SNAPSHOT = _snapshot()
