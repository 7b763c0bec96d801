"""What people complain about in other allocators: a test each, named by the complaint.

Where it can be, the answer is compared with all that there is: plain Python goes through every inventory and every
request of a small universe.
"""

import itertools
import json
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from reference_sites import REQUESTS, SCORES, disk_answer, disks, has_room, nodes_of_site, pool_of, site_of

import apportion as ap

CHASSIS = b"""
[types.chassis]
dimensions.gib = { unit = "GiB" }

[types.node]
dimensions.cores = {}

[types.job]
dimensions.nodes = {}
dimensions.gib   = { unit = "GiB", description = "per node" }
needs = [
  { type = "chassis", gib = "request.gib * request.nodes" },
  { type = "node", on = "chassis", count = "request.nodes", cores = 1 },
]
"""


def test_the_sum_that_does_not_fit_is_not_shown() -> None:
    """1501 GiB for each of 16 nodes, in a chassis of 36 drives of 453 GiB: which sum fails, and where?"""
    pool = ap.load(CHASSIS, clock=0)
    for chassis in ("left", "right"):
        pool.add(chassis, type="chassis", capacity={"gib": 36 * 453})
        for number in range(16):
            pool.add(f"{chassis} {number}", type="node", parent=chassis, capacity={"cores": 64})
    denial = pool.allocate("job", nodes=16, gib=1501, consumer="ada")
    assert isinstance(denial, ap.Denial)
    assert (denial.slot, denial.code, denial.dimension) == ("job@1/chassis", "never", "gib")
    assert "gib 24016 GiB > largest limit 16308 GiB" in denial.message  # 1501 x 16 against 453 x 36
    (row,) = denial.binding
    assert (row["requested"], row["largest_free"], row["total_limit"]) == ("24016", "16308", "32616")
    assert {repair.data["text"] for repair in denial.repairs} >= {"ask for nodes 10 instead of 16"}
    assert pool.allocate("job", nodes=10, gib=1501, consumer="ada"), "10 x 1501 is 15010"


def test_never_is_said_of_what_a_release_would_give() -> None:
    """Every pool of up to two disks, every request for up to three: granted, never, or not now."""
    seen = dict.fromkeys(["granted", "never", "not_now", "fragmented"], 0)
    for size in range(3):
        for inventory in itertools.combinations_with_replacement(list(disks()), size):
            pool = pool_of(inventory)
            for gb, count, zone in itertools.product((1, 2, 3), (1, 2), ("", "a")):
                where = f'self.zone == "{zone}"' if zone else ""
                before = pool.hash
                answer = pool.allocate("disk", gb=gb, count=count, where=where, consumer="ada")
                code = answer.code if isinstance(answer, ap.Denial) else "granted"
                assert code == disk_answer(inventory, gb, count, zone), (inventory, gb, count, zone)
                seen[code] += 1
                if isinstance(answer, ap.Grant):
                    pool.release(answer)
                else:
                    assert pool.hash == before
    assert min(seen.values()) > 40, seen


@pytest.mark.parametrize("policy", SCORES)
def test_a_tree_is_refused_although_it_would_fit(policy: str) -> None:
    """Every site of up to two nodes with up to two GPUs each: granted if there is room, never if there can be none."""
    seen = dict.fromkeys(["granted", "never", "later"], 0)
    for size in range(3):
        for nodes in itertools.combinations_with_replacement(list(nodes_of_site()), size):
            pool = site_of(nodes, policy)
            emptied = tuple((cores, 0, "f" * len(gpus)) for cores, _, gpus in nodes)
            for type, amounts in REQUESTS:
                answer = pool.allocate(type, consumer="ada", amounts=amounts)
                expected = "granted" if has_room(nodes, type, **amounts) else "later"
                if not has_room(emptied, type, **amounts):
                    expected = "never"
                code = answer.code if isinstance(answer, ap.Denial) else "granted"
                found = code if code in seen else "later"
                assert code != "conflict" or type != "job", "nobody else asks"
                assert found == expected, (nodes, type, amounts, answer)
                seen[found] += 1
                if isinstance(answer, ap.Grant):
                    pool.release(answer)
    assert min(seen.values()) > 500, seen


