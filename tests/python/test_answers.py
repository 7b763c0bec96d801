"""Grants, denials and explanations are frozen values with readable faces."""

import json

import pytest

import apportion as ap


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {"unit": "GB"}}, "policy": "least_utilised"}}})
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
