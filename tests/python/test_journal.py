"""The journal as a sequence."""

import pytest

import apportion as ap


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
    pool.add("d1", type="disk", capacity={"gb": 10})
    pool.allocate("disk", gb=4, consumer="ada")
    pool.allocate("disk", gb=40, consumer="bob")
    return pool


def test_it_is_a_sequence_of_all_changes(pool: ap.Pool) -> None:
    journal = pool.journal
    changes = list(journal)
    assert len(journal) == len(changes) == int(pool.revision.rpartition(".")[2])
    assert [change["revision"] for change in changes] == [f"0.0.{n}" for n in range(1, len(changes) + 1)]
    assert journal[-1] == changes[-1] == journal.change(len(changes))
    assert journal[1:3] == changes[1:3]


def test_grants_and_denials_hold_request_and_effect(pool: ap.Pool) -> None:
    grant, denial = pool.journal[-2:]
    assert grant["grants"][0]["request"] == {"type": "disk", "amounts": {"gb": 4}, "consumer": "ada"}
    assert grant["grants"][0]["claims"] == [{"claim": "0.0", "instance": "d1"}]
    assert denial["class"] == "never"
    assert denial["request"]["amounts"] == {"gb": 40}


def test_what_is_not_kept_is_named(pool: ap.Pool) -> None:
    last = len(pool.journal)
    with pytest.raises(ap.UnknownName, match=f"change {last + 1} is not kept: the journal holds 1 to {last}"):
        pool.journal.change(last + 1)
    with pytest.raises(IndexError):
        pool.journal[last]


def test_faces(pool: ap.Pool) -> None:
    assert repr(pool.journal) == f"Journal(changes 1 to {len(pool.journal)})"
    assert repr(ap.Pool().journal) == "Journal(no changes)"
    assert "<table>" in pool.journal._repr_html_()


def test_the_bound_folds_the_older_half() -> None:
    pool = ap.Pool(journal_bytes=20_000)
    pool.apply({"types": {"disk": {"dimensions": {"gb": {}}}}})
    pool.add("d1", type="disk", capacity={"gb": 10})
    for _ in range(500):
        pool.release(pool.allocate("disk", gb=1, consumer="ada") or [])
    first = int(pool.journal[0]["revision"].rpartition(".")[2])
    assert first > 1
    assert pool.memory()["journal"] <= 20_000 + 1_000
    assert pool.at(first - 1).revision == f"0.0.{first - 1}"
    with pytest.raises(ap.UnknownName, match=f"the oldest is {first - 1}"):
        pool.at(first - 2)


def test_an_index_beyond_says_what_is_kept() -> None:
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
    with pytest.raises(IndexError, match=r"journal\[1000000\]: the kept changes are 1 to 1; journal.change\(number\)"):
        pool.journal[10**6]
