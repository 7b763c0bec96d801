"""The experiment of `apportion.simulate.openb` written out in plain Python: every node is looked at for every pod."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from apportion.simulate import openb


class Pod(NamedTuple):
    millicores: int
    mib: int
    gpus: int
    milli: int
    models: tuple[str, ...]

    @property
    def kind(self) -> str:
        return "" if self.gpus == 0 else "share" if self.milli < 1000 else str(self.gpus)


@dataclass
class Node:
    row: int
    millicores: int
    mib: int
    milli: list[int]
    model: str
    scarcity: float
    kinds: set[str] = field(default_factory=set)


class Typical(NamedTuple):
    count: int
    pod: Pod


Choice = list[int]
"""The GPUs that a pod would get, by their numbers."""


def typical_of(pods: list[Pod]) -> list[Typical]:
    """The most frequent kinds, memory apart, until 95 % of the list are among them."""
    kinds = [(p.millicores, p.milli, p.gpus, "|".join(p.models)) for p in pods]
    ranked = sorted({(kinds.count(kind), kind) for kind in kinds}, reverse=True)
    found: list[Typical] = []
    for count, (cores, milli, gpus, models) in ranked:
        if sum(each.count for each in found) >= 0.95 * len(pods):
            break
        found.append(Typical(count, Pod(cores, 0, gpus, milli, tuple(filter(None, models.split("|"))))))
    return found


def of_no_use(node: Node, typical: list[Typical]) -> int:
    """Free thousandths that a typical pod cannot use, times how many there are of it."""
    total = 0
    for count, pod in typical:
        large = [free for free in node.milli if free >= pod.milli]
        allowed = not pod.models or node.model in pod.models
        usable = pod.gpus > 0 and allowed and len(large) >= pod.gpus and pod.millicores <= node.millicores
        total += count * (sum(node.milli) - (sum(large) if usable else 0))
    return total


def take(node: Node, pod: Pod, gpus: Choice) -> None:
    node.millicores -= pod.millicores
    node.mib -= pod.mib
    for gpu in gpus:
        node.milli[gpu] -= pod.milli


def after(node: Node, pod: Pod, gpus: Choice) -> Node:
    copy = Node(node.row, node.millicores, node.mib, list(node.milli), node.model, node.scarcity)
    take(copy, pod, gpus)
    return copy


class World:
    """A cluster in the order of arrivals' nodes."""

    def __init__(self, workload: openb.Workload, order: list[int]) -> None:
        nodes, pods = workload.nodes, workload.pods
        columns = (pods.millicores, pods.mib, pods.gpus, pods.milli)
        self.pods = [Pod(*map(int, row[:4]), row[4]) for row in zip(*columns, pods.models, strict=True)]
        self.typical = typical_of(self.pods)
        self.weight = sum(each.count for each in self.typical)
        wanting = [pod for pod in self.pods if pod.gpus]
        asked = sum(pod.milli * pod.gpus for pod in wanting)
        self.millicores_per_milli = round(sum(pod.millicores for pod in wanting) / asked, 6)
        there: dict[str, int] = {}
        for model, gpus in zip(nodes.model, nodes.gpus.tolist(), strict=True):
            there[model] = there.get(model, 0) + 1000 * gpus
        self.scarcity = {
            model: round(
                sum(p.milli * p.gpus / sum(there.get(m, 0) for m in p.models) for p in self.pods if model in p.models),
                6,
            )
            for model in there
        }
        self.nodes = [
            Node(
                row,
                int(nodes.millicores[row]),
                int(nodes.mib[row]),
                [1000] * int(nodes.gpus[row]),
                nodes.model[row],
                self.scarcity[nodes.model[row]],
            )
            for row in order
        ]

    def fragmentation(self) -> float:
        return sum(of_no_use(node, self.typical) for node in self.nodes) / self.weight

    def rise(self, node: Node, pod: Pod, gpus: Choice) -> float:
        return (of_no_use(after(node, pod, gpus), self.typical) - of_no_use(node, self.typical)) / self.weight

    def stranded(self, node: Node) -> float:
        return max(0.0, sum(node.milli) - node.millicores / self.millicores_per_milli)


def best_fit(world: World, node: Node, pod: Pod, gpus: Choice) -> int:
    left = (node.millicores - pod.millicores) / 128000 * 0.5
    left += (sum(node.milli) - pod.milli * pod.gpus) / 8000 * 0.5
    return math.trunc((1 - left) * 100)


