"""Grants, denials and explanations are frozen values with readable faces."""

import copy
import gc
import json
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import apportion as ap


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {"unit": "GB", "step": 0.5}}, "policy": "least_utilised"}}})
    pool.add("d<1>", type="disk", capacity={"gb": 10}, location="za", address="10.0.0.1")
    pool.add("d2", type="disk", capacity={"gb": 10}, location="zb")
    return pool


def test_a_grant_says_identity_and_location(pool: ap.Pool) -> None:
    grant = pool.allocate("disk", gb=4, count=2, consumer="ada")
    assert isinstance(grant, ap.Grant)
    assert grant.instances == ("d<1>", "d2")
    assert (grant.instance, grant.location, grant.claims[0].address) == ("d<1>", "za", "10.0.0.1")
    assert repr(grant) == "Grant(ada: d<1> in za gb=4; d2 in zb gb=4)"
    assert "d&lt;1&gt;" in grant._repr_html_()
    assert len(grant) == 2
    assert list(grant) == list(grant.claims)
    assert grant == grant.refresh()
    assert hash(grant) == hash(grant.refresh())


def test_a_grant_is_what_its_claims_are(pool: ap.Pool) -> None:
    grant = pool.allocate("disk", gb=2.5, count=2, consumer="ada")
    other = pool.allocate("disk", gb=2.5, consumer="ada")
    assert grant and other
    first, second = grant.claims
    assert grant.claims is grant.claims and first.amounts is first.amounts
    assert (first.id, first.type, first.version, dict(first.amounts)) == ("c0.0.0", "disk", 1, {"gb": 2.5})
    assert first != second and first != "c0.0.0" and grant != other and grant != grant.claims
    assert len({first, second, *grant.refresh()}) == 2
    assert {grant: 1}[grant.refresh()] == 1
    assert grant.pool is pool
    assert repr(first) == "Claim(c0.0.0: d<1> in za gb=2.5)"
    # Other fields do not count: what was moved to another consumer is the same claim.
    moved = pool.transfer(other, consumer="bob")
    assert isinstance(moved, ap.Grant) and moved == other and moved.consumer == "bob"


def test_many_claims_are_shown_in_short() -> None:
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}, "iops": {}}}}})
    pool.add_many({"id": list("abcdefghijkl"), "capacity.gb": [2e9] * 12}, type="disk")
    grant = pool.allocate("disk", gb=1_000_000, count=12, consumer="ada")
    assert repr(grant) == "Grant(ada: a gb=1e+06; b gb=1e+06; c gb=1e+06; and 9 more)"
    assert isinstance(grant, ap.Grant)
    assert grant._repr_html_().count("<tr>") == 1 + 10  # the head and ten claims
    nothing = pool.allocate("disk", consumer="ada")
    assert repr(nothing) == "Grant(ada: a)"


def test_answers_belong_to_their_process(pool: ap.Pool) -> None:
    grant = pool.allocate("disk", gb=4, consumer="ada")
    assert grant
    for thing in (grant, grant.claims[0]):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
        with pytest.raises(TypeError):
            copy.copy(thing)
        with pytest.raises(TypeError):
            type(thing)()
        assert type(thing).__module__ == "apportion"


def test_a_pool_that_holds_its_grants_is_collected() -> None:
    class Keeper(ap.Pool):
        kept: list[ap.Grant]

    keeper = Keeper()
    keeper.apply({"types": {"disk": {"dimensions": {"gb": {}}}}})
    keeper.add("d1", type="disk", capacity={"gb": 10})
    grant = keeper.allocate("disk", gb=4, consumer="ada")
    assert grant and isinstance(grant.pool, Keeper)
    keeper.kept = [grant]
    grant.claims  # noqa: B018 - made when asked for
    gone = weakref.ref(keeper)
    del keeper, grant
    gc.collect()
    assert gone() is None


