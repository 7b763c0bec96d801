"""The measures of a run, with the arithmetic written out, and what must hold for every policy."""

import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import apportion as ap
from apportion import simulate
from apportion.simulate import Fleet, Trace, Vm, measure

INF = math.inf
NAMED = ["balance", "balance_count", "closest_capacity", "first", "last", "least_utilised", "most_utilised"]


def _vm(cores: float, ram_gb: float, start: float, end: float) -> Vm:
    return Vm("vm", "tenant", cores, ram_gb, start, end)


@pytest.mark.parametrize(
    ("vms", "servers", "expected"),
    [
        # nothing placed
        ([_vm(4, 4, 0, 1)], [None], (0, 0, 0.0)),
        # window: day 0 to 2. Day 0-1: x holds 4 of 8 cores (0.5). Day 1-2: x and y hold 8 of 16 (0.5)
        ([_vm(4, 1, 0, INF), _vm(4, 1, 1, INF), _vm(1, 1, 2, INF)], ["x", "y", None], (2, 1, 0.5)),
        # memory is scarcer on day 0-1: 6/8; cores on day 1-2: 8/8; mean (0.75 + 1) / 2
        ([_vm(2, 6, 0, INF), _vm(6, 1, 1, INF), _vm(0, 0, 2, INF)], ["x", "x", None], (1, 1, 0.875)),
        # 9 cores need ceil(9 / 8) = 2 servers; three are used. 9 / 24 all the time
        ([_vm(3, 1, 0, INF)] * 3 + [_vm(0, 0, 4, INF)], ["x", "y", "z", None], (3, 2, 0.375)),
        # one leaves when the other comes: never two at once
        ([_vm(8, 1, 0, 1), _vm(8, 1, 1, 2)], ["x", "x"], (1, 1, 1.0)),
        # idle time does not count: x holds 4 of 8 on day 0-1, nothing on day 1-3
        ([_vm(4, 1, 0, 1), _vm(4, 1, 3, 4)], ["x", "x"], (1, 1, 0.5)),
        # before day 0 does not count: 8 of 8 until day 0, then 2 of 8 until day 1
        ([_vm(6, 1, -5, 0), _vm(2, 1, -5, INF), _vm(0, 0, 1, 2)], ["x", "x", None], (1, 1, 0.25)),
    ],
)
def test_measures(vms: list[Vm], servers: list[str | None], expected: tuple[int, int, float]) -> None:
    assert measure(Trace("", "", tuple(vms)), Fleet(9, cores=8, ram_gb=8), servers) == expected


def event_by_event(trace: Trace, fleet: Fleet, servers: list[str | None]) -> tuple[int, int, float]:
    """What `measure` gives, one event after the other."""
    held: Counter[str] = Counter()
    used, peak, bound, area, span, before = [0, 0], 0, 0, 0.0, 0.0, -INF
    first, last = trace.window
    for event in [*trace.events(), None]:
        if event is not None and servers[event.vm] is None:
            continue
        days = min(INF if event is None else event.time, last) - max(before, first)
        if days > 0 and held:
            area += days * max(sums / (size * len(held)) for sums, size in zip(used, fleet.steps, strict=True))
            span += days
        if event is None:
            break
        vm, server, sign = trace.vms[event.vm], str(servers[event.vm]), 1 if event.arrives else -1
        held[server] += sign
        held += Counter()  # drops zeros
        asked = [math.ceil(round(units * 1000, 6)) for units in (vm.cores, vm.ram_gb)]
        used = [sums + sign * steps for sums, steps in zip(used, asked, strict=True)]
        peak = max(peak, len(held))
        bound = max(bound, *(math.ceil(sums / size) for sums, size in zip(used, fleet.steps, strict=True)))
        before = event.time
    return peak, bound, area / span if span else 0.0


@pytest.mark.parametrize("seed", range(8))
def test_measures_as_event_by_event(seed: int) -> None:
    source = random.Random(seed)
    trace, fleet = simulate.synthetic(200, seed=seed), Fleet(7, cores=20, ram_gb=300)
    servers = [source.choice(["s1", "s2", "s3", "s4", None]) for _ in trace.vms]
    assert measure(trace, fleet, servers) == event_by_event(trace, fleet, servers)


