"""All ways to grant a request, and claims for others."""

import pytest

import apportion as ap

DISKS = {"types": {"disk": {"dimensions": {"gb": {}}, "fields": {"zone": {"kind": "string"}}}}}
PAIR = {
    "types": {
        "pair": {
            "needs": [
                {"type": "disk", "as": "primary", "gb": 5, "different": "zone"},
                {"type": "disk", "as": "backup", "gb": 5, "different": "zone"},
            ]
        }
    }
}


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load(DISKS)
    for name, zone, size in [("d1", "a", 10), ("d2", "a", 10), ("d3", "b", 5)]:
        pool.add(name, type="disk", fields={"zone": zone}, capacity={"gb": size})
    return pool


def full(consumer: str) -> ap.Request:
    return ap.Request("disk", gb=10, consumer=consumer)


def names(ways: list[list[dict[str, object]]]) -> list[tuple[object, ...]]:
    return [tuple(slot["instance"] for slot in way) for way in ways]


def test_ways_come_in_the_order_of_the_search(pool: ap.Pool) -> None:
    assert names(pool.candidates("disk", gb=5)) == [("d1",), ("d2",), ("d3",)]
    assert names(pool.candidates("disk", gb=5, count=2)) == [("d1", "d2"), ("d1", "d3"), ("d2", "d3")]
    assert names(pool.candidates("disk", gb=5, limit=2, policy="last")) == [("d3",), ("d2",)]
    assert pool.candidates("disk", gb=50) == []


def test_trees_have_ways_with_roles(pool: ap.Pool) -> None:
    pool.apply(PAIR)
    before = pool.hash
    ways = pool.candidates("pair", consumer="ada")
    assert pool.hash == before
    assert names(ways) == [("d1", "d3"), ("d2", "d3"), ("d3", "d1"), ("d3", "d2")]
    assert ways[0][1] == {"role": "pair@1/backup", "instance": "d3", "location": "", "amounts": {"gb": 5}}
    assert pool.allocate("pair", consumer="ada").instances == names(ways)[0]


def test_misuse_of_ways(pool: ap.Pool) -> None:
    with pytest.raises(ap.RequestError, match="limit is 0"):
        pool.candidates("disk", gb=1, limit=0)
    with pytest.raises(ap.UnknownName):
        pool.candidates("disc", gb=1)


def test_replacing_is_all_or_nothing(pool: ap.Pool) -> None:
    ada = pool.allocate("disk", gb=10, consumer="ada")
    bob = pool.allocate("disk", gb=10, consumer="bob")
    before = pool.hash
    denial = pool.replace([ada, bob], [full("bob"), ap.Request("disk", gb=11, consumer="ada")])
    assert isinstance(denial, ap.Denial)
    assert denial.member == 1
    assert pool.hash == before
    grants = pool.replace([ada, bob], [full("bob"), full("ada")])
    assert [(grant.consumer, grant.instance) for grant in grants] == [("bob", "d1"), ("ada", "d2")]
    with pytest.raises(ap.StaleHandle):
        pool.replace(ada, [ap.Request("disk", gb=1, consumer="ada")])


def test_replacing_is_replayed(pool: ap.Pool) -> None:
    ada = pool.allocate("disk", gb=10, consumer="ada")
    pool.replace(ada, [ap.Request("disk", gb=4, consumer="eve"), ap.Request("disk", gb=6, consumer="bob")])
    assert pool.at(pool.revision).hash == pool.hash
    assert ap.Pool.restore(pool.snapshot()).hash == pool.hash
