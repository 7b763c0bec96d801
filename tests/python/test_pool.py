"""Allocation through the surface: what is granted, denied, resized, transferred, and what is refused as misuse."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import apportion as ap

DOCUMENT = """
[types.disk]
dimensions.gb = { unit = "GB", step = 0.001 }
dimensions.iops = {}
fields.rack = { kind = "string" }
state.health = { kind = "enum", values = ["ok", "worn"], default = "ok", allow = ["ok"] }
policy = "closest_capacity"

[types.seat]
dimensions.users = { unit = "users" }
max_consumers = 2

[relationships.mirror_of]
from = "disk"
to = "disk"
many = true

[policies.quiet]
where = "used.iops < 5"
score = "self.claims"
"""


@pytest.fixture
def pool() -> ap.Pool:
    pool = ap.load(DOCUMENT, clock=1000)
    pool.add("d1", type="disk", capacity={"gb": 10, "iops": 10}, location="here", fields={"rack": "r1"}, groups=["g"])
    pool.add("d2", type="disk", capacity={"gb": 20, "iops": 10}, address="10.0.0.2", fields={"rack": "r2"})
    pool.add("s1", type="seat", capacity={"users": 5})
    return pool


def granted(answer: Any) -> ap.Grant:
    assert isinstance(answer, ap.Grant), answer
    return answer


def denied(answer: Any, code: str) -> ap.Denial:
    assert isinstance(answer, ap.Denial), answer
    assert answer.code == code, answer
    return answer


# --- choice -------------------------------------------------------------------------------------------------------

# What d1 (10 GB, 4 used) and d2 (20 GB, none used) are worth to a request for 3 GB, and who wins.
CHOICES = [
    (None, "d1"),  # the type's closest_capacity: (6 - 3 + 10) / 20 ... < (20 - 3 + 10) / 20 ...
    ("least_utilised", "d2"),  # (0.4 + 0) / 2 > 0
    ("most_utilised", "d1"),
    ("balance", "d2"),  # 0.7^2 - 0.4^2 = 0.33 > 0.15^2
    ("balance_count", "d2"),  # 1 consumer > 0
    ("first", "d1"),
    ("last", "d2"),
    ("quiet", "d2"),  # 1 claim > 0
    ({"score": "free.gb", "order": "max"}, "d2"),
    ({"score": "0", "where": "self.rack == 'r2'"}, "d2"),
    ({"score": "used.gb", "quantum": 5}, "d1"),  # 4 and 0 are both in quantum 0: the lowest id
    ({"score": "0", "ties": "highest_id"}, "d2"),
    ({"score": "group('g').load"}, "d1"),  # no difference
]


@pytest.mark.parametrize(("policy", "winner"), CHOICES)
def test_policies_choose(pool: ap.Pool, policy: Any, winner: str) -> None:
    granted(pool.allocate("disk", gb=4, consumer="ada", policy="first"))
    assert granted(pool.allocate("disk", gb=3, consumer="bob", policy=policy)).instance == winner


def test_the_request_goes_before_the_instance_and_the_instance_before_the_type(pool: ap.Pool) -> None:
    pool.change("d1", policy="quiet")  # its score is 0 claims; d2 keeps (20 - 1 + 10 - 0) / 20 ...
    assert granted(pool.allocate("disk", gb=1, consumer="a")).instance == "d1"
    assert granted(pool.allocate("disk", gb=1, consumer="a", policy="last")).instance == "d2"
    pool.change("d1", policy="")
    assert pool.explain("disk", gb=1, consumer="a").ranking[0]["policy"] == "closest_capacity"


def test_ties_may_rotate_and_seeds_repeat(pool: ap.Pool) -> None:
    turns = {"score": "0", "ties": "rotating"}
    chosen = [granted(pool.allocate("disk", gb=1, consumer="a", policy=turns)).instance for _ in range(4)]
    assert chosen == ["d1", "d2", "d1", "d2"]
    denied(pool.allocate("disk", gb=99, consumer="a", policy=turns), "never")  # moves no cursor
    assert granted(pool.allocate("disk", gb=1, consumer="a", policy=turns)).instance == "d1"
    dice = {"score": "0", "ties": "seeded", "seed": 3}
    both = [granted(p.allocate("disk", gb=1, consumer="a", policy=dice)).instance for p in (pool.fork(), pool.fork())]
    assert both[0] == both[1]


def test_where_filters_and_may_stand_for_the_type(pool: ap.Pool) -> None:
    assert granted(pool.allocate("disk", gb=1, consumer="a", where='self.rack == "r2"')).instance == "d2"
    assert granted(pool.allocate("disk", gb=1, consumer="a", where="'g' in self.groups")).instance == "d1"
    assert granted(pool.allocate(gb=1, consumer="a", where='self.id == "d2"')).instance == "d2"
    assert granted(pool.allocate(users=1, consumer="a", where='self.type == "seat"')).instance == "s1"
    denied(pool.allocate("disk", gb=1, consumer="a", where="self.rack == 'r3'"), "never")


def test_count_means_different_instances(pool: ap.Pool) -> None:
    grant = granted(pool.allocate("disk", gb=2, consumer="a", count=2))
    assert grant.instances == ("d1", "d2")
    assert len(grant) == len(list(grant)) == 2
    denial = denied(pool.allocate("disk", gb=2, consumer="a", count=3), "never")
    assert "3 instances are asked for and 2 could serve" in denial.message


def test_groups_and_relationships(pool: ap.Pool) -> None:
    pool.change("d2", relationships={"mirror_of": ["d1"]}, groups=["g", "h"], labels={"tier": "a"}, parent="d1")
    told = pool.instance("d2")
    assert (told["relationships"], told["groups"], told["parent"]) == ({"mirror_of": ["d1"]}, ["g", "h"], "d1")
    assert granted(pool.allocate("disk", gb=1, consumer="a", where="'d1' in self.mirror_of")).instance == "d2"
    assert granted(pool.allocate("disk", gb=1, consumer="a", where="self.labels.tier == 'a'")).instance == "d2"
    assert pool.explain("disk", gb=1, consumer="a", where="group('g').members > group('h').members").granted
    with pytest.raises(ap.RequestError, match="'d1' is the parent of 1 instance"):
        pool.remove("d1")


def test_attributes_of_consumers_decide(pool: ap.Pool) -> None:
    pool.apply({"consumer_kinds": {"user": {"attributes": {"rack": {"kind": "string", "default": "r2"}}}}})
    pool.add_consumer("ada", kind="user")
    pool.add_consumer("bob", kind="user", rack="r1")
    near = {"score": "number(self.rack != consumer.rack)"}
    assert granted(pool.allocate("disk", gb=1, consumer="ada", policy=near)).instance == "d2"
    assert granted(pool.allocate("disk", gb=1, consumer="bob", policy=near)).instance == "d1"


# --- what forbids -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [{"status": "draining"}, {"status": "offline"}, {"health": "worn"}])
def test_states_keep_claims_and_take_no_new_ones(pool: ap.Pool, state: dict[str, str]) -> None:
    held = granted(pool.allocate("disk", gb=4, consumer="a", where="self.id == 'd1'"))
    pool.change("d1", state=state)
    denial = denied(pool.allocate("disk", gb=1, consumer="b", where="self.id == 'd1'"), "not_now")
    (name,) = state
    assert [s["after"] for s in denial.stages if s["name"] == f"state.{name}"] == [1]  # d2 is left
    assert any(lack["what"] == f"state.{name}" for miss in denial.closest for lack in miss["lacks"])
    assert held.refresh() == held
    assert pool.instance("d1")["used"]["gb"] == 4
    pool.release(held)


def test_an_instance_over_its_limit_takes_nothing(pool: ap.Pool) -> None:
    held = granted(pool.allocate("disk", gb=8, consumer="a", where="self.id == 'd1'"))
    pool.change("d1", capacity={"gb": 5})
    assert pool.instance("d1")["over"] is True
    denial = denied(pool.allocate("disk", iops=1, consumer="b", where="self.id == 'd1'"), "fragmented")
    assert denial.closest[0]["lacks"][0]["what"] == "over"
    denied(pool.resize(held, iops=1), "not_now")
    assert granted(pool.resize(held, gb=5)).claims[0].amounts["gb"] == 5
    assert pool.instance("d1")["over"] is False


def test_sharing_ends_at_max_consumers(pool: ap.Pool) -> None:
    first = granted(pool.allocate("seat", users=1, consumer="a"))
    granted(pool.allocate("seat", users=1, consumer="b"))
    denied(pool.allocate("seat", users=1, consumer="c"), "not_now")
    assert granted(pool.allocate("seat", users=1, consumer="a"))
    denial = denied(pool.transfer(first, consumer="c"), "not_now")
    assert "at most 2 may share it" in denial.message
    assert granted(pool.transfer(first, consumer="b")).consumer == "b"


def test_reserved_and_ratio_make_the_limit(pool: ap.Pool) -> None:
    pool.add("d3", type="disk", capacity={"gb": 10}, reserved={"gb": 1}, ratio={"gb": 1.5})
    assert pool.instance("d3")["limit"]["gb"] == 13.5  # (10 - 1) x 1.5
    granted(pool.allocate("disk", gb=13.5, consumer="a", where="self.id == 'd3'"))
    denied(pool.allocate("disk", gb=0.001, consumer="a", where="self.id == 'd3'"), "not_now")


def test_versions_live_side_by_side(pool: ap.Pool) -> None:
    old = granted(pool.allocate("disk", gb=1, consumer="a"))
    layout = {"gb": {"unit": "GB", "step": 0.5}, "iops": {}, "ports": {}}
    pool.apply({"types": {"disk": {"dimensions": layout, "policy": "last"}}})
    pool.add("d3", type="disk", capacity={"gb": 4, "iops": 4, "ports": 2})
    assert [(row["version"], row["instances"]) for row in pool.types if row["type"] == "disk"] == [(1, 2), (2, 1)]
    new = granted(pool.allocate("disk", gb=1, ports=1, consumer="a"))
    assert (new.instance, new.claims[0].version) == ("d3", 2)
    # 0.3 GB are one step of 0.5 in the new version, 300 steps of 0.001 in the old one.
    amounts = {c.instance: c.amounts["gb"] for c in granted(pool.allocate("disk", gb=0.3, consumer="a", count=3))}
    assert amounts == {"d1": 0.3, "d2": 0.3, "d3": 0.5}
    assert old.refresh().claims[0].version == 1


# --- several at once ----------------------------------------------------------------------------------------------


def test_allocate_all_is_all_or_nothing(pool: ap.Pool) -> None:
    before = pool.hash
    fits = [ap.Request("disk", gb=9, consumer="a"), ap.Request("seat", users=1, consumer="a")]
    denial = denied(pool.allocate_all([*fits, ap.Request("disk", gb=25, consumer="a")]), "never")
    assert (denial.member, pool.hash) == (2, before)
    conflict = [ap.Request("disk", gb=15, consumer="a"), ap.Request("disk", gb=15, consumer="a")]
    assert denied(pool.allocate_all(conflict), "conflict").member == 1
    answer = pool.allocate_all(fits)
    assert isinstance(answer, list)
    assert [grant.instance for grant in answer] == ["d1", "s1"]
    pool.release(answer)


def test_allocate_many_and_release_many(pool: ap.Pool) -> None:
    answers = pool.allocate_many({"consumer": ["a", "b", "c"], "gb": [8, 18.5, 5], "count": [1, 1, 2]}, type="disk")
    assert answers["granted"].tolist() == [True, True, False]
    assert answers["denial"] == ["", "", "not_now"]
    assert pool.release_many(answers) == 2
    with pytest.raises(ap.StaleHandle):
        pool.release_many(answers)
    assert pool.allocate_many({"type": ["seat"], "consumer": ["a"], "users": [1], "policy": [None]})["granted"].all()


def test_a_bad_row_leaves_nothing_half_done(pool: ap.Pool) -> None:
    before, revision = pool.hash, pool.revision
    with pytest.raises(
        ap.UnknownName, match=r"^requests\[1\]\.policy: there is no policy 'frist'; did you mean 'first'"
    ):
        pool.allocate_many({"consumer": ["a", "b"], "gb": [1, 1], "policy": ["first", "frist"]}, type="disk")
    with pytest.raises(ap.RequestError, match=r"^requests\[1\]\.gb: NaN is not a quantity"):
        pool.allocate_many({"consumer": ["a", "b"], "gb": [1, float("nan")]}, type="disk")
    assert (pool.hash, pool.revision) == (before, revision)


# --- claims over time ---------------------------------------------------------------------------------------------


def test_marks_expire_or_are_committed(pool: ap.Pool) -> None:
    one = granted(pool.mark("disk", gb=1, consumer="a", expires=60))
    two = granted(pool.mark("disk", gb=1, consumer="a", expires=timedelta(seconds=60)))
    assert (one.is_mark, repr(one)) == (True, "Grant(mark)(a: d1 in here gb=1)")
    kept = pool.commit(one)
    assert not kept.is_mark
    with pytest.raises(ap.RequestError, match="is committed already"):
        pool.commit(one)
    assert pool.tick(1059.9) == 0
    assert pool.tick(1060) == 1
    with pytest.raises(ap.StaleHandle):
        pool.commit(two)
    assert kept.refresh() == one


def test_claims_end(pool: ap.Pool) -> None:
    start = datetime.fromtimestamp(1000, UTC)
    for ends in (10, 10.0, timedelta(seconds=10), start + timedelta(seconds=10)):
        granted(pool.allocate("disk", gb=1, consumer="a", ends=ends))
    granted(pool.allocate("disk", gb=1, consumer="a", starts=5, ends=20))
    assert [row["ends"].timestamp() for row in pool.claims] == [1010, 1010, 1010, 1010, 1020]
    assert (pool.tick(1010), pool.tick(1020), len(pool.claims)) == (4, 1, 0)
    assert pool.consumers.to_dict()["id"] == [], "who was never added goes with the last claim"


def test_keys_make_calls_idempotent(pool: ap.Pool) -> None:
    first = granted(pool.allocate("disk", gb=1, consumer="a", key="k", ends=60))
    before, revision = pool.hash, pool.revision
    pool.tick(1001)
    again = granted(pool.allocate("disk", gb=1, consumer="a", key="k", ends=60))
    assert (again, pool.hash, pool.revision) == (first, before, revision)
    with pytest.raises(ap.IdempotencyError, match="the key 'k' was used for another request"):
        pool.allocate("disk", gb=2, consumer="a", key="k")
    assert granted(pool.allocate("disk", gb=2, consumer="a", key="k", actor="other")) != first
    denied(pool.allocate("disk", gb=99, consumer="a", key="d"), "never")  # denials are not remembered
    assert granted(pool.allocate("disk", gb=1, consumer="a", key="d"))


def test_move(pool: ap.Pool) -> None:
    held = granted(pool.allocate("disk", gb=4, consumer="a", policy="first", where='self.id == "d1"'))
    moved = granted(pool.move(held, "d2"))
    assert (moved.instance, moved == held, moved.revision) == ("d2", True, held.revision)
    assert pool.instance("d1")["claims"] == 0
    assert pool.journal[-1]["move"] == "0.0" and pool.journal[-1]["instance"] == "d2"
    granted(pool.move(moved.claims[0], "d2"))
    with pytest.raises(ap.UnknownName, match="there is no instance 'd9'"):
        pool.move(held, "d9")


def test_why_a_claim_is_where_it_is(pool: ap.Pool) -> None:
    held = granted(pool.allocate("disk", gb=4, consumer="a", where='self.id != "d1"'))
    answers = pool.allocate_many({"consumer": ["b"], "gb": [1]}, type="disk")
    why = pool.why(held)
    assert why.chosen is not None and why.chosen["rank"] == 1 and why.chosen["instance"] == held.instance
    assert why.ranking[0]["instance"] == held.instance
    assert f"was given {held.instance}, number 1 of the ranking" in str(why)
    for name in (held.claims[0], held.claims[0].id, next(iter(answers))):
        assert pool.why(name, limit=1).chosen
    pool.transfer(held, consumer="c")
    assert f"now it is on {held.instance} for c" in str(pool.why(held)) and "for c" in pool.why(held)._repr_html_()
    with pytest.raises(ap.UnknownName, match="this pool's journal begins after change"):
        pool.fork().why(held.claims[0].id)
    with pytest.raises(ap.RequestError, match="limit is -1"):
        pool.why(held, limit=-1)
    pool.release(held)
    with pytest.raises(ap.StaleHandle):
        pool.why(held)


def test_resize_and_transfer(pool: ap.Pool) -> None:
    held = granted(pool.allocate("disk", gb=4, iops=2, consumer="a", policy="first"))
    assert granted(pool.resize(held, gb=10)).claims[0].amounts == {"gb": 10, "iops": 2}
    never = denied(pool.resize(held, gb=11), "never")
    assert never.binding[0]["requested"] == "1"
    granted(pool.resize(held, {"gb": 1}))
    granted(pool.allocate("disk", gb=8, consumer="b", policy="first"))
    denied(pool.resize(held.claims[0], gb=3), "not_now")
    moved = granted(pool.transfer(held, consumer="c"))
    assert (moved.consumer, moved == held) == ("c", True)
    assert {row["id"] for row in pool.consumers} == {"b", "c"}


def test_released_claims_are_stale(pool: ap.Pool) -> None:
    held = granted(pool.allocate("disk", gb=1, consumer="a", count=2))
    pool.release(held.claims[0])
    before = pool.hash
    with pytest.raises(ap.StaleHandle):
        pool.release(held)
    assert pool.hash == before, "its other claim is still there"
    pool.release([held.claims[1]])
    for act in (
        held.refresh,
        lambda: pool.resize(held.claims[1], gb=1),
        lambda: pool.transfer(held.claims[1], consumer="b"),
    ):
        with pytest.raises(ap.StaleHandle, match=r"claim \d+\.\d+ is gone"):
            act()
    pool.release([])


# --- misuse -------------------------------------------------------------------------------------------------------

NOBODY = "expected a grant, a claim or several of them, found"
MISUSE: list[tuple[Callable[[ap.Pool], Any], type[Exception], str]] = [
    (lambda p: p.add("d1", type="disk"), ap.RequestError, "id: there is an instance 'd1' already"),
    (lambda p: p.add("x", type="dsk"), ap.UnknownName, "type: there is no type 'dsk'; did you mean 'disk'?"),
    (lambda p: p.add("x", type="disk", version=2), ap.UnknownName, "version: type 'disk' has no version 2"),
    (lambda p: p.add("x", type="disk", parent="y"), ap.UnknownName, "parent: there is no instance 'y'"),
    (lambda p: p.add("x", type="disk", capacity={"gbb": 1}), ap.UnknownName, "no dimension 'gbb'; did you mean 'gb'?"),
    (lambda p: p.add("x", type="disk", capacity={"gb": -1}), ap.RequestError, "capacity.gb: -1 is negative"),
    (lambda p: p.add("x", type="disk", capacity={"gb": 1e30}), ap.RequestError, "capacity.gb: 1e+30 in steps of 0.001"),
    (lambda p: p.add("x", type="disk", capacity={"gb": float("nan")}), ap.RequestError, "capacity.gb: NaN"),
    (lambda p: p.add("x", type="disk", capacity=5), ap.RequestError, "capacity: expected a table, found the number 5"),
    (lambda p: p.add("x", type="disk", fields={"rack": 5}), ap.RequestError, "fields.rack: expected text"),
    (lambda p: p.add("x", type="disk", policy="frist"), ap.UnknownName, "there is no policy 'frist'; did you mean"),
    (lambda p: p.add(5, type="disk"), ap.RequestError, "id: expected text, found the number 5"),
    (lambda p: p.change("d1", capcity={}), ap.RequestError, "capcity: unknown key 'capcity'; did you mean 'capacity'?"),
    (lambda p: p.change("d1", state={"status": "of"}), ap.RequestError, "state.status: expected online, offline or"),
    (lambda p: p.change("d1", parent="d1"), ap.RequestError, "parent: the parents of 'd1' would form a circle"),
    (lambda p: p.change("x", location="y"), ap.UnknownName, "there is no instance 'x'"),
    (lambda p: p.remove("x"), ap.UnknownName, "there is no instance 'x'"),
    (lambda p: p.remove(5), ap.RequestError, "expected text, found 5"),
    (lambda p: p.instance("x"), ap.UnknownName, "id: there is no instance 'x'"),
    (lambda p: p.policy("x"), ap.UnknownName, "there is no policy 'x'; there are balance, balance_count"),
    (lambda p: p.add_consumer("a", kind="x"), ap.UnknownName, "kind: there is no consumer kind 'x'"),
    (lambda p: p.remove_consumer("a"), ap.UnknownName, "there is no consumer 'a'"),
    (lambda p: p.release("c0.0.0"), ap.RequestError, f"{NOBODY} 'c0.0.0'"),
    (lambda p: p.release(5), ap.RequestError, f"{NOBODY} 5"),
    (lambda p: p.release(p.allocate("disk", gb=99, consumer="a")), ap.RequestError, f"{NOBODY} Denial"),
    (lambda p: p.commit(None), ap.RequestError, "expected a mark, as Pool.mark gives it, found None"),
    (lambda p: p.resize(5, gb=1), ap.RequestError, "expected a grant or a claim, found 5"),
    (lambda p: p.resize(p.allocate("disk", count=2, consumer="a")), ap.RequestError, "this grant has 2 claims"),
    (lambda p: p.resize(p.allocate("disk", consumer="a"), gb=-1), ap.RequestError, "amounts.gb: -1 is negative"),
    (lambda p: p.resize(p.allocate("disk", consumer="a"), gbb=1), ap.UnknownName, "no dimension 'gbb'"),
    (lambda p: p.transfer(p.allocate("disk", consumer="a"), consumer=""), ap.RequestError, "1 to 200 bytes"),
    (lambda p: p.tick(5), ap.RequestError, "now: time cannot go back"),
    (lambda p: ap.Pool().tick(5), ap.RequestError, "now: this pool follows the machine's clock"),
    (lambda p: ap.Pool(clock="x"), ap.RequestError, "clock: expected seconds since the epoch, found 'x'"),
    (lambda p: ap.Pool(origin=-1), ap.RequestError, "origin: expected a whole number, 0 or more, found -1"),
    (lambda p: ap.Pool(journal_bytes=1.5), ap.RequestError, "journal_bytes: expected a whole number"),
]


@pytest.mark.parametrize(("misuse", "error", "message"), MISUSE)
def test_misuse_is_refused(pool: ap.Pool, misuse: Callable[[ap.Pool], Any], error: type, message: str) -> None:
    before = pool.instances.to_dict()["id"]
    with pytest.raises(error) as caught:
        misuse(pool)
    assert isinstance(caught.value, ap.ApportionError)
    assert message in str(caught.value)
    assert pool.instances.to_dict()["id"] == before


def test_what_has_claims_stays(pool: ap.Pool) -> None:
    granted(pool.allocate("disk", gb=1, consumer="a", policy="first"))
    with pytest.raises(ap.RequestError, match=r"'d1' has 1 claims?: release or move them first"):
        pool.remove("d1")
    with pytest.raises(ap.RequestError, match=r"consumer 'a' has 1 claims?: release them first"):
        pool.remove_consumer("a")
