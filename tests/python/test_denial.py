"""Denials with their repairs: lazy, tried, and done with the request or not at all."""

import json
from pathlib import Path

import jsonschema
import pytest

import apportion as ap

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "reference" / "repair.schema.json").read_text(encoding="utf-8")
)
DOCUMENT = """
[types.disk]
dimensions.gb = { unit = "GB" }
fields.zone = { kind = "string" }

[types.tape]
dimensions.gb = { unit = "GB" }
fields.zone = { kind = "string" }
"""
IN_A = 'self.zone == "a"'


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load(DOCUMENT, clock=0)
    for name, zone in (("d1", "a"), ("d2", "a"), ("d3", "b")):
        pool.add(name, type="disk", fields={"zone": zone}, capacity={"gb": 100})
    pool.add("d4", type="disk", fields={"zone": "a"}, capacity={"gb": 100}, state={"status": "offline"})
    pool.add("t1", type="tape", fields={"zone": "a"}, capacity={"gb": 100})
    for name, gb, place, ends in (("ada", 40, "d1", None), ("bob", 20, "d1", None), ("eve", 60, "d2", 50)):
        assert pool.allocate("disk", gb=gb, consumer=name, where=f'self.id == "{place}"', ends=ends)
    return pool


def _denied(pool: ap.Pool, gb: float = 60) -> ap.Denial:
    denial = pool.allocate("disk", gb=gb, consumer="zoe", where=IN_A)
    assert isinstance(denial, ap.Denial)
    return denial


def _first(denial: ap.Denial, kind: str) -> ap.Repair:
    return next(repair for repair in denial.repairs if repair.kind == kind)


def test_every_repair_cures_and_has_the_published_form(pool: ap.Pool) -> None:
    denial = _denied(pool)
    kinds = [repair.kind for repair in denial.repairs]
    assert kinds == ["wait", "online", "smaller", "relax", "alternative", "release", "release", "add"]
    before = pool.hash
    for repair in denial.repairs:
        jsonschema.validate(repair.to_dict(), SCHEMA, jsonschema.Draft202012Validator)
        fork = pool.fork()
        grant = denial.apply(repair, pool=fork)
        assert isinstance(grant, ap.Grant), repair
        assert grant.pool is fork
    assert pool.hash == before
    costs = [repair.cost for repair in denial.repairs]
    assert costs == sorted(costs)


def test_a_move_has_the_published_form() -> None:
    pool = ap.load(DOCUMENT)
    pool.add_many({"id": ["d1", "d2"], "capacity.gb": [100, 100]}, type="disk")
    held = [pool.allocate("disk", gb=gb, consumer="ada") for gb in (40, 20, 60)]
    denial = pool.allocate("disk", gb=60, consumer="zoe")
    assert isinstance(denial, ap.Denial)
    move = denial.repairs[0]
    jsonschema.validate(move.to_dict(), SCHEMA, jsonschema.Draft202012Validator)
    assert move.data["claims"] == [
        {"claim": "c0.1.0", "consumer": "ada", "instance": "d1", "amounts": "gb 20", "mark": False, "to": "d2"}
    ]
    assert repr(move) == "Repair(move, cost 1: move claim c0.1.0 of 'ada' (gb 20) from 'd1' to 'd2')"
    grant = denial.apply(move)
    assert isinstance(grant, ap.Grant) and grant.instance == "d1"
    moved = held[1]
    assert moved and moved.refresh().instance == "d2" and moved.instance == "d1", "a grant is of its revision"


def test_a_tree_that_is_relaxed_has_the_published_form() -> None:
    pool = ap.load(
        {
            "types": {
                "disk": {"dimensions": {"gb": {}}},
                "pair": {
                    "dimensions": {"gb": {}},
                    "needs": [
                        {"type": "disk", "as": "one", "gb": "request.gb"},
                        {"type": "disk", "as": "two", "gb": "request.gb", "require": "self.id != one.id"},
                    ],
                },
            }
        }
    )
    pool.add("d1", type="disk", capacity={"gb": 10})
    denial = pool.allocate("pair", gb=5, consumer="ada")
    assert isinstance(denial, ap.Denial) and denial.slot == "pair@1/two"
    relax = _first(denial, "relax")
    jsonschema.validate(relax.to_dict(), SCHEMA, jsonschema.Draft202012Validator)
    assert "require" not in relax.data["types"]["pair"]["needs"][1]
    assert denial.apply(relax, pool=pool.fork())


