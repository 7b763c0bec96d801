"""The reading half of a pool, and the states it can be copied to."""

from datetime import UTC, datetime

import numpy as np
import pytest

import apportion as ap


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.Pool(clock=100.0)
    pool.apply({"types": {"disk": {"dimensions": {"gb": {}}, "policy": "last"}}})
    pool.add_many({"id": ["d1", "d2"], "capacity.gb": [10, 20]}, type="disk")
    return pool


def test_a_fork_goes_its_own_way(pool: ap.Pool) -> None:
    fork = pool.fork()
    assert fork.hash == pool.hash
    fork.allocate("disk", gb=1, consumer="a")
    assert fork.hash != pool.hash
    assert len(pool.claims) == 0
    assert len(fork.journal) == 1


def test_at_takes_numbers_revisions_and_times(pool: ap.Pool) -> None:
    before = pool.revision
    pool.tick(200.0)
    pool.allocate("disk", gb=1, consumer="a")
    assert pool.at(before).hash == pool.at(int(before.rpartition(".")[2])).hash
    assert pool.at(datetime.fromtimestamp(150, UTC)).revision == before
    assert pool.at(datetime.fromtimestamp(200, UTC)).revision == pool.revision
    assert pool.at(0).hash == ap.Pool().hash


def test_every_recorded_state_comes_back(pool: ap.Pool) -> None:
    hashes = {pool.revision: pool.hash}
    for n in range(5):
        pool.allocate("disk", gb=n + 1, consumer=f"c{n}")
        hashes[pool.revision] = pool.hash
    assert {revision: pool.at(revision).hash for revision in hashes} == hashes


def test_a_snapshot_is_the_whole_state(pool: ap.Pool) -> None:
    pool.allocate("disk", gb=3, consumer="a", key="k")
    copy = ap.Pool.restore(pool.snapshot(), clock=100.0)
    assert copy.hash == pool.hash
    assert copy.revision == pool.revision
    assert copy.snapshot() == pool.snapshot()
    again = copy.allocate("disk", gb=3, consumer="a", key="k")
    assert again and again.claims[0].id == "c0.0.0"
    assert copy.instances.to_dict() == pool.instances.to_dict()


def test_tables_show_the_revision_they_were_read_at(pool: ap.Pool) -> None:
    table = pool.instances
    pool.allocate("disk", gb=3, consumer="a")
    assert table["used.gb"].tolist() == [0.0, 0.0]
    assert pool.instances["used.gb"].tolist() == [0.0, 3.0]
    assert pool.types.to_dict()["instances"] == [2]
    assert pool.consumers.to_dict()["id"] == ["a"]


def test_names_that_nothing_carries(pool: ap.Pool) -> None:
    with pytest.raises(ap.UnknownName, match="nope"):
        pool.instance("nope")
    with pytest.raises(ap.UnknownName, match="nope"):
        pool.policy("nope")


def test_a_policy_can_be_printed_copied_and_changed(pool: ap.Pool) -> None:
    mine = pool.policy("last")
    mine["ties"] = "lowest_id"
    pool.apply({"policies": {"mine": mine}})
    grant = pool.allocate("disk", gb=1, consumer="a", policy="mine")
    assert grant and grant.instance == "d1"


def test_time_cannot_start_before_1970() -> None:
    with pytest.raises(ap.RequestError, match="clock"):
        ap.Pool(clock=-1.0)


def test_the_index_chooses_what_a_look_at_all_chooses() -> None:
    document = {"types": {"disk": {"dimensions": {"gb": {}}, "policy": "balance"}}}
    indexed, plain = ap.Pool(clock=0), ap.Pool(clock=0, index_bytes=0)
    for pool in (indexed, plain):
        pool.apply(document)
        pool.add_many({"id": [f"d{i}" for i in range(50)], "capacity.gb": [10 + i % 7 for i in range(50)]}, type="disk")
    for step in range(200):
        answers = [pool.allocate("disk", gb=step % 3, consumer=f"c{step % 11}") for pool in (indexed, plain)]
        assert str(answers[0]) == str(answers[1])
        assert indexed.hash == plain.hash
    assert indexed.index_stats()["hits"] > 150
    assert plain.index_stats()["hits"] == 0
    assert indexed.fork().index_stats()["indexed"] == 0


def test_a_revision_may_be_any_kind_of_whole_number() -> None:
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
    pool.add("d1", type="disk", capacity={"gb": 10})
    assert len(pool.at(np.int64(1)).instances) == 0
    assert repr(pool) == f"Pool(1 type, 1 instance, 0 claims, revision {pool.revision})"


def test_a_policy_that_is_not_there_is_guessed_or_listed() -> None:
    with pytest.raises(ap.UnknownName, match="there is no policy 'balanc'; did you mean 'balance'"):
        ap.Pool().policy("balanc")
    with pytest.raises(ap.UnknownName, match="there is no policy 'best'; there are balance, "):
        ap.Pool().policy("best")
