"""A pool as plainly as it can be written: lists, integers and fractions, every question answered by looking at all.

It shares no code with the package, knows no expressions and keeps no sums: what is used is added up each time. Scores
are IEEE doubles by the formulas at `SCORES`, in the order of the dimensions, so that they equal the package's to the
last bit.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

MAX_STEPS = 2**53 - 1
MILLION = 10**6

Units = Mapping[str, Fraction]
Steps = dict[str, int]


class MisuseError(Exception):
    """What the package must refuse by raising one of its errors."""


@dataclass(frozen=True)
class Version:
    """One version of a type; `steps` gives the size of one step by dimension, in order."""

    type: str
    number: int
    steps: dict[str, Fraction]
    policy: str
    max_consumers: int | None = None
    allow: dict[str, set[str]] = field(default_factory=lambda: {"status": {"online"}, "security_status": {"clear"}})

    def up(self, units: Units) -> Steps:
        return {d: math.ceil(units.get(d, Fraction(0)) / step) for d, step in self.steps.items()}


@dataclass(eq=False)
class Instance:
    id: str
    ordinal: int
    version: Version
    capacity: Steps
    reserved: Steps
    ratio: Steps
    state: dict[str, str]
    tier: str
    policy: str
    granted: int = 0

    def limit(self, d: str) -> int:
        return min(MAX_STEPS, max(0, self.capacity[d] - self.reserved[d]) * self.ratio[d] // MILLION)


@dataclass(eq=False)
class Claim:
    key: str
    instance: Instance
    consumer: str
    amounts: Steps
    is_mark: bool
    due: int | None
    ends: int | None


@dataclass(frozen=True)
class Ask:
    """A request. `where` names one of FILTERS, `policy` one of POLICIES; "" is none."""

    type: str
    amounts: dict[str, Fraction]
    consumer: str
    count: int = 1
    policy: str = ""
    where: str = ""


@dataclass(frozen=True)
class Sight:
    """What filters and scores see of one instance, in steps; both counts are 0 when the pool is seen empty."""

    instance: Instance
    used: Steps
    request: Steps
    scale: dict[str, float]
    consumers: int

    def limits(self) -> dict[str, float]:
        """The dimensions in which the instance can give anything; the others contribute to no score."""
        limits = {d: float(self.instance.limit(d)) for d in self.used}
        return {d: limit for d, limit in limits.items() if limit > 0}

    def used_units(self, d: str) -> float:
        return float(self.used[d] * self.instance.version.steps[d])

    def free_units(self, d: str) -> float:
        return float((self.instance.limit(d) - self.used[d]) * self.instance.version.steps[d])


def _utilisation(s: Sight) -> float | None:
    """(0 + used_1 / limit_1 + used_2 / limit_2 + ...) / n."""
    limits = s.limits()
    total = 0.0
    for d, limit in limits.items():
        total += float(s.used[d]) / limit
    return total / len(limits) if limits else None


def _balance(s: Sight) -> float:
    """0 + (((used_1 + request_1) / limit_1)^2 - (used_1 / limit_1)^2) + ..."""
    total = 0.0
    for d, limit in s.limits().items():
        after, before = (float(s.used[d]) + float(s.request[d])) / limit, float(s.used[d]) / limit
        total += after * after - before * before
    return total


def _closest_capacity(s: Sight) -> float:
    """0 + (free_1 - request_1) / scale_1 + ..., over dimensions in which some instance of the type has capacity."""
    total = 0.0
    for d in s.used:
        if s.scale[d] > 0:
            total += (float(s.instance.limit(d) - s.used[d]) - float(s.request[d])) / s.scale[d]
    return total


SCORES: dict[str, Callable[[Sight], float | None]] = {
    "least_utilised": _utilisation,
    "most_utilised": _utilisation,
    "balance": _balance,
    "balance_count": lambda s: float(s.consumers),
    "closest_capacity": _closest_capacity,
    "zero": lambda s: 0.0,
    "crowd": lambda s: float(s.consumers) + s.used_units("gb"),
    "free": lambda s: s.free_units("gb"),
}

FILTERS: dict[str, Callable[[Sight], bool]] = {
    "": lambda s: True,
    "self.tier == 'gold'": lambda s: s.instance.tier == "gold",
    "used.gb < 4": lambda s: s.used_units("gb") < 4,
    "self.consumers < 2 || free.gb >= 3": lambda s: s.consumers < 2 or s.free_units("gb") >= 3,
}


@dataclass(frozen=True)
class Policy:
    score: str
    order: Literal["min", "max"] = "min"
    ties: Literal["lowest", "highest", "rotating", "seeded"] = "lowest"
    quantum: float = 0.0
    where: str = ""

    def key(self, score: float) -> float:
        counted = math.floor(score / self.quantum) if self.quantum else score
        return -counted if self.order == "max" else counted


POLICIES = {
    "least_utilised": Policy("least_utilised"),
    "most_utilised": Policy("most_utilised", order="max"),
    "balance": Policy("balance"),
    "balance_count": Policy("balance_count"),
    "closest_capacity": Policy("closest_capacity"),
    "first": Policy("zero"),
    "last": Policy("zero", ties="highest"),
    "turns": Policy("zero", ties="rotating"),
    "dice": Policy("zero", ties="seeded"),
    "coarse": Policy("least_utilised", order="max", ties="highest", quantum=0.25),
    "golden": Policy("crowd", where="self.tier == 'gold'"),
    "roomy": Policy("free", order="max", ties="rotating"),
}


@dataclass(frozen=True)
class Candidate:
    key: float
    rank: int | None
    instance: Instance


class ReferencePool:
    """Types, instances, claims and consumers as lists. `now` is in seconds."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.versions: list[Version] = []
        self.instances: list[Instance] = []
        self.claims: list[Claim] = []
        self.explicit: set[str] = set()
        self.cursors: dict[tuple[str, str], int] = {}
        self.keys: dict[str, tuple[Ask, list[str]]] = {}
        self.arrivals = 0

    # --- what is

    def used(self, instance: Instance) -> Steps:
        held = [c.amounts for c in self.claims if c.instance is instance]
        return {d: sum(amounts[d] for amounts in held) for d in instance.version.steps}

    def consumers_of(self, instance: Instance) -> set[str]:
        return {c.consumer for c in self.claims if c.instance is instance}

    def consumers(self) -> set[str]:
        return self.explicit | {c.consumer for c in self.claims}

    def over(self, instance: Instance) -> bool:
        used = self.used(instance)
        return any(used[d] > instance.limit(d) for d in used)

    def find(self, id: str) -> Instance:
        found = [i for i in self.instances if i.id == id]
        if not found:
            raise MisuseError(f"no instance {id}")
        return found[0]

    def claim(self, key: str) -> Claim:
        found = [c for c in self.claims if c.key == key]
        if not found:
            raise MisuseError(f"no claim {key}")
        return found[0]

    def _fits(self, instance: Instance, more: Steps) -> bool:
        takes = [d for d in more if more[d] > 0]
        used = self.used(instance)
        room = all(used[d] + more[d] <= instance.limit(d) for d in takes)
        return not takes or (room and not self.over(instance))

    def _shares(self, instance: Instance, consumer: str) -> bool:
        most, there = instance.version.max_consumers, self.consumers_of(instance)
        return most is None or consumer in there or len(there) < most

    # --- inventory

    def add(self, id: str, type: str, version: int | None, units: Mapping[str, Units], **rest: str) -> None:
        known = [v for v in self.versions if v.type == type and version in (None, v.number)]
        if not known or any(i.id == id for i in self.instances):
            raise MisuseError(f"cannot add {id}")
        self.arrivals += 1
        state = {name: rest.get(name, first) for name, first in (("status", "online"), ("security_status", "clear"))}
        v, zero = known[-1], dict.fromkeys(known[-1].steps, 0)
        one, tier, policy = dict.fromkeys(v.steps, MILLION), rest.get("tier", "gold"), rest.get("policy", "")
        new = Instance(id, self.arrivals, v, {**zero}, {**zero}, one, state, tier, policy)
        self._measure(new, units)
        self.instances.append(new)

    def change(self, id: str, units: Mapping[str, Units], **rest: str) -> None:
        instance = self.find(id)
        self._measure(instance, units)
        instance.state |= {name: rest[name] for name in instance.state if name in rest}
        instance.tier, instance.policy = rest.get("tier", instance.tier), rest.get("policy", instance.policy)
        if not all(instance.state[name] in values for name, values in instance.version.allow.items()):
            self.claims = [c for c in self.claims if not (c.is_mark and c.instance is instance)]

    def _measure(self, i: Instance, units: Mapping[str, Units]) -> None:
        """Capacity rounds down, reserved up, the ratio down to parts per million; what is not named stays."""
        steps = i.version.steps
        i.capacity |= {d: math.floor(n / steps[d]) for d, n in units.get("capacity", {}).items() if d in steps}
        i.reserved |= {d: math.ceil(n / steps[d]) for d, n in units.get("reserved", {}).items() if d in steps}
        i.ratio |= {d: math.floor(n * MILLION) for d, n in units.get("ratio", {}).items() if d in steps}

    def remove(self, id: str) -> None:
        instance = self.find(id)
        if any(c.instance is instance for c in self.claims):
            raise MisuseError(f"{id} has claims")
        self.instances.remove(instance)

    def remove_consumer(self, id: str) -> None:
        if id not in self.consumers() or any(c.consumer == id for c in self.claims):
            raise MisuseError(f"{id} is unknown or has claims")
        self.explicit.remove(id)

    # --- allocation

    def versions_for(self, ask: Ask) -> list[Version]:
        """The versions that take part, oldest first; the newest must have every dimension."""
        own = [v for v in self.versions if v.type == ask.type]
        if not own or not all(d in own[-1].steps for d in ask.amounts):
            raise MisuseError("no such type or dimension")
        return [v for v in own if all(d in v.steps for d in ask.amounts)]

    def _policy(self, ask: Ask, instance: Instance) -> Policy:
        return POLICIES[ask.policy or instance.policy or instance.version.policy]

    def _sight(self, ask: Ask, instance: Instance, empty: bool) -> Sight:
        v = instance.version
        same = [i for i in self.instances if i.version.type == v.type]
        # Scale: the largest capacity in steps of this version; other steps go through units, which round once.
        largest = {d: [self._scaled(i, d, v) for i in same if d in i.version.steps] for d in v.steps}
        scale = {d: max(found, default=0.0) for d, found in largest.items()}
        used = dict.fromkeys(v.steps, 0) if empty else self.used(instance)
        return Sight(instance, used, v.up(ask.amounts), scale, 0 if empty else len(self.consumers_of(instance)))

    @staticmethod
    def _scaled(other: Instance, d: str, version: Version) -> float:
        step, own = other.version.steps[d], version.steps[d]
        if step == own:
            return float(other.capacity[d])
        return float(other.capacity[d] * step) * float(own.denominator) / float(own.numerator)

    def _passes(self, ask: Ask, sight: Sight) -> bool:
        return FILTERS[ask.where](sight) and FILTERS[self._policy(ask, sight.instance).where](sight)

    def _eligible(self, ask: Ask) -> list[Instance]:
        """Those that pass everything but the question of room."""
        found = [i for i in self.instances if i.version in self.versions_for(ask)]
        found = [i for i in found if all(i.state[name] in values for name, values in i.version.allow.items())]
        found = [i for i in found if self._passes(ask, self._sight(ask, i, empty=False))]
        return [i for i in found if self._shares(i, ask.consumer)]

    def _rank(self, ask: Ask, instance: Instance) -> int | None:
        """The tie rule is the request's or the type's, also among instances with policies of their own."""
        name = ask.policy or self.versions_for(ask)[-1].policy
        cursor = self.cursors.get((name, ask.type), 0)
        ordinal = instance.ordinal
        ranks = {
            "lowest": ordinal,
            "highest": -ordinal,
            "rotating": ordinal if ordinal > cursor else ordinal + self.arrivals,
            "seeded": None,
        }
        return ranks[POLICIES[name].ties]

    def _scored(self, ask: Ask, instances: Iterable[Instance], empty: bool) -> list[Candidate]:
        found = []
        for instance in instances:
            policy = self._policy(ask, instance)
            score = SCORES[policy.score](self._sight(ask, instance, empty))
            if score is not None:
                found.append(Candidate(policy.key(score), self._rank(ask, instance), instance))
        return sorted(found, key=lambda c: (c.key, c.rank or 0))

    def candidates(self, ask: Ask) -> list[Candidate]:
        """Everything that could serve, best first; among equal keys without a rank any order is right."""
        able = [i for i in self._eligible(ask) if self._fits(i, i.version.up(ask.amounts))]
        return self._scored(ask, able, empty=False)

    def denial(self, ask: Ask) -> str:
        """The class of the denial, for an ask that has too few candidates."""
        versions = self.versions_for(ask)
        there = [
            i for i in self.instances if i.version in versions and self._passes(ask, self._sight(ask, i, empty=True))
        ]
        large = [i for i in there if all(need <= i.limit(d) for d, need in i.version.up(ask.amounts).items())]
        if len(self._scored(ask, large, empty=True)) < ask.count:
            return "never"
        eligible = self._eligible(ask)
        able = [i for i in eligible if self._fits(i, i.version.up(ask.amounts))]
        return "fragmented" if len(able) < ask.count and self._enough_in_sum(ask, eligible) else "not_now"

    def _enough_in_sum(self, ask: Ask, eligible: list[Instance]) -> bool:
        newest = self.versions_for(ask)[-1]
        needs = {d: steps * newest.steps[d] * ask.count for d, steps in newest.up(ask.amounts).items() if steps > 0}
        for d, need in needs.items():
            free = [max(0, i.limit(d) - self.used(i)[d]) * i.version.steps[d] for i in eligible if d in i.version.steps]
            if sum(free) < need:
                return False
        return bool(needs)

    def grant(
        self, ask: Ask, chosen: list[tuple[str, str]], ends: int | None = None, expires: int | None = None
    ) -> None:
        """Take over what was chosen, as (claim, instance) pairs; refuses what would break the law of conservation."""
        for key, id in chosen:
            instance = self.find(id)
            amounts = instance.version.up(ask.amounts)
            assert self._fits(instance, amounts)
            assert all(c.key != key for c in self.claims), f"{key} was handed out twice"
            due = min((t for t in (ends, expires) if t is not None), default=None)
            self.claims.append(Claim(key, instance, ask.consumer, amounts, expires is not None, due, ends))
            instance.granted += 1
        name = ask.policy or self.versions_for(ask)[-1].policy
        if POLICIES[name].ties == "rotating":
            self.cursors[name, ask.type] = self.find(chosen[-1][1]).ordinal

    def commit(self, keys: list[str]) -> None:
        marks = [self.claim(key) for key in keys]
        if not all(c.is_mark for c in marks):
            raise MisuseError("committed already")
        for c in marks:
            c.is_mark, c.due = False, c.ends

    def release(self, keys: list[str]) -> None:
        gone = [self.claim(key) for key in keys]
        if len(set(keys)) < len(keys):
            raise MisuseError("named twice")
        self.claims = [c for c in self.claims if c not in gone]

    def resize(self, key: str, units: Units) -> str:
        """Nothing, or the class of the denial."""
        claim = self.claim(key)
        version = claim.instance.version
        if not all(d in version.steps for d in units):
            raise MisuseError("no such dimension")
        wanted = {**claim.amounts, **{d: version.up(units)[d] for d in units}}
        more = {d: wanted[d] - claim.amounts[d] for d in wanted}
        if self._fits(claim.instance, more):
            claim.amounts = wanted
            return ""
        used = self.used(claim.instance)
        short = [d for d in more if more[d] > 0 and used[d] + more[d] > claim.instance.limit(d)]
        return "never" if any(wanted[d] > claim.instance.limit(d) for d in short) else "not_now"

    def transfer(self, key: str, consumer: str) -> str:
        claim = self.claim(key)
        others = {c.consumer for c in self.claims if c.instance is claim.instance and c is not claim}
        most = claim.instance.version.max_consumers
        if most is not None and consumer not in others | {claim.consumer} and len(others) >= most:
            return "not_now"
        claim.consumer = consumer
        return ""

    def move(self, key: str, id: str) -> str:
        claim, to = self.claim(key), self.find(id)
        if to.version is not claim.instance.version:
            raise MisuseError
        if to is claim.instance:
            return ""
        open_ = all(to.state[name] in values for name, values in to.version.allow.items())
        if open_ and self._shares(to, claim.consumer) and self._fits(to, claim.amounts):
            claim.instance = to
            to.granted += 1
            return ""
        return "never" if any(amount > to.limit(d) for d, amount in claim.amounts.items()) else "not_now"

    def tick(self, now: int) -> int:
        """End what is due; how many claims and marks that were."""
        self.now = now
        ended = [c for c in self.claims if c.due is not None and c.due <= now]
        self.claims = [c for c in self.claims if c not in ended]
        return len(ended)
