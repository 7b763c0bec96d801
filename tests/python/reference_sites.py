"""Small universes: every pool of a few disks, every site of nodes with GPUs in them, and the answers by brute force.

They share no code with the package beyond making the pools.
"""

import itertools
import json
from collections.abc import Iterator

import apportion as ap

# A disk of the small universe: capacity, what is taken of it, status, zone.
Disk = tuple[int, int, str, str]


def disks() -> Iterator[Disk]:
    for capacity in range(3):
        for taken in range(capacity + 1):
            for status, zone in itertools.product(("online", "offline"), "ab"):
                yield capacity, taken, status, zone


def pool_of(inventory: tuple[Disk, ...]) -> ap.Pool:
    pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}, "fields": {"zone": {"kind": "string"}}}}}, clock=0)
    for number, (capacity, taken, status, zone) in enumerate(inventory):
        pool.add(f"d{number}", type="disk", capacity={"gb": capacity}, fields={"zone": zone})
        if taken:
            assert pool.allocate("disk", gb=taken, consumer="somebody", where=f'self.id == "d{number}"')
        pool.change(f"d{number}", state={"status": status})
    return pool


def disk_answer(inventory: tuple[Disk, ...], gb: int, count: int, zone: str) -> str:
    """The class by its definition: what would an empty pool give, and this one?"""
    there = [disk for disk in inventory if disk[3] == zone or not zone]
    if sum(capacity >= gb for capacity, *_ in there) < count:
        return "never"
    free = [capacity - taken for capacity, taken, status, _ in there if status == "online"]
    if sum(each >= gb for each in free) >= count:
        return "granted"
    return "fragmented" if sum(free) >= gb * count else "not_now"


# How a node is chosen: by itself, or by what lies in it.
SCORES = {"blind": "used.cores", "looking": "inside.gpu.free.milli - chosen.gpu.request.milli"}
SITE = {
    "policies": {name: {"score": score} for name, score in SCORES.items()},
    "types": {
        "node": {"dimensions": {"cores": {}}, "policy": "POLICY"},
        "gpu": {"dimensions": {"milli": {}}},
        "job": {
            "dimensions": {"cores": {}, "gpus": {}},
            "needs": [
                {"type": "node", "cores": "request.cores"},
                {"type": "gpu", "on": "node", "count": "request.gpus", "milli": 1, "policy": "together"},
            ],
        },
        "pair": {
            "needs": [
                {"type": "gpu", "as": "left", "milli": 1, "different": "node"},
                {"type": "gpu", "as": "right", "milli": 1, "different": "node"},
            ]
        },
        "twins": {"needs": [{"type": "gpu", "count": 2, "milli": 1, "same": "node"}]},
    },
}
# A node of the small universe: its cores, how many are taken, and its GPUs: free, taken or offline.
Node = tuple[int, int, str]
REQUESTS: list[tuple[str, dict[str, int]]] = [
    *(("job", {"cores": cores, "gpus": gpus}) for cores in (1, 2) for gpus in (1, 2)),
    ("pair", {}),
    ("twins", {}),
]


def nodes_of_site() -> Iterator[Node]:
    parts = ["".join(each) for n in range(3) for each in itertools.combinations_with_replacement("fto", n)]
    for (cores, taken), gpus in itertools.product([(1, 0), (1, 1), (2, 0), (2, 1)], parts):
        yield cores, taken, gpus


def site_of(nodes: tuple[Node, ...], policy: str) -> ap.Pool:
    pool = ap.load(json.dumps(SITE).replace("POLICY", policy).encode(), clock=0)
    for name, (cores, taken, gpus) in zip("mn", nodes, strict=False):
        pool.add(name, type="node", capacity={"cores": cores})
        if taken:
            assert pool.allocate("node", cores=taken, consumer="somebody", where=f'self.id == "{name}"')
        for number, state in enumerate(gpus):
            pool.add(f"{name}{number}", type="gpu", parent=name, capacity={"milli": 1})
            if state == "t":
                assert pool.allocate("gpu", milli=1, consumer="somebody", where=f'self.id == "{name}{number}"')
            elif state == "o":
                pool.change(f"{name}{number}", state={"status": "offline"})
    return pool


def has_room(nodes: tuple[Node, ...], type: str, cores: int = 0, gpus: int = 0) -> bool:
    free = [states.count("f") for _, _, states in nodes]
    if type == "pair":
        return sum(each > 0 for each in free) >= 2
    if type == "twins":
        return max(free, default=0) >= 2
    return any(c - taken >= cores and each >= gpus for (c, taken, _), each in zip(nodes, free, strict=True))
