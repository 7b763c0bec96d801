"""Asks for what makes no sense, and prints what is said of it: a line of JSON each. `test_complaints.py` runs it.

Four disks of 10 GB, two in zone a and two in zone b, and a type `box` with absurd needs.
"""

import json
from collections.abc import Callable
from typing import Any

import apportion as ap

DISKS = [{"id": f"d{n}", "type": "disk", "fields": {"zone": z}, "capacity": {"gb": 10}} for n, z in enumerate("aabb")]
HUGE = 9_000_000_000_000


def disk(**keys: Any) -> dict[str, Any]:
    return {"type": "disk", **keys}


def in_turn(number: int, rule: Callable[[int], str]) -> list[dict[str, Any]]:
    """Disks r0, r1, ... each with a rule over those before it."""
    return [disk(**{"as": f"r{n}"}, gb=1, require=rule(n)) for n in range(number)]


def tower(levels: int, count: int) -> dict[str, Any]:
    """Types t0, t1, ... each of which needs the one below it `count` times, and t0 so many disks."""
    below = ["disk", *(f"t{n}" for n in range(levels - 1))]
    needs = [{"type": name, "count": count} | ({"gb": 1} if name == "disk" else {}) for name in below]
    return {f"t{n}": {"needs": [need]} for n, need in enumerate(needs)}


# Needs of a box, more types, arguments of the request.
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]] = {
    "negative": ([disk(gb="request.gb - 5")], {}, {"gb": 3}),
    "negative count": ([disk(gb=1, count="request.gb - 5")], {}, {"gb": 3}),
    "negative constant": ([disk(gb=-5)], {}, {}),
    "divided by zero": ([disk(gb="1 / request.gb")], {}, {"gb": 0}),
    "overflow": ([disk(gb="request.gb * request.gb * request.gb")], {}, {"gb": HUGE}),
    "10,000 instances": ([disk(gb=1, count=10_000)], {}, {}),
    "endless instances": ([disk(gb=1, count="request.gb * request.gb")], {}, {"gb": HUGE}),
    "10,000 needs": ([disk(**{"as": f"r{n}"}) for n in range(10_000)], {}, {}),
    "2^30 slots": ([disk()], tower(30, 2), {"type": "t29"}),
    "10^4 slots": ([disk()], tower(4, 10), {"type": "t3"}),
    "200 levels": ([disk()], tower(200, 1), {"type": "t199"}),
    "itself": ([{"type": "box"}], {}, {}),
    "itself by another": ([{"type": "crate"}], {"crate": {"needs": [{"type": "box"}]}}, {}),
    "both": (in_turn(2, lambda n: "self.zone == r0.zone && self.zone != r0.zone" if n else "true"), {}, {}),
    "same and different": ([disk(gb=1, count=2, same="zone", different="zone")], {}, {}),
    "three zones of two": ([disk(gb=1, count=3, different="zone")], {}, {}),
    "a contradiction at the end": (
        in_turn(21, lambda n: "true" if n < 20 else "self.id != r0.id && self.id == r0.id"),
        {},
        {},
    ),
    "more pigeons than holes": (
        in_turn(25, lambda n: " && ".join(f"self.id != r{m}.id" for m in range(n)) or "true"),
        {},
        {},
    ),
}


def answer(needs: list[dict[str, Any]], types: dict[str, Any], amounts: dict[str, Any]) -> tuple[str, str]:
    """Load the document and ask: the word that is said, and the sentence."""
    known = {
        "disk": {"dimensions": {"gb": {}}, "fields": {"zone": {"kind": "string"}}},
        "box": {"dimensions": {"gb": {}}, "needs": needs},
    }
    try:
        pool = ap.load({"types": known | types, "instances": DISKS}, clock=0)
        before = pool.hash
        found = pool.allocate(amounts.pop("type", "box"), consumer="ada", **amounts)
    except ap.ApportionError as error:
        return type(error).__name__, str(error)
    if isinstance(found, ap.Grant):
        return "granted", ""
    assert pool.hash == before, "a denial changes nothing"
    return found.code, found.message


if __name__ == "__main__":
    for name, case in CASES.items():
        print(json.dumps([name, *answer(*case)]), flush=True)