def test_answers_cannot_be_changed(pool: ap.Pool) -> None:
    grant = pool.allocate("disk", gb=4, consumer="ada")
    assert grant
    for thing, name in (
        (grant, "consumer"),
        (grant.claims[0], "instance"),
        (pool.explain("disk", gb=1, consumer="x"), "data"),
    ):
        with pytest.raises(AttributeError, match="frozen"):
            setattr(thing, name, "other")
        with pytest.raises(AttributeError, match="frozen"):
            delattr(thing, name)
    with pytest.raises(TypeError):
        grant.claims[0].amounts["gb"] = 1.0  # type: ignore[index]


def test_a_denial_is_false_and_tells_all(pool: ap.Pool) -> None:
    denial = pool.allocate("disk", gb=40, consumer="ada")
    assert isinstance(denial, ap.Denial)
    assert not denial
    assert denial.code == "never"
    assert denial.stages[0]["name"] == "type"
    assert denial.binding[0]["largest_free"] == "10"
    assert {miss["instance"] for miss in denial.closest} == {"d<1>", "d2"}
    text = str(denial)
    assert "never" in text and "needs 40, has 10" in text
    assert "d&lt;1&gt;" in denial._repr_html_() and "<1>" not in denial._repr_html_()
    assert json.loads(denial.to_json()) == denial.to_dict()
    with pytest.raises(ap.AllocationDenied, match="never") as caught:
        denial.raise_for_denial()
    assert caught.value.denial is denial


def test_an_explanation_shows_scores_and_their_parts(pool: ap.Pool) -> None:
    pool.allocate("disk", gb=4, consumer="ada")
    why = pool.explain("disk", gb=1, consumer="bob")
    assert why and why.granted and why.denial is None
    # d<1> is at 4/10, d2 at 0/10: the emptier comes first
    assert [(row["instance"], row["score"]) for row in why.ranking] == [("d2", 0), ("d<1>", 0.4)]
    assert why.ranking[1]["parts"] == [{"term": "mean(used / limit)", "value": 0.4, "dimensions": {"gb": 0.4}}]
    assert why.policy["score"] == "mean(used / limit)"
    assert "mean(used / limit) = 0.4 (gb 0.4)" in str(why)
    assert repr(why) == "Explanation(bob: d2, 2 candidates)"
    denied = pool.explain("disk", gb=40, consumer="bob")
    assert not denied and not denied.granted and denied.denial is not None and denied.denial.code == "never"
    assert "Denied, never" in str(denied)
    assert pool.revision == pool.revision


def test_the_closest_say_what_a_filter_saw(pool: ap.Pool) -> None:
    seen = pool.allocate("disk", gb=1, consumer="ada", where='self.location == "zc"')
    assert 'where: needs self.location == "zc", has self.location = "za"' in str(seen)
    summed = pool.allocate("disk", gb=1, consumer="ada", where="sum(free) > 1000")
    assert "where: needs sum(free) > 1000, which does not hold" in str(summed)
    assert isinstance(summed, ap.Denial) and summed.binding == [] and "total_free" not in str(summed)


def test_a_denial_of_an_explanation_is_of_the_state_that_was_asked(pool: ap.Pool) -> None:
    denial = pool.explain("disk", gb=40).denial
    assert denial is not None and denial.data["revision"] == pool.revision


DISKS = {"types": {"disk": {"dimensions": {"gb": {}}}}}


def _disk_pool(**options: Any) -> ap.Pool:
    pool = ap.load(DISKS, **options)
    pool.add("d1", type="disk", capacity={"gb": 100})
    return pool


def _granted(pool: ap.Pool, consumer: str, gb: int = 10) -> ap.Grant:
    grant = pool.allocate("disk", gb=gb, consumer=consumer)
    assert isinstance(grant, ap.Grant)
    return grant