def test_repairs_are_looked_for_once_and_say_when(pool: ap.Pool) -> None:
    denial = _denied(pool)
    repairs = denial.repairs
    assert {repair.revision for repair in repairs} == {pool.revision}
    pool.add("d9", type="disk", fields={"zone": "a"}, capacity={"gb": 100})
    assert denial.repairs is repairs
    late = pool.allocate("disk", gb=60, consumer="zoe", where='self.zone == "x"')
    assert isinstance(late, ap.Denial)
    pool.add("dx", type="disk", fields={"zone": "x"}, capacity={"gb": 100})
    assert late.repairs == (), "it would be granted by now"


def test_who_was_faster_gets_it_and_nothing_else_happens(pool: ap.Pool) -> None:
    denial = _denied(pool)
    online, release = _first(denial, "online"), _first(denial, "release")
    pool.change("d4", state={"status": "online"})
    assert pool.allocate("disk", gb=90, consumer="faster", where='self.id == "d4"')
    before = pool.hash
    assert isinstance(denial.apply(online), ap.Denial)
    assert pool.hash == before
    pool.tick(50)
    with pytest.raises(ap.StaleHandle, match="is gone"):
        denial.apply(release)


def test_a_denied_repair_is_a_denial_of_what_was_asked_instead(pool: ap.Pool) -> None:
    denial = _denied(pool)
    smaller = _first(denial, "smaller")
    assert smaller.data["instead"] == {"amounts": {"gb": 40}}
    assert denial.apply(smaller) and denial.apply(smaller), "both disks of the zone have 40"
    third = denial.apply(smaller)
    assert isinstance(third, ap.Denial)
    assert third.data["binding"][0]["requested"] == "40" and third.repairs


def test_what_cannot_be_applied(pool: ap.Pool) -> None:
    denial = _denied(pool)
    with pytest.raises(ap.RequestError, match=r"expected one of denial\.repairs"):
        denial.apply("move")  # type: ignore[arg-type]
    several = pool.allocate_all([ap.Request("disk", gb=101, consumer="a")])
    assert isinstance(several, ap.Denial) and several.repairs == ()
    with pytest.raises(ap.RequestError, match="no denial of one request"):
        several.apply(denial.repairs[0])
    live = ap.load(DOCUMENT)
    live.add("d1", type="disk", capacity={"gb": 10})
    assert live.allocate("disk", gb=6, consumer="ada", ends=3600)
    waiting = live.allocate("disk", gb=6, consumer="bob")
    assert isinstance(waiting, ap.Denial)
    wait = waiting.repairs[0]
    assert wait.kind == "wait" and "s: claims or marks end by then" in str(wait)
    with pytest.raises(ap.RequestError, match="ask again then"):
        waiting.apply(wait)


def test_a_request_whose_end_has_passed_has_no_repairs(pool: ap.Pool) -> None:
    denial = pool.allocate("disk", gb=60, consumer="zoe", where=IN_A, ends=10)
    assert isinstance(denial, ap.Denial)
    pool.tick(20)
    assert "any one of these" not in str(denial)
    with pytest.raises(ap.RequestError, match="must end after now"):
        denial.repairs  # noqa: B018 - looked for when asked for


def test_it_is_told_in_text_and_drawn(pool: ap.Pool) -> None:
    denial = _denied(pool)
    text = str(denial)
    for part in (
        "cannot hold together:",
        f"any one of these would do, at revision {denial.repairs[0].revision}:",
        "set status of 'd4' to online",
    ):
        assert part in text, part
    page = denial._repr_html_()
    assert page.count('<div style="background:#d9dee3') == len(denial.stages)
    assert page.count("background:#a83b3b") == 1, "the stage that leaves too few stands out"
    assert "self.zone == &quot;a&quot;" in page and "any one of these would do" in page
    with pytest.raises(ap.AllocationDenied) as caught:
        denial.raise_for_denial()
    assert "any one of these" not in str(caught.value), "raising does not look for repairs"


def test_the_core_names_what_cannot_hold_together(pool: ap.Pool) -> None:
    denial = _denied(pool)
    assert (denial.stage, denial.dimension) == ("capacity", "gb")
    assert denial.core == [
        {"name": "state.status", "detail": "online", "excludes": 1},
        {"name": "where", "detail": IN_A, "excludes": 1},
        {"name": "capacity", "detail": "gb 60 GB", "excludes": 2},
    ]


def test_explained_denials_have_repairs_too(pool: ap.Pool) -> None:
    why = pool.explain("disk", gb=60, where=IN_A)
    assert why.denial is not None
    assert [repair.kind for repair in why.denial.repairs][:2] == ["wait", "online"]
    assert "any one of these would do" in str(why)
