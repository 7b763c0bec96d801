"""What a pool is told of, one by one and in bulk."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import apportion as ap

TYPE = {"types": {"disk": {"dimensions": {"gb": {"step": 0.5}}, "fields": {"model": {"kind": "string"}}}}}


@pytest.fixture
def pool() -> ap.Pool:
    return ap.load(TYPE)


def test_add_takes_every_member(pool: ap.Pool) -> None:
    pool.add("p", type="disk")
    pool.apply({"relationships": {"replica_of": {"from": "disk", "to": "disk", "many": True}}})
    pool.add(
        "d1",
        type="disk",
        capacity={"gb": 10.3},
        version=1,
        address="10.0.0.1",
        location="za",
        parent="p",
        labels={"tier": "gold"},
        groups=["ssd"],
        state={"status": "draining"},
        fields={"model": "x"},
        relationships={"replica_of": ["p"]},
        reserved={"gb": 0.2},
        ratio={"gb": 1.5},
        usage={"gb": 3},
        policy="last",
    )
    found = pool.instance("d1")
    # 10.3 is rounded down to 10.0, 0.2 up to 0.5; (20 - 1) steps x 1.5 = 28.5, 28 steps are 14.0
    assert found["capacity"] == {"gb": 10}
    assert found["reserved"] == {"gb": 0.5}
    assert found["limit"] == {"gb": 14}
    assert found["parent"] == "p"
    assert found["labels"] == {"tier": "gold"}
    assert found["state"]["status"] == "draining"
    assert found["relationships"] == {"replica_of": ["p"]}
    assert found["usage"] == {"gb": 3}


COLUMNS = {"id": ["a", "b"], "capacity.gb": [1.0, 2.0], "fields.model": ["x", "y"]}


@pytest.mark.parametrize(
    "columns",
    [COLUMNS, {**COLUMNS, "capacity.gb": np.array([1.0, 2.0])}, pd.DataFrame(COLUMNS), pl.DataFrame(COLUMNS)],
    ids=["dict", "numpy", "pandas", "polars"],
)
def test_add_many_reads_columns_of_all_kinds(pool: ap.Pool, columns: object) -> None:
    assert pool.add_many(columns, type="disk") == 2
    assert pool.instances["capacity.gb"].tolist() == [1.0, 2.0]
    assert list(pool.instances["fields.model"]) == ["x", "y"]


def test_bulk_is_all_or_none_and_names_the_row(pool: ap.Pool) -> None:
    pool.add_many(COLUMNS, type="disk")
    before = pool.hash, pool.revision
    with pytest.raises(ap.ApportionError, match=r"instances\[1\]"):
        pool.add_many({"id": ["c", "a"]}, type="disk")
    with pytest.raises(ap.ApportionError, match=r"instances\[1\]"):
        pool.change_many({"id": ["a", "nope"], "capacity.gb": [5, 5]})
    with pytest.raises(ap.ApportionError, match=r"instances\[1\]"):
        pool.remove_many(["a", "nope"])
    with pytest.raises(ap.UnknownName, match=r"readings\[1\]"):
        pool.update_usage({"id": ["a", "nope"], "usage.gb": [5, 5]})
    assert (pool.hash, pool.revision) == before


def test_change_and_remove_in_bulk(pool: ap.Pool) -> None:
    pool.add_many(COLUMNS, type="disk")
    assert pool.change_many({"id": ["a", "b"], "capacity.gb": [7, 8], "state.status": ["offline", "online"]}) == 2
    assert pool.instances["capacity.gb"].tolist() == [7.0, 8.0]
    assert pool.instance("a")["fields"]["model"] == "x"
    assert pool.remove_many(["a", "b"]) == 2
    assert len(pool.instances) == 0


def test_usage_is_one_change(pool: ap.Pool) -> None:
    pool.add_many(COLUMNS, type="disk")
    before = len(pool.journal)
    assert pool.update_usage({"id": ["a", "b"], "usage.gb": [0.25, 1], "predicted.gb": [None, 2]}) == 3
    assert len(pool.journal) == before + 1
    best = pool.explain("disk", gb=0.5, consumer="x", policy={"score": "usage.gb", "order": "max"})
    assert [row["instance"] for row in best.ranking] == ["b", "a"]


def test_an_instance_in_use_stays(pool: ap.Pool) -> None:
    pool.add("d1", type="disk", capacity={"gb": 10})
    grant = pool.allocate("disk", gb=1, consumer="a")
    assert grant
    with pytest.raises(ap.RequestError, match="1 claim"):
        pool.remove("d1")
    pool.release(grant)
    pool.remove("d1")


def test_a_document_says_the_same_again_without_a_change(pool: ap.Pool) -> None:
    document = {**TYPE, "instances": [{"id": "d1", "type": "disk", "capacity": {"gb": 3}}]}
    pool.apply(document)
    before = pool.revision
    pool.apply(document)
    assert pool.revision == before
    pool.apply({"instances": [{"id": "d1", "type": "disk", "capacity": {"gb": 4}}]})
    assert pool.instance("d1")["capacity"] == {"gb": 4}


def test_consumers_have_kinds_and_attributes(pool: ap.Pool) -> None:
    pool.apply({"consumer_kinds": {"user": {"attributes": {"speed": {"kind": "number", "required": True}}}}})
    pool.add_consumer("ada", kind="user", speed=3)
    assert pool.consumers.to_dict()["attributes.speed"] == [3.0]
    for wrong in ({"kind": "user"}, {"kind": "usr", "speed": 1}, {"kind": "user", "speed": 1, "sped": 2}):
        with pytest.raises(ap.ApportionError):
            pool.add_consumer("bob", **wrong)
    pool.remove_consumer("ada")
    assert len(pool.consumers) == 0
