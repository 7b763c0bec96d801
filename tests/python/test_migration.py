"""Migration through the surface: what moves, what stays, what is said when it cannot be."""

from typing import Any

import pytest

import apportion as ap

OLD: dict[str, Any] = {
    "dimensions": {"gb": {}, "iops": {}},
    "fields": {"rack": {"kind": "string"}, "rpm": {"kind": "integer"}},
}
NEW: dict[str, Any] = {
    "dimensions": {"gb": {"step": 0.001}, "iops": {}, "lanes": {}},
    "fields": {"rpm": {"kind": "integer", "max": 10000}, "media": {"kind": "string", "required": True}},
}


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load({"types": {"disk": OLD, "box": {}}}, clock=1000)
    pool.add("b", type="box")
    pool.add(
        "d1", type="disk", capacity={"gb": 10, "iops": 5}, parent="b", groups=["g"], fields={"rack": "r1", "rpm": 7200}
    )
    pool.add("d2", type="disk", capacity={"gb": 20, "iops": 5}, fields={"rpm": 7200})
    return pool


def test_instances_and_claims_move(pool: ap.Pool) -> None:
    grant = pool.allocate("disk", gb=4, consumer="ada", key="k")
    mark = pool.mark("disk", gb=2, consumer="bob", expires=60)
    assert isinstance(grant, ap.Grant) and isinstance(mark, ap.Grant)
    pool.apply({"types": {"disk": NEW}})
    before = pool.revision
    moved = pool.migrate("disk", fields={"media": "hdd"}, capacity={"lanes": 4})
    assert moved == ap.Migrated(version=2, instances=2, claims=2, dropped={"fields.rack": 1})
    found = pool.instance("d1")
    assert (found["version"], found["parent"], found["groups"]) == (2, "b", ["g"])
    assert found["fields"] == {"rpm": 7200, "media": "hdd"}
    assert found["capacity"] == {"gb": 10, "iops": 5, "lanes": 4}
    assert found["used"] == {"gb": 6, "iops": 0, "lanes": 0}
    assert pool.allocate("disk", gb=4, consumer="ada", key="k") == grant.refresh()
    pool.commit(mark)
    pool.release([grant, mark.refresh()])
    assert pool.instance("d1")["used"]["gb"] == 0
    assert pool.at(before).instance("d1")["version"] == 1
    assert pool.migrate("disk") == ap.Migrated(2, 0, 0, {})


def test_the_journal_says_so(pool: ap.Pool) -> None:
    pool.apply({"types": {"disk": NEW}})
    pool.migrate("disk", fields={"media": "hdd"})
    (entry,) = [entry for entry in pool.journal if "migrate" in entry]
    assert entry["migrate"] == "disk"
    assert (entry["version"], entry["instances"], entry["claims"]) == (2, ["d1", "d2"], 0)


def test_some_instances_and_other_versions(pool: ap.Pool) -> None:
    pool.apply({"types": {"disk": NEW}})
    trial = pool.migrate("disk", instances=iter(["d2"]), fields={"media": "ssd"}, dry_run=True)
    assert pool.instance("d2")["version"] == 1
    assert pool.migrate("disk", instances=["d2"], fields={"media": "ssd"}) == trial
    assert [pool.instance(id)["version"] for id in ("d1", "d2")] == [1, 2]
    pool.change("d2", fields={"rpm": 5400})
    # Back: `lanes` has no capacity, so it may go.
    assert pool.migrate("disk", to=1).dropped == {"fields.media": 1}
    assert pool.instance("d2")["fields"] == {"rack": None, "rpm": 5400}


def test_a_snapshot_after_it(pool: ap.Pool) -> None:
    pool.allocate("disk", gb=4, consumer="ada")
    pool.apply({"types": {"disk": NEW}})
    pool.migrate("disk", fields={"media": "hdd"})
    copy = ap.Pool.restore(pool.snapshot(), clock=1000)
    assert copy.hash == pool.hash
    assert copy.claims.to_dict() == pool.claims.to_dict()


MISTAKES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({}, ap.RequestError, "fields: 'd1': the required field 'media' has no value"),
    ({"fields": {"media": 3}}, ap.RequestError, "fields.media: expected text, found the number 3"),
    ({"fields": {"medai": "x"}}, ap.UnknownName, "fields: there is no field 'medai'; did you mean 'media'?"),
    ({"fields": ["media"]}, ap.RequestError, "fields: expected a mapping of names to values, found ['media']"),
    ({"state": {"status": "on"}}, ap.RequestError, "state.status: expected"),
    ({"capacity": {"lanes": -1}}, ap.RequestError, "capacity.lanes: -1 is negative"),
    ({"capacity": {"lanes": "x"}}, ap.RequestError, "capacity.lanes: a value of type str is not a number"),
    ({"to": 9}, ap.UnknownName, "to: type 'disk' has no version 9; the newest is 2"),
    ({"to": 1.5}, ap.RequestError, "to: expected a whole number from 1, found 1.5"),
    ({"instances": "d1"}, ap.RequestError, "instances: expected several ids, found 'd1'"),
    ({"instances": 5}, ap.RequestError, "instances: expected several ids, found 5"),
    ({"instances": ["d1", 5]}, ap.RequestError, "instances[1]: expected text, found 5"),
    ({"instances": ["d9"]}, ap.UnknownName, "instances[0]: there is no instance 'd9'"),
    ({"instances": ["b"]}, ap.RequestError, "instances[0]: 'b' is of type 'box'"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), MISTAKES)
def test_mistakes_are_named(pool: ap.Pool, arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    pool.apply({"types": {"disk": NEW}})
    before = (pool.hash, pool.revision)
    with pytest.raises(error) as caught:
        pool.migrate("disk", **arguments)
    assert message in str(caught.value)
    assert (pool.hash, pool.revision) == before


def test_claims_that_no_longer_fit_refuse_it(pool: ap.Pool) -> None:
    for consumer in ("ada", "bob", "eve"):
        assert pool.allocate("disk", gb=3, consumer=consumer)
    pool.apply({"types": {"disk": {"dimensions": {"gb": {"step": 4}, "iops": {}}}}})
    before = pool.hash
    # 3 x 3 of 10 GB become 3 x 4 of 8
    with pytest.raises(
        ap.RequestError, match=r"'d1' would be over in 'gb': 12 of 8 in steps of 4 .* 9 of 10 in steps of 1"
    ):
        pool.migrate("disk")
    assert pool.hash == before
    assert pool.migrate("disk", instances=["d2"]).instances == 1


def test_a_frozen_value(pool: ap.Pool) -> None:
    moved = pool.migrate("disk")
    with pytest.raises(AttributeError):
        moved.claims = 5  # type: ignore[misc]
