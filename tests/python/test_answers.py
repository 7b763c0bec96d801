"""Grants, denials and explanations are frozen values with readable faces."""

import copy
import gc
import json
import pickle
import weakref

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
    assert why.granted and why.denial is None
    # d<1> is at 4/10, d2 at 0/10: the emptier comes first
    assert [(row["instance"], row["score"]) for row in why.ranking] == [("d2", 0), ("d<1>", 0.4)]
    assert why.ranking[1]["parts"] == [{"term": "mean(used / limit)", "value": 0.4, "dimensions": {"gb": 0.4}}]
    assert why.policy["score"] == "mean(used / limit)"
    assert "mean(used / limit) = 0.4 (gb 0.4)" in str(why)
    assert repr(why) == "Explanation(bob: d2, 2 candidates)"
    denied = pool.explain("disk", gb=40, consumer="bob")
    assert not denied.granted and denied.denial is not None and denied.denial.code == "never"
    assert "Denied, never" in str(denied)
    assert pool.revision == pool.revision
