"""The tables of a pool, column by column, and what a snapshot keeps of them."""

from typing import Any

import pytest

import apportion as ap

DOCUMENT = """
[types.disk]
dimensions.gb = { unit = "GB", step = 0.5 }
fields.rack = { kind = "string" }
fields.tags = { kind = "list" }
policy = "last"
max_consumers = 3
description = "a disk"

[types.licence]
dimensions.seats = {}

[consumer_kinds.user]
attributes.speed = { kind = "number" }
attributes.team = { kind = "string" }
"""


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load(DOCUMENT, clock=1000)
    tags = {"tags": ["x", "y"]}
    pool.add("d1", type="disk", capacity={"gb": 10}, labels={"tier": "a"}, groups=["g", "h"], fields=tags)
    pool.add("l1", type="licence", capacity={"seats": 3}, parent="d1", location="here", address="there")
    pool.add_consumer("eve", kind="user", speed=2, team="red")
    assert pool.allocate("disk", gb=2.5, consumer="ada", ends=60)
    assert pool.mark("licence", seats=1, consumer="eve", expires=30)
    return pool


def test_instances(pool: ap.Pool) -> None:
    disk, licence = pool.instances
    expected: dict[str, Any] = {
        "id": "d1", "type": "disk", "version": 1, "labels": "tier=a", "groups": ["g", "h"], "consumers": 1,
        "claims": 1, "granted": 1, "status": "online", "security_status": "clear", "fields.rack": None,
        "fields.tags": ["x", "y"], "capacity.gb": 10, "limit.gb": 10, "used.gb": 2.5, "free.gb": 7.5,
        "limit.seats": None,
    }  # fmt: skip
    assert expected.items() <= disk.items()
    expected = {"id": "l1", "parent": "d1", "location": "here", "address": "there", "free.seats": 2, "used.gb": None}
    assert expected.items() <= licence.items()
    assert repr(pool.instances).startswith("Table(instances: 2 rows x ")
    assert repr(pool.instances).endswith(f"revision {pool.revision})")


def test_claims_consumers_and_types(pool: ap.Pool) -> None:
    claim, mark = pool.claims
    assert (claim["claim"], claim["consumer"], claim["instance"], claim["state"]) == ("c0.0.0", "ada", "d1", "claim")
    assert (claim["gb"], claim["seats"], claim["expires"]) == (2.5, None, None)
    assert (claim["starts"].timestamp(), claim["ends"].timestamp()) == (1000, 1060)
    assert (mark["state"], mark["expires"].timestamp(), mark["ends"]) == ("mark", 1030, None)
    people = {row["id"]: row for row in pool.consumers}
    eve = {"kind": "user", "claims": 1, "explicit": True, "attributes.speed": 2, "attributes.team": "red", "groups": []}
    assert people["eve"] == {"id": "eve", **eve}
    assert (people["ada"]["explicit"], people["ada"]["attributes.speed"]) == (False, None)
    disk = next(row for row in pool.types if row["type"] == "disk")
    assert disk["dimensions"] == ["gb"]
    assert (disk["policy"], disk["max_consumers"], disk["instances"], disk["description"]) == ("last", 3, 1, "a disk")


def test_tables_stay_as_they_were(pool: ap.Pool) -> None:
    table = pool.instances
    pool.change("d1", capacity={"gb": 99})
    assert (table["capacity.gb"][0], pool.instances["capacity.gb"][0]) == (10, 99)


def test_claims_of_one_grant_share_its_name(pool: ap.Pool) -> None:
    pool.add("d2", type="disk", capacity={"gb": 5})
    grant = pool.allocate("disk", gb=1, consumer="bob", count=2)
    assert isinstance(grant, ap.Grant)
    names = {row["grant"] for row in pool.claims if row["consumer"] == "bob"}
    assert len(names) == 1
    assert grant.refresh().instances == grant.instances == ("d2", "d1")


def test_grants_keep_the_order_of_choice_in_reused_slots(pool: ap.Pool) -> None:
    for i in range(4):
        pool.add(f"e{i}", type="disk", capacity={"gb": 5})
    held = [pool.allocate("disk", gb=1, consumer="bob") for _ in range(3)]
    pool.release([grant for grant in held if isinstance(grant, ap.Grant)])
    grant = pool.allocate("disk", gb=1, consumer="bob", count=4)
    assert isinstance(grant, ap.Grant)
    assert grant.instances == ("e3", "e2", "e1", "e0")
    assert grant.refresh().instances == grant.instances
    restored = ap.Pool.restore(pool.snapshot(), clock=1000)
    assert restored._grant(grant.claims[0]._key).instances == grant.instances


def test_what_is_told_can_be_said_again(pool: ap.Pool) -> None:
    told, before = pool.instance("d1"), pool.metadata
    assert (told["labels"], told["used"]) == ({"tier": "a"}, {"gb": 2.5})
    names = ("labels", "groups", "state", "fields", "capacity", "reserved", "ratio", "policy", "parent", "location")
    pool.change("d1", **{name: told[name] for name in names})
    pool.apply({name: part for name, part in pool.metadata.items() if name != "policies"})
    assert pool.metadata == before
    again = pool.instance("d1")
    assert again.pop("generation") > told.pop("generation")
    assert again == told


def test_thirds_are_not_worn_by_changes() -> None:
    pool = ap.load({"types": {"plot": {"dimensions": {"acre": {"step": "1/3"}}}}}, clock=1000)
    pool.add("p", type="plot", capacity={"acre": 7.6}, reserved={"acre": 0.1})
    limit = pool.instances["limit.acre"][0]
    assert limit == 21 / 3  # floor(7.6 x 3) = 22 steps, less ceil(0.1 x 3) = 1
    for i in range(5):
        pool.change("p", location=f"row {i}")
        assert pool.instances["limit.acre"][0] == limit


def test_snapshots_keep_the_tables(pool: ap.Pool) -> None:
    data = pool.snapshot()
    for form in (data, bytearray(data), memoryview(data)):
        restored = ap.Pool.restore(form, clock=1000)
        assert (restored.hash, restored.revision, restored.snapshot()) == (pool.hash, pool.revision, data)
        for name in ("instances", "claims", "consumers", "types"):
            assert getattr(restored, name).to_dict() == getattr(pool, name).to_dict()
        assert (restored.tick(1030), restored.tick(1060)) == (1, 1)


def test_origins_name_claims_and_revisions() -> None:
    pool = ap.Pool(origin=7)
    pool.apply(DOCUMENT)
    pool.add("d1", type="disk", capacity={"gb": 1})
    grant = pool.allocate("disk", gb=1, consumer="a")
    assert isinstance(grant, ap.Grant)
    assert grant.claims[0].id == pool.claims["claim"][0] == "c7.0.0"
    assert pool.revision.startswith("7.0.")
    assert ap.Pool.restore(pool.snapshot()).revision == pool.revision


def test_old_changes_are_folded_away() -> None:
    pool = ap.load(DOCUMENT, journal_bytes=2000)
    for i in range(40):
        pool.add(f"d{i}", type="disk")
    with pytest.raises(ap.UnknownName, match=r"revision 1 is not kept: the oldest is \d+, the newest \d+"):
        pool.at(1)
    assert pool.at(pool.revision).hash == pool.hash


def test_a_pool_in_words(pool: ap.Pool) -> None:
    assert repr(pool) == f"Pool(2 types, 2 instances, 2 claims, revision {pool.revision})"
    assert "<caption>Table(types: 2 rows" in pool._repr_html_()
    assert {"instances", "claims", "consumers", "journal"} <= pool.memory().keys()