def test_many_at_once_open_servers_that_are_not_needed() -> None:
    """1,000 requests from 1,000 threads: a server is opened only when no open one had room."""
    pool = ap.load({"types": {"server": {"dimensions": {"cores": {}}, "policy": "most_utilised"}}}, clock=0)
    size = {f"s{n}": 16 + n % 3 * 8 for n in range(300)}
    pool.add_many({"id": list(size), "capacity.cores": list(size.values())}, type="server")
    start = threading.Barrier(1000)

    def ask(number: int) -> bool:
        start.wait()
        return bool(pool.allocate("server", cores=(1, 2, 3, 5, 8)[number % 5], consumer=f"c{number}"))

    with ThreadPoolExecutor(1000) as executor:
        assert all(executor.map(ask, range(1000)))

    free: dict[str, int] = {}  # of open servers, as the journal goes on
    for change in pool.journal:
        for grant in change.get("grants", ()):
            cores, server = grant["request"]["amounts"]["cores"], grant["claims"][0]["instance"]
            if server not in free:
                assert max(free.values(), default=0) < cores, "an open server had room"
            free[server] = free.get(server, size[server]) - cores
    assert 3800 / 32 <= len(free) < 300, "3,800 cores were asked for"


def test_a_dry_run_says_that_each_of_ten_would_fit() -> None:
    """Room for one, ten are asked for at once: one fits and nine do not, and nothing has happened."""
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}}, clock=0)
    pool.add("d1", type="disk", capacity={"gb": 15})
    before = pool.hash
    answers = pool.fork().allocate_many({"consumer": [f"c{n}" for n in range(10)], "gb": [10] * 10}, type="disk")
    assert list(answers["granted"]) == [True] + [False] * 9
    assert answers["denial"] == [""] + ["not_now"] * 9
    assert pool.hash == before
    assert pool.explain("disk", gb=10), "one alone would be granted"
    all_of_them = pool.fork().allocate_all([ap.Request("disk", gb=10, consumer=f"c{n}") for n in range(10)])
    assert isinstance(all_of_them, ap.Denial) and (all_of_them.code, all_of_them.member) == ("conflict", 1)


THREE_OF_FOUR = b"""
[types.disk]
dimensions.gb = { unit = "GB", step = 0.5 }
fields.zone   = { kind = "string" }
fields.model  = { kind = "string" }
policy        = "closest_capacity"

[policies.most_free]
score = "free.gb"
order = "max"

[types.volume]
dimensions.gb = { unit = "GB" }
needs = [
  { type = "disk", as = "primary", gb = "request.gb", same = "model", different = "disk" },
  { type = "disk", as = "secondary", gb = "request.gb", same = "model", different = "disk" },
  { type = "disk", as = "backup", gb = "request.gb / 2", different = "disk", policy = "most_free", require = "RULE" },
]
""".replace(b"RULE", b"self.zone != primary.zone")
CAPACITY = {"d1": 8, "d2": 4, "d3": 10, "d4": 6}


def _best_three(zone: dict[str, str], model: dict[str, str]) -> tuple[str, ...]:
    """5 GB twice on the tightest disks of one model, 2.5 GB in another zone where most is free; the first there is."""
    tightest = ["d4", "d1", "d3"]
    for primary, secondary in itertools.permutations(tightest, 2):
        for backup in ("d3", "d1", "d4", "d2"):
            apart = backup not in (primary, secondary) and zone[backup] != zone[primary]
            if model[primary] == model[secondary] and apart:
                return primary, secondary, backup
    return ()


def test_three_disks_of_four_are_chosen_one_by_one() -> None:
    """Primary, secondary and backup of every four disks with two zones and two models: the best that exists."""
    sizes = dict.fromkeys([0, 3], 0)
    for chosen in itertools.product(itertools.product("ab", "xy"), repeat=4):
        zone, model = ({disk: each[at] for disk, each in zip(CAPACITY, chosen, strict=True)} for at in (0, 1))
        pool = ap.load(THREE_OF_FOUR, clock=0)
        for disk, gb in CAPACITY.items():
            pool.add(disk, type="disk", capacity={"gb": gb}, fields={"zone": zone[disk], "model": model[disk]})
        answer = pool.allocate("volume", gb=5, consumer="ada")
        found = answer.instances if isinstance(answer, ap.Grant) else ()
        assert found == _best_three(zone, model), (chosen, answer)
        sizes[len(found)] += 1
    assert min(sizes.values()) > 30, sizes