def dot_product(world: World, node: Node, pod: Pod, gpus: Choice) -> int:
    product = (node.millicores / 128000) * (pod.millicores / 128000)
    product += (sum(node.milli) / 8000) * (pod.milli * pod.gpus / 8000)
    return math.trunc(100 * (1 - product / 2))


def gpu_packing(world: World, node: Node, pod: Pod, gpus: Choice) -> int:
    if pod.gpus == 0:
        return 0
    free = node.milli.count(1000)
    if free == len(node.milli):
        return max(33 - free, free)
    broken = sum(node.milli[gpu] == 1000 for gpu in gpus)
    if broken > 0:
        return max(50 - broken, 33)
    return max(100 - sum(node.milli[gpu] // 10 for gpu in gpus) // 10, 50)


def gpu_clustering(world: World, node: Node, pod: Pod, gpus: Choice) -> int:
    if pod.gpus == 0:
        return 0
    full = math.floor(25 * (8000 - sum(node.milli)) / 8000)
    if pod.kind in node.kinds:
        return full + (75 if len(node.kinds) == 1 else 50)
    return full + (0 if node.kinds else 25)


def fgd(world: World, node: Node, pod: Pod, gpus: Choice) -> int:
    return math.trunc(1 / (1 + math.exp(world.rise(node, pod, gpus) / 1000)) * 100)


def fgd_unstranded(world: World, node: Node, pod: Pod, gpus: Choice) -> int:
    gain = 0.5 * (world.stranded(node) - world.stranded(after(node, pod, gpus)))
    gain -= world.rise(node, pod, gpus) + 1 * node.scarcity * pod.milli * pod.gpus
    return math.floor(0.000001 + gain / 10)


Score = Callable[[World, Node, Pod, Choice], int]
SCORES: dict[str, Score] = {
    each.__name__: each for each in (best_fit, dot_product, gpu_packing, gpu_clustering, fgd, fgd_unstranded)
}
TOGETHER = {"fgd", "fgd_unstranded"}


def choices(node: Node, pod: Pod, together: bool) -> list[Choice]:
    """The GPUs that may be taken: any one where the score decides, else the tightest; none: no room."""
    allowed = not pod.models or node.model in pod.models
    fitting = [gpu for gpu, free in enumerate(node.milli) if free >= pod.milli]
    if not allowed or pod.millicores > node.millicores or pod.mib > node.mib or len(fitting) < pod.gpus:
        return []
    if together and pod.gpus == 1:
        return [[gpu] for gpu in fitting]
    return [sorted(fitting, key=lambda gpu: (node.milli[gpu], gpu))[: pod.gpus]]


def play(workload: openb.Workload, arrivals: openb.Arrivals, policy: str) -> tuple[list[tuple[int, Choice]], World]:
    """Where every arrival goes: the row of its node and the GPUs, -1 for nowhere."""
    world = World(workload, arrivals.nodes.tolist())
    placed: list[tuple[int, Choice]] = []
    for row in arrivals.pods.tolist():
        pod = world.pods[row]
        best: tuple[int, Node, Choice] | None = None
        for node in world.nodes:
            for gpus in choices(node, pod, policy in TOGETHER):
                score = SCORES[policy](world, node, pod, gpus)
                if best is None or score > best[0]:
                    best = (score, node, gpus)
        if best is None:
            placed.append((-1, []))
            continue
        take(best[1], pod, best[2])
        best[1].kinds |= {pod.kind} - {""}
        placed.append((best[1].row, best[2]))
    return placed, world


def curves(
    workload: openb.Workload, arrivals: openb.Arrivals, placed: list[tuple[int, Choice]]
) -> list[tuple[int, float, float]]:
    """After each arrival: the percent that has arrived, what is allocated and what is of no use, rounded records."""
    world = World(workload, arrivals.nodes.tolist())
    by_row = {node.row: node for node in world.nodes}
    records, arrived, used = [], 0, 0
    for row, (place, gpus) in zip(arrivals.pods.tolist(), placed, strict=True):
        pod = world.pods[row]
        arrived += pod.milli * pod.gpus
        if place >= 0:
            take(by_row[place], pod, gpus)
            used += pod.milli * len(gpus)
        hundredth = workload.capacity / 100
        idle = workload.capacity - used
        lost = round(100 * world.fragmentation() / idle, 2) if idle else 0.0
        records.append((round(arrived / hundredth), round(used / hundredth, 2), lost))
    return records
