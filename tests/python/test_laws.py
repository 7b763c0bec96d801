"""The laws of docs/design.md: hypothesis drives the package and the reference pool side by side."""

import copy
import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from reference_pool import FILTERS, POLICIES, Ask, Claim, Instance, MisuseError, ReferencePool, Version

import apportion as ap

START = 1000
KEPT = 12  # revisions whose reference is kept, for going back

OWN_POLICIES = {
    "turns": {"score": "0", "ties": "rotating"},
    "dice": {"score": "0", "ties": "seeded", "seed": 7},
    "coarse": {"score": "mean(used / limit)", "order": "max", "quantum": 0.25, "ties": "highest_id"},
    "golden": {"where": "self.tier == 'gold'", "score": "self.consumers + used.gb"},
    "roomy": {"score": "free.gb", "order": "max", "ties": "rotating"},
}
TIER = {"kind": "enum", "values": ["gold", "silver"], "default": "gold"}
# What a type may look like, in the order in which it is redefined: another step, another dimension, another policy.
SHAPES: dict[str, list[tuple[dict[str, str], str, int | None]]] = {
    "disk": [({"gb": "1/2", "iops": "1"}, "closest_capacity", None), ({"gb": "1/4", "iops": "1"}, "roomy", None)],
    "host": [
        ({"cores": "1/3", "gb": "1"}, "least_utilised", 2),
        ({"cores": "1/3", "gb": "1", "ram": "1"}, "least_utilised", 2),
        ({"cores": "1/3", "gb": "1/2"}, "balance", 1),
    ],
}
DIMENSIONS = {"disk": ["gb", "iops"], "host": ["gb", "cores"]}  # of all shapes

numbers = st.sampled_from([0, 0.3, 0.5, 1, 1, 2, 2, 3.25, 4, 7])
sizes = st.sampled_from([0, 1, 2, 4, 4, 7.6, 10])
types = st.sampled_from(["disk", "host"])
policies = st.sampled_from(["", "", "", *POLICIES])
consumers = st.sampled_from(["a", "b", "c", "d"])
any_index = st.integers(0, 1000)


def exact(units: dict[str, float]) -> dict[str, Fraction]:
    """A float stands for its shortest decimal."""
    return {name: Fraction(str(value)) for name, value in units.items()}


@st.composite
def asks(draw: st.DrawFn, policy: st.SearchStrategy[str] = policies) -> Ask:
    type = draw(types)
    amounts = {d: draw(numbers) for d in DIMENSIONS[type] if draw(st.booleans()) or d == "gb"}
    count = draw(st.sampled_from([1, 1, 1, 2, 3]))
    return Ask(type, exact(amounts), draw(consumers), count, draw(policy), draw(st.sampled_from(["", "", *FILTERS])))


def arguments(ask: Ask) -> dict[str, Any]:
    """The ask as keyword arguments of `Pool.allocate`; the amounts are floats again."""
    rest = {"consumer": ask.consumer, "count": ask.count, "policy": ask.policy or None, "where": ask.where}
    return {**rest, **{d: float(v) for d, v in ask.amounts.items()}}


@st.composite
def measures(draw: st.DrawFn, type: str, names: list[str]) -> dict[str, dict[str, float]]:
    kinds = {
        "capacity": sizes,
        "reserved": st.sampled_from([0, 0.1, 1]),
        "ratio": st.sampled_from([1, 0.5, 1.5, 0.333]),
    }
    return {kind: {d: draw(kinds[kind]) for d in DIMENSIONS[type]} for kind in names}


texts = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["online", "online", "online", "offline", "draining"]),
        "tier": st.sampled_from(["gold", "silver"]),
        "policy": st.sampled_from(["", "", "last", "roomy", "coarse", "golden"]),
    },
)