BEFORE = b"""
[types.disk]
dimensions.gb = { unit = "GB" }

[types.line]
dimensions.mbit = { unit = "Mbit/s" }

[types.store]
dimensions.gb = { unit = "GB" }
needs = [{ type = "disk", as = "primary", gb = "request.gb" }]

[types.sender]
needs = [{ type = "line", mbit = 1 }]

[types.email]
dimensions.gb = { unit = "GB" }
needs = [{ type = "store", gb = "request.gb" }, { type = "sender" }]
"""
AFTER = b"""
[types.scanner]
dimensions.mails = {}

[types.store]
dimensions.gb = { unit = "GB" }
needs = [
  { type = "disk", as = "primary", gb = "request.gb" },
  { type = "disk", as = "copy", gb = "request.gb / 2", require = "self.id != primary.id" },
]

[types.sender]
needs = [{ type = "line", mbit = 3 }]

[types.filter]
needs = [{ type = "scanner", mails = 10 }]

[types.email]
dimensions.gb = { unit = "GB" }
needs = [{ type = "store", gb = "request.gb" }, { type = "sender" }, { type = "filter" }]
"""


def _used(pool: ap.Pool) -> dict[str, float]:
    table = pool.instances.to_dict()
    names = {"disk": "gb", "line": "mbit", "scanner": "mails"}
    return {
        id: table[f"used.{names[type]}"][n] for n, (id, type) in enumerate(zip(table["id"], table["type"], strict=True))
    }


def test_a_service_cannot_change_while_it_is_used() -> None:
    """E-mail needs two things, then three, each with other needs than before: the old claims live on and end whole."""
    pool = ap.load(BEFORE, clock=0)
    pool.add_many({"id": ["d1", "d2"], "capacity.gb": [100, 100]}, type="disk")
    pool.add("l1", type="line", capacity={"mbit": 10})
    old = pool.allocate("email", gb=20, consumer="ada")
    assert isinstance(old, ap.Grant)
    roles = [claim.role for claim in old]
    between = pool.revision

    pool.apply(AFTER)
    assert not pool.allocate("email", gb=20, consumer="bob"), "nobody scans yet"
    pool.add("x1", type="scanner", capacity={"mails": 20})
    new = pool.allocate("email", gb=20, consumer="bob")
    assert isinstance(new, ap.Grant)
    assert (old.instances, new.instances) == (("d1", "l1"), ("d1", "d2", "l1", "x1"))
    assert [claim.role for claim in old.refresh()] == roles != [claim.role for claim in new][:2]
    assert _used(pool) == {"d1": 40, "d2": 10, "l1": 4, "x1": 10}

    assert _used(pool.at(between)) == {"d1": 20, "d2": 0, "l1": 1}
    for other in (pool.fork(), ap.Pool.restore(pool.snapshot(), clock=0)):
        other.release(old)
        assert _used(other) == {"d1": 20, "d2": 10, "l1": 3, "x1": 10}
    pool.release(new)
    assert _used(pool) == {"d1": 20, "d2": 0, "l1": 1, "x1": 0}
    pool.release(old)
    assert set(_used(pool).values()) == {0}


GROUPS = b"""
[consumer_kinds.red]
[consumer_kinds.blue]
[consumer_kinds.green]

[policies.group_together]
description = "servers of the own group; else an empty one; else one of others"
score = "claims.of_kind > 0 ? 0 : claims.kinds == 0 ? 1 : 2"

[types.server]
dimensions.cores = {}
policy = "group_together"
"""


