"""Requests whose types have needs, as Python sees them."""

import json
from importlib.resources import files

import jsonschema
import pytest

import apportion as ap

DOCUMENT = {
    "types": {
        "disk": {"dimensions": {"gb": {"step": 0.001}}, "fields": {"zone": {"kind": "string"}}},
        "channel": {"dimensions": {"mbit": {}}},
        "mailbox": {
            "dimensions": {"gb": {}},
            "needs": [
                {"type": "disk", "as": "primary", "gb": "request.gb"},
                {"type": "disk", "as": "backup", "gb": 0.5, "require": "self.zone != primary.zone", "optional": True},
                {
                    "as": "line",
                    "any_of": [{"type": "channel", "mbit": 2}, {"type": "channel", "mbit": 1, "policy": "last"}],
                },
            ],
        },
    },
    "instances": [
        {"id": "d1", "type": "disk", "fields": {"zone": "a"}, "capacity": {"gb": 10}},
        {"id": "d2", "type": "disk", "fields": {"zone": "b"}, "capacity": {"gb": 1}, "location": "b <1>"},
        {"id": "c1", "type": "channel", "capacity": {"mbit": 3}},
    ],
}


@pytest.fixture
def pool() -> ap.Pool:
    return ap.load(DOCUMENT)


def test_a_grant_names_what_each_claim_is_for(pool: ap.Pool) -> None:
    grant = pool.allocate("mailbox", gb=3, consumer="ada")
    assert [(claim.role, claim.instance) for claim in grant] == [
        ("mailbox@1/primary", "d1"),
        ("mailbox@1/backup", "d2"),
        ("mailbox@1/line", "c1"),
    ]
    assert grant.claims[1].amounts == {"gb": 0.5}
    assert pool.claims.to_dict()["role"] == [claim.role for claim in grant]
    assert [claim.role for claim in grant.refresh()] == [claim.role for claim in grant]
    pool.release(grant.claims)
    assert len(pool.claims) == 0
    assert pool.allocate("disk", gb=1, consumer="ada").claims[0].role == ""


def test_columns_give_whole_trees(pool: ap.Pool) -> None:
    answers = pool.allocate_many(
        {"type": ["mailbox"] * 4, "consumer": list("abcd"), "gb": [2.0, 2.0, 2.0, 2.0]}
    ).to_dict()
    assert answers["granted"] == [True, True, False, False], "a line of 2 and a line of 1"
    assert answers["denial"][2:] == ["not_now", "not_now"]
    assert len(pool.claims) == 6


def test_a_denial_names_the_slot(pool: ap.Pool) -> None:
    before = pool.hash
    denial = pool.allocate("mailbox", gb=30, consumer="ada")
    assert not denial and denial.slot == "mailbox@1/primary" and denial.code == "never"
    assert pool.hash == before


def test_explain_shows_the_slots(pool: ap.Pool) -> None:
    why = pool.explain("mailbox", gb=3, consumer="ada")
    assert why.granted and [slot["instance"] for slot in why.slots] == ["d1", "d2", "c1"]
    assert "mailbox@1/backup" in str(why) and repr(why) == "Explanation(ada: granted, 3 slots)"
    assert "b &lt;1&gt;" in why._repr_html_()
    not_that = pool.explain("mailbox", gb=30, consumer="ada")
    assert not_that.denial is not None and not_that.denial.slot == "mailbox@1/primary"
    assert "denied" in not_that._repr_html_().lower()


def test_a_fork_and_the_past_know_roles(pool: ap.Pool) -> None:
    grant = pool.allocate("mailbox", gb=3, consumer="ada")
    for other in (pool.fork(), pool.at(pool.revision)):
        assert other.hash == pool.hash
        assert other.claims.to_dict()["role"] == [claim.role for claim in grant]


def test_documents_with_needs_are_valid_by_the_schema() -> None:
    schema = json.loads((files("apportion") / "schema" / "document.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    assert not list(validator.iter_errors(DOCUMENT))
    for wrong in (
        {"as": "x"},
        {"type": "disk", "any_of": [{"type": "disk"}]},
        {"any_of": [{"type": "disk"}]},
        {"type": "disk", "gb": []},
        {"type": "disk", "on": 3},
        {"type": "disk", "different": [1]},
    ):
        document = {"types": {"x": {"needs": [wrong]}}}
        assert list(validator.iter_errors(document)), wrong


CLUSTER = {
    "policies": {
        "least_fragments": {
            "score": "floor(100 / (1 + exp(fragmentation.rise / 1000)))",
            "order": "max",
            "fragmentation": {
                "parts": "gpu",
                "dimension": "milli",
                "profile": [{"weight": 2, "cores": 1, "part": 600, "count": 1}, {"part": 1000, "count": 2}],
            },
        }
    },
    "types": {
        "node": {"dimensions": {"cores": {}}, "policy": "least_fragments"},
        "gpu": {"dimensions": {"milli": {}}, "fields": {"model": {"kind": "string"}}},
        "job": {
            "dimensions": {"gpus": {}, "milli": {}},
            "needs": [
                {"type": "node", "cores": 1},
                {
                    "type": "gpu",
                    "on": "node",
                    "milli": "request.milli",
                    "count": "request.gpus",
                    "same": "model",
                    "policy": "together",
                },
            ],
        },
    },
    "instances": [
        {"id": "n1", "type": "node", "capacity": {"cores": 8}},
        {"id": "n2", "type": "node", "capacity": {"cores": 8}},
        *(
            {"id": id, "type": "gpu", "parent": id[:2], "fields": {"model": model}, "capacity": {"milli": 1000}}
            for id, model in {"n1a": "T4", "n1b": "V100", "n2a": "T4", "n2b": "T4"}.items()
        ),
    ],
}


def test_parts_lie_in_one_node_and_are_of_one_model() -> None:
    pool = ap.load(CLUSTER)
    assert pool.allocate("job", gpus=2, milli=1000, consumer="ada").instances == ("n2", "n2a", "n2b")
    denial = pool.allocate("job", gpus=2, milli=1000, consumer="ada")
    assert isinstance(denial, ap.Denial)
    assert (denial.slot, denial.code) == ("job@1/gpu", "not_now")
    assert "together" in denial.to_dict()["stages"][-1]["name"]
    assert pool.metadata["policies"]["least_fragments"]["fragmentation"]["profile"][1] == {
        "weight": 1,
        "part": 1000,
        "count": 2,
    }
    assert pool.fork().hash == pool.hash


def test_a_part_is_chosen_together_with_its_node() -> None:
    pool = ap.load(CLUSTER)
    first = pool.allocate("job", gpus=1, milli=500, consumer="ada")
    second = pool.allocate("job", gpus=1, milli=500, consumer="ada")
    assert second.instances == first.instances, "another card would be of less use to others"


def test_a_fault_has_its_place() -> None:
    with pytest.raises(ap.DocumentError) as raised:
        ap.load(
            {
                "types": {
                    "disk": {},
                    "x": {
                        "needs": [{"type": "disk"}, {"type": "disk", "as": "b", "require": "self.zone == disk.zone"}]
                    },
                }
            }
        )
    assert "types.x.needs[1].require" in str(raised.value)