ACTS: list[Callable[[ap.Pool, ap.Grant], object]] = [
    lambda pool, grant: pool.release(grant),
    lambda pool, grant: pool.release(grant.claims[0]),
    lambda pool, grant: pool.release([[grant]]),
    lambda pool, grant: pool.resize(grant, gb=20),
    lambda pool, grant: pool.transfer(grant.claims[0], consumer="zoe"),
    lambda pool, grant: pool.move(grant, "d1"),
    lambda pool, grant: pool.why(grant),
    lambda pool, grant: pool.commit(grant),
]


@pytest.mark.parametrize("act", ACTS)
def test_a_grant_of_another_pool_is_refused(act: Callable[[ap.Pool, ap.Grant], object]) -> None:
    ours, other = _disk_pool(), _disk_pool()
    held, theirs = _granted(ours, "ada"), _granted(other, "bob")
    assert held.claims[0].id == theirs.claims[0].id
    before = ours.hash
    says = "another pool gave claim c0.0.0 to 'bob' on 'd1' by change [0-9]+; here c0.0.0 is 'ada' on 'd1' by change"
    with pytest.raises(ap.StaleHandle, match=says):
        act(ours, theirs)
    assert ours.hash == before


@pytest.mark.parametrize("act", ACTS)
def test_a_grant_that_this_pool_never_had_is_refused(act: Callable[[ap.Pool, ap.Grant], object]) -> None:
    ours, other = _disk_pool(), _disk_pool()
    theirs = _granted(other, "bob")
    with pytest.raises(ap.StaleHandle, match="this pool has no claim with this id"):
        act(ours, theirs)


def test_forks_share_what_was_before_them_and_nothing_after() -> None:
    pool = _disk_pool()
    old = _granted(pool, "ada")
    fork = pool.fork()
    ours, theirs = _granted(pool, "bob"), _granted(fork, "eve")
    assert ours.claims[0].id == theirs.claims[0].id and ours.revision == theirs.revision
    with pytest.raises(ap.StaleHandle, match=r"another pool gave claim c0\.1\.0 to 'eve'"):
        pool.release([old, theirs])
    assert len(pool.claims) == 2, "all or none"
    resized = fork.resize(old, gb=20)
    assert isinstance(resized, ap.Grant) and resized.pool is fork
    fork.release([old, theirs])
    assert (len(fork.claims), len(pool.claims)) == (0, 2)
    pool.release(old)


def test_a_mark_is_committed_where_it_is_asked() -> None:
    pool = _disk_pool()
    mark = pool.mark("disk", gb=4, consumer="ada", expires=60)
    assert isinstance(mark, ap.Grant)
    fork = pool.fork()
    claim = fork.commit(mark)
    assert not claim.is_mark and claim.pool is fork
    assert mark.refresh().is_mark, "the original still has a mark"


def test_what_a_state_of_the_past_or_a_snapshot_has_can_be_acted_on() -> None:
    pool = _disk_pool()
    grant = _granted(pool, "ada")
    number = int(pool.revision.rpartition(".")[2])
    restored = ap.Pool.restore(pool.snapshot())
    pool.release(grant)
    pool.at(number).release(grant)
    restored.release(grant)
    assert len(restored.claims) == 0
    with pytest.raises(ap.StaleHandle, match="no claim with this id"):
        pool.at(number - 1).release(grant)


def test_the_pool_that_gave_a_grant_may_be_gone() -> None:
    pool = _disk_pool()
    claim = _granted(pool, "ada").claims[0]
    fork = pool.fork()
    del pool
    gc.collect()
    fork.release(claim)


def test_grants_of_different_pools_are_different() -> None:
    ours, other = _disk_pool(clock=0), _disk_pool(clock=0)
    held, theirs = _granted(ours, "ada"), _granted(other, "ada")
    assert held != theirs and held.claims != theirs.claims
    assert len({held, theirs}) == len({held.claims[0], theirs.claims[0]}) == 2
    assert held == ours.grant("c0.0.0") and hash(held) == hash(ours.grant("c0.0.0"))