@pytest.mark.parametrize("seed", range(20))
def test_a_group_is_scattered(seed: int) -> None:
    """Consumers of three groups come mixed: each group fills servers of its own, and shares when none is empty."""
    pool = ap.load(GROUPS, clock=0)
    pool.add_many({"id": [f"s{n}" for n in range(7)], "capacity.cores": [4] * 7}, type="server")
    members = [(kind, n) for kind, size in {"red": 9, "blue": 7, "green": 5}.items() for n in range(size)]
    random.Random(seed).shuffle(members)
    homes: dict[str, set[str]] = {}
    for kind, n in members:
        pool.add_consumer(f"{kind} {n}", kind=kind)
        grant = pool.allocate("server", cores=1, consumer=f"{kind} {n}")
        assert isinstance(grant, ap.Grant)
        homes.setdefault(kind, set()).add(grant.instance)
    assert {kind: len(servers) for kind, servers in homes.items()} == {"red": 3, "blue": 2, "green": 2}
    assert len(set().union(*homes.values())) == 7, "no server is shared"

    # 3 red ones more fit beside the red; the 4 that come then share with others rather than being refused.
    for n in range(9, 16):
        pool.add_consumer(f"red {n}", kind="red")
        more = pool.allocate("server", cores=1, consumer=f"red {n}")
        assert isinstance(more, ap.Grant) and (more.instance in homes["red"]) == (n < 12)
    assert not pool.allocate("server", cores=1, consumer="blue 0")


def test_a_group_of_equal_consumers_is_scattered() -> None:
    """Consumers that differ in nothing but a label: an affinity packs each label, by itself where it can."""
    pool = ap.load(
        {
            "types": {"rack": {}, "server": {"dimensions": {"cores": {}}}},
            "affinities": {
                "together": {"types": ["server"], "alike": ["labels.team"], "per": "rack", "at_least": 1},
            },
        },
        clock=0,
    )
    for rack in ("left", "right"):
        pool.add(rack, type="rack")
        pool.add_many(
            {"id": [f"{rack} {n}" for n in range(3)], "parent": [rack] * 3, "capacity.cores": [2] * 3}, type="server"
        )
    for n in range(3):
        for team, policy in (("red", "first"), ("blue", "last")):
            assert pool.allocate("server", cores=2, consumer=f"{team} {n}", labels={"team": team}, policy=policy)
    claims = pool.claims.to_dict()
    homes = {
        (who.split()[0], where.split()[0]) for who, where in zip(claims["consumer"], claims["instance"], strict=True)
    }
    assert homes == {("red", "left"), ("blue", "right")}
    denial = pool.allocate("server", cores=2, consumer="red 3", labels={"team": "red"})
    assert isinstance(denial, ap.Denial) and denial.code == "not_now"
    assert pool.allocate("server", cores=0, consumer="red 3", labels={"team": "red"})


def test_a_quota_below_what_is_held_hangs_or_takes_away() -> None:
    """What is held stays held, nothing is added until enough was given back, and the sum is told."""

    def allowed(gb: int) -> dict[str, object]:
        quota = {"maximum": {"disk": {"gb": gb}}}
        return {"quotas": {"lab": quota}, "consumers": [{"id": "ada", "groups": ["lab"]}]}

    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}} | allowed(10), clock=0)
    pool.add("d1", type="disk", capacity={"gb": 100})
    large, small = (pool.allocate("disk", gb=gb, consumer="ada") for gb in (6, 3))
    assert isinstance(large, ap.Grant) and small
    pool.apply(allowed(5))
    assert sum(pool.claims["gb"]) == 9
    before = pool.hash
    denial = pool.allocate("disk", gb=1, consumer="ada")
    assert isinstance(denial, ap.Denial) and (denial.code, denial.stage) == ("quota", "quota")
    for number in ("5", "9", "1"):
        assert f" {number} " in denial.message
    assert pool.hash == before
    assert pool.allocate("disk", gb=1, consumer="bob"), "who is in no group has no quota"
    pool.release(large)
    assert pool.allocate("disk", gb=2, consumer="ada"), "3 + 2 are allowed"
    assert not pool.allocate("disk", gb=1, consumer="ada")


# What is said of each, and a part of the reason.
SAID = {
    "negative": ("never", "'request.gb - 5' is negative"),
    "negative count": ("never", "'request.gb - 5' is negative"),
    "negative constant": ("never", "'-5' is negative"),
    "divided by zero": ("never", "divides by zero"),
    "overflow": ("never", "slot 'box@1/disk"),
    "10,000 instances": ("never", "'10000' is more than 1000"),
    "endless instances": ("never", "is more than 1000"),
    "10,000 needs": ("DocumentError", "10000 needs; a type may have at most 64"),
    "2^30 slots": ("search_bound", "the search was given up"),
    "10^4 slots": ("never", "slot 't3@1/"),
    "200 levels": ("granted", ""),
    "itself": ("DocumentError", "a type cannot need itself: 'box' -> 'box'"),
    "itself by another": ("DocumentError", "'box' -> 'crate' -> 'box'"),
    "both": ("never", "self.zone == r0.zone && self.zone != r0.zone"),
    "same and different": ("never", "different"),
    "three zones of two": ("never", "3 that differ in 'zone'"),
    "a contradiction at the end": ("search_bound", "the search was given up"),
    "more pigeons than holes": ("never", "slot 'box@1/r4'"),
}