def test_measures_of_amounts_beyond_64_bits() -> None:
    # 3 x 10^16 GB = 3 x 10^19 steps on servers of 10^9 GB = 10^12 steps
    vms = [_vm(1, 1e16, 0, INF)] * 3
    assert measure(Trace("", "", (*vms, _vm(0, 0, 1, INF))), Fleet(1, 1, 1e9), ["x"] * 3 + [None]) == (
        1,
        30_000_000,
        3e7,
    )


def one_by_one(trace: Trace, pool: ap.Pool) -> list[str | None]:
    """What `decide` gives, in single calls."""
    events = trace.events()
    held: dict[int, Any] = {}
    for event in events:
        pool.tick((event.time - events[0].time) * 86_400)
        vm = trace.vms[event.vm]
        if event.arrives:
            held[event.vm] = pool.allocate("server", consumer=vm.tenant, cores=vm.cores, gb=vm.ram_gb)
        elif held[event.vm]:
            pool.release(held[event.vm])
    return [held[vm].instance if held[vm] else None for vm in range(len(trace.vms))]


@pytest.mark.parametrize("policy", NAMED)
def test_decides_as_one_by_one(policy: str) -> None:
    trace, fleet = simulate.synthetic(300, seed=4), Fleet(3, cores=48, ram_gb=512)
    pool, twin = simulate.make_pool(fleet, policy), simulate.make_pool(fleet, policy)
    servers, _ = simulate.decide(trace, pool)
    assert servers == one_by_one(trace, twin)
    assert None in servers
    assert (pool.hash, len(pool.journal)) == (twin.hash, len(twin.journal))
    assert pool.snapshot() == twin.snapshot()


def test_a_trace_without_machines() -> None:
    trace, pool = Trace("", "", ()), simulate.make_pool(Fleet(1, 1, 1), "first")
    assert simulate.decide(trace, pool)[0] == []
    assert measure(trace, Fleet(1, 1, 1), []) == (0, 0, 0.0)


@pytest.mark.parametrize("policy", NAMED)
def test_what_holds_for_every_policy(policy: str) -> None:
    trace = simulate.synthetic(250, seed=5)
    told: list[int] = []
    outcome = simulate.run(trace, Fleet(5, cores=96, ram_gb=2048), policy, progress=told.append)
    assert outcome.placed + outcome.denied == 250
    assert outcome.lower_bound <= outcome.peak_instances <= 5
    assert 0 < outcome.mean_utilisation <= 1
    assert sum(told) == len(trace.events())
    assert outcome.seconds > 0 and outcome.events_per_second > 0


def test_the_pool_ends_with_what_outlives_the_trace() -> None:
    trace = simulate.synthetic(150, seed=6)
    pool = simulate.make_pool(Fleet(50, cores=96, ram_gb=2048), "balance")
    servers, _ = simulate.decide(trace, pool)
    assert None not in servers
    assert len(pool.claims) == sum(math.isinf(vm.end) for vm in trace.vms)
    first, last = (min(vm.start for vm in trace.vms), trace.events()[-1].time)
    assert pool.now == pytest.approx((last - first) * 86_400)


def test_policies_of_a_document(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('[policies.mine]\nscore = "self.ordinal"\norder = "max"\n')
    assert simulate.policies_in(mine) == ["mine"]
    trace, fleet = simulate.synthetic(120, seed=8), Fleet(4, cores=96, ram_gb=2048)
    own, _ = simulate.decide(trace, simulate.make_pool(fleet, "mine", mine))
    last, _ = simulate.decide(trace, simulate.make_pool(fleet, "last"))
    assert own == last


def test_misuse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ap.UnknownName, match="no policy 'nearest'; there are balance, "):
        simulate.make_pool(Fleet(1, 1, 1), "nearest")
    with pytest.raises(ap.RequestError, match="a fleet has 1 to 1,000,000 servers"):
        Fleet(0, 1, 1)
    (tmp_path / "bad.toml").write_text('[policies.mine]\nscor = "0"\n')
    with pytest.raises(ap.DocumentError, match="line 2"):
        simulate.make_pool(Fleet(1, 1, 1), "mine", tmp_path / "bad.toml")