def members(units: dict[str, dict[str, float]], text: dict[str, str]) -> dict[str, Any]:
    """The arguments of `Pool.add` and `Pool.change`."""
    found: dict[str, Any] = dict(units)
    for table, name in (("state", "status"), ("fields", "tier")):
        if name in text:
            found[table] = {name: text[name]}
    return found | ({"policy": text["policy"]} if "policy" in text else {})


class Laws(RuleBasedStateMachine):
    """Each rule asks both pools the same and compares the answers; the invariants compare the states."""

    pool: ap.Pool
    reference: ReferencePool

    def __init__(self) -> None:
        super().__init__()
        self.pool = ap.Pool(clock=float(START))
        self.reference = ReferencePool(START)
        self.hashes: dict[int, str] = {}
        self.past: dict[int, ReferencePool] = {}

    @initialize(hosts=st.integers(0, 3), disks=st.integers(1, 4), data=st.data())
    def start(self, hosts: int, disks: int, data: st.DataObject) -> None:
        self.pool.apply({"policies": OWN_POLICIES})
        for type in SHAPES:
            self.define(type)
        for i in range(hosts + disks):
            type = "disk" if i < disks else "host"
            self.add(f"s{i}", type, None, data.draw(measures(type, ["capacity"])), {})
        self.remember()

    # --- helpers

    def remember(self) -> None:
        number = int(self.pool.revision.rpartition(".")[2])
        self.hashes[number] = self.pool.hash
        self.past[number] = copy.deepcopy(self.reference)
        for old in sorted(self.past)[:-KEPT]:
            del self.past[old]

    def both(self, package: Callable[[], Any], reference: Callable[[], Any]) -> tuple[Any, Any]:
        """Ask both; L4 and L12: what is refused changes nothing."""
        before, revision = self.pool.hash, self.pool.revision
        try:
            expected = reference()
        except MisuseError:
            try:
                answer = package()
            except ap.ApportionError as error:
                assert str(error), "an error says something"
                assert (self.pool.hash, self.pool.revision) == (before, revision)
                return None, None
            raise AssertionError(f"{answer!r} should have been refused") from None
        return package(), expected

    def pick_instance(self, index: int) -> Instance:
        return self.reference.instances[index % len(self.reference.instances)]

    def pick_claim(self, index: int) -> Claim:
        return self.reference.claims[index % len(self.reference.claims)]

    def grant_of(self, key: str) -> ap.Grant:
        slot, generation = key.split(".")[1:]
        return self.pool._grant((int(slot), int(generation)))

    def adopt(self, grant: ap.Grant, ask: Ask, **times: int | None) -> None:
        """Let the reference take over a grant, after a look at every choice."""
        chosen = [(claim.id, claim.instance) for claim in grant]
        candidates = self.reference.candidates(ask)
        keys = {c.instance.id: c.key for c in candidates}
        assert [keys.get(id) for _, id in chosen] == [c.key for c in candidates[: ask.count]]
        if all(c.rank is not None for c in candidates):
            assert [id for _, id in chosen] == [c.instance.id for c in candidates[: ask.count]]
        self.reference.grant(ask, chosen, **times)

    def settle(self, answer: ap.Grant | ap.Denial, ask: Ask, before: str, **times: int | None) -> None:
        if len(self.reference.candidates(ask)) >= ask.count:
            assert answer, answer
            self.adopt(answer, ask, **times)
            return
        assert not answer, f"{answer!r} but nothing can serve"
        assert answer.code == self.reference.denial(ask)
        assert self.pool.hash == before  # L4

    # --- inventory

    def define(self, type: str) -> None:
        made = sum(v.type == type for v in self.reference.versions)
        steps, policy, most = SHAPES[type][made]
        dimensions = {d: {"step": step} for d, step in steps.items()}
        document = {"dimensions": dimensions, "fields": {"tier": TIER}, "policy": policy}
        self.pool.apply({"types": {type: document | ({"max_consumers": most} if most else {})}})
        fractions = {d: Fraction(step) for d, step in steps.items()}
        self.reference.versions.append(Version(type, made + 1, fractions, policy, most))

    def add(self, id: str, type: str, version: int | None, units: Any, text: dict[str, str]) -> None:
        self.both(
            lambda: self.pool.add(id, type=type, version=version, **members(units, text)),
            lambda: self.reference.add(id, type, version, {k: exact(v) for k, v in units.items()}, **text),
        )

    @precondition(
        lambda self: any(len(s) > sum(v.type == t for v in self.reference.versions) for t, s in SHAPES.items())
    )
    @rule(index=st.integers(0, 5))
    def redefine(self, index: int) -> None:
        made = {t: sum(v.type == t for v in self.reference.versions) for t in SHAPES}
        open_types = [t for t, s in SHAPES.items() if len(s) > made[t]]
        if index < len(open_types):
            self.define(open_types[index])

    @rule(
        id=st.sampled_from(["i1", "i2", "i3"]),
        type=types,
        version=st.sampled_from([None, None, 1, 2]),
        text=texts,
        data=st.data(),
    )
    def add_instance(self, id: str, type: str, version: int | None, text: dict[str, str], data: st.DataObject) -> None:
        units = data.draw(measures(type, ["capacity", "reserved", "ratio"]))
        self.add(id, type, version, units, text)

    @precondition(lambda self: self.reference.instances)
    @rule(index=any_index, kind=st.sampled_from(["capacity", "reserved", "ratio"]), text=texts, data=st.data())
    def change_instance(self, index: int, kind: str, text: dict[str, str], data: st.DataObject) -> None:
        instance = self.pick_instance(index)
        units = data.draw(measures(instance.version.type, [kind]))
        self.pool.change(instance.id, **members(units, text))
        self.reference.change(instance.id, {k: exact(v) for k, v in units.items()}, **text)

    @rule(index=any_index, stranger=st.booleans())
    def remove_instance(self, index: int, stranger: bool) -> None:
        id = self.pick_instance(index).id if self.reference.instances and not stranger else "nobody"
        self.both(lambda: self.pool.remove(id), lambda: self.reference.remove(id))

    @rule(id=consumers, add=st.booleans())
    def consumer(self, id: str, add: bool) -> None:
        if add:
            self.pool.add_consumer(id)
            self.reference.explicit.add(id)
        else:
            self.both(lambda: self.pool.remove_consumer(id), lambda: self.reference.remove_consumer(id))

    # --- allocation

    @rule(ask=asks(), repeated=st.integers(1, 5), ends=st.sampled_from([None, None, 20]), mark=st.booleans())
    def allocate(self, ask: Ask, repeated: int, ends: int | None, mark: bool) -> None:
        now = self.reference.now
        times = {"ends": now + ends if ends else None, "expires": now + 15 if mark else None}
        for _ in range(repeated):
            before, twin = self.pool.hash, self.pool.fork()
            answer, again = (self.ask(pool, ask, ends, mark) for pool in (self.pool, twin))
            # L3: the same state and the same request give the same answer and the same state.
            assert str(answer) == str(again)
            assert self.pool.hash == twin.hash
            self.settle(answer, ask, before, **times)

    @rule(burst=st.lists(asks(), min_size=2, max_size=6))
    def allocate_in_a_row(self, burst: list[Ask]) -> None:
        for ask in burst:
            before = self.pool.hash
            self.settle(self.ask(self.pool, ask), ask, before)

    @rule(type=types, policy=st.sampled_from(["turns", "roomy"]), consumer=consumers)
    def take_turns(self, type: str, policy: str, consumer: str) -> None:
        self.allocate_in_a_row([Ask(type, {"gb": Fraction(0)}, consumer, policy=policy)] * 3)

    @staticmethod
    def ask(pool: ap.Pool, ask: Ask, ends: int | None = None, mark: bool = False) -> ap.Grant | ap.Denial:
        if mark:
            return pool.mark(ask.type, expires=15, ends=ends, **arguments(ask))
        return pool.allocate(ask.type, ends=ends, **arguments(ask))

    @rule(ask=asks())
    def explain(self, ask: Ask) -> None:
        revision = self.pool.revision
        why = self.pool.explain(ask.type, **arguments(ask))
        candidates = self.reference.candidates(ask)
        assert self.pool.revision == revision
        assert why.granted == (len(candidates) >= ask.count)
        if all(c.rank is not None for c in candidates):
            assert [row["instance"] for row in why.ranking] == [c.instance.id for c in candidates[:10]]
        assert why.granted or why.denial.code == self.reference.denial(ask)

    @rule(key=st.sampled_from(["k1", "k2"]), ask=asks(), same=st.booleans())
    def idempotent(self, key: str, ask: Ask, same: bool) -> None:
        before, revision = self.pool.hash, self.pool.revision
        if key not in self.reference.keys:
            answer = self.pool.allocate(ask.type, key=key, **arguments(ask))
            self.settle(answer, ask, before)
            if answer:
                self.reference.keys[key] = (ask, [claim.id for claim in answer])
            return
        first, claims = self.reference.keys[key]
        ask = first if same else ask
        live = [key for key in claims if any(c.key == key for c in self.reference.claims)]
        try:
            answer = self.pool.allocate(ask.type, key=key, **arguments(ask))
            assert ask == first
            assert [claim.id for claim in answer] == live
        except ap.IdempotencyError:
            assert ask != first
        except ap.StaleHandle:
            assert claims[0] not in live
        assert (self.pool.hash, self.pool.revision) == (before, revision)

    @rule(group=st.lists(asks(st.sampled_from(["", "first", "balance", "turns"])), min_size=1, max_size=3))
    def allocate_all(self, group: list[Ask]) -> None:
        before, trial = self.pool.hash, copy.deepcopy(self.reference)
        answer = self.pool.allocate_all([ap.Request(ask.type, **arguments(ask)) for ask in group])
        for member, ask in enumerate(group):
            best = trial.candidates(ask)[: ask.count]
            if len(best) < ask.count:
                alone = all(len(self.reference.candidates(each)) >= each.count for each in group)
                if alone and self.arranged(self.reference, group):
                    assert isinstance(answer, list), f"{answer}\nthough there is a way"
                    self.adopt_in_another_order(answer, group)
                    return
                assert isinstance(answer, ap.Denial)
                assert answer.member == member
                expected = "conflict" if alone else trial.denial(ask)
                assert answer.code == expected, f"{answer}\nand not {expected}"
                assert self.pool.hash == before
                return
            trial.grant(ask, [(f"trial {member}.{i}", c.instance.id) for i, c in enumerate(best)])
        assert isinstance(answer, list)
        for grant, ask in zip(answer, group, strict=True):
            self.adopt(grant, ask)

    def arranged(self, reference: ReferencePool, group: list[Ask]) -> bool:
        """Whether there is any way to grant all of them."""
        if not group:
            return True
        able = [c.instance.id for c in reference.candidates(group[0])]
        for chosen in itertools.combinations(able, group[0].count):
            trial = copy.deepcopy(reference)
            trial.grant(group[0], [(f"trial {len(group)}.{i}", id) for i, id in enumerate(chosen)])
            if self.arranged(trial, group[1:]):
                return True
        return False

    def adopt_in_another_order(self, grants: list[ap.Grant], group: list[Ask]) -> None:
        """Grants that do not follow from their order: the journal says in which they were decided."""
        decided = self.pool.journal[-1]["grants"]
        first = [record["claims"][0]["claim"] for record in decided]
        ordered = sorted(
            zip(grants, group, strict=True), key=lambda pair: first.index(next(iter(pair[0])).id.removeprefix("c0."))
        )
        for grant, ask in ordered:
            self.reference.grant(ask, [(claim.id, claim.instance) for claim in grant])

    @rule(rows=st.lists(asks(), min_size=1, max_size=4), type=types)
    def allocate_many(self, rows: list[Ask], type: str) -> None:
        rows = [Ask(type, {"gb": row.amounts["gb"]}, row.consumer, row.count, row.policy) for row in rows]
        columns: dict[str, Any] = {
            name: [getattr(row, name) for row in rows] for name in ("consumer", "count", "policy")
        }
        answers = self.pool.allocate_many({**columns, "gb": [float(row.amounts["gb"]) for row in rows]}, type=type)
        for row, answer in zip(rows, answers, strict=True):
            assert answer["granted"] == (len(self.reference.candidates(row)) >= row.count)
            if answer["granted"]:
                self.adopt(self.grant_of(f"c0.{answer['slot']}.{answer['generation']}"), row)
            else:
                assert answer["denial"] == self.reference.denial(row)

    # --- claims

    @precondition(lambda self: self.reference.claims)
    @rule(index=any_index, whole=st.booleans(), twice=st.booleans())
    def release(self, index: int, whole: bool, twice: bool) -> None:
        grant = self.grant_of(self.pick_claim(index).key)
        held = list(grant if whole else grant.claims[:1]) * (2 if twice else 1)
        self.both(lambda: self.pool.release(held), lambda: self.reference.release([claim.id for claim in held]))

    @rule(consumer=consumers)
    def release_all(self, consumer: str) -> None:
        keys = [c.key for c in self.reference.claims if c.consumer == consumer]
        self.pool.release([next(c for c in self.grant_of(key) if c.id == key) for key in keys])
        self.reference.release(keys)

    @precondition(lambda self: self.reference.claims)
    @rule(index=any_index, shrunk=st.integers(0, 1), consumer=consumers)
    def squeeze(self, index: int, shrunk: int, consumer: str) -> None:
        """Lower a limit under the claims in one dimension, and ask for the other one."""
        instance = self.pick_claim(index).instance
        names = DIMENSIONS[instance.version.type]
        gone, other = names[shrunk], names[1 - shrunk]
        self.pool.change(instance.id, capacity={gone: 0})
        self.reference.change(instance.id, {"capacity": {gone: Fraction(0)}})
        ask, before = (
            Ask(instance.version.type, {other: Fraction(1, 2)}, consumer, policy="most_utilised"),
            self.pool.hash,
        )
        self.settle(self.ask(self.pool, ask), ask, before)

    @precondition(lambda self: self.reference.claims)
    @rule(index=any_index)
    def commit(self, index: int) -> None:
        grant = self.grant_of(self.pick_claim(index).key)
        self.both(lambda: self.pool.commit(grant), lambda: self.reference.commit([claim.id for claim in grant]))

    @precondition(lambda self: self.reference.claims)
    @rule(index=any_index, amounts=st.dictionaries(st.sampled_from(["gb", "cores", "iops"]), numbers))
    def resize(self, index: int, amounts: dict[str, float]) -> None:
        claim, before = self.pick_claim(index), self.pool.hash
        held = next(c for c in self.grant_of(claim.key) if c.id == claim.key)
        answer, code = self.both(
            lambda: self.pool.resize(held, **amounts), lambda: self.reference.resize(claim.key, exact(amounts))
        )
        assert answer is None or (answer.code == code and self.pool.hash == before if code else answer)

    @precondition(lambda self: self.reference.claims)
    @rule(index=any_index, to=consumers)
    def transfer(self, index: int, to: str) -> None:
        claim, before = self.pick_claim(index), self.pool.hash
        held = next(c for c in self.grant_of(claim.key) if c.id == claim.key)
        code = self.reference.transfer(claim.key, to)
        answer = self.pool.transfer(held, consumer=to)
        assert answer.code == code and self.pool.hash == before if code else answer

    @precondition(lambda self: self.reference.claims)
    @rule(index=any_index, to=any_index)
    def move(self, index: int, to: int) -> None:
        claim, id, before = self.pick_claim(index), self.pick_instance(to).id, self.pool.hash
        held = next(c for c in self.grant_of(claim.key) if c.id == claim.key)
        answer, code = self.both(lambda: self.pool.move(held, id), lambda: self.reference.move(claim.key, id))
        assert answer is None or (answer.code == code and self.pool.hash == before if code else answer)

    @rule(seconds=st.integers(0, 25))
    def tick(self, seconds: int) -> None:
        now = self.reference.now + seconds
        assert self.pool.tick(now) == self.reference.tick(now)

    # --- other states of the pool

    @rule(index=any_index)
    def go_back(self, index: int) -> None:
        """L5: the pool as it was, and life goes on from there."""
        number = sorted(self.past)[index % len(self.past)]
        now = self.reference.now
        self.pool, self.reference = self.pool.at(number), copy.deepcopy(self.past[number])
        assert self.pool.hash == self.hashes[number]
        self.hashes, self.past = {number: self.hashes[number]}, {number: self.past[number]}
        assert self.pool.tick(now) == self.reference.tick(now)

    @rule()
    def restart(self) -> None:
        """Life goes on from a snapshot."""
        self.pool = ap.Pool.restore(self.pool.snapshot(), clock=float(self.reference.now))
        self.hashes.clear()
        self.past.clear()

    # --- what holds after every step

    @invariant()
    def same_instances(self) -> None:
        expected = [
            (i.id, i.version.number, len(self.reference.consumers_of(i)), i.granted, self.units(i))
            for i in self.reference.instances
        ]
        rows = list(self.pool.instances)
        found = [(r["id"], r["version"], r["consumers"], r["granted"], self.shown(r)) for r in rows]
        assert found == expected
        # L1: the reference refuses every grant that would leave an instance over; only a lowered limit may.
        over = {i.id for i in self.reference.instances if self.reference.over(i)}
        assert {r["id"] for r in rows if any(name.startswith("free.") and (r[name] or 0) < 0 for name in r)} == over
        assert all(self.pool.instance(id)["over"] for id in over)

    def units(self, i: Instance) -> dict[str, float]:
        used, v = self.reference.used(i), i.version
        steps = {**{f"limit.{d}": i.limit(d) for d in v.steps}, **{f"used.{d}": used[d] for d in v.steps}}
        return {name: float(count * v.steps[name.partition(".")[2]]) for name, count in steps.items()}

    @staticmethod
    def shown(row: dict[str, Any]) -> dict[str, float]:
        return {k: v for k, v in row.items() if k.startswith(("limit.", "used.")) and v is not None}

    @invariant()
    def same_claims(self) -> None:
        expected = {c.key: (c.instance.id, c.consumer, "mark" if c.is_mark else "claim") for c in self.reference.claims}
        found = {row["claim"]: (row["instance"], row["consumer"], row["state"]) for row in self.pool.claims}
        assert found == expected

    @invariant()
    def same_consumers(self) -> None:
        expected = {id: sum(c.consumer == id for c in self.reference.claims) for id in self.reference.consumers()}
        assert {row["id"]: row["claims"] for row in self.pool.consumers} == expected
        assert {row["id"] for row in self.pool.consumers if row["explicit"]} == self.reference.explicit

    @invariant()
    def replay_and_restore_give_the_same(self) -> None:
        """L3: the journal up to a revision gives the hash that was seen there, a snapshot the same state and bytes."""
        if self.reference.versions:
            self.remember()
            number = sorted(self.hashes)[len(self.reference.claims) % len(self.hashes)]
            assert self.pool.at(number).hash == self.hashes[number]
        snapshot = self.pool.snapshot()
        restored = ap.Pool.restore(snapshot)
        assert (restored.hash, restored.revision) == (self.pool.hash, self.pool.revision)
        assert restored.snapshot() == snapshot

    def teardown(self) -> None:
        for number, seen in self.hashes.items():
            assert self.pool.at(number).hash == seen


TestLaws = Laws.TestCase
TestLaws.settings = settings(max_examples=max(100, settings().max_examples // 10), stateful_step_count=30)