def test_absurd_metadata_hangs() -> None:
    """Each is refused or denied with its reason, in a process of its own that is killed after a minute."""
    script = Path(__file__).with_name("absurd_metadata.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, *_ in told] == list(SAID), done.stderr
    for name, word, reason in told:
        assert word == SAID[name][0] and SAID[name][1] in reason, (name, word, reason)


PARTS = ("disk", "big", "apart", "two")
GROUP_SITE = """
[types.disk]
dimensions.gb = {}
fields.zone = { kind = "string" }

[types.big]
needs = [{ type = "disk", gb = 2 }]

[types.apart]
needs = [
  { type = "disk", as = "left", gb = 1 },
  { type = "disk", as = "right", gb = 1, require = "self.zone != left.zone" },
]

[types.two]
needs = [{ type = "disk", gb = 1, count = 2 }]
"""


def _fits(free: tuple[int, ...], zones: str, wants: tuple[str, ...]) -> bool:
    """Whether there is an assignment of all of them: every way is tried."""
    if not wants:
        return True
    at = range(len(free))
    ways: list[tuple[int, ...]] = {
        "disk": [(i,) for i in at],
        "big": [(i, i) for i in at],
        "apart": [(i, j) for i in at for j in at if zones[i] != zones[j]],
        "two": list(itertools.combinations(at, 2)),
    }[wants[0]]
    left = (tuple(gb - way.count(i) for i, gb in enumerate(free)) for way in ways)
    return any(min(each) >= 0 and _fits(each, zones, wants[1:]) for each in left)


def test_a_group_is_refused_although_an_assignment_exists() -> None:
    """Every call of up to three requests, single ones and trees, on every three disks: granted when all can be had."""
    granted = 0
    for free in itertools.product(range(3), repeat=3):
        pool = ap.load(GROUP_SITE, clock=0)
        for number, (gb, zone) in enumerate(zip(free, "aab", strict=True)):
            pool.add(f"d{number}", type="disk", capacity={"gb": gb}, fields={"zone": zone})
        for size in (1, 2, 3):
            for wants in itertools.product(PARTS, repeat=size):
                requests = [
                    ap.Request(each, amounts={"gb": 1} if each == "disk" else {}, consumer="ada") for each in wants
                ]
                before = pool.hash
                answer = pool.allocate_all(requests)
                assert isinstance(answer, list) == _fits(free, "aab", wants), (free, wants, answer)
                if isinstance(answer, list):
                    pool.release(answer)
                    granted += 1
                else:
                    assert pool.hash == before
    assert granted > 300


def test_the_sum_is_not_shown_when_drives_are_counted() -> None:
    """The chassis again, with its drives as instances: 54 of them for 16 x 1501 GiB, where a chassis has 36."""
    types = """
    [types.chassis]
    [types.drive]
    dimensions.gib = { unit = "GiB" }
    [types.job]
    dimensions.nodes = {}
    dimensions.gib   = { unit = "GiB" }
    needs = [
      { type = "chassis" },
      { type = "drive", on = "chassis", gib = 453, count = "ceil(request.gib * request.nodes / 453)" },
    ]
    """
    pool = ap.load(types, clock=0)
    for chassis in ("left", "right"):
        pool.add(chassis, type="chassis")
        for number in range(36):
            pool.add(f"{chassis} {number}", type="drive", parent=chassis, capacity={"gib": 453})
    denial = pool.allocate("job", nodes=16, gib=1501, consumer="ada")
    assert isinstance(denial, ap.Denial) and (denial.slot, denial.code) == ("job@1/drive", "never")
    for part in ("54", "36", "'chassis'"):
        assert part in denial.message
    assert denial.core
